"""The sentences of a contract version, in its language."""

from collections.abc import Mapping
from typing import Any

from contracts.sentence import sentence


def sentences(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Clause, kind and sentence of each term, in the order of the version's canonical document."""
    language = document.get("language", "en")
    return [(term["clause"], term.get("kind", "not_computed"), sentence(term, language)) for term in document["terms"]]
