from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from api.portal import chart

F = Fraction


def test_axes_have_round_steps_up_to_the_highest_value() -> None:
    assert chart.axis(F(203)) == [0, 50, 100, 150, 200, 250]
    assert chart.axis(F(3360)) == [0, 1000, 2000, 3000, 4000]
    assert chart.axis(F(3, 100)) == [0, F(1, 100), F(2, 100), F(3, 100)]
    assert chart.axis(F(0)) == [0, 1]


@given(st.fractions(min_value=F(1, 10**6), max_value=10**12))
def test_every_axis_reaches_its_highest_value_in_few_steps(highest: Fraction) -> None:
    steps = chart.axis(highest)
    assert steps[0] == 0
    assert steps[-1] >= highest > steps[-2]
    assert 2 <= len(steps) <= 7


def test_bars_stand_side_by_side_and_days_to_come_have_none() -> None:
    drawn = chart.daily([F(100), F(50), None, None], before=[F(200), F(100)])
    assert [bar.x for bar in drawn.bars] == ["0.00", "25.00", "50.00", "75.00"]
    assert [bar.height for bar in drawn.bars] == ["50.00", "25.00", None, None]
    # The month before is the highest: its axis ends at 200, so 200 is at the top and 100 half way down.
    assert drawn.before == "M0.00 0.00L25.00 0.00L25.00 50.00L50.00 50.00"


def test_a_longer_month_before_ends_with_this_one() -> None:
    # The axis ends at 10, so 1 is at 90 % from the top.
    assert chart.daily([F(1)], before=[F(1), F(9)]).before == "M0.00 90.00L100.00 90.00"


def test_running_sums_end_at_this_moment() -> None:
    drawn = chart.cumulative([F(10), F(5), None, None], before=[F(10)] * 4, elapsed=F(3, 8))
    assert drawn.now == ("37.50", "62.50")  # 15 of 40, after 1.5 of 4 days
    assert drawn.line == "M0.00 100.00L25.00 75.00L37.50 62.50"
    assert drawn.area.endswith("L37.50 100.00L0.00 100.00Z")


def test_nothing_measured_is_drawn_as_nothing() -> None:
    drawn = chart.daily([None, None], before=[])
    assert drawn.before == ""
    assert all(bar.height is None for bar in drawn.bars)
