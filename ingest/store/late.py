"""What became known late: facts about a stretch of time that somebody has already counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from ingest.store.planned import in_its_chunks

if TYPE_CHECKING:
    from collections.abc import Iterable

# The stretch leaves few chunks, and in them BRIN on `known` leaves few blocks: late rows stand at a chunk's end.
TOLD = """
    SELECT b.asset, max(r.known) AS known
    FROM {told} AS r
    JOIN ingest.register AS g ON g.id = r.register
    JOIN ingest.binding AS b ON b.device = g.device AND r.at <@ b.during AND b.superseded IS NULL
    WHERE r.at >= :start AND r.at < :end AND r.known > :after AND r.known <= :known
    GROUP BY b.asset
"""
READINGS = TOLD.format(told="ingest.reading")
OVERRIDES = TOLD.format(told="ingest.reading_override")
# A binding that ceased to hold, or holds now, concerns the time of both.
DEVICES = """
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
"""
DECISIONS = """
    SELECT b.asset, max(r.known) AS known
    FROM (
        SELECT register, start_at AS first, end_at AS last, known FROM ingest.release
        UNION ALL SELECT register, at, at, known FROM ingest.epoch
        UNION ALL SELECT register, lower(during), upper(during), known FROM ingest.estimate
    ) AS r
    JOIN ingest.register AS g ON g.id = r.register
    JOIN ingest.binding AS b ON b.device = g.device AND b.during && tstzrange(r.first, r.last, '[]')
        AND b.superseded IS NULL
    WHERE r.last >= :start AND r.first < :end AND r.known > :after AND r.known <= :known
    GROUP BY b.asset
"""
# The first reading of each register from an instant on: the neighbour of what was last known before.
FOLLOWING = """
    SELECT b.asset, max(f.known) AS known
    FROM ingest.binding AS b
    JOIN ingest.register AS g ON g.device = b.device
    CROSS JOIN LATERAL (
        SELECT r.known FROM ingest.reading AS r
        WHERE r.register = g.id AND r.at >= :since AND r.at >= lower(b.during) AND r.known <= :known
            AND (upper_inf(b.during) OR r.at < upper(b.during))
        ORDER BY r.at LIMIT 1
    ) AS f
    WHERE (b.asset = ANY(:assets) OR b.asset IN (
            SELECT asset FROM ingest.mounting WHERE component = ANY(:assets) AND superseded IS NULL))
        AND b.superseded IS NULL AND (upper_inf(b.during) OR upper(b.during) > :since) AND f.known > :after
    GROUP BY b.asset
"""
_NEVER = datetime(2100, 1, 1, tzinfo=UTC)


WITH_COMPONENTS = """
    WITH found AS ({found})
    SELECT asset, max(known) AS known FROM (
        SELECT asset, known FROM found
        UNION ALL
        SELECT m.component, f.known FROM found AS f JOIN ingest.mounting AS m ON m.asset = f.asset
        WHERE m.during && tstzrange(:start, :end) AND m.superseded IS NULL
    ) AS every GROUP BY asset
"""
MOUNTINGS = """
    SELECT component AS asset, max(greatest(
        CASE WHEN known > :after AND known <= :known THEN known ELSE 0 END,
        CASE WHEN superseded > :after AND superseded <= :known THEN superseded ELSE 0 END)) AS known
    FROM ingest.mounting
    WHERE during && tstzrange(:start, :end)
        AND ((known > :after AND known <= :known) OR (superseded > :after AND superseded <= :known))
    GROUP BY component
"""


def readings(connection: Connection, *, start: datetime, end: datetime, after: int, known: int) -> dict[int, int]:
    """Assets with readings in [start, end) that became known after one number and by another; with the last number."""
    return _newest(connection, READINGS, {"start": start, "end": end, "after": after, "known": known})


def following(
    connection: Connection, assets: Iterable[int], *, since: datetime, after: int, known: int
) -> dict[int, int]:
    """Of these assets, those with a register whose first reading from an instant on became known so; as the others."""
    given = {"assets": sorted(assets), "since": since, "after": after, "known": known}
    return _newest(connection, FOLLOWING, {**given, "start": since, "end": _NEVER})


def overrides(connection: Connection, *, start: datetime, end: datetime, after: int, known: int) -> dict[int, int]:
    """Assets of which somebody corrected readings in [start, end), known so; with the last number."""
    return _newest(connection, OVERRIDES, {"start": start, "end": end, "after": after, "known": known})


def devices(connection: Connection, *, start: datetime, end: datetime, after: int, known: int) -> dict[int, int]:
    """Assets whose devices in [start, end), or what these are declared to be, became known so; with the last number."""
    return _newest(connection, DEVICES, {"start": start, "end": end, "after": after, "known": known})


def decisions(connection: Connection, *, start: datetime, end: datetime, after: int, known: int) -> dict[int, int]:
    """Assets of which somebody declared a reset, estimated, or decided about a hold in [start, end), known so."""
    return _newest(connection, DECISIONS, {"start": start, "end": end, "after": after, "known": known})


def mountings(connection: Connection, *, start: datetime, end: datetime, after: int, known: int) -> dict[int, int]:
    """Components of which became known so, that they were or were not mounted somewhere in [start, end)."""
    return _newest(connection, MOUNTINGS, {"start": start, "end": end, "after": after, "known": known})


def _newest(connection: Connection, statement: str, given: dict[str, object]) -> dict[int, int]:
    """By asset; what concerns an asset concerns the components mounted on it."""
    rows = in_its_chunks(connection, text(WITH_COMPONENTS.format(found=statement)), given)
    return {row.asset: row.known for row in rows}
