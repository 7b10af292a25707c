"""The application on a real server with a small fleet, for tests that speak HTTP or look at pages."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
import uvicorn
from sqlalchemy import Engine

from api.application import create
from core.database import connect
from tests.conftest import Given, administration, drop, url_of
from tests.fleet import PASSWORD, Fleet, settle

AT = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Served:
    """Where the application is, what is in its database, and an engine for what ingest and scheduler would write."""

    address: str
    fleet: Fleet
    worker: Engine

    def client(self, key: str | None = None) -> httpx.Client:
        """A program's client; `key` is a name of tests.fleet.PEOPLE."""
        headers = {"Authorization": f"Bearer {self.fleet.keys[key]}"} if key else {}
        return httpx.Client(base_url=self.address, headers=headers, timeout=30)

    @contextmanager
    def signed_in(self, name: str, password: str = PASSWORD) -> Iterator[httpx.Client]:
        """A person's client."""
        with self.client() as client:
            assert client.post("/portal/sign-in", data={"name": name, "password": password}).status_code == 303
            yield client


@pytest.fixture(scope="session")
def served(services: Given, template: str) -> Iterator[Served]:
    """A fleet of fourteen trucks and the application, as of 21 November 2026, 14:30 UTC. Do not change its facts."""
    name = "yardstick_served"
    with administration(services.database_url) as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    url = url_of(services.database_url, name)
    worker = connect(url, role="yardstick_worker")
    fleet = settle(worker, AT)
    with serving(url) as address:
        yield Served(address, fleet, worker)
    worker.dispose()
    drop(services.database_url, name)


class serving:  # noqa: N801 - used as a statement
    """The application on a free port while the block lasts."""

    def __init__(self, url: str, port: int = 0) -> None:
        self._engine = connect(url, role="yardstick_api")
        self._worker = connect(url, role="yardstick_worker")
        self._application = create(self._engine, lambda: AT, worker=self._worker)
        config = uvicorn.Config(self._application, port=port, log_level="warning", timeout_graceful_shutdown=2)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> str:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._application.state.broadcast.stop()
        self._server.should_exit = True
        self._thread.join(timeout=15)
        self._engine.dispose()
        self._worker.dispose()
