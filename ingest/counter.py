"""What a counter did between two instants: exact boundary values, and the stretches that nobody can count.

A counter is already an integral: use over `[a, b)` is V(b) - V(a), less what breaks take out. Everything here is whole
ticks and whole microseconds, and does not depend on the order in which readings arrived.

A fall is, in this order: a signed correction within the tolerance; an overflow near the modulus; a documented exchange
or declared reset (where the register begins anew at boots, also a changed boot); a spike, if within the glitch window a
later value fits [last good, last good + max rate * time]; else the start of an epoch whose loss is held until somebody
decides. A rise faster than the maximum rate is held too.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from fractions import Fraction

Quality: TypeAlias = Literal["reading", "interpolated", "carried", "start", "last", "estimated"]
Reason: TypeAlias = Literal["counter_fell", "above_max_rate", "conflict"]
Kind: TypeAlias = Literal["correction", "rollover", "exchange", "reset", "spike", "hold", "released"]
NO_BOOTS: Mapping[str, Sequence[int]] = MappingProxyType({})
Shows: TypeAlias = Literal["value", "from_zero", "before"]


class CounterReading(NamedTuple):
    """A value in ticks at an instant. order: which of two at one instant came first.

    apart: the readings just before it are not among those given, so that a fall to it says nothing about spikes.
    written: a person wrote it down; it tells no spike either.
    """

    at: int
    device: str
    order: tuple[int, int]
    ticks: int
    quality: Quality = "reading"
    apart: bool = False
    written: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Exchange:
    """A documented change of device: the old one ended at end_ticks, the new one starts at start_ticks.

    The same device on both sides: a declared reset. A value that nobody wrote down has another quality than `reading`.
    """

    at: int
    old_device: str
    end_ticks: int
    new_device: str
    start_ticks: int
    end_quality: Quality = "reading"
    start_quality: Quality = "reading"


@dataclass(frozen=True, slots=True)
class Release:
    """What somebody decided about the held stretch between two readings.

    bill: so many ticks were used, evenly; from_zero: the counter began again at zero; void: nothing was used. It holds
    for that very stretch: if later readings cut it otherwise, the decision is void and the stretch waits again.
    """

    start: int
    end: int
    kind: Literal["bill", "from_zero", "void"]
    device: str = ""
    ticks: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Estimate:
    """So many ticks were probably used over [start, end), evenly. device: empty for whichever served then.

    It counts only after the last value that is known of the device, and only until it went (`until`): a later reading
    takes its place. Of two that overlap the one that begins first counts where they do.
    """

    start: int
    end: int
    ticks: int
    device: str = ""
    until: int | None = None

    def between(self, start: int, end: int) -> int:
        """Its ticks in a part of it; parts add up to the whole."""
        took = self.end - self.start
        return self.ticks * (end - self.start) // took - self.ticks * (start - self.start) // took


@dataclass(frozen=True, slots=True)
class Rule:
    """How a counter is read. modulus: ticks at which it overflows. max_rate: ticks per microsecond. max_gap: µs.

    tolerance: ticks that it may fall as a correction. glitch: µs after a fall in which a spike must be over; it needs a
    max_rate, because nothing else says what fits.
    """

    on_reset: Literal["hold", "assume_zero", "documented_only"] = "hold"
    boundary: Literal["interpolate", "at_reading"] = "interpolate"
    modulus: int | None = None
    max_rate: Fraction | None = None
    max_gap: int | None = None
    tolerance: int = 0
    glitch: int | None = None


class Part(NamedTuple):
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
    """A stretch that waits for a person. before, after: what the counter showed at its ends, in ticks."""

    start: int
    end: int
    reason: Reason
    device: str = ""
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """Where a counter is no plain integral, and what it was taken for. A spike lasts until the next good value."""

    start: int
    end: int
    kind: Kind
    device: str
    before: int
    after: int


class _Point(NamedTuple):
    at: int
    device: str
    ticks: int
    opens: bool = False
    quality: Quality = "reading"
    apart: bool = False
    written: bool = False


class _Stretch(NamedTuple):
    """From one accepted point to the next. used: ticks that count; total before it is in the course.

    shows: the value in between is the counter's own, one that began at zero, or the one before. within: what values in
    between are, where they are neither interpolated nor carried.
    """

    start: _Point
    end: _Point
    used: int
    shows: Shows = "value"
    flat: bool = False
    within: Quality | None = None


@dataclass(slots=True)
class Course:
    """A counter's whole known life. Ask `parts` for any needed instants."""

    rule: Rule
    boots: Mapping[str, Sequence[int]] = field(default_factory=dict)
    stretches: list[_Stretch] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _totals: list[int] = field(default_factory=list)
    _only: _Point | None = None

    def parts(self, instants: Sequence[int]) -> tuple[Part, ...]:
        """One part for each stretch between neighbouring instants, cut further where the device changed.

        Also cut where estimates begin and end: what is estimated is a part whose closing quality says so.
        """
        if self._only is None:
            return ()
        changes = [s.start.at for s in self.stretches if s.start.opens]
        changes += [at for s in self.stretches if s.within == "estimated" for at in (s.start.at, s.end.at)]
        edges = sorted({*instants, *[at for at in changes if instants[0] < at < instants[-1]]})
        return tuple([self._part(a, b) for a, b in pairwise(edges)])

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
            quality: Quality = first.quality if at == first.at else "start" if at < first.at else "last"
            return first.ticks, 0, first.device, quality
        stretch, total = self.stretches[n], self._totals[n]
        a, b = stretch.start, stretch.end
        if at == a.at:
            return a.ticks, total, a.device, a.quality
        if at >= b.at:
            return b.ticks, total + stretch.used, b.device, b.quality if at == b.at else "last"
        if stretch.flat:
            return a.ticks, total, a.device, stretch.within or "carried"
        moved = stretch.used * (at - a.at) // (b.at - a.at)
        shows = stretch.shows
        ticks = a.ticks + moved if shows == "value" else moved if shows == "from_zero" else a.ticks
        quality = stretch.within or "interpolated"
        return ticks % self.rule.modulus if self.rule.modulus else ticks, total + moved, a.device, quality


