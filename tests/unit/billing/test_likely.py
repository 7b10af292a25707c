from dataclasses import asdict, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.case import Demands, Finding, Last, Material
from billing.exchange import Local, Rate
from billing.invoice import Line, Party, draw_up
from billing.tax import Tax
from core.money import Money
from tests.unit.billing.example import BUYER, SELLER, agreement, draft, evaluated, line

NEAR = Party("Spedition GmbH", "Kai 1, Kiel", "DE", "DE136695976")
FEE = line("2.1", "fixed_fee", "100.00 EUR")
STANDARD, REVERSE = Tax("S", Decimal(19)), Tax("AE", Decimal(0))


def before(*keys: tuple[str, str], buyer: Party = NEAR, order: str = "") -> Last:
    """An invoice of 100.00 for each clause and asset."""
    euro = Money.parse("100.00 EUR")
    printed = {"seller": asdict(SELLER), "buyer": asdict(buyer), "purchase_order": order}
    return Last("TS-2026-00001", Money(100 * Decimal(len(keys)), "EUR"), dict.fromkeys(keys, euro), printed)


def found(code: str, *lines: dict[str, Any], tax: Tax = STANDARD, **given: Any) -> list[Finding]:
    """What is said under this code of a draft to NEAR after an invoice like it, unless given otherwise."""
    words: dict[str, Any] = {"seller": SELLER, "buyer": NEAR, "payment_days": 30, "last": before(("2.1", "T1"))}
    document = draw_up(evaluated(*(lines or (FEE,))), agreement(tax), **(words | given))
    return [item for item in document.findings if item.code == code]


def test_a_draft_like_the_one_before_is_likely() -> None:
    words: dict[str, Any] = {"seller": SELLER, "buyer": NEAR, "payment_days": 30}
    assert draw_up(evaluated(FEE), agreement(), **words, last=before(("2.1", "T1"))).findings == ()


def test_a_first_invoice_is_looked_at() -> None:
    (item,) = found("first_invoice", last=None)
    assert (item.severity, item.at_risk) == ("warning", "100.00")
    assert found("first_invoice") == []


def test_new_charges_are_told_once_a_clause_and_promises_are_none() -> None:
    lines = [line("3.1", "usage_charge", f"{n}.00 EUR", asset=f"T{n}") for n in range(1, 6)]
    credit, surcharge = line("4.2", "availability", "-1.00 EUR"), line("4.3", "performance", "1.00 EUR")
    (item,) = found("new_charge", FEE, *lines, credit, surcharge)
    # 1 + 2 + 3 + 4 + 5 = 15
    assert (item.message, item.at_risk) == ("clause 3.1, T1, T2, T3 and 2 more: 15.00, not on TS-2026-00001", "15.00")


def test_more_or_fewer_assets_are_seen() -> None:
    (more,) = found("device_count", FEE, line("2.1", "fixed_fee", "1.00 EUR", asset="T2"))
    assert more.message == "lines for 2 assets, after 1 asset on TS-2026-00001"
    (fewer,) = found("device_count", FEE, last=before(("2.1", "T1"), ("2.1", "T2")))
    assert fewer.message == "lines for 1 asset, after 2 assets on TS-2026-00001"
    assert found("device_count", line("2.1", "fixed_fee", "1.00 EUR", asset="T2")) == []


def test_what_changed_of_seller_and_buyer_is_named() -> None:
    moved = replace(NEAR, address="Kai 9, Kiel", vat_id="")
    (item,) = found("master_data_changed", buyer=moved, last=before(("2.1", "T1"), order="PO-7"))
    assert item.message == (
        "changed since TS-2026-00001: buyer's address was Kai 1, Kiel, is Kai 9, Kiel; "
        "buyer's VAT id was DE136695976, is empty; purchase order was PO-7, is empty"
    )
    assert item.at_risk == "119.00"  # 100.00 and 19 %
    (item,) = found("master_data_changed", seller=replace(SELLER, vat_id="DE129273398"))
    assert "seller's VAT id was DE123456788, is DE129273398" in item.message


@pytest.mark.parametrize(("day", "stale"), [("2026-06-26", False), ("2026-06-25", True)])
def test_a_rate_more_than_four_days_before_the_tax_point_is_seen(day: str, stale: bool) -> None:  # noqa: FBT001
    # June 30 less four days is June 26.
    rates = (Rate("ECB", date.fromisoformat(day), "EUR", "USD", Decimal("1.0823")),)
    fee = line("2.1", "fixed_fee", "100.00 USD")
    said = found("exchange_rate_old", fee, last=None, local=Local("EUR", rates, date(2026, 6, 30)))
    assert [item.at_risk for item in said] == (["19.00"] if stale else [])


