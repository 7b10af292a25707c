"""A counter that nothing disturbs is counted the short way; it must say what the whole course says."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from contracts.facts import Piece
from ingest import path
from ingest.counter import Part, Rule
from ingest.path import Bound, counted, course_of, plain

RULES = st.builds(
    Rule,
    boundary=st.sampled_from(["interpolate", "at_reading"]),
    max_rate=st.none() | st.fractions(min_value=Fraction(1, 7), max_value=9, max_denominator=7),
    max_gap=st.none() | st.integers(1, 30),
    modulus=st.sampled_from([None, None, 60]),
    tolerance=st.integers(0, 2),
    glitch=st.none() | st.integers(1, 40),
)
READINGS = st.dictionaries(st.integers(0, 60), st.integers(0, 50), max_size=5)
RISING = READINGS.map(lambda found: dict(zip(sorted(found), sorted(found.values()), strict=True)))
BOUNDS = st.builds(
    Bound,
    device=st.just("D-1"),
    start=st.integers(-10, 0),
    end=st.none() | st.none() | st.integers(61, 70),
    opening=st.none() | st.none() | st.integers(0, 9),
    closing=st.none(),
    readings=(RISING | READINGS).map(lambda found: tuple(sorted(found.items()))),
    before=st.none() | st.none() | st.tuples(st.integers(-30, -11), st.integers(0, 5)),
    after=st.none() | st.tuples(st.integers(71, 90), st.integers(0, 60)),
)
INSTANTS = st.lists(st.integers(-15, 75), min_size=2, max_size=5).map(sorted)


def by_course(bound: Bound, instants: list[int], rule: Rule) -> tuple[Part, ...]:
    """The long way."""
    return tuple(part._replace(device=plain(part.device)) for part in course_of([bound], rule).parts(instants))


@given(BOUNDS, INSTANTS, RULES)
@example(Bound("D-1", 0, None, None, None, ((0, 1), (10, 4))), [0, 5, 10, 12], Rule())
@example(Bound("D-1", 0, None, None, None, ((3, 1), (3, 1))), [0, 5], Rule())
def test_short_way_says_what_the_course_says(bound: Bound, instants: list[int], rule: Rule) -> None:
    parts, _ = counted([bound], instants, rule)
    assert parts == by_course(bound, instants, rule)
    if path._steady([bound], rule) is not None:
        assert not course_of([bound], rule).doubts


def test_short_way_is_taken_and_interpolates() -> None:
    bound = Bound("D-1", 0, None, None, None, ((0, 100), (10, 130), (30, 130)))
    assert path._steady([bound], Rule(max_rate=Fraction(3))) is bound
    assert path._steady([bound], Rule(max_rate=Fraction(2))) is None  # 30 ticks in 10 µs are more than 2 a µs
    # 100 + 30 * 5 // 10 = 115 at 5; nothing after 30, so the last value stands at 40
    assert counted([bound], [5, 10, 40], Rule())[0] == (
        Part(5, 10, "D-1", 115, 130, 0, "interpolated", "reading"),
        Part(10, 40, "D-1", 130, 130, 0, "reading", "last"),
    )


def test_piece_takes_a_part_as_it_stands() -> None:
    assert tuple(field.name for field in fields(Piece)) == Part._fields
