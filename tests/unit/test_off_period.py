"""Examples evaluated a period off, or before their period is over: a result, never a KeyError."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from contracts import engine
from contracts.document import Agreement, Version, read_agreement
from contracts.evaluation import Evaluation
from contracts.facts_document import FactsDocument, facts_for, lists_for, read_facts
from contracts.facts_model import Example
from contracts.words import Context
from core.time import Period

SPECS = Path(__file__).parents[1] / "specs"
TWELVE = "rolling twelve months: 168.4 h of 8420 h are exactly 98 %"


def with_history(name: str) -> Iterator[tuple[tuple[Version, ...], FactsDocument, Example]]:
    """The examples of a file that state results of earlier periods, with the versions as they are written."""
    agreement = read_agreement((SPECS / name).read_bytes())
    assert isinstance(agreement, Agreement)
    for source in agreement.facts:
        document = read_facts(source, agreement.versions)
        assert isinstance(document, FactsDocument)
        for example in document.file.examples:
            if "history" in example.facts:
                yield agreement.versions, document, example


def evaluate(
    versions: tuple[Version, ...], document: FactsDocument, example: Example, period: Period, until: datetime
) -> Evaluation:
    lists = lists_for(document, example, Context(versions[0].zone, versions[0].currency))
    needs = engine.needs(versions, period, until)
    return engine.evaluate(versions, facts_for(lists, needs, versions, as_of=example.as_of), period, until)


@pytest.mark.parametrize("name", ["i12-availability.yaml", "i21-windows.yaml"])
def test_results_of_earlier_periods_do_for_every_period_around(name: str) -> None:
    examples = list(with_history(name))
    assert examples
    for versions, document, example in examples:
        own = Period.parse(example.period, versions[0].zone)
        for period in (own.previous(), own, own.next()):
            for until in (period.span.start, period.span.end):
                found = evaluate(versions, document, example, period, until)
                assert found.until == period.span.micros[until == period.span.end], example.name


def test_down_time_that_only_earlier_periods_state_is_explained() -> None:
    """Ten months before May of 700 h each, 14 h of them down; until May begins nothing else is known."""
    ((versions, document, example),) = [one for one in with_history("i12-availability.yaml") if one[2].name == TWELVE]
    may = Period.parse("2026-05", versions[0].zone)
    found = evaluate(versions, document, example, may, may.span.start)
    (verdict,) = [one for one in found.verdicts if one.clause == "4.4"]
    assert verdict.values["down"].text() == "140 h"
    assert verdict.explanation == (
        "T1, 2026-05: required 7000.00 h. Counted 7000.00 h. Down: fault 140.00 h. Availability 98 %, promised 98 %."
    )