def course(
    readings: Iterable[CounterReading],
    exchanges: Iterable[Exchange],
    rule: Rule,
    releases: Collection[Release] = (),
    estimates: Collection[Estimate] = (),
    boots: Mapping[str, Sequence[int]] = NO_BOOTS,
) -> Course:
    """Order everything by time and classify every difference.

    Equal repetitions count once; of two values at one instant the first stands, and the other opens a doubt.
    boots: by device, where a restart may set the counter back, the first reading after each; in order of time.

    It need not be given all readings: between the neighbours of what is asked for, both sides of every fall (however
    small) and of every rise above the greatest rate are enough. With a glitch window also every reading within it
    after each fall; and falls must be looked for from the second reading back on that lies a whole window before the
    one before (that is, twice: the last reading at least a window earlier), until two windows after the last neighbour.
    A reading before which some were left out is `apart`.
    """
    whole = Course(rule, boots)
    points = _without_spikes(_points(sorted(readings), sorted(exchanges), whole), whole)
    decided = {(one.device, one.start, one.end): one for one in releases} if releases else {}
    whole._only = points[0] if points else None  # noqa: SLF001 - this builds it
    guesses, total = sorted(estimates), 0
    for a, b in pairwise(points):
        if b.opens:
            continue
        unknown = bool(guesses) and b.written and b.quality == "carried"
        guessed = _estimated(a, b, guesses, rule) if unknown else ()
        release = decided.get((a.device, a.at, b.at)) if decided else None
        for stretch in guessed or (_classify(a, b, whole, release),):
            total = _append(whole, stretch, total)
    last = points[-1] if points else None
    open_ended = _estimated(last, None, guesses, rule) if last and guesses else []
    for stretch in open_ended or ([_Stretch(last, last, 0)] if last and last.opens else []):
        total = _append(whole, stretch, total)
    return whole


