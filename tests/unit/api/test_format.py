from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from api.portal import format as show
from core.time import zone

BERLIN = zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("48519.29 EUR", "€48,519.29"),
        ("-412 EUR", "−€412.00"),
        ("0.0135 EUR", "€0.0135"),
        ("0.00 EUR", "€0.00"),
        ("1500 JPY", "JP¥1,500"),
        ("99999999999999999999999999.99 EUR", "€99,999,999,999,999,999,999,999,999.99"),
    ],
)
def test_money_keeps_every_digit(written: str, shown: str) -> None:
    assert show.money(written) == shown


def test_money_in_another_language() -> None:
    assert show.money(Decimal("1234.50"), "EUR", "de") == "1.234,50\xa0€"
    assert show.money("-1234.5 EUR", language="fr") == "−1\u202f234,50\xa0€"
    assert show.money("1500 JPY", language="de") == "1.500\xa0¥"
    assert show.rate("19", "de") == "19\xa0%"
    assert show.rate("19") == "19%"


def test_a_step_without_digits_that_end_is_shown_rounded() -> None:
    step = {"label": "fee for 2026-06", "formula": "amount", "values": {"amount": "1850/3 EUR"}, "result": "1850/3 EUR"}
    assert show.calculation(step).result == "€616.6667"
    assert show.calculation(step, "de").values == {"Betrag": "616,6667 EUR"}


def test_days_in_another_language() -> None:
    at = datetime(2026, 11, 21, 14, 36, tzinfo=UTC)
    assert [show.day(at, language=one) for one in ("de", "fr")] == ["21.11.2026", "21 nov. 2026"]
    assert show.moment(at, BERLIN, "de") == "21.11.2026, 15:36"
    assert show.period("2026-Q4", "fr") == "4e trimestre 2026"


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (Decimal("6300.0"), None, "6,300.0"),
        (Fraction(1, 3), None, "0.3333"),
        (Fraction(5, 2), 0, "3"),
        (Fraction(-5, 2), 0, "−3"),
        (1204318, None, "1,204,318"),
        ("34895/36", 2, "969.31"),
        (Fraction(1000), None, "1,000"),
    ],
)
def test_numbers_are_grouped_and_rounded_half_up(
    value: Decimal | Fraction | int | str, decimals: int | None, shown: str
) -> None:
    assert show.number(value, decimals) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("6300.0 km", "6,300.0 km"),
        ("0.0420 EUR/km", "€0.0420/km"),
        ("1850.00 EUR", "€1,850.00"),
        ("97.5 %", "97.5 %"),
        ("fault", "fault"),
        ("up 3 h", "up 3 h"),
    ],
)
def test_quantities_as_the_engine_writes_them(written: str, shown: str) -> None:
    assert show.quantity(written) == shown


def test_a_missed_share_never_looks_like_the_target() -> None:
    just_below = Fraction(98) - Fraction(1, 10**5)
    assert show.percent(just_below) == "98.00"
    assert show.percent(just_below, apart_from=Fraction(98)) == "97.99999"
    assert show.share(just_below, apart_from=Fraction(98), language="de") == "97,99999\xa0%"
    assert show.share(just_below) == "98.00%"


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (timedelta(hours=26, minutes=5), "26\u202fh 05"),
        (timedelta(minutes=48), "48\u202fmin"),
        (timedelta(seconds=12), "12\u202fs"),
    ],
)
def test_lengths_of_time(length: timedelta, shown: str) -> None:
    assert show.lasted(length) == shown


def test_days_and_instants_are_those_of_the_zone() -> None:
    at = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    assert show.day(at, BERLIN) == "1 Nov 2026"
    assert show.moment(at, BERLIN) == "1 Nov 2026, 00:30"
    assert show.second(at + timedelta(seconds=7), BERLIN, "de") == "01.11.2026, 00:30:07"
    assert show.instant_last_day("2026-10-31T23:00:00.000000Z", BERLIN) == "31 Oct 2026"


@pytest.mark.parametrize(("label", "shown"), [("2026-11", "November 2026"), ("2026-Q4", "Q4 2026"), ("2026", "2026")])
def test_periods(label: str, shown: str) -> None:
    assert show.period(label) == shown


@pytest.mark.parametrize(
    ("value", "english", "german", "french"),
    [
        (0, "0", "0", "0"),
        (950, "950", "950", "950"),
        (1500, "1.5k", "1.500", "1,5\u202fk"),
        (2_588_412, "2.59M", "2,59\u202fMio.", "2,59\u202fM"),
    ],
)
def test_axes_are_short(value: int, english: str, german: str, french: str) -> None:
    assert [show.short(value, one) for one in ("en", "de", "fr")] == [english, german, french]


def test_an_unknown_language_is_shown_in_english() -> None:
    assert show.money("1 EUR", language="zz-not-a-language") == "€1.00"
