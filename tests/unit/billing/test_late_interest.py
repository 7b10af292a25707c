from datetime import date

import pytest
from pydantic import ValidationError

from billing.dunning import Level, Procedure
from billing.late_interest import BaseRate, NoBaseRate, interest_on, stretches
from core.money import Money

ECB = "ECB, main refinancing operations"
RATES = (
    BaseRate(since=date(2025, 6, 11), rate="2.15 %", source=ECB),
    BaseRate(since=date(2026, 3, 18), rate="2.00 %", source=ECB),
    BaseRate(since=date(2026, 7, 1), rate="1.75 %", source=ECB),
)


def test_a_half_year_has_the_base_rate_of_its_first_day_and_the_points() -> None:
    found = stretches("statutory", date(2026, 6, 20), date(2026, 7, 10), points="8", base_rates=RATES)
    assert [one.to_json() for one in found] == [
        {
            "first": "2026-06-21", "last": "2026-06-30", "days": 10, "rate": "10.15 %",
            "base": {"rate": "2.15 %", "since": "2025-06-11", "source": ECB},
        },
        {
            "first": "2026-07-01", "last": "2026-07-10", "days": 10, "rate": "9.75 %",
            "base": {"rate": "1.75 %", "since": "2026-07-01", "source": ECB},
        },
    ]  # fmt: skip
    # 1000.00 x (10.15 % x 10 + 9.75 % x 10) / 365 = 5.4520...
    assert str(interest_on(Money.parse("1000.00 EUR"), found)) == "5.45 EUR"


def test_no_day_is_asked_for_twice_and_none_is_left_out() -> None:
    whole = stretches("statutory", date(2026, 6, 20), date(2027, 2, 3), points="9", base_rates=RATES)
    first = stretches("statutory", date(2026, 6, 20), date(2026, 12, 31), points="9", base_rates=RATES)
    second = stretches("statutory", date(2026, 12, 31), date(2027, 2, 3), points="9", base_rates=RATES)
    assert whole == first + second
    assert sum(one.days for one in whole) == (date(2027, 2, 3) - date(2026, 6, 20)).days
    assert stretches("statutory", date(2026, 7, 1), date(2026, 7, 1), points="8", base_rates=RATES) == ()


def test_a_rate_of_the_sellers_own_needs_no_base_rate() -> None:
    (found,) = stretches("11.27 %", date(2026, 7, 1), date(2026, 7, 27), points="8", base_rates=())
    # 1000.00 x 11.27 % x 26 / 365 = 8.0279...
    assert str(interest_on(Money.parse("1000.00 EUR"), [found])) == "8.03 EUR"


def test_a_negative_base_rate_lowers_the_rate() -> None:
    below = (BaseRate(since=date(2020, 1, 1), rate="-0.88 %", source="Bundesbank"),)
    (found,) = stretches("statutory", date(2021, 1, 1), date(2021, 1, 2), points="9", base_rates=below)
    assert found.to_json()["rate"] == "8.12 %"


def test_without_a_base_rate_for_the_half_year_nothing_is_guessed() -> None:
    with pytest.raises(NoBaseRate, match="no base rate held on 2025-01-01"):
        stretches("statutory", date(2025, 3, 1), date(2025, 4, 1), points="8", base_rates=RATES)
    with pytest.raises(ValidationError, match="statutory interest needs base_rates"):
        Procedure(levels=(Level(days="7", text="a", interest="statutory"),))
    with pytest.raises(ValidationError, match="later day"):
        Procedure(levels=(Level(days="7", text="a"),), base_rates=RATES[::-1])
