"""What a bank says it took back, and which payment that is."""

from datetime import date

import pytest

from billing.camt import Credit, Return, read_statement
from billing.statement import Received, match, which
from core.money import Money
from core.problem import Problem
from tests.unit.billing.statement import INFO, ORIGINAL, camt, entry, returned

DAY = date(2026, 7, 24)


def euro(text: str) -> Money:
    return Money.parse(f"{text} EUR")


def read(*rows: str) -> list[object]:
    return list(read_statement(camt(rows)))


def test_a_returned_direct_debit_is_its_amount_its_fee_and_its_reason() -> None:
    row = returned("R1", "2204.50", "TS-2026-00001", amounts=ORIGINAL.format(amount="2201.50"))
    # 2204.50 taken for what was 2201.50: 3.00 are the bank's
    expected = Return("R1/0", DAY, euro("2201.50"), euro("3.00"), "TS-2026-00001", "AC04", "Konto aufgeloest")
    assert read(row) == [expected]


def test_charges_alone_and_none_at_all() -> None:
    charges = (
        '<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">3.00</TtlChrgsAndTaxAmt><Rcrd><Amt Ccy="EUR">3.00</Amt></Rcrd></Chrgs>'
    )
    old = '<Chrgs><Amt Ccy="EUR">2.00</Amt></Chrgs><Chrgs><Amt Ccy="EUR">1.00</Amt></Chrgs>'
    apart = charges.replace("<Rcrd>", "<Rcrd><ChrgInclInd>false</ChrgInclInd>")
    for amounts, fee in ((charges, "3.00"), (old, "3.00"), (apart, "0.00"), ("", "0.00")):
        (found,) = read(returned("R1", "2204.50", "E1", amounts=amounts))
        assert isinstance(found, Return)
        assert (found.amount + found.fee, found.fee) == (euro("2204.50"), euro(fee)), amounts


def test_a_reversed_booking_is_a_return_without_a_reason() -> None:
    (found,) = read(returned("R1", "100.00", "E1", info="", reversal=True))
    assert isinstance(found, Return)
    assert (found.amount, found.reason, found.end_to_end) == (euro("100.00"), "", "E1")


def test_other_money_out_is_left_out_and_ours_that_came_back_waits() -> None:
    rent = entry("B1", "7.00", "rent", side="DBIT")
    undone = entry("B2", "7.00", "rent").replace("</CdtDbtInd>", "</CdtDbtInd><RvslInd>true</RvslInd>")
    bounced = entry("B3", "50.00", "refund of TS-2026-00001").replace("</RmtInf>", f"</RmtInf>{INFO}")
    (found,) = read(rent, undone, bounced)
    assert isinstance(found, Credit)
    assert (found.key, found.bounced) == ("B3/0", True)
    assert match(found, []).by == "none"


def test_a_return_that_takes_less_than_what_it_returns_refuses_the_file() -> None:
    row = returned("R1", "100.00", "E1", amounts=ORIGINAL.format(amount="100.01"))
    (problem,) = read(row)
    assert isinstance(problem, Problem)
    assert "statement S1, entry R1" in str(problem)
    assert "it takes 100.00 EUR for what was 100.01 EUR" in str(problem)


BATCH = """<TxDtls><Refs><EndToEndId>E{n}</EndToEndId></Refs><Amt Ccy="EUR">{amount}</Amt>{info}</TxDtls>"""


def test_of_a_batch_only_what_was_returned_is() -> None:
    row = entry("B1", "150.00", "x", side="DBIT")
    inner = BATCH.format(n=1, amount="100.00", info=INFO) + BATCH.format(n=2, amount="50.00", info="")
    found = read(row[: row.index("<TxDtls>")] + inner + row[row.index("</NtryDtls>") :])
    assert found == [Return("B1/0", date(2026, 7, 20), euro("100.00"), euro("0.00"), "E1", "AC04", "Konto aufgeloest")]


def received(number: int, amount: str = "100.00", end_to_end: str = "E1", *, gone: bool = False) -> Received:
    return Received(number, f"B{number}/0", euro(amount), end_to_end, "E1 invoice", gone)


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        ([received(1)], 1),
        ([received(1, "99.00")], None),
        ([received(1), received(2)], None),
        ([received(1, end_to_end="E2"), received(2)], 2),
        ([received(1, end_to_end="")], 1),
        ([received(1, gone=True), received(2)], 2),
        ([received(1, gone=True)], 1),
        ([], None),
    ],
)
def test_a_return_is_of_the_one_payment_of_its_end_to_end_id_and_amount(
    payments: list[Received], expected: int | None
) -> None:
    item = Return("R1/0", DAY, euro("100.00"), euro("3.00"), "E1", "AC04", "")
    found = which(item, payments)
    assert (found and found.id) == expected


def test_without_an_end_to_end_id_nobody_can_tell() -> None:
    assert which(Return("R1/0", DAY, euro("100.00"), euro("0.00"), "", "AC04", ""), [received(1)]) is None
