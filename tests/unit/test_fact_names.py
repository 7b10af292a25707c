"""A fact that names what the contract does not know is refused with its place; it would be left out without a word."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.document import Agreement, read_agreement
from contracts.facts import MeterTest
from contracts.facts_document import FactsDocument, read_facts
from contracts.reported import Reported, unsound

SPEC = Path(__file__).parents[1] / "specs" / "i24-corrected-use.yaml"
SPAN = {"from": "2026-06-01", "to": "2026-07-01"}
READ = {"asset": "T1", "register": "vehicle/speed"}
USE = {"asset": "T1", "measure": "distance", "quantity": "1 km", **SPAN}


def problems(name: str, fact: dict[str, Any]) -> list[str]:
    """What is wrong with the spec's facts when this one stands in a list of them."""
    *versions, facts = yaml.load_all(SPEC.read_text(), Loader=yaml.BaseLoader)
    facts["facts"][name] = [fact]
    agreement = read_agreement(yaml.safe_dump_all([*versions, facts], default_style='"').encode())
    assert isinstance(agreement, Agreement)
    found = read_facts(agreement.facts[0], agreement.versions)
    return [] if isinstance(found, FactsDocument) else [str(problem) for problem in found]


@pytest.mark.parametrize(
    ("name", "fact", "place", "said"),
    [
        ("readings", {**READ, "device": "A", "at": "2026-06-01", "value": "1 km"},
         "readings[0].register", "no register"),
        ("meter_tests", {**READ, "last_tested": "2026-05-01", "tested": "2026-06-01", "error": "5 %"},
         "meter_tests[0].register", "no register"),
        ("notices", {"kind": "alert", "clause": "5.2", "given": "2026-06-08"}, "notices[0].clause", "no clause"),
        ("unmet", {"clause": "5.2", "asset": "T1", **SPAN}, "unmet[0].clause", "no clause"),
        ("history", {"clause": "9", "asset": "T1", "period": "2026-05", "value": "99 %"},
         "history[0].clause", "no clause"),
        ("carried", {"clause": "9", "item": "position", "value": "5 km"}, "carried[0].clause", "no clause"),
        ("quantities", {**USE, "dimensions": {"load": "5 km"}}, "dimensions.load", "does not convert to t"),
        ("quantities", {**USE, "dimensions": {"speed": "5 km"}}, "dimensions.speed", "no measure with a unit"),
    ],
)  # fmt: skip
def test_a_fact_names_what_the_contract_knows(name: str, fact: dict[str, Any], place: str, said: str) -> None:
    found = problems(name, fact)
    assert len(found) == 1
    assert place in found[0]
    assert said in found[0]


def test_facts_that_it_knows_are_read() -> None:
    assert problems("quantities", {**USE, "dimensions": {"load": "5000 kg", "slope": "3 %"}}) == []


def test_a_meter_test_lies_after_the_one_before() -> None:
    early = MeterTest("T1", "vehicle/speed", last_tested=2, tested=2, error=Fraction(1, 20))
    assert [str(problem) for problem in unsound(Reported(meter_tests=(early,)))] == [
        "meter_tests, T1, tested: is not after last_tested (give both in order)"
    ]
