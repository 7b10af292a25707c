"""What a counter did between two instants: exact boundary values, and the stretches that nobody can count.

A counter is already an integral: use over `[a, b)` is V(b) - V(a), less what breaks take out. Everything here is whole
ticks and whole microseconds, and does not depend on the order in which readings arrived.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

Quality: TypeAlias = Literal["reading", "interpolated", "carried", "start", "last"]
Reason: TypeAlias = Literal["counter_fell", "above_max_rate", "conflict"]


@dataclass(frozen=True, slots=True, order=True)
class CounterReading:
    """A value in ticks at an instant. order: which of two at one instant came first."""

    at: int
    device: str
    order: tuple[int, int]
    ticks: int


@dataclass(frozen=True, slots=True, order=True)
class Exchange:
    """A documented change of device: the old one ended at end_ticks, the new one starts at start_ticks."""

    at: int
    old_device: str
    end_ticks: int
    new_device: str
    start_ticks: int


@dataclass(frozen=True, slots=True)
class Rule:
    """How a counter is read. modulus: ticks at which it overflows. max_rate: ticks per microsecond. max_gap: µs."""

    on_reset: Literal["hold", "assume_zero", "documented_only"] = "hold"
    boundary: Literal["interpolate", "at_reading"] = "interpolate"
    modulus: int | None = None
    max_rate: Fraction | None = None
    max_gap: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One device's counter between two instants: use = closing - opening - removed."""

    start: int
    end: int
    device: str
    opening: int
    closing: int
    removed: int
    opening_quality: Quality
    closing_quality: Quality


@dataclass(frozen=True, slots=True)
class Doubt:
    """A stretch that waits for a person."""

    start: int
    end: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Point:
    at: int
    device: str
    ticks: int
    opens: bool = False


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From one accepted point to the next. used: ticks that count; total before it is in the course."""

    start: _Point
    end: _Point
    used: int
    from_zero: bool = False
    flat: bool = False


@dataclass(slots=True)
class Course:
    """A counter's whole known life. Ask `parts` for any needed instants."""

    rule: Rule
    stretches: list[_Stretch] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _totals: list[int] = field(default_factory=list)
    _only: _Point | None = None

    def parts(self, instants: Sequence[int]) -> tuple[Part, ...]:
        """One part for each stretch between neighbouring instants, cut further where the device changed."""
        if self._only is None:
            return ()
        changes = {s.start.at for s in self.stretches if s.start.opens}
        edges = sorted({*instants, *(at for at in changes if instants[0] < at < instants[-1])})
        return tuple(self._part(a, b) for a, b in pairwise(edges))

    def _part(self, start: int, end: int) -> Part:
        opening, before, device, opened = self._after(start)
        closing, after, _, closed = self._before(end)
        return Part(start, end, device, opening, closing, closing - opening - (after - before), opened, closed)

    def _after(self, at: int) -> tuple[int, int, str, Quality]:
        """Value, total use, device and quality just after an instant: a new device already counts."""
        n = bisect_right(self._starts, at) - 1
        return self._value(n, at)

    def _before(self, at: int) -> tuple[int, int, str, Quality]:
        """The same just before it: the old device still counts."""
        n = bisect_right(self._starts, at - 1) - 1
        return self._value(n, at)

    def _value(self, n: int, at: int) -> tuple[int, int, str, Quality]:
        first = self.stretches[0].start if self.stretches else self._only
        if first is None:
            raise LookupError("a counter without readings has no value")
        if n < 0 or not self.stretches:
            quality: Quality = "reading" if at == first.at else "start" if at < first.at else "last"
            return first.ticks, 0, first.device, quality
        stretch, total = self.stretches[n], self._totals[n]
        a, b = stretch.start, stretch.end
        if at == a.at:
            return a.ticks, total, a.device, "reading"
        if at >= b.at:
            return b.ticks, total + stretch.used, b.device, "reading" if at == b.at else "last"
        if stretch.flat:
            return a.ticks, total, a.device, "carried"
        moved = stretch.used * (at - a.at) // (b.at - a.at)
        ticks = moved if stretch.from_zero else a.ticks + moved
        return ticks % self.rule.modulus if self.rule.modulus else ticks, total + moved, a.device, "interpolated"


