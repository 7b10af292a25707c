"""The quarantine's work list: what is open, and how each item left it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

OPEN = """
    NOT EXISTS (SELECT FROM ingest.quarantine_action AS a
        WHERE a.topic = q.topic AND a.payload_hash = q.payload_hash AND a.item = q.item)
"""
GROUPS = text(f"""
    SELECT reason, coalesce(device, '-') AS device, count(*) AS items, min(received_at) AS first_at,
        max(received_at) AS last_at,
        (array_agg(left(encode(payload_hash, 'hex'), 16) || ':' || item ORDER BY received_at DESC))[1] AS sample,
        (array_agg(detail ORDER BY received_at DESC))[1] AS detail
    FROM ingest.quarantine AS q WHERE {OPEN} GROUP BY 1, 2 ORDER BY items DESC, 1, 2
""")  # noqa: S608 - our own text
FIND = text(f"""
    SELECT topic, payload_hash, item, reason, detail, payload, size, device, received_at, content_type, properties, (
        SELECT b.since FROM ingest.backfill_step AS s JOIN ingest.backfill AS b ON b.id = s.backfill
        WHERE s.known = q.known) AS since
    FROM ingest.quarantine AS q
    WHERE {OPEN} AND (cast(:reason AS text) IS NULL OR reason = :reason)
        AND (cast(:device AS text) IS NULL OR device = :device)
        AND (cast(:hash AS text) IS NULL OR starts_with(encode(payload_hash, 'hex'), :hash))
        AND (cast(:item AS int) IS NULL OR item = :item)
        AND (topic, payload_hash, item) > (:topic, cast(:after AS bytea), :after_item)
    ORDER BY topic, payload_hash, item LIMIT :most
""")  # noqa: S608
CLOSE = text("""
    INSERT INTO ingest.quarantine_action
        (topic, payload_hash, item, action, actor, note, at, known, register, reading_at)
    SELECT u.topic, u.payload_hash, u.item, :action, :actor, :note, :at, :known, u.register, u.reading_at
    FROM unnest(cast(:topics AS text[]), cast(:hashes AS bytea[]), cast(:items AS int[]), cast(:registers AS int[]),
        cast(:reading_ats AS timestamptz[])) AS u (topic, payload_hash, item, register, reading_at)
""")
OVERRIDE = text("""
    INSERT INTO ingest.reading_override (register, at, value, known, author, reason)
    SELECT register, at, value, :known, :author, :reason
    FROM unnest(cast(:registers AS int[]), cast(:ats AS timestamptz[]), cast(:values AS bigint[]))
        AS u (register, at, value)
""")
NEIGHBOURS = text("""
    (SELECT r.at, r.value FROM ingest.reading AS r WHERE r.register = :register AND r.at <= :at
     ORDER BY r.at DESC LIMIT :most)
    UNION
    (SELECT r.at, r.value FROM ingest.reading AS r WHERE r.register = :register AND r.at >= :at
     ORDER BY r.at LIMIT :most)
    ORDER BY at
""")


class Open(NamedTuple):
    """An item that nobody has dealt with. payload: of the item, or of the whole message (item -1).

    content_type, properties: what MQTT 5 told of the message.
    since: readings from then on were allowed to the import that it came with, if it was one.
    """

    topic: str
    payload_hash: bytes
    item: int
    reason: str
    detail: str
    payload: bytes
    size: int
    device: str | None
    received_at: datetime
    content_type: str = ""
    properties: Sequence[Sequence[str]] = ()
    since: datetime | None = None

    @property
    def reference(self) -> str:
        """How people name it: as much of the hash as is unique in practice, and the index in the message."""
        return f"{self.payload_hash.hex()[:16]}:{self.item}"


class Group(NamedTuple):
    """Open items of one reason and device; sample and detail: of the newest."""

    reason: str
    device: str
    items: int
    first_at: datetime
    last_at: datetime
    sample: str
    detail: str


class Closing(NamedTuple):
    """An item that leaves the list, and the one reading that came of it, if it was one."""

    entry: Open
    register: int | None
    reading_at: datetime | None


def groups(connection: Connection) -> list[Group]:
    """Open items by reason and device, most frequent first."""
    return [Group(*row) for row in connection.execute(GROUPS)]


def find(  # every part narrows the list
    connection: Connection,
    *,
    reason: str | None = None,
    device: str | None = None,
    reference: str | None = None,
    after: Open | None = None,
    most: int,
) -> list[Open]:
    """Open items by topic, hash and index, those after a given one. reference: `<start of the hash>:<item>`."""
    start, _, item = (reference or "").partition(":")
    asked = {
        "reason": reason,
        "device": device,
        "hash": start or None,
        "item": int(item) if item else None,
        "topic": after.topic if after else "",
        "after": after.payload_hash if after else b"",
        "after_item": after.item if after else -2,
        "most": most,
    }
    return [Open(*row) for row in connection.execute(FIND, asked)]


def close(  # the action's own facts
    connection: Connection, at: datetime, closings: Sequence[Closing], *, action: str, actor: str, note: str, known: int
) -> None:
    """Take items off the list. The database refuses an item that has left it already."""
    asked = {
        "topics": [one.entry.topic for one in closings],
        "hashes": [one.entry.payload_hash for one in closings],
        "items": [one.entry.item for one in closings],
        "registers": [one.register for one in closings],
        "reading_ats": [one.reading_at for one in closings],
    }
    said = {"action": action, "actor": actor, "note": note, "at": at, "known": known}
    connection.execute(CLOSE, asked | said)


def override(
    connection: Connection,
    readings: Iterable[tuple[int, datetime, int | None]],
    *,
    known: int,
    author: str,
    reason: str,
) -> None:
    """Correct readings that stand: register, instant, ticks; None: void."""
    rows = list(readings)
    if rows:
        columns = zip(*rows, strict=True)
        asked = dict(zip(("registers", "ats", "values"), map(list, columns), strict=True))
        connection.execute(OVERRIDE, {**asked, "known": known, "author": author, "reason": reason})


def neighbours(connection: Connection, register: int, at: datetime, *, most: int = 3) -> list[tuple[datetime, int]]:
    """Readings as received on both sides of an instant, by time."""
    found = connection.execute(NEIGHBOURS, {"register": register, "at": at, "most": most})
    return [(row.at, row.value) for row in found]
