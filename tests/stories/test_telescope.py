"""Quantities telescope: the database and the pure function agree on any span, and parts of a span sum to it."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from core.database import transaction
from core.time import instant, micros, midnight, zone
from ingest.counter import Part, Rule
from ingest.course import Course
from ingest.path import Bound, course_of, plain
from ingest.rollup import run
from ingest.store import counter
from tests.stories import test_counter_store as counters
from tests.stories.test_counter_store import HOUR, START, Need, Series

pytestmark = pytest.mark.services
LIVES, SPANS = 400, 250
MINUTE = 60_000_000


def told(engine: Engine, many: Sequence[Series]) -> None:
    """What is known first, rolled up in part; then what becomes known late, rolled up less far; the rest is raw."""
    counters.declare(engine, counters.as_file(many))
    with transaction(engine) as connection:
        registers = counters.ids(connection)
    rows = [
        (registers[bound.device], at, value, counters._known((at, value)))
        for one in many
        for bound in one.bounds
        for at, value in bound.readings
    ]
    for known, closed in ((1, 60), (2, 110)):
        with transaction(engine) as connection:
            connection.execute(text("UPDATE core.knowledge SET n = :n"), {"n": known})
            counters.insert(connection, [row for row in rows if row[3] == known])
            if known == 1:
                for one in many:
                    for bound in one.bounds:
                        counters.declare_epochs(connection, registers[bound.device], bound.epochs)
        run.roll_up(engine, instant(START + closed * HOUR + 11 * MINUTE))


def whole(one: Series, known: int) -> Course:
    """The pure function's view of a life."""
    rate = one.need.max_rate or counters.REGISTER_RATE
    rule = Rule(
        one.need.on_reset,  # type: ignore[arg-type]
        one.need.boundary,  # type: ignore[arg-type]
        modulus=10_000 if one.need.modulus else None,
        max_rate=rate.to("km/h") * 1000 / Fraction(HOUR),
        max_gap=one.need.max_gap,
        tolerance=one.tolerance,
        glitch=one.glitch,
    )
    seen = [b._replace(readings=tuple(r for r in b.readings if counters._known(r) <= known)) for b in one.bounds]
    return course_of([counters._inside(bound) for bound in seen], rule)


def parts(course: Course, instants: Sequence[int]) -> tuple[Part, ...]:
    return tuple(part._replace(device=plain(part.device)) for part in course.parts(instants))


def used(found: Sequence[Part]) -> int:
    return sum(part.closing - part.opening - part.removed for part in found)


@pytest.mark.slow
def test_the_database_agrees_with_the_pure_function_on_200_000_spans(engine: Engine) -> None:
    """400 lives, each as first known and as known late, 250 spans each; and some spans looked for alone."""
    chance = random.Random(20_261_122)  # noqa: S311 - repeatable
    many = [counters.series(n, chance) for n in range(LIVES)]
    told(engine, many)
    count = 0
    for known in (1, 2):
        courses = [whole(one, known) for one in many]
        needs = [replace(one.need, instants=minutes(chance, 60)) for one in many]
        alone = [(n, replace(many[n].need, instants=minutes(chance, 2))) for n in range(LIVES) for _ in range(5)]
        with transaction(engine) as connection:
            found = counter.load(connection, [*needs, *(need for _, need in alone)], known=known)
        for (n, need), got in zip([*enumerate(needs), *alone], found, strict=True):
            assert got.parts == parts(courses[n], need.instants), (many[n], need, known)
        for n, got in enumerate(found[:LIVES]):
            for first, last in (minutes(chance, 2, of=needs[n].instants) for _ in range(SPANS)):
                inside = [part for part in got.parts if first <= part.start < last]
                assert used(inside) == used(courses[n].parts((first, last))), (many[n], first, last)
                count += 1
    assert count == 200_000


def minutes(chance: random.Random, count: int, *, of: Sequence[int] = ()) -> tuple[int, ...]:
    """Instants, at random or of these."""
    return tuple(sorted(chance.sample(of or range(START - 3600 * MINUTE, START + 12_600 * MINUTE, MINUTE), count)))


@pytest.mark.parametrize("name", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin"])
def test_days_of_any_zone_sum_to_the_span(engine: Engine, name: str) -> None:
    """Local midnights, half and three quarters of an hour beside the hours that are rolled up."""
    chance = random.Random(7)  # noqa: S311 - repeatable
    many = [counters.series(n, chance) for n in range(60)]
    told(engine, many)
    where, first = zone(name), date(2026, 5, 30)
    days = tuple(micros(midnight(first + timedelta(days=n), where)) for n in range(12))
    needs = [replace(one.need, instants=days) for one in many]
    totals = [replace(one.need, instants=(days[0], days[-1])) for one in many]
    with transaction(engine) as connection:
        cut, uncut = (counter.load(connection, asked, known=2) for asked in (needs, totals))
    for one, asked, got in (*zip(many, needs, cut, strict=True), *zip(many, totals, uncut, strict=True)):
        assert got.parts == parts(whole(one, 2), asked.instants), one
    assert [used(one.parts) for one in cut] == [used(one.parts) for one in uncut]
    assert sum(used(one.parts) for one in cut) > 0


readings = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3000)), min_size=1, max_size=25, unique_by=lambda r: r[0]
)
cuts = st.sets(st.integers(-20, 420), min_size=2, max_size=6).map(sorted)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings, cuts, st.lists(st.integers(0, 430), max_size=4), st.randoms(use_true_random=False))
def test_order_and_delay_change_nothing(
    engine: Engine, series: list[tuple[int, int]], instants: list[int], ticks: list[int], chance: random.Random
) -> None:
    """The same readings, in any order, in any batches, between any roll-ups, count as if they had come by time.

    Minutes and ticks; every example has a register of its own.
    """
    name = f"L{next(NUMBERS)}"
    file = {"devices": [{"device": name, "asset": name, "position": "vehicle", "registers": [counters.ODOMETER]}]}
    counters.declare(engine, file)
    shuffled = chance.sample(series, len(series))
    batches = [shuffled[n::3] for n in range(3)]
    with transaction(engine) as connection:
        register = counters.ids(connection)[name]
    for batch, tick in zip(batches, [*ticks, 0, 0, 0], strict=False):
        with transaction(engine) as connection:
            known = int(connection.execute(text("SELECT core.draw_knowledge()")).scalar_one())
            if batch:
                rows = [(register, START + at * 20 * MINUTE, value, known) for at, value in batch]
                counters.insert(connection, rows)
        run.roll_up(engine, instant(START + tick * 20 * MINUTE))
    need = Need(name, "vehicle/odometer", tuple(START + at * 20 * MINUTE for at in instants))
    bound = Bound(name, 0, None, None, None, tuple((START + at * 20 * MINUTE, v) for at, v in sorted(series)))
    course = course_of([bound], Rule())
    with transaction(engine) as connection:
        (found,) = counter.load(connection, [need], known=known)
    assert found.parts == parts(course, need.instants)
    pieces = [used(parts(course, pair)) for pair in pairwise(need.instants)]
    assert sum(pieces) == used(found.parts)


NUMBERS = iter(range(10_000))
