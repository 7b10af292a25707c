"""What counters showed at needed instants, for many registers at once.

SQL brings only the readings that matter: the neighbours of each instant, and both sides of every fall and of every
rise that is too fast. Between those a counter telescopes, so the pure `ingest.counter` computes from them what it would
from all.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, cast

from sqlalchemy import Connection, TextClause, text

from core.time import instant, micros
from core.units import Quantity, default_tick, to_ticks
from ingest.counter import Doubt, Part, Rule
from ingest.path import Bound, counted

# LATERAL with OFFSET 0 fixes the order of the look-ups: without statistics, as after a bulk import, the planner would
# compare everything with everything.
BOUND = text("""
    SELECT n.need, b.id AS binding, d.name AS device, r.id AS register, r.unit, r.resolution,
        lower(b.during) AS start, upper(b.during) AS "end", v.opening, v.closing,
        c.modulus, c.max_rate, (extract(epoch FROM c.max_gap) * 1000000)::bigint AS max_gap
    FROM unnest(cast(:needs AS int[]), cast(:assets AS text[]), cast(:positions AS text[]), cast(:registers AS text[]))
        AS n (need, asset, position, register)
    JOIN LATERAL (SELECT id FROM ingest.asset WHERE name = n.asset OFFSET 0) AS a ON true
    JOIN LATERAL (
        SELECT * FROM ingest.binding WHERE asset = a.id AND position = n.position AND known <= :known OFFSET 0
    ) AS b ON true
    JOIN LATERAL (
        SELECT * FROM ingest.register WHERE device = b.device AND name = n.register AND kind = 'counter' OFFSET 0
    ) AS r ON true
    JOIN LATERAL (SELECT name FROM ingest.device WHERE id = b.device OFFSET 0) AS d ON true
    LEFT JOIN LATERAL (
        SELECT opening, closing FROM ingest.binding_value WHERE binding = b.id AND register = r.id OFFSET 0
    ) AS v ON true
    LEFT JOIN LATERAL (
        SELECT * FROM ingest.declaration WHERE register = r.id AND known <= :known ORDER BY known DESC LIMIT 1
    ) AS c ON true
    ORDER BY n.need, lower(b.during)
""")
# LIMIT 1 on the primary key: one index look-up each, in the one chunk that holds it.
NEIGHBOURS = text("""
    SELECT e.bound, p.at, p.value
    FROM unnest(cast(:bounds AS int[]), cast(:registers AS int[]), cast(:starts AS timestamptz[]),
        cast(:ends AS timestamptz[]), cast(:instants AS timestamptz[])) AS e (bound, register, "start", "end", at)
    CROSS JOIN LATERAL (
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value FROM ingest.reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= :known ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL)
             AND r.register = e.register AND r.at >= e."start" AND r.at <= e.at AND r.at < e."end" AND r.known <= :known
         ORDER BY r.at DESC LIMIT 1)
        UNION ALL
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value FROM ingest.reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= :known ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL)
             AND r.register = e.register AND r.at >= e."start" AND r.at >= e.at AND r.at < e."end" AND r.known <= :known
         ORDER BY r.at LIMIT 1)
    ) AS p
""")
BREAKS = text("""
    SELECT bound, at_before, before, at, value
    FROM ingest.turning(:bounds, :registers, :firsts, :lasts, CAST(:max_rates AS numeric[]), NULL, :known)
""")


@dataclass(frozen=True, slots=True)
class Source:
    """The statements that bring readings: from the table, or from functions that show a party its own only."""

    neighbours: TextClause
    breaks: TextClause


TABLE = Source(NEIGHBOURS, BREAKS)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""No reading is later."""
_HOUR = 3_600_000_000


