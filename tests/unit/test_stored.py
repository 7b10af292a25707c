"""Stored versions share a pattern, and are what they would be alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.document import Agreement, Version, from_canonical, read_agreement
from contracts.stored import from_stored
from core import canonical

FILES = sorted(Path("tests/specs").glob("*.yaml"))


def versions(path: Path) -> list[Version]:
    found = read_agreement(path.read_text())
    return list(found.versions) if isinstance(found, Agreement) else []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stored_version_is_what_its_text_says(path: Path) -> None:
    for version in versions(path):
        text = canonical.text(version.canonical)
        (alone,) = from_canonical([json.loads(text)])
        for _ in range(2):
            (found,) = from_stored([text])
            assert found == alone == version
            assert (found.hash, found.canonical, found.owners) == (version.hash, version.canonical, version.owners)


def test_contracts_of_one_pattern_keep_their_own_names_assets_and_hashes() -> None:
    source: dict[str, Any] = next(v for path in FILES for v in versions(path)).canonical
    other = source | {"contract": "C-OTHER", "coverage": [item | {"asset": "T-OTHER"} for item in source["coverage"]]}
    (first,), (second,) = (from_stored([canonical.text(each)]) for each in (source, other))
    assert first.terms[0] is second.terms[0]
    assert (second.contract, {item.asset for item in second.coverage}) == ("C-OTHER", {"T-OTHER"})
    assert (first.hash, second.hash) == (canonical.digest(source), canonical.digest(other))
    assert first.contract != "C-OTHER"
    assert "T-OTHER" not in first.owners
