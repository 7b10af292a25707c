"""Several contracts on one document: the parts are the whole, and tax differs by its rounding alone."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.bundle import bundle_of, evaluation_of, of_bundle, part_of, together, why_apart
from billing.chain import content_hash
from billing.correction import cancellation
from billing.posting import balance, post
from billing.tax import Tax
from core.money import Money
from tests.unit.billing.example import agreement, draft, evaluated, line

LINES = st.lists(st.tuples(st.sampled_from(["T1", "T2", "T3", "Spare"]), st.integers(0, 10_000_000)), max_size=8)
DOCUMENTS = st.lists(LINES, min_size=2, max_size=6)
RATES = st.integers(0, 2700).map(lambda n: Decimal(n).scaleb(-2))
CENT = Decimal("0.01")


def _documents(rows: list[list[tuple[str, int]]], rate: Decimal) -> list[dict[str, Any]]:
    found = []
    for n, own in enumerate(rows):
        lines = [
            line(f"{k}", "fixed_fee", f"{Decimal(cents).scaleb(-2):f} EUR", asset=asset)
            for k, (asset, cents) in enumerate(own, start=1)
        ]
        document = draft(evaluated(*lines), agreement(Tax("S", rate))).document | {"contract": f"C-{n}"}
        found.append(of_bundle(document, {"T1": "north", "T2": "south", "T3": "north"}, "half_up"))
    return found


@given(DOCUMENTS, RATES)
def test_parts_and_groups_are_the_document(rows: list[list[tuple[str, int]]], rate: Decimal) -> None:
    documents = _documents(rows, rate)
    whole = together(documents)
    cents = sum(amount for own in rows for _, amount in own)
    assert Decimal(whole["net"]) == Decimal(cents).scaleb(-2) == sum(Decimal(part["net"]) for part in whole["parts"])
    assert [part["net"] for part in whole["parts"]] == [document["net"] for document in documents]
    assert [row["n"] for row in whole["lines"]] == list(range(1, len(whole["lines"]) + 1))
    for part in whole["parts"]:
        assert sum(Decimal(group["net"]) for group in part["groups"]) == Decimal(part["net"])
        for group in part["groups"]:
            inside = whole["lines"][group["first"] - 1 : group["last"]]
            assert sum(Decimal(row["amount"]) for row in inside) == Decimal(group["net"])
            assert {(row["part"], row["group"]) for row in inside} == {(part["n"], group["group"])}
    for document in documents:
        own = part_of(whole, document["contract"])
        assert sorted(row["id"] for row in own["lines"]) == sorted(row["id"] for row in document["lines"])
        assert own["evaluation"] == document["evaluation"]
        assert all(evaluation_of(whole, row) == document["evaluation"] for row in own["lines"])


@given(DOCUMENTS, RATES)
def test_tax_is_computed_once_on_the_sum(rows: list[list[tuple[str, int]]], rate: Decimal) -> None:
    documents = _documents(rows, rate)
    whole = together(documents)
    alone = sum(Decimal(document["tax_total"]) for document in documents)
    assert abs(Decimal(whole["tax_total"]) - Decimal(whole["net"]) * rate / 100) <= CENT / 2
    assert abs(Decimal(whole["tax_total"]) - alone) <= CENT / 2 * (len(documents) + 1)
    assert Decimal(whole["gross"]) == Decimal(whole["net"]) + Decimal(whole["tax_total"])
    booked = balance(post(whole, "par_1"), "receivable:par_1", Money.zero("EUR"))
    assert booked == Money(Decimal(whole["gross"]), "EUR")


@given(DOCUMENTS, RATES)
def test_crediting_the_whole_negates_every_part(rows: list[list[tuple[str, int]]], rate: Decimal) -> None:
    issue = {"id": "inv_1", "number": "TS-2026-00001", "issue_date": "2026-07-05"}
    whole = together(_documents(rows, rate)) | {"issue": issue}
    note = cancellation(whole, "wrong address").document
    assert [Decimal(note[name]) for name in ("net", "tax_total", "gross")] == [
        -Decimal(whole[name]) for name in ("net", "tax_total", "gross")
    ]
    assert [Decimal(part["net"]) for part in note["parts"]] == [-Decimal(part["net"]) for part in whole["parts"]]
    assert content_hash(whole) == content_hash(whole | {"issue": None})


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"currency": "CHF"}, "its currency is CHF, theirs EUR"),
        ({"payment_days": 7}, "its days of payment is 7, theirs 30"),
        ({"language": "de"}, "its language is de, theirs en"),
        ({"purchase_order": "PO 7"}, "its purchase order is PO 7, theirs none"),
        ({"buyer": {"name": "Other"}}, "its buyer is another"),
        ({"tax_in": {"currency": "PLN", "rate": "4.2"}}, "its tax is shown at another rate"),
        ({"kind": "credit_note"}, "its credits exceed its charges, so that it is a credit note on an earlier invoice"),
    ],
)
def test_what_keeps_documents_apart_is_named(changed: dict[str, Any], why: str) -> None:
    one, other = _documents([[], []], Decimal(19))
    assert bundle_of(True, one, "half_up") == bundle_of(True, other, "half_up") != ""
    assert list(why_apart(one, other)) == []
    assert bundle_of(True, one | changed, "half_up") != bundle_of(True, other, "half_up")
    assert list(why_apart(one | changed, other)) == [why]
