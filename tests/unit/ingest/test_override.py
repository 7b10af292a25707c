"""Corrections of a reading as a stack: the last that nobody took back counts."""

from ingest.override import Correction, in_force


def test_taking_back_brings_the_one_before() -> None:
    first, second = Correction(10, 3), Correction(None, 5)
    back, third = Correction(10, 7, reverts=5), Correction(12, 9)
    assert in_force([]) == []
    assert in_force([second, first]) == [first, second]
    assert in_force([first, second, back]) == [first]
    assert in_force([first, second, back, third]) == [first, third]
    assert in_force([first, second, back, third, Correction(10, 11, reverts=9), Correction(4, 13, reverts=3)]) == []
