"""Versions read again from their canonical text. Contracts of one pattern share what is the same in all of them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import TypeAdapter

from contracts.alike import OWN
from contracts.document import Coverage, Version, from_canonical
from contracts.plan import Planned
from contracts.words import Context
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST = 256
"""Patterns that are kept."""
_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_SOURCE = msgspec.json.Decoder(dict[str, Any])
_FIELDS = frozenset(Version.model_fields)
_COVERAGE: TypeAdapter[tuple[Coverage, ...]] = TypeAdapter(tuple[Coverage, ...])
_PATTERNS: dict[bytes, Version] = {}


def from_stored(documents: Sequence[str]) -> tuple[Version, ...]:
    """The versions of a contract from texts that were checked when they were taken in, in order.

    Terms, measures and all else that is the same in many contracts is checked and made once. Raises
    core.problem.Problems.
    """
    return Planned(map(_version, documents))


def _version(document: str) -> Version:
    parts = _PARTS.decode(document)
    pattern = b",".join([part for name, raw in parts.items() if name not in OWN for part in (name.encode(), raw)])
    source = _SOURCE.decode(document)
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
    vars(made)["hash"] = sha256(document.encode()).hexdigest()
    object.__setattr__(made, "_source", source)
    return made
