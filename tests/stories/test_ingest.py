"""From the broker into the books: everything once, nothing lost, and a reason for what is refused."""

import json
import random
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, text

from core.clock import now
from core.database import connect
from embedded.services import Services
from ingest.batch import Arrival
from ingest.mqtt import Source
from ingest.worker import Ingester
from tests.stories.ingesting import (
    START,
    Ending,
    Process,
    Sent,
    count,
    declare,
    ending,
    eventually,
    ingesting,
    message,
    odometer,
    packs,
    publish,
    reasons,
    stamp,
)

pytestmark = pytest.mark.services


def test_readings_arrive_in_exact_ticks_with_the_text_where_it_was_converted(
    engine: Engine, broker: str, unique: str, device: str
) -> None:
    with ingesting(engine, broker, f"in-{unique}"):
        state = {"register": "state", "at": stamp(START), "value": "idle", "status": "S"}
        publish(
            broker,
            [message(device, odometer(0, "412350.2"), odometer(1, "1", unit="mi"), state, seq=17)],
            client_id=unique,
        )
        eventually(lambda: ending(engine).received == 3)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT value, seq, time_status, raw FROM ingest.reading ORDER BY register, at")
        ).all()
        latest = connection.execute(text("SELECT value FROM ingest.latest ORDER BY register")).scalars().all()
    assert rows == [(412_350_200, 17, None, None), (1609, 17, None, "1 mi"), (2, 17, "S", None)]
    assert latest == [1609, 2]
    assert ending(engine) == Ending(3, 3, 0, 0)


def test_the_same_again_is_a_duplicate_and_another_value_a_conflict(
    engine: Engine, broker: str, unique: str, device: str
) -> None:
    first = message(device, odometer(0, "1"), odometer(1, "2"), odometer(1, "2"), odometer(1, "3"), seq=1)
    again = message(device, odometer(0, "1.000"), odometer(0, "9"), seq=2)
    with ingesting(engine, broker, f"in-{unique}"):
        publish(broker, [first], client_id=unique)
        eventually(lambda: ending(engine).received == 4)
        publish(broker, [again, again], client_id=unique)
        eventually(lambda: ending(engine).received == 8)
    # first: 2 stored, 1 duplicate, 1 conflict. again: duplicate and conflict; repeated, both are duplicates.
    assert ending(engine) == Ending(8, 2, 4, 2)
    assert reasons(engine) == {"conflict": 2}
    with engine.connect() as connection:
        values = connection.execute(text("SELECT value FROM ingest.reading ORDER BY at")).scalars().all()
        refused = connection.execute(
            text("SELECT item, detail, payload, device FROM ingest.quarantine ORDER BY received_at")
        ).all()
    assert values == [1000, 2000]
    assert [(row.item, row.device) for row in refused] == [(3, device), (1, device)]
    assert refused[0].detail == "3000 ticks were sent where 2000 ticks stand; the first stands"
    assert json.loads(refused[0].payload) == odometer(1, "3")


