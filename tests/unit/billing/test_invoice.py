from datetime import date
from decimal import Decimal

import pytest

from billing.chain import content_hash
from billing.invoice import issued
from billing.tax import Tax
from core import canonical
from tests.unit.billing.example import W18, agreement, draft, evaluated, line, verdict


def test_the_worked_case_comes_to_its_net_tax_and_gross() -> None:
    # 1850.00 + 264.60 + 154.40 - 92.50 + 8.28 = 2184.78; 19 % are 415.1082
    found = draft(evaluated(*W18)).document
    assert (found["net"], found["tax_total"], found["gross"]) == ("2184.78", "415.11", "2599.89")


def test_a_credit_outside_the_scope_of_tax_does_not_lessen_the_tax() -> None:
    # 1850.00 + 264.60 + 154.40 + 8.28 = 2277.28; 19 % are 432.6832
    found = draft(evaluated(*W18), agreement(of_credits="outside_scope")).document
    assert found["tax"] == [
        {"category": "O", "rate": "0", "base": "-92.50", "tax": "0.00"},
        {"category": "S", "rate": "19", "base": "2277.28", "tax": "432.68"},
    ]


def test_amounts_are_printed_with_the_decimals_of_the_currency() -> None:
    found = draft(evaluated(line("2.1", "fixed_fee", "1850 EUR"))).document
    assert (found["lines"][0]["amount"], found["net"]) == ("1850.00", "1850.00")


def test_without_a_tax_decision_nothing_may_be_issued() -> None:
    (reason,) = draft(evaluated(*W18), agreement(tax=None)).blocked
    assert reason.startswith("no tax decision")


def test_missing_facts_block_and_provisional_ones_warn() -> None:
    missing = draft(evaluated(*W18, verdicts=(verdict(status="insufficient"),)))
    provisional = draft(evaluated(*W18, verdicts=(verdict(status="provisional"),)))
    assert missing.blocked == ("clause 4.2, T1: facts are missing",)
    assert not provisional.blocked
    assert provisional.warnings[0] == "clause 4.2, T1: provisional, more facts may change it"


def test_a_negative_total_waits_for_a_credit_note() -> None:
    (reason,) = draft(evaluated(line("4.2", "availability", "-1.00 EUR"))).blocked
    assert reason == (
        "the total -1.19 EUR is negative, and no invoice of the contract stands that it could be credited on"
    )


def test_more_decimals_than_the_currency_has_block() -> None:
    (reason,) = draft(evaluated(line("2.1", "fixed_fee", "0.125 EUR"))).blocked
    assert "more decimals than EUR has (2)" in reason


def test_number_dates_and_random_names_do_not_change_the_content_hash() -> None:
    found = draft(evaluated(*W18))
    later = draft(evaluated(*W18, knowledge="K 9"))
    done = issued(
        later.document, id="inv_1", number="TS-2026-00001", issue_date=date(2026, 7, 5), due_date=date(2026, 8, 4)
    )
    assert content_hash(done) == found.hash


def test_a_document_is_sealed_as_canonical_json_with_no_float_in_it() -> None:
    found = draft(evaluated(*W18))
    steady = found.document | {"issue": None, "evaluation": dict(found.document["evaluation"])}
    for name in ("id", "knowledge", "result_hash"):
        del steady["evaluation"][name]
    del steady["issue"]
    assert found.sealed == (canonical.text(found.document), canonical.digest(steady))


def test_a_float_on_a_document_is_not_sealed() -> None:
    found = draft(evaluated(*W18)).document
    for wrong in (
        found | {"net": 2184.78},
        found | {"lines": [*found["lines"][1:], found["lines"][0] | {"amount": 1850.0}]},
    ):
        with pytest.raises(canonical.NotCanonical, match=r"net|amount"):
            content_hash(wrong)


@pytest.mark.parametrize("amount", ["1850.01 EUR", "1849.99 EUR"])
def test_a_cent_changes_the_content_hash(amount: str) -> None:
    other = (line("2.1", "fixed_fee", amount), *W18[1:])
    assert draft(evaluated(*other)).hash != draft(evaluated(*W18)).hash


def test_a_rate_written_with_zeros_is_the_same_rate() -> None:
    found = draft(evaluated(*W18), agreement(Tax("S", Decimal("19.00")))).document
    assert found["tax"][0]["rate"] == "19"


def test_a_line_carries_the_verdict_of_its_clause_and_asset() -> None:
    found = draft(evaluated(*W18, verdicts=(verdict(),))).document
    assert [item["verdict"] is not None for item in found["lines"]] == [False, False, False, True, False]
    assert found["lines"][3]["sentence"] == "Each truck is available for 98 %."


def test_each_line_says_why_it_is_taxed_so() -> None:
    found = draft(evaluated(*W18), agreement(of_credits="outside_scope")).document
    assert [line["tax"]["rule"] for line in found["lines"][2:4]] == ["contract", "tax_of_credits: outside_scope"]
