"""What the stories of the ingester share: devices, messages, publishing, an ingester as a process or a thread."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import Engine, text

from core.clock import now
from ingest import catalogue, run
from ingest.mqtt import Source
from ingest.worker import Ingester

PROGRAM = "import typer; from api.commands.ingest import ingest; typer.run(ingest)"
REGISTERS = [
    {"register": "odometer", "kind": "counter", "unit": "km", "resolution": "1 m"},
    {"register": "state", "kind": "state"},
]
START = (now() - timedelta(days=100)).replace(minute=0, second=0, microsecond=0)


class Sent(NamedTuple):
    """A message to publish."""

    topic: str
    payload: bytes


def declare(engine: Engine, names: Iterable[str]) -> None:
    devices = [{"device": name, "registers": REGISTERS} for name in names]
    found = catalogue.of({"devices": devices})
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(engine, found, now(), author="test")


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def odometer(n: int, value: str | None = None, **changed: Any) -> dict[str, Any]:
    """The n-th reading of an odometer, ten minutes apart; n metres per reading."""
    at = stamp(START + n * timedelta(minutes=10))
    return {"register": "odometer", "at": at, "value": value or f"{n}.{n % 1000:03}", "unit": "km", **changed}


def message(device: str, *readings: object, seq: int = 0) -> Sent:
    payload = json.dumps({"v": 1, "boot": "b", "seq": seq, "readings": readings})
    return Sent(f"yardstick/{device}/readings", payload.encode())


def packs(devices: Sequence[str], count: int, per_pack: int = 100) -> list[Sent]:
    """`count` readings of each device, in packs, devices by turns."""
    starts = range(0, count, per_pack)
    return [message(d, *map(odometer, range(n, min(n + per_pack, count))), seq=n) for n in starts for d in devices]


def publish(url: str, messages: Iterable[Sent], *, client_id: str) -> None:
    """Publish at QoS 1 and return when the broker has acknowledged everything."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(100)
    address = urlsplit(url)
    client.connect(address.hostname or "", address.port or 1883)
    client.loop_start()
    waiting = [client.publish(topic, payload, qos=1) for topic, payload in messages]
    for one in waiting:
        one.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


class Ending(NamedTuple):
    """The sums of all batches."""

    received: int
    stored: int
    duplicate: int
    quarantined: int


def ending(engine: Engine) -> Ending:
    with engine.connect() as connection:
        row = connection.execute(
            text("""SELECT coalesce(sum(received), 0), coalesce(sum(stored), 0), coalesce(sum(duplicate), 0),
                coalesce(sum(quarantined), 0) FROM ingest.batch""")
        ).one()
    return Ending(*map(int, row))


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - our own names


def reasons(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT reason, count(*) AS n FROM ingest.quarantine GROUP BY reason"))
        return {row.reason: row.n for row in rows}


def eventually(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


@contextmanager
def ingesting(engine: Engine, url: str, client: str) -> Iterator[Ingester]:
    """An ingester in a thread, subscribed; flushed at the end."""
    source = Source(url, client, clock=now)
    worker = Ingester(engine, source, client=client, clock=now)
    thread = Thread(target=worker.run)
    thread.start()
    try:
        eventually(lambda: source.is_subscribed)
        yield worker
    finally:
        worker.stop()
        thread.join(30)
        assert not thread.is_alive()


class Process:
    """An ingester as a process of its own; what it says goes to a file."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-c", PROGRAM]
            self._running = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def await_subscription(self) -> None:
        eventually(lambda: b"Subscribed" in self._log.read_bytes())

    @property
    def most_memory(self) -> int:
        """Octets that it had in memory at its largest."""
        assert self._running
        status = Path(f"/proc/{self._running.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def end(self, how: signal.Signals) -> int:
        if self._running is None:
            return 0
        self._running.send_signal(how)
        return self._running.wait(30)
