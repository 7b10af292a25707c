from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from billing.correction import cancellation
from billing.exchange import Local, NoRate, Rate, convert, read_rates, tax_in
from billing.invoice import Draft, Party, draw_up, issued
from core.money import Money
from core.problem import Problem
from tests.unit.billing.example import W18, agreement, evaluated

JUNE_30 = date(2026, 6, 30)


def rate(quote: str, value: str) -> Rate:
    return Rate("ECB", JUNE_30, "EUR", quote, Decimal(value))


RATES = (rate("USD", "1.0823"), rate("HUF", "398.45"))
FILE = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
  xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <Cube><Cube time='2026-06-30'><Cube currency='USD' rate='1.0823'/><Cube currency='HUF' rate='398.45'/></Cube></Cube>
</gesmes:Envelope>"""


@pytest.mark.parametrize(
    ("amount", "into", "expected", "used"),
    [
        ("100.00 EUR", "USD", "108.23 USD", 1),
        ("100.00 USD", "EUR", "92.40 EUR", 1),  # 100 / 1.0823 = 92.3958…
        ("100.00 USD", "HUF", "36815.12 HUF", 2),  # 100 / 1.0823 × 398.45 = 36815.1159…
        ("-100.00 USD", "EUR", "-92.40 EUR", 1),
    ],
)
def test_an_amount_is_turned_over_and_rounded_once(amount: str, into: str, expected: str, used: int) -> None:
    found, rates = convert(Money.parse(amount), into, RATES)
    assert (str(found), len(rates)) == (expected, used)


def test_without_a_rate_nothing_is_guessed() -> None:
    with pytest.raises(NoRate):
        convert(Money.parse("1.00 GBP"), "EUR", RATES)
    words = tax_in(Money.parse("1.00 GBP"), Local("EUR", RATES))
    assert (words["currency"], words["tax_total"]) == ("EUR", None)


def drawn(currency: str, rates: tuple[Rate, ...]) -> Draft:
    lines = [row | {"amount": row["amount"].replace("EUR", currency)} for row in W18]
    party = Party("A", "B", "DE", "DE123456788")
    local = Local("EUR", rates)
    return draw_up(evaluated(*lines), agreement(), seller=party, buyer=party, payment_days=30, local=local)


def test_tax_is_shown_in_the_sellers_currency_with_source_and_day_and_a_credit_note_takes_the_same_rate() -> None:
    document = drawn("USD", RATES).document
    # 415.11 / 1.0823 = 383.5443…
    assert document["tax_in"] == {
        "currency": "EUR",
        "tax_total": "383.54",
        "rates": [{"source": "ECB", "base": "EUR", "quote": "USD", "day": "2026-06-30", "rate": "1.0823"}],
    }
    done = issued(document, id="inv_1", number="TS-2026-00001", issue_date=JUNE_30, due_date=JUNE_30)
    note = cancellation(done, "wrong customer").document
    assert note["tax_in"] == document["tax_in"] | {"tax_total": "-383.54"}
    assert "tax_in" not in drawn("EUR", RATES).document


def test_without_a_rate_the_draft_is_blocked() -> None:
    assert [x.code for x in drawn("USD", ()).findings if x.severity == "blocking"] == ["no_exchange_rate"]


def test_the_file_of_the_central_bank_is_read_and_another_is_refused() -> None:
    assert read_rates(FILE) == RATES
    assert replace(RATES[0], quote="GBP") not in read_rates(FILE)
    evil = b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><d>&x;</d>'
    for source in (b"<d/>", b"{}", evil, FILE.replace(b"1.0823", b"-1"), FILE.replace(b"USD", b"XQX")):
        found = read_rates(source)
        assert isinstance(found[0], Problem), source
