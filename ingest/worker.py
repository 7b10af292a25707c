"""The ingester's work: receive and judge while the batch before is being written; acknowledge what is committed."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, Full, Queue, SimpleQueue
from time import monotonic, sleep
from typing import Protocol, TypeVar

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from core.database import transaction
from ingest import run
from ingest.batch import MOST_MESSAGES, Arrival, Batch, Examined, examine
from ingest.registry import Registry
from ingest.sequence import Receipt
from ingest.store import register
from ingest.store.batch import Counts
from ingest.wire.node import Node, rebirth_request
from ingest.wire.route import route_of

LINGER = 0.1
"""Seconds for which a batch waits for more before it is written."""
GATHER = 0.01
"""Seconds in which messages gather before they are judged together."""
REFRESH = timedelta(seconds=10)
"""After so long the registry is looked at again, so that changed declarations take effect."""
LIVE_EVERY = 1.0
"""Seconds between two notices to whoever shows readings live."""
RECEIPTS_EVERY = 0.5
"""Seconds between two receipts to a device: one answers all its messages of that time."""
UNSENT = timedelta(hours=1)
"""What was committed in so long before the start is receipted again: whoever did it may have been killed."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
"""Seconds between tries while the database cannot be used."""

Done = TypeVar("Done")
_LOG = logging.getLogger(__name__)


class Messages(Protocol):
    """Where messages come from, and who is told that they are safe."""

    arrivals: SimpleQueue[Arrival]
    connections: int
    new_sessions: int

    def start(self) -> None:
        """Begin to receive."""

    def stop(self) -> None:
        """Receive no more."""

    def acknowledge(self, arrivals: Collection[Arrival]) -> None:
        """Confirm committed messages."""

    def publish(self, receipts: Iterable[Receipt]) -> None:
        """Tell devices what they need not keep."""

    def send(self, topic: str, payload: bytes) -> None:
        """Ask something of a device."""


class Receipts:
    """What devices may be told, gathered for a moment: the newest of each device and boot."""

    def __init__(self, source: Messages) -> None:
        self._source = source
        self._pending = dict[tuple[str, str], Receipt]()
        self._lock = threading.Lock()
        self._published = monotonic()

    def add(self, receipts: Iterable[Receipt]) -> None:
        """Take in what a commit allows to say."""
        with self._lock:
            self._pending.update(((receipt.device, receipt.boot), receipt) for receipt in receipts)

    def publish_due(self) -> None:
        """Publish if it is time."""
        if self._pending and monotonic() - self._published >= RECEIPTS_EVERY:
            self.publish()

    def publish(self) -> None:
        """Publish what is pending."""
        with self._lock:
            pending, self._pending = self._pending, {}
        self._published = monotonic()
        self._source.publish(pending.values())


class Stopped(Exception):
    """The ingester was told to stop while the database could not be used; nothing was acknowledged."""


class WriterDied(RuntimeError):
    """A fault of our own in the writer; its trace was printed. Only a new process helps."""


