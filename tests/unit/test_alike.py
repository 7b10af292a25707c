"""Contracts of one pattern need the same, of their own assets: as if each had been worked out alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from contracts import alike, stretch
from contracts.document import Agreement, Version, read_agreement
from contracts.engine import evaluate
from contracts.facts import Facts, Needs
from contracts.needs import NothingInForce, _needs, needs
from contracts.stored import from_stored
from contracts.terms import fixed_fee
from core import canonical
from core.time import Period

FILES = sorted(Path("tests/specs").glob("*.yaml"))


def sources(path: Path) -> list[dict[str, Any]]:
    found = read_agreement(path.read_text())
    return [version.canonical for version in found.versions] if isinstance(found, Agreement) else []


def is_nameless(documents: Sequence[dict[str, Any]]) -> bool:
    """Whether no term names an asset."""
    named = {term.get("applies_to") for document in documents for term in document["terms"]}
    return not named & {item["asset"] for document in documents for item in document["coverage"]}


NAMELESS = [path for path in FILES if sources(path) and is_nameless(sources(path))]


def stored(documents: Sequence[dict[str, Any]]) -> tuple[Version, ...]:
    return from_stored([canonical.text(document) for document in documents])


def renamed(documents: Sequence[dict[str, Any]], before: str) -> list[dict[str, Any]]:
    """The same contract of other assets, in the same order of names."""
    return [
        document | {"coverage": [item | {"asset": f"{before}{item['asset']}"} for item in document["coverage"]]}
        for document in documents
    ]


def alone(versions: Sequence[Version], period: Period) -> Needs | str:
    try:
        return _needs(versions, Facts(), period, period.span.end)
    except NothingInForce as error:
        return str(error)


def shared(versions: Sequence[Version], period: Period) -> Needs | str:
    try:
        return needs(versions, period, period.span.end)
    except NothingInForce as error:
        return str(error)


@pytest.mark.parametrize("path", NAMELESS, ids=lambda path: path.stem)
def test_a_contract_needs_what_it_would_alone(path: Path) -> None:
    alike._KNOWN.clear()
    documents = sources(path)
    for label in ("2026-03", "2026-06", "2026-07"):
        period = Period.parse(label, stored(documents)[0].zone)
        for before in ("", "A-", "Z-"):
            versions = stored(renamed(documents, before))
            assert shared(versions, period) == alone(versions, period)
    assert len(alike._KNOWN) <= 3


def of_two(*coverage: dict[str, str], applies_to: str | None = None) -> tuple[Version, ...]:
    document = next(d for path in FILES for d in sources(path) if {"usage_charge"} == {t["kind"] for t in d["terms"]})
    terms = [term | ({"applies_to": applies_to} if applies_to else {}) for term in document["terms"]]
    return stored([document | {"coverage": list(coverage), "terms": terms}])


def test_who_is_covered_otherwise_needs_something_else() -> None:
    whole, later = {"asset": "T-1", "from": "2026-06-01"}, {"asset": "T-2", "from": "2026-06-11"}
    found = []
    for versions in (
        of_two(whole, later),
        of_two(whole, later | {"from": "2026-06-12"}),
        of_two(whole | {"from": "2026-06-11"}, later | {"from": "2026-06-01"}),
        of_two(whole),
        of_two(whole, later, applies_to="T-1"),
        of_two(whole, later, applies_to="T-2"),
        of_two(whole | {"group": "north"}, later, applies_to="north"),
        of_two(whole, later | {"group": "north"}, applies_to="north"),
    ):
        period = Period.parse("2026-06", versions[0].zone)
        assert shared(versions, period) == alone(versions, period)
        found.append(shared(versions, period))
    assert len({str(each) for each in found}) == 5  # T-1 alone and T-2 alone are asked for in several ways


def evaluated(documents: Sequence[dict[str, Any]], period: Period) -> str:
    versions = stored(documents)
    try:
        return evaluate(versions, Facts(), period, period.span.end).text
    except NothingInForce as error:
        return str(error)


@pytest.mark.parametrize("path", NAMELESS, ids=lambda path: path.stem)
def test_an_evaluation_says_what_it_would_alone(path: Path) -> None:
    documents = sources(path)
    others = [document | {"contract": "O-2"} for document in renamed(documents, 'A-"')]
    for label in ("2026-03", "2026-06", "2026-07"):
        period = Period.parse(label, stored(documents)[0].zone)
        fixed_fee._KNOWN.clear()
        stretch._TIERS.clear()
        alone = evaluated(others, period)
        fixed_fee._KNOWN.clear()
        stretch._TIERS.clear()
        evaluated(documents, period)
        assert evaluated(others, period) == alone
        assert len(fixed_fee._KNOWN) <= len(documents[0]["terms"])
