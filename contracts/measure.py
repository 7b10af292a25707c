"""Quantities of a measure over the stretches that a term needs: ready ones or counters, exact, never spread."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from contracts.facts import Case
from contracts.pricing import total
from core.canonical import is_decimal
from core.problem import Problem
from core.time import instant, wall_text
from core.units import factor, floor_to_scale

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal
    from zoneinfo import ZoneInfo

    from contracts.document import Measure
    from contracts.facts import Counter, Gauge, Piece, ReadyQuantity
    from contracts.scene import Scene
    from contracts.span import Spans
    from core.units import Quantity


class Row(NamedTuple):
    """A piece of use in the measure's unit, in order of time."""

    start: int
    end: int
    owner: str
    quantity: Fraction
    weight_class: str = ""
    dimensions: Mapping[str, Quantity] = MappingProxyType({})
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What one asset (or group) used in some spans. missing: there is no fact at all. waits: nothing may be billed."""

    rows: tuple[Row, ...] = ()
    opening: Fraction | None = None
    closing: Fraction | None = None
    cases: tuple[Case, ...] = ()
    problems: tuple[Problem, ...] = ()
    provisional: bool = False
    missing: bool = False
    waits: bool = False

    @property
    def troubled(self) -> bool:
        """Whether a person has to look before all of it may be billed."""
        return bool(self.problems or self.cases or self.missing or self.waits)

    @property
    def quantity(self) -> Fraction:
        """The plain sum."""
        return total([row.quantity for row in self.rows])


def usage(scene: Scene, measure: Measure, owner: str, spans: Spans) -> Usage:
    """The use of one asset or group within spans; each ready quantity must lie within one of them."""
    facts, where = scene.facts, scene.zone
    counter = facts.counters.get((owner, measure.register_path or ""))
    ready = facts.quantities_of.get((owner, measure.measure), ())
    touching = [q for q in ready if any(q.start < end and start < q.end for start, end in spans)]
    problems = tuple(_straddling(touching, spans, where)) if touching else ()
    gauge = facts.gauges.get((owner, measure.register_path or ""))
    sums = measure.kind in ("gauge_fall", "event_count") and gauge is not None and bool(gauge.levels)
    if not sums and (counter is None or not counter.pieces):
        rows = tuple(_ready_row(q) for q in sorted(touching, key=_in_time))
        return Usage(rows, problems=problems, missing=not touching, provisional=any(r.estimated for r in rows))
    if touching:
        message = f"{owner} has both ready quantities and readings of {measure.measure}"
        return Usage(problems=(Problem("quantities", message, "give one or the other"),))
    so_far = intersect_each(spans, scene.until)
    if sums and gauge is not None:
        each = _shown_each(gauge, measure, so_far)
        return Usage(tuple(Row(*span, owner, used) for span, used in zip(so_far, each, strict=True)))
    return _counted(counter, measure, owner, so_far) if counter else Usage(missing=True)


def shown(gauge: Gauge, measure: Measure, spans: Spans) -> Fraction:
    """What readings add up to: the falls of a level, each when it is read, or the events that each reading reports."""
    return total(_shown_each(gauge, measure, spans))


def _shown_each(gauge: Gauge, measure: Measure, spans: Spans) -> list[Fraction]:
    """The same for each span: by sums from the first reading on, so that no reading is looked at twice."""
    levels, share = gauge.levels, factor(gauge.unit, measure.unit or gauge.unit)
    if measure.kind == "gauge_fall":
        runs = gauge.settled or (gauge.levels,)
        falls = ((after.at, before.value - after.value) for run in runs for before, after in pairwise(run))
        found = sorted(fall for fall in falls if fall[1] > 0)
        place = bisect_right
    else:
        found = [(one.at, one.value) for one in levels]
        place = bisect_left
    instants = [at for at, _ in found]
    so_far = list(accumulate((value for _, value in found), initial=Fraction(0)))
    return [(so_far[place(instants, end)] - so_far[place(instants, start)]) * share for start, end in spans]


def intersect_each(spans: Spans, until: int) -> Spans:
    """The spans so far, each for itself: neighbours stay apart."""
    if not spans or spans[-1][1] <= until:
        return spans
    return tuple((start, min(end, until)) for start, end in spans if start < until)


def without_facts(measure: Measure, owner: str, spans: Spans) -> Case:
    """The case of an asset of which nothing is known."""
    return Case(owner, measure.register_path or measure.measure, spans[0][0], spans[-1][1], "missing")


class _Tick(NamedTuple):
    """One tick of a register in a contract's unit, as a fraction. exact: any number of ticks is a finite decimal."""

    times: int
    parts: int
    exact: bool

    def value(self, ticks: int) -> Fraction:
        """Floored to the unit's scale only where it does not convert exactly."""
        found = Fraction(ticks * self.times, self.parts)
        return found if self.exact else floor_to_scale(found)

    def use(self, piece: Piece) -> Fraction:
        """A difference of boundary values, so that neighbouring pieces telescope."""
        if self.exact:
            return self.value(piece.closing - piece.opening - piece.removed)
        return self.value(piece.closing) - self.value(piece.opening) - self.value(piece.removed)


