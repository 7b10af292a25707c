"""What counters showed at needed instants, for many registers at once.

SQL brings only the readings that matter: the neighbours of each instant, both sides of every fall and of every rise
that is too fast, and what follows a fall within the glitch window. Between those a counter telescopes, so the pure
`ingest.counter` computes from them what it would from all. Roll-ups say in which hours to look for falls; what they do
not know as of the cut-off is looked at in full. So reading waits for no roll-up: if one is late, it is slower, never
wrong.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol, TypeAlias, cast

from sqlalchemy import Connection, TextClause, text

from core.time import instant, micros
from core.units import Quantity, default_tick, to_ticks
from ingest.counter import Doubt, Part, Rule
from ingest.path import Bound, counted
from ingest.store import decided, sequence
from ingest.store.decided import Decided

# A component counts what counts on the asset that it is mounted on, as long as it is.
# LATERAL with OFFSET 0 fixes the order of the look-ups: without statistics, as after a bulk import, the planner would
# compare everything with everything.
BOUND = text("""
    SELECT n.need, b.id AS binding, d.name AS device, r.id AS register, r.unit, r.resolution,
        lower(b.during) AS start, upper(b.during) AS "end",
        CASE WHEN lower(b.during) = lower(b.whole) THEN v.opening END AS opening,
        CASE WHEN upper(b.during) = upper(b.whole) THEN v.closing END AS closing,
        c.modulus, c.max_rate, (extract(epoch FROM c.max_gap) * 1000000)::bigint AS max_gap,
        coalesce(c.tolerance, 0) AS tolerance, coalesce(c.resets_at_boot, false) AS resets,
        CASE WHEN c.max_rate IS NOT NULL THEN c.glitch_window END AS glitch,
        lower(b.during) > lower(b.whole) OR EXISTS (
            SELECT FROM ingest.binding AS o WHERE o.device = b.device AND o.id <> b.id AND o.known <= :known
                AND (o.superseded IS NULL OR o.superseded > :known)
        ) AS moves
    FROM unnest(cast(:needs AS int[]), cast(:assets AS text[]), cast(:positions AS text[]), cast(:registers AS text[]))
        AS n (need, asset, position, register)
    JOIN LATERAL (SELECT id FROM ingest.asset WHERE name = n.asset OFFSET 0) AS a ON true
    JOIN LATERAL (
        SELECT id, device, during, during AS whole FROM ingest.binding
        WHERE asset = a.id AND position = n.position AND known <= :known AND (superseded IS NULL OR superseded > :known)
        UNION ALL
        SELECT o.id, o.device, o.during * m.during, o.during FROM ingest.mounting AS m
        JOIN ingest.binding AS o ON o.asset = m.asset AND o.position = n.position AND o.during && m.during
            AND o.known <= :known AND (o.superseded IS NULL OR o.superseded > :known)
        WHERE m.component = a.id AND m.known <= :known AND (m.superseded IS NULL OR m.superseded > :known)
        OFFSET 0
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
NEAR = """
    SELECT edge, at, value FROM {near}(CAST(:edges AS int[]), CAST(:registers AS int[]), CAST(:starts AS timestamptz[]),
        CAST(:ends AS timestamptz[]), CAST(:instants AS timestamptz[]), :low, :high, :known)
"""
TURNING = """
    SELECT bound, at_before, before, at, value FROM {turning}(CAST(:bounds AS int[]), CAST(:registers AS int[]),
        CAST(:firsts AS timestamptz[]), CAST(:lasts AS timestamptz[]), CAST(:max_rates AS numeric[]),
        CAST(:glitches AS interval[]), :low, :high, :known)
"""


# Constants leave chunks out of these statements once. Trying again at each look-up costs many times the look-up.
CHUNKS_ONCE = text("SET LOCAL timescaledb.enable_runtime_exclusion = off")


@dataclass(frozen=True, slots=True)
class Source:
    """The statements that bring readings: from the table, or from functions that show a party its own only."""

    near: TextClause
    turning: TextClause
    outside: TextClause


TABLE = Source(text(NEAR.format(near="ingest.near")), text(TURNING.format(turning="ingest.turning")), decided.OUTSIDE)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""No reading is earlier or later."""
_NEAR = (timedelta(hours=6), timedelta(days=14))
"""Where neighbours are looked for first: nearly all are there, in one chunk; then everywhere."""
_ANYWHERE = timedelta(days=36_525)
_WEEK = timedelta(days=7)
"""Instants so far apart are looked up apart, each in its few chunks;"""
_FEW = 200
"""except so few: planning another statement would cost more than looking into more chunks."""
_HOUR = 3_600_000_000
_LIKE = 256
"""Registers are read in so many ways at most; what is computed for one is kept for the others."""
_STEP = timedelta(microseconds=1)


class Need(Protocol):
    """A counter wanted at instants, as a contract's measure reads it; `contracts.facts.CounterNeed` is one.

    register: a path, position/register. instants: at least two, sorted, µs since 1970. What the measure leaves open
    (None) is taken from the register's declaration. max_gap: µs. estimates: whether they count.
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
    @property
    def estimates(self) -> bool: ...  # noqa: D102


class Asked(NamedTuple):
    """A need that no contract states: everything as the register is declared."""

    asset: str
    register: str
    instants: tuple[int, ...]
    unit: str
    on_reset: str = "hold"
    boundary: str = "interpolate"
    modulus: Quantity | None = None
    max_rate: Quantity | None = None
    max_gap: int | None = None
    estimates: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter over the needed instants. resolution: one tick, in unit. Without parts nothing is known."""

    unit: str
    resolution: Decimal
    parts: tuple[Part, ...]
    doubts: tuple[Doubt, ...]


class MixedTicks(ValueError):
    """Devices that followed each other on one register path count in different ticks."""


class _Found(NamedTuple):
    """A row of BOUND; many times as fast to read as the driver's."""

    need: int
    binding: int
    device: str
    register: int
    unit: str
    resolution: Decimal
    start: datetime
    end: datetime | None
    opening: int | None
    closing: int | None
    modulus: int | None
    max_rate: Decimal | None
    max_gap: int | None
    tolerance: int
    resets: bool
    glitch: timedelta | None
    moves: bool


class _Row(NamedTuple):
    """A register on the path of a need, and where in the list it is."""

    number: int
    row: _Found
    span: tuple[datetime, datetime]


class _Edge(NamedTuple):
    """An instant next to which readings are wanted."""

    one: _Row
    at: datetime
    before: bool
    after: bool

    def missing(self, found: Sequence[datetime]) -> "_Edge":
        """The sides on which a neighbour may be further away."""
        start, end = self.one.span
        before = self.before and self.at > start and all(at > self.at for at in found)
        return _Edge(self.one, self.at, before, self.after and self.at < end and all(at < self.at for at in found))


OnReset: TypeAlias = Literal["hold", "assume_zero", "documented_only"]
Boundary: TypeAlias = Literal["interpolate", "at_reading"]
_Points: TypeAlias = dict[int, set[tuple[datetime, int]]]


def load(connection: Connection, needs: Sequence[Need], *, known: int, source: Source = TABLE) -> tuple[Counted, ...]:
    """Each need's counter as known at K, in the order of the needs. A few statements, however many needs.

    Raises MixedTicks.
    """
    return tuple(
        Counted(one.unit, one.resolution, *counted(one.bounds, need.instants, one.rule))
        for need, one in zip(needs, lives(connection, needs, known=known, source=source), strict=True)
    )


@dataclass(frozen=True, slots=True)
class Life:
    """The devices on a need's path with the readings that matter for its instants, and how they are read."""

    unit: str
    resolution: Decimal
    bounds: tuple[Bound, ...]
    registers: tuple[int, ...]
    rule: Rule


def lives(connection: Connection, needs: Sequence[Need], *, known: int, source: Source = TABLE) -> tuple[Life, ...]:
    """What `ingest.path` counts from, as known at K, in the order of the needs. Raises MixedTicks."""
    search = _Search(connection, source, needs, known)
    of_need = defaultdict[int, list[_Row]](list)
    for one in search.rows:
        of_need[one.row.need].append(one)
    return tuple(_life(need, of_need[n], search) for n, need in enumerate(needs))


class _Search:
    """What the database says of the needs; points: readings by the number of the row that they belong to."""

    def __init__(self, connection: Connection, source: Source, needs: Sequence[Need], known: int) -> None:
        self.connection, self.source, self.known = connection, source, known
        self.needs: Sequence[Need] = needs
        connection.execute(CHUNKS_ONCE)
        self.rows = self._bound()
        self.decided = decided.load(connection, {one.row.register for one in self.rows}, known=known)
        self.outside = decided.outside(connection, self._moves(), known=known, statement=source.outside)
        resetting = {one.row.register for one in self.rows if one.row.resets}
        self.boots = sequence.boots(connection, resetting, known=known) if resetting else {}
        self.points: _Points = defaultdict(set)
        self.searched: dict[int, tuple[datetime, datetime]] = {}
        self._neighbours([(one, at) for one in self.rows for at in self._edges(one)])
        self._breaks()

    def need_of(self, one: _Row) -> Need:
        return self.needs[int(one.row.need)]

    def decided_on(self, one: _Row) -> Decided:
        return self.decided.get(one.row.register, decided.NOTHING)

    def _bound(self) -> list[_Row]:
        paths = [need.register.partition("/") for need in self.needs]
        asked = {
            "needs": list(range(len(self.needs))),
            "assets": [need.asset for need in self.needs],
            "positions": [position for position, _, _ in paths],
            "registers": [register for _, _, register in paths],
            "known": self.known,
        }
        rows = enumerate(map(_Found._make, self.connection.execute(BOUND, asked)))
        return [_Row(n, row, (row.start, row.end or _LATEST)) for n, row in rows]

    def _moves(self) -> list[decided.Edge]:
        """Where a device came from elsewhere, or went, and nobody wrote down what it showed."""
        found = []
        for one in self.rows:
            came = one.row.start if one.row.moves and one.row.opening is None else None
            went = one.row.end if one.row.closing is None else None
            if came or went:
                found.append(decided.Edge(one.number, one.row.register, came, went))
        return found

    def _neighbours(self, edges: Sequence[tuple[_Row, datetime]]) -> None:
        """Readings on both sides of each instant: around it, and where there are none, as far as its device serves."""
        wanted = [_Edge(one, at, True, True) for one, at in edges]
        for reach in (*_NEAR, _ANYWHERE):
            apart = _WEEK if len(wanted) > _FEW else 5 * _WEEK
            weeks = defaultdict[object, list[_Edge]](list)
            for edge in wanted:
                weeks[(edge.at - _EARLIEST) // max(reach, apart), edge.before, edge.after].append(edge)
            wanted = []
            for week in weeks.values():
                low, high = min(edge.at for edge in week), max(edge.at for edge in week) + _STEP
                low, high = (low - reach if week[0].before else low), (high + reach if week[0].after else high)
                found = self._near(week, low, high)
                missing = (edge.missing(seen) for edge, seen in zip(week, found, strict=True))
                wanted += [edge for edge in missing if edge.before or edge.after]

    def _near(self, edges: Sequence["_Edge"], low: datetime, high: datetime) -> list[list[datetime]]:
        """Add what is in [low, high) next to each edge; where it was found."""
        spans = [edge.one.span for edge in edges]
        asked = {
            "edges": array(range(len(edges))),
            "registers": array([edge.one.row.register for edge in edges]),
            "starts": array([start for start, _ in spans]),
            "ends": array([end for _, end in spans]),
            "instants": array([edge.at for edge in edges]),
        }
        found: list[list[datetime]] = [[] for _ in edges]
        rows = self.connection.execute(self.source.near, {**asked, "low": low, "high": high, "known": self.known})
        for number, at, value in rows.all():
            self.points[edges[number].one.number].add((at, value))
            found[number].append(at)
        return found

    def _edges(self, one: _Row) -> set[datetime]:
        """The needed instants while the device serves; also next to where written values take over."""
        start, end = one.span
        instants = [instant(at) for at in self.need_of(one).instants]
        own = {min(max(at, start), end) for at in instants}
        if start >= instants[0]:
            own.add(start + _STEP)
        for epoch in self.decided_on(one).epochs:
            own |= {instant(epoch.at) - _STEP, instant(epoch.at) + _STEP}
        return own

    def _breaks(self) -> None:
        """Both sides of each fall, and of each rise above the greatest rate, between the readings that are needed."""
        ranges = self._ranges()
        columns: dict[str, list[object]] = {
            name: [] for name in ("bounds", "registers", "firsts", "lasts", "max_rates", "glitches")
        }
        for one in self.rows:
            if one.number in ranges:
                rate = _searched_rate(_max_rate(self.need_of(one), one.row))
                glitch = None if one.row.glitch is None else f'"{one.row.glitch // _STEP} microseconds"'
                row = (one.number, one.row.register, *ranges[one.number], rate, glitch)
                for column, value in zip(columns.values(), row, strict=True):
                    column.append(value)
        if not ranges:
            return
        low, high = (pick(side) for pick, side in zip((min, max), zip(*ranges.values(), strict=True), strict=True))
        literals = {name: array(column) for name, column in columns.items()}
        asked = {**literals, "low": low, "high": high + _STEP, "known": self.known}
        for row in self.connection.execute(self.source.turning, asked):
            self.points[row.bound] |= {(row.at, row.value)}
            if row.at_before is not None:
                self.points[row.bound] |= {(row.at_before, row.before)}

    def _ranges(self) -> dict[int, tuple[datetime, datetime]]:
        """Where breaks are looked for; with a glitch window so far around, that no spike is taken for good."""
        found = {}
        for one in self.rows:
            if points := self.points[one.number]:
                instants = self.need_of(one).instants
                first = max((at for at, _ in points if at <= instant(instants[0])), default=min(points)[0])
                last = min((at for at, _ in points if at >= instant(instants[-1])), default=max(points)[0])
                found[one.number] = (first, last)
        wary = [(one, one.row.glitch) for one in self.rows if one.row.glitch is not None and one.number in found]
        for _ in range(2):
            before = [(one, found[one.number][0] - glitch) for one, glitch in wary]
            self._neighbours(before)
            for one, at in before:
                seen = [each for each, _ in self.points[one.number]]
                first = max((each for each in seen if each <= at), default=min(seen))
                found[one.number] = (first, found[one.number][1])
        for one, glitch in wary:
            first, last = found[one.number]
            self.searched[one.number] = found[one.number] = (first, min(last + 2 * glitch, one.span[1] - _STEP))
        return found


def array(values: Iterable[object]) -> str:
    """An array as PostgreSQL writes it; many times as fast as one that the driver puts together."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


def _max_rate(need: Need, row: _Found) -> Fraction | None:
    """Ticks per hour: the measure's if it states one, else the register's."""
    return _rate(need.max_rate, row.max_rate, row.unit, row.resolution)


@lru_cache(_LIKE)
def _rate(stated: Quantity | None, declared: Decimal | None, unit: str, resolution: Decimal) -> Fraction | None:
    if stated is None:
        return None if declared is None else Fraction(declared)
    return stated.to(f"{unit}/h") / Fraction(resolution)


@lru_cache(_LIKE)
def _searched_rate(rate: Fraction | None) -> Decimal | None:
    """Cut after six digits: what is found beside the true ones does no harm."""
    return None if rate is None else Decimal(rate.numerator * 10**6 // rate.denominator).scaleb(-6)


def _life(need: Need, rows: Sequence[_Row], search: _Search) -> Life:
    if not rows:
        tick = default_tick(need.unit)
        return Life(tick.unit, tick.resolution, (), (), Rule())
    ticks = {(one.row.unit, one.row.resolution) for one in rows}
    if len(ticks) > 1:
        shown = ", ".join(sorted(f"{resolution:f} {unit}" for unit, resolution in ticks))
        raise MixedTicks(f"{need.asset} {need.register}: devices count in ticks of {shown}; declare them alike")
    bounds = tuple(_bound(one, search) for one in rows)
    registers = tuple(one.row.register for one in rows)
    return Life(rows[0].row.unit, rows[0].row.resolution, bounds, registers, _rule(need, rows[-1].row))


def _bound(one: _Row, search: _Search) -> Bound:
    start, end = micros(one.row.start), None if one.row.end is None else micros(one.row.end)
    said, outside = search.decided_on(one), search.outside.get(one.number, ())
    searched = search.searched.get(one.number)
    return Bound(
        one.row.device,
        start,
        end,
        one.row.opening,
        one.row.closing,
        tuple(sorted((micros(at), value) for at, value in search.points[one.number])),
        before=next((point for point in outside if point[0] < start), None) if outside else None,
        after=next((point for point in outside if point[0] >= start), None) if outside else None,
        epochs=said.epochs,
        releases=said.releases,
        searched=None if searched is None else (micros(searched[0]), micros(searched[1])),
        estimates=said.estimates if search.need_of(one).estimates else (),
        boots=search.boots.get(one.row.register, ()),
    )


def _rule(need: Need, row: _Found) -> Rule:
    modulus, max_gap = need.modulus, row.max_gap if need.max_gap is None else need.max_gap
    ticks = row.modulus if modulus is None else _ticks(modulus, row.unit, row.resolution)
    glitch = None if row.glitch is None else row.glitch // _STEP
    return _read_so(need.on_reset, need.boundary, ticks, _max_rate(need, row), max_gap, row.tolerance, glitch)


def _ticks(given: Quantity, unit: str, resolution: Decimal) -> int:
    return to_ticks(given.magnitude, given.unit, register_unit=unit, resolution=resolution).ticks


@lru_cache(_LIKE)
def _read_so(
    on_reset: str,
    boundary: str,
    modulus: int | None,
    max_rate: Fraction | None,
    max_gap: int | None,
    tolerance: int,
    glitch: int | None,
) -> Rule:
    """A rule; those of a fleet are one. max_rate: ticks per hour."""
    return Rule(
        on_reset=cast("OnReset", on_reset),
        boundary=cast("Boundary", boundary),
        modulus=modulus,
        max_rate=None if max_rate is None else max_rate / _HOUR,
        max_gap=max_gap,
        tolerance=tolerance,
        glitch=glitch,
    )
