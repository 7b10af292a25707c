"""Whether two evaluations say the same, though they were made at different times or as of different knowledge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

OCCASION = frozenset({"as_of", "input_hash", "result_hash", "until"})
"""What names the occasion of an evaluation rather than its content."""


def content(result: Mapping[str, Any]) -> str:
    """Hash over everything in `Evaluation.to_json()` that does not name the occasion."""
    return canonical.digest({key: value for key, value in result.items() if key not in OCCASION})