class Need(Protocol):
    """A counter wanted at instants, as a contract's measure reads it; `contracts.facts.CounterNeed` is one.

    register: a path, position/register. instants: at least two, sorted, µs since 1970. What the measure leaves open
    (None) is taken from the register's declaration. max_gap: µs.
    """

    @property
    def asset(self) -> str: ...  # noqa: D102
    @property
    def register(self) -> str: ...  # noqa: D102
    @property
    def instants(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def on_reset(self) -> str: ...  # noqa: D102
    @property
    def boundary(self) -> str: ...  # noqa: D102
    @property
    def modulus(self) -> Quantity | None: ...  # noqa: D102
    @property
    def max_rate(self) -> Quantity | None: ...  # noqa: D102
    @property
    def max_gap(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter over the needed instants. resolution: one tick, in unit. Without parts nothing is known."""

    unit: str
    resolution: Decimal
    parts: tuple[Part, ...]
    doubts: tuple[Doubt, ...]


class MixedTicks(ValueError):
    """Devices that followed each other on one register path count in different ticks."""


class _Row(NamedTuple):
    """A register on the path of a need, and where in the list it is."""

    number: int
    row: Any

    @property
    def span(self) -> tuple[datetime, datetime]:
        return self.row.start, self.row.end or _LATEST


OnReset: TypeAlias = Literal["hold", "assume_zero", "documented_only"]
Boundary: TypeAlias = Literal["interpolate", "at_reading"]
_Points: TypeAlias = dict[int, set[tuple[datetime, int]]]


def load(connection: Connection, needs: Sequence[Need], *, known: int, source: Source = TABLE) -> tuple[Counted, ...]:
    """Each need's counter as known at K, in the order of the needs. Three statements, however many needs.

    Raises MixedTicks.
    """
    rows = _rows(connection, needs, known)
    points = _neighbours(connection, source, needs, rows=rows, known=known)
    _add_breaks(connection, source, needs, rows=rows, points=points, known=known)
    of_need = defaultdict[int, list[_Row]](list)
    for one in rows:
        of_need[one.row.need].append(one)
    return tuple(_counted(need, of_need[n], points) for n, need in enumerate(needs))


def _rows(connection: Connection, needs: Sequence[Need], known: int) -> list[_Row]:
    paths = [need.register.partition("/") for need in needs]
    asked = {
        "needs": list(range(len(needs))),
        "assets": [need.asset for need in needs],
        "positions": [position for position, _, _ in paths],
        "registers": [register for _, _, register in paths],
        "known": known,
    }
    return [_Row(n, row) for n, row in enumerate(connection.execute(BOUND, asked))]


def _neighbours(
    connection: Connection, source: Source, needs: Sequence[Need], *, rows: Sequence[_Row], known: int
) -> _Points:
    """Readings next to each instant, and the first and last of each device that was exchanged."""
    edges = [(one, at) for one in rows for at in _edges(one, needs[one.row.need])]
    asked = {
        "bounds": [one.number for one, _ in edges],
        "registers": [one.row.register for one, _ in edges],
        "starts": [one.span[0] for one, _ in edges],
        "ends": [one.span[1] for one, _ in edges],
        "instants": [at for _, at in edges],
        "known": known,
    }
    points: _Points = defaultdict(set)
    for bound, at, value in connection.execute(source.neighbours, asked):
        points[bound].add((at, value))
    return points


def _edges(one: _Row, need: Need) -> set[datetime]:
    """The needed instants and both ends; also just after the start, where an opening value takes a reading's place."""
    own = {one.row.start, one.row.start + timedelta(microseconds=1), *([one.row.end] if one.row.end else [])}
    return own.union(map(instant, need.instants))


def _add_breaks(  # what they are added to stands last
    connection: Connection, source: Source, needs: Sequence[Need], *, rows: Sequence[_Row], points: _Points, known: int
) -> None:
    """Both sides of each fall, and of each rise above the greatest rate, between the readings that are needed."""
    searched = []
    for one in rows:
        if found := points[one.number]:
            need = needs[one.row.need]
            first = max((at for at, _ in found if at <= instant(need.instants[0])), default=min(found)[0])
            last = min((at for at, _ in found if at >= instant(need.instants[-1])), default=max(found)[0])
            searched.append((one.number, one.row.register, first, last, _searched_rate(need, one.row)))
    columns = [list(column) for column in zip(*searched, strict=True)] or [[]] * 5
    asked = dict(zip(("bounds", "registers", "firsts", "lasts", "max_rates"), columns, strict=True))
    for row in connection.execute(source.breaks, {**asked, "known": known}):
        points[row.bound] |= {(row.at_before, row.before), (row.at, row.value)}


def _max_rate(need: Need, row: Any) -> Fraction | None:
    """Ticks per hour: the measure's if it states one, else the register's."""
    if need.max_rate is None:
        return None if row.max_rate is None else Fraction(row.max_rate)
    return need.max_rate.to(f"{row.unit}/h") / Fraction(row.resolution)


def _searched_rate(need: Need, row: Any) -> Decimal | None:
    """The same cut after six digits: what is found beside the true ones does no harm."""
    rate = _max_rate(need, row)
    return None if rate is None else Decimal(rate.numerator * 10**6 // rate.denominator).scaleb(-6)


def _counted(need: Need, rows: Sequence[_Row], points: _Points) -> Counted:
    if not rows:
        tick = default_tick(need.unit)
        return Counted(tick.unit, tick.resolution, (), ())
    ticks = {(one.row.unit, one.row.resolution) for one in rows}
    if len(ticks) > 1:
        shown = ", ".join(sorted(f"{resolution:f} {unit}" for unit, resolution in ticks))
        raise MixedTicks(f"{need.asset} {need.register}: devices count in ticks of {shown}; declare them alike")
    bounds = [_bound(one, points) for one in rows]
    parts, doubts = counted(bounds, need.instants, _rule(need, rows[-1].row))
    return Counted(rows[0].row.unit, rows[0].row.resolution, parts, doubts)


def _bound(one: _Row, points: _Points) -> Bound:
    readings = tuple(sorted((micros(at), value) for at, value in points[one.number]))
    end = one.row.end and micros(one.row.end)
    return Bound(one.row.device, micros(one.row.start), end, one.row.opening, one.row.closing, readings)


def _rule(need: Need, row: Any) -> Rule:
    rate = _max_rate(need, row)
    modulus = row.modulus
    if need.modulus is not None:
        given = need.modulus
        modulus = to_ticks(given.magnitude, given.unit, register_unit=row.unit, resolution=row.resolution).ticks
    return Rule(
        on_reset=cast("OnReset", need.on_reset),
        boundary=cast("Boundary", need.boundary),
        modulus=modulus,
        max_rate=None if rate is None else rate / _HOUR,
        max_gap=row.max_gap if need.max_gap is None else need.max_gap,
    )
