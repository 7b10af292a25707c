"""Laws of counters: any cut of a stretch sums to it, whatever the order of arrival."""

import random
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.counter import CounterReading, Estimate, Exchange, Release, Rule
from ingest.course import course

rules = st.builds(
    Rule,
    on_reset=st.sampled_from(["hold", "assume_zero", "documented_only"]),
    boundary=st.sampled_from(["interpolate", "at_reading"]),
    modulus=st.sampled_from([None, 1000]),
    max_gap=st.sampled_from([None, 20]),
    max_rate=st.sampled_from([None, Fraction(20)]),
    tolerance=st.sampled_from([0, 5]),
    glitch=st.sampled_from([None, 15]),
)
readings = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 999)), min_size=1, max_size=12).map(
    lambda pairs: [CounterReading(at, "A", (0, 0), ticks) for at, ticks in pairs]
)
exchanges = st.lists(
    st.builds(Exchange, st.integers(1, 99), st.just("A"), st.integers(0, 999), st.just("A"), st.integers(0, 999)),
    max_size=1,
)
estimates = st.lists(
    st.tuples(st.integers(0, 115), st.integers(1, 40), st.integers(0, 500)).map(
        lambda one: Estimate(one[0], one[0] + one[1], one[2])
    ),
    max_size=3,
)
boots = st.lists(st.integers(0, 110), max_size=3).map(lambda ats: {"A": tuple(sorted(ats))})
cuts = st.sets(st.integers(-10, 120), min_size=2, max_size=9).map(sorted)


def used(whole: object, instants: list[int]) -> list[int]:
    return [p.closing - p.opening - p.removed for p in whole.parts(instants)]  # type: ignore[attr-defined]


@given(readings, exchanges, estimates, boots, rules, cuts)
def test_pieces_telescope_under_any_cut(
    series: list[CounterReading],
    changes: list[Exchange],
    guesses: list[Estimate],
    begun: dict[str, tuple[int, ...]],
    rule: Rule,
    instants: list[int],
) -> None:
    whole = course(series, changes, rule, estimates=guesses, boots=begun)
    assert sum(used(whole, instants)) == sum(used(whole, [instants[0], instants[-1]]))


@given(readings, exchanges, boots, rules, cuts)
def test_pieces_tile_the_asked_stretch_and_count_backwards_only_what_was_corrected(
    series: list[CounterReading],
    changes: list[Exchange],
    begun: dict[str, tuple[int, ...]],
    rule: Rule,
    instants: list[int],
) -> None:
    whole = course(series, changes, rule, boots=begun)
    parts = whole.parts(instants)
    assert (parts[0].start, parts[-1].end) == (instants[0], instants[-1])
    assert all(a.end == b.start for a, b in pairwise(parts))
    corrected = sum(one.before - one.after for one in whole.breaks if one.kind == "correction")
    assert min(used(whole, instants)) >= -corrected
    assert min(used(course(series, changes, replace(rule, tolerance=0), boots=begun), instants)) >= 0


@given(readings, exchanges, boots, rules, cuts, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    series: list[CounterReading],
    changes: list[Exchange],
    begun: dict[str, tuple[int, ...]],
    rule: Rule,
    instants: list[int],
    chance: random.Random,
) -> None:
    shuffled = chance.sample(series, len(series))
    one = course(series, changes, rule, boots=begun)
    other = course(shuffled + shuffled[:3], changes, rule, boots=begun)
    assert (one.parts(instants), one.doubts, one.breaks) == (other.parts(instants), other.doubts, other.breaks)


@given(readings, rules, cuts)
def test_a_boot_before_each_reading_counts_falls_from_zero_and_changes_no_rise(
    series: list[CounterReading], rule: Rule, instants: list[int]
) -> None:
    """As if the measure assumed zero, but only where the device says so."""
    plain = replace(rule, glitch=None)
    every, never = {"A": tuple(range(101))}, {"A": (min(one.at for one in series), 150)}
    zero = course(series, [], replace(plain, on_reset="assume_zero"))
    assert course(series, [], replace(plain, on_reset="hold"), boots=every).parts(instants) == zero.parts(instants)
    assert course(series, [], rule, boots=never).parts(instants) == course(series, [], rule).parts(instants)


@given(readings, rules)
def test_repetitions_change_nothing(series: list[CounterReading], rule: Rule) -> None:
    first = {reading.at: reading for reading in sorted(series, reverse=True)}
    clean = list(first.values())
    assert course(clean, [], rule).parts([0, 50, 100]) == course(clean * 2, [], rule).parts([0, 50, 100])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=10))
def test_a_rising_counter_counts_exactly_its_rise(steps: list[int]) -> None:
    values = [sum(steps[:n]) for n in range(len(steps) + 1)]
    series = [CounterReading(10 * n, "A", (0, 0), value) for n, value in enumerate(values)]
    assert sum(used(course(series, [], Rule()), [0, 10 * len(steps)])) == sum(steps)


@given(readings, estimates, rules, cuts)
def test_an_estimate_counts_after_the_last_reading_only(
    series: list[CounterReading], guesses: list[Estimate], rule: Rule, instants: list[int]
) -> None:
    """What was read stays; what is estimated comes on top of it, at most whole; a later reading takes its place."""
    last, plain = max(one.at for one in series), course(series, [], rule)
    guessed = course(series, [], rule, estimates=guesses)
    before = [min(at, last) for at in instants]
    assert sum(used(guessed, [before[0], before[-1]])) == sum(used(plain, [before[0], before[-1]]))
    parts = guessed.parts([-10, *instants, 200])
    on_top = sum(p.closing - p.opening - p.removed for p in parts if p.closing_quality == "estimated")
    assert sum(used(guessed, [-10, 200])) == sum(used(plain, [-10, 200])) + on_top
    assert 0 <= on_top <= sum(one.ticks for one in guesses)
    later = [*series, CounterReading(160, "A", (0, 0), 999)]
    assert course(later, [], rule, estimates=guesses).parts(instants) == course(later, [], rule).parts(instants)


@given(readings, rules, st.integers(1, 500), cuts)
def test_a_release_bills_exactly_what_was_decided(
    series: list[CounterReading], rule: Rule, ticks: int, instants: list[int]
) -> None:
    """Wherever it is cut, what is released comes on top of what counted before; the other stretches stay."""
    held = course(series, [], rule)
    waiting = [one for one in held.doubts if one.end > one.start]
    released = course(series, [], rule, [Release(d.start, d.end, "bill", "A", ticks) for d in waiting])
    every = [-10, *instants, 200]
    assert sum(used(released, every)) == sum(used(held, every)) + ticks * len(waiting)
    assert [one for one in released.doubts if one.end > one.start] == []