def _estimated(a: _Point, b: _Point | None, guesses: Sequence[Estimate], rule: Rule) -> list[_Stretch]:
    """What is estimated after the last known value, until the device went; nothing if nothing is."""
    found: list[_Stretch] = []
    for guess in guesses:
        ends = [guess.end, *([b.at] if b else []), *([] if guess.until is None else [guess.until])]
        start, end = max(guess.start, a.at), min(ends)
        if start >= end or guess.device not in ("", a.device):
            continue
        if start > a.at:
            waits = _Point(start, a.device, a.ticks, quality="last")
            found.append(_Stretch(a, waits, 0, flat=True, within="last"))
            a = waits
        used = guess.between(start, end)
        shown = (a.ticks + used) % rule.modulus if rule.modulus else a.ticks + used
        then = _Point(end, a.device, shown, quality="estimated")
        found.append(_Stretch(a, then, used, within="estimated"))
        a = then
    if found and b and a.at < b.at:
        found.append(_Stretch(a, b._replace(ticks=a.ticks), 0, flat=True, within="last"))
    return found


def _append(whole: Course, stretch: _Stretch, total: int) -> int:
    whole.stretches.append(stretch)
    whole._starts.append(stretch.start.at)  # noqa: SLF001
    whole._totals.append(total)  # noqa: SLF001
    return total + stretch.used


def _points(readings: list[CounterReading], exchanges: list[Exchange], whole: Course) -> list[_Point]:
    points: list[_Point] = []
    if not exchanges:
        return [_point(reading) for reading in _distinct(readings, whole.doubts)]
    for reading in _distinct(readings, whole.doubts):
        foreign = any(
            (reading.device == e.old_device != e.new_device and reading.at > e.at)
            or (reading.device == e.new_device != e.old_device and reading.at < e.at)
            for e in exchanges
        )
        if foreign:
            whole.doubts.append(Doubt(reading.at, reading.at, "conflict", reading.device))
        else:
            points.append(_point(reading))
    for e in exchanges:
        kind: Kind = "reset" if e.old_device == e.new_device else "exchange"
        whole.breaks.append(Break(e.at, e.at, kind, e.new_device, e.end_ticks, e.start_ticks))
        points = [p for p in points if p.at != e.at]
        points += [
            _Point(e.at, e.old_device, e.end_ticks, quality=e.end_quality, written=True),
            _Point(e.at, e.new_device, e.start_ticks, opens=True, quality=e.start_quality, written=True),
        ]
    return sorted(points, key=lambda p: (p.at, p.opens))


def _point(r: CounterReading) -> _Point:
    return _Point(r.at, r.device, r.ticks, False, r.quality, r.apart, r.written)


def _distinct(readings: list[CounterReading], doubts: list[Doubt]) -> list[CounterReading]:
    if len({reading.at for reading in readings}) == len(readings):
        return readings
    first: dict[int, CounterReading] = {}
    told = set[tuple[int, int]]()
    for reading in sorted(readings, key=lambda r: (r.at, r.order, r.device, r.ticks)):
        kept = first.setdefault(reading.at, reading)
        if kept.ticks != reading.ticks and (reading.at, reading.ticks) not in told:
            told.add((reading.at, reading.ticks))
            doubts.append(Doubt(reading.at, reading.at, "conflict", reading.device))
    return list(first.values())


