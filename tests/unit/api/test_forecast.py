"""The rest of a period goes like each of the last four weeks did."""

from fractions import Fraction

from api.portal import chart
from api.portal.forecast import Range, forecast


def week(working: int) -> list[Fraction]:
    return [Fraction(working)] * 5 + [Fraction(0)] * 2


PAST = week(90) + week(100) + week(110) + week(100)


def test_each_day_has_the_range_of_its_weekday_and_the_total_that_of_whole_weeks() -> None:
    found = forecast(PAST, Fraction(430), today=Fraction(30), left=6)
    assert found
    # Today is the first day of a week: at least what is there already, 90 to 110 by its end; the sixth day is a rest.
    assert found.days[0] == Range(Fraction(90), Fraction(100), Fraction(110))
    assert found.days[5] == Range(Fraction(0), Fraction(0), Fraction(0))
    # 400 before today, and five days of 90, 100, 110 and 100
    assert found.total == Range(Fraction(850), Fraction(900), Fraction(950))
    assert found.sums[-1] == found.total


def test_today_never_shrinks_below_what_it_has() -> None:
    found = forecast(PAST, Fraction(500), today=Fraction(105), left=1)
    assert found
    # 395 and the greater of 105 and 90, 100, 110, 100
    assert found.total == Range(Fraction(500), Fraction(2005, 4), Fraction(505))


def test_nothing_is_expected_from_less_than_four_weeks_or_an_idle_one() -> None:
    assert forecast(PAST[1:], Fraction(0), today=Fraction(0), left=3) is None
    assert forecast(week(0) + PAST[7:], Fraction(0), today=Fraction(0), left=3) is None
    assert forecast(PAST, Fraction(0), today=Fraction(0), left=0) is None


def test_the_band_stands_over_the_days_to_come() -> None:
    known = [Fraction(10), None]
    drawn = chart.daily(known, [], [Range(Fraction(5), Fraction(6), Fraction(10))])
    # Half of the width, between 10 of 10 (the top) and 5
    assert drawn.band == "M50.00 0.00L100.00 0.00L100.00 50.00L50.00 50.00Z"
    assert [bar.expected for bar in drawn.bars] == [None, "60.00"]
    assert chart.daily(known, []).band == ""
