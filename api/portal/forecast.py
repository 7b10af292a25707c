"""What a period will probably come to: the rest of it goes like each of the last four weeks did. Pure.

Weekdays repeat where machines work, and four past weeks give a range that anybody can check; a single number would be
read as a promise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

WEEKS, WEEK = 4, 7


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest, the mean and the highest of what four weeks suggest."""

    low: Fraction
    mid: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class Forecast:
    """From today on, each day and its running sum; `total` is the whole period's."""

    days: list[Range]
    sums: list[Range]
    total: Range


def forecast(past: Sequence[Fraction], so_far: Fraction, *, today: Fraction, left: int) -> Forecast | None:
    """`past`: each day up to yesterday; `so_far`: the period, with `today`; `left`: its days from today on.

    None if four whole weeks are not known, or nothing was used in one of them.
    """
    known = past[-WEEKS * WEEK :]
    weeks = [known[n : n + WEEK] for n in range(0, len(known), WEEK)]
    if len(known) < WEEKS * WEEK or not all(any(week) for week in weeks) or left < 1:
        return None
    # The day seven days before today begins each week, so that weekdays meet.
    runs = [[max(today, week[0]), *(week[n % WEEK] for n in range(1, left))] for week in weeks]
    sums = [[so_far - today + value for value in accumulate(run)] for run in runs]
    totals = [_range(values) for values in zip(*sums, strict=True)]
    return Forecast([_range(values) for values in zip(*runs, strict=True)], totals, totals[-1])


def _range(values: Sequence[Fraction]) -> Range:
    return Range(min(values), sum(values, Fraction(0)) / len(values), max(values))
