"""How complete readings are, and whether registers agree with what else moved. Instants: µs since 1970."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
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


class Heard(NamedTuple):
    """What was received. first, last: of all readings, with the one before the stretch and the one after it.

    silences: pairs of neighbouring readings, at least those that are further apart than the limit.
    """

    received: int
    first: int | None
    last: int | None
    silences: tuple[tuple[int, int], ...]


def coverage(heard: Heard, start: int, end: int, *, limit: int | None, every: int | None) -> Coverage:
    """How complete it is over [start, end).

    limit: silence longer than this is a gap; every: how often it should report. Silence is measured between readings,
    also those outside, and counts as far as it lies within the stretch.
    """
    expected = None if every is None else (end - start) // every
    gaps = tuple(_gaps(heard, start, end, limit))
    silent = sum(gap.end - gap.start for gap in gaps)
    return Coverage(heard.received, expected, 1 - Fraction(silent, end - start), gaps)


def _gaps(heard: Heard, start: int, end: int, limit: int | None) -> Iterable[Gap]:
    if heard.first is None or heard.last is None:
        yield Gap(start, end)
        return
    if limit is None:
        return
    edges = [*([(start, heard.first)] if heard.first > start else []), *sorted(heard.silences)]
    edges += [(heard.last, end)] if heard.last < end else []
    for a, b in edges:
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
