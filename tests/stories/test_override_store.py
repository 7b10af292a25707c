"""Corrected readings: the database counts with them as the pure function does."""

import random
from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import Connection, Engine, text

from contracts.facts import GaugeNeed
from core.database import transaction
from core.time import instant
from ingest.override import Override, Raw, effective
from ingest.store import counter, gauge, state
from tests.stories import test_counter_store as counters
from tests.stories import test_state_store as states
from tests.stories.test_counter_store import HOUR, START, ids, insert

pytestmark = pytest.mark.services
CORRECT = text("""
    INSERT INTO ingest.reading_override (register, at, value, known, author, reason)
    VALUES (:register, :at, :value, :known, 'test', 'test')
""")
REGISTERS = [counters.ODOMETER, {"register": "state", "kind": "state"}]
LIVES = 60


def correct(connection: Connection, register: int, overrides: list[Override]) -> None:
    for one in overrides:
        row = {"register": register, "at": instant(one.at), "value": one.value, "known": one.known}
        connection.execute(CORRECT, row)


def test_the_newest_correction_known_holds_and_a_void_reading_is_none(engine: Engine) -> None:
    device = {"device": "D", "asset": "T1", "position": "vehicle", "registers": [counters.ODOMETER]}
    counters.declare(engine, {"devices": [device]})
    with transaction(engine) as connection:
        odometer = ids(connection)["D"]
        insert(connection, [(odometer, START + h * HOUR, v, 1) for h, v in ((0, 1000), (4, 9000), (8, 2000))])
        correct(connection, odometer, [Override(START + 4 * HOUR, 1300, 2), Override(START + 4 * HOUR, None, 3)])
        closing = [
            counter.load(connection, [counters.day("T1", 0, 4)], known=known)[0].parts[0].closing for known in (1, 2, 3)
        ]
    # As received; as corrected; void: half way between 1000 and 2000.
    assert closing == [9000, 1300, 1500]


def test_a_corrected_level_is_the_one_that_duties_see(engine: Engine) -> None:
    pressure = {"register": "pressure", "kind": "gauge", "unit": "bar", "resolution": "0.001 bar"}
    device = {"device": "G", "asset": "T1", "position": "tyre", "registers": [pressure]}
    counters.declare(engine, {"devices": [device]})
    with transaction(engine) as connection:
        gauge_id = ids(connection)["G"]
        insert(connection, [(gauge_id, START + h * HOUR, v, 1) for h, v in ((0, 8100), (4, 500), (8, 8200))])
        correct(connection, gauge_id, [Override(START, 8000, 2), Override(START + 4 * HOUR, None, 2)])
        need = GaugeNeed("T1", "tyre/pressure", START + HOUR, START + 9 * HOUR, "bar")
        shown = [[one.ticks for one in gauge.load(connection, [need], known=known)[0].levels] for known in (1, 2)]
    # As received; with the level before the stretch corrected and the one inside it void.
    assert shown == [[8100, 500, 8200], [8000, 8200]]


def test_the_database_agrees_with_the_pure_function_on_random_lives(engine: Engine) -> None:
    """One asset has readings and corrections, its twin what the pure function makes of them."""
    chance = random.Random(11)  # noqa: S311 - repeatable
    known = 3
    pairs = list(product(range(LIVES), ("raw", "twin")))
    devices = [
        {"device": f"{n}-{kind}", "asset": f"{n}-{kind}", "position": "vehicle", "registers": REGISTERS}
        for n, kind in pairs
    ]
    counters.declare(engine, {"devices": devices})
    rows = text(
        "SELECT d.name || '/' || r.name AS path, r.id FROM ingest.register r JOIN ingest.device d ON d.id = r.device"
    )
    with transaction(engine) as connection:
        registers = {row.path: row.id for row in connection.execute(rows)}
        for n, (name, values) in product(range(LIVES), (("odometer", range(3000)), ("state", (1, 2, 4)))):
            ats = [START + h * HOUR for h in chance.sample(range(-10, 60), chance.randrange(25))]
            readings = [Raw(at, chance.choice(values), chance.randrange(1, 5)) for at in ats]
            overrides = [
                Override(at, chance.choice([None, *chance.sample(values, 2)]), k)
                for at in chance.sample(range(START - 10 * HOUR, START + 60 * HOUR, HOUR), 12)
                for k in chance.sample(range(1, 6), chance.randrange(3))
            ]
            insert_all(connection, registers[f"{n}-raw/{name}"], readings)
            correct(connection, registers[f"{n}-raw/{name}"], overrides)
            there = effective(readings, overrides, known=known)
            insert_all(connection, registers[f"{n}-twin/{name}"], [Raw(at, value, 1) for at, value in there])
        metres = {kind: [counters.day(f"{n}-{kind}", 0, 7, 30) for n in range(LIVES)] for kind in ("raw", "twin")}
        said = {
            kind: [states.Need(f"{n}-{kind}", START, START + 50 * HOUR, 3 * HOUR) for n in range(LIVES)]
            for kind in ("raw", "twin")
        }
        counted, twins = (counter.load(connection, metres[kind], known=known) for kind in ("raw", "twin"))
        assert [nameless(one) for one in counted] == [nameless(one) for one in twins]
        assert sum(len(one.parts) for one in counted) > LIVES // 2
        spans, twin_spans = (state.load(connection, said[kind], known=known) for kind in ("raw", "twin"))
        assert spans == twin_spans
        assert sum(map(len, spans)) > LIVES


def insert_all(connection: Connection, register: int, readings: list[Raw]) -> None:
    if readings:
        insert(connection, [(register, *one) for one in readings])


def nameless(one: counter.Counted) -> object:
    return [part._replace(device="") for part in one.parts], [replace(doubt, device="") for doubt in one.doubts]
