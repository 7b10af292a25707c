from datetime import date

from billing.statement import Credit, Owed, match, read_statement
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
