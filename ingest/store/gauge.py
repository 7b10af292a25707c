"""What gauges showed over stretches of time, for many assets at once, each with its last reading before."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, TextClause, text

from ingest.gauge import Level, Rule, runs
from ingest.store import decided
from ingest.store.decided import Decided
from ingest.store.need import Need, columns

# Of a register with a noise band or a refill threshold, everything is brought from the last step on that these cannot
# explain, see ingest.gauge; a tick more of noise looks a little further back than it must.
STATEMENT = """
    WITH need AS (
        SELECT * FROM unnest(cast(:needs AS int[]), cast(:assets AS text[]), cast(:positions AS text[]),
            cast(:registers AS text[]), cast(:starts AS timestamptz[]), cast(:ends AS timestamptz[]))
            AS n (need, asset, position, register, "start", "end")
    ), bound AS MATERIALIZED (
        SELECT row_number() OVER ()::int AS bound, n.need, n."start", n."end", b.id AS binding, r.id AS register,
            r.unit, r.resolution,
            lower(b.during) AS bound_start, coalesce(upper(b.during), 'infinity') AS bound_end,
            coalesce(d.noise_band, 0) AS noise, d.refill_threshold AS refill
        FROM need AS n
        JOIN LATERAL (SELECT id FROM ingest.asset WHERE name = n.asset OFFSET 0) AS a ON true
        JOIN LATERAL (
            SELECT id, device, during FROM ingest.binding
            WHERE asset = a.id AND position = n.position AND known <= :known
                AND (superseded IS NULL OR superseded > :known) AND lower(during) <= n."end" OFFSET 0
        ) AS b ON true
        JOIN LATERAL (
            SELECT id, unit, resolution FROM ingest.register
            WHERE device = b.device AND name = n.register AND kind = 'gauge' OFFSET 0
        ) AS r ON true
        LEFT JOIN LATERAL (
            SELECT noise_band, refill_threshold FROM ingest.declaration
            WHERE register = r.id AND known <= :known ORDER BY known DESC LIMIT 1
        ) AS d ON true
    )
    SELECT b.need, b.binding, b.register, b.unit, b.resolution, b.noise, b.refill,
        (extract(epoch FROM s.at) * 1000000)::bigint AS at, s.value
    FROM (SELECT array_agg(bound) AS bounds, array_agg(register) AS registers, array_agg(bound_start) AS firsts,
        array_agg(bound_end) AS lasts, array_agg("start") AS starts, array_agg("end") AS ends,
        array_agg(CASE WHEN refill > 0 THEN greatest(noise, 1) ELSE noise END) AS noises,
        array_agg(refill) AS refills FROM bound) AS x
    CROSS JOIN LATERAL {shown}(
        x.bounds, x.registers, x.firsts, x.lasts, x.starts, x.ends, x.noises, x.refills, :known) AS s
    JOIN bound AS b ON b.bound = s.bound
    ORDER BY b.need, s.at
"""
SHOWN = text(STATEMENT.format(shown="ingest.shown"))
VISIBLE = text(STATEMENT.format(shown="visible.gauge_shown"))
"""What a party may see: nothing of a stretch that its contracts do not cover from end to end."""


class Shown(NamedTuple):
    """A gauge showed so many ticks at an instant. at: µs since 1970; resolution: one tick, in unit."""

    at: int
    ticks: int
    resolution: Decimal
    unit: str


class Showed(NamedTuple):
    """Over the needed stretch, and the last reading before. settled: see `contracts.facts.Gauge`; empty: as levels."""

    levels: tuple[Shown, ...] = ()
    settled: tuple[tuple[Shown, ...], ...] = ()

    @property
    def runs(self) -> tuple[tuple[Shown, ...], ...]:
        """Reference levels, apart for each device and epoch."""
        return self.settled or ((self.levels,) if self.levels else ())


def load(
    connection: Connection, needs: Sequence[Need], *, known: int, statement: TextClause = SHOWN
) -> tuple[Showed, ...]:  # fmt: skip
    """Each need's readings as known at K, its end included, in the order of the needs; within one, in order of time."""
    if not needs:
        return ()
    found: list[dict[int, list[Any]]] = [defaultdict(list) for _ in needs]
    for row in connection.execute(statement, arguments(needs, known)):
        found[row.need][row.binding].append(row)
    registers = {rows[0].register for devices in found for rows in devices.values()}
    begun = decided.load(connection, registers, known=known) if registers else {}
    return tuple(_showed(need, list(devices.values()), begun) for need, devices in zip(needs, found, strict=True))


def arguments(needs: Sequence[Need], known: int) -> dict[str, object]:
    """Of the statement."""
    return {**columns(needs), "known": known}


def _showed(need: Need, devices: Sequence[Sequence[Any]], begun: Mapping[int, Decided]) -> Showed:
    levels, settled, plain = list[Shown](), list[tuple[Shown, ...]](), len(devices) < 2  # noqa: PLR2004 - no exchange
    for rows in devices:
        first = rows[0]
        first_at = max((row.at for row in rows if row.at < need.start), default=first.at)
        levels += [Shown(row.at, row.value, row.resolution, row.unit) for row in rows if row.at >= first_at]
        epochs = begun.get(first.register, decided.NOTHING).epochs
        plain = plain and not epochs and not first.noise and not first.refill
        every = runs([Level(row.at, row.value) for row in rows], epochs, Rule(first.noise, first.refill))
        settled += [
            tuple(Shown(at, ticks, first.resolution, first.unit) for at, ticks in run if at >= first_at)
            for run in every
        ]
    levels.sort(key=lambda one: one.at)
    return Showed(tuple(levels), () if plain else tuple(run for run in settled if run))
