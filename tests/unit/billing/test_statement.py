import time
from datetime import date

import pytest

from billing.camt import Credit, read_statement
from billing.statement import Owed, match
from core.money import Money
from core.problem import Problem
from tests.unit.billing.statement import camt, entry


def euro(text: str) -> Money:
    return Money.parse(f"{text} EUR")


def credit(amount: str, text: str, payer: str = "Haulier BV") -> Credit:
    return Credit("B1/0", date(2026, 7, 20), euro(amount), payer, text)


OWED = (
    Owed("TS-2026-00001", euro("100.00"), "Haulier BV"),
    Owed("TS-2026-00002", euro("50.00"), "Haulier BV"),
    Owed("TS-2026-000012", euro("70.00"), "Other BV"),
)


def test_booked_credits_are_read_and_nothing_else() -> None:
    rows = [
        entry("B1", "100.00", "TS-2026-00001"),
        entry("B2", "7.00", "fee", side="DBIT"),
        entry("B3", "8.00", "later", status="PDNG"),
    ]
    assert read_statement(camt(rows)) == (
        Credit("B1/0", date(2026, 7, 20), euro("100.00"), "Haulier BV", "NOTPROVIDED TS-2026-00001"),
    )


def test_what_is_no_statement_is_refused_and_no_entity_is_read() -> None:
    evil = b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]><d><Stmt>&x;</Stmt></d>'
    for source in (b"<d/>", b"{}", evil):
        (problem,) = read_statement(source)
        assert isinstance(problem, Problem)


def test_a_bomb_of_entities_is_refused_at_once() -> None:
    layers = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE d [<!ENTITY l0 "ha">{layers}]>'
    begun = time.process_time()
    for body in ("<d><Stmt>&l9;</Stmt></d>", '<d><Stmt a="&l9;"/></d>', "<d>" * 100_000):
        (problem,) = read_statement(f"{head}{body}".encode())
        assert isinstance(problem, Problem)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("<BookgDt><Dt>2026-07-20</Dt></BookgDt>", "", "it has no day"),
        ("<Dt>2026-07-20</Dt>", "<Dt>20.07.2026</Dt>", "its day '20.07.2026' is none"),
        ('<Amt Ccy="EUR">100.00</Amt>', "", "it has no amount"),
        ("100.00", "100,00", "its amount '100,00 EUR' is none"),
        ("100.00", "", "its amount ' EUR' is none"),
        ("100.00", "-100.00", "above zero"),
        ("100.00", "0.00", "above zero"),
        ("100.00", "100.001", "in whole parts of the currency"),
        ("100.00", "1E+999999", "is none"),
        ("100.00", "NaN", "is none"),
        ('Ccy="EUR"', 'Ccy="EUX"', "ISO 4217"),
        (' Ccy="EUR"', "", "ISO 4217"),
    ],
)
def test_an_entry_that_cannot_be_read_refuses_the_file_and_says_where(before: str, after: str, said: str) -> None:
    rows = entry("B1", "7.00", "x") + entry("B2", "100.00", "TS-2026-00001").replace(before, after, 1)
    found = read_statement(camt([rows]))
    assert len(found) == 1
    assert isinstance(found[0], Problem)
    assert "statement S1, entry B2" in str(found[0])
    assert said in str(found[0])


def test_the_day_of_effect_stands_for_a_missing_day_of_booking() -> None:
    row = entry("B1", "7.00", "x").replace("BookgDt", "ValDt")
    (found,) = read_statement(camt([row]))
    assert isinstance(found, Credit)
    assert found.day == date(2026, 7, 20)


def test_what_the_bank_does_not_name_is_known_again_in_another_statement() -> None:
    row, other = (entry("NONREF", amount, "TS-2026-00001") for amount in ("7.00", "8.00"))
    daily, monthly = camt([row, row, other]), camt([other, row, row]).replace(b"<Id>S1</Id>", b"<Id>S2</Id>")
    keys = [[x.key for x in read_statement(source) if isinstance(x, Credit)] for source in (daily, monthly)]
    assert len(set(keys[0])) == 3, "two that are alike are two"
    assert set(keys[0]) == set(keys[1])


BATCH = (
    "<TxDtls><Refs><EndToEndId>E{n}</EndToEndId></Refs>{amount}<RmtInf><Ustrd>TS-2026-0000{n}</Ustrd></RmtInf></TxDtls>"
)


def batch(*amounts: str) -> bytes:
    row = entry("B1", "150.00", "x")
    inner = "".join(BATCH.format(n=n, amount=amount) for n, amount in enumerate(amounts, start=1))
    return camt([row[: row.index("<TxDtls>")] + inner + row[row.index("</NtryDtls>") :]])


def test_a_batch_is_taken_apart_where_its_amounts_come_to_the_whole() -> None:
    hundred, fifty = '<Amt Ccy="EUR">100.00</Amt>', '<AmtDtls><TxAmt><Amt Ccy="EUR">50.00</Amt></TxAmt></AmtDtls>'
    found = read_statement(batch(hundred, fifty))
    assert [(x.key, x.amount) for x in found if isinstance(x, Credit)] == [
        ("B1/0", euro("100.00")), ("B1/1", euro("50.00")),
    ]  # fmt: skip
    for other in ("", '<Amt Ccy="EUR">49.00</Amt>', '<Amt Ccy="USD">50.00</Amt>'):
        (whole,) = read_statement(batch(hundred, other))
        assert isinstance(whole, Credit)
        assert (whole.key, whole.amount) == ("B1/0", euro("150.00"))
        assert whole.text == "E1 TS-2026-00001 E2 TS-2026-00002", "what the payers wrote is kept"


def test_numbers_in_the_text_are_paid_in_order_and_the_rest_is_left() -> None:
    found = match(credit("160.00", "invoices ts-2026-00001 and TS-2026- 00002"), OWED)
    assert (found.by, found.rest) == ("number", euro("10.00"))
    assert found.paid == (("TS-2026-00001", euro("100.00")), ("TS-2026-00002", euro("50.00")))


def test_a_longer_number_is_another_invoice_and_less_money_pays_in_part() -> None:
    assert match(credit("30.00", "TS-2026-000012"), OWED).paid == (("TS-2026-000012", euro("30.00")),)


def test_without_a_number_only_one_invoice_of_payer_and_amount_is_paid() -> None:
    assert match(credit("50.00", "thanks", "HAULIER B.V."), OWED).paid == (("TS-2026-00002", euro("50.00")),)
    assert match(credit("50.00", "thanks", "Somebody"), OWED).by == "none"
    twice = (*OWED, Owed("TS-2026-00009", euro("50.00"), "Haulier BV"))
    assert match(credit("50.00", "thanks"), twice).by == "none"
