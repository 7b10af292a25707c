"""Devices as an operator looks at them."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

OVERVIEW = text("""
    SELECT d.name AS device, d.model, a.name AS asset, b.position,
        coalesce((SELECT string_agg(name, ', ' ORDER BY name) FROM ingest.register WHERE device = d.id), ''),
        (SELECT max(l.at) FROM ingest.register AS r JOIN ingest.latest AS l ON l.register = r.id WHERE r.device = d.id)
    FROM ingest.device AS d
    LEFT JOIN ingest.binding AS b ON b.device = d.id AND upper_inf(b.during) AND b.superseded IS NULL
    LEFT JOIN ingest.asset AS a ON a.id = b.asset
    ORDER BY d.name
""")


class Overview(NamedTuple):
    """A device, what it serves now, and the instant of its newest reading."""

    device: str
    model: str
    asset: str | None
    position: str | None
    registers: str
    last_reading: datetime | None


def overview(connection: Connection) -> list[Overview]:
    """All devices by name."""
    return [Overview(*row) for row in connection.execute(OVERVIEW)]
