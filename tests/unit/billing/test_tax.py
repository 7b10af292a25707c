from decimal import Decimal
from fractions import Fraction

import pytest

from billing.tax import NotATax, Tax, totals
from core.money import Money


def _euro(text: str) -> Money:
    return Money(Decimal(text), "EUR")


def test_tax_is_computed_once_on_the_sum_and_not_line_by_line() -> None:
    # 3 × 0.02 at 19 %: each 0.0038 would round to 0.00; the sum 0.06 gives 0.0114
    (total,) = totals([(Tax("S", Decimal(19)), _euro("0.02"))] * 3, "half_up")
    assert (total.base, total.amount) == (_euro("0.06"), _euro("0.01"))


def test_half_a_cent_goes_as_the_contract_says() -> None:
    # 1757.50 × 19 % = 333.925; 0.25 × 10 % = 0.025
    assert totals([(Tax("S", Decimal(19)), _euro("1757.50"))], "half_up")[0].amount == _euro("333.93")
    assert totals([(Tax("S", Decimal(10)), _euro("0.25"))], "half_even")[0].amount == _euro("0.02")


def test_each_category_and_rate_has_its_own_total() -> None:
    standard, reduced = Tax("S", Decimal(19)), Tax("S", Decimal("7.0"))
    found = totals(
        [(standard, _euro("10.00")), (reduced, _euro("10.00")), (Tax("S", Decimal(7)), _euro("5.00"))], "half_up"
    )
    assert [(t.tax.key, t.amount) for t in found] == [(("S", "19"), _euro("1.90")), (("S", "7"), _euro("1.05"))]


def test_a_yen_has_no_decimals() -> None:
    # 105 × 10 % = 10.5
    (total,) = totals([(Tax("S", Decimal(10)), Money(Decimal(105), "JPY"))], "half_up")
    assert total.amount == Money(Decimal(11), "JPY")


def test_what_is_not_taxed_has_no_rate() -> None:
    with pytest.raises(NotATax, match="reverse charge"):
        Tax("AE", Decimal(19))
    with pytest.raises(NotATax, match="no tax category"):
        Tax("X", Decimal(0))


def test_a_share_becomes_a_percentage() -> None:
    assert Tax.of_share("S", Fraction(19, 100)) == Tax("S", Decimal(19))
    assert Tax.of_share("S", Fraction(81, 1000)).key == ("S", "8.1")
    with pytest.raises(NotATax):
        Tax.of_share("S", Fraction(1, 3))
