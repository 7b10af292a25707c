"""The ingester's own accounts: one row for each commit, so that everything received is in exactly one place."""

import json
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, TextClause, text

CHANNEL = "yardstick_live"
ADD = text("""
    INSERT INTO ingest.batch (known, at, client, messages, received, stored, duplicate, quarantined, first_at)
    VALUES (:known, :at, :client, :messages, :received, :stored, :duplicate, :quarantined, :first)
""")
BY_DAY = text("""
    SELECT (at AT TIME ZONE 'UTC')::date AS day, sum(messages), sum(received), sum(stored), sum(duplicate),
        sum(quarantined)
    FROM ingest.batch GROUP BY 1 ORDER BY 1 DESC LIMIT :most
""")
BY_BATCH = text("""
    SELECT known, messages, received, stored, duplicate, quarantined FROM ingest.batch ORDER BY known DESC LIMIT :most
""")
NOTIFY = text("SELECT pg_notify(:channel, :payload)")
TOTALS = text("""
    SELECT coalesce(sum(received), 0) AS received, coalesce(sum(stored + duplicate + quarantined), 0) AS placed
    FROM ingest.batch WHERE known <= :known
""")
SINCE = text("""
    SELECT coalesce(sum(messages), 0), coalesce(sum(received), 0), coalesce(sum(stored), 0),
        coalesce(sum(duplicate), 0), coalesce(sum(quarantined), 0)
    FROM ingest.batch WHERE known > :known AND client = :client
""")


class Counts(NamedTuple):
    """Items of one commit: received = stored + duplicate + quarantined."""

    messages: int
    received: int
    stored: int
    duplicate: int
    quarantined: int


def add(  # one row
    connection: Connection, at: datetime, *, client: str, known: int, counts: Counts, first: datetime | None
) -> None:
    """Append the counts of this transaction, and when the earliest of its readings was taken.

    This number stands for no other reading, and for no correction: `ingest.known_from` relies on it. The database
    refuses counts that do not add up.
    """
    connection.execute(ADD, {"known": known, "at": at, "client": client, **counts._asdict(), "first": first})


def notify(connection: Connection, *, newest: datetime | None, stored: int) -> None:
    """Tell whoever listens that readings came in; delivered at commit."""
    payload = {"kind": "ingest", "last_reading": newest.isoformat() if newest else None, "stored": stored}
    connection.execute(NOTIFY, {"channel": CHANNEL, "payload": json.dumps(payload)})


def totals(connection: Connection, *, known: int) -> tuple[int, int]:
    """Items received by then, and those of them that were stored, known already or quarantined."""
    row = connection.execute(TOTALS, {"known": known}).one()
    return int(row.received), int(row.placed)


def since(connection: Connection, known: int, *, client: str) -> Counts:
    """The sums of one ingester's commits after K."""
    return Counts(*map(int, connection.execute(SINCE, {"known": known, "client": client}).one()))


class Tally(NamedTuple):
    """Counts of a UTC day (2026-06-01) or of one commit (its knowledge number)."""

    of: str
    counts: Counts


def by_day(connection: Connection, *, most: int) -> list[Tally]:
    """The newest days first."""
    return _tallies(connection, BY_DAY, most)


def by_batch(connection: Connection, *, most: int) -> list[Tally]:
    """The newest commits first."""
    return _tallies(connection, BY_BATCH, most)


def _tallies(connection: Connection, statement: TextClause, most: int) -> list[Tally]:
    rows = connection.execute(statement, {"most": most})
    return [Tally(str(of), Counts(*map(int, counts))) for of, *counts in rows]