@pytest.mark.parametrize(
    ("tax", "buyer", "expected"),
    [
        (STANDARD, BUYER, "19 % tax of DE for a business in NL; reverse charge (AE) would be expected"),
        (STANDARD, replace(BUYER, vat_id=""), None),  # a consumer, as far as is known
        (STANDARD, replace(BUYER, country="CH"), None),
        (REVERSE, BUYER, None),
        (REVERSE, NEAR, "category AE, and the buyer is in DE, the seller in DE"),
        (Tax("K", Decimal(0)), replace(BUYER, country="CH"), "category K, and the buyer is in CH, the seller in DE"),
        (STANDARD, NEAR, None),
    ],
)
def test_tax_that_does_not_go_with_the_countries_is_seen(tax: Tax, buyer: Party, expected: str | None) -> None:
    said = found("tax_unlikely", tax=tax, buyer=buyer)
    assert [item.message for item in said] == ([expected] if expected else [])
    assert all(item.severity == "warning" for item in said)


def correction(amount: str) -> Line:
    """A line for the period before."""
    (row,) = draft(evaluated(line("2.1", "fixed_fee", f"{amount} EUR"))).lines
    return row._replace(document=row.document | {"corrects": {"period": "2026-05"}})


def test_corrections_above_a_tenth_of_the_charges_are_seen() -> None:
    assert found("large_correction", deltas=[correction("10.00")]) == []
    (item,) = found("large_correction", deltas=[correction("-10.01")])
    assert item.at_risk == "10.01"
    # What is added and what is taken do not hide each other.
    assert len(found("large_correction", deltas=[correction("6.00"), correction("-6.00")])) == 1


def test_a_charge_up_to_the_minimum_is_seen() -> None:
    (item,) = found("minimum_charged", FEE, line("6.1", "minimum_commitment", "50.00 EUR", asset=""))
    assert (item.message, item.at_risk) == ("clause 6.1: 50.00 are charged up to the agreed minimum", "50.00")
    assert found("minimum_charged", FEE, line("6.1", "minimum_commitment", "0.00 EUR", asset="")) == []


def test_who_pays_nothing_without_a_purchase_order_gets_no_invoice_without_one() -> None:
    (item,) = found("purchase_order_missing", demands=Demands(order=True))
    assert (item.severity, item.at_risk) == ("blocking", "119.00")
    assert found("purchase_order_missing", demands=Demands(order=True), purchase_order="PO-7") == []
    assert found("purchase_order_missing") == []


def test_what_a_debtor_must_be_named_with_blocks() -> None:
    for code, demands in (
        ("mandate_missing", Demands(mandate=True)),
        ("leitweg_id_missing", Demands(leitweg=True)),
    ):
        (item,) = found(code, demands=demands)
        # 100.00 and 19 %
        assert (item.severity, item.at_risk) == ("blocking", "119.00")
        assert found(code) == []


def test_a_debtor_who_has_paid_too_much_is_told_of() -> None:
    euro = Money.parse
    (item,) = found("credit_balance", demands=Demands(balance=(euro("7.00 USD"), euro("50.00 EUR"))))
    assert (item.message, item.at_risk) == ("Spedition GmbH has 50.00 EUR paid too much", "50.00")
    assert found("credit_balance", demands=Demands(balance=(euro("7.00 USD"),))) == []


MATERIAL = Material(Decimal("0.2"), Money.parse("30.00 EUR"))


@pytest.mark.parametrize(
    ("amount", "material", "expected"),
    [
        # After 100.00: the larger of 20 % = 20.00 and 30.00
        ("130.00", MATERIAL, []),
        ("130.01", MATERIAL, ["30.01"]),
        ("69.99", MATERIAL, ["30.01"]),
        ("250.01", MATERIAL, []),  # an outlier says it
        ("130.01", None, []),
        # The amount is of another currency: 20 % alone
        ("120.01", Material(Decimal("0.2"), Money.parse("30.00 USD")), ["20.01"]),
        ("120.00", Material(Decimal("0.2"), Money.parse("30.00 USD")), []),
    ],
)
def test_a_total_that_moves_by_more_than_is_material(
    amount: str, material: Material | None, expected: list[str]
) -> None:
    items = found("changed_total", line("2.1", "fixed_fee", f"{amount} EUR"), demands=Demands(material=material))
    assert [item.at_risk for item in items] == expected


@pytest.mark.parametrize(
    ("amounts", "material", "expected"),
    [
        (("100.00", "250.00"), None, []),
        # T1 250.01 after a median of 100.00, T2 39.99: 150.01 + 60.01
        (("250.01", "39.99"), None, [("T1 250.01 after 100.00, T2 39.99 after 100.00", "210.02")]),
        (
            ("250.01", "39.99"),
            Material(Decimal("0.2"), Money.parse("100.00 EUR")),
            [("T1 250.01 after 100.00", "150.01")],
        ),
        (("0.00", "100.00"), None, [("T1 0.00 after 100.00", "100.00")]),
    ],
)
def test_a_device_far_from_the_median_of_its_three_months(
    amounts: tuple[str, str], material: Material | None, expected: list[tuple[str, str]]
) -> None:
    lines = [line("2.2", "usage_charge", f"{x} EUR", asset=f"T{n}") for n, x in enumerate(amounts, start=1)]
    usual = {name: Money.parse("100.00 EUR") for name in ("T1", "T2")}
    last = replace(before(("2.2", "T1"), ("2.2", "T2")), usual=usual)
    items = found("unusual_device", *lines, last=last, demands=Demands(material=material))
    prefix = "beside the median of three invoices: "
    assert [(item.message.removeprefix(prefix), item.at_risk) for item in items] == expected
