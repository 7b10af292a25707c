"""The readings that matter for counters at needed instants, of many registers at once.

Those are the neighbours of each instant, both sides of every fall and of every rise that is too fast, and what follows
a fall within the glitch window. Between those a counter telescopes. Roll-ups say in which hours to look for falls; what
they do not know as of the cut-off is looked at in full. So reading waits for no roll-up: if one is late, it is slower,
never wrong. All instants are µs since 1970.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, TextClause, text

from core.time import HOUR, instant
from core.units import Quantity
from ingest.store import decided, sequence
from ingest.store.bound import Found, Need
from ingest.store.decided import Decided
from ingest.store.literal import numbers, times

NEAR = """
    SELECT edge, (extract(epoch FROM at_before) * 1000000)::bigint, before,
        (extract(epoch FROM at_after) * 1000000)::bigint, after
    FROM {near}(CAST(:edges AS int[]), CAST(:registers AS int[]), CAST(:starts AS timestamptz[]),
        CAST(:ends AS timestamptz[]), CAST(:instants AS timestamptz[]), :low, :first, :last, :high, :known)
"""
TURNING = """
    SELECT bound, (extract(epoch FROM at_before) * 1000000)::bigint, before,
        (extract(epoch FROM at) * 1000000)::bigint, value
    FROM {turning}(CAST(:bounds AS int[]), CAST(:registers AS int[]),
        CAST(:firsts AS timestamptz[]), CAST(:lasts AS timestamptz[]), CAST(:max_rates AS numeric[]),
        CAST(:glitches AS interval[]), :low, :high, :known)
