"""Laws of corrections: a cancellation negates, and what is billed after a difference is what is evaluated now."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from billing.correction import Billed, cancellation, correct, credit_note, way
from billing.invoice import Document, issued
from billing.posting import balance, post
from billing.tax import Tax
from core.money import Money
from tests.unit.billing.example import agreement, draft, evaluated, line

KINDS = st.sampled_from(["fixed_fee", "usage_charge", "availability"])
ROWS = st.lists(
    st.tuples(st.sampled_from("ABC"), KINDS, st.integers(-900_000, 900_000)), max_size=12, unique_by=lambda row: row[:2]
)
SOME = ROWS.filter(bool)
RATES = st.integers(0, 2700).map(lambda n: Decimal(n).scaleb(-2))
ZERO = Money.zero("EUR")


def rows(found: list[tuple[str, str, int]]) -> list[dict[str, object]]:
    clauses = {"fixed_fee": "2.1", "usage_charge": "2.2", "availability": "4.2"}
    return [
        line(clauses[kind], kind, f"{Decimal(cents).scaleb(-2):f} EUR", asset=asset) | {"id": f"{kind}{asset}"}
        for asset, kind, cents in found
    ]


def invoice(found: list[tuple[str, str, int]], rate: Decimal, of_credits: str = "price_reduction") -> Document:
    document = draft(evaluated(*rows(found)), agreement(Tax("S", rate), of_credits)).document
    return issued(document, id="inv_1", number="TS-2026-00001", issue_date=date(2026, 7, 5), due_date=date(2026, 8, 4))


def billed(*documents: Document) -> list[Billed]:
    return [
        Billed(
            row["clause"],
            row["kind"],
            row["asset"],
            Tax(row["tax"]["category"], Decimal(row["tax"]["rate"])),
            Money(Decimal(row["amount"]), "EUR"),
        )
        for document in documents
        for row in document["lines"]
    ]


@given(SOME, RATES, st.sampled_from(["price_reduction", "outside_scope"]))
def test_a_cancellation_is_the_exact_negation_for_each_group_of_tax_and_in_the_books(
    found: list[tuple[str, str, int]], rate: Decimal, of_credits: str
) -> None:
    document = invoice(found, rate, of_credits)
    note = cancellation(document, "wrong debtor").document
    for name in ("net", "tax_total", "gross"):
        assert Decimal(note[name]) == -Decimal(document[name])
    groups = [
        {(part["category"], part["rate"]): (Decimal(part["base"]), Decimal(part["tax"])) for part in each["tax"]}
        for each in (document, note)
    ]
    assert groups[1] == {key: (-base, -tax) for key, (base, tax) in groups[0].items()}
    assert Decimal(note["net"]) == sum(Decimal(row["amount"]) for row in note["lines"])
    moves = post(document, "par_1") + post(note, "par_1")
    assert balance(moves, "receivable:par_1", ZERO) == ZERO
    assert all(move.amount.amount > 0 for move in moves)
    assert {balance(moves, account, ZERO) for account in {move.credit for move in moves}} <= {ZERO}


@given(SOME, ROWS, RATES)
def test_what_was_billed_and_the_difference_come_to_what_is_evaluated_now(
    before: list[tuple[str, str, int]], now: list[tuple[str, str, int]], rate: Decimal
) -> None:
    document, after = invoice(before, rate), evaluated(*rows(now), knowledge="K 9")
    terms = agreement(Tax("S", rate))
    corrected = partial(
        correct,
        document,
        language="en",
        before=evaluated(*rows(before)),
        after=after,
        agreement=terms,
        reasons=["late readings"],
    )
    found = corrected(billed(document), place=(1, 7))
    old, new = (sum(cents for *_, cents in each) for each in (before, now))
    if found is None:
        assert {row for row in before if row[2]} == {row for row in now if row[2]}
        return
    assert found.net.amount == Decimal(new - old).scaleb(-2)
    note = credit_note(found, "half_up").document
    assert Decimal(note["gross"]) == found.net.amount + sum(Decimal(part["tax"]) for part in note["tax"])
    assert corrected(billed(document, note), place=(2, 7)) is None, "once billed, nothing is left"


@given(SOME, st.integers(-500, 500), st.integers(0, 500))
def test_small_differences_are_carried_and_only_lower_ones_are_credit_notes(
    rows_: list[tuple[str, str, int]], cents: int, least: int
) -> None:
    asset, kind, amount = rows_[0]
    document = invoice(rows_, Decimal(19))
    after = evaluated(*rows([(asset, kind, amount + cents), *rows_[1:]]))
    found = correct(
        document,
        billed(document),
        place=(1, 7),
        before=evaluated(*rows(rows_)),
        after=after,
        agreement=agreement(),
        reasons=["x"],
        language="en",
    )
    if found is None:
        assert cents == 0
        return
    limit = Money(Decimal(least).scaleb(-2), "EUR")
    expected = "carried" if abs(cents) < least else "credit_note" if cents < 0 else "delta_line"
    assert way(found, "credit_note", limit) == expected
    assert way(found, "delta_line", None) == "delta_line"


def test_corrections_of_two_contracts_on_one_document_have_different_ids() -> None:
    found = [("A", "fixed_fee", 100)]
    document = invoice(found, Decimal(19))
    ids = set()
    for name in ("TS-1", "TS-2"):
        after = evaluated(*rows([("A", "fixed_fee", 200)]))
        after = replace(after, result={**after.result, "contract": name})
        correction = correct(
            document, billed(document), place=(1, 2), before=after, after=after,
            agreement=agreement(Tax("S", Decimal(19))), reasons=["late"], language="en",
        )  # fmt: skip
        assert correction is not None
        ids |= {line.document["id"] for line in correction.lines}
    assert len(ids) == 2
