"""Use cases: import a file batch by batch; say what an import would do."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from core.database import transaction
from core.identifier import RANDOM_BYTES, public_id
from core.store import audit, draw_knowledge
from core.time import micros
from ingest.bulk.ahead import Ahead, refuse_hopeless
from ingest.bulk.chunk import AT_ONCE, Judged, Rules, chunks, judged, kept
from ingest.bulk.item import CannotRead, Record
from ingest.door import NEWEST, OLDEST
from ingest.reason import Reason, Rejected
from ingest.review.item import EVER
from ingest.run import storable
from ingest.store import backfill, quarantine, reading, register, rehearsal, undo
from ingest.store import batch as batches
from ingest.store.backfill import Backfill, Opening, Step
from ingest.store.batch import Counts
from ingest.store.quarantine import Entry

MOST_SAMPLES = 3
"""Refused items of a reason that are shown."""


class Order(NamedTuple):
    """What to import, and by whose leave. identity: of the file and of how it is read; since: first instant allowed.

    things: numbers in SenML's unit `count` are in the register's; registers: that the file's columns name;
    checked: some of its readings fit, if not the first.
    """

    file: str
    identity: bytes
    author: str
    reason: str
    since: datetime | None = None
    things: bool = False
    registers: tuple[str, ...] = ()
    checked: bool = False


class Sample(NamedTuple):
    """A refused item, for people."""

    place: int
    rejected: Rejected


@dataclass(slots=True)
class Report:
    """What became of an import so far. before: records that an earlier, interrupted run had committed."""

    backfill: str = ""
    before: int = 0
    records: int = 0
    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    reasons: Counter[Reason] = field(default_factory=Counter)
    samples: dict[Reason, list[Sample]] = field(default_factory=dict)

    def add(self, done: "Done") -> None:
        """Count a committed chunk."""
        self.records += done.upto - done.after
        self.received += done.counts.received
        self.stored += done.counts.stored
        self.duplicate += done.counts.duplicate
        self.quarantined += done.counts.quarantined
        for one in done.refused:
            reason = one.rejected.reason
            self.reasons[reason] += 1
            if self.reasons[reason] <= MOST_SAMPLES:
                self.samples.setdefault(reason, []).append(one)


class Done(NamedTuple):
    """A chunk that is committed, and what of it was refused."""

    after: int
    upto: int
    counts: Counts
    refused: list[Sample]


class Busy(Exception):
    """Another import of the same file is running."""


Tell = Callable[[Report], None]


def take_in(  # what is read, by which rules, who listens
    engine: Engine, records: Iterable[Record], order: Order, at: datetime, *, tell: Tell, most: int = AT_ONCE
) -> Report:
    """Import records: each chunk in one transaction, so that a killed import goes on where it was.

    Raises CannotRead if the file cannot be read (on), and Hopeless if none of its first items fits and nobody has
    checked that others do: then nothing was saved. Raises Busy, and DBAPIError when the database cannot be
    used; what was committed until then is kept.
    """
    rules = _rules(engine, order, at)
    source = Ahead(records)
    with transaction(engine) as connection:
        there = backfill.unfinished(connection, order.identity)
    if there is None:
        if not order.checked:
            refuse_hopeless(source, rules)
        there = _open(engine, order, at)
    report = Report(there.public_id, there.records)
    ready = (judged(chunk, rules) for chunk in chunks(source.all(), after=there.records, most=most))
    try:
        _write_all(ready, partial(_commit, engine, there, at), report, tell)
    except CannotRead as error:
        count = f"{report.before + report.records:,} records"
        raise CannotRead(
            f"{error}\n{count} before it are imported ({report.backfill}); mend the file and import it again: what is "
            "there already counts as duplicate"
        ) from None
    _close(engine, there, order, at)
    return report


def _write_all(ready: Iterator[Judged], commit: Callable[[Judged], Done], report: Report, tell: Tell) -> None:
    """Judge the next chunk while one is written."""
    waiting: Future[Done] | None = None
    with ThreadPoolExecutor(1) as writer:
        try:
            for one in ready:
                before, waiting = waiting, None
                _count(before, report, tell)
                waiting = writer.submit(commit, one)
        finally:
            _count(waiting, report, tell)


def fits_any(engine: Engine, records: Iterable[Record], order: Order, at: datetime) -> bool:
    """Whether any reading of a file would be stored or is there already."""
    rules = _rules(engine, order, at)
    return any(judged(chunk, rules).rows for chunk in chunks(records))


def _rules(engine: Engine, order: Order, at: datetime) -> Rules:
    with transaction(engine) as connection:
        registry = register.snapshot(connection, at)
    declared = {name for registers in registry.devices.values() for name in registers}
    if strange := [name for name in order.registers if name not in declared]:
        raise CannotRead(
            f"header: the column {strange[0]!r} is a register of no device; leave it out by --ignore {strange[0]!r}"
        )
    first = max(micros(order.since or at - OLDEST), EVER[0])
    return Rules(registry, micros(at), (first, min(micros(at + NEWEST), EVER[1])), order.things)


def _open(engine: Engine, order: Order, at: datetime) -> Backfill:
    name = public_id("bf", secrets.token_bytes(RANDOM_BYTES))
    with transaction(engine) as connection:
        backfill.open_(
            connection, Opening(name, at, order.author, order.reason, order.since, order.file, order.identity)
        )
        detail = {"file": order.file, "reason": order.reason, "since": order.since and order.since.isoformat()}
        audit(connection, at, actor=order.author, action="backfill.open", subject=name, detail=detail)
        return backfill.named(connection, name)


def _close(engine: Engine, there: Backfill, order: Order, at: datetime) -> None:
    with transaction(engine) as connection:
        known = draw_knowledge(connection)
        said = {"author": order.author, "reason": order.reason}
        backfill.change(connection, there.id, at, status="closed", known=known, **said)
        detail = backfill.sums(connection, there.id)._asdict()
        audit(connection, at, actor=order.author, action="backfill.close", subject=there.public_id, detail=detail)


def _count(waiting: Future[Done] | None, report: Report, tell: Tell) -> None:
    if waiting is not None:
        try:
            report.add(waiting.result())
        except IntegrityError as error:
            if "backfill_step_once" not in str(error):
                raise
            raise Busy(f"{report.backfill}: another import of this file is running; wait until it has ended") from None
        tell(report)


def _commit(engine: Engine, there: Backfill, at: datetime, ready: Judged) -> Done:
    """One chunk in one transaction; the knowledge number is drawn when all else is prepared."""
    items, rows = ready.chunk.items, ready.rows
    with transaction(engine) as connection:
        if rows:
            reading.stage(connection, rows)
        known = draw_knowledge(connection)
        given = undo.given(connection) if rows and undo.any_void(connection) else []
        left = len(rows) - len(given)
        written = reading.accept(connection, staged=left, known=known) if left else reading.NOTHING
        anew, clashes = _given_anew(given)
        if anew:
            said = {"author": there.author, "reason": f"imported anew by {there.public_id}"}
            undo.give_anew(connection, anew, known=known, **said)
        refused = [*ready.refused, *_clashes(ready, (*written.conflicts, *clashes))]
        entries = [_entry(ready, index, rejected, at) for index, rejected in refused]
        quarantined = quarantine.add(connection, entries, known=known).total()
        stored = written.stored + len(anew)
        counts = Counts(0, len(items), stored, len(items) - stored - quarantined, quarantined)
        first = None if anew else written.first
        batches.add(connection, at, client=there.public_id, known=known, counts=counts, first=first)
        after, upto, _ = ready.chunk
        first_at, last_at = ready.extent or (None, None)
        backfill.add_step(connection, there.id, Step(known, "import", after, upto, first_at, last_at))
    samples = [Sample(items[index].place, rejected) for index, rejected in refused]
    return Done(after, upto, counts, samples)


def _given_anew(given: Sequence[undo.Given]) -> tuple[list[undo.Given], list[reading.Conflict]]:
    """Of rows whose reading was taken back, the first of each instant counts again; others must say the same."""
    anew: list[undo.Given] = []
    clashes: list[reading.Conflict] = []
    counts: dict[tuple[int, datetime], int] = {}
    for row in given:
        key = (row.register, row.at)
        stands = counts.get(key, row.counts)
        if stands is None:
            anew.append(row)
            counts[key] = row.sent
        elif stands != row.sent:
            clashes.append(reading.Conflict(row.n, stands, row.sent))
    return anew, clashes


def _clashes(ready: Judged, conflicts: Iterable[reading.Conflict]) -> list[tuple[int, Rejected]]:
    return [ready.clash(one.n, sent=one.sent, stands=one.stored) for one in conflicts]


def _entry(ready: Judged, index: int, rejected: Rejected, at: datetime) -> Entry:
    item = ready.chunk.items[index]
    evidence = kept(item)
    return Entry(
        topic=evidence.topic,
        payload_hash=evidence.payload_hash,
        item=0,
        reason=rejected.reason.value,
        detail=storable(f"{rejected.detail} (line {item.place})"),
        payload=evidence.payload,
        size=len(evidence.payload),
        device=storable(item.device) or None,
        received_at=at,
    )


def rehearse(engine: Engine, records: Iterable[Record], order: Order, at: datetime, *, tell: Tell) -> Report:
    """What an import would do, without doing it. Raises CannotRead and Hopeless.

    Readings that a taken-back backfill voided count as duplicates or conflicts here, though an import gives them anew.
    """
    rules = _rules(engine, order, at)
    source = Ahead(records)
    if not order.checked:
        refuse_hopeless(source, rules)
    report = Report()
    with transaction(engine) as connection:
        rehearsal.begin(connection)
        for chunk in chunks(source.all()):
            ready = judged(chunk, rules)
            report.add(_rehearsed(connection, ready))
            tell(report)
        connection.rollback()
    return report


def _rehearsed(connection: Connection, ready: Judged) -> Done:
    items = ready.chunk.items
    found = rehearsal.accept(connection, ready.rows) if ready.rows else reading.NOTHING
    refused = [*ready.refused, *_clashes(ready, found.conflicts)]
    quarantined = rehearsal.refuse(connection, [kept(items[index])[:2] for index, _ in refused])
    counts = Counts(0, len(items), found.stored, len(items) - found.stored - quarantined, quarantined)
    samples = [Sample(items[index].place, rejected) for index, rejected in refused]
    return Done(ready.chunk.after, ready.chunk.upto, counts, samples)
