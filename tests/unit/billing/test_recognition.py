"""What is earned when: deferred by day of the contract's calendar, released at month ends, exact to the last digit."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoice import Document
from billing.journal import accrued
from billing.posting import Transfer, post, releases
from billing.recognition import earned
from core.money import Money
from core.time import read_time, zone

BERLIN = zone("Europe/Berlin")
FEB_28, MAR_31, APR_30 = date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)


def wall(day: str) -> datetime:
    return read_time(day, BERLIN)


def text_of(day: str) -> str:
    return wall(day).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def document(*lines: tuple[str, str, str, str], end: str = "2026-02-01", **more: Any) -> Document:
    """Kind, amount, from and to of each line of an invoice over January 2026."""
    return {
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "service": {"from": text_of("2026-01-01"), "to": text_of(end)},
        "lines": [
            {"kind": kind, "amount": amount, "from": text_of(a), "to": text_of(b), "corrects": None}
            for kind, amount, a, b in lines
        ],
        "tax": [],
        **more,
    }


def eur(amount: str) -> Money:
    return Money.parse(f"{amount} EUR")


def test_a_quarter_paid_ahead_is_earned_day_by_day() -> None:
    now, later = earned(eur("3000.00"), (wall("2026-01-01"), wall("2026-04-01")), wall("2026-02-01"), BERLIN)
    # 31, 28 and 31 of 90 days; the hour that summer time takes from March changes nothing
    assert now == eur("1033.33")
    assert later == {FEB_28: eur("933.33"), MAR_31: eur("1033.34")}, "what is left, 1966.67, by 28 : 31"


def test_an_invoice_books_a_fee_ahead_as_deferred_and_releases_it_at_the_month_end() -> None:
    paper = document(
        ("fixed_fee", "1000.00", "2026-01-01", "2026-02-01"),
        ("fixed_fee", "1000.00", "2026-02-01", "2026-03-01"),
        tax=[{"category": "S", "rate": "19", "tax": "380.00"}],
    )
    assert set(post(paper, "par_1")) == {
        Transfer("receivable:par_1", "revenue:fixed_fee", eur("1000.00")),
        Transfer("receivable:par_1", "deferred:fixed_fee", eur("1000.00")),
        Transfer("receivable:par_1", "vat:S:19", eur("380.00")),
    }
    assert releases(paper) == ((FEB_28, (Transfer("deferred:fixed_fee", "revenue:fixed_fee", eur("1000.00")),)),)


def test_what_is_delivered_by_the_end_of_its_period_is_revenue_at_once() -> None:
    # 17 January to 17 February: posted in February, and delivered
    paper = document(("fixed_fee", "1850.00", "2026-01-17", "2026-02-17"), end="2026-02-17")
    assert post(paper, "p") == (Transfer("receivable:p", "revenue:fixed_fee", eur("1850.00")),)
    assert releases(paper) == ()


def test_a_document_that_says_no_times_is_delivered() -> None:
    paper = document(("usage_charge", "5.00", "2026-01-01", "2026-02-01"))
    paper["lines"] = [{"kind": "usage_charge", "amount": "5.00", "corrects": None, "from": None, "to": None}]
    assert post(paper, "p") == (Transfer("receivable:p", "revenue:usage_charge", eur("5.00")),)


def test_use_that_was_paid_in_advance_settles_what_is_owed_to_the_customer() -> None:
    paper = document(
        ("usage_charge", "120.00", "2026-01-01", "2026-02-01"), ("prepaid", "-100.00", "2026-01-01", "2026-02-01")
    )
    assert post(paper, "p") == (
        Transfer("deferred:prepaid", "receivable:p", eur("100.00")),
        Transfer("receivable:p", "revenue:usage_charge", eur("120.00")),
    ), "the use is revenue, and the payment was none when it came"


def test_what_is_accrued_of_prepaid_use_and_of_a_fee_ahead() -> None:
    rows = [
        {"kind": kind, "amount": f"{amount} EUR", "from": text_of(a), "to": text_of(b)}
        for kind, amount, a, b in (
            ("usage_charge", "120.00", "2026-01-01", "2026-02-01"),
            ("prepaid", "-100.00", "2026-01-01", "2026-02-01"),
            ("fixed_fee", "900.00", "2026-01-01", "2026-04-01"),
        )
    ]
    assert accrued(rows, "p", frozenset(), end=wall("2026-02-01"), where=BERLIN) == (
        Transfer("deferred:prepaid", "unbilled:p", eur("100.00")),
        Transfer("unbilled:p", "revenue:fixed_fee", eur("310.00")),
        Transfer("unbilled:p", "revenue:usage_charge", eur("120.00")),
    ), "900.00 x 31 / 90 = 310.00"


@given(
    amount=st.decimals("-99999", "99999", places=2),
    days=st.tuples(st.integers(1, 400), st.integers(1, 400), st.integers(1, 800)),
)
def test_shares_come_to_the_amount_and_a_credit_note_takes_back_the_same(
    amount: Decimal, days: tuple[int, int, int]
) -> None:
    start, cut = (datetime(2026, 1, 1, 9, tzinfo=UTC) + n * (wall("2026-01-02") - wall("2026-01-01")) for n in days[:2])
    span = start, start + days[2] * (wall("2026-01-02") - wall("2026-01-01"))
    now, later = earned(Money(amount, "EUR"), span, cut, BERLIN)
    assert Money.total([now, *later.values()], "EUR").amount == amount
    back, then = earned(Money(-amount, "EUR"), span, cut, BERLIN)
    assert (-back, {day: -part for day, part in then.items()}) == (now, later)


@pytest.mark.parametrize(
    ("whole", "parts"), [("101 JPY", ["20", "61", "20"]), ("1.001 KWD", ["0.200", "0.601", "0.200"])]
)
def test_currencies_of_none_and_three_decimals(whole: str, parts: list[str]) -> None:
    # 10 days of March, 30 of April, 10 of May: 20.2 + 60.6 + 20.2, 0.2002 + 0.6006 + 0.2002
    span = wall("2026-03-22"), wall("2026-05-11")
    now, later = earned(Money.parse(whole), span, wall("2026-03-22"), BERLIN)
    assert not now
    assert [f"{part.amount:f}" for part in later.values()] == parts
