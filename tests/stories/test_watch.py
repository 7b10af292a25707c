"""An ingester that is watched: what it tells is what is true, and it says when it cannot work."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, text

from core.clock import now
from ingest import mqtt
from ingest.mqtt import MOST_WAITING, Source
from ingest.store import alarm
from tests.conftest import Given, administration
from tests.soak import TERMINATE
from tests.stories.cable import Cable
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
    publish,
    reasons,
)
from tests.stories.ingesting import packs as packed

pytestmark = pytest.mark.services
PROMISED = 10_001
"""The one reading of the flood that is sent at QoS 1."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def metrics(address: str) -> dict[str, float]:
    """Samples by name, with the labels behind it where there are some."""
    scraped = httpx.get(f"{address}/metrics").text
    return {
        "".join((one.name, *(f"/{value}" for value in one.labels.values()))): one.value
        for family in text_string_to_metric_families(scraped)
        for one in family.samples
    }


class Watched:
    """An ingester as a process, with a port to watch it at and a wire that can be cut."""

    def __init__(self, environment: dict[str, str], folder: Path, **changed: str) -> None:
        self.cable = Cable(environment["YARDSTICK_BROKER_URL"])
        self.address = f"http://127.0.0.1:{free_port()}"
        self.log = folder / "log"
        own = {
            "YARDSTICK_INGEST_HTTP": self.address.removeprefix("http://"),
            "YARDSTICK_BROKER_URL": self.cable.url.replace("//", "//somebody:s3cret@"),
        }
        self.process = Process(environment | own | changed, self.log)
        self.process.start()
        self.process.await_subscription()

    def status(self, path: str) -> tuple[int, dict[str, object]]:
        answer = httpx.get(f"{self.address}/{path}")
        return answer.status_code, answer.json()


@pytest.fixture
def watched(environment: dict[str, str], tmp_path: Path) -> Iterator[Watched]:
    made = Watched(environment, tmp_path, YARDSTICK_LOG_LEVEL="debug")
    yield made
    made.process.end(signal.SIGTERM)
    made.cable.close()


def mixture(device: str) -> list[Sent]:
    """350 readings, 50 of them again, 3 refused for 2 reasons, one of them twice; 38 messages."""
    good = packed([device], 300, per_pack=10)
    bad = message(device, odometer(400), odometer(401, "NaN"), odometer(402, unit="l"))
    again = message(device, odometer(401, "NaN"))
    return [*good, bad, bad, again, *good[:5]]


def test_what_is_told_agrees_exactly_with_the_table_of_batches(
    engine: Engine, broker: str, unique: str, watched: Watched
) -> None:
    declare(engine, [f"dev-{unique}"])
    publish(broker, mixture(f"dev-{unique}"), client_id=unique)
    # 300 + 2 x 3 + 1 + 50 items: 301 readings, 2 + 1 refusals (the same item in another message is another one).
    eventually(lambda: ending(engine).received == 357)
    eventually(lambda: metrics(watched.address)["yardstick_ingest_received_total"] == 357)
    told = metrics(watched.address)
    done = ending(engine)
    assert (done.stored, done.duplicate, done.quarantined) == (301, 53, 3)
    assert told["yardstick_ingest_stored_total"] == done.stored
    assert told["yardstick_ingest_duplicate_total"] == done.duplicate
    assert told["yardstick_ingest_messages_total"] == 38
    refused = {reason: told[f"yardstick_ingest_quarantined_total/{reason}"] for reason in ("bad_value", "wrong_unit")}
    assert refused == reasons(engine) == {"bad_value": 2, "wrong_unit": 1}
    batches = count(engine, "ingest.batch")
    assert told["yardstick_ingest_batch_items_count"] == told["yardstick_ingest_commit_seconds_count"] == batches
    assert told["yardstick_ingest_batch_items_sum"] == 357
    assert told["yardstick_ingest_reading_age_seconds_count"] == batches
    assert 0 < told["yardstick_ingest_commit_seconds_sum"] <= told["yardstick_ingest_delay_seconds_sum"]
    assert (told["yardstick_ingest_connections_total"], told["yardstick_ingest_subscribed"]) == (1, 1)
    eventually(lambda: metrics(watched.address)["yardstick_ingest_unacknowledged"] == 0)
    assert metrics(watched.address)["yardstick_ingest_unacknowledged_age_seconds"] == 0
    assert told["process_resident_memory_bytes"] > 0


