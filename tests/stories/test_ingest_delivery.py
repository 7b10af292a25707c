"""Message numbers from the device to the receipt: gaps are seen, named, filled and alarmed."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from api.commands import delivery
from core.database import transaction
from ingest.store import alarm, sequence
from simulators import buffer
from simulators.publish import Publisher
from simulators.wire import Message
from tests.stories.ingesting import (
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
)

pytestmark = pytest.mark.services


@contextmanager
def receipts(url: str, device: str) -> Iterator[list[dict[str, object]]]:
    """Receipts of a device as they come."""
    heard: list[dict[str, object]] = []
    subscribed = Event()

    def take(_: Client, __: object, message: MQTTMessage) -> None:
        heard.append(json.loads(message.payload))

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = take
    client.on_subscribe = lambda *_: subscribed.set()
    address = urlsplit(url)
    client.connect(address.hostname or "", address.port or 1883)
    client.loop_start()
    client.subscribe(f"yardstick/{device}/receipt", qos=1)
    assert subscribed.wait(10)
    yield heard
    client.disconnect()
    client.loop_stop()


def numbered(device: str, *seqs: int) -> list[Sent]:
    return [message(device, odometer(seq), seq=seq) for seq in seqs]


def says(seq: int, *missing: tuple[int, int]) -> dict[str, object]:
    return {"v": 1, "boot": "b", "seq": seq, "missing": [list(one) for one in missing]}


def test_a_receipt_names_what_is_committed_without_a_hole_and_what_is_missing(
    engine: Engine, broker: str, unique: str, device: str
) -> None:
    with receipts(broker, device) as heard, ingesting(engine, broker, f"in-{unique}"):
        publish(broker, numbered(device, 2), client_id=unique)
        eventually(lambda: heard[-1:] == [says(0, (1, 1))])
        publish(broker, numbered(device, 1, 6, 9), client_id=unique)
        eventually(lambda: heard[-1:] == [says(2, (3, 5), (7, 8))])
        publish(broker, numbered(device, 7, 3, 8, 5, 4), client_id=unique)
        eventually(lambda: heard[-1:] == [says(9)])
        before = len(heard)
        publish(broker, numbered(device, 4), client_id=unique)  # again: it asks for its receipt
        eventually(lambda: heard[before:] == [says(9)])
    with receipts(broker, device) as later:
        eventually(lambda: later == [says(9)])  # retained


def test_quarantined_and_empty_messages_are_accounted_for_and_unnumbered_ones_are_not(
    engine: Engine, broker: str, unique: str, device: str
) -> None:
    sent = [message(device, odometer(1, "NaN"), seq=1), message(device, seq=2), message(device, odometer(2), seq=0)]
    with receipts(broker, device) as heard, ingesting(engine, broker, f"in-{unique}"):
        publish(broker, [*sent, *numbered(f"ghost-{unique}", 1)], client_id=unique)
        eventually(lambda: heard[-1:] == [says(2)])
    assert count(engine, "ingest.sequence") == 1


def test_a_batch_that_had_to_be_halved_is_receipted_too(
    engine: Engine, admin_engine: Engine, broker: str, unique: str, device: str
) -> None:
    with admin_engine.begin() as connection:
        connection.execute(text("ALTER TABLE ingest.reading ADD CHECK (value <> 3003)"))
    with receipts(broker, device) as heard, ingesting(engine, broker, f"in-{unique}"):
        publish(broker, numbered(device, *range(1, 8)), client_id=unique)
        eventually(lambda: heard[-1:] == [says(7)])
    assert (ending(engine).stored, ending(engine).quarantined) == (6, 1)


def test_a_lost_session_raises_an_alarm_with_the_gaps_and_asks_devices_for_them(
    engine: Engine, broker: str, unique: str, device: str
) -> None:
    with ingesting(engine, broker, f"in-{unique}"):
        publish(broker, numbered(device, 1, 2, 5), client_id=unique)
        eventually(lambda: count(engine, "ingest.reading") == 3)
    assert count(engine, "ingest.alarm") == 0  # its first session ever was new, and rightly so
    publish(broker, numbered(device, 3, 4), client_id=unique)
    publish(broker, [], client_id=f"in-{unique}")  # a clean start: the broker forgets the session and what it held
    with receipts(broker, device) as heard, ingesting(engine, broker, f"in-{unique}") as worker:
        eventually(lambda: count(engine, "ingest.alarm") == 1)
        eventually(lambda: heard[-1:] == [says(2, (3, 4))])
        publish(broker, numbered(device, 3, 4), client_id=unique)  # what the device still had
        eventually(lambda: heard[-1:] == [says(5)])
        assert (worker.total.duplicate, worker.sessions_lost) == (0, 1)
    with transaction(engine) as connection:
        (raised,) = alarm.recent(connection)
        assert sequence.gaps(connection) == []
    assert (raised.kind, raised.client) == ("session_lost", f"in-{unique}")
    (gap,) = raised.detail["gaps"]
    assert (gap["device"], gap["boot"], gap["first"], gap["last"]) == (device, "b", 3, 4)


def test_a_gateway_drops_its_buffer_when_it_is_receipted(engine: Engine, broker: str, unique: str, device: str) -> None:
    with Publisher(broker, f"gw-{unique}") as gateway, ingesting(engine, broker, f"in-{unique}"):
        for seq, (topic, payload) in enumerate(numbered(device, 1, 2, 3), 1):
            gateway.publish(Message("gw", topic, payload, 1, "b", seq))
        gateway.drain()

        def is_empty() -> bool:
            gateway.poll()
            return gateway.unreceipted == 0

        assert gateway.unreceipted == 3
        eventually(is_empty)


def test_a_gateway_sends_again_what_a_receipt_misses(
    engine: Engine, broker: str, unique: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffer, "SOON", 0.3)
    with ingesting(engine, broker, f"in-{unique}"):
        publish(broker, numbered(device, 1), client_id=unique)
        eventually(lambda: count(engine, "ingest.reading") == 1)
    with Publisher(broker, f"gw-{unique}") as gateway:

        def send(*seqs: int) -> None:
            for seq, (topic, payload) in zip(seqs, numbered(device, *seqs), strict=True):
                gateway.publish(Message("gw", topic, payload, 1, "b", seq))
            gateway.drain()

        def is_empty() -> bool:
            gateway.poll()
            return gateway.unreceipted == 0

        send(2, 3)  # the broker acknowledges them, and forgets them with the session
        publish(broker, [], client_id=f"in-{unique}")
        with ingesting(engine, broker, f"in-{unique}"):
            send(4)
            eventually(is_empty, seconds=20)
    with transaction(engine) as connection:
        assert sequence.gaps(connection) == []
    assert count(engine, "ingest.reading") == 4


def test_gaps_alarms_and_counts_are_listed(
    engine: Engine, broker: str, unique: str, device: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    monkeypatch.setenv("COLUMNS", "200")
    with ingesting(engine, broker, f"in-{unique}"):
        publish(broker, [*numbered(device, 2, 6), message(device, odometer(0, "x"))], client_id=unique)
        eventually(lambda: ending(engine).received == 3)
    listed = CliRunner().invoke(delivery.readings, ["gaps", "--device", device])
    assert listed.exit_code == 1
    rows = [line.replace("│", " ").split() for line in listed.output.splitlines() if device in line]
    assert [row[1:5] for row in rows] == [["b", "1", "1", "1"], ["b", "3", "5", "3"]]
    assert CliRunner().invoke(delivery.readings, ["gaps", "--device", "other"]).exit_code == 0
    assert CliRunner().invoke(delivery.readings, ["alarms"]).exit_code == 0
    for option in ([], ["--batches"]):
        shown = CliRunner().invoke(delivery.readings, ["counts", *option]).output
        numbers = [line.replace("│", " ").split()[1:] for line in shown.splitlines()[3:-1]]
        assert [sum(map(int, column)) for column in zip(*numbers, strict=True)] == [3, 3, 2, 0, 1]


def test_two_of_a_group_share_the_load_and_one_killed_loses_and_doubles_nothing(
    engine: Engine, broker: str, unique: str, environment: dict[str, str], tmp_path: Path
) -> None:
    names = [f"dev{n}-{unique}" for n in range(10)]
    declare(engine, names)
    both = [environment | {"YARDSTICK_INGEST_GROUP": unique, "YARDSTICK_INGEST_CLIENT": f"{unique}-{n}"} for n in "ab"]
    first, second = (Process(each, tmp_path / each["YARDSTICK_INGEST_CLIENT"]) for each in both)
    try:
        for one in (first, second):
            one.start()
            one.await_subscription()
        publish(broker, packs(names, 1000, per_pack=10), client_id=unique)
        first.end(signal.SIGKILL)  # in the middle of its share, which waits in its session
        publish(broker, [message(name, odometer(5000)) for name in names], client_id=unique)
        first.start()  # some brokers hand a member's share to nobody else meanwhile
        eventually(lambda: count(engine, "ingest.reading") == 10_010)
        assert (first.end(signal.SIGTERM), second.end(signal.SIGTERM)) == (0, 0)
    finally:
        first.end(signal.SIGKILL)
        second.end(signal.SIGKILL)
    found = ending(engine)
    assert (found.stored, found.quarantined) == (10_010, 0)
    with engine.connect() as connection:
        shares = connection.execute(text("SELECT sum(stored) FROM ingest.batch GROUP BY client")).scalars().all()
    assert len(shares) == 2
    assert min(shares) > 1000
