"""Versions read again from their canonical text. Contracts of one pattern share what is the same in all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic_core import from_json

from contracts.document import Coverage, Version, from_canonical
from contracts.plan import Planned
from contracts.words import Context
from core import canonical
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Sequence

OWN = ("contract", "parties", "coverage")
"""What contracts of one pattern differ in."""
MOST = 256
"""Patterns that are kept."""
_FIELDS = frozenset(Version.model_fields)
_COVERAGE: TypeAdapter[tuple[Coverage, ...]] = TypeAdapter(tuple[Coverage, ...])
_PATTERNS: dict[bytes, Version] = {}


def from_stored(documents: Sequence[str]) -> tuple[Version, ...]:
    """The versions of a contract from texts that were checked when they were taken in, in order.

    Terms, measures and all else that is the same in many contracts is checked and made once. Raises
    core.problem.Problems.
    """
    return Planned(_version(from_json(document)) for document in documents)


def _version(source: dict[str, Any]) -> Version:
    pattern = canonical.written({name: item for name, item in source.items() if name not in OWN})
    known = _PATTERNS.get(pattern)
    if known is None:
        (known,) = from_canonical([source])
        if len(_PATTERNS) >= MOST:
            _PATTERNS.clear()
        _PATTERNS[pattern] = known
    context = Context(zone(known.timezone), known.currency)
    coverage = _COVERAGE.validate_python(source["coverage"], context=context)
    made = known.model_copy(
        update={"contract": source["contract"], "parties": dict(source["parties"]), "coverage": coverage}
    )
    for name in vars(made).keys() - _FIELDS:  # what the other one has worked out for itself
        del vars(made)[name]
    object.__setattr__(made, "_source", source)
    return made
