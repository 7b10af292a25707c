"""A small HTTP server beside a program, for whoever watches it: /metrics, /healthz, /readyz."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple, TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from core.database import transaction

Problems: TypeAlias = Callable[[], list[str]]
"""What is wrong now; empty if nothing is."""
_LOG = logging.getLogger(__name__)


class Watched(NamedTuple):
    """What a program tells. live: why it should be started anew; ready: why it cannot do its work at the moment."""

    metrics: CollectorRegistry
    live: Problems
    ready: Problems


@contextmanager
def watching(address: str, watched: Watched) -> Iterator[int]:
    """Answer on `host:port` while the block lasts, if there is an address; the port. Raises OSError if it is taken."""
    if not address:
        yield 0
        return
    host, _, port = address.rpartition(":")
    server = _Server((host, int(port)), _Handler)
    server.watched = watched
    thread = Thread(target=server.serve_forever, name="watch", daemon=True)
    thread.start()
    _LOG.info("Metrics and health on http://%s:%d.", host or "*", server.server_port)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    watched: Watched


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10

    def do_GET(self) -> None:
        watched = self.server.watched
        if self.path == "/metrics":
            self._answer(200, CONTENT_TYPE_LATEST, generate_latest(watched.metrics))
        elif self.path in ("/healthz", "/readyz"):
            problems = (watched.live if self.path == "/healthz" else watched.ready)()
            said = {"status": "unavailable", "problems": problems} if problems else {"status": "ok"}
            self._answer(503 if problems else 200, "application/json", json.dumps(said).encode())
        else:
            self._answer(404, "text/plain", b"There are /metrics, /healthz and /readyz.\n")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A scrape every few seconds is no news."""


def database_problems(engine: Engine) -> list[str]:
    """Whether the database answers."""
    try:
        with transaction(engine) as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        _LOG.debug("The database does not answer: %s", error)
        return ["the database does not answer"]
    return []
