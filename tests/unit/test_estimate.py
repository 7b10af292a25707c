"""Estimates that may be billed: what the contract says of them, and what its lines say."""

import json
from pathlib import Path

import pytest

from contracts.check import run
from contracts.document import Agreement, from_canonical, read_agreement
from contracts.facts_document import FactsDocument, read_facts
from contracts.phrase import say
from contracts.schema import contract_schema, facts_schema
from contracts.sentence import agreement
from ingest.counter import CounterReading, Estimate, Exchange, Rule
from ingest.course import course
from ingest.path import Bound, course_of

SPEC = Path("tests/specs/estimate.yaml").read_text()
FIELD = ", estimates: bill_flagged"


def read(text: str) -> Agreement:
    found = read_agreement(text)
    assert isinstance(found, Agreement), found
    return found


def test_lines_say_how_much_is_estimated() -> None:
    whole = read(SPEC)
    facts = read_facts(whole.facts[0], whole.versions)
    assert isinstance(facts, FactsDocument)
    for outcome in run(whole, facts):
        assert outcome.evaluation is not None
        expected = next(one.expected for one in facts.file.examples if one.name == outcome.name)
        shown = [line.row for line in outcome.evaluation.lines if line.clause in outcome.clauses]
        assert shown == list(expected.lines)
        steps = [step for line in outcome.evaluation.lines for step in line.steps if step.label == "estimated"]
        assert bool(steps) == any("estimated" in row for row in shown)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "; 120 km of it estimated, trued up when readings arrive"),
        ("de", "; davon 120 km geschätzt, berichtigt, sobald Werte eintreffen"),
        ("fr", " ; dont 120 km estimés, régularisés à l'arrivée des relevés"),
    ],
)
def test_it_is_said_in_the_language_of_the_contract(language: str, said: str) -> None:
    assert say(language, "estimated", "120", "km") == said


def test_the_words_of_the_agreement_say_it_where_it_is_agreed() -> None:
    versions = read(SPEC).versions
    said = {language: "\n".join(agreement(versions, language)) for language in ("en", "de", "fr")}
    assert "distance: where nothing was read an estimate is billed, flagged" in said["en"]
    assert "Strecke: ohne Ablesung wird eine Schätzung berechnet" in said["de"]
    assert "distance : sans relevé, une estimation est facturée" in said["fr"]
    assert "estimate" not in "\n".join(agreement(read(SPEC.replace(FIELD, "")).versions))


def test_a_document_without_the_field_is_what_it_was() -> None:
    """Its canonical form has no such field, so that its hash is the one that it always had."""
    (version,) = read(SPEC.replace(FIELD, "")).versions
    assert "estimates" not in json.dumps(version.canonical["measures"])
    assert version.hash == "a6bc78c68561437da1d66bc4005a471a24d2b54137e276a37c13f995bc3df98f"
    assert from_canonical([version.canonical])[0].hash == version.hash
    assert read(SPEC).versions[0].hash != version.hash


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("bill_flagged", "bill", "estimates"),
        ("estimates: bill_flagged", "estimates: bill_flagged, require_signature: true", "only counters of unsigned"),
        (
            "kind: counter_delta, register: vehicle/odometer, unit: km, on_reset: hold, boundary: interpolate,",
            "kind: gauge_fall, register: vehicle/odometer, unit: km,",
            "has no meaning for a measure gauge_fall",
        ),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_a_remedy(before: str, after: str, problem: str) -> None:
    found = read_agreement(SPEC.replace(before, after, 1))
    assert isinstance(found, tuple)
    assert [str(one) for one in found if problem in str(one) and "measures[0]" in one.place], found


def test_estimates_of_facts_are_checked() -> None:
    whole = read(
        SPEC.replace('quantity: "120 km"', 'quantity: "120 h"', 1).replace('"2026-07-01", q', '"2026-06-21", q')
    )
    found = read_facts(whole.facts[0], whole.versions)
    assert isinstance(found, tuple)
    assert any("120 h does not convert to km" in str(one) for one in found)


def test_editors_know_both_fields() -> None:
    schema = contract_schema()
    assert schema["$defs"]["Measure"]["properties"]["estimates"]["enum"] == ["exclude", "bill_flagged"]
    assert "estimates" in facts_schema()["$defs"]["FactLists"]["properties"]


def used(bounds: list[Bound], *instants: int) -> list[tuple[int, int, str]]:
    return [
        (part.start, part.closing - part.opening - part.removed, part.closing_quality)
        for part in course_of(bounds, Rule()).parts(instants)
    ]


READINGS = ((0, 100), (50, 150))
GUESS = Estimate(60, 90, 30)


def bound(end: int | None, **more: object) -> Bound:
    return Bound("A", 0, end, None, None, READINGS, estimates=(GUESS,), **more)  # type: ignore[arg-type]


def test_an_estimate_counts_until_the_device_went() -> None:
    # 20 of its 30 us until 80
    assert used([bound(80)], 0, 100) == [(0, 50, "last"), (60, 20, "estimated"), (80, 0, "last")]
    other = Bound("B", 80, None, 5, None, ((100, 25),))
    assert used([bound(80), other], 0, 100) == [(0, 50, "last"), (60, 20, "estimated"), (80, 20, "reading")]


def test_what_the_device_showed_when_it_went_or_later_elsewhere_takes_its_place() -> None:
    written = Bound("A", 0, 80, None, 155, READINGS, estimates=(GUESS,))
    assert [one[1:] for one in used([written], 0, 100)] == [(55, "last")]
    assert [one[1:] for one in used([bound(80, after=(110, 210))], 0, 100)] == [(80, "last")], (
        "half way from 150 to 210"
    )


def test_an_undocumented_reset_after_the_last_reading_leaves_what_was_estimated_before_it() -> None:
    whole = course(
        [
            CounterReading(0, "A", (1, 0), 100),
            CounterReading(50, "A", (1, 0), 150),
            CounterReading(100, "A", (1, 0), 7),
        ],
        [Exchange(80, "A", 150, "A", 0, "carried")],
        Rule(),
        estimates=[GUESS],
    )
    found = [part.closing - part.opening - part.removed for part in whole.parts([0, 50, 80, 100])]
    assert found == [50, 0, 20, 7], "50, then 20 of 30 from 60 on, and 7 since the reset"
