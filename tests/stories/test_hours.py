"""Hours of counters, gauges and states: from roll-ups, and the same as from every reading, as of any number."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from core.database import transaction
from core.grain import cuts
from core.time import instant, micros, zone
from ingest.store import counter, hold, hourly
from ingest.store.counter import Asked
from tests.stories import test_counter_store as counters
from tests.stories.test_counter_store import HOUR, START, Need, Series
from tests.stories.test_telescope import MINUTE, parts, told, whole

pytestmark = pytest.mark.services
DAYS = (instant(START) - timedelta(hours=30, minutes=17), instant(START) + timedelta(hours=200))


@pytest.fixture(scope="module")
def many() -> list[Series]:
    chance = random.Random(19)  # noqa: S311 - repeatable
    return [counters.series(n, chance) for n in range(40)]


@pytest.mark.parametrize("name", ["Europe/Berlin", "Asia/Kolkata"])
def test_local_hours_are_the_same_from_roll_ups_and_from_readings(
    engine: Engine, many: list[Series], name: str
) -> None:
    """Known first and known late, rolled up in part, with falls, spikes, exchanges and declared resets."""
    told(engine, many)
    hours = tuple(micros(at) for at in cuts(*DAYS, "hour", zone(name)))
    needs = [replace(one.need, instants=hours) for one in many]
    for known in (1, 2):
        with transaction(engine) as connection:
            found = hourly.load(connection, needs, known=known)
            plain = counter.load(connection, needs, known=known)
        for one, need, got, same in zip(many, needs, found, plain, strict=True):
            assert got.parts == parts(whole(one, known), need.instants), (one, known)
            assert got == same


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
