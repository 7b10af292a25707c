"""What gauges showed over stretches of time, for many assets at once, each with its last reading before."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, text

from core.time import instant

# The last reading before the stretch still holds when it begins; it is looked for as far back as its device serves.
SHOWN = text("""
    WITH need AS (
        SELECT * FROM unnest(cast(:needs AS int[]), cast(:assets AS text[]), cast(:positions AS text[]),
            cast(:registers AS text[]), cast(:starts AS timestamptz[]), cast(:ends AS timestamptz[]))
            AS n (need, asset, position, register, "start", "end")
    ), bound AS (
        SELECT n.need, n."start", n."end", r.id AS register, r.unit, r.resolution,
            lower(b.during) AS bound_start, coalesce(upper(b.during), 'infinity') AS bound_end
        FROM need AS n
        JOIN LATERAL (SELECT id FROM ingest.asset WHERE name = n.asset OFFSET 0) AS a ON true
        JOIN LATERAL (
            SELECT device, during FROM ingest.binding
            WHERE asset = a.id AND position = n.position AND known <= :known
                AND (superseded IS NULL OR superseded > :known) AND lower(during) <= n."end" OFFSET 0
        ) AS b ON true
        JOIN LATERAL (
            SELECT id, unit, resolution FROM ingest.register
            WHERE device = b.device AND name = n.register AND kind = 'gauge' OFFSET 0
        ) AS r ON true
    )
    SELECT b.need, b.unit, b.resolution, (extract(epoch FROM r.at) * 1000000)::bigint AS at, r.value
    FROM bound AS b CROSS JOIN LATERAL (
        (SELECT at, value FROM ingest.effective(b.register, b.bound_start, least(b.bound_end, b."start"), :known)
         ORDER BY at DESC LIMIT 1)
        UNION ALL
        (SELECT at, value FROM ingest.effective(b.register, greatest(b.bound_start, b."start"),
            least(b.bound_end, b."end" + interval '1 microsecond'), :known))
    ) AS r
    ORDER BY b.need, r.at
""")


class Need(Protocol):
    """Levels wanted from start to end, both included; `contracts.facts.GaugeNeed` is one. All µs; register: a path."""

    @property
    def asset(self) -> str: ...  # noqa: D102
    @property
    def register(self) -> str: ...  # noqa: D102
    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102


class Shown(NamedTuple):
    """A gauge showed so many ticks at an instant. at: µs since 1970; resolution: one tick, in unit."""

    at: int
    ticks: int
    resolution: Decimal
    unit: str


def load(connection: Connection, needs: Sequence[Need], *, known: int) -> tuple[tuple[Shown, ...], ...]:
    """Each need's readings as known at K, in the order of the needs; within one, in order of time."""
    if not needs:
        return ()
    paths = [need.register.partition("/") for need in needs]
    asked = {
        "needs": list(range(len(needs))),
        "assets": [need.asset for need in needs],
        "positions": [position for position, _, _ in paths],
        "registers": [register for _, _, register in paths],
        "starts": [instant(need.start) for need in needs],
        "ends": [instant(need.end) for need in needs],
        "known": known,
    }
    found: list[list[Shown]] = [[] for _ in needs]
    for row in connection.execute(SHOWN, asked):
        found[row.need].append(Shown(row.at, row.value, row.resolution, row.unit))
    return tuple(map(tuple, found))
