"""A register path of an asset: the registers of the devices that served it one after the other."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from ingest.counter import CounterReading, Doubt, Estimate, Exchange, Part, Quality, Release, Rule
from ingest.course import Course, course


class Epoch(NamedTuple):
    """A register is declared to have begun anew. closing, opening: what it showed before and after, if written down.

    A counter of which nobody wrote it down began at zero; a gauge at its next reading.
    """

    at: int
    closing: int | None
    opening: int | None


class Bound(NamedTuple):
    """One device's register on the path over [start, end), µs since 1970; end None: still there.

    opening, closing: ticks that somebody wrote down at its ends. readings: (µs, ticks), at least the neighbours of each
    needed instant, of both ends, of each epoch, and of every difference that may break. before, after: the readings of
    the register next to its time here, where nothing was written down. searched: where falls were looked for; None:
    everywhere. estimates: of the register, if they count. boots: when those of the device began, if they may set the
    counter back.
    """

    device: str
    start: int
    end: int | None
    opening: int | None
    closing: int | None
    readings: tuple[tuple[int, int], ...]
    before: tuple[int, int] | None = None
    after: tuple[int, int] | None = None
    epochs: tuple[Epoch, ...] = ()
    releases: tuple[Release, ...] = ()
    searched: tuple[int, int] | None = None
    estimates: tuple[Estimate, ...] = ()
    boots: tuple[int, ...] = ()


_AT = itemgetter(0)
_WRITTEN, _RECEIVED = (0, 0), (1, 0)
"""Of two values at one instant, what a person wrote down comes first."""


class _End(NamedTuple):
    ticks: int
    quality: Quality


class _Ends(NamedTuple):
    """A bound with what it showed when it came and when it went."""

    bound: Bound
    label: str
    opening: _End
    closing: _End


def counted(bounds: Sequence[Bound], instants: Sequence[int], rule: Rule) -> tuple[tuple[Part, ...], tuple[Doubt, ...]]:
    """Parts between the instants, and the doubts that touch them. Without any value there are no parts."""
    if (steady := _steady(bounds, rule)) is not None:
        return _parts(steady, instants, rule), ()
    whole = course_of(bounds, rule)
    parts = tuple([_plainly(part) for part in whole.parts(instants)])
    if not parts or not whole.doubts:
        return parts, ()
    first, last = instants[0], instants[-1]
    touching = (one for one in whole.doubts if one.start < last and (one.end > first or one.start >= first))
    return parts, tuple(replace(one, device=plain(one.device)) for one in touching)


def _steady(bounds: Sequence[Bound], rule: Rule) -> Bound | None:
    """The one device that serves on, of which nobody wrote anything down, and which never fell nor rose too fast.

    So are nearly all, and `course` would find one plain integral.
    """
    if len(bounds) != 1 or rule.modulus is not None:
        return None
    bound = bounds[0]
    told = bound.end, bound.opening, bound.closing, bound.before
    if told != (None, None, None, None) or bound.epochs or bound.releases or bound.estimates or bound.boots:
        return None
    if len(bound.readings) < 2:  # noqa: PLR2004 - nothing lies between fewer
        return None
    rate = rule.max_rate
    for (since, ticks), (until, then) in pairwise(bound.readings):
        moved = then - ticks
        if moved < 0 or since >= until:
            return None
        if rate is not None and moved * rate.denominator > rate.numerator * (until - since):
            return None
    return bound


def _parts(bound: Bound, instants: Sequence[int], rule: Rule) -> tuple[Part, ...]:
    """Of a steady counter: nothing is removed, and each instant shows the same before and after."""
    edges = sorted(set(instants))
    shown = [_shown(bound.readings, at, rule) for at in edges]
    return tuple(
        [
            Part(start, end, bound.device, opening, closing, 0, opened, closed)
            for (start, end), ((opening, opened), (closing, closed)) in zip(
                pairwise(edges), pairwise(shown), strict=True
            )
        ]
    )


def _shown(readings: Sequence[tuple[int, int]], at: int, rule: Rule) -> tuple[int, Quality]:
    """What a steady counter showed at an instant."""
    n = bisect_right(readings, at, key=_AT)
    if n == 0:
        return readings[0][1], "start"
    since, ticks = readings[n - 1]
    if since == at:
        return ticks, "reading"
    if n == len(readings):
        return ticks, "last"
    until, then = readings[n]
    if rule.boundary == "at_reading" or (rule.max_gap is not None and until - since > rule.max_gap):
        return ticks, "carried"
    return ticks + (then - ticks) * (at - since) // (until - since), "interpolated"


def _plainly(part: Part) -> Part:
    """With the device's name; many times as fast as `_replace`."""
    return Part(
        part.start,
        part.end,
        plain(part.device),
        part.opening,
        part.closing,
        part.removed,
        part.opening_quality,
        part.closing_quality,
    )


