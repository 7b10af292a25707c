"""Credits over many months, each month with what the one before carried: caps, next invoices, earning back."""

from dataclasses import replace
from pathlib import Path

from contracts import engine
from contracts.carry import read_carry
from contracts.check import _versions
from contracts.document import Agreement, read_agreement
from contracts.facts import Carried
from contracts.facts_document import FactsDocument, facts_for, lists_for, read_facts
from contracts.words import Context
from core.time import Period

SPEC = Path(__file__).parent.parent / "specs" / "k01-second-look.yaml"


def credits_of(name: str, labels: list[str]) -> dict[str, list[str]]:
    """By month, the amounts of clause 4.2; months without one are left out."""
    agreement = read_agreement(SPEC.read_bytes())
    assert isinstance(agreement, Agreement)
    document = read_facts(agreement.facts[0], agreement.versions)
    assert isinstance(document, FactsDocument)
    (example,) = [one for one in document.file.examples if one.name == name]
    versions = _versions(agreement.versions, example)
    lists = lists_for(document, example, Context(versions[0].zone, versions[0].currency))
    found: dict[str, list[str]] = {}
    carried: tuple[Carried, ...] = ()
    for label in labels:
        period = Period.parse(label, versions[0].zone)
        wanted = engine.needs(versions, period, period.span.end)
        facts = replace(facts_for(lists, wanted, versions, as_of=None), carried=carried)
        evaluation = engine.evaluate(versions, facts, period, period.span.end)
        carried = read_carry(evaluation.to_json()["carry"])
        if amounts := [str(line.amount) for line in evaluation.lines if line.clause == "4.2" and line.amount]:
            found[label] = amounts
    return found


def months(first: int, last: int) -> list[str]:
    """Labels of months, counted from January 2025 as 0."""
    return [f"{2025 + n // 12}-{n % 12 + 1:02}" for n in range(first, last + 1)]


def test_credits_count_for_a_cap_of_twelve_months_and_then_no_more() -> None:
    # At most 300.00 in twelve months. June 2026: 300.00, August 2025 has taken 100.00 (June 2025 is over): 200.00.
    # July 2026: August 2025 still counts, 100.00 + 200.00, nothing is left. August 2026: without it, 100.00 are left.
    assert credits_of("capped month by month", months(5, 19)) == {
        "2025-06": ["-100.00 EUR"],
        "2025-08": ["-100.00 EUR"],
        "2026-06": ["-200.00 EUR"],
        "2026-08": ["-100.00 EUR"],
    }


def test_a_credit_is_on_the_next_invoice_once() -> None:
    assert credits_of("on the next invoice", months(5, 9)) == {
        "2025-07": ["-100.00 EUR"],
        "2025-09": ["-100.00 EUR"],
    }


def test_a_credit_is_earned_back_by_the_second_good_month_in_a_row() -> None:
    # July reached 98.5 %: no credit, and no good month either; August and September are the two.
    assert credits_of("earned back by two months at 99 %", months(5, 10)) == {
        "2025-06": ["-100.00 EUR"],
        "2025-09": ["100.00 EUR"],
    }
