"""What the hours of a register hold, from its readings: the law that the database's roll-ups are held against."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import NamedTuple

HOUR = 3_600_000_000
"""µs."""
FELL = 2**63 - 1
"""Steeper than any rate: the register fell."""
STEEPEST = 2**63 - 2
"""A rise too great to be told as ticks an hour."""
_MOST_TOLD = 2_000_000_000
SETTLES = timedelta(minutes=10)
"""An hour is rolled up so long after its end, when nearly all of its readings have come."""


class Usage(NamedTuple):
    """An hour of a counter. fastest: the steepest of the rises that end in it, ticks an hour, rounded up; or FELL."""

    hour: int
    readings: int
    first_at: int
    first_value: int
    last_at: int
    last_value: int
    fastest: int


class Level(NamedTuple):
    """An hour of a gauge. risen, fallen: sums of the steps that end in it.

    area: ticks times µs from its first reading to its last, each holding until the next; longest: the longest silence
    between two of them.
    """

    hour: int
    readings: int
    lowest: int
    highest: int
    first_at: int
    last_at: int
    last_value: int
    risen: int
    fallen: int
    area: int
    longest: int


class Span(NamedTuple):
    """Readings of one state that follow each other within an hour. longest: the longest silence between two of them."""

    hour: int
    starts_at: int
    ends_at: int
    value: int
    longest: int
    readings: int


def closed(at: datetime) -> datetime:
    """The end of the last hour that is rolled up at an instant."""
    settled = at - SETTLES
    return settled.replace(minute=0, second=0, microsecond=0)


def usage(readings: Sequence[tuple[int, int]]) -> list[Usage]:
    """Hours of a counter from all its readings: (µs, ticks), by time, one for each instant."""
    return [
        Usage(
            hour, len(inside), *readings[inside[0]], *readings[inside[-1]], max(_steepness(readings, n) for n in inside)
        )
        for hour, inside in _hours(readings)
    ]


def levels(readings: Sequence[tuple[int, int]]) -> list[Level]:
    """The same of a gauge."""
    found = []
    for hour, inside in _hours(readings):
        values = [readings[n][1] for n in inside]
        steps = [readings[n][1] - readings[n - 1][1] for n in inside if n]
        risen, fallen = sum(step for step in steps if step > 0), -sum(step for step in steps if step < 0)
        held = [(readings[n][1], readings[n + 1][0] - readings[n][0]) for n in inside[:-1]]
        area, longest = sum(value * took for value, took in held), max((took for _, took in held), default=0)
        first_at, last = readings[inside[0]][0], readings[inside[-1]]
        found.append(
            Level(hour, len(inside), min(values), max(values), first_at, *last, risen, fallen, area, longest)
        )  # fmt: skip
    return found


def spans(readings: Sequence[tuple[int, int]]) -> list[Span]:
    """The same of a state."""
    found = []
    for (hour, value), group in groupby(readings, key=lambda one: (one[0] - one[0] % HOUR, one[1])):
        ats = [at for at, _ in group]
        longest = max((b - a for a, b in pairwise(ats)), default=0)
        found.append(Span(hour, ats[0], ats[-1], value, longest, len(ats)))
    return found


def _hours(readings: Sequence[tuple[int, int]]) -> Iterator[tuple[int, list[int]]]:
    """Each hour with readings, and where they stand in the list."""
    for hour, group in groupby(range(len(readings)), key=lambda n: readings[n][0] - readings[n][0] % HOUR):
        yield hour, list(group)


def _steepness(readings: Sequence[tuple[int, int]], n: int) -> int:
    if n == 0:
        return 0
    (at_before, before), (at, value) = readings[n - 1], readings[n]
    if value < before:
        return FELL
    if value - before > _MOST_TOLD:
        return STEEPEST
    return -((before - value) * HOUR // (at - at_before))
