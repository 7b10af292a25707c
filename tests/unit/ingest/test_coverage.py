"""Coverage, gaps and cross-checks with exact figures; instants are plain numbers."""

from fractions import Fraction
from itertools import pairwise

import pytest

from ingest.coverage import Finding, Gap, Heard, compare, coverage


def heard(ats: list[int], start: int = 0, end: int = 100) -> Heard:
    inside = sum(start <= at < end for at in ats)
    return Heard(inside, min(ats, default=None), max(ats, default=None), tuple(pairwise(ats)))


def test_silence_beyond_the_limit_is_a_gap_and_lessens_coverage() -> None:
    # Readings each 10 of 100 but from 20 to 60: 40 of 100 without data; 7 of 10 expected came.
    ats = [0, 10, 20, 60, 70, 80, 90, 100]
    found = coverage(heard(ats), 0, 100, limit=15, every=10)
    assert (found.received, found.expected, found.share, found.gaps) == (7, 10, Fraction(60, 100), (Gap(20, 60),))


def test_silence_over_an_edge_counts_within_the_stretch() -> None:
    found = coverage(heard([-30, 10, 95], end=90), 0, 90, limit=15, every=None)
    assert (found.share, found.gaps) == (Fraction(0), (Gap(0, 10), Gap(10, 90)))


def test_without_any_reading_nothing_is_covered() -> None:
    assert coverage(heard([]), 0, 100, limit=15, every=10).gaps == (Gap(0, 100),)
    assert coverage(heard([]), 0, 100, limit=None, every=None).share == 0


@pytest.mark.parametrize(
    ("own", "against", "finding"),
    [
        (Fraction(105), Fraction(100), "agrees"),  # exactly the tolerance of 5 %
        (Fraction("105.001"), Fraction(100), "disagrees"),
        (Fraction(0), Fraction(3), "frozen"),
        (Fraction(0), Fraction(0), "agrees"),
        (None, Fraction(3), "unknown"),
    ],
)
def test_a_register_is_compared_with_what_else_moved(
    own: Fraction | None, against: Fraction | None, finding: Finding
) -> None:
    assert compare(own, against, Fraction(5, 100)) == finding
