"""What an agreement and its evaluations hold is gone with the last who asks for it, without a search for circles.

Runs over ten thousand contracts rest on it: Python looks for circles rarely there (see core/garbage.py).
"""

import gc
from collections.abc import Sequence
from pathlib import Path

from contracts.check import run
from contracts.document import Agreement, from_canonical, read_agreement
from contracts.facts_document import FactsDocument, read_facts
from contracts.terms.base import Term
from contracts.text import TextDocument, read

NAMES = ("advance", "i14-caps", "k04-amended", "w03", "w08", "w10", "w12", "w18", "x01", "x02")
SPECS = [path for name in NAMES for path in Path(__file__).parent.glob(f"{name}*.yaml") if "facts" not in path.name]


def evaluated(written: Agreement, facts: Sequence[TextDocument]) -> None:
    """All examples of an agreement, with versions that nobody else holds."""
    agreement = Agreement(written.contract, from_canonical([version.canonical for version in written.versions]))
    for source in facts:
        document = read_facts(source, agreement.versions)
        assert isinstance(document, FactsDocument)
        assert all(outcome.evaluation for outcome in run(agreement, document))


def left_over(written: Agreement, facts: Sequence[TextDocument]) -> set[str]:
    """Types of ours that only a search for circles finds after evaluating."""
    gc.freeze()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        evaluated(written, facts)
        gc.collect()
        return {type(x).__qualname__ for x in gc.garbage if type(x).__module__.startswith(("contracts", "core"))}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        gc.unfreeze()


def test_nothing_of_an_evaluation_refers_to_itself() -> None:
    kinds: set[type[Term]] = set()
    assert len(SPECS) == len(NAMES)
    for path in SPECS:
        written = read_agreement(path.read_bytes())
        assert isinstance(written, Agreement)
        beside = path.with_name(path.name.replace(".contract.", ".facts."))
        facts = written.facts if beside == path else read(beside.read_bytes())[0]
        kinds |= {type(term) for version in written.versions for term in version.terms}
        assert left_over(written, facts) == set(), path.name
    assert {kind.__name__ for kind in Term.__subclasses__()} - {kind.__name__ for kind in kinds} == set()
