"""Hours of counters, gauges and states: from roll-ups, and the same as from every reading, as of any number."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from sqlalchemy import Engine, text

from core.database import transaction
from core.grain import Grain, cuts
from core.store import current_knowledge, draw_knowledge
from core.time import instant, micros, zone
from ingest.rollup import run
from ingest.store import completeness, counter, hold, hourly, level, mean, retention
from ingest.store.counter import Asked
from ingest.store.retention import Resting
from tests.stories import test_counter_store as counters
from tests.stories import test_rollup as rollups
from tests.stories.test_counter_store import HOUR, START, Need, Series
from tests.stories.test_telescope import MINUTE, parts, told, whole

pytestmark = pytest.mark.services
DAYS = (instant(START) - timedelta(hours=30, minutes=17), instant(START) + timedelta(hours=200))


@pytest.fixture(scope="module")
def many() -> list[Series]:
    chance = random.Random(19)  # noqa: S311 - repeatable
    return [counters.series(n, chance) for n in range(30)]


def test_local_hours_are_the_same_from_roll_ups_and_from_readings(engine: Engine, many: list[Series]) -> None:
    """Known first and known late, rolled up in part, with falls, spikes, exchanges and declared resets."""
    told(engine, many)
    for known, name in ((1, "Europe/Berlin"), (2, "Europe/Berlin"), (2, "Asia/Kolkata")):
        needs = [replace(one.need, instants=hours_of(name)) for one in many]
        with transaction(engine) as connection:
            found = hourly.load(connection, needs, known=known)
            plain = counter.load(connection, needs, known=known)
        for one, need, got, same in zip(many, needs, found, plain, strict=True):
            assert got.parts == parts(whole(one, known), need.instants), (one, known)
            assert got == same
    stay_when_readings_are_dropped(engine, [replace(one.need, instants=hours_of("Europe/Berlin")) for one in many])


def hours_of(name: str) -> tuple[int, ...]:
    return tuple(micros(at) for at in cuts(*DAYS, "hour", zone(name)))


def stay_when_readings_are_dropped(engine: Engine, needs: list[Need]) -> None:
    """What a sealed span needs is kept for its ends alone; hours in between come from roll-ups."""
    run.roll_up(engine, instant(START) + timedelta(days=60))
    until = instant(START) + timedelta(days=35)
    ends = [replace(need, instants=(need.instants[0], need.instants[-1])) for need in needs]
    with transaction(engine) as connection:
        before = hourly.load(connection, needs, known=2)
        retention.move(connection, until)
        kept = retention.keep(connection, Resting(2, ends, (), ()), since=None, until=until)
        retention.note_kept(connection, until)
    with transaction(engine) as connection:
        count = retention.count(connection, until)
        assert retention.drop(connection, until) > 0
        assert kept < count
    with transaction(engine) as connection:
        left = connection.execute(text("SELECT count(*) FROM ingest.reading")).scalar_one()
        assert hourly.load(connection, needs, known=2) == before
    assert left < count / 2


def test_no_hold_is_missed_where_nothing_seems_steep(engine: Engine, many: list[Series]) -> None:
    """The work list looks at few counters; each, looked at by itself over the same span, holds the same."""
    told(engine, many)
    chance = random.Random(20)  # noqa: S311 - repeatable
    spans = [sorted(chance.sample(range(-60, 240), 2)) for _ in range(12)]
    listed = 0
    for known in (1, 2):
        for span in spans:
            start, end = (START + hour * HOUR + 7 * MINUTE for hour in span)
            with transaction(engine) as connection:
                found = hold.find(connection, start=instant(start), end=instant(end), known=known)
                needs = [Asked(one.asset, "vehicle/odometer", (start, end), "km") for one in many]
                lives = counter.lives(connection, needs, known=known)
            alone = [one for need, life in zip(needs, lives, strict=True) for one in hold.held(need, life)]
            assert sorted(found) == sorted(alone)
            listed += len(found)
    assert listed > 100


def test_gauges_by_stretch_are_what_their_readings_say_as_of_any_number(engine: Engine) -> None:
    """Written, corrected and late, between roll-ups; stretches that fit no hour, in zones that do and that do not."""
    fleet = rollups.Life(engine, random.Random(21))  # noqa: S311 - repeatable
    marks, chance = [], random.Random(22)  # noqa: S311 - repeatable
    for now in range(0, 1500, 50):
        with transaction(engine) as connection:
            fleet.batch(connection, max(0, now - 900) if now % 250 == 0 else now, now + 50)
        if now % 150 == 0:
            run.roll_up(engine, rollups.at(now))
        if now % 300 == 250:
            with transaction(engine) as connection:
                marks.append(current_knowledge(connection))
    span = instant(START) - timedelta(hours=2), instant(START) + timedelta(minutes=1480)
    for known, name, grain in zip(marks, ("UTC", "Asia/Kolkata", "UTC", "Asia/Kathmandu", "UTC"), GRAINS, strict=True):
        edges = cuts(*span, grain, zone(name))
        for n in range(rollups.ASSETS):
            register = fleet.registers[f"D{n}", "level"]
            with transaction(engine) as connection:
                (served,) = [
                    one
                    for one in completeness.registers(connection, f"A{n}", start=span[0], end=span[1], known=known)
                    if one.kind == "gauge"
                ]
                found = level.load(connection, [served], edges, known=known)
                until = edges[-1] - timedelta(hours=chance.randrange(3), minutes=20)
                limited = [served._replace(max_gap=gap) for gap in (None, timedelta(minutes=7), timedelta(hours=5))]
                means = [mean.load(connection, [one], edges, known=known, until=until) for one in limited]
                # Whatever is asked for, what held before it began counts.
                later = [mean.load(connection, [one], edges[2:], known=known, until=until) for one in limited]
                assert later == [whole[2:] for whole in means]
            readings = fleet.readings(register, known)
            assert [one[2:] for one in found] == [inside(readings, a, b) for a, b in pairwise(edges)], (n, known)
            for one, got in zip(limited, means, strict=True):
                assert got == [held(readings, a, b, until, one.silence) for a, b in pairwise(edges)], (n, known, one)


def test_an_hour_that_was_sealed_before_means_were_kept_is_unknown(engine: Engine, admin_engine: Engine) -> None:
    """Four hours with readings at 0, 20 and 40 minutes; of the second and third only what older roll-ups knew is left.

    10 l and 30 l in turn: each third of an hour, so the first hour holds 10, 30, 10 and the last one 30, 10, 30.
    """
    fleet = rollups.Life(engine, random.Random(1))  # noqa: S311 - not used
    register = fleet.registers["D1", "level"]
    with transaction(engine) as connection:
        known = draw_knowledge(connection)
        rows = [(register, START + n * 20 * rollups.MINUTE, (10_000, 30_000)[n % 2], known) for n in range(12)]
        counters.insert(connection, rows)
    run.roll_up(engine, rollups.at(300))
    old = {"start": rollups.at(60), "end": rollups.at(180)}
    with admin_engine.begin() as connection:
        forget = "UPDATE ingest.gauge_hour SET first_at = NULL, area = NULL, longest = NULL"
        connection.execute(text(f"{forget} WHERE hour >= :start AND hour < :end"), old)
    edges = [rollups.at(60 * n) for n in range(5)]
    with transaction(engine) as connection:
        (served,) = [
            one
            for one in completeness.registers(connection, "A1", start=edges[0], end=edges[-1], known=known)
            if one.kind == "gauge"
        ]
        means = mean.load(connection, [served._replace(max_gap=None)], edges, known=known, until=edges[-1])
    # Known of the second hour is only that 30 l hold from 01:40 to 02:00, and of the third 10 l from 02:40 to 03:00.
    third = Fraction(1, 3)
    assert means == [(50 * third, 1), (30, third), (10, third), (70 * third, 1)]


def held(
    readings: list[tuple[int, int]], start: datetime, end: datetime, until: datetime, silence: timedelta | None
) -> tuple[Fraction | None, Fraction]:
    """By the definition, one reading after the other: ticks are a thousandth of the unit."""
    area = known = 0
    last = min(micros(end), micros(until))
    nexts = [*(at for at, _ in readings[1:]), last]
    for (at, ticks), following in zip(readings, nexts[: len(readings)], strict=True):
        ends = following if silence is None else min(following, at + silence // timedelta(microseconds=1))
        took = max(0, min(ends, last) - max(at, micros(start)))  # readings from `until` on come to nothing
        area, known = area + ticks * took, known + took
    over = max(0, last - micros(start))
    return Fraction(area, known * 1000) if known else None, Fraction(known, over) if over else Fraction(0)


GRAINS: tuple[Grain, ...] = ("hour", "hour", "day", "day", "week")


def inside(readings: list[tuple[int, int]], start: datetime, end: datetime) -> tuple[object, ...]:
    """How many there are, the lowest, the highest and the last in litres, and when that was."""
    some = sorted((at, ticks) for at, ticks in readings if micros(start) <= at < micros(end))
    if not some:
        return 0, None, None, None, None
    litres = [Decimal(ticks).scaleb(-3) for _, ticks in some]
    return len(some), min(litres), max(litres), litres[-1], instant(some[-1][0])
