"""Components: assets that work where they are mounted; where they were, as known at any time, and what they used there.

`ingest.store.counter` follows a component's mountings: its counters are those of the asset that it is mounted on.
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, text

from core.identifier import RANDOM_BYTES, public_id
from core.time import micros
from ingest.counter import Part
from ingest.store import counter
from ingest.store.counter import Asked

IDS = text("SELECT name, id FROM ingest.asset WHERE name = ANY(:names)")
ADD = text("""
    INSERT INTO ingest.asset (public_id, name, kind, created_at) VALUES (:public_id, :name, :kind, :at)
""")
MOUNTINGS = text("""
    SELECT m.id, c.name AS component, c.kind, a.name AS asset, m.position, lower(m.during) AS start,
        upper(m.during) AS "end", m.evidence, m.author, m.known
    FROM ingest.mounting AS m
    JOIN ingest.asset AS c ON c.id = m.component
    JOIN ingest.asset AS a ON a.id = m.asset
    WHERE m.known <= :known AND (m.superseded IS NULL OR m.superseded > :known)
        AND (cast(:component AS text) IS NULL OR c.name = :component)
        AND (cast(:asset AS text) IS NULL OR a.name = :asset)
    ORDER BY c.name, lower(m.during)
""")
SUPERSEDE = text("UPDATE ingest.mounting SET superseded = :known WHERE id = :id")
MOUNT = text("""
    INSERT INTO ingest.mounting (component, asset, position, during, evidence, author, known)
    SELECT c.id, a.id, :position, tstzrange(:start, :end), :evidence, :author, :known
    FROM ingest.asset AS c, ingest.asset AS a WHERE c.name = :component AND a.name = :asset
""")
UNIT = text("""
    SELECT min(g.unit) FROM ingest.binding AS b JOIN ingest.asset AS a ON a.id = b.asset
    JOIN ingest.register AS g ON g.device = b.device
    WHERE a.name = :asset AND b.position || '/' || g.name = :path AND g.kind = 'counter'
""")


class Mounting(NamedTuple):
    """A component is at an asset's position over [start, end); end None: still there."""

    id: int
    component: str
    kind: str
    asset: str
    position: str
    start: datetime
    end: datetime | None
    evidence: str
    author: str
    known: int


class Use(NamedTuple):
    """What a component used while it was at a position, as the asset's counter says: closing - opening - removed."""

    mounting: Mounting
    start: datetime
    end: datetime
    ticks: int
    unit: str
    resolution: Decimal
    parts: tuple[Part, ...]
    held: int


def ids(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Assets that exist, by name."""
    return {row.name: row.id for row in connection.execute(IDS, {"names": list(names)})}


def create(connection: Connection, name: str, at: datetime, *, kind: str) -> None:
    """A new component, nowhere yet."""
    public = public_id("ast", secrets.token_bytes(RANDOM_BYTES))
    connection.execute(ADD, {"public_id": public, "name": name, "kind": kind, "at": at})


def mountings(
    connection: Connection, known: int, *, component: str | None = None, asset: str | None = None
) -> list[Mounting]:
    """Where components are and were, as known at K, by component and time; of one component, or at one asset."""
    asked = {"known": known, "component": component, "asset": asset}
    return [Mounting(*row) for row in connection.execute(MOUNTINGS, asked)]


def end(connection: Connection, mounting: Mounting, at: datetime, *, author: str, known: int) -> None:
    """It ended at an instant: known from now on; what was known before stays. At its start: it never was."""
    connection.execute(SUPERSEDE, {"id": mounting.id, "known": known})
    if at > mounting.start:
        mount(connection, mounting._replace(end=at, author=author), known=known)


def mount(connection: Connection, mounting: Mounting, *, known: int) -> None:
    """Append where a component is; the caller made sure that nothing else is there."""
    connection.execute(MOUNT, {**mounting._asdict(), "known": known})


def used(connection: Connection, component: str, path: str, *, start: datetime, end: datetime, known: int) -> list[Use]:
    """What a component used over [start, end) by the counter at `path` of each asset it was at, as known at K."""
    stretches, needs = list[tuple[Mounting, datetime, datetime]](), list[Asked]()
    for one in mountings(connection, known, component=component):
        first, last = max(one.start, start), min(one.end or end, end)
        unit = connection.execute(UNIT, {"asset": one.asset, "path": path}).scalar()
        if first < last and unit is not None:
            stretches.append((one, first, last))
            needs.append(Asked(one.asset, path, (micros(first), micros(last)), str(unit)))
    found = counter.load(connection, needs, known=known) if needs else ()
    return [
        Use(
            mounting,
            first,
            last,
            total(counted.parts),
            counted.unit,
            counted.resolution,
            counted.parts,
            sum(one.end > one.start for one in counted.doubts),
        )
        for (mounting, first, last), counted in zip(stretches, found, strict=True)
    ]


def total(parts: Sequence[Part]) -> int:
    """Ticks that parts come to together."""
    return sum(part.closing - part.opening - part.removed for part in parts)
