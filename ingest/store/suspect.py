"""Where holds may be: counters of which roll-ups, or readings that no roll-up knows yet, say that something broke.

Most counters only ever rise, and nothing else of them has to be read to know that they hold nothing. Those named here
may be too many, never too few; whether there is a hold is decided from their readings, see ingest.store.hold.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, TextClause, text

# A component's counters are those of its host, and listed there. What somebody wrote down (values at both ends of a
# binding, a declared reset) and what is carried to a binding's ends breaks without any hour being steep.
SERVED = text("""
    SELECT a.name AS asset, b.position || '/' || g.name AS path, g.unit, g.id AS register, c.max_rate, c.glitch_window,
        CASE WHEN v.opening IS NOT NULL OR m.moves THEN lower(b.during) END AS edge,
        upper(b.during) IS NOT NULL AND (v.closing IS NOT NULL OR m.moves)
            OR EXISTS (SELECT FROM ingest.epoch AS e WHERE e.register = g.id AND e.known <= :known) AS written
    FROM ingest.binding AS b
    JOIN ingest.asset AS a ON a.id = b.asset
    JOIN ingest.register AS g ON g.device = b.device AND g.kind = 'counter'
    LEFT JOIN ingest.binding_value AS v ON v.binding = b.id AND v.register = g.id
    LEFT JOIN LATERAL (
        SELECT max_rate, glitch_window FROM ingest.declaration
        WHERE register = g.id AND known <= :known ORDER BY known DESC LIMIT 1
    ) AS c ON true
    CROSS JOIN LATERAL (
        SELECT upper(b.during) IS NOT NULL OR EXISTS (
            SELECT FROM ingest.binding AS o WHERE o.device = b.device AND o.id <> b.id AND o.known <= :known
                AND (o.superseded IS NULL OR o.superseded > :known)) OR EXISTS (
            SELECT FROM ingest.binding AS o WHERE o.asset = b.asset AND o.position = b.position AND o.id <> b.id
                AND o.known <= :known AND (o.superseded IS NULL OR o.superseded > :known)) AS moves
    ) AS m
    WHERE b.known <= :known AND (b.superseded IS NULL OR b.superseded > :known)
        AND b.during && tstzrange(:start, :end) AND (cast(:asset AS text) IS NULL OR a.name = :asset)
        AND (a.name, b.position || '/' || g.name) >= (:first_asset, :first_path)
    ORDER BY 1, 2, lower(b.during)
""")
STATEMENT = """
    SELECT s AS register FROM {suspect}(cast(:registers AS int[]), cast(:max_rates AS numeric[]),
        cast(:edges AS timestamptz[]), :since, :known) AS s
"""
SUSPECT = text(STATEMENT.format(suspect="ingest.suspect"))
VISIBLE = text(STATEMENT.format(suspect="visible.suspect"))


class Path(NamedTuple):
    """A counter of an asset that may hold something."""

    asset: str
    path: str
    unit: str


def paths(  # where and when to look
    connection: Connection,
    *,
    start: datetime,
    end: datetime,
    known: int,
    asset: str | None = None,
    first: tuple[str, str] = ("", ""),
    statement: TextClause = SUSPECT,
) -> list[Path]:
    """Counters that may have a break which touches [start, end), as known at K, by asset and path from `first` on."""
    asked = {"start": start, "end": end, "asset": asset, "known": known}
    rows = connection.execute(SERVED, {**asked, "first_asset": first[0], "first_path": first[1]}).all()
    # A spike is over within its window: its fall may lie before.
    glitch = max((row.glitch_window for row in rows if row.glitch_window), default=timedelta())
    columns = {
        "registers": [row.register for row in rows],
        "max_rates": [row.max_rate for row in rows],
        "edges": [row.edge for row in rows],
    }
    given = {**columns, "since": start - glitch, "known": known}
    steep = set(connection.execute(statement, given).scalars()) if rows else set()
    found: dict[tuple[str, str], Path] = {}
    for row in rows:
        if row.written or row.register in steep:
            found.setdefault((row.asset, row.path), Path(row.asset, row.path, row.unit))
    return list(found.values())