def _without_spikes(points: list[_Point], whole: Course) -> list[_Point]:
    """What is left when low values are taken out that a later good value gives away.

    Whether a value is a spike depends on the readings around it alone, not on what was decided about earlier ones.
    """
    rule, low = whole.rule, set[int]()
    if rule.glitch is None or rule.max_rate is None:
        return points
    for n, (a, b) in enumerate(pairwise(points)):
        if a.written or b.written or b.apart or a.ticks - b.ticks <= rule.tolerance or _overflowed(a, b, rule):
            continue
        if _restarted(a, b, whole):
            continue
        good = _good_again(points, n, rule)
        if good is None:
            continue
        low |= {m for m in range(n + 1, good) if points[m].ticks < a.ticks - rule.tolerance}
        whole.breaks.append(Break(b.at, points[good].at, "spike", a.device, a.ticks, b.ticks))
    return [point for n, point in enumerate(points) if n not in low]


def _good_again(points: list[_Point], before: int, rule: Rule) -> int | None:
    """The first point in the glitch window that fits what was shown before the fall."""
    a, until = points[before], points[before + 1].at + (rule.glitch or 0)
    for m in range(before + 2, len(points)):
        c = points[m]
        if c.opens or c.at > until:
            return None
        if c.ticks >= a.ticks and _plausible(c.ticks - a.ticks, a, c, rule):
            return m
    return None


def _classify(a: _Point, b: _Point, whole: Course, release: Release | None) -> _Stretch:
    rule, moved = whole.rule, b.ticks - a.ticks
    late = rule.boundary == "at_reading" or (rule.max_gap is not None and b.at - a.at > rule.max_gap)
    if moved >= 0 and _plausible(moved, a, b, rule):
        return _Stretch(a, b, moved, flat=late)
    if 0 < -moved <= rule.tolerance:
        whole.breaks.append(_break(a, b, "correction"))
        return _Stretch(a, b, moved, flat=late)
    if moved < 0 and _overflowed(a, b, rule):
        whole.breaks.append(_break(a, b, "rollover"))
        return _Stretch(a, b, moved + (rule.modulus or 0), flat=late)
    if release is not None:
        whole.breaks.append(_break(a, b, "released"))
        return _released(a, b, release, late)
    anew = moved < 0 and (rule.on_reset == "assume_zero" or _restarted(a, b, whole))
    if anew and _plausible(b.ticks, a, b, rule):
        whole.breaks.append(_break(a, b, "reset"))
        return _Stretch(a, b, b.ticks, shows="from_zero", flat=late)
    whole.breaks.append(_break(a, b, "hold"))
    reason: Reason = "above_max_rate" if moved >= 0 else "counter_fell"
    whole.doubts.append(Doubt(a.at, b.at, reason, a.device, a.ticks, b.ticks))
    return _Stretch(a, b, 0, flat=True)


def _restarted(a: _Point, b: _Point, whole: Course) -> bool:
    """Whether the device restarted between the two, and may have begun at zero."""
    begun = whole.boots.get(a.device, ())
    n = bisect_right(begun, a.at)
    return n < len(begun) and begun[n] <= b.at


def _break(a: _Point, b: _Point, kind: Kind) -> Break:
    return Break(a.at, b.at, kind, a.device, a.ticks, b.ticks)


def _released(a: _Point, b: _Point, release: Release, late: bool) -> _Stretch:  # noqa: FBT001 - private
    if release.kind == "void":
        return _Stretch(a, b, 0, flat=True)
    if release.kind == "from_zero":
        return _Stretch(a, b, b.ticks, shows="from_zero", flat=late)
    return _Stretch(a, b, release.ticks, shows="before", flat=late)


def _plausible(moved: int, a: _Point, b: _Point, rule: Rule) -> bool:
    rate = rule.max_rate
    return rate is None or moved * rate.denominator <= rate.numerator * (b.at - a.at)


def _overflowed(a: _Point, b: _Point, rule: Rule) -> bool:
    """Only a fall from near the modulus is believed, the shorter way round, and no faster than the greatest rate."""
    if rule.modulus is None or max(a.ticks, b.ticks) >= rule.modulus:
        return False
    moved = b.ticks - a.ticks + rule.modulus
    return 2 * moved <= rule.modulus and _plausible(moved, a, b, rule)
