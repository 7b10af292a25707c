"""Use cases: settle items of the quarantine, in one transaction each, audited; a dry run rolls it back."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from core.database import transaction
from core.store import audit, draw_knowledge
from core.time import instant, micros
from ingest.batch import Arrival, Batch, Examined
from ingest.reason import Rejected
from ingest.registry import Registry
from ingest.review.item import Ruling, read_again
from ingest.run import conflicts_of, entries_of
from ingest.store import quarantine, reading, register, review
from ingest.store.review import Closing, Open

AT_ONCE = 1000
"""Items that one transaction settles."""


class Settled(NamedTuple):
    """What became of items: closed ones, the readings that came of them, and those that stay open with the reason."""

    closed: int
    stored: int
    duplicate: int
    overridden: int
    quarantined: int
    refused: tuple[tuple[str, Rejected], ...]

    def plus(self, other: "Settled") -> "Settled":
        """Both together."""
        return Settled(
            self.closed + other.closed,
            self.stored + other.stored,
            self.duplicate + other.duplicate,
            self.overridden + other.overridden,
            self.quarantined + other.quarantined,
            self.refused + other.refused,
        )


NOTHING = Settled(0, 0, 0, 0, 0, ())


class NoteNeeded(ValueError):
    """An action on quarantined items must say why."""


def settle(engine: Engine, entries: Sequence[Open], at: datetime, *, ruling: Ruling, dry: bool = False) -> Settled:
    """Do to these items what the ruling says. dry: find out what would happen, and change nothing.

    Items that are refused again stay open. Raises NoteNeeded, and DBAPIError if somebody else settles one meanwhile.
    """
    if not ruling.note.strip():
        raise NoteNeeded("say why: the note is kept with the action")
    with transaction(engine) as connection:
        settled = _settle(connection, entries, at, ruling)
        if dry:
            connection.rollback()
    return settled


def replay(
    engine: Engine, at: datetime, *, ruling: Ruling, reason: str | None, device: str | None, dry: bool
) -> Settled:
    """Judge all open items (of a reason, of a device) again by the rules and registrations of today."""
    settled, after = NOTHING, None
    while True:
        with transaction(engine) as connection:
            entries = review.find(connection, reason=reason, device=device, after=after, most=AT_ONCE)
        if not entries:
            return settled
        settled, after = settled.plus(settle(engine, entries, at, ruling=ruling, dry=dry)), entries[-1]


def _settle(connection: Connection, entries: Sequence[Open], at: datetime, ruling: Ruling) -> Settled:
    if ruling.action == "reject":
        closings, found = [Closing(entry, None, None) for entry in entries], NOTHING
        known = draw_knowledge(connection)
    else:
        registry = register.snapshot(connection, at)
        batch, closings, refused = _judged(entries, registry, ruling)
        known, closings, found = _store(connection, batch, closings, ruling)
        found = found._replace(refused=(*refused, *found.refused))
    if closings:
        review.close(connection, at, closings, action=ruling.action, actor=ruling.by, note=ruling.note, known=known)
        found = found._replace(closed=len(closings))
        detail = {"items": [one.entry.reference for one in closings], "note": ruling.note, **ruling.changes}
        audit(
            connection, at, actor=ruling.by, action=f"quarantine.{ruling.action}", subject="quarantine", detail=detail
        )
    return found


def _judged(
    entries: Sequence[Open], registry: Registry, ruling: Ruling
) -> tuple[Batch, list[Closing], list[tuple[str, Rejected]]]:
    """A batch of what may be stored now, one arrival for each item that leaves the list; what stays and why."""
    batch, closings, refused = Batch(), list[Closing](), list[tuple[str, Rejected]]()
    for entry in entries:
        arrival = arrival_of(entry)
        since = None if entry.since is None else micros(entry.since)
        examined = read_again(arrival, entry.item, entry.device, registry=registry, ruling=ruling, since=since)
        if stays := _stays(entry, examined):
            refused.append((entry.reference, stays))
            continue
        batch.add(arrival, examined)
        row = examined.rows[0] if entry.item >= 0 else None
        closings.append(Closing(entry, row and row[1], row and instant(row[2])))
    return batch, closings, refused


def arrival_of(entry: Open) -> Arrival:
    """The message as it was received, or as much of it as was kept."""
    properties = tuple((name, value) for name, value in entry.properties)
    topic, received_at = entry.topic.encode(), micros(entry.received_at)
    return Arrival(0, 0, 1, topic, entry.payload, received_at, entry.content_type, properties)


def _stays(entry: Open, examined: Examined) -> Rejected | None:
    """Why an item cannot leave the list: it is refused again, or a message still cannot be read as a whole."""
    if entry.size > len(entry.payload) and entry.item < 0:
        return examined.rejected[0] if examined.rejected else None
    return next((one for one in examined.rejected if entry.item >= 0 or one.item < 0), None)


def _store(
    connection: Connection, batch: Batch, closings: list[Closing], ruling: Ruling
) -> tuple[int, list[Closing], Settled]:
    if batch.rows:
        reading.stage(connection, batch.rows)
    known = draw_knowledge(connection)
    written = reading.accept(connection, staged=len(batch.rows), known=known) if batch.rows else reading.NOTHING
    stored, conflicts = written.stored, written.conflicts
    duplicate = len(batch.rows) - stored - len(conflicts)
    if ruling.overrides:
        # One item, one reading: the closing knows which.
        of = [(closings[batch.origins[one.n].arrival], one.sent) for one in conflicts]
        rows = [(c.register, c.reading_at, sent) for c, sent in of if c.register is not None and c.reading_at]
        review.override(connection, rows, known=known, author=ruling.by, reason=ruling.note)
        return known, closings, Settled(0, stored, duplicate, len(rows), 0, ())
    clashes = list(conflicts_of(batch, conflicts))
    whole = [clash for clash in clashes if closings[clash[0]].entry.item < 0]
    single = {clash[0]: clash[1] for clash in clashes if closings[clash[0]].entry.item >= 0}
    entries = [*entries_of(batch, batch.refused), *entries_of(batch, whole)]
    quarantined = quarantine.add(connection, entries, known=known).total()
    refused = tuple((closings[n].entry.reference, rejected) for n, rejected in single.items())
    left = [one for n, one in enumerate(closings) if n not in single]
    return known, left, Settled(0, stored, duplicate, 0, quarantined, refused)