class Ingester:
    """One ingester. `run` works in the calling thread until `stop` is called from another or from a signal handler."""

    def __init__(self, engine: Engine, source: Messages, *, client: str, clock: Callable[[], datetime]) -> None:
        self.total = Counts(0, 0, 0, 0, 0)
        self._engine = engine
        self._source = source
        self._client = client
        self._clock = clock
        self._stopping = threading.Event()
        self._busy = threading.Event()
        self._waiting: Queue[Batch | None] = Queue(maxsize=1)
        self._told = -LIVE_EVERY
        self._receipts = Receipts(source)
        self._connections = self._sessions = 0
        self._registry: Registry | None = None
        self._nodes = dict[str, Node]()
        self._writer = threading.Thread(target=self._write_all, name="writer", daemon=True)

    def stop(self) -> None:
        """Ask to finish: what was decoded is still written and acknowledged."""
        self._stopping.set()

    def run(self) -> None:
        """Work until stopped."""
        self._writer.start()
        self._source.start()
        batch, since = Batch(), monotonic()
        try:
            self._nodes = self._persist(lambda: run.living(self._engine), "read the nodes")
            while not self._stopping.is_set():
                self._watch()
                if not self._writer.is_alive():
                    raise WriterDied("the writer thread ended; what it had was not acknowledged and comes again")
                for arrival in self._taken(MOST_MESSAGES - len(batch.arrivals)):
                    if not batch.arrivals:
                        since = monotonic()
                    batch.add(arrival, self._examine(arrival))
                    if batch.is_full:
                        self._hand_over(batch)
                        batch = Batch()
                aged = monotonic() - since >= LINGER and not self._busy.is_set() and self._waiting.empty()
                if batch.is_full or (batch.arrivals and aged):
                    self._hand_over(batch)
                    batch = Batch()
            self._hand_over(batch)
        except Stopped:
            _LOG.warning("Stopped while the database could not be used; the broker keeps what was not written.")
        finally:
            self._stopping.set()
            self._hand_over(None)
            self._writer.join()
            self._receipts.publish()
            self._source.stop()

    def _watch(self) -> None:
        """What must be done from time to time, whether messages come or not."""
        if (sessions := self._source.new_sessions) > self._sessions:
            self._sessions, surely = sessions, sessions > 1
            lost = partial(run.session_lost, self._engine, self._clock(), client=self._client, surely=surely)
            self._receipts.add(self._persist(lost, "note that the broker lost the session"))
        if (connections := self._source.connections) > self._connections:
            self._connections = connections
            self._receipt_unsent()
        self._receipts.publish_due()

    def _receipt_unsent(self) -> None:
        """What was committed lately: who did it may have been killed, or have lost its connection, before saying so."""
        since = self._clock() - UNSENT
        self._receipts.add(self._persist(lambda: run.unsent_receipts(self._engine, since), "read message numbers"))

    def _taken(self, most: int) -> list[Arrival]:
        """Messages that have come, after a moment for more: waking for each would slow the receiving thread."""
        arrivals = self._source.arrivals
        taken = list[Arrival]()
        try:
            taken.append(arrivals.get(timeout=LINGER / 2))
            if arrivals.qsize() < most:
                sleep(GATHER)
            while len(taken) < most:
                taken.append(arrivals.get_nowait())
        except Empty:
            pass
        return taken

    def _examine(self, arrival: Arrival) -> Examined:
        """Judge by a registry that is fresh, and if something is unknown by one read after the message came."""
        registry = self._registry
        if registry is None or arrival.received_at - registry.taken_at > REFRESH // timedelta(microseconds=1):
            registry = self._refreshed()
        examined = examine(arrival, registry, self._nodes)
        if examined.is_unknown and registry.taken_at <= arrival.received_at:
            examined = examine(arrival, self._refreshed(), self._nodes)
        if examined.node is not None:
            self._heard(arrival, examined.node, asks=examined.asks)
        return examined

    def _heard(self, arrival: Arrival, node: Node, *, asks: bool) -> None:
        """Remember what an edge node is now; ask it for its birth if need be."""
        route = route_of(arrival.topic)
        if route is not None:
            self._nodes[route.node] = node
            if asks:
                self._source.send(*rebirth_request(route.node, at=arrival.received_at))

    def _refreshed(self) -> Registry:
        self._registry = self._persist(self._read_registry, "read the registers")
        return self._registry

    def _read_registry(self) -> Registry:
        with transaction(self._engine) as connection:
            return register.snapshot(connection, self._clock(), self._registry)

    def _persist(self, action: Callable[[], Done], what: str) -> Done:
        """Try until the database does it. Raises Stopped if asked to stop meanwhile."""
        pause = FIRST_PAUSE
        while True:
            try:
                return action()
            except (SQLAlchemyError, psycopg.Error) as error:
                _LOG.warning("Could not %s, trying again in %.2f s: %s", what, pause, str(error).split("\n", 1)[0])
            if self._stopping.wait(pause):
                raise Stopped
            pause = min(2 * pause, LONGEST_PAUSE)

    def _hand_over(self, batch: Batch | None) -> None:
        """Give a batch to the writer; wait while another one waits. None: there will be no more."""
        while self._writer.is_alive():
            try:
                self._waiting.put(batch, timeout=LINGER)
            except Full:
                continue
            return

    def _write_all(self) -> None:
        while (batch := self._waiting.get()) is not None:
            self._busy.set()
            try:
                self._write(batch)
            except Stopped:
                return
            finally:
                self._busy.clear()

    def _write(self, batch: Batch) -> None:
        live = monotonic() - self._told >= LIVE_EVERY and bool(batch.rows)
        if live:
            self._told = monotonic()

        def attempt() -> run.Outcome:
            return run.write(self._engine, batch, self._clock(), client=self._client, live=live)

        outcome = self._persist(attempt, "write readings")
        self._count(outcome.counts)
        self._receipts.add(outcome.receipts)
        self._source.acknowledge(batch.arrivals)
        for name, node in batch.born.items():
            again = partial(self._replay, name, node)
            self._count(self._persist(again, "replay what waited for a birth"))

    def _replay(self, name: str, node: Node) -> list[Counts]:
        registry = self._read_registry()
        return run.replay(self._engine, registry, name, node, self._clock(), client=self._client)

    def _count(self, done: Iterable[Counts]) -> None:
        for counts in done:
            self.total = Counts(*map(sum, zip(self.total, counts, strict=True)))
