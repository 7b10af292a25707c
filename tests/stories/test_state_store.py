"""States from the database, held against minutes painted one by one."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from core.clock import now
from core.database import transaction
from core.time import instant, micros
from ingest import catalogue, run
from ingest.store import state
from ingest.store.state import Said
from tests.stories.test_counter_store import ids, insert

pytestmark = pytest.mark.services

START = micros(datetime(2026, 6, 1, tzinfo=UTC))
MINUTE = 60_000_000
NAMES = {1: "running", 2: "idle", 4: "fault"}


@dataclass(frozen=True)
class Need:
    asset: str
    start: int
    end: int
    max_gap: int
    register: str = "vehicle/state"


def declare(engine: Engine, ends: dict[str, int | None]) -> None:
    devices = []
    for asset, end in ends.items():
        device = {"device": f"D{asset}", "asset": asset, "position": "vehicle", "from": text(START - 50 * MINUTE)}
        bound = {} if end is None else {"to": text(end)}
        devices.append({**device, **bound, "registers": [{"register": "state", "kind": "state"}]})
    found = catalogue.of({"devices": devices})
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(engine, found, now(), author="test")


def text(at: int) -> str:
    return instant(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_state_holds_until_the_next_reading_at_most_for_the_gap(engine: Engine) -> None:
    declare(engine, {"T1": None})
    series = [(-5, 1), (10, 1), (20, 4), (29, 1), (60, 1)]
    with transaction(engine) as connection:
        register = ids(connection)["DT1"]
        insert(connection, [(register, START + at * MINUTE, value, 1) for at, value in series])
        need = Need("T1", START, START + 70 * MINUTE, 15 * MINUTE)
        (found,) = state.load(connection, [need], known=1)
    spans = [(0, 20, "running"), (20, 29, "fault"), (29, 44, "running"), (60, 70, "running")]
    assert found == tuple(Said(START + a * MINUTE, START + b * MINUTE, name) for a, b, name in spans)


def painted(series: list[tuple[int, int]], need: Need, bound_end: int | None) -> tuple[Said, ...]:
    """Minute by minute: the newest reading not older than the gap, while the device serves the asset."""
    spans: list[Said] = []
    for at in range(need.start, need.end, MINUTE):
        heard = [(when, value) for when, value in series if when <= at and (bound_end is None or when < bound_end)]
        if not heard or at - heard[-1][0] >= need.max_gap or (bound_end is not None and at >= bound_end):
            continue
        name = NAMES[heard[-1][1]]
        if spans and (spans[-1].end, spans[-1].category) == (at, name):
            spans[-1] = spans[-1]._replace(end=at + MINUTE)
        else:
            spans.append(Said(at, at + MINUTE, name))
    return tuple(spans)


def test_the_database_agrees_with_painting_minutes_on_random_lives(engine: Engine) -> None:
    chance = random.Random(7)  # noqa: S311 - repeatable
    ends = {f"A{n}": chance.choice([None, START + chance.randrange(20, 300) * MINUTE]) for n in range(150)}
    declare(engine, ends)
    needs, lives = [], []
    for asset in ends:
        ats = sorted(chance.sample(range(-40, 300), chance.randrange(30)))
        lives.append([(START + at * MINUTE, chance.choice([1, 1, 2, 4])) for at in ats])
        first = chance.randrange(-20, 200)
        window = (START + first * MINUTE, START + (first + chance.randrange(1, 150)) * MINUTE)
        needs.append(Need(asset, *window, chance.choice([5, 15, 60]) * MINUTE))
    with transaction(engine) as connection:
        registers = ids(connection)
        rows = [
            (registers[f"D{asset}"], at, value, 2 if at // MINUTE % 5 == 0 else 1)
            for asset, life in zip(ends, lives, strict=True)
            for at, value in life
        ]
        insert(connection, rows)
        for known in (1, 2):
            found = state.load(connection, needs, known=known)
            for need, life, got in zip(needs, lives, found, strict=True):
                seen = [(at, value) for at, value in life if known == 2 or at // MINUTE % 5]
                assert got == painted(seen, need, ends[need.asset]), (need, life, ends[need.asset])
