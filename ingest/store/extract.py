"""Readings of an asset as a table that can be imported again, value for value."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from core.database import driver

SERVED = text("""
    SELECT DISTINCT b.position || '/' || g.name AS path FROM ingest.asset AS a
    JOIN ingest.binding AS b ON b.asset = a.id JOIN ingest.register AS g ON g.device = b.device
    WHERE a.name = :asset ORDER BY path
""")
# Ticks times resolution is an exact decimal in the register's unit.
COPY = """
    COPY (
        SELECT d.name AS device, g.name AS register, to_char(r.at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
            CASE g.kind WHEN 'state' THEN s.name ELSE trim_scale(e.value * g.resolution)::text END AS value,
            CASE g.kind WHEN 'state' THEN '' ELSE g.unit END AS unit, coalesce(r.time_status::text, '') AS status,
            to_char(r.received_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS received_at, coalesce(r.raw, '') AS raw,
            CASE WHEN e.value = r.value THEN '' WHEN g.kind = 'state' THEN t.name
                ELSE trim_scale(r.value * g.resolution)::text END AS received_value
        FROM ingest.asset AS a
        JOIN ingest.binding AS b ON b.asset = a.id
        JOIN ingest.device AS d ON d.id = b.device
        JOIN ingest.register AS g ON g.device = b.device
        CROSS JOIN LATERAL (SELECT greatest(lower(b.during), %(since)s) AS "from",
            least(coalesce(upper(b.during), %(before)s), %(before)s) AS "to") AS w
        JOIN ingest.reading AS r ON r.register = g.id AND r.at >= w."from" AND r.at < w."to" AND r.known <= %(known)s
        CROSS JOIN LATERAL (
            SELECT CASE WHEN o.known IS NULL OR %(received)s THEN r.value ELSE o.value END AS value
            FROM (SELECT 1) AS one LEFT JOIN LATERAL (
                SELECT v.known, v.value FROM ingest.reading_override AS v
                WHERE v.register = r.register AND v.at = r.at AND v.known <= %(known)s ORDER BY v.known DESC LIMIT 1
            ) AS o ON true
        ) AS e
        LEFT JOIN ingest.state_code AS s ON g.kind = 'state' AND s.id = e.value
        LEFT JOIN ingest.state_code AS t ON g.kind = 'state' AND t.id = r.value
        WHERE a.name = %(asset)s AND (%(path)s::text IS NULL OR b.position || '/' || g.name = %(path)s)
            AND e.value IS NOT NULL
        ORDER BY b.position, g.name, r.at
    ) TO STDOUT (FORMAT csv, HEADER)
"""


class Question(NamedTuple):
    """Readings of an asset in [since, before), as known at a knowledge number. path: position/register; None: all.

    received: as devices sent them; else as they count, with corrections and without what is void.
    """

    asset: str
    path: str | None
    since: datetime
    before: datetime
    known: int
    received: bool = False


def paths(connection: Connection, asset: str) -> list[str]:
    """Every position/register that serves or served an asset; none if there is no such asset."""
    return [row.path for row in connection.execute(SERVED, {"asset": asset})]


def rows(connection: Connection, question: Question) -> Iterator[bytes]:
    """A table in CSV, piece by piece: device,register,at,value,unit,status,received_at,raw,received_value.

    By position, register and time. raw: what the device wrote, where that was rounded or converted; received_value:
    what a correction replaces.
    """
    with driver(connection).cursor().copy(COPY, question._asdict()) as copy:
        yield from map(bytes, copy)