def course_of(bounds: Sequence[Bound], rule: Rule) -> Course:
    """The whole life as far as it is known; devices in it bear labels, see `plain`."""
    known = list(_ends(bounds, rule))
    releases = [replace(release, device=one.label) for one in known for release in one.bound.releases]
    boots = {one.label: one.bound.boots for one in known if one.bound.boots}
    return course(_readings(known), _exchanges(known), rule, releases, list(_estimates(known, rule)), boots)


def plain(label: str) -> str:
    """The device's name. A device that comes back must not look like one that never left, so it bears a label."""
    return label.partition("\0")[2]


def _ends(bounds: Sequence[Bound], rule: Rule) -> Iterator[_Ends]:
    """In order of time, those of which anything is known."""
    for n, bound in enumerate(sorted(bounds, key=lambda bound: bound.start)):
        opening = _opening(bound, rule)
        if opening is not None:
            closing = _closing(bound, rule) or _End(opening.ticks, "carried")
            yield _Ends(bound, f"{n}\0{bound.device}", opening, closing)


def _opening(bound: Bound, rule: Rule) -> _End | None:
    """As written down; else between the readings around its coming; else its first reading."""
    if bound.opening is not None:
        return _End(bound.opening, "reading")
    first = bound.readings[0] if bound.readings else None
    return _between(bound.before, first or bound.after, bound.start, rule) or (first and _End(first[1], "start"))


def _closing(bound: Bound, rule: Rule) -> _End | None:
    """As written down; else between the readings around its going; else its last reading."""
    if bound.closing is not None:
        return _End(bound.closing, "reading")
    last = bound.readings[-1] if bound.readings else None
    found = None if bound.end is None else _between(last or bound.before, bound.after, bound.end, rule)
    return found or (last and _End(last[1], "carried"))


def _known_to_end(bound: Bound, rule: Rule) -> bool:
    """Whether what it showed when it went is written down or lies between readings."""
    last = bound.readings[-1] if bound.readings else bound.before
    between = None if bound.end is None else _between(last, bound.after, bound.end, rule)
    return bound.closing is not None or between is not None


def _between(before: tuple[int, int] | None, after: tuple[int, int] | None, at: int, rule: Rule) -> _End | None:
    """What the register showed at an instant, if the readings around it are one plausible rise."""
    if after is not None and after[0] == at:
        return _End(after[1], "reading")
    if before is None or after is None or not before[1] <= after[1]:
        return None
    moved, took = after[1] - before[1], after[0] - before[0]
    if rule.max_rate is not None and moved > rule.max_rate * took:
        return None
    if rule.boundary == "at_reading" or (rule.max_gap is not None and took > rule.max_gap):
        return _End(before[1], "carried")
    return _End(before[1] + moved * (at - before[0]) // took, "interpolated")


def _estimates(known: Sequence[_Ends], rule: Rule) -> Iterator[Estimate]:
    """Those of devices of which nobody knows what they showed when they went, if they did."""
    for one in known:
        if one.bound.estimates and not _known_to_end(one.bound, rule):
            yield from (replace(each, device=one.label, until=one.bound.end) for each in one.bound.estimates)


def _readings(known: Sequence[_Ends]) -> Iterator[CounterReading]:
    for n, one in enumerate(known):
        next_start = known[n + 1].bound.start if n + 1 < len(known) else None
        searched = one.bound.searched
        for at, ticks in one.bound.readings:
            apart = searched is not None and not searched[0] < at <= searched[1]
            yield CounterReading(at, one.label, _RECEIVED, ticks, "reading", apart)
        end, closing = one.bound.end, one.closing
        if end is not None and end != next_start and closing.quality in ("reading", "interpolated"):
            yield CounterReading(end, one.label, _WRITTEN, *closing, written=True)
    if known and (known[0].bound.opening is not None or known[0].opening.quality in ("interpolated", "carried")):
        yield CounterReading(known[0].bound.start, known[0].label, _WRITTEN, *known[0].opening, written=True)


def _exchanges(known: Sequence[_Ends]) -> Iterator[Exchange]:
    for old, new in pairwise(known):
        yield Exchange(
            new.bound.start,
            old.label,
            old.closing.ticks,
            new.label,
            new.opening.ticks,
            old.closing.quality,
            new.opening.quality,
        )
    for one in known:
        for epoch in one.bound.epochs:
            if epoch.at <= one.bound.start or (one.bound.end is not None and epoch.at >= one.bound.end):
                continue
            earlier = [ticks for at, ticks in one.bound.readings if at < epoch.at]
            closing = epoch.closing
            if closing is None:
                closing = earlier[-1] if earlier else one.opening.ticks
            quality: Quality = "reading" if epoch.closing is not None else "carried"
            yield Exchange(epoch.at, one.label, closing, one.label, epoch.opening or 0, quality)
