"""From one reading of a counter to the next: every difference is classified by itself.

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

from ingest.counter import Break, Doubt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ingest.counter import Kind, Quality, Reason, Release, Rule

NO_BOOTS: Mapping[str, Sequence[int]] = MappingProxyType({})
Shows: TypeAlias = Literal["value", "from_zero", "before"]


class Point(NamedTuple):
    """What one device's counter showed at an instant. opens: a device begins here; what was before is another's."""

    at: int
    device: str
    ticks: int
    opens: bool = False
    quality: Quality = "reading"
    apart: bool = False
    written: bool = False


class Stretch(NamedTuple):
    """From one accepted point to the next. used: ticks that count; total before it is in the course.

    shows: the value in between is the counter's own, one that began at zero, or the one before. within: what values in
    between are, where they are neither interpolated nor carried.
    """

    start: Point
    end: Point
    used: int
    shows: Shows = "value"
    flat: bool = False
    within: Quality | None = None


@dataclass(slots=True)
class Found:
    """A rule, by device the boots that may set the counter back, and what was found by them."""

    rule: Rule
    boots: Mapping[str, Sequence[int]] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)


def without_spikes(points: list[Point], found: Found) -> list[Point]:
    """What is left when low values are taken out that a later good value gives away.

    Whether a value is a spike depends on the readings around it alone, not on what was decided about earlier ones.
    """
    rule, low = found.rule, set[int]()
    if rule.glitch is None or rule.max_rate is None:
        return points
    for n, (a, b) in enumerate(pairwise(points)):
        if a.written or b.written or b.apart or a.ticks - b.ticks <= rule.tolerance or _overflowed(a, b, rule):
            continue
        if _restarted(a, b, found):
            continue
        good = _good_again(points, n, rule)
        if good is None:
            continue
        low |= {m for m in range(n + 1, good) if points[m].ticks < a.ticks - rule.tolerance}
        found.breaks.append(Break(b.at, points[good].at, "spike", a.device, a.ticks, b.ticks))
    return [point for n, point in enumerate(points) if n not in low]


def _good_again(points: list[Point], before: int, rule: Rule) -> int | None:
    """The first point in the glitch window that fits what was shown before the fall."""
    a, until = points[before], points[before + 1].at + (rule.glitch or 0)
    for m in range(before + 2, len(points)):
        c = points[m]
        if c.opens or c.at > until:
            return None
        if c.ticks >= a.ticks and _plausible(c.ticks - a.ticks, a, c, rule):
            return m
    return None


def classify(a: Point, b: Point, found: Found, release: Release | None) -> Stretch:
    """What was used from one point to the next, or a doubt and nothing used. release: what somebody decided on it."""
    rule, moved = found.rule, b.ticks - a.ticks
    late = rule.boundary == "at_reading" or (rule.max_gap is not None and b.at - a.at > rule.max_gap)
    if moved >= 0 and _plausible(moved, a, b, rule):
        return Stretch(a, b, moved, flat=late)
    if 0 < -moved <= rule.tolerance:
        found.breaks.append(_break(a, b, "correction"))
        return Stretch(a, b, moved, flat=late)
    if moved < 0 and _overflowed(a, b, rule):
        found.breaks.append(_break(a, b, "rollover"))
        return Stretch(a, b, moved + (rule.modulus or 0), flat=late)
    if release is not None:
        found.breaks.append(_break(a, b, "released"))
        return _released(a, b, release, late)
    anew = moved < 0 and (rule.on_reset == "assume_zero" or _restarted(a, b, found))
    if anew and _plausible(b.ticks, a, b, rule):
        found.breaks.append(_break(a, b, "reset"))
        return Stretch(a, b, b.ticks, shows="from_zero", flat=late)
    found.breaks.append(_break(a, b, "hold"))
    reason: Reason = "above_max_rate" if moved >= 0 else "counter_fell"
    found.doubts.append(Doubt(a.at, b.at, reason, a.device, a.ticks, b.ticks))
    return Stretch(a, b, 0, flat=True)


def _restarted(a: Point, b: Point, found: Found) -> bool:
    """Whether the device restarted between the two, and may have begun at zero."""
    begun = found.boots.get(a.device, ())
    n = bisect_right(begun, a.at)
    return n < len(begun) and begun[n] <= b.at


def _break(a: Point, b: Point, kind: Kind) -> Break:
    return Break(a.at, b.at, kind, a.device, a.ticks, b.ticks)


def _released(a: Point, b: Point, release: Release, late: bool) -> Stretch:  # noqa: FBT001 - private
    if release.kind == "void":
        return Stretch(a, b, 0, flat=True)
    if release.kind == "from_zero":
        return Stretch(a, b, b.ticks, shows="from_zero", flat=late)
    return Stretch(a, b, release.ticks, shows="before", flat=late)


def _plausible(moved: int, a: Point, b: Point, rule: Rule) -> bool:
    rate = rule.max_rate
    return rate is None or moved * rate.denominator <= rate.numerator * (b.at - a.at)


def _overflowed(a: Point, b: Point, rule: Rule) -> bool:
    """Only a fall from near the modulus is believed, the shorter way round, and no faster than the greatest rate."""
    if rule.modulus is None or max(a.ticks, b.ticks) >= rule.modulus:
        return False
    moved = b.ticks - a.ticks + rule.modulus
    return 2 * moved <= rule.modulus and _plausible(moved, a, b, rule)
