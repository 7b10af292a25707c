"""The ingester's own accounts: one row for each commit, so that everything received is in exactly one place."""

import json
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

CHANNEL = "yardstick_live"
ADD = text("""
    INSERT INTO ingest.batch (known, at, client, messages, received, stored, duplicate, quarantined)
    VALUES (:known, :at, :client, :messages, :received, :stored, :duplicate, :quarantined)
""")
NOTIFY = text("SELECT pg_notify(:channel, :payload)")
TOTALS = text("""
    SELECT coalesce(sum(received), 0) AS received, coalesce(sum(stored + duplicate + quarantined), 0) AS placed
    FROM ingest.batch WHERE known <= :known
""")


class Counts(NamedTuple):
    """Items of one commit: received = stored + duplicate + quarantined."""

    messages: int
    received: int
    stored: int
    duplicate: int
    quarantined: int


def add(connection: Connection, at: datetime, *, client: str, known: int, counts: Counts) -> None:
    """Append the counts of this transaction. The database refuses counts that do not add up."""
    connection.execute(ADD, {"known": known, "at": at, "client": client, **counts._asdict()})


def notify(connection: Connection, *, newest: datetime | None, stored: int) -> None:
    """Tell whoever listens that readings came in; delivered at commit."""
    payload = {"kind": "ingest", "last_reading": newest.isoformat() if newest else None, "stored": stored}
    connection.execute(NOTIFY, {"channel": CHANNEL, "payload": json.dumps(payload)})


def totals(connection: Connection, *, known: int) -> tuple[int, int]:
    """Items received by then, and those of them that were stored, known already or quarantined."""
    row = connection.execute(TOTALS, {"known": known}).one()
    return int(row.received), int(row.placed)
