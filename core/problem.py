"""A problem is a value: what is wrong, where, and what would be right."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in something that somebody sent.

    place: where, in words of the sender, e.g. `version 2, clause 2.2, tiers[1].price`.
    message: what is wrong there. remedy: what would be right; empty only where the message says it.
    """

    place: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        tail = f" ({self.remedy})" if self.remedy else ""
        return f"{self.place}: {self.message}{tail}" if self.place else f"{self.message}{tail}"


class Problems(ValueError):
    """Raised where a caller needs a sound value and has none; carries every problem found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
