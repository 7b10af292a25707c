"""Real services for tests: one server for the session, one fresh database for each test.

`YARDSTICK_DATABASE_URL` and `YARDSTICK_BROKER_URL` are used if both are set; otherwise `embedded/` brings both.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Connection, Engine, create_engine, make_url, text

from core.database import connect
from embedded.services import Services, start
from migrations.run import upgrade

pytest_plugins = ["tests.served"]
ROOM = 3 << 30
"""Bytes that databases of tests and their log need at the most, for two processes."""

# Quick by default, so that `make check` takes seconds; the same laws at length: HYPOTHESIS_PROFILE=long.
settings.register_profile("quick", max_examples=25, deadline=None)
settings.register_profile("long", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Golden files are rewritten on demand, and their difference is reviewed."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files from what is found")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with something long come first, so that processes which share the files end at about the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@dataclass(frozen=True)
class Given:
    """Where the services are; `servers` only where we started them and may crash them."""

    database_url: str
    broker_url: str
    servers: Services | None
    copying: str = "wal_log"
    """How a database is copied."""


@pytest.fixture(scope="session")
def services() -> Iterator[Given]:
    """Database server and broker."""
    database_url, broker_url = os.environ.get("YARDSTICK_DATABASE_URL"), os.environ.get("YARDSTICK_BROKER_URL")
    if database_url and broker_url:
        yield Given(database_url, broker_url, None)
        return
    # Our tests kill processes, not machines: the kernel still writes what a killed server handed to it.
    memory = in_memory()
    with start(within=memory, settings={"fsync": "off", "max_wal_size": "512MB"}) as servers:
        yield Given(servers.database_url, servers.broker_url, servers, "file_copy" if memory else "wal_log")


def in_memory() -> Path | None:
    """A folder in memory, where there is plenty: a fresh database for each test is a thousand files."""
    place = Path("/dev/shm")
    if not place.is_dir() or shutil.disk_usage(place).free < ROOM or _free_memory() < 2 * ROOM:
        return None
    return place / f"yardstick-{os.getuid()}"


def _free_memory() -> int:
    """What is left, in bytes, of the machine's and of what this container may use."""
    left = [int(line.split()[1]) * 1024 for line in Path("/proc/meminfo").read_text().splitlines() if "MemAvai" in line]
    group = Path("/sys/fs/cgroup")
    with suppress(OSError, ValueError):
        left.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    return min(left, default=0)


@pytest.fixture(scope="session")
def servers(services: Given) -> Services:
    """Servers that a test may stop and start again."""
    if services.servers is None:
        pytest.skip("needs services of its own: unset YARDSTICK_DATABASE_URL and YARDSTICK_BROKER_URL")
    return services.servers


@pytest.fixture(scope="session")
def template(services: Given) -> Iterator[str]:
    """The name of a migrated database that is only ever copied."""
    name = f"yardstick_template_{secrets.token_hex(4)}"
    with administration(services.database_url) as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        engine = connect(url_of(services.database_url, name), role=None)
        upgrade(engine)
        with engine.begin() as inside:
            # TimescaleDB's workers hold a connection, and a database in use cannot be copied.
            inside.execute(text("SELECT _timescaledb_functions.stop_background_workers()"))
        engine.dispose()
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :n"), {"n": name}
        )
    yield name
    drop(services.database_url, name)


@pytest.fixture
def database(services: Given, template: str) -> Iterator[str]:
    """The URL of a fresh, migrated database; its user is the administrator."""
    name = f"yardstick_test_{secrets.token_hex(4)}"
    with administration(services.database_url) as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY {services.copying}"))
    yield url_of(services.database_url, name)
    drop(services.database_url, name)


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """The fresh database in the role in which ingester, scheduler and commands run."""
    made = connect(database, role="yardstick_worker")
    yield made
    made.dispose()


@pytest.fixture
def admin_engine(database: str) -> Iterator[Engine]:
    """The fresh database as its administrator."""
    made = connect(database, role=None)
    yield made
    made.dispose()


@pytest.fixture
def broker(services: Given) -> str:
    """The broker's URL. It is shared: give each test's devices and clients names of their own (`unique`)."""
    return services.broker_url


@pytest.fixture
def unique() -> str:
    """A word that no other test has; for device names and MQTT client ids."""
    return secrets.token_hex(4)


@pytest.fixture
def environment(database: str, broker: str, unique: str) -> dict[str, str]:
    """The environment of a child process that uses the fresh database and the broker."""
    own = {
        "YARDSTICK_DATABASE_URL": database,
        "YARDSTICK_BROKER_URL": broker,
        "YARDSTICK_INGEST_CLIENT": f"ingest-{unique}",
    }
    return {**os.environ, **own}


@contextmanager
def administration(url: str) -> Iterator[Connection]:
    """A connection that creates and drops databases."""
    address = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def drop(url: str, name: str) -> None:
    """Over a new connection: a test may have restarted the server."""
    with administration(url) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def url_of(url: str, name: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
