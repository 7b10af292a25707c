from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from billing.posting import balance, post
from billing.tax import Tax
from core.money import Money
from tests.unit.billing.example import agreement, draft, evaluated, line

CENTS = st.integers(-10_000_000, 10_000_000)
KINDS = st.sampled_from(["fixed_fee", "usage_charge", "availability"])
LINES = st.lists(st.tuples(KINDS, CENTS), min_size=1, max_size=40)
CREDITS = st.sampled_from(["price_reduction", "outside_scope"])
RATES = st.integers(0, 2700).map(lambda n: Decimal(n).scaleb(-2))


def _rows(lines: list[tuple[str, int]]) -> list[dict[str, object]]:
    texts = [f"{Decimal(cents).scaleb(-2):f} EUR" for _, cents in lines]
    return [line(f"{n}", kind, text) for n, ((kind, _), text) in enumerate(zip(lines, texts, strict=True), start=1)]


@given(LINES, CREDITS, RATES)
def test_lines_tax_bases_and_totals_agree_to_the_cent(
    lines: list[tuple[str, int]], of_credits: str, rate: Decimal
) -> None:
    document = draft(evaluated(*_rows(lines)), agreement(Tax("S", rate), of_credits)).document
    cents = sum(amount for _, amount in lines)
    assert Decimal(document["net"]) == Decimal(cents).scaleb(-2) == sum(Decimal(p["base"]) for p in document["tax"])
    assert Decimal(document["gross"]) == Decimal(document["net"]) + sum(Decimal(p["tax"]) for p in document["tax"])
    for part in document["tax"]:
        assert abs(Decimal(part["tax"]) - Decimal(part["base"]) * Decimal(part["rate"]) / 100) <= Decimal("0.005")


@given(LINES, CREDITS, RATES)
def test_what_is_booked_on_the_customer_is_the_gross_amount(
    lines: list[tuple[str, int]], of_credits: str, rate: Decimal
) -> None:
    document = draft(evaluated(*_rows(lines)), agreement(Tax("S", rate), of_credits)).document
    transfers = post(document, "par_1")
    assert balance(transfers, "receivable:par_1", Money.zero("EUR")) == Money(Decimal(document["gross"]), "EUR")
    assert all(t.amount.amount > 0 and t.debit != t.credit for t in transfers)


@given(st.permutations(range(6)))
def test_drawing_up_again_gives_the_same_hash(order: list[int]) -> None:
    rows = _rows([("fixed_fee", 100 + n) for n in order])
    assert draft(evaluated(*rows)).hash == draft(evaluated(*rows)).hash
