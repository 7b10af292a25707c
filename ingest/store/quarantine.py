"""What could not be accepted, with the reason and the evidence."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

MOST_OF_LARGE = 64 * 1024
"""Bytes kept of a message that is too large to be read at all."""
UPSERT = text("""
    INSERT INTO ingest.quarantine
        (topic, payload_hash, item, reason, detail, payload, size, device, received_at, content_type, properties, known)
    SELECT u.*, :known FROM unnest(
        cast(:topic AS text[]), cast(:payload_hash AS bytea[]), cast(:item AS int[]), cast(:reason AS text[]),
        cast(:detail AS text[]), cast(:payload AS bytea[]), cast(:size AS int[]), cast(:device AS text[]),
        cast(:received_at AS timestamptz[]), cast(:content_type AS text[]), cast(:properties AS jsonb[])) AS u
    ON CONFLICT DO NOTHING RETURNING reason
""")
RECENT = text("""
    SELECT topic, item, reason, detail, payload, size, device, received_at FROM ingest.quarantine
    WHERE (cast(:reason AS text) IS NULL OR reason = :reason) AND (cast(:device AS text) IS NULL OR device = :device)
    ORDER BY received_at DESC, topic, payload_hash, item LIMIT :most
""")
REASONS_SINCE = text("""
    SELECT q.reason, count(*) AS n FROM ingest.batch AS b JOIN ingest.quarantine AS q ON q.known = b.known
    WHERE b.known > :known AND b.client = :client AND b.quarantined > 0 GROUP BY 1
""")


class Entry(NamedTuple):
    """One refused item. payload: of the item as JSON, or of the whole message (item -1); size: of the message.

    content_type, properties: what MQTT 5 told of the message; properties: pairs, as JSON.
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
    properties: str = "[]"


class Refusal(NamedTuple):
    """An entry as it is shown."""

    topic: str
    item: int
    reason: str
    detail: str
    payload: bytes
    size: int
    device: str | None
    received_at: datetime


def digest(payload: bytes) -> bytes:
    """What makes a repetition of a refused message the same."""
    return hashlib.sha256(payload).digest()


def add(connection: Connection, entries: Sequence[Entry], *, known: int) -> Counter[str]:
    """Keep entries; how many were new, by reason. One that is there already is a duplicate."""
    if not entries:
        return Counter()
    ordered = sorted(entries, key=lambda entry: entry[:3])
    columns = {name: [getattr(entry, name) for entry in ordered] for name in Entry._fields}
    return Counter(connection.execute(UPSERT, {**columns, "known": known}).scalars())


def reasons_since(connection: Connection, known: int, *, client: str) -> dict[str, int]:
    """Why one ingester's commits after K quarantined items, and how many."""
    rows = connection.execute(REASONS_SINCE, {"known": known, "client": client})
    return {row.reason: row.n for row in rows}


def recent(
    connection: Connection, *, reason: str | None = None, device: str | None = None, most: int = 50
) -> list[Refusal]:
    """The newest entries first."""
    rows = connection.execute(RECENT, {"reason": reason, "device": device, "most": most})
    return [Refusal(*row) for row in rows]
