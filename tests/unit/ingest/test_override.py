"""Corrections of a reading as a stack: the last that nobody took back counts."""

from ingest.override import Correction, in_force


def test_taking_back_brings_the_one_before() -> None:
    first, second = Correction(10, 3), Correction(None, 5)
    back, third = Correction(10, 7, reverts=5), Correction(12, 9)
    assert in_force([], 4) == []
    assert in_force([second, first], 4) == [first, second]
    assert in_force([first, second, back], 4) == [first]
    assert in_force([first, second, back, third], 4) == [first, third]
    assert in_force([first, second, back, third, Correction(10, 11, reverts=9), Correction(4, 13, reverts=3)], 4) == []


def test_a_void_in_place_of_a_correction_is_a_decision_of_its_own() -> None:
    first, void = Correction(10, 3), Correction(None, 5, reverts=3)
    assert in_force([first, void], 4) == [first, void]
    assert in_force([first, void, Correction(10, 7, reverts=5)], 4) == [first]
