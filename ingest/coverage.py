"""How complete readings are, and whether registers agree with what else moved. Instants: µs since 1970."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple


class Gap(NamedTuple):
    """Nothing was heard from one reading (or the stretch's start) to the next (or its end)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of a register over a stretch. expected: None where nobody declared how often it reports; share: of the time."""

    received: int
    expected: int | None
    share: Fraction
    gaps: tuple[Gap, ...]


def coverage(ats: Iterable[int], start: int, end: int, *, limit: int | None, every: int | None) -> Coverage:
    """What was heard over [start, end).

    limit: silence longer than this is a gap; every: how often it should report. The last reading before the stretch
    and the first after it may be among ats: silence is measured between readings, and counted within the stretch.
    """
    known = sorted(set(ats))
    inside = sum(start <= at < end for at in known)
    expected = None if every is None else (end - start) // every
    if limit is None:
        return Coverage(inside, expected, Fraction(1 if known else 0), () if known else (Gap(start, end),))
    gaps = tuple(_gaps(known, start, end, limit))
    silent = sum(gap.end - gap.start for gap in gaps)
    return Coverage(inside, expected, 1 - Fraction(silent, end - start), gaps)


def _gaps(known: list[int], start: int, end: int, limit: int) -> Iterable[Gap]:
    """At both edges only what is known counts: silence that began before the stretch is one if it is too long."""
    before = [at for at in known if at < start][-1:] or [start]
    after = [at for at in known if at >= end][:1] or [end]
    edges = [*before, *(at for at in known if start <= at < end), *after]
    for a, b in pairwise(edges):
        if b - a > limit and max(a, start) < min(b, end):
            yield Gap(max(a, start), min(b, end))


Finding = Literal["agrees", "disagrees", "frozen", "unknown"]


def compare(own: Fraction | None, against: Fraction | None, tolerance: Fraction) -> Finding:
    """A register's use against what else moved meanwhile, in one unit. tolerance: part of what else moved.

    frozen: it did not move at all, and the other did.
    """
    if own is None or against is None:
        return "unknown"
    if own == 0 and against > 0:
        return "frozen"
    return "agrees" if abs(own - against) <= tolerance * against else "disagrees"