def test_a_reading_that_somebody_wrote_without_its_latest_still_stands(
    engine: Engine, admin_engine: Engine, broker: str, unique: str, device: str
) -> None:
    with admin_engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO ingest.reading (register, at, value, known, received_at)
                SELECT id, :at, 7000, 0, :at FROM ingest.register WHERE kind = 'counter'"""),
            {"at": START},
        )
    with ingesting(engine, broker, f"in-{unique}"):
        publish(broker, [message(device, odometer(0, "7"), odometer(0, "8"), odometer(1, "9"))], client_id=unique)
        eventually(lambda: ending(engine).received == 3)
        publish(broker, [message(device, *(odometer(n, f"{n}") for n in (3, 2, 5, 4, 2, 6)))], client_id=unique)
        publish(broker, [message(device, *(odometer(n, f"{n}") for n in (5, 7, 8)))], client_id=unique)
        eventually(lambda: ending(engine).received == 12)
    # The first message: one duplicate, one conflict, one stored; then five stored and one duplicate; then two and one.
    assert ending(engine) == Ending(12, 1 + 5 + 2, 1 + 1 + 1, 1)
    assert reasons(engine) == {"conflict": 1}
    with engine.connect() as connection:
        values = connection.execute(text("SELECT value FROM ingest.reading ORDER BY at")).scalars().all()
    assert values == [7000, 9000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]


def garbage(device: str, unique: str) -> list[tuple[Sent, str]]:
    topic = f"yardstick/{device}/readings"
    return [
        (Sent(topic, b'{"v":1,"boot":'), "not_json"),
        (Sent(topic, b""), "not_json"),
        (Sent(topic, b"\xff\xfe\x00"), "not_utf8"),
        (Sent(topic, b"x" * 1_000_000), "too_large"),
        (message(f"ghost-{unique}", odometer(0)), "unknown_device"),
        (message(device, {**odometer(0), "register": "flux\x00\ud800"}), "unknown_register"),
        (message(device, odometer(0, unit="l")), "wrong_unit"),
        (message(device, odometer(0, "NaN")), "bad_value"),
        (Sent(topic, message(device, odometer(0)).payload.replace(b'"0.000"', b"NaN")), "bad_value"),
        (message(device, odometer(0, at="1970-01-01T00:00:00Z")), "too_old"),
        (message(device, odometer(0, at="2100-01-01T00:00:00Z")), "too_new"),
        (message(device, odometer(0, "1234567890" * 4)), "too_many_digits"),
        (message(device, odometer(0, "-1")), "out_of_range"),
        (message(device, {"register": "state", "at": stamp(START), "value": "asleep"}), "unknown_state"),
        (Sent(topic, b'{"v":1,"v":1,"boot":"b","seq":1,"readings":[]}'), "bad_envelope"),
        (message(device, "no object"), "bad_reading"),
    ]


def test_garbage_is_quarantined_with_its_reason_and_the_worker_goes_on(
    engine: Engine, broker: str, unique: str, device: str
) -> None:
    bad = garbage(device, unique)
    with ingesting(engine, broker, f"in-{unique}") as worker:
        for turn in range(2):  # the same garbage again is a duplicate
            publish(broker, [sent for sent, _ in bad], client_id=f"{unique}{turn}")
        _publish_invalid_topic(broker)
        publish(broker, [message(device, odometer(0), seq=99)], client_id=unique)
        eventually(lambda: ending(engine).received == 2 * len(bad) + 1)
        eventually(lambda: worker.total.messages == 2 * len(bad) + 1)  # counted after the commit
    expected: dict[str, int] = {}
    for _, reason in bad:
        expected[reason] = expected.get(reason, 0) + 1
    assert reasons(engine) == expected
    assert ending(engine) == Ending(2 * len(bad) + 1, 1, len(bad), len(bad))
    with engine.connect() as connection:
        large = text("SELECT octet_length(payload), size FROM ingest.quarantine WHERE reason = 'too_large'")
        assert connection.execute(large).one() == (65_536, 1_000_000)
    assert count(engine, "ingest.reading") == 1


def _publish_invalid_topic(broker: str) -> None:
    """By hand, since no library sends it: CONNECT, then PUBLISH to a topic that is no UTF-8. The broker hangs up."""
    address = urlsplit(broker)
    with socket.create_connection((address.hostname, address.port), timeout=5) as wire:
        connect = b"\x00\x04MQTT\x05\x02\x00\x3c\x00" + b"\x00\x03bad"
        wire.sendall(b"\x10" + bytes([len(connect)]) + connect)
        assert wire.recv(100)[:1] == b"\x20"
        topic = b"yardstick/\xff/readings"
        publish_ = len(topic).to_bytes(2) + topic + b"\x00\x01" + b"\x00" + b"{}"
        wire.sendall(b"\x32" + bytes([len(publish_)]) + publish_)
        while wire.recv(100):
            pass


def test_a_device_registered_a_moment_ago_is_known(engine: Engine, broker: str, unique: str, device: str) -> None:
    with ingesting(engine, broker, f"in-{unique}"):
        publish(broker, [message(device, odometer(0))], client_id=unique)
        eventually(lambda: ending(engine).received == 1)
        declare(engine, [f"new-{unique}"])
        publish(broker, [message(f"new-{unique}", odometer(0))], client_id=unique)
        eventually(lambda: ending(engine).received == 2)
    assert ending(engine) == Ending(2, 2, 0, 0)


def test_an_item_that_the_database_refuses_is_found_and_the_rest_is_stored(
    engine: Engine, admin_engine: Engine, broker: str, unique: str, device: str
) -> None:
    with admin_engine.begin() as connection:
        connection.execute(text("ALTER TABLE ingest.reading ADD CHECK (value <> 77077)"))
        connection.execute(text("ALTER TABLE ingest.quarantine ADD CHECK (reason <> 'too_old')"))
    bad = [message(device, odometer(n, at="1970-01-01T00:00:00Z"), seq=n) for n in range(2)]
    with ingesting(engine, broker, f"in-{unique}"):
        publish(broker, [*packs([device], 200), *bad, message(device, odometer(0, "NaN"))], client_id=unique)
        eventually(lambda: ending(engine).received == 203)
    assert ending(engine) == Ending(203, 199, 0, 4)
    assert reasons(engine) == {"poison": 3, "bad_value": 1}
    with engine.connect() as connection:
        row = connection.execute(text("SELECT item, payload FROM ingest.quarantine WHERE item > 0")).one()
    assert (row.item, json.loads(row.payload)) == (77, odometer(77))


def test_knowledge_grows_with_each_batch_and_listeners_hear_of_it(
    engine: Engine, broker: str, unique: str, device: str
) -> None:
    with engine.connect() as connection, ingesting(engine, broker, f"in-{unique}"):
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.autocommit = True
        raw.execute("LISTEN yardstick_live")
        publish(broker, [message(device, odometer(3))], client_id=unique)
        heard = next(iter(raw.notifies(timeout=10, stop_after=1)))
    told = json.loads(heard.payload)
    assert (told["kind"], told["stored"], told["last_reading"][:16]) == ("ingest", 1, odometer(3)["at"][:16])
    with engine.connect() as connection:
        assert connection.execute(text("SELECT r.known = b.known FROM ingest.reading r, ingest.batch b")).scalar_one()


# What must lose and double nothing: many readings, some packs twice, seven bad items, in any order.

DEVICES, AGAIN, BAD = 20, 50, 7
FEW, MANY = 3_000, 10_000  # of each device
WRONG = text("""
    SELECT count(*) FROM (SELECT value, extract(epoch FROM at - :start)::bigint / 600 AS n FROM ingest.reading) AS r
    WHERE value <> n * 1000 + n % 1000
