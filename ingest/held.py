"""What a gauge held over stretches of time: each level until the next reading, as contracts take it. Exact.

After a silence longer than the register may keep nothing is known, and none of it counts. A mean is weighted by time,
over the time of which a level is known.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple


class Piece(NamedTuple):
    """Readings from one to another within one stretch. µs since 1970.

    area: ticks times µs between them, over `held` µs of which a level is known; None: it is not known any more.
    """

    first_at: int
    last_at: int
    last: int
    area: int | None
    held: int


@dataclass(slots=True)
class Sum:
    """Over a stretch: quantity times µs, and the µs of which a level is known."""

    area: Fraction = Fraction(0)
    held: int = 0

    def add(self, other: "Sum") -> None:
        """Of another device, or another part of the stretch."""
        self.area, self.held = self.area + other.area, self.held + other.held

    @property
    def mean(self) -> Fraction | None:
        """Weighted by time; None: no level is known."""
        return self.area / self.held if self.held else None


def sums(
    pieces: Iterable[Piece], cuts: Sequence[int], *, ends_at: int, silence: int | None, tick: Fraction
) -> list[Sum]:
    """Between neighbouring cuts, of one device that says nothing of the time from `ends_at` on.

    pieces: none across a cut or after `ends_at`; one may lie before the first cut. silence: longer than this no level
    holds; None: any. tick: quantity of one.
    """
    found = [Sum() for _ in cuts[1:]]
    ordered = sorted(pieces)
    for piece in ordered:
        n = bisect_right(cuts, piece.first_at) - 1
        if piece.area is not None and 0 <= n < len(found):
            found[n].add(Sum(piece.area * tick, piece.held))
    for start, end, ticks in _between(ordered, ends_at, silence):
        for n in range(max(bisect_right(cuts, start) - 1, 0), len(found)):
            first, last = max(start, cuts[n]), min(end, cuts[n + 1])
            if first >= last:
                break
            found[n].add(Sum(ticks * (last - first) * tick, last - first))
    return found


def _between(ordered: Sequence[Piece], ends_at: int, silence: int | None) -> Iterator[tuple[int, int, int]]:
    """From the last reading of a piece on, until the first of the next: start, end, ticks."""
    following = [*(piece.first_at for piece in ordered[1:]), ends_at]
    for piece, end in zip(ordered, following[: len(ordered)], strict=True):
        yield piece.last_at, end if silence is None else min(end, piece.last_at + silence), piece.last


def shares(found: Sequence[Sum], cuts: Sequence[int], until: int) -> list[Fraction]:
    """Of each stretch, as far as it is over, the part of which a level is known."""
    over = [max(0, min(end, until) - start) for start, end in pairwise(cuts)]
    return [Fraction(one.held, took) if took else Fraction(0) for one, took in zip(found, over, strict=True)]
