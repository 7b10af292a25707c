"""What is written by hand as canonical JSON is what `core.canonical` would have written."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import pytest

from contracts import basis, engine
from contracts.check import run
from contracts.document import Agreement, Version, read_agreement
from contracts.evaluation import ENGINE_VERSION, Evaluation
from contracts.facts import Attribution, Case, Counter, Facts, Gauge, Level, Notice, Piece, StateSpan
from contracts.facts_document import FactsDocument, read_facts
from contracts.needs import scene_of
from contracts.text import read
from core import canonical
from core.time import TZDATA_VERSION, Period, zone

TESTS = Path(__file__).parent.parent
SPECS = TESTS / "specs"
JUNE = Period.parse("2026-06", zone("Europe/Berlin"))
NASTY = 'a "quoted"\\ name\n\twith \x01, × and ’'


def agreement(path: Path) -> Agreement:
    found = read_agreement(path.read_bytes())
    assert isinstance(found, Agreement)
    return found


def evaluations(path: Path) -> Iterator[Evaluation]:
    """Of every example of a file."""
    known = agreement(path)
    beside = path.with_name(path.name.replace(".contract.", ".facts."))
    for source in known.facts if beside == path else read(beside.read_bytes())[0]:
        document = read_facts(source, known.versions)
        assert isinstance(document, FactsDocument)
        yield from (outcome.evaluation for outcome in run(known, document) if outcome.evaluation)


@pytest.mark.parametrize(
    "path", [path for path in sorted(SPECS.glob("*.yaml")) if ".facts." not in path.name], ids=lambda path: path.name
)
def test_an_evaluation_is_canonical_json_sealed_by_its_hash(path: Path) -> None:
    for found in evaluations(path):
        whole = found.to_json()
        assert found.text == canonical.text(whole)
        assert whole["carry"] == found.left
        assert sha256(canonical.written(whole | {"result_hash": ""})).hexdigest() == found.result_hash


def scene_facts(versions: tuple[Version, ...]) -> Facts:
    """Something of every kind that is written by hand, with characters that JSON escapes."""
    need = engine.needs(versions, JUNE, JUNE.span.end)
    start, end = JUNE.span.micros
    states = (
        StateSpan(start, start + 10, "derated", NASTY, NASTY, Fraction(1, 3)),
        StateSpan(start + 10, start + 20, "fault", performance=Fraction(1, 4)),
    )
    pieces = (Piece(start, start + 5, NASTY, 1, 7, -2, "start", "interpolated"), Piece(start + 5, end, "b", 7, 9))
    cases = (Case("T1", "vehicle/odometer", start, end, "above_max_rate"),)
    return Facts(
        NASTY,
        {(n.asset, n.register): Counter("km", Decimal("0.0010"), pieces, cases) for n in need.counters},
        {(n.asset, n.register): states for n in need.states} | {(NASTY, "x"): ()},
        otherwise="idle",
        attributions=tuple(Attribution(a, 0, 1, "external", "none", "proposed", NASTY) for a in ("B", "A")),
        notices=(Notice("planned_maintenance", 5, start=1, end=2),),
        gauges={("T1", "tank"): Gauge("l", (Level(3, Fraction(2, 3)),))},
    )


def as_canonical_writes_it(versions: tuple[Version, ...], facts: Facts) -> str:
    names = (
        "quantities", "attributions", "notices", "carried", "history", "invoiced", "unmet", "tickets", "pauses",
        "substitutes", "index_values", "meter_tests",
    )  # fmt: skip
    known = {name: sorted(canonical.plain(getattr(facts, name) or ()), key=canonical.text) for name in names}
    return canonical.digest(
        known
        | {
            "versions": [version.hash for version in versions],
            "period": [JUNE.label, *JUNE.span.micros, JUNE.span.micros[1]],
            "counters": facts.counters,
            "gauges": facts.gauges,
            "ready_duties": facts.unmet is not None,
            "states": facts.states,
            "otherwise": facts.otherwise,
            "engine": ENGINE_VERSION,
            "tzdata": TZDATA_VERSION,
        }
    )


def test_the_input_hash_is_that_of_the_canonical_json_of_all_that_is_known() -> None:
    versions = agreement(TESTS.parent / "docs" / "examples" / "tyre-km-uptime.yaml").versions
    full = scene_facts(versions)
    assert full.counters
    assert full.states
    for facts in (full, Facts(), replace(full, unmet=(), otherwise=None)):
        found = basis.input_hash(scene_of(versions, facts, JUNE, JUNE.span.end))
        assert found == as_canonical_writes_it(versions, facts)


def test_the_same_contract_says_the_same_of_facts_when_others_were_evaluated_before() -> None:
    """What is prepared once for a version takes nothing from the facts for which it was prepared."""
    path = TESTS.parent / "docs" / "examples" / "tyre-km-uptime.yaml"
    versions = agreement(path).versions
    full = scene_facts(versions)
    some = [full, replace(full, attributions=(), otherwise=None), replace(full, states={}), Facts()]
    alone = [engine.evaluate(agreement(path).versions, facts, JUNE, JUNE.span.end).text for facts in some]
    together = [engine.evaluate(versions, facts, JUNE, JUNE.span.end).text for facts in (*some, *reversed(some))]
    assert together == [*alone, *reversed(alone)]
