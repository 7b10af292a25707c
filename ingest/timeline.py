"""How long a device was in each state, in each of some stretches of time. Whole microseconds; nothing is spread."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Protocol

UNKNOWN = "unknown"


class Span(Protocol):
    """A state over [start, end), µs since 1970."""

    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102
    @property
    def category(self) -> str: ...  # noqa: D102


def shares(spans: Iterable[Span], cuts: Sequence[int], *, until: int) -> list[dict[str, int]]:
    """Microseconds by category for each stretch between neighbouring cuts; they sum to its length up to `until`.

    spans: sorted, without overlap. What nobody said of is `unknown`; from `until` on nobody can know: it is left out.
    """
    found: list[dict[str, int]] = []
    known = iter(spans)
    span = next(known, None)
    for start, end in pairwise(min(cut, until) for cut in cuts):
        sums: dict[str, int] = {}
        while span is not None and span.start < end:
            took = min(span.end, end) - max(span.start, start)
            if took > 0:
                sums[span.category] = sums.get(span.category, 0) + took
            if span.end > end:
                break
            span = next(known, None)
        silent = end - start - sum(sums.values())
        if silent:
            sums[UNKNOWN] = sums.get(UNKNOWN, 0) + silent
        found.append(sums)
    return found
