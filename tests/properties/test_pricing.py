"""Laws of price models: nothing is priced twice, nothing is forgotten."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contracts.pricing import Band, fees, graduated, packages, reached, total, whole_charges, whole_units

amounts = st.fractions(min_value=0, max_value=10**6, max_denominator=1000)
prices = st.fractions(min_value=0, max_value=100, max_denominator=10**4)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Band, ...]:
    bounds = [Fraction(0), *sorted(draw(st.sets(amounts.filter(bool), max_size=5)))]
    return tuple(Band(above, draw(prices), draw(st.none() | prices)) for above in bounds)


def cost(bands: tuple[Band, ...], start: Fraction, end: Fraction) -> Fraction:
    charges = [*graduated(bands, start, end), *fees(bands, start, end, opens=start == 0)]
    return sum((charge.amount for charge in charges), Fraction(0))


@given(tiers(), st.lists(amounts, min_size=1, max_size=8))
def test_billing_in_parts_costs_what_billing_at_once_costs(bands: tuple[Band, ...], ends: list[Fraction]) -> None:
    cuts = [Fraction(0), *sorted({end for end in ends if end})]
    parts = [cost(bands, a, b) for a, b in pairwise(cuts)]
    assert not parts or sum(parts) == cost(bands, Fraction(0), cuts[-1])


@given(tiers(), amounts, amounts)
def test_every_unit_is_priced_exactly_once(bands: tuple[Band, ...], start: Fraction, more: Fraction) -> None:
    assert sum(charge.units for charge in graduated(bands, start, start + more)) == more


@given(tiers(), amounts, amounts)
def test_tiers_prepared_as_a_whole_cost_the_same(bands: tuple[Band, ...], start: Fraction, more: Fraction) -> None:
    assert list(graduated(whole_charges(bands), start, start + more)) == list(graduated(bands, start, start + more))


@given(st.lists(amounts, max_size=9))
def test_a_total_is_the_sum(numbers: list[Fraction]) -> None:
    assert total(numbers) == sum(numbers)


@given(tiers(), amounts, amounts)
def test_more_use_never_costs_less(bands: tuple[Band, ...], used: Fraction, more: Fraction) -> None:
    assert cost(bands, Fraction(0), used) <= cost(bands, Fraction(0), used + more)


@given(tiers(), amounts)
def test_the_tier_reached_is_the_one_that_prices_the_last_unit(bands: tuple[Band, ...], used: Fraction) -> None:
    charges = list(graduated(bands, Fraction(0), used))
    assert reached(bands, used) == (charges[-1].band if charges else 0)


@given(amounts.filter(bool), st.lists(amounts, min_size=1, max_size=6))
def test_packages_telescope_and_hold_everything(size: Fraction, ends: list[Fraction]) -> None:
    cuts = [Fraction(0), *sorted(ends)]
    begun = sum(packages(size, a, b) for a, b in pairwise(cuts))
    assert begun * size >= cuts[-1] > (begun - 1) * size or cuts[-1] == begun == 0


@given(amounts)
def test_whole_units_are_near(used: Fraction) -> None:
    assert 0 <= whole_units(used, "up") - used < 1
    assert abs(whole_units(used, "half_up") - used) <= Fraction(1, 2)
