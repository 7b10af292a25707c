"""Stretches of time in one category, half-open, and how they are painted over each other."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

CATEGORIES = (
    "running",
    "idle",
    "derated",
    "fault",
    "unplanned_repair",
    "planned_maintenance",
    "customer_cause",
    "external",
    "force_majeure",
    "unknown",
)


class Span(NamedTuple):
    """One category over [start, end), UTC."""

    category: str
    start: datetime
    end: datetime

    @property
    def micros(self) -> int:
        """Elapsed time in microseconds."""
        return (self.end - self.start) // timedelta(microseconds=1)


def paint(spans: Iterable[Span], over: Span) -> list[Span]:
    """Lay one span over a gapless timeline; what lies outside the timeline is cut off. Equal neighbours are joined."""
    pieces: list[Span] = []
    for span in spans:
        start, end = max(span.start, over.start), min(span.end, over.end)
        if start >= end:
            pieces.append(span)
            continue
        pieces.append(Span(span.category, span.start, start))
        pieces.append(Span(over.category, start, end))
        pieces.append(Span(span.category, end, span.end))
    return joined(pieces)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Join neighbours of one category and leave out empty ones."""
    result: list[Span] = []
    for span in spans:
        if span.start >= span.end:
            continue
        if result and result[-1].category == span.category and result[-1].end == span.start:
            result[-1] = Span(span.category, result[-1].start, span.end)
        else:
            result.append(span)
    return result


def totals(spans: Iterable[Span]) -> dict[str, int]:
    """Return microseconds by category, in the order of `CATEGORIES`, without those of no time."""
    found: dict[str, int] = {}
    for span in spans:
        found[span.category] = found.get(span.category, 0) + span.micros
    return {category: found[category] for category in CATEGORIES if category in found}
