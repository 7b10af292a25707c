"""The limit that the broker sets: `mosquitto_sub -q 1` alone on the same backlog."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from embedded.bundle import Bundle, provide
from embedded.place import say_on_stderr
from embedded.postgres import bind_executables
from embedded.problem import EmbeddedError
from embedded.services import Services

CLIENTS = Bundle(
    name="broker-clients",
    packages=("mosquitto-clients",),
    suite=lambda host: host.suite_for_services,
    finish=bind_executables,
)


def find() -> str | None:
    """The program: of PATH, else of Debian's package; None where there is neither, said on stderr."""
    if found := shutil.which("mosquitto_sub"):
        return found
    try:
        return str(provide(CLIENTS, say=say_on_stderr) / "usr/bin/mosquitto_sub")
    except EmbeddedError as error:
        say_on_stderr(f"mosquitto_sub cannot be had, so there is no ratio to it: {error}")
        return None


class Subscriber:
    """mosquitto_sub with a session of its own, in which a backlog waits."""

    def __init__(self, program: str, services: Services, topic: str) -> None:
        at = urlsplit(services.broker_url)
        self._at = [
            program,
            "-h",
            at.hostname or "",
            "-p",
            str(at.port),
            "-V",
            "5",
            "-q",
            "1",
            "-i",
            "bench-sub",
            "-t",
            topic,
        ]
        self._command = [*self._at, "-c", "-x", "3600"]

    def open(self) -> None:
        """Begin the session."""
        subprocess.run([*self._command, "-E"], check=True, timeout=30)

    def forget(self) -> None:
        """End the session, so that the next backlog does not wait there too."""
        subprocess.run([*self._at, "-E"], check=True, timeout=30)

    def drain(self, messages: int) -> float:
        """Seconds in which it takes so many."""
        began = time.perf_counter()
        command = [*self._command, "-C", str(messages)]
        with Path(os.devnull).open("wb") as nowhere:
            subprocess.run(command, stdout=nowhere, check=True, timeout=600)
        return time.perf_counter() - began
