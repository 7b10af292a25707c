"""What money, units, times and canonical text refuse, and the numbers they give."""

from datetime import UTC, datetime
from decimal import Decimal, Inexact
from fractions import Fraction

import pytest

from core import canonical
from core.money import EXACT, CurrencyMismatch, Money, NotMoney, Price, allocate, exponent
from core.time import (
    HOUR,
    Duration,
    EmptySpan,
    NotADuration,
    NotAPeriod,
    NotATime,
    Period,
    Span,
    UnknownZone,
    read_time,
    zone,
)
from core.units import IncompatibleUnits, NotAQuantity, Quantity, UnknownUnit, default_tick, factor, to_ticks

BERLIN = zone("Europe/Berlin")


@pytest.mark.parametrize(
    "text", ["1850 €", "1.850,00 EUR", "1e3 EUR", "EUR 1", "1 eur", "1 ZZZ", "NaN EUR", "١ EUR", "1" * 40 + " EUR"]
)
def test_money_that_is_not_written_as_money_is_refused(text: str) -> None:
    with pytest.raises(NotMoney):
        Money.parse(text)


@pytest.mark.parametrize("amount", [1.5, 1, True, Decimal("NaN"), Decimal("Infinity")])
def test_money_is_a_finite_decimal(amount: object) -> None:
    with pytest.raises(NotMoney):
        Money(amount, "EUR")  # type: ignore[arg-type]


def test_two_currencies_never_meet() -> None:
    with pytest.raises(CurrencyMismatch):
        Money.parse("1.00 EUR") + Money.parse("1.00 USD")


def test_rounding_is_half_away_from_zero_or_half_even() -> None:
    assert Money.parse("-0.125 EUR").rounded(2, "half_up") == Money.parse("-0.13 EUR")
    assert Money.parse("0.125 EUR").rounded(2, "half_even") == Money.parse("0.12 EUR")


def test_a_price_keeps_its_digits() -> None:
    assert str(Price.parse("0.0420 EUR/km")) == "0.0420 EUR/km"


def test_560_euros_go_to_three_trucks_to_the_cent() -> None:
    shares = allocate(Money.parse("560.00 EUR"), {"T1": 370, "T2": Decimal("647.50"), "T3": Decimal("92.50")}, 2)
    assert [str(share) for share in shares.values()] == ["186.67 EUR", "326.67 EUR", "46.66 EUR"]


def test_the_exact_context_traps_a_lost_digit() -> None:
    with pytest.raises(Inexact):
        EXACT.divide(Decimal(1), Decimal(3))


def test_currencies_know_their_smallest_unit() -> None:
    assert [exponent(code) for code in ("EUR", "JPY", "KWD")] == [2, 0, 3]


def test_factors_are_exact_fractions() -> None:
    assert factor("mi", "km") == Fraction("1.609344")
    assert factor("km/h", "m/s") == Fraction(5, 18)
    assert factor("l/100km", "l/km") == Fraction(1, 100)
    assert factor("MWh", "kWh") == 1000
    assert factor("mbar", "bar") == Fraction(1, 1000)


def test_units_of_two_dimensions_are_both_named() -> None:
    with pytest.raises(IncompatibleUnits, match="km does not convert to h"):
        factor("km", "h")


@pytest.mark.parametrize("unit", ["parsec", "km/h/s", "", "km//h", "KM", "__import__('os')"])
def test_units_that_are_not_ours_are_refused(unit: str) -> None:
    with pytest.raises(UnknownUnit):
        factor(unit, "km")


@pytest.mark.parametrize("text", ["6300", "6300km", "6.300,0 km", "1e9 km", "9" * 40 + " km"])
def test_quantities_need_a_plain_number_and_a_unit(text: str) -> None:
    with pytest.raises(NotAQuantity):
        Quantity.parse(text)


def test_a_mile_is_rounded_half_up_to_a_metre() -> None:
    ticks = to_ticks(Decimal(1), "mi", register_unit="km", resolution=Decimal("0.001"))
    assert (ticks.ticks, ticks.exact) == (1609, False)  # 1609.344 m


