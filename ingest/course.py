"""What a counter did between two instants: exact boundary values, and the stretches that nobody can count.

A counter is already an integral: use over `[a, b)` is V(b) - V(a), less what breaks take out. It does not depend on
the order in which readings arrived. What each difference was taken for, `ingest.stretch` says.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from ingest.counter import Break, Doubt, Part
from ingest.stretch import NO_BOOTS, Found, Point, Stretch, classify, without_spikes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ingest.counter import CounterReading, Estimate, Exchange, Kind, Quality, Release, Rule


@dataclass(slots=True)
class Course(Found):
    """A counter's whole known life. Ask `parts` for any needed instants."""

    stretches: list[Stretch] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    _totals: list[int] = field(default_factory=list)
    _only: Point | None = None

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
    points = without_spikes(_points(sorted(readings), sorted(exchanges), whole), whole)
    decided = {(one.device, one.start, one.end): one for one in releases} if releases else {}
    whole._only = points[0] if points else None  # noqa: SLF001 - this builds it
    guesses, total = sorted(estimates), 0
    for a, b in pairwise(points):
        if b.opens:
            continue
        unknown = bool(guesses) and b.written and b.quality == "carried"
        guessed = _estimated(a, b, guesses, rule) if unknown else ()
        release = decided.get((a.device, a.at, b.at)) if decided else None
        for stretch in guessed or (classify(a, b, whole, release),):
            total = _append(whole, stretch, total)
    last = points[-1] if points else None
    open_ended = _estimated(last, None, guesses, rule) if last and guesses else []
    for stretch in open_ended or ([Stretch(last, last, 0)] if last and last.opens else []):
        total = _append(whole, stretch, total)
    return whole


def _estimated(a: Point, b: Point | None, guesses: Sequence[Estimate], rule: Rule) -> list[Stretch]:
    """What is estimated after the last known value, until the device went; nothing if nothing is."""
    found: list[Stretch] = []
    for guess in guesses:
        ends = [guess.end, *([b.at] if b else []), *([] if guess.until is None else [guess.until])]
        start, end = max(guess.start, a.at), min(ends)
        if start >= end or guess.device not in ("", a.device):
            continue
        if start > a.at:
            waits = Point(start, a.device, a.ticks, quality="last")
            found.append(Stretch(a, waits, 0, flat=True, within="last"))
            a = waits
        used = guess.between(start, end)
        shown = (a.ticks + used) % rule.modulus if rule.modulus else a.ticks + used
        then = Point(end, a.device, shown, quality="estimated")
        found.append(Stretch(a, then, used, within="estimated"))
        a = then
    if found and b and a.at < b.at:
        found.append(Stretch(a, b._replace(ticks=a.ticks), 0, flat=True, within="last"))
    return found


def _append(whole: Course, stretch: Stretch, total: int) -> int:
    whole.stretches.append(stretch)
    whole._starts.append(stretch.start.at)  # noqa: SLF001
    whole._totals.append(total)  # noqa: SLF001
    return total + stretch.used


def _points(readings: list[CounterReading], exchanges: list[Exchange], whole: Course) -> list[Point]:
    points: list[Point] = []
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
            Point(e.at, e.old_device, e.end_ticks, quality=e.end_quality, written=True),
            Point(e.at, e.new_device, e.start_ticks, opens=True, quality=e.start_quality, written=True),
        ]
    return sorted(points, key=lambda p: (p.at, p.opens))


def _point(r: CounterReading) -> Point:
    return Point(r.at, r.device, r.ticks, False, r.quality, r.apart, r.written)


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
