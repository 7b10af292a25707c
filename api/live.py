"""Live updates: one thread listens to the database and wakes every open page, which then asks for its own party."""

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.errors import TooBusy
from core.database import driver

CHANNEL = "yardstick_live"
MOST_CONNECTIONS = 200
POLL_SECONDS = 1.0
RETRY_SECONDS = 2.0
log = logging.getLogger("yardstick.live")


@dataclass(eq=False)
class Subscription:
    """What happened since this page last looked; a wake-up that nobody took yet is the same wake-up."""

    loop: asyncio.AbstractEventLoop
    kinds: set[str] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self, kind: str) -> None:
        """Only in the loop's thread."""
        self.kinds.add(kind)
        self.woken.set()

    def take(self) -> set[str]:
        """What happened; forgets it."""
        kinds, self.kinds = self.kinds, set()
        self.woken.clear()
        return kinds


class Broadcast:
    """Fans notifications out to at most MOST_CONNECTIONS pages of this process. Carries no content: only that it is."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._subscriptions: set[Subscription] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen in a thread of its own until the block ends."""
        self._stopped.clear()
        thread = threading.Thread(target=self._listen, name="yardstick-live", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join(timeout=POLL_SECONDS + RETRY_SECONDS)

    def stop(self) -> None:
        """End every stream; a server that waits for its connections could not stop otherwise."""
        self._stopped.set()
        self._publish("end")

    @property
    def stopped(self) -> bool:
        """Whether the server is going down."""
        return self._stopped.is_set()

    @contextmanager
    def subscription(self) -> Iterator[Subscription]:
        """A page's place. Raises TooBusy."""
        mine = Subscription(asyncio.get_running_loop())
        with self._lock:
            if len(self._subscriptions) >= MOST_CONNECTIONS:
                raise TooBusy("more pages are watching than this server keeps live; reload to see the newest numbers")
            self._subscriptions.add(mine)
        try:
            yield mine
        finally:
            with self._lock:
                self._subscriptions.discard(mine)

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except (SQLAlchemyError, psycopg.Error) as error:
                log.warning("live updates lost the database, trying again: %s", type(error).__name__)
                self._stopped.wait(RETRY_SECONDS)

    def _follow(self) -> None:
        # A connection of its own, not of the pool: it stays here as long as the process does.
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            raw = driver(connection)
            connection.detach()
            raw.execute(f"LISTEN {CHANNEL}")
            self._publish("connected")
            while not self._stopped.is_set():
                for notification in raw.notifies(timeout=POLL_SECONDS):
                    self._publish(kind(notification.payload))

    def _publish(self, what: str) -> None:
        with self._lock:
            for one in self._subscriptions:
                try:
                    one.loop.call_soon_threadsafe(one.wake, what)
                except RuntimeError:  # its loop has ended; the page is gone
                    continue


def kind(payload: str) -> str:
    """Of a notification: `ingest` or `standing`; anything else is `other`."""
    try:
        found = json.loads(payload)["kind"]
    except (ValueError, KeyError, TypeError):
        return "other"
    return found if found in ("ingest", "standing") else "other"
