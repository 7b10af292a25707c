"""What a period leaves goes into the next as it is saved: nobody types it in."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from contracts import engine
from contracts.carry import read_carry
from contracts.document import Agreement, Version, read_agreement
from contracts.evaluation import Evaluation
from contracts.facts import Carried, Facts
from contracts.facts_document import FactsDocument, facts_for, lists_for, read_facts
from contracts.text import read
from contracts.words import Context
from core.money import Money
from core.time import Period

SPECS = Path(__file__).parent.parent / "specs"


def told(name: str) -> tuple[tuple[Version, ...], FactsDocument]:
    agreement = read_agreement((SPECS / f"{name}.contract.yaml").read_bytes())
    assert isinstance(agreement, Agreement)
    document = read_facts(read((SPECS / f"{name}.facts.yaml").read_bytes())[0][0], agreement.versions)
    assert isinstance(document, FactsDocument)
    return agreement.versions, document


def chain(name: str, labels: list[str], first: tuple[Carried, ...] = (), **other: Any) -> list[Evaluation]:
    """Periods one after the other, each with what the one before carried, as JSON."""
    versions, document = told(name)
    lists = lists_for(document, None, Context(versions[0].zone, versions[0].currency))
    found, carried = [], first
    for label in labels:
        period = Period.parse(label, versions[0].zone)
        wanted = engine.needs(versions, period, period.span.end)
        facts: Facts = replace(facts_for(lists, wanted, versions, as_of=None), carried=carried, **other)
        found.append(engine.evaluate(versions, facts, period, period.span.end))
        carried = read_carry(found[-1].to_json()["carry"])
    return found


def values(evaluation: Evaluation, clause: str) -> dict[str, Fraction]:
    (verdict,) = [v for v in evaluation.verdicts if v.clause == clause]
    return {name: figure.value for name, figure in verdict.values.items()}


def test_seven_months_of_an_ink_plan_cost_46_93() -> None:
    months = chain("w08-ink-plan", [f"2026-0{n}" for n in range(1, 8)])
    assert [int(values(month, "2.2")["rollover"]) for month in months] == [60, 160, 260, 300, 0, 3, 2]
    assert str(sum((month.total for month in months), Money.zero("EUR"))) == "46.93 EUR"


def test_a_shortfall_paid_is_won_back_in_the_next_year() -> None:
    first, second = chain("w10-minimum-km", ["2026", "2027"])
    # 79805.4795 km are paid at 0.0300; 60000 km above the minimum win back as much each; 19805.4795 km are left.
    assert [str(line.amount) for e in (first, second) for line in e.lines if line.clause == "2.3"] == [
        "2394.16 EUR",
        "-1800.00 EUR",
    ]
    (left,) = second.carry
    assert str(left.value) == "19805.4795 km"


def test_a_balance_is_used_up_over_months() -> None:
    start = (Carried("2.4", "balance", Money.parse("3000.00 EUR")),)
    (june,) = chain("x01-other-kinds", ["2026-06"], start, history=())
    # 2544.00 - 44.00 - 127.20 = 2372.80 are settled; 627.20 are left.
    assert [str(c.value) for c in june.carry if c.item == "balance"] == ["627.20 EUR"]
    assert values(june, "2.4") == {"balance": Fraction("627.20")}
    # The right looks back on six months, so that June's own result goes on to July.
    assert [c.item for c in june.carry if c.clause == "3.1"] == ["value of 2026-06"]
