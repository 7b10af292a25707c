"""Which assets exist, and what the registers behind their paths are: what an agreement about them must fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from decimal import Decimal

ASSETS = text("SELECT name, id FROM ingest.asset WHERE name = ANY(:names)")
REGISTERS = text("""
    SELECT DISTINCT a.name AS asset, b.position || '/' || r.name AS path, r.kind, r.unit, r.resolution, d.modulus,
        d.max_rate, d.max_gap
    FROM ingest.asset AS a
    JOIN ingest.binding AS b ON b.asset = a.id AND b.superseded IS NULL
    JOIN ingest.register AS r ON r.device = b.device
    LEFT JOIN LATERAL (
        SELECT modulus, max_rate, max_gap FROM ingest.declaration WHERE register = r.id ORDER BY known DESC LIMIT 1
    ) AS d ON true
    WHERE a.name = ANY(:names)
""")


@dataclass(frozen=True, slots=True)
class Declared:
    """A register of a device that serves or served an asset. modulus: ticks; max_rate: ticks per hour; None: none."""

    asset: str
    path: str
    kind: str
    unit: str
    resolution: Decimal
    modulus: int | None
    max_rate: Decimal | None
    max_gap: timedelta | None


def asset_ids(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Assets that exist, by name."""
    return {row.name: row.id for row in connection.execute(ASSETS, {"names": list(names)})}


def registers(connection: Connection, assets: Iterable[str]) -> list[Declared]:
    """Every register behind these assets, as declared last; one row for each difference between devices."""
    rows = connection.execute(REGISTERS, {"names": list(assets)}).mappings()
    return [Declared(**row) for row in rows]
