"""One server: started as a user who may run it, ended with its owner, found again when its owner died."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from embedded.problem import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START_SECONDS = 60
STOP_SECONDS = 30


def server_user() -> pwd.struct_passwd | None:
    """Return whom to run servers as: None is oneself; for root, whom PostgreSQL refuses, it is nobody."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def give(path: Path) -> None:
    """Make `path` the server user's own."""
    user = server_user()
    if user:
        os.chown(path, user.pw_uid, user.pw_gid)


def as_server_user(command: Sequence[str | Path], *, end_with_us: str | None = None) -> list[str]:
    """Return the command that runs `command` as the server user; the kernel sends it that signal when we die."""
    user = server_user()
    drop = ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"] if user else []
    bind = ["--pdeathsig", end_with_us] if end_with_us else []
    return ["setpriv", *drop, *bind, "--", *(str(c) for c in command)]


def server_environment() -> dict[str, str]:
    """Return an environment without anything of the caller's that a server could trip over."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass
class Server:
    """A server program that works in `folder`, its own.

    `ready(pid)` tells when it takes connections; `ending` is the signal for an orderly end.
    """

    command: Sequence[str | Path]
    folder: Path
    log: Path
    ready: Callable[[int], bool]
    ending: signal.Signals
    running: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The program's name."""
        return Path(self.command[0]).name

    def start(self) -> None:
        """Start it and wait until it is ready. Raises EmbeddedError with the end of its log."""
        _wait_until(lambda: not _working_in(self.folder))  # the database's workers outlive it for a moment
        command = as_server_user(self.command, end_with_us=self.ending.name.removeprefix("SIG"))
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal is for us, and we stop servers after their clients.
            self.running = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=server_environment(),
                start_new_session=True,
            )
        give(self.log)
        deadline = time.monotonic() + START_SECONDS
        while not self.ready(self.running.pid):
            if self.running.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
                raise EmbeddedError(f"{self.name} did not start; the end of {self.log}:\n{tail}")
            time.sleep(0.02)

    def stop(self, ending: signal.Signals | None = None) -> None:
        """End it and wait: in order, or by the signal given (SIGKILL for trying a crash). Does nothing if ended."""
        if self.running is None:
            return
        if self.running.poll() is None:
            self.running.send_signal(ending or self.ending)
        try:
            self.running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()
        self.running = None


def end_leftovers(instance: Path, packages: Path) -> int:
    """End servers of an instance whose owner died; return how many. Only programs from our own packages count."""

    def left() -> list[Path]:
        working = [*_working_in(instance / "data"), *_working_in(instance / "broker")]
        return [proc for proc in working if packages in _link(proc / "exe").parents]

    found = left()
    for ending in (signal.SIGINT, signal.SIGKILL):
        for proc in left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(proc.name), ending)
        _wait_until(lambda: not left())
    return len(found)


def _working_in(folder: Path) -> list[Path]:
    """Return the /proc folders of living processes whose working directory it is."""
    return [proc for proc in Path("/proc").iterdir() if proc.name.isdigit() and _link(proc / "cwd") == folder]


def _link(path: Path) -> Path:
    try:
        return path.readlink()
    except OSError:  # gone, or another user's
        return Path()


def _wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
