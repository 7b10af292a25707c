"""What a fall or a rise of a counter is taken for, with exact ticks. Instants are minutes; the rate is 2 per minute."""

from fractions import Fraction

import pytest

from ingest.counter import CounterReading, Exchange, Kind, Release, Rule
from ingest.course import course

MINUTE = 60_000_000
RULE = Rule(modulus=10_000, max_rate=Fraction(2, MINUTE), tolerance=3, glitch=10 * MINUTE)


def read(*pairs: tuple[int, int]) -> list[CounterReading]:
    return [CounterReading(at * MINUTE, "A", (0, 0), ticks) for at, ticks in pairs]


def use(series: list[CounterReading], rule: Rule = RULE, start: int = 0, end: int = 100, **more: object) -> int:
    whole = course(series, more.get("exchanges", []), rule, more.get("releases", []))  # type: ignore[arg-type]
    return sum(part.closing - part.opening - part.removed for part in whole.parts([start * MINUTE, end * MINUTE]))


def kinds(series: list[CounterReading], rule: Rule = RULE) -> list[Kind]:
    return [one.kind for one in course(series, [], rule).breaks]


def test_a_fall_within_the_tolerance_is_a_signed_correction() -> None:
    # 1000 -> 1010 -> 1007 -> 1020: +10 - 3 + 13 = 20, the difference of the ends.
    series = read((0, 1000), (10, 1010), (20, 1007), (30, 1020))
    assert (use(series), kinds(series), course(series, [], RULE).doubts) == (20, ["correction"], [])


def test_between_the_readings_of_a_correction_the_value_falls_in_whole_ticks_downwards() -> None:
    # At 5 of 10 minutes: 1010 + floor(-3 * 5/10) = 1008.
    whole = course(read((0, 1010), (10, 1007)), [], RULE)
    assert [(part.opening, part.closing) for part in whole.parts([0, 5 * MINUTE, 10 * MINUTE])] == [
        (1010, 1008), (1008, 1007),
    ]  # fmt: skip


def test_one_tick_beyond_the_tolerance_is_held() -> None:
    series = read((0, 1000), (10, 1010), (20, 1006), (40, 1020))
    whole = course(series, [], RULE)
    assert (use(series), [(d.start, d.end, d.reason, d.before, d.after) for d in whole.doubts]) == (
        24, [(10 * MINUTE, 20 * MINUTE, "counter_fell", 1010, 1006)],
    )  # fmt: skip


def test_near_the_modulus_it_rolls_over() -> None:
    # 9990 -> 8: 10 up to 10,000 and 8 on: 18, within 2 per minute over 10 minutes.
    assert (use(read((0, 9990), (10, 8))), kinds(read((0, 9990), (10, 8)))) == (18, ["rollover"])


def test_far_from_the_modulus_it_does_not_roll_over_however_much_time_there_was() -> None:
    # 4000 -> 10 would be 6010 over, allowed by the rate in 4,000 minutes, but it is the longer way round.
    assert kinds(read((0, 4000), (4000, 10))) == ["hold"]


def test_low_values_that_a_later_good_one_gives_away_are_spikes() -> None:
    # 1000, then 0 and 4 within ten minutes of the fall, then 1012 <= 1000 + 2 * 12: 12 were used.
    series = read((0, 1000), (4, 0), (8, 4), (12, 1012), (20, 1020))
    assert (use(series), kinds(series)) == (20, ["spike"])
    assert [(p.opening, p.closing) for p in course(series, [], RULE).parts([0, 6 * MINUTE, 12 * MINUTE])] == [
        (1000, 1006), (1006, 1012),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("good", "why"),
    [
        ((15, 1012), "the window ends ten minutes after the fall at 4"),
        ((12, 1025), "24 is all that twelve minutes allow"),
        ((12, 999), "less than the last good value"),
    ],
)
def test_without_a_good_value_in_time_a_new_epoch_starts_and_the_loss_is_held(good: tuple[int, int], why: str) -> None:
    assert kinds(read((0, 1000), (4, 0), good))[0] == "hold", why


def test_without_a_maximum_rate_nothing_is_called_a_spike() -> None:
    assert kinds(read((0, 1000), (4, 0), (8, 1004)), Rule(glitch=10 * MINUTE)) == ["hold"]


def test_a_spike_at_the_boundary_does_not_move_it() -> None:
    # At 4 the device says 0; the boundary lies between 1000 and 1012: 1000 + 12 * 4/12 = 1004.
    series = read((0, 1000), (4, 0), (12, 1012))
    assert (use(series, end=4), use(series, start=4)) == (4, 8)


def test_a_declared_reset_ends_at_what_was_written_and_begins_at_what_was_written() -> None:
    # 1000 -> 1030 written down, then from 0: 40 at the hundredth minute: 30 + 40 = 70.
    reset = Exchange(50 * MINUTE, "A", 1030, "A", 0)
    whole = course(read((0, 1000), (100, 40)), [reset], RULE)
    assert [p.closing - p.opening - p.removed for p in whole.parts([0, 100 * MINUTE])] == [30, 40]
    assert ([one.kind for one in whole.breaks], whole.doubts) == (["reset"], [])


def test_a_rise_above_the_rate_is_held() -> None:
    series = read((0, 1000), (10, 1030), (20, 1040))
    assert (use(series), course(series, [], RULE).doubts[0].reason) == (10, "above_max_rate")


@pytest.mark.parametrize(
    ("release", "whole", "first"),
    [
        (Release(10 * MINUTE, 20 * MINUTE, "bill", "A", 15), 10 + 15 + 20, 10 + 7),  # 15 * 5/10 = 7.5, floored
        (Release(10 * MINUTE, 20 * MINUTE, "from_zero", "A"), 10 + 6 + 20, 10 + 3),
        (Release(10 * MINUTE, 20 * MINUTE, "void", "A"), 10 + 0 + 20, 10),
        (Release(10 * MINUTE, 21 * MINUTE, "bill", "A", 15), 10 + 0 + 20, 10),  # another stretch: decided no more
    ],
)
def test_a_released_hold_counts_as_decided(release: Release, whole: int, first: int) -> None:
    series = read((0, 1000), (10, 1010), (20, 6), (30, 26))
    assert use(series, releases=[release]) == whole
    assert use(series, end=15, releases=[release]) == first


def test_assume_zero_counts_on_from_zero() -> None:
    series = read((0, 1000), (10, 1010), (20, 6), (30, 26))
    assert use(series, Rule(on_reset="assume_zero", max_rate=RULE.max_rate)) == 10 + 6 + 20