@lru_cache(maxsize=1024)
def _tick(resolution: Decimal, source: str, target: str) -> _Tick:
    tick = Fraction(resolution) * factor(source, target)
    return _Tick(tick.numerator, tick.denominator, is_decimal(tick))


def piece_use(piece: Piece, counter: Counter, unit: str) -> Fraction:
    """Use in the contract's unit."""
    return _tick(counter.resolution, counter.unit, unit).use(piece)


def _counted(counter: Counter, measure: Measure, owner: str, spans: Spans) -> Usage:
    unit = measure.unit or counter.unit
    inside = _by_span(counter.pieces, spans)
    if inside is None:
        message = f"the pieces of {owner} are not cut at every instant that engine.needs names"
        return Usage(problems=(Problem("counters", message, "load the boundary values again"),))
    tick = _tick(counter.resolution, counter.unit, unit)
    each = zip(spans, inside, strict=True)
    rows = [Row(start, end, owner, total([tick.use(piece) for piece in pieces])) for (start, end), pieces in each]
    known = [piece for pieces in inside for piece in pieces]
    cases = _cases(counter, spans) if counter.cases else ()
    ends = [piece.closing_quality for piece in known]
    if "estimated" in ends:
        apart = _apart(rows, inside, tick)
        rows = [row for row in apart if measure.bills_estimates or not row.estimated]
    return Usage(
        tuple(rows),
        opening=tick.value(known[0].opening) if known else None,
        closing=tick.value(known[-1].closing) if known else None,
        cases=cases,
        provisional=bool(cases) or "last" in ends or "estimated" in ends,
        missing=not known,
        waits=measure.on_reset == "documented_only" and any(case.reason == "counter_fell" for case in cases),
    )


def _apart(rows: Iterable[Row], inside: Iterable[list[Piece]], tick: _Tick) -> Iterable[Row]:
    """What was read and what is estimated in rows of their own; nothing of either has none where there is the other."""
    for row, pieces in zip(rows, inside, strict=True):
        guesses = [piece for piece in pieces if piece.closing_quality == "estimated"]
        guessed = total([tick.use(piece) for piece in guesses])
        if not guessed:
            yield row
            continue
        if row.quantity != guessed:
            yield row._replace(quantity=row.quantity - guessed)
        yield row._replace(start=guesses[0].start, end=guesses[-1].end, quantity=guessed, estimated=True)


def _cases(counter: Counter, spans: Spans) -> tuple[Case, ...]:
    return tuple(
        case for case in counter.cases if any(case.start < e and s < max(case.end, case.start + 1) for s, e in spans)
    )


def _by_span(pieces: Iterable[Piece], spans: Spans) -> list[list[Piece]] | None:
    """The pieces of each span, which are in order of time; None if one lies across an end."""
    starts = [start for start, _ in spans]
    found: list[list[Piece]] = [[] for _ in spans]
    for piece in pieces:
        n = bisect_right(starts, piece.start) - 1
        if n >= 0 and piece.end <= spans[n][1]:
            found[n].append(piece)
        elif (n >= 0 and piece.start < spans[n][1]) or (n + 1 < len(spans) and starts[n + 1] < piece.end):
            return None
    return found


def _straddling(touching: Iterable[ReadyQuantity], spans: Spans, where: ZoneInfo) -> Iterable[Problem]:
    for q in touching:
        if not any(start <= q.start and q.end <= end for start, end in spans):
            since, until = (wall_text(instant(at), where) for at in (q.start, q.end))
            yield Problem(
                f"quantities, {q.owner}, {q.measure}",
                f"the quantity from {since} to {until} straddles a boundary at which the evaluation cuts",
                "give one quantity for each side: it is never spread",
            )


def _ready_row(q: ReadyQuantity) -> Row:
    return Row(q.start, q.end, q.owner, q.quantity, q.weight_class, q.dimensions, q.estimated)


def _in_time(q: ReadyQuantity) -> tuple[int, int, Fraction, str]:
    return q.start, q.end, q.quantity, q.weight_class
