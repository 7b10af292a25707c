"""One asset's time, painted: what devices said, and what people decided, as one category for each moment.

Exact microseconds throughout. How a contract counts the stretches: contracts/tally.py.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from operator import eq, gt, itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from contracts.facts import CATEGORIES, Category
from contracts.span import Spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contracts.facts import Attribution, StateSpan

_RANK = {category: n for n, category in enumerate(CATEGORIES)}
_OBSERVED, _SHIFTED, _ACCEPTED, _DETERMINED = range(4)
_LEVELS = {"accepted": _ACCEPTED, "determined": _DETERMINED}
_Said: TypeAlias = "tuple[Category, Fraction | None, str, bool]"
"""A painted stretch without its ends."""
Piece: TypeAlias = "tuple[int, int, Category, Fraction | None, str, bool]"
"""What `Painted` names. Spans come by the thousand, and a plain tuple is made in a tenth of the time."""
_Layer: TypeAlias = "tuple[int, Piece]"
"""A statement: how much it weighs, and what it says."""
FAILURES: frozenset[Category] = frozenset({"fault", "unplanned_repair", "derated"})
"""What a breached duty may have caused."""


class Painted(NamedTuple):
    """A stretch of one category. performance: what a derated asset still does. attributed: people decided so."""

    start: int
    end: int
    category: Category
    performance: Fraction | None = None
    cause: str = ""
    attributed: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """While a duty is breached, failures in its scope that begin then become another category."""

    start: int
    end: int
    category: Category
    scope: tuple[str, ...]

    def takes(self, state: StateSpan) -> bool:
        """Whether it is such a failure: causal, never blanket."""
        inside = self.start <= state.start < self.end and state.category in FAILURES
        return inside and (not self.scope or state.subsystem in self.scope or state.cause in self.scope)


def paint(
    spans: Spans,
    states: Iterable[StateSpan],
    attributions: Iterable[Attribution],
    otherwise: Category | None,
    *,
    shifts: Iterable[Shift] = (),
) -> list[Painted]:
    """Required time with one category for each moment.

    Determined beats accepted beats the shift of a duty beats observed; among equals the category that stands first in
    CATEGORIES. Time that no state covers is `otherwise`, else unknown.
    """
    return [Painted(*piece) for piece in lay(spans, states, attributions, otherwise, shifts=shifts)]


def lay(
    spans: Spans,
    states: Iterable[StateSpan],
    attributions: Iterable[Attribution],
    otherwise: Category | None,
    *,
    shifts: Iterable[Shift] = (),
) -> list[Piece]:
    """As `paint`, without names."""
    given = tuple(states)
    pieces: list[Piece] = [(s.start, s.end, s.category, s.performance, s.cause, False) for s in given]
    layers = [*_shifted(given, shifts), *_decided(attributions)]
    if not layers:
        pieces.sort(key=itemgetter(0))
    starts, ends = [piece[0] for piece in pieces], [piece[1] for piece in pieces]
    if layers or any(map(gt, ends, starts[1:])):
        pieces = _flat([*((_OBSERVED, piece) for piece in pieces), *layers])
        starts, ends = [piece[0] for piece in pieces], [piece[1] for piece in pieces]
    silence: _Said = (otherwise or "unknown", None, "", False)
    return _joined(_laid(spans, pieces, (starts, ends), silence))


def _shifted(states: Sequence[StateSpan], shifts: Iterable[Shift]) -> list[_Layer]:
    return [
        (_SHIFTED, (s.start, s.end, shift.category, None, s.cause or s.subsystem, False))
        for shift in shifts
        for s in states
        if shift.takes(s)
    ]


def _decided(attributions: Iterable[Attribution]) -> list[_Layer]:
    return [
        (_LEVELS[a.status], (a.start, a.end, a.category, None, a.cause, True))
        for a in attributions
        if a.status in _LEVELS
    ]


def _flat(layers: list[_Layer]) -> list[Piece]:
    """What the strongest statement says at each moment of which something is said."""
    layers.sort(key=lambda layer: layer[1][0])
    found: list[Piece] = []
    active: list[_Layer] = []
    following = 0
    for start, end in pairwise(sorted({edge for _, piece in layers for edge in piece[:2]})):
        active = [layer for layer in active if layer[1][1] > start]
        while following < len(layers) and layers[following][1][0] <= start:
            active.append(layers[following])
            following += 1
        if active:
            found.append((start, end, *_strongest(active)))
    return found


def _strongest(active: Sequence[_Layer]) -> _Said:
    level = max(layer[0] for layer in active)
    stated = [piece for weight, piece in active if weight == level]
    _, _, category, performance, cause, attributed = min(
        stated, key=lambda one: (_RANK[one[2]], one[3] is None, one[3] or 0, one[4])
    )
    if performance is None:
        performance = min((piece[3] for _, piece in active if piece[3] is not None), default=None)
    return category, performance, cause, attributed


def _laid(spans: Spans, pieces: list[Piece], edges: tuple[list[int], list[int]], silence: _Said) -> list[Piece]:
    """Statements that do not overlap, in order of time, laid over spans; silence in between. edges: starts and ends."""
    found: list[Piece] = []
    starts, ends = edges
    for since, until in spans:
        inside = pieces[bisect_right(ends, since) : bisect_left(starts, until)]
        found += _whole(since, until, inside, silence)
    return found


def _whole(since: int, until: int, pieces: list[Piece], silence: _Said) -> list[Piece]:
    """One span: what reaches beyond is cut off, and silence fills what is left."""
    if not pieces:
        return [(since, until, *silence)]
    pieces[0] = (max(since, pieces[0][0]), *pieces[0][1:])
    pieces[-1] = (pieces[-1][0], min(until, pieces[-1][1]), *pieces[-1][2:])
    starts, ends = [*[piece[0] for piece in pieces], until], [since, *[piece[1] for piece in pieces]]
    if starts == ends:
        return pieces
    gaps: list[Piece] = [(end, start, *silence) for end, start in zip(ends, starts, strict=True) if end < start]
    return sorted([*pieces, *gaps], key=itemgetter(0))


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours that say the same are one."""
    categories = [piece[2] for piece in pieces]
    if not any(map(eq, categories, categories[1:])):
        return pieces
    found = pieces[:1]
    for piece in pieces[1:]:
        last = found[-1]
        if piece[2] == last[2] and piece[0] == last[1] and piece[3:] == last[3:]:
            found[-1] = (last[0], piece[1], *piece[2:])
        else:
            found.append(piece)
    return found
