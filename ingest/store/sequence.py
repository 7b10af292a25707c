"""Which messages of each device and boot are committed, as a set of ranges."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from ingest.sequence import Receipt, Run

MOST_MISSING = 20
"""Holes that one receipt names; the device asks again when it has filled them."""
RECEIPT = f"""
    (SELECT name FROM ingest.device WHERE id = s.device) AS device, s.boot,
    coalesce((SELECT upper(r) - 1 FROM unnest(s.received) AS r WHERE lower(r) = 1), 0) AS seq,
    ARRAY(SELECT ARRAY[lower(g), upper(g) - 1] FROM unnest(ingest.missing(s.received)) AS g LIMIT {MOST_MISSING})
        AS missing
"""  # noqa: S608 - our own text
# A row is touched even where it learns nothing: a message that comes again asks for its receipt again.
NOTE = text(f"""
    INSERT INTO ingest.sequence AS s (device, boot, received, known, changed_at)
    SELECT d.id, n.boot, range_agg(int8range(n.first, n.last, '[]')), :known, :at
    FROM unnest(cast(:devices AS text[]), cast(:boots AS text[]), cast(:firsts AS bigint[]), cast(:lasts AS bigint[]))
        AS n (device, boot, first, last)
    JOIN ingest.device AS d ON d.name = n.device
    GROUP BY d.id, n.boot ORDER BY d.id, n.boot
    ON CONFLICT (device, boot) DO UPDATE SET received = ingest.lowest(s.received + excluded.received),
        known = excluded.known, changed_at = excluded.changed_at
    RETURNING {RECEIPT}
""")  # noqa: S608 - our own text
HOLED = text(f"SELECT {RECEIPT} FROM ingest.sequence AS s WHERE ingest.missing(s.received) <> '{{}}'")  # noqa: S608
SINCE = text(f"SELECT {RECEIPT} FROM ingest.sequence AS s WHERE s.changed_at >= :since")  # noqa: S608
GAPS = text("""
    SELECT d.name AS device, s.boot, lower(g) AS first, upper(g) - 1 AS last, s.changed_at
    FROM ingest.sequence AS s
    JOIN ingest.device AS d ON d.id = s.device
    CROSS JOIN unnest(ingest.missing(s.received)) AS g
    WHERE cast(:device AS text) IS NULL OR d.name = :device
    ORDER BY d.name, s.boot, g LIMIT :most
""")


class Gap(NamedTuple):
    """Messages `first`..`last` of a device's boot are missing while later ones are there. heard_at: last message."""

    device: str
    boot: str
    first: int
    last: int
    heard_at: datetime


def note(connection: Connection, at: datetime, runs: Iterable[Run], *, known: int) -> list[Receipt]:
    """Add what this transaction commits; receipts of all devices that it touches. Unknown devices have none."""
    columns = [list(column) for column in zip(*runs, strict=True)]
    if not columns:
        return []
    asked = dict(zip(("devices", "boots", "firsts", "lasts"), columns, strict=True))
    return _receipts(connection.execute(NOTE, {**asked, "known": known, "at": at}))


def holed(connection: Connection) -> list[Receipt]:
    """Receipts of every device and boot with a gap: publishing them asks for what is missing."""
    return _receipts(connection.execute(HOLED))


def since(connection: Connection, at: datetime) -> list[Receipt]:
    """Receipts of what changed since then: an ingester that was killed may not have published them."""
    return _receipts(connection.execute(SINCE, {"since": at}))


def gaps(connection: Connection, *, device: str | None = None, most: int = 1000) -> list[Gap]:
    """Missing messages by device, boot and number."""
    return [Gap(*row) for row in connection.execute(GAPS, {"device": device, "most": most})]


def _receipts(rows: Iterable[Any]) -> list[Receipt]:
    return [Receipt(row.device, row.boot, row.seq, tuple((first, last) for first, last in row.missing)) for row in rows]
