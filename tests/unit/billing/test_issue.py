from datetime import date

import pytest

from billing.breach import Breach, report
from billing.chain import chain_hash, digest_of_sorted, run_hash
from billing.invoice import issued
from billing.number import NoNumbers, following, number
from billing.posting import balance, post
from billing.state import NotPossible, after
from core import canonical
from core.money import Money
from tests.unit.billing.example import W18, agreement, draft, evaluated, verdict

ZERO = Money.zero("EUR")


def test_numbers_are_printed_with_series_and_year() -> None:
    assert number("TS", "invoice", year=2026, n=184) == "TS-2026-00184"
    assert number("TS", "credit_note", year=2026, n=7) == "TS-C-2026-00007"
    assert number("TS", "invoice", year=2026, n=123456) == "TS-2026-123456"


def test_numbers_follow_without_a_gap() -> None:
    assert list(following(0, 3)) == [1, 2, 3]
    assert list(following(3, 2)) == [4, 5]
    with pytest.raises(NoNumbers):
        following(3, 0)


def test_postings_balance_and_come_to_the_gross_amount() -> None:
    document = draft(evaluated(*W18)).document
    transfers = post(document, "par_1")
    assert {f"{t.debit} < {t.credit} {t.amount}" for t in transfers} == {
        "receivable:par_1 < revenue:fixed_fee 1850.00 EUR",
        "receivable:par_1 < revenue:usage_charge 419.00 EUR",  # 264.60 + 154.40
        "receivable:par_1 < revenue:obligation 8.28 EUR",
        "revenue_reduction:availability < receivable:par_1 92.50 EUR",
        "receivable:par_1 < vat:S:19 415.11 EUR",
    }
    assert balance(transfers, "receivable:par_1", ZERO) == Money.parse("2599.89 EUR")
    assert balance(transfers, "revenue_reduction:availability", ZERO) == Money.parse("92.50 EUR")


def test_nothing_is_booked_for_nothing() -> None:
    terms = agreement(of_credits="outside_scope")
    assert all(t.amount.amount > 0 for t in post(draft(evaluated(*W18), terms).document, "par_1"))


def test_each_link_of_the_chain_depends_on_the_one_before() -> None:
    day = date(2026, 7, 5)
    first = chain_hash("", "content", number="TS-2026-00001", issue_date=day)
    second = chain_hash(first, "content", number="TS-2026-00002", issue_date=day)
    forged = chain_hash("", "other", number="TS-2026-00001", issue_date=day)
    assert len({first, second, chain_hash(forged, "content", number="TS-2026-00002", issue_date=day)}) == 3


def test_the_hash_of_a_run_does_not_depend_on_the_order_of_its_drafts() -> None:
    assert run_hash([("C-1", "a"), ("C-2", "b")]) == run_hash([("C-2", "b"), ("C-1", "a")])
    assert run_hash([("C-1", "a"), ("C-2", "b")]) != run_hash([("C-1", "b"), ("C-2", "a")])


def test_a_run_goes_its_way_and_no_other() -> None:
    assert after("approved", "issue") == "issuing"
    assert after("approved", "collect") == "collecting"
    with pytest.raises(
        NotPossible, match="in_review cannot issue; possible now: collect, exclude, override, approve, cancel"
    ):
        after("in_review", "issue")
    with pytest.raises(NotPossible, match="nothing more"):
        after("issued", "cancel")


def test_a_breach_report_names_times_outages_credit_and_the_line_that_gives_it() -> None:
    found = evaluated(*W18, verdicts=(verdict(),))
    invoice = issued(
        draft(found).document,
        id="inv_1",
        number="TS-2026-00001",
        issue_date=date(2026, 7, 5),
        due_date=date(2026, 8, 4),
    )
    breach = Breach("bre_1", "4.2", "T1", "provider", "98 %", "97.0279 %", Money.parse("92.50 EUR"))
    document = report("rep_1", breach, found, invoice)
    assert [document[name] for name in ("target", "measured", "counted", "down", "credit")] == [
        "98 %", "97.0279 %", "689.75 h", "20.5 h", "92.50",
    ]  # fmt: skip
    assert [item["asset"] for item in document["outages"]] == ["T1"]
    assert document["invoice"] == {"id": "inv_1", "number": "TS-2026-00001", "line": 4}
    assert document["sentence"] == "Each truck is available for 98 %."


def test_drafts_one_after_the_other_give_the_hash_of_their_list() -> None:
    for drafts in ([], [("C-1", "a")], [('C "2" ü', "b"), ("C-1", "a"), ("C-3", "c")]):
        assert digest_of_sorted(iter(drafts)) == canonical.digest(drafts) == run_hash(reversed(drafts))