def test_counters_agree_also_after_commits_of_unknown_outcome(
    engine: Engine, admin_engine: Engine, broker: str, unique: str, watched: Watched
) -> None:
    names = [f"dev{n}-{unique}" for n in range(10)]
    declare(engine, names)
    ended = 0
    sending = threading.Thread(
        target=publish, args=(broker, packed(names, 400, per_pack=2)), kwargs={"client_id": unique}
    )
    sending.start()
    while sending.is_alive() or not ended:
        with admin_engine.begin() as connection:
            ended += len(connection.execute(TERMINATE, {"only_commit": ended > 5}).all())
        time.sleep(0.02)
    sending.join()
    eventually(lambda: count(engine, "ingest.reading") == 4_000)
    watched.cable.cut()  # what was not acknowledged comes again, and is counted again
    publish(broker, [message(names[0], odometer(9_999))], client_id=unique)
    eventually(lambda: metrics(watched.address)["yardstick_ingest_stored_total"] == 4_001)
    eventually(lambda: metrics(watched.address)["yardstick_ingest_unacknowledged"] == 0)
    told, done = metrics(watched.address), ending(engine)
    names_of = ("received", "stored", "duplicate")
    assert tuple(told[f"yardstick_ingest_{name}_total"] for name in names_of) == done[:3]
    assert told["yardstick_ingest_database_failures_total"] > 0
    assert told["yardstick_ingest_connections_total"] == 2
    assert told["yardstick_ingest_sessions_lost_total"] == 0


def test_it_is_well_but_not_ready_while_the_broker_or_the_database_is_away(
    services: Given, engine: Engine, watched: Watched
) -> None:
    assert watched.status("healthz") == watched.status("readyz") == (200, {"status": "ok"})
    assert httpx.get(f"{watched.address}/other").status_code == 404
    watched.cable.close()
    eventually(lambda: watched.status("readyz")[0] == 503)
    assert watched.status("readyz")[1] == {"status": "unavailable", "problems": ["the broker is away"]}
    assert metrics(watched.address)["yardstick_ingest_subscribed"] == 0
    name = engine.url.database
    with administration(services.database_url) as elsewhere:
        elsewhere.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        elsewhere.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n"), {"n": name}
        )
        eventually(lambda: "the database does not answer" in str(watched.status("readyz")[1]))
        assert watched.status("healthz") == (200, {"status": "ok"})
        elsewhere.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))


def test_every_line_of_the_log_is_an_object_and_none_has_a_secret(
    engine: Engine, broker: str, unique: str, watched: Watched
) -> None:
    declare(engine, [f"dev-{unique}"])
    publish(broker, packed([f"dev-{unique}"], 20), client_id=unique)
    eventually(lambda: b"Committed" in watched.log.read_bytes())
    watched.cable.cut()
    eventually(lambda: watched.log.read_bytes().count(b"Subscribed") == 2)
    assert watched.process.end(signal.SIGTERM) == 0
    lines = [json.loads(line) for line in watched.log.read_text().splitlines()]
    committed = [line for line in lines if line["message"] == "Committed."]
    assert sum(line["stored"] for line in committed) == 20
    assert {line["level"] for line in committed} == {"debug"}
    assert [line["level"] for line in lines if "Disconnected" in line["message"]] == ["warning"]
    assert "s3cret" not in watched.log.read_text()


