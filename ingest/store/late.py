"""What became known late: facts about a stretch of time that somebody has already counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from datetime import datetime

# The stretch leaves few chunks, and in them BRIN on `known` leaves few blocks: late rows stand at a chunk's end.
READINGS = text("""
    SELECT b.asset, max(r.known) AS known
    FROM ingest.reading AS r
    JOIN ingest.register AS g ON g.id = r.register
    JOIN ingest.binding AS b ON b.device = g.device AND r.at <@ b.during AND b.superseded IS NULL
    WHERE r.at >= :start AND r.at < :end AND r.known > :after AND r.known <= :known
    GROUP BY b.asset
""")
OVERRIDES = text("""
    SELECT b.asset, max(r.known) AS known
    FROM ingest.reading_override AS r
    JOIN ingest.register AS g ON g.id = r.register
    JOIN ingest.binding AS b ON b.device = g.device AND r.at <@ b.during AND b.superseded IS NULL
    WHERE r.at >= :start AND r.at < :end AND r.known > :after AND r.known <= :known
    GROUP BY b.asset
""")
# A binding that ceased to hold, or holds now, concerns the time of both.
DEVICES = text("""
    SELECT b.asset, max(greatest(
        CASE WHEN b.known > :after AND b.known <= :known THEN b.known ELSE 0 END,
        CASE WHEN b.superseded > :after AND b.superseded <= :known THEN b.superseded ELSE 0 END,
        coalesce(d.known, 0))) AS known
    FROM ingest.binding AS b
    LEFT JOIN ingest.register AS g ON g.device = b.device
    LEFT JOIN ingest.declaration AS d ON d.register = g.id AND d.known > :after AND d.known <= :known
        AND (b.superseded IS NULL OR b.superseded > :after)
    WHERE b.during && tstzrange(:start, :end) AND ((b.known > :after AND b.known <= :known)
        OR (b.superseded > :after AND b.superseded <= :known) OR d.known IS NOT NULL)
    GROUP BY b.asset
""")
DECISIONS = text("""
    SELECT b.asset, max(r.known) AS known
    FROM (
        SELECT register, start_at AS first, end_at AS last, known FROM ingest.release
        UNION ALL SELECT register, at, at, known FROM ingest.epoch
    ) AS r
    JOIN ingest.register AS g ON g.id = r.register
    JOIN ingest.binding AS b ON b.device = g.device AND b.during && tstzrange(r.first, r.last, '[]')
        AND b.superseded IS NULL
    WHERE r.last >= :start AND r.first < :end AND r.known > :after AND r.known <= :known
    GROUP BY b.asset
""")


def readings(connection: Connection, *, start: datetime, end: datetime, after: int, known: int) -> dict[int, int]:
    """Assets with readings in [start, end) that became known after one number and by another; with the last number."""
    return _newest(connection, READINGS, {"start": start, "end": end, "after": after, "known": known})


def overrides(connection: Connection, *, start: datetime, end: datetime, after: int, known: int) -> dict[int, int]:
    """Assets of which somebody corrected readings in [start, end), known so; with the last number."""
    return _newest(connection, OVERRIDES, {"start": start, "end": end, "after": after, "known": known})


def devices(connection: Connection, *, start: datetime, end: datetime, after: int, known: int) -> dict[int, int]:
    """Assets whose devices in [start, end), or what these are declared to be, became known so; with the last number."""
    return _newest(connection, DEVICES, {"start": start, "end": end, "after": after, "known": known})


def decisions(connection: Connection, *, start: datetime, end: datetime, after: int, known: int) -> dict[int, int]:
    """Assets of which somebody declared a reset or decided about a hold that touches [start, end), known so."""
    return _newest(connection, DECISIONS, {"start": start, "end": end, "after": after, "known": known})


def _newest(connection: Connection, statement: object, given: dict[str, object]) -> dict[int, int]:
    return {row.asset: row.known for row in connection.execute(statement, given)}  # type: ignore[call-overload]
