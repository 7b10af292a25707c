"""Laws of painted time: every moment has one category, silence favours nobody."""

import random
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contracts.facts import CATEGORIES, Attribution, Category, StateSpan
from contracts.tally import Rules, Tally, count
from contracts.timeline import paint
from core.time import zone

PERIOD = ((0, 1000),)
BERLIN = zone("Europe/Berlin")
TREATMENTS: dict[str, str | Fraction] = {
    **dict.fromkeys(CATEGORIES, "exclude"), "running": "up", "idle": "up", "fault": "down", "unplanned_repair": "down",
    "derated": "measured", "external": Fraction(3, 4),
}  # fmt: skip
categories = st.sampled_from(CATEGORIES)
starts = st.integers(-100, 1100)


@st.composite
def states(draw: st.DrawFn) -> list[StateSpan]:
    drawn = draw(st.lists(st.tuples(starts, st.integers(1, 300), categories), max_size=12))
    return [StateSpan(start, start + length, category) for start, length, category in drawn]


@st.composite
def attributions(draw: st.DrawFn) -> list[Attribution]:
    statuses = st.sampled_from(["proposed", "accepted", "disputed", "determined"])
    drawn = draw(st.lists(st.tuples(starts, st.integers(1, 300), categories, statuses), max_size=5))
    return [Attribution("P1", a, a + n, category, "none", status) for a, n, category, status in drawn]  # type: ignore[arg-type]


rules = st.builds(
    Rules,
    st.just(TREATMENTS),
    st.just(BERLIN),
    min_outage=st.integers(0, 60),
    min_outage_mode=st.sampled_from(["threshold", "deductible"]),
    merge_within=st.integers(0, 30),
    planned_allowance=st.none() | st.integers(0, 200),
)


@given(states(), attributions(), st.none() | categories)
def test_categories_share_out_the_period(
    said: list[StateSpan], decided: list[Attribution], otherwise: Category | None
) -> None:
    painted = paint(PERIOD, said, decided, otherwise)
    assert sum(piece.end - piece.start for piece in painted) == 1000
    assert all(a.end == b.start for a, b in pairwise(painted))


@given(states(), attributions(), rules)
def test_every_moment_is_excluded_up_or_down(said: list[StateSpan], decided: list[Attribution], by: Rules) -> None:
    tally = count(paint(PERIOD, said, decided, None), [], by)
    assert tally.required == 1000
    assert 0 <= tally.lost <= tally.counted <= tally.required


@given(states(), attributions(), rules, st.randoms(use_true_random=False))
def test_the_order_of_facts_does_not_matter(
    said: list[StateSpan], decided: list[Attribution], by: Rules, chance: random.Random
) -> None:
    one = count(paint(PERIOD, said, decided, None), [], by)
    other = count(paint(PERIOD, chance.sample(said, len(said)), chance.sample(decided, len(decided)), None), [], by)
    assert one == other


def learn(said: list[StateSpan], category: Category) -> Tally:
    painted = paint(PERIOD, said, [], category)
    return count(painted, [], Rules(TREATMENTS, BERLIN))


@given(states(), st.sampled_from(["running", "fault", "customer_cause", "derated"]))
def test_what_is_learnt_lies_between_the_bounds(said: list[StateSpan], truth: Category) -> None:
    known = [span for span in said if span.category != "unknown"]
    painted, by = paint(PERIOD, known, [], None), Rules(TREATMENTS, BERLIN)
    low = count(painted, [], by.with_unknown("down")).availability
    high = count(painted, [], by.with_unknown("up")).availability
    settled = learn(known, truth).availability
    assert low is None or high is None or settled is None or truth == "customer_cause" or low <= settled <= high
