"""Start real TimescaleDB and Mosquitto, and stop them.

with start() as services:
    engine = create_engine(services.database_url)
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from embedded.bundle import provide
from embedded.configuration import mosquitto_conf, postgresql_conf
from embedded.place import closed_to_others, home, locked, make_open, say_on_stderr, socket_directory, try_lock
from embedded.postgres import SERVICES
from embedded.problem import EmbeddedError
from embedded.server import Server, as_server_user, end_leftovers, give, server_environment, server_user

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded.place import Say

DATABASE = USER = "yardstick"
UNNAMED = "run-"  # instances without a name of their own; removed with their start
# Text sorts and compares by code point, the same on every machine, and upper/lower know all of Unicode.
INITDB = (
    *("--username", USER, "--auth", "trust", "--encoding", "UTF8", "--data-checksums"),
    *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-instructions"),
)


@dataclass(frozen=True)
class Services:
    """Running servers. `database` and `broker` can be stopped and started again, for trying crashes."""

    instance: Path
    database_url: str
    broker_url: str
    database: Server
    broker: Server

    @property
    def environment(self) -> dict[str, str]:
        """What to set for programs that shall use these services."""
        return {"YARDSTICK_DATABASE_URL": self.database_url, "YARDSTICK_BROKER_URL": self.broker_url}


@contextmanager
def start(
    instance: Path | None = None,
    *,
    fresh: bool = True,
    within: Path | None = None,
    settings: Mapping[str, str] | None = None,
    broker_port: int | None = None,
    say: Say = say_on_stderr,
) -> Iterator[Services]:
    """Provide the packages, start both servers, and stop them at the end of the block.

    Without `instance` its folder is new, `within` another if that is given, and removed at the end; an instance that is
    given stays, and `fresh=False` keeps its data. `settings` override postgresql.conf. The servers end with the calling
    thread at the latest, therefore it must be the main thread. Raises EmbeddedError.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("start() must be called in the main thread: the kernel ends the servers with their thread")
    packages = provide(SERVICES, say=say)
    template = _template(packages, say=say)
    with _owned(instance, packages, within or home() / "instance", say=say) as place, ExitStack() as stack:
        if fresh or not (place / "data").exists():
            _lay_out(place, template)
        sockets = socket_directory(place)
        give(sockets)
        if sockets.parent != place:
            stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        database = _database(packages, place, sockets, settings=settings)
        broker, port = _broker(packages, place, broker_port)
        for server in (database, broker):
            stack.callback(server.stop)
            server.start()
        url = f"postgresql+psycopg://{USER}@/{DATABASE}?host={quote(str(sockets), safe='/')}"
        yield Services(place, url, f"mqtt://127.0.0.1:{port}", database, broker)


@contextmanager
def _owned(instance: Path | None, packages: Path, instances: Path, *, say: Say) -> Iterator[Path]:
    """Give a folder that nobody else uses, without servers of an owner who died."""
    with locked(instances / "lock", say):
        _sweep(instances, packages)
        place = instance.resolve() if instance else Path(tempfile.mkdtemp(prefix=UNNAMED, dir=instances))
        if server_user() and (closed := closed_to_others(place.parent)):
            raise EmbeddedError(f"As root, the servers run as user nobody, who cannot pass {closed} to reach {place}.")
        make_open(place).chmod(0o700 if server_user() is None else 0o711)
        lock = try_lock(place / "lock")
    if lock is None:
        raise EmbeddedError(f"{place} is in use by another start.")
    try:
        end_leftovers(place, packages.parent)
        yield place
    finally:
        if instance is None:
            shutil.rmtree(place, ignore_errors=True)
        os.close(lock)


def _sweep(instances: Path, packages: Path) -> None:
    """Remove the folders of starts that were killed."""
    for place in instances.glob(f"{UNNAMED}*"):
        try:
            lock = try_lock(place / "lock")
        except FileNotFoundError:  # its owner removes it at this moment
            continue
        if lock is not None:
            end_leftovers(place, packages.parent)
            shutil.rmtree(place, ignore_errors=True)
            os.close(lock)


def _template(packages: Path, *, say: Say) -> Path:
    """Return a database cluster as initdb leaves it, with our empty database; make it at the first start."""
    key = hashlib.sha256("\0".join(INITDB).encode()).hexdigest()[:8]
    template = home() / "template" / f"{packages.name}-{key}"
    with locked(template.parent / "lock", say):
        for stale in template.parent.glob(".new-*"):
            shutil.rmtree(stale)
        if not template.exists():
            work = Path(tempfile.mkdtemp(prefix=".new-", dir=template.parent))
            try:
                give(work)
                _initialise(packages, work / "data", say=say)
                (work / "data").rename(template)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return template


def _initialise(packages: Path, data: Path, *, say: Say) -> None:
    say("Initialising the database …")
    programs = _programs(packages)
    _run_as_server(programs / "initdb", "-D", data, *INITDB)
    single = (programs / "postgres", "--single", "-D", data, "-c", "jit=off", "template1")
    _run_as_server(*single, given=f"CREATE DATABASE {DATABASE}\n")


def _run_as_server(*command: Path | str, given: str = "") -> None:
    done = subprocess.run(
        as_server_user(command),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=server_environment(),
    )
    if done.returncode != 0:
        raise EmbeddedError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")


def _lay_out(place: Path, template: Path) -> None:
    """Begin anew: a copy of the template, no sessions and no messages at the broker."""
    for old in ("data", "broker", "socket"):
        shutil.rmtree(place / old, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(template), str(place / "data")], check=True)
    (place / "broker").mkdir(mode=0o700)
    give(place / "broker")


def _programs(packages: Path) -> Path:
    return next(packages.glob("usr/lib/postgresql/*/bin"))


def _database(packages: Path, place: Path, sockets: Path, *, settings: Mapping[str, str] | None) -> Server:
    data = place / "data"
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    shared = os.statvfs("/dev/shm")  # noqa: S108
    text = postgresql_conf(sockets, memory=memory, shared_memory=shared.f_bavail * shared.f_frsize, overrides=settings)
    (data / "postgresql.conf").write_text(text)
    status = data / "postmaster.pid"
    status.unlink(missing_ok=True)  # no server runs here: we hold the lock and ended what was left

    def ready(pid: int) -> bool:
        lines = status.read_text().splitlines() if status.exists() else []
        return len(lines) == 8 and lines[0] == str(pid) and lines[7].rstrip() == "ready"  # noqa: PLR2004 - its format

    command = (_programs(packages) / "postgres", "-D", data)
    return Server(command, data, place / "database.log", ready, ending=signal.SIGINT)


def _broker(packages: Path, place: Path, port: int | None) -> tuple[Server, int]:
    port = port or _free_port()
    configuration = place / "mosquitto.conf"
    configuration.write_text(mosquitto_conf(place / "broker", port))

    def ready(_pid: int) -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", port)) == 0

    command = (packages / "usr/sbin/mosquitto", "-c", configuration)
    return Server(command, place / "broker", place / "broker.log", ready, ending=signal.SIGTERM), port


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
