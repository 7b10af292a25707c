"""No amount, text or step of any example changes unseen: the hash of each evaluation is kept in a golden file.

After a change that is meant: `make golden`, and look at what it means for amounts before committing.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.check import run
from contracts.document import Agreement, read_agreement
from contracts.facts_document import FactsDocument, read_facts
from contracts.text import read

SPECS = Path(__file__).parent
GOLDEN = SPECS.parent / "golden" / "evaluations.txt"


def evaluations() -> Iterator[str]:
    """File, example, and the hashes of what went in and of what came out."""
    for path in sorted(SPECS.glob("*.yaml")):
        if path.name.endswith(".facts.yaml"):
            continue
        agreement = read_agreement(path.read_bytes())
        assert isinstance(agreement, Agreement)
        beside = path.with_name(path.name.replace(".contract.", ".facts."))
        for source in agreement.facts if beside == path else read(beside.read_bytes())[0]:
            document = read_facts(source, agreement.versions)
            assert isinstance(document, FactsDocument)
            for outcome in run(agreement, document):
                found = outcome.evaluation
                hashes = f"{found.input_hash[:16]} {found.result_hash}" if found else "none"
                yield f"{path.name} | {outcome.name} | {hashes}"


def test_evaluations_have_their_golden_hashes(request: pytest.FixtureRequest) -> None:
    found = "\n".join(evaluations()) + "\n"
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(found)
    assert found.splitlines() == GOLDEN.read_text().splitlines()
