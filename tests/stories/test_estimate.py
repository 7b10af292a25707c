"""A device falls silent: its kilometres are estimated, billed so, and trued up on the next invoice when it is back."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts import run as contracts
from contracts.check import evaluate
from contracts.document import Agreement, read_agreement
from contracts.facts_document import FactsDocument, read_facts
from core.problem import Problems
from core.units import Quantity
from ingest.meter import run as meters
from tests.stories.story import CASES, Story, local

pytestmark = pytest.mark.services
JULY_5, AUGUST_5 = datetime(2026, 7, 5, 10, tzinfo=UTC), datetime(2026, 8, 5, 10, tzinfo=UTC)
SEPTEMBER_5 = datetime(2026, 9, 5, 10, tzinfo=UTC)
TYRES, PATH = "Tyre Supplier GmbH", "vehicle/odometer"
SPEC = (CASES / "estimate.yaml").read_text().split("\n---\n")[0]
FIRST = SPEC.split('  - clause: "2.3"')[0]
ESTIMATED = "2120 km at 0.0400; 120 km of it estimated, trued up when readings arrive"


@pytest.fixture
def story(engine: Engine) -> Story:
    """2000 km until 21 June; then silence, of which 120 km until the end of June are estimated."""
    told = Story(engine)
    told.set_up()
    told.assets("T1")
    told.odometer("T1", ("2026-06-01", "1000.0"), ("2026-06-21", "3000.0"))
    estimate(told, "120 km")
    return told


def estimate(story: Story, quantity: str | None, days: tuple[str, str] = ("2026-06-21", "2026-07-01")) -> None:
    amount = None if quantity is None else Quantity.parse(quantity)
    span, said = (
        (local(days[0]), local(days[1])),
        {"method": "mean", "author": "person:olga", "reason": "antenna broken"},
    )
    meters.estimate(story.engine, ("T1", PATH), span, JULY_5, quantity=amount, **said)


def month(story: Story, label: str, at: datetime) -> dict[str, Any]:
    contracts.close_due_periods(story.engine, at=at)
    story.issue(story.bill(TYRES, label, at).run.public_id, at)
    return story.invoices()[-1]


def amounts(document: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["text"], row["amount"]) for row in document["lines"]]


def test_what_is_estimated_is_billed_flagged_and_trued_up_when_the_device_is_back(story: Story) -> None:
    story.contract(FIRST)
    first = month(story, "2026-06", JULY_5)
    assert amounts(first) == [(ESTIMATED, "84.80")]
    (line,) = first["lines"]
    assert [(step["label"], step["result"]) for step in line["steps"] if step["label"] == "estimated"] == [
        ("estimated", "120 km")
    ]
    assert [piece["closing_quality"] for piece in line["evidence"]] == ["reading", "estimated"]
    codes = [row[0] for row in story.rows("SELECT f->>'code' FROM billing.draft, jsonb_array_elements(findings) AS f")]
    assert "estimated" in codes
    # Back on 21 July: 1500.0 km in 30 days, so 3500.0 at the end of June; 2500 km x 0.04 = 100.00 instead of 84.80
    story.odometer("T1", ("2026-07-21", "4500.0"), ("2026-08-01", "5000.0"))
    second = month(story, "2026-07", AUGUST_5)
    assert amounts(second) == [("1500 km at 0.0400", "60.00"), ("2026-06: 100.00 instead of 84.80", "15.20")]
    words = second["lines"][1]["corrects"]
    assert words["reason"] == "estimate trued up, late readings"
    assert words["lines"][0]["text"] == "2500 km at 0.0400"
    story.odometer("T1", ("2026-09-01", "5100.0"))
    assert amounts(month(story, "2026-08", SEPTEMBER_5)) == [("100 km at 0.0400", "4.00")], "trued up once"


def test_without_the_field_what_was_silent_is_billed_when_the_device_is_back(story: Story) -> None:
    """What lies before the end of June belongs to June, although nobody had read it when June was billed."""
    story.contract(FIRST.replace(", estimates: bill_flagged", ""))
    assert amounts(month(story, "2026-06", JULY_5)) == [("2000 km at 0.0400", "80.00")]
    story.odometer("T1", ("2026-07-21", "4500.0"), ("2026-08-01", "5000.0"))
    second = month(story, "2026-07", AUGUST_5)
    assert amounts(second) == [("1500 km at 0.0400", "60.00"), ("2026-06: 100.00 instead of 80.00", "20.00")]
    assert second["lines"][1]["corrects"]["reason"] == "late readings"


def test_an_estimate_made_or_taken_back_after_the_bill_corrects_it(story: Story) -> None:
    story.contract(FIRST)
    estimate(story, None)
    assert amounts(month(story, "2026-06", JULY_5)) == [("2000 km at 0.0400", "80.00")]
    estimate(story, "100 km")
    second = month(story, "2026-07", AUGUST_5)
    assert amounts(second)[1:] == [("2026-06: 84.00 instead of 80.00", "4.00")]
    assert second["lines"][1]["corrects"]["reason"] == "meter decided"
    estimate(story, None)
    third = month(story, "2026-08", SEPTEMBER_5)
    assert (third["kind"], amounts(third)) == ("credit_note", [("2026-06: 80.00 instead of 84.00", "-4.00")])


def test_the_database_and_a_facts_file_give_the_same(story: Story) -> None:
    story.contract(SPEC)
    contracts.close_due_periods(story.engine, at=JULY_5)
    ((saved,),) = story.rows("SELECT result FROM contracts.evaluation WHERE result ->> 'period' = '2026-06'")
    agreement = read_agreement((CASES / "estimate.yaml").read_text())
    assert isinstance(agreement, Agreement)
    facts = read_facts(agreement.facts[0], agreement.versions)
    assert isinstance(facts, FactsDocument)
    of_file = evaluate(agreement.versions, facts, None, "2026-06", as_of=None)
    both = [[line for line in result["lines"] if line["clause"] != "2.4"] for result in (saved, of_file.to_json())]
    assert both[0] == both[1], "the plan rolls over from earlier months, of which the file says nothing"
    assert [line["amount"] for line in both[0]] == ["84.80 EUR", "105.80 EUR"]


def test_estimates_of_a_register_do_not_overlap(story: Story) -> None:
    with pytest.raises(Problems, match="is estimated already"):
        estimate(story, "5 km", ("2026-06-30", "2026-07-03"))
    estimate(story, "130 km")
    estimate(story, "5 km", ("2026-07-01", "2026-07-03"))
