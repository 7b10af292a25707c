"""Our own programs as child processes: each told by the environment where the services are, each ended with us."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

STOP_SECONDS = 20
READY_SECONDS = 60


class ChildEnded(RuntimeError):
    """A program that should still be running is not."""


@dataclass
class Children:
    """A context: programs started in it are stopped at its end, the last started first. Logs go to `folder`."""

    folder: Path
    environment: Mapping[str, str]
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)

    def start(self, name: str, *arguments: str) -> None:
        """Run `yardstick ARGUMENTS…`; the kernel ends it should we be killed."""
        command = ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "api.main", *arguments]
        with (self.folder / f"{name}.log").open("ab") as log:
            # A session of its own: Ctrl-C in the terminal is for us, and we stop programs before their services.
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"YARDSTICK_LOG": "text", **os.environ, **self.environment},
                start_new_session=True,
            )

    def stop(self, name: str) -> None:
        """End a program in order, and wait for it."""
        child = self._running.pop(name)
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def kill(self, name: str) -> None:
        """End a program as a power cut would, and wait until it is gone."""
        child = self._running.pop(name)
        child.kill()
        child.wait()

    def await_log(self, name: str, words: str) -> None:
        """Wait until a program's log says `words`. Raises ChildEnded if it does not within a minute."""
        deadline = monotonic() + READY_SECONDS
        while words not in (self.folder / f"{name}.log").read_text(errors="replace"):
            self.check()
            if monotonic() > deadline:
                raise ChildEnded(f"yardstick {name} did not say {words!r} within {READY_SECONDS} s")
            sleep(0.05)

    def check(self) -> None:
        """Raise ChildEnded, with the end of its log, if any program ended by itself."""
        for name, child in self._running.items():
            if child.poll() is not None:
                tail = "\n".join((self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-15:])
                raise ChildEnded(f"yardstick {name} ended with status {child.returncode}; the end of its log:\n{tail}")