"""


@dataclass(frozen=True, slots=True)
class Source:
    """The statements that bring readings: of everybody, or from functions that show a party its own only."""

    near: TextClause
    turning: TextClause
    outside: TextClause


TABLE = Source(text(NEAR.format(near="ingest.near")), text(TURNING.format(turning="ingest.turning")), decided.OUTSIDE)
LATEST = 4_102_444_800_000_000
"""2100: no reading is later."""
_DAY = 24 * HOUR
_NEAR = (26 * HOUR, 14 * _DAY)
"""Where neighbours are looked for first: nearly all are there, of what reports once a day too;"""
_FAR = (112 * _DAY, 36_525 * _DAY)
"""then further away, so that a silence of weeks does not cost as much as the whole history, and then everywhere."""
_WEEK = 7 * _DAY
"""Instants so far apart are looked up apart, each in its few chunks;"""
_FEW = 200
"""except so few: planning another statement would cost more than looking into more chunks, or than looking far away."""
_LIKE = 256
"""Registers are read in so many ways at most; what is computed for one is kept for the others."""

Edge: TypeAlias = tuple[int, int]
"""The number of a row, and an instant next to which its readings are wanted."""


class _Sides(NamedTuple):
    """On which sides of instants neighbours are looked for."""

    before: bool
    after: bool


_BOTH = _Sides(before=True, after=True)


class Search:
    """What the database says of the needs.

    rows: the registers on their paths. points: of each row, value by instant. searched: where falls were looked for;
    rows that are missing there were searched everywhere. boots: of registers that begin anew at one.
    """

    def __init__(
        self, connection: Connection, source: Source, needs: Sequence[Need], rows: Sequence[Found], *, known: int
    ) -> None:
        self.connection, self.source, self.known = connection, source, known
        self.needs, self.rows = needs, rows
        self.decided = decided.load(connection, {row.register for row in rows}, known=known)
        self.outside = decided.outside(connection, self._moves(), known=known, statement=source.outside)
        resetting = {row.register for row in rows if row.resets}
        self.boots = sequence.boots(connection, resetting, known=known) if resetting else {}
        self.points: list[dict[int, int]] = [{} for _ in rows]
        self.searched: dict[int, tuple[int, int]] = {}
        self._neighbours([(n, at) for n, row in enumerate(rows) for at in self._instants(row)], _BOTH)
        self._breaks(self._ranges())

    def decided_on(self, row: Found) -> Decided:
        """Epochs and releases of its register."""
        return self.decided.get(row.register, decided.NOTHING)

    def _moves(self) -> list[decided.Edge]:
        """Where a device came from elsewhere, or went, and nobody wrote down what it showed."""
        found = []
        for n, row in enumerate(self.rows):
            came = row.start if row.moves and row.opening is None else None
            went = row.end if row.closing is None else None
            if came is not None or went is not None:
                edges = (None if at is None else instant(at) for at in (came, went))
                found.append(decided.Edge(n, row.register, *edges))
        return found

    def _instants(self, row: Found) -> Iterable[int]:
        """The needed instants while the device serves; also next to where written values take over."""
        instants, start, end = self.needs[row.need].instants, row.start, row.end
        epochs = self.decided_on(row).epochs
        if not epochs and start < instants[0] and (end is None or instants[-1] <= end):
            return instants
        own = {min(max(at, start), end or LATEST) for at in instants}
        if start >= instants[0]:
            own.add(start + 1)
        for epoch in epochs:
            own |= {epoch.at - 1, epoch.at + 1}
        return own

    def _neighbours(self, wanted: Iterable[Edge], sides: _Sides) -> None:
        """Readings beside each instant: around it, and where there are none, as far as its device serves."""
        open_edges = {sides: list(wanted)}
        near = _NEAR[-1:] if len(open_edges[sides]) <= _FEW else _NEAR
        for reach in (*near, *_FAR):
            missing = defaultdict[_Sides, list[Edge]](list)
            for beside, edges in open_edges.items():
                for week in _weeks(edges, reach):
                    self._near(week, reach, beside, missing)
            open_edges = missing

    def _near(self, edges: Sequence[Edge], reach: int, sides: _Sides, missing: defaultdict[_Sides, list[Edge]]) -> None:
        """Add what is within reach of each edge; edges that want more go to `missing`."""
        for n, at_before, before, at_after, after in self._beside(edges, reach, sides):
            number, wanted = edge = edges[n]
            row, points = self.rows[number], self.points[number]
            if at_before is not None:
                points[at_before] = before
            if at_after is not None:
                points[at_after] = after
            more_before = at_before is None and sides.before and wanted - reach > row.start
            more_after = at_after is None and sides.after and at_before != wanted
            more_after = more_after and wanted + reach < (row.end or LATEST)
            if more_before or more_after:
                missing[_Sides(more_before, more_after)].append(edge)

    def _beside(self, edges: Sequence[Edge], reach: int, sides: _Sides) -> Sequence[Any]:
        """Number of the edge, and instant and value on both sides. An empty stretch on a side spares its chunks."""
        rows, instants = [self.rows[n] for n, _ in edges], [at for _, at in edges]
        starts, ends = [row.start for row in rows], [row.end or LATEST for row in rows]
        if not sides.before:
            starts = [max(start, at + 1) for start, at in zip(starts, instants, strict=True)]
        if not sides.after:
            ends = [min(end, at) for end, at in zip(ends, instants, strict=True)]
        first, last = min(instants), max(instants) + 1
        asked = {
            "edges": numbers(range(len(edges))),
            "registers": numbers([row.register for row in rows]),
            "starts": times(starts),
            "ends": times(ends),
            "instants": times(instants),
            "low": instant(max(first - reach, min(starts)) if sides.before else last),
            "first": instant(first),
            "last": instant(last),
            "high": instant(min(last + reach, max(ends)) if sides.after else first),
            "known": self.known,
        }
        return self.connection.execute(self.source.near, asked).all()

    def _ranges(self) -> dict[int, tuple[int, int]]:
        """Where breaks are looked for; with a glitch window so far around, that no spike is taken for good."""
        found = {}
        for n, row in enumerate(self.rows):
            if points := self.points[n]:
                ats, instants = sorted(points), self.needs[row.need].instants
                last = bisect_left(ats, instants[-1])
                found[n] = (ats[max(bisect_right(ats, instants[0]) - 1, 0)], ats[min(last, len(ats) - 1)])
        wary = [(n, glitch) for n in found if (glitch := self.rows[n].glitch) is not None]
        for _ in range(2):
            before = [(n, found[n][0] - glitch) for n, glitch in wary]
            self._neighbours(before, _BOTH)
            for n, at in before:
                ats = sorted(self.points[n])
                found[n] = (ats[max(bisect_right(ats, at) - 1, 0)], found[n][1])
        for n, glitch in wary:
            first, last = found[n]
            self.searched[n] = found[n] = (first, min(last + 2 * glitch, (self.rows[n].end or LATEST) - 1))
        return found

    def _breaks(self, ranges: dict[int, tuple[int, int]]) -> None:
        """Both sides of each fall, and of each rise above the greatest rate, between the readings that are needed."""
        if not ranges:
            return
        rows = [self.rows[n] for n in ranges]
        asked = {
            "bounds": numbers(ranges),
            "registers": numbers([row.register for row in rows]),
            "firsts": times([first for first, _ in ranges.values()]),
            "lasts": times([last for _, last in ranges.values()]),
            "max_rates": numbers(
                [_searched_rate(self.needs[row.need].max_rate, *row[3:5], row.max_rate) for row in rows]
            ),
            "glitches": numbers([None if row.glitch is None else f'"{row.glitch} microseconds"' for row in rows]),
            "low": instant(min(first for first, _ in ranges.values())),
            "high": instant(max(last for _, last in ranges.values()) + 1),
            "known": self.known,
        }
        for n, at_before, before, at, value in self.connection.execute(self.source.turning, asked):
            self.points[n][at] = value
            if at_before is not None:
                self.points[n][at_before] = before


def _weeks(edges: Sequence[Edge], reach: int) -> Iterable[list[Edge]]:
    """Edges that are near each other, together."""
    apart = max(reach, _WEEK if len(edges) > _FEW else 5 * _WEEK)
    weeks, of, first = list[list[Edge]](), dict[int, list[Edge]](), -apart
    for at in sorted({at for _, at in edges}):
        if at - first >= apart:
            first = at
            weeks.append([])
        of[at] = weeks[-1]
    for edge in edges:
        of[edge[1]].append(edge)
    return weeks


def rate(stated: Quantity | None, unit: str, resolution: Decimal, declared: Decimal | None) -> Fraction | None:
    """The greatest that is believed, in ticks per hour: the measure's if it states one, else the register's."""
    if stated is None:
        return None if declared is None else Fraction(declared)
    return stated.to(f"{unit}/h") / Fraction(resolution)


def _searched_rate(stated: Quantity | None, unit: str, resolution: Decimal, declared: Decimal | None) -> Decimal | None:
    """Cut after six digits: what is found beside the true ones does no harm."""
    return None if stated is None and declared is None else _cut_rate(stated, unit, resolution, declared)


@lru_cache(_LIKE)
def _cut_rate(stated: Quantity | None, unit: str, resolution: Decimal, declared: Decimal | None) -> Decimal | None:
    found = rate(stated, unit, resolution, declared)
    return None if found is None else Decimal(found.numerator * 10**6 // found.denominator).scaleb(-6)
