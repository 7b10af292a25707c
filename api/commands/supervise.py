"""Several ingesters under one supervisor: processes of one group, each with its own session, restarted if they die."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from core.settings import Settings

PAUSE = 1.0
"""Seconds until an ingester that ended is started again."""
LOOK = 0.1
PROGRAM = "import typer; from api.commands.ingest import ingest; typer.run(ingest)"
_LOG = logging.getLogger(__name__)


class Supervisor:
    """Runs `count` ingesters named `<client>-1`, `<client>-2`, …, until it is told to stop by a signal."""

    def __init__(self, count: int, *, client: str, settings: Settings, environment: Mapping[str, str]) -> None:
        shared = {**environment, "YARDSTICK_INGEST_GROUP": settings.ingest_group or client}
        self._environments = [
            shared | {"YARDSTICK_INGEST_CLIENT": f"{client}-{n}", "YARDSTICK_INGEST_HTTP": nth(settings.ingest_http, n)}
            for n in range(1, count + 1)
        ]
        self._stopping = False

    def run(self) -> None:
        """Work until SIGTERM or Ctrl-C; then let each write what has come."""
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda *_: self._stop())
        children = [_start(environment) for environment in self._environments]
        while not self._stopping:
            time.sleep(LOOK)
            for n, child in enumerate(children):
                if child.poll() is not None and not self._stopping:
                    name = self._environments[n]["YARDSTICK_INGEST_CLIENT"]
                    _LOG.error("Ingester %s ended with %d; it is started again.", name, child.returncode)
                    time.sleep(PAUSE)
                    children[n] = _start(self._environments[n])
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            child.wait()

    def _stop(self) -> None:
        self._stopping = True


def nth(address: str, n: int) -> str:
    """Where the n-th process answers: each on a port of its own, from `host:port` on; nowhere if there is none."""
    host, _, port = address.rpartition(":")
    return f"{host}:{int(port) + n - 1}" if address else ""


def _start(environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    # A Ctrl-C in the terminal is for the supervisor; a new session keeps it from the children.
    return subprocess.Popen([sys.executable, "-c", PROGRAM], env=dict(environment), start_new_session=True)


def supervise(count: int, *, client: str, settings: Settings) -> None:
    """Run so many ingesters in processes of their own with this process's environment."""
    Supervisor(count, client=client, settings=settings, environment=os.environ).run()
