from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest

from billing.case import Last
from billing.check import blocking
from billing.gate import Pair, changes, gaps
from billing.invoice import Draft, draw_up
from billing.tax import Tax
from core.money import Money
from tests.unit.billing.example import BUYER, SELLER, W18, agreement, draft, evaluated, line, verdict

NOBODY = type(BUYER)(BUYER.name, BUYER.address, BUYER.country, "")
NEAR = type(BUYER)("Spedition GmbH", "Kai 1, Kiel", "DE", "DE136695976")
PRINTED = {"seller": asdict(SELLER), "buyer": asdict(NEAR), "purchase_order": ""}


def drawn(*lines: dict[str, Any], last: Last | None = None, tax: Tax | None = None, buyer: Any = NEAR) -> Draft:
    terms = agreement(tax or Tax("S", Decimal(19)))
    return draw_up(evaluated(*lines), terms, seller=SELLER, buyer=buyer, payment_days=30, last=last)


def before(amount: str, clause: str = "2.2") -> Last:
    euro = Money.parse(f"{amount} EUR")
    return Last("TS-2026-00001", euro, {(clause, "T1"): euro}, PRINTED)


def codes(found: Draft) -> list[str]:
    return [item.code for item in found.findings]


def test_a_draft_like_the_last_one_has_no_findings() -> None:
    assert codes(drawn(line("2.2", "usage_charge", "419.00 EUR"), last=before("400.00"))) == []


@pytest.mark.parametrize(("amount", "found"), [("1000.00", []), ("1000.01", ["outlier"]), ("159.99", ["outlier"])])
def test_a_total_beyond_two_and_a_half_times_the_last_is_an_outlier(amount: str, found: list[str]) -> None:
    # 400.00 * 2.5 = 1000.00; 400.00 / 2.5 = 160.00
    assert codes(drawn(line("2.2", "usage_charge", f"{amount} EUR"), last=before("400.00"))) == found


def test_a_charge_that_is_gone_and_a_device_that_stands_still_are_seen() -> None:
    assert codes(drawn(line("2.2", "usage_charge", "400.00 EUR"), last=before("400.00", "2.1"))) == [
        "missing_charge",
        "new_charge",
    ]
    lines = line("2.1", "fixed_fee", "400.00 EUR"), line("2.2", "usage_charge", "0.00 EUR")
    finding, _ = drawn(*lines, last=before("300.00")).findings
    assert (finding.code, finding.at_risk) == ("zero_use", "300.00")


def test_credits_above_a_quarter_of_the_charges_are_seen() -> None:
    lines = line("2.1", "fixed_fee", "100.00 EUR"), line("4.2", "availability", "-25.01 EUR")
    last = before("100.00", "2.1")
    assert codes(drawn(*lines, last=last)) == ["large_credit"]
    assert codes(drawn(lines[0], line("4.2", "availability", "-25.00 EUR"), last=last)) == []


def test_reverse_charge_needs_both_vat_ids() -> None:
    reverse = Tax("AE", Decimal(0))
    found = drawn(line("2.1", "fixed_fee", "100.00 EUR"), tax=reverse, buyer=NOBODY)
    assert [item.message for item in found.findings if item.severity == "blocking"] == [
        "category AE needs the VAT id of the buyer, which is not set up"
    ]
    assert found.blocked
    assert codes(drawn(line("2.1", "fixed_fee", "100.00 EUR"), tax=reverse, buyer=BUYER)) == ["first_invoice"]


@pytest.mark.parametrize(
    ("category", "rate", "needed"), [("S", 19, True), ("Z", 0, True), ("E", 0, False), ("O", 0, False)]
)
def test_who_charges_tax_has_a_vat_id(category: str, rate: int, needed: bool) -> None:  # noqa: FBT001
    """EN 16931, BR-S-02, BR-Z-02; who is exempt may have a tax number alone."""
    terms = agreement(Tax(category, Decimal(rate)))
    seller = type(SELLER)(SELLER.name, SELLER.address, SELLER.country, "")
    lines = evaluated(line("2.1", "fixed_fee", "100.00 EUR"))
    found = draw_up(lines, terms, seller=seller, buyer=NOBODY, payment_days=30)
    said = [item.message for item in found.findings if item.code == "vat_id_missing"]
    assert said == ([f"category {category} needs the VAT id of the seller, which is not set up"] if needed else [])


def test_an_overridden_finding_does_not_block() -> None:
    found = draft(evaluated(*W18, verdicts=(verdict(status="insufficient"),))).findings
    assert [item.code for item in blocking(found)] == ["facts_missing"]
    assert blocking(found, frozenset({"facts_missing"})) == ()
    assert found[0].at_risk == "2599.89"


def test_a_gap_names_both_numbers() -> None:
    pairs = Pair("lines, and totals", Decimal("1.00"), Decimal("1.01")), Pair("others", Decimal(2), Decimal("2.0"))
    assert [str(pair) for pair in gaps(pairs)] == ["lines, and totals: 1.00 is not 1.01"]


def test_two_revisions_differ_in_the_lines_that_changed() -> None:
    old = draft(evaluated(line("2.1", "fixed_fee", "100.00 EUR"), line("2.2", "usage_charge", "5.00 EUR"))).document
    new = draft(evaluated(line("2.1", "fixed_fee", "100.00 EUR"), line("2.2", "usage_charge", "6.00 EUR"))).document
    (change,) = changes("C-18", old, new)
    assert (change.before, change.after) == (Decimal("5.00"), Decimal("6.00"))
    assert len(changes("C-18", None, new)) == 2
