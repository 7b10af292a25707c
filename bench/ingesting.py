"""Ingesters as an operator starts them, on a backlog: how fast they commit, and what that takes."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import Engine, text

from bench.usage import Usage, high_water, usage
from core.clock import now
from core.database import transaction
from embedded.services import Services
from ingest import catalogue, run

DEVICES = 52
"""As many as the demonstration has."""
PROGRAM = "import typer; from api.commands.ingest import ingest; typer.run(ingest)"
LOOK = 0.05
LONGEST = 600.0
"""Seconds after which a run has failed."""
REGISTERS = [
    {"register": "odometer", "kind": "counter", "unit": "km", "resolution": "1 m", "max_rate": "150 km/h"},
    {"register": "state", "kind": "state", "max_gap": "15 min"},
]
SINCE = text("""
    SELECT coalesce(sum(b.received), 0) AS received, coalesce(sum(b.stored), 0) AS stored,
        max(k.at) - min(k.at) AS took, (array_agg(b.received ORDER BY b.known))[1] AS first, count(*) AS commits
    FROM ingest.batch AS b JOIN core.knowledge_at AS k ON k.n = b.known WHERE b.known > :since
""")


class Drained(NamedTuple):
    """A backlog taken in. rate: items per second from the first commit to the last; used: start-up left out."""

    rate: float
    commits: int
    used: Usage
    memory: int


def declare(engine: Engine) -> None:
    """The devices that `singles` and `packs` speak for."""
    found = catalogue.of({"devices": [{"device": f"B{n}", "registers": REGISTERS} for n in range(DEVICES)]})
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(engine, found, now(), author="bench")


class Ingesters:
    """`processes` ingesters of one name; their sessions stay when they end."""

    def __init__(self, services: Services, admin: Engine, *, processes: int = 1) -> None:
        self.client = f"bench{processes}"
        self._services = services
        self._admin = admin
        self._processes = processes
        self._idle = Usage(0, 0, 0)

    def open(self) -> None:
        """Begin the sessions, in which a backlog will wait; learn what a start alone takes."""
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            before = usage(self._services, None)
            with log.open("wb") as said:
                child = self._start(said)
                _until(lambda: log.read_bytes().count(b"Subscribed") == self._processes)
            time.sleep(0.5)
            self._idle = usage(self._services, child.pid).minus(before)
            _end(child)

    def drain(self, items: int) -> Drained:
        """Start, wait until so many items are committed, and stop. Raises AssertionError if any was not stored."""
        since = self._newest()
        before = usage(self._services, None)
        child = self._start(subprocess.DEVNULL)
        try:
            _until(lambda: self._since(since)[0] >= items)
            used = usage(self._services, child.pid).minus(before).minus(self._idle)
            memory = high_water(child.pid)
        finally:
            _end(child)
        received, stored, took, first, commits = self._since(since)
        assert received == stored == items, (received, stored, items)
        return Drained((items - first) / took.total_seconds(), commits, used, memory)

    def forget(self) -> None:
        """End the sessions, so that the next backlog does not fill them too."""
        at = urlsplit(self._services.broker_url)
        several = [f"{self.client}-{n}" for n in range(1, self._processes + 1)]
        for name in several if self._processes > 1 else [self.client]:
            client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
            client.connect(at.hostname or "", at.port or 1883)
            client.loop_start()
            _until(client.is_connected)
            client.disconnect()
            client.loop_stop()

    def _start(self, said: int | IO[bytes]) -> "subprocess.Popen[bytes]":
        arguments = ["--client", self.client, "--processes", str(self._processes)]
        environment = {**os.environ, **self._services.environment}
        command = [sys.executable, "-c", PROGRAM, *arguments]
        return subprocess.Popen(command, env=environment, stderr=said)

    def _newest(self) -> int:
        with transaction(self._admin) as connection:
            return int(connection.execute(text("SELECT n FROM core.knowledge")).scalar_one())

    def _since(self, known: int) -> tuple[int, int, timedelta, int, int]:
        with transaction(self._admin) as connection:
            row = connection.execute(SINCE, {"since": known}).one()
        return int(row.received), int(row.stored), row.took, int(row.first or 0), int(row.commits)


def clear(admin: Engine) -> None:
    """No readings, as before a run; and what that leaves behind written out, so that no run pays for another."""
    with admin.begin() as connection:
        connection.execute(text("TRUNCATE ingest.reading, ingest.latest"))
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))


def long_ago() -> datetime:
    """As early as the door allows, so that there is room for many readings."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=390)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.send_signal(signal.SIGTERM)
    child.wait(60)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < deadline, f"not within {LONGEST} s"
        time.sleep(LOOK)
