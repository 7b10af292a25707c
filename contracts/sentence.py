"""The clauses of a contract in words, made of the parameters that their rules use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def sentence(term: Mapping[str, Any]) -> str:
    """The text of a term, as written in the contract's canonical form, with its parameters in place."""
    return PLACEHOLDER.sub(lambda match: _words(_value(term, match[1])), term["text"])


def _value(term: Mapping[str, Any], path: str) -> Any:
    value: Any = term
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, Mapping) else ""
    return value


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return _row(value) or ", ".join(f"{key.replace('_', ' ')} {_words(item)}" for key, item in value.items())
    if isinstance(value, list):
        separator = "; " if any(isinstance(item, Mapping) for item in value) else ", "
        return separator.join(_words(item) for item in value)
    return str(value)


def _row(value: Mapping[str, Any]) -> str:
    """A tier, a rung of a ladder or a band, as people say it."""
    if "at_or_above" in value:
        return f"{value['credit']} from {value['at_or_above']}"
    if "above" not in value:
        return ""
    prices = [str(value[name]) for name in ("price", "factor") if name in value]
    fees = [f"a fee of {value['fee']}"] if "fee" in value else []
    return f"above {value['above']} {' and '.join(prices + fees)}"