def course(readings: Iterable[CounterReading], exchanges: Iterable[Exchange], rule: Rule) -> Course:
    """Order everything by time and classify every difference.

    Equal repetitions count once; of two values at one instant the first stands, and the other opens a doubt.
    """
    whole = Course(rule)
    points = _points(sorted(readings), sorted(exchanges), whole.doubts)
    whole._only = points[0] if points else None  # noqa: SLF001 - this builds it
    total = 0
    for a, b in pairwise(points):
        if b.opens:
            continue
        stretch = _classify(a, b, whole)
        whole.stretches.append(stretch)
        whole._starts.append(a.at)  # noqa: SLF001
        whole._totals.append(total)  # noqa: SLF001
        total += stretch.used
    if points and points[-1].opens:
        whole.stretches.append(_Stretch(points[-1], points[-1], 0))
        whole._starts.append(points[-1].at)  # noqa: SLF001
        whole._totals.append(total)  # noqa: SLF001
    return whole


def _points(readings: list[CounterReading], exchanges: list[Exchange], doubts: list[Doubt]) -> list[_Point]:
    points: list[_Point] = []
    for reading in _distinct(readings, doubts):
        foreign = any(
            (reading.device == e.old_device != e.new_device and reading.at > e.at)
            or (reading.device == e.new_device != e.old_device and reading.at < e.at)
            for e in exchanges
        )
        if foreign:
            doubts.append(Doubt(reading.at, reading.at, "conflict"))
        else:
            points.append(_Point(reading.at, reading.device, reading.ticks))
    for e in exchanges:
        points = [p for p in points if p.at != e.at]
        points += [_Point(e.at, e.old_device, e.end_ticks), _Point(e.at, e.new_device, e.start_ticks, opens=True)]
    return sorted(points, key=lambda p: (p.at, p.opens))


def _distinct(readings: list[CounterReading], doubts: list[Doubt]) -> list[CounterReading]:
    first: dict[int, CounterReading] = {}
    for reading in sorted(readings, key=lambda r: (r.at, r.order, r.device, r.ticks)):
        kept = first.setdefault(reading.at, reading)
        if kept.ticks != reading.ticks:
            doubts.append(Doubt(reading.at, reading.at, "conflict"))
    return list(first.values())


def _classify(a: _Point, b: _Point, whole: Course) -> _Stretch:
    rule, moved = whole.rule, b.ticks - a.ticks
    late = rule.boundary == "at_reading" or (rule.max_gap is not None and b.at - a.at > rule.max_gap)
    if moved >= 0 and _plausible(moved, a, b, rule):
        return _Stretch(a, b, moved, flat=late)
    if moved >= 0:
        whole.doubts.append(Doubt(a.at, b.at, "above_max_rate"))
        return _Stretch(a, b, 0, flat=True)
    if rule.modulus and _overflowed(moved + rule.modulus, a, b, rule):
        return _Stretch(a, b, moved + rule.modulus, flat=late)
    if rule.on_reset == "assume_zero" and _plausible(b.ticks, a, b, rule):
        return _Stretch(a, b, b.ticks, from_zero=True, flat=late)
    whole.doubts.append(Doubt(a.at, b.at, "counter_fell"))
    return _Stretch(a, b, 0, flat=True)


def _plausible(moved: int, a: _Point, b: _Point, rule: Rule) -> bool:
    return rule.max_rate is None or moved <= rule.max_rate * (b.at - a.at)


def _overflowed(moved: int, a: _Point, b: _Point, rule: Rule) -> bool:
    """Without a max_rate only a fall from the upper to the lower half is believed: noise must not count a round."""
    if moved < 0 or rule.modulus is None or max(a.ticks, b.ticks) >= rule.modulus:
        return False
    return 2 * moved <= rule.modulus if rule.max_rate is None else _plausible(moved, a, b, rule)
