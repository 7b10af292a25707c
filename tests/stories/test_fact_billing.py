"""Stated facts in money: the whole invoice of w18, and facts that come after the bill."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts import run as contracts
from contracts.facts import IndexValue
from contracts.stated.run import By, move_ticket, publish, state, withdraw
from contracts.store.reporting import Taken
from core.time import micros
from tests.stories.story import CASES, SIGNED, Story, case, local

pytestmark = pytest.mark.services
JULY_5, AUGUST_5 = datetime(2026, 7, 5, tzinfo=UTC), datetime(2026, 8, 5, tzinfo=UTC)
TRUCKS, JUNE = "Truck Supplier GmbH", "2026-06"
BY = By("person:anna", "the file", JULY_5)


@pytest.fixture
def story(engine: Engine) -> Story:
    told = Story(engine)
    told.assets("T1", "K1")
    return told


def taken(found: object) -> Taken:
    assert isinstance(found, Taken), [str(problem) for problem in found]  # type: ignore[attr-defined]
    return found


def month(story: Story, label: str, at: datetime, entity: str = TRUCKS) -> None:
    contracts.close_due_periods(story.engine, at=at)
    story.issue(story.bill(entity, label, at).run.public_id, at)


def corrections(story: Story) -> list[tuple[str, str]]:
    """Amount and reason of every difference on the last invoice."""
    lines: list[dict[str, Any]] = story.invoices()[-1]["lines"]
    return [(row["amount"], row["corrects"]["reason"]) for row in lines if row["corrects"]]


def test_w18_is_the_invoice_of_the_worked_case(story: Story) -> None:
    story.contract("\n---\n".join(case("w18-whole-invoice")))
    story.set_up()
    file = (CASES / "w18-whole-invoice.facts.yaml").read_text()
    taken(state(story.engine, file, BY, counts_from=local("2026-06-01")))
    month(story, JUNE, JULY_5)
    (invoice,) = story.invoices()
    assert [row["amount"] for row in invoice["lines"]] == ["1850.00", "264.60", "154.40", "-92.50", "8.28"]
    assert [invoice[name] for name in ("net", "tax_total", "gross")] == ["2184.78", "415.11", "2599.89"]


def breakdown(story: Story) -> None:
    """A case opened on 3 June, when June is billed still open; beside it a fee, so that there is a bill."""
    fee = """
  - {clause: "2.1", kind: fixed_fee, amount: "100.00 EUR", every: month, per: contract, proration: none,
     text: "The fee is {amount} a {every}; a part of a {every} is shared by {proration}."}
terms_end"""
    text = case("w07-breakdown")[0]
    story.contract(text.replace("terms:\n", f"terms:{fee.removesuffix('terms_end')}"))
    story.set_up()
    taken(move_ticket(story.engine, "C-07", "K1", {"opened": local("2026-06-03 08:15")}, BY, asset="T1"))
    month(story, JUNE, JULY_5)
    assert [row["amount"] for row in story.invoices()[0]["lines"]] == ["100.00"]


def test_a_case_that_is_said_to_be_closed_after_the_bill_is_credited_with_the_next(story: Story) -> None:
    breakdown(story)
    taken(move_ticket(story.engine, "C-07", "K1", {"closed": local("2026-06-06 10:00")}, BY))
    month(story, "2026-07", AUGUST_5)
    # 49.75 h beyond 24 h are three started days of 150.00
    assert corrections(story) == [("-450.00", "ticket reported")]


def test_a_substitute_that_is_reported_late_takes_a_credit_back(story: Story) -> None:
    breakdown(story)
    taken(move_ticket(story.engine, "C-07", "K1", {"closed": local("2026-06-06 10:00")}, BY))
    lists = {"substitutes": [{"asset": "T1", "from": "2026-06-05 08:15", "to": "2026-06-06 10:00"}]}
    stated = taken(state(story.engine, {"schema": "facts/1", "contract": "C-07", "facts": lists}, BY))
    month(story, "2026-07", AUGUST_5)
    assert corrections(story) == [("-150.00", "substitute reported, ticket reported")]
    withdraw(story.engine, stated.facts["substitute"][0], BY)
    month(story, "2026-08", datetime(2026, 9, 5, tzinfo=UTC))
    assert corrections(story) == [("-300.00", "substitute reported")]


AIR = """
schema: contract/1
contract: X-01
version: 1
effective_from: "2026-01-01"
recorded_at: "2025-12-15 10:00"
parties: {provider: Truck Supplier, customer: Haulier}
currency: EUR
timezone: Europe/Berlin
billing: {period: month, rounding: half_up, decimals: 2}
coverage: [{asset: K1, from: "2026-05-01"}]
measures:
  - {measure: air, kind: counter_delta, register: compressor/air, unit: m3, on_reset: hold, boundary: interpolate}
terms:
  - {clause: "2.1", kind: usage_charge, measure: air, model: flat, scope: asset, price: "0.0200 EUR/m3",
     text: "Each cubic metre of air costs {price}."}
  - {clause: "2.2", kind: indexation, of: ["2.1"], fixed_share: "40 %", review: ["2026-04-01"], price_decimals: 5,
     components: [{index: electricity, weight: "60 %", base_value: "100.0", lag: P3M}], base_after: last_applied,
     text: "On {review} the prices of {of} move with {components}; {fixed_share} is fixed."}
"""


def test_a_revised_index_value_corrects_every_month_that_rests_on_it(story: Story) -> None:
    story.contract(AIR)
    story.set_up()
    lists = {
        "quantities": [
            {
                "asset": "K1",
                "measure": "air",
                "from": f"2026-0{n}-01",
                "to": f"2026-0{n + 1}-01",
                "quantity": "10000 m3",
            }
            for n in range(5, 8)
        ]
    }
    taken(state(story.engine, {"schema": "facts/1", "contract": "X-01", "facts": lists}, BY))
    published = micros(SIGNED)
    publish(story.engine, IndexValue("electricity", "2026-01", Fraction(100), published), BY)
    month(story, "2026-05", JULY_5)
    month(story, JUNE, JULY_5)
    assert [row["net"] for row in story.invoices()] == ["200.00", "200.00"]
    publish(story.engine, IndexValue("electricity", "2026-01", Fraction(110), published + 1), BY)
    month(story, "2026-07", AUGUST_5)
    # 40 % + 60 % x 110 / 100 = 1.06: 212.00 instead of 200.00, in May and in June
    assert corrections(story) == [("12.00", "index value reported")] * 2
    assert story.invoices()[-1]["net"] == "236.00"


def test_facts_of_another_time_correct_nothing(story: Story) -> None:
    breakdown(story)
    lists = {"substitutes": [{"asset": "T1", "from": "2026-05-01", "to": "2026-05-02"}]}
    taken(state(story.engine, {"schema": "facts/1", "contract": "C-07", "facts": lists}, BY))
    before = story.rows("SELECT count(*) FROM contracts.evaluation")
    month(story, "2026-07", AUGUST_5)
    assert corrections(story) == []
    assert story.rows("SELECT count(*) FROM contracts.evaluation")[0][0] == before[0][0] + 1, "July's alone"