def test_ticks_of_each_family() -> None:
    found = {
        unit: str(default_tick(unit).resolution) + " " + default_tick(unit).unit
        for unit in ("km", "h", "page", "l", "bar")
    }
    assert found == {"km": "0.001 km", "h": "1 s", "page": "1 page", "l": "0.01 ml", "bar": "0.001 bar"}


def test_months_have_the_hours_that_the_clock_shows() -> None:
    hours = {label: Period.parse(label, BERLIN).span.length // HOUR for label in ("2026-03", "2026-06", "2026-10")}
    assert hours == {"2026-03": 743, "2026-06": 720, "2026-10": 745}


def test_three_months_are_a_quarter() -> None:
    months = sum(Period.parse(f"2026-0{n}", BERLIN).span.length for n in (4, 5, 6))
    assert months == Period.parse("2026-Q2", BERLIN).span.length


@pytest.mark.parametrize("label", ["2026-13", "2026-00", "2026-Q5", "26-01", "June 2026", "0000", "9999-12"])
def test_periods_that_do_not_exist_are_refused(label: str) -> None:
    with pytest.raises(NotAPeriod):
        Period.parse(label, BERLIN)


def test_a_wall_clock_that_occurs_twice_needs_its_offset() -> None:
    with pytest.raises(NotATime, match="occurs twice"):
        read_time("2026-10-25 02:30", BERLIN)
    assert read_time("2026-10-25 02:30+01:00", BERLIN) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_wall_clock_that_never_occurs_is_an_error() -> None:
    with pytest.raises(NotATime, match="never occurs"):
        read_time("2026-03-29 02:30", BERLIN)


def test_a_date_is_its_first_instant_even_where_midnight_is_skipped() -> None:
    # On 4 November 2018 the clocks of São Paulo went from 23:59:59 to 01:00.
    assert read_time("2018-11-04", zone("America/Sao_Paulo")) == datetime(2018, 11, 4, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-06-01 24:00", "1.6.2026", "2026-06-01 08:15:01.1234567", "", "2026-6-1"]
)
def test_times_that_are_no_times_are_refused(text: str) -> None:
    with pytest.raises(NotATime):
        read_time(text, BERLIN)


@pytest.mark.parametrize("name", ["Berlin", "Europe/Atlantis", "../../etc/passwd", "", "europe/berlin"])
def test_zones_come_from_the_pinned_database(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone(name)


def test_spans_refuse_naive_times_and_hold_some_time() -> None:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    with pytest.raises(EmptySpan):
        Span(at, at)
    with pytest.raises(NotATime):
        Span(at.replace(tzinfo=None), at)


def test_durations_are_elapsed_or_steps_of_a_calendar() -> None:
    at = read_time("2026-03-28 12:00", BERLIN)
    assert Duration.parse("P1D").after(at, BERLIN) == read_time("2026-03-29 12:00", BERLIN)  # 23 h
    assert Duration.parse("24 h").after(at, BERLIN) == read_time("2026-03-29 13:00", BERLIN)
    assert Duration.parse("P1M").after(read_time("2026-01-31", BERLIN), BERLIN) == read_time("2026-02-28", BERLIN)


@pytest.mark.parametrize(
    "text", ["P", "PT", "-1 h", "1 d", "P1W", "1 hour", "0.0000001 s", "P" + "9" * 60 + "Y", "P999Y"]
)
def test_durations_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(NotADuration):
        Duration.parse(text)


def test_canonical_text_refuses_floats_at_any_depth() -> None:
    with pytest.raises(canonical.NotCanonical):
        canonical.text({"a": [1, {"b": 0.1}]})


def test_canonical_text_is_sorted_and_exact() -> None:
    assert (
        canonical.text({"b": Fraction(1, 3), "a": Decimal("1.10"), "c": Fraction(1, 8)})
        == '{"a":"1.10","b":"1/3","c":"0.125"}'
    )
