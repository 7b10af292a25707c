"""The ingester's work: receive and judge while the batch before is being written; acknowledge what is committed."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from functools import partial
from queue import Empty, Full, Queue, SimpleQueue
from time import monotonic, sleep
from typing import NamedTuple, Protocol, TypeVar

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from core.database import transaction
from ingest import run
from ingest.batch import MOST_MESSAGES, Arrival, Batch, Examined, examine
from ingest.registry import Registry
from ingest.run import Outcome
from ingest.sequence import Receipt
from ingest.store import register
from ingest.store.batch import Counts
from ingest.wire.node import Node, rebirth_request
from ingest.wire.route import route_of
from ingest.work import Work

LINGER = 0.1
"""Seconds for which a batch waits for more before it is written."""
GATHER = 0.01
"""Seconds in which messages gather before they are judged together."""
REFRESH = timedelta(seconds=10)
"""After so long the registry is looked at again, so that changed declarations take effect."""
LIVE_EVERY = 1.0
"""Seconds between two notices to whoever shows readings live."""
ALARM_EVERY = 60.0
"""Seconds between two alarms about messages that were dropped."""
RECEIPTS_EVERY = 0.5
"""Seconds between two receipts to a device: one answers all its messages of that time."""
UNSENT = timedelta(hours=1)
"""What was committed in so long before the start is receipted again: whoever did it may have been killed."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
"""Seconds between tries while the database cannot be used."""

# No message: a signal that comes just when a wait ends can make Python's queue wait for ever.
WAKE = Arrival(0, 0, 0, b"", b"", 0)
Done = TypeVar("Done")
_LOG = logging.getLogger(__name__)


class Messages(Protocol):
    """Where messages come from, and who is told that they are safe."""

    arrivals: SimpleQueue[Arrival]
    connections: int
    new_sessions: int
    dropped: int

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


class Observer(Protocol):
    """Who is told of each commit, in the writer's thread."""

    def committed(self, batch: Batch, seconds: float) -> None:
        """A batch was committed, which took so long."""


class Tally(NamedTuple):
    """What was committed since the start; reasons: of the quarantined items."""

    counts: Counts
    reasons: Counter[str]


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

    def __init__(
        self,
        engine: Engine,
        source: Messages,
        *,
        client: str,
        clock: Callable[[], datetime],
        observer: Observer | None = None,
    ) -> None:
        self.tally = Tally(Counts(0, 0, 0, 0, 0), Counter())
        self.work = Work()
        self.sessions_lost = self.failures = 0
        self._observer = observer
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
        self._dropped, self._alarmed = 0, -ALARM_EVERY
        self._since = 0
        self._is_unsure = False
        self._registry: Registry | None = None
        self._nodes = dict[str, Node]()
        self._writer = threading.Thread(target=self._write_all, name="writer", daemon=True)

    @property
    def total(self) -> Counts:
        """Items committed since the start."""
        return self.tally.counts

    def stop(self) -> None:
        """Ask to finish: what was decoded is still written and acknowledged."""
        self._stopping.set()
        self._source.arrivals.put(WAKE)

    def problems(self) -> list[str]:
        """Why a new process would do better; empty if all is well."""
        started = self._writer.ident is not None and not self._stopping.is_set()
        dead = ["the writer thread ended"] if started and not self._writer.is_alive() else []
        return dead + self.work.problems(monotonic())

    def run(self) -> None:
        """Work until stopped."""
        self._writer.start()
        self._source.start()
        batch, since = Batch(), monotonic()
        try:
            self._since = self._persist(lambda: run.known_now(self._engine), "read what is known")
            self._nodes = self._persist(lambda: run.living(self._engine), "read the nodes")
            while not self._stopping.is_set():
                self._watch()
                if not self._writer.is_alive():
                    raise WriterDied("the writer thread ended; what it had was not acknowledged and comes again")
                for arrival in self._taken(MOST_MESSAGES - len(batch.arrivals)):
                    if not batch.arrivals:
                        since = monotonic()
                        self.work.open(arrival.received_at)
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
        self.work.turned = monotonic()
        if (sessions := self._source.new_sessions) > self._sessions:
            self._sessions, surely = sessions, sessions > 1
            lost = partial(run.session_lost, self._engine, self._clock(), client=self._client, surely=surely)
            asking = self._persist(lost, "note that the broker lost the session")
            if asking is not None:
                self.sessions_lost += 1
                _LOG.warning("The broker lost the session: devices are asked for what is missing.")
                self._receipts.add(asking)
        if (dropped := self._source.dropped) > self._dropped and monotonic() - self._alarmed >= ALARM_EVERY:
            self._alarm_dropped(dropped)
        if (connections := self._source.connections) > self._connections:
            self._connections = connections
            self._receipt_unsent()
        self._receipts.publish_due()

    def _alarm_dropped(self, dropped: int) -> None:
        messages, self._dropped, self._alarmed = dropped - self._dropped, dropped, monotonic()
        _LOG.warning("%d messages of QoS 0 came faster than they can be stored, and were dropped.", messages)
        alarm = partial(run.messages_dropped, self._engine, self._clock(), client=self._client, messages=messages)
        self._persist(alarm, "note that messages were dropped")

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
        found = [arrival for arrival in taken if arrival is not WAKE]
        self.work.taken += len(found)
        return found

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
                with self.work.trying(threading.current_thread().name, monotonic()):
                    return action()
            except (SQLAlchemyError, psycopg.Error) as error:
                self._is_unsure = True
                self.failures += 1
                _LOG.warning("Could not %s, trying again in %.2f s: %s", what, pause, str(error).split("\n", 1)[0])
            if self._stopping.wait(pause):
                raise Stopped
            pause = min(2 * pause, LONGEST_PAUSE)

    def _hand_over(self, batch: Batch | None) -> None:
        """Give a batch to the writer; wait while another one waits. None: there will be no more."""
        while self._writer.is_alive():
            self.work.turned = monotonic()
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

        def attempt() -> Outcome:
            began = monotonic()
            outcome = run.write(self._engine, batch, self._clock(), client=self._client, live=live)
            if self._observer is not None and batch.arrivals:
                self._observer.committed(batch, monotonic() - began)
            return outcome

        outcome = self._persist(attempt, "write readings")
        self._count(outcome)
        self._receipts.add(outcome.receipts)
        self._source.acknowledge(batch.arrivals)
        if batch.arrivals:
            self.work.settle(len(batch.arrivals))
        for name, node in batch.born.items():
            again = partial(self._replay, name, node)
            self._count(self._persist(again, "replay what waited for a birth"))

    def _replay(self, name: str, node: Node) -> Outcome:
        registry = self._read_registry()
        return run.replay(self._engine, registry, name, node, self._clock(), client=self._client)

    def _count(self, done: Outcome) -> None:
        """Add up; after a failure ask our own accounts, for a commit may have been done that we were not told of."""
        if self._is_unsure:
            self._is_unsure = False
            recount = partial(run.committed_since, self._engine, self._since, client=self._client)
            self.tally = Tally(*self._persist(recount, "count what was committed"))
            return
        total = self.tally.counts
        for counts in done.counts:
            total = Counts(*map(sum, zip(total, counts, strict=True)))
            _LOG.debug("Committed.", extra=counts._asdict())
        self.tally = Tally(total, self.tally.reasons + done.reasons)
