"""The sentences of a contract version."""

import re
from collections.abc import Mapping
from typing import Any

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def sentences(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Clause, kind and sentence of each term, in the document's order."""
    return [
        (term["clause"], term.get("kind", "not_computed"), PLACEHOLDER.sub(lambda m: _words(term, m[1]), term["text"]))
        for term in document["terms"]
    ]


def _words(term: Mapping[str, Any], name: str) -> str:
    value: Any = term
    for part in name.split("."):
        value = value[part]
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(_text(item) for item in value)
    return str(value)
