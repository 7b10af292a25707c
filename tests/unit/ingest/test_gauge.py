"""Consumption from a gauge's readings, with exact ticks. Noise 2, refills beyond 10; instants are plain numbers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.gauge import Change, Level, Rule, changes, runs, used
from ingest.path import Epoch

RULE = Rule(noise=2, refill=10)


def read(*ticks: int) -> list[Level]:
    return [Level(n, value) for n, value in enumerate(ticks)]


def test_falls_within_the_noise_band_wait_until_they_leave_it() -> None:
    # 100, then 99 and 98 within 2 of it; 97 is beyond: 3 used there. 98 floats up: nothing. 94: 3 more.
    found = runs(read(100, 99, 98, 97, 98, 94), (), RULE)
    assert changes(found, 0, 9) == [Change(3, "used", 3), Change(5, "used", 3)]


def test_what_floats_up_and_down_uses_nothing() -> None:
    assert used(runs(read(100, 102, 98, 101, 99, 100), (), RULE), 0, 9) == 0


def test_without_a_band_every_fall_counts() -> None:
    # 2 + 4 + 3, as falls are summed without physics.
    assert used(runs(read(100, 98, 102, 98, 99, 96), (), Rule()), 0, 9) == 2 + 4 + 3


def test_a_rise_beyond_the_threshold_is_a_refill_and_a_smaller_one_is_not() -> None:
    # 50 -> 60 is 10, not beyond it: noise, the reference stays 50; 61 is a refill of 11; 40: 21 used.
    found = runs(read(50, 60, 61, 40), (), RULE)
    assert changes(found, 0, 9) == [Change(2, "refill", 11), Change(3, "used", 21)]


def test_another_cartridge_is_an_epoch_and_no_consumption() -> None:
    # 50 -> 40 used 10 up to the exchange, written down; the new one shows 30, which nobody used; 30 -> 25 used 5.
    found = runs(read(50, 50, 28, 25), [Epoch(2, 40, 30)], RULE)
    assert changes(found, 0, 9) == [Change(2, "epoch", 0), Change(2, "used", 10), Change(3, "used", 5)]


def test_an_epoch_without_written_levels_begins_at_its_first_reading() -> None:
    found = runs(read(50, 48, 28, 25), [Epoch(2, None, None)], Rule())
    assert changes(found, 0, 9) == [Change(1, "used", 2), Change(2, "epoch", 0), Change(3, "used", 3)]


series = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60)), min_size=1, max_size=15).map(
    lambda pairs: [Level(at, ticks) for at, ticks in dict(pairs).items()]
)
rules = st.builds(Rule, st.integers(0, 8), st.one_of(st.none(), st.integers(0, 30)))


@given(series, rules, st.lists(st.integers(-1, 31), max_size=6))
def test_parts_of_a_stretch_sum_to_it(levels: list[Level], rule: Rule, cuts: list[int]) -> None:
    found = runs(levels, (), rule)
    edges = [-1, *sorted(cuts), 31]
    assert sum(used(found, a, b) for a, b in pairwise(edges)) == used(found, -1, 31)


@given(series, rules, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(levels: list[Level], rule: Rule, chance: object) -> None:
    shuffled = chance.sample(levels, len(levels)) + levels[:2]  # type: ignore[attr-defined]
    assert runs(shuffled, (), rule) == runs(levels, (), rule)


@given(series, rules)
def test_use_is_what_was_there_and_came_in_less_what_is_left(levels: list[Level], rule: Rule) -> None:
    (found,) = runs(levels, (), rule)
    refilled = sum(one.ticks for one in changes([found], -1, 31) if one.kind == "refill")
    assert used([found], -1, 31) == found[0].ticks + refilled - found[-1].ticks


@given(series, rules)
def test_nothing_before_a_certain_step_matters(levels: list[Level], rule: Rule) -> None:
    ordered = sorted(levels)
    steps = [n for n in range(1, len(ordered)) if abs(ordered[n].ticks - ordered[n - 1].ticks) > rule.certain]
    for n in steps:
        assert runs(ordered, (), rule)[0][n:] == runs(ordered[n:], (), rule)[0]
