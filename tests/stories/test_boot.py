"""A counter that a restart sets back: the device's boots say so, whatever the order in which its messages arrive."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from sqlalchemy import Engine, text

from core.database import transaction
from core.store import current_knowledge
from core.time import micros
from ingest import catalogue, run
from ingest.batch import Arrival, Batch, examine
from ingest.store import counter, hold
from ingest.store.counter import Asked
from ingest.store.register import snapshot
from tests.stories.story import SIGNED

pytestmark = pytest.mark.services
START, NOW = datetime(2026, 6, 1, 10, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEVICE = """
devices:
  - device: {name}
    asset: {name}
    position: vehicle
    registers:
      - {{register: trip, kind: counter, unit: km, resets_at_boot: {anew}, max_rate: "200 km/h", glitch_window: 2 h}}
"""


class Said(NamedTuple):
    """A message: (hour, kilometres) of each reading."""

    boot: str
    seq: int
    readings: tuple[tuple[float, int], ...]


A1, A2 = Said("a", 1, ((0, 100),)), Said("a", 2, ((1, 150),))
B1, B2 = Said("b", 1, ((2, 20),)), Said("b", 2, ((2.5, 30),))


def declared(engine: Engine, name: str = "P1", anew: str = "true") -> None:
    found = catalogue.read(DEVICE.format(name=name, anew=anew))
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(engine, found, SIGNED, author="person:test")


def deliver(engine: Engine, *messages: Said, name: str = "P1") -> int:
    """In one transaction; its number."""
    with transaction(engine) as connection:
        registry = snapshot(connection, NOW)
    batch = Batch()
    for n, one in enumerate(messages):
        items = [
            {"register": "trip", "at": (START + hour * HOUR).isoformat(), "value": str(km), "unit": "km"}
            for hour, km in one.readings
        ]
        payload = json.dumps({"v": 1, "boot": one.boot, "seq": one.seq, "readings": items}).encode()
        arrival = Arrival(1, n, 1, f"yardstick/{name}/readings".encode(), payload, micros(NOW))
        batch.add(arrival, examine(arrival, registry))
    assert not batch.refused, batch.refused
    run.write(engine, batch, NOW, client="test")
    with transaction(engine) as connection:
        return current_knowledge(connection)


def used(engine: Engine, known: int | None = None, name: str = "P1") -> tuple[int, int]:
    """Kilometres in the whole day, and holds."""
    end = START + 12 * HOUR
    with transaction(engine) as connection:
        as_of = current_knowledge(connection) if known is None else known
        need = Asked(name, "vehicle/trip", (micros(START), micros(end)), "km")
        (found,) = counter.load(connection, [need], known=as_of)
        held = hold.find(connection, start=START, end=end, known=as_of, asset=name)
    ticks = sum(part.closing - part.opening - part.removed for part in found.parts)
    return ticks // 1000, len(held)


def begun(engine: Engine) -> list[tuple[str, float]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT boot, at FROM ingest.boot ORDER BY known, boot"))
        return [(row.boot, (row.at - START) / HOUR) for row in rows]


def test_a_fall_at_a_changed_boot_is_a_reset_and_one_within_a_boot_a_hold(engine: Engine) -> None:
    declared(engine)
    declared(engine, "P2", anew="false")
    for name in ("P1", "P2"):
        deliver(engine, A1, A2, B1, B2, name=name)
    # 150 - 100 until the restart, 30 since; without the declaration the loss is held, and 10 after it count
    assert (used(engine), used(engine, name="P2")) == ((80, 0), (60, 1))
    deliver(engine, Said("b", 3, ((6, 5),)))
    assert used(engine) == (80, 1)
    deliver(engine, Said("c", 1, ((8, 2),)))
    assert used(engine) == (82, 1), "a new boot explains only its own fall"


def test_what_arrives_late_and_out_of_order_is_exact_as_of_any_knowledge(engine: Engine) -> None:
    declared(engine)
    known = [deliver(engine, one) for one in (A1, B2, B1, A2)]
    # b's later message first: 30 since its start; its first: 20 until 12:00 and 10 since; a's last: 50 more before
    expected = [(0, 0), (30, 0), (30, 0), (80, 0)]
    assert [used(engine, k) for k in known] == expected
    assert begun(engine) == [("a", 0), ("b", 2.5), ("b", 2)]
    deliver(engine, A1, A2, B1, B2)
    assert len(begun(engine)) == 3, "what comes again begins nothing"
    assert [used(engine, k) for k in known] == expected


def test_a_device_that_was_lost_in_between_is_told_by_the_lowest_message_that_is_there(engine: Engine) -> None:
    """Message 1 of b never came, 2 holds no reading: 3 is the first that tells when it was up."""
    declared(engine)
    deliver(engine, A1, A2)
    deliver(engine, Said("b", 2, ()))
    deliver(engine, Said("b", 3, ((3, 40), (4, 60))))
    assert (used(engine), begun(engine)) == ((110, 0), [("a", 0), ("b", 3)])


def test_older_readings_in_later_messages_do_not_move_the_restart(engine: Engine) -> None:
    """After its restart a device first says what is, then sends what it had kept: under its new boot."""
    declared(engine)
    first, then = Said("b", 1, ((2, 20),)), Said("b", 2, ((0.5, 120), (1, 150)))
    known = [deliver(engine, A1), deliver(engine, then), deliver(engine, Said("b", 3, ())), deliver(engine, first)]
    assert [used(engine, k) for k in known] == [(0, 0), (50, 0), (50, 0), (70, 0)]
    assert begun(engine) == [("a", 0), ("b", 0.5), ("b", 2)]


def test_a_restart_is_no_spike_and_too_much_since_is_held(engine: Engine) -> None:
    declared(engine)
    # 150, after a restart 20, and an hour later 160: without the boot the 20 would be a spike (10 km in two hours)
    deliver(engine, A1, A2, Said("b", 1, ((2, 20), (3, 160))))
    assert used(engine) == (50 + 20 + 140, 0)
    # 210 km in one hour since it began at zero: faster than 200 km/h
    deliver(engine, Said("b", 2, ((4, 300),)), Said("c", 1, ((5, 210),)))
    assert used(engine) == (50 + 20 + 140 + 140, 1)


def test_any_order_and_any_batches_come_to_the_same(engine: Engine) -> None:
    chance = random.Random(7)  # noqa: S311 - the same each time
    said = [Said(boot, seq, ((10 * n + seq, 10 * seq),)) for n, boot in enumerate("abcde") for seq in (1, 2, 3)]
    said = [one._replace(readings=tuple((hour / 5, km) for hour, km in one.readings)) for one in said]
    for n in range(4):
        name = f"P{n}"
        declared(engine, name)
        order = chance.sample(said, len(said)) + said[:4]
        while order:
            deliver(engine, *order[: (size := chance.randint(1, 5))], name=name)
            order = order[size:]
        # 20 within the first boot, 30 in each of four others
        assert used(engine, name=name) == (140, 0), n