""")


def send_load(engine: Engine, broker: str, unique: str, each: int = FEW) -> None:
    names = [f"dev{n}-{unique}" for n in range(DEVICES)]
    declare(engine, names)
    chance = random.Random(unique)  # noqa: S311 - any order will do
    good = packs(names, each)
    messages = good + chance.sample(good, AGAIN)
    messages += [message(names[n], odometer(n, "NaN"), seq=n) for n in range(BAD)]
    chance.shuffle(messages)
    publish(broker, messages, client_id=f"gateway-{unique}")


def assert_nothing_lost_or_doubled(engine: Engine, each: int = FEW) -> None:
    whole = DEVICES * each
    eventually(lambda: count(engine, "ingest.reading") == whole and count(engine, "ingest.quarantine") == BAD)
    with engine.connect() as connection:
        assert connection.execute(WRONG, {"start": START}).scalar_one() == 0
    found = ending(engine)
    assert (found.stored, found.quarantined) == (whole, BAD)
    assert found.received == found.stored + found.duplicate + found.quarantined


@pytest.fixture
def process(environment: dict[str, str], tmp_path: Path) -> Iterator[Process]:
    made = Process(environment, tmp_path / "log")
    yield made
    made.end(signal.SIGKILL)


def test_killed_at_any_point_it_loses_and_doubles_nothing(
    engine: Engine, broker: str, unique: str, process: Process
) -> None:
    process.start()
    process.await_subscription()
    assert process.end(signal.SIGTERM) == 0
    send_load(engine, broker, unique, MANY)
    chance = random.Random()  # noqa: S311 - any points in time
    for _ in range(4):
        seen = count(engine, "ingest.reading")
        process.start()
        eventually(lambda seen=seen: count(engine, "ingest.reading") > seen)  # type: ignore[misc]
        time.sleep(chance.random() * 0.2)
        process.end(signal.SIGKILL)
    assert count(engine, "ingest.reading") < DEVICES * MANY, "too fast: it was not killed in the middle"
    process.start()
    assert_nothing_lost_or_doubled(engine, MANY)
    assert process.end(signal.SIGTERM) == 0


def test_it_outlives_the_loss_of_its_database_connections(engine: Engine, broker: str, unique: str) -> None:
    with ingesting(engine, broker, f"in-{unique}"):
        pass  # the session stays
    send_load(engine, broker, unique)
    other = connect(engine.url.render_as_string(hide_password=False), role=None)
    with ingesting(engine, broker, f"in-{unique}"), other.connect() as administrator:
        for _ in range(5):
            time.sleep(0.1)
            administrator.execute(
                text("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
            """)
            )
            administrator.commit()
        eventually(lambda: count(engine, "ingest.reading") == DEVICES * FEW)
    other.dispose()
    assert_nothing_lost_or_doubled(engine)


@pytest.mark.parametrize("which", ["broker", "database"])
def test_it_outlives_a_restart_of_a_server(
    engine: Engine, broker: str, unique: str, servers: Services, which: str
) -> None:
    with ingesting(engine, broker, f"in-{unique}"):
        pass  # the session stays
    send_load(engine, broker, unique)
    server = servers.broker if which == "broker" else servers.database
    with ingesting(engine, broker, f"in-{unique}"):
        eventually(lambda: count(engine, "ingest.reading") > 0)
        server.stop()
        time.sleep(0.5)
        server.start()
        engine.dispose()
        assert_nothing_lost_or_doubled(engine)


def test_it_stops_though_its_queue_waits_for_ever(engine: Engine, broker: str, unique: str) -> None:
    """As Python's does when a signal comes just as a wait ends."""

    class Patient(SimpleQueue[Arrival]):
        def get(self, block: bool = True, timeout: float | None = None) -> Arrival:  # noqa: ARG002, FBT001, FBT002 - Python's
            return super().get(block)

    source = Source(broker, f"in-{unique}", clock=now)
    source.arrivals = Patient()
    worker = Ingester(engine, source, client=f"in-{unique}", clock=now)
    thread = Thread(target=worker.run, daemon=True)
    thread.start()
    eventually(lambda: source.is_subscribed)
    worker.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_stopping_while_the_database_is_gone_acknowledges_nothing(
    engine: Engine, broker: str, unique: str, servers: Services, device: str
) -> None:
    with ingesting(engine, broker, f"in-{unique}"):
        servers.database.stop()
        publish(broker, [message(device, odometer(0))], client_id=unique)
        time.sleep(0.5)
    servers.database.start()
    engine.dispose()
    with ingesting(engine, broker, f"in-{unique}"):
        eventually(lambda: ending(engine) == Ending(1, 1, 0, 0))