def test_a_network_loop_that_does_not_turn_is_a_problem(
    broker: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "LONGEST_BEAT", 3.0)
    source = Source(broker, f"in-{unique}", clock=now)
    source.start()
    goes_on = threading.Event()
    try:
        eventually(lambda: source.is_subscribed)
        time.sleep(3.5)  # it turns without any message
        assert source.problems() == []

        def stuck() -> datetime:
            goes_on.wait(30)
            return now()

        source._clock = stuck
        publish(broker, [message(unique, seq=1)], client_id=unique)
        eventually(lambda: source.problems() != [], seconds=10)
        assert source.problems()[0].startswith("the network loop has not turned for 3 s")
    finally:
        goes_on.set()
        source.stop()
    assert source.problems() == ["the network thread ended"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_backlog_of_300_000_messages_is_drained_in_less_than_200_megabytes(
    engine: Engine, broker: str, unique: str, environment: dict[str, str], tmp_path: Path
) -> None:
    names = [f"dev{n}-{unique}" for n in range(100)]
    declare(engine, names)
    process = Process(environment, tmp_path / "log")
    process.start()
    process.await_subscription()
    assert process.end(signal.SIGTERM) == 0
    deluge(broker, (message(name, odometer(n), seq=n + 1) for n in range(3_000) for name in names))
    process = Process(environment, tmp_path / "log2")
    process.start()
    try:
        eventually(lambda: ending(engine).stored == 300_000, seconds=600)
        most = process.most_memory
    finally:
        process.end(signal.SIGTERM)
    assert most < 200_000_000, f"{most:,}"


def deluge(url: str, messages: Iterable[Sent]) -> None:
    """Publish at QoS 1 over MQTT 3.1.1, many at a time: a library would take minutes. Returns when all are taken."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 1883)) as wire:
        wire.sendall(bytes.fromhex("101000044d5154540402003c0004") + b"tide")
        assert wire.recv(4) == bytes.fromhex("20020000")
        mids = cycle(range(1, 65_536))
        while part := list(islice(messages, 1_000)):
            wire.sendall(b"".join(map(packet, part, mids)))
            answers = bytearray()
            while len(answers) < 4 * len(part):
                answers += wire.recv(65_536)


def packet(sent: Sent, mid: int) -> bytes:
    """A PUBLISH at QoS 1."""
    topic = sent.topic.encode()
    body = len(topic).to_bytes(2) + topic + mid.to_bytes(2) + sent.payload
    low, high = len(body) % 128, len(body) // 128
    return bytes([0x32, low | 0x80, high]) + body


def flood(url: str, device: str, messages: int) -> None:
    """At QoS 0, as fast as the broker takes it."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    address = urlsplit(url)
    client.connect(address.hostname or "", address.port or 1883)
    client.loop_start()
    for n in range(messages):
        client.publish(*message(device, odometer(n % 10_000)), qos=0)
    while client.want_write():
        time.sleep(0.05)
    client.publish(*message(device, odometer(PROMISED)), qos=1).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


def test_a_flood_at_qos_0_is_cut_off_counted_and_alarmed_and_what_is_promised_is_kept(
    engine: Engine, admin_engine: Engine, broker: str, unique: str
) -> None:
    device = f"dev-{unique}"
    declare(engine, [device])
    most = 3 * MOST_WAITING
    with ingesting(engine, broker, f"in-{unique}") as worker:
        with admin_engine.begin() as connection:
            connection.execute(text("LOCK TABLE ingest.batch IN ACCESS EXCLUSIVE MODE"))
            flood(broker, device, most)
            source = worker._source
            assert isinstance(source, Source)
            eventually(lambda: source.dropped > 0)
            assert source.waiting <= MOST_WAITING + mqtt.WINDOW
        eventually(lambda: count(engine, "ingest.alarm") == 1)
        eventually(lambda: ending(engine).received == most + 1 - source.dropped)
        with engine.connect() as connection:
            (raised,) = alarm.recent(connection)
        assert raised.kind == "qos0_dropped"
        assert 0 < raised.detail["messages"] <= source.dropped
        with engine.connect() as connection:
            kept = text("SELECT count(*) FROM ingest.reading WHERE value = :n")
            assert connection.execute(kept, {"n": PROMISED * 1000 + PROMISED % 1000}).scalar_one() == 1
