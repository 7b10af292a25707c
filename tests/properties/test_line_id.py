"""Every line of an evaluation has an id of its own, which a revision with other facts keeps."""

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from contracts import engine
from contracts.check import run
from contracts.document import Agreement, read_agreement
from contracts.evaluation import Evaluation
from contracts.facts import Facts, ReadyQuantity
from contracts.facts_document import FactsDocument, read_facts
from contracts.text import read
from core.time import Period

ROOT = Path(__file__).parent.parent.parent
PATHS = sorted(
    path
    for folder in (ROOT / "tests" / "specs", ROOT / "docs" / "examples")
    for path in folder.glob("*.yaml")
    if not path.name.endswith(".facts.yaml")
)


def evaluations(path: Path) -> Iterator[tuple[str, Evaluation]]:
    agreement = read_agreement(path.read_bytes())
    assert isinstance(agreement, Agreement)
    beside = path.with_name(path.name.replace(".contract.", ".facts."))
    for source in agreement.facts if beside == path else read(beside.read_bytes())[0]:
        document = read_facts(source, agreement.versions)
        assert isinstance(document, FactsDocument)
        yield from ((one.name, one.evaluation) for one in run(agreement, document) if one.evaluation)


def shared(evaluation: Evaluation) -> list[str]:
    """Ids that several lines bear."""
    return [
        number
        for lines in (evaluation.lines, evaluation.delta)
        for number, count in Counter(line.id for line in lines).items()
        if count > 1
    ]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_no_two_lines_of_an_example_share_an_id(path: Path) -> None:
    found = list(evaluations(path))
    assert found
    assert [(name, ids) for name, one in found if (ids := shared(one))] == []


def ids_of_water(*made: int) -> dict[str, str]:
    """By text the ids of the lines of clause 3.1 for a quarter with so much water in each month."""
    agreement = read_agreement((ROOT / "tests" / "specs" / "k07-many-in-a-quarter.yaml").read_bytes())
    assert isinstance(agreement, Agreement)
    months = [Period.parse(f"2026-0{n}", agreement.versions[0].zone).span.micros for n in (4, 5, 6)]
    quantities = tuple(
        ReadyQuantity("T1", "water", *span, Fraction(much), "m3") for span, much in zip(months, made, strict=True)
    )
    quarter = Period.parse("2026-Q2", agreement.versions[0].zone)
    found = engine.evaluate(agreement.versions, Facts(quantities=quantities), quarter, quarter.span.end)
    return {line.text: line.id for line in found.lines if line.clause == "3.1"}


def test_a_window_keeps_the_id_of_its_line_whatever_becomes_of_the_others() -> None:
    three, june = ids_of_water(900, 860, 800), ids_of_water(1000, 1000, 800)
    assert len(three) == 3
    assert len(june) == 1
    assert june.items() <= three.items()
