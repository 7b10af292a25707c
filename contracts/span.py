"""Sets of time as sorted, disjoint, half-open spans of whole microseconds."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

Spans: TypeAlias = tuple[tuple[int, int], ...]


def normal(spans: Iterable[tuple[int, int]]) -> Spans:
    """Sorted, joined where they touch, empty ones left out."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def intersect(left: Spans, right: Spans) -> Spans:
    """The time in both."""
    found, n, m = [], 0, 0
    while n < len(left) and m < len(right):
        start, end = max(left[n][0], right[m][0]), min(left[n][1], right[m][1])
        if start < end:
            found.append((start, end))
        if left[n][1] <= right[m][1]:
            n += 1
        else:
            m += 1
    return tuple(found)


def subtract(left: Spans, right: Spans) -> Spans:
    """The time in the first and not in the second."""
    if not right:
        return left
    found = []
    for first, end in left:
        start = first
        for other_start, other_end in right:
            if other_end <= start or other_start >= end:
                continue
            if start < other_start:
                found.append((start, other_start))
            start = max(start, other_end)
        if start < end:
            found.append((start, end))
    return tuple(found)


def cut(spans: Spans, edges: AbstractSet[int]) -> Spans:
    """The same time, cut at these instants; neighbours stay apart."""
    if not edges:
        return spans
    inside = sorted(edges)
    found = []
    for start, end in spans:
        at = [start, *(edge for edge in inside if start < edge < end), end]
        found += list(pairwise(at))
    return tuple(found)


def length(spans: Spans) -> int:
    """Microseconds altogether."""
    return sum(end - start for start, end in spans)
