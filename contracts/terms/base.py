"""What every term has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import ConfigDict

from contracts.words import Name, Part, Word
from core.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.document import Version

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class Term(Part):
    """One rule: its clause, its sentence, its parameters (in subclasses)."""

    PROMISE: ClassVar[bool] = False

    clause: Name
    kind: str
    text: Word
    applies_to: Name | None = None
    condition: tuple[Name, ...] | None = None
    continues: Name | None = None
    obligated: Literal["provider", "customer"] | None = None

    @property
    def rule(self) -> dict[str, Any]:
        """The parameters without the wording: two terms with equal rules are one and the same rule."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in ("text", "continues")}

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures it reads."""
        return ()

    def check(self, version: Version) -> Iterator[Problem]:
        """What is wrong with it inside its version; places are relative to the term."""
        yield from _check_sentence(self)
        if self.applies_to is not None and self.applies_to not in version.owners:
            yield Problem(
                "applies_to", f"{self.applies_to!r} is neither a covered asset nor a group", _among(version.owners)
            )
        if self.PROMISE and self.obligated is None:
            yield Problem("obligated", "is missing", "a promise says who is obligated: provider or customer")
        if self.condition:
            yield Problem(
                "condition", "is not evaluated by this version", "leave it out, or mark the clause not_computed"
            )
        for name in self.measures:
            if name not in version.measure_by_name:
                yield Problem("measure", f"{name!r} is no measure of this version", _among(version.measure_by_name))

    def check_clauses(self, place: str, clauses: tuple[str, ...], version: Version) -> Iterator[Problem]:
        """That clauses named here exist and are charges."""
        for clause in clauses:
            other = version.term_by_clause.get(clause)
            if other is None:
                yield Problem(place, f"clause {clause!r} does not exist", _among(version.term_by_clause))
            elif other.kind not in ("fixed_fee", "usage_charge"):
                yield Problem(place, f"clause {clause!r} is no charge", "name fees or usage charges")


class NotComputed(Term):
    """A clause that is left to people; not_computed says why."""

    kind: Literal["not_computed"] = "not_computed"
    not_computed: Word


class Later(Term):
    """A kind of the format that this engine does not evaluate yet."""

    model_config = ConfigDict(extra="allow", frozen=True)

    def check(self, version: Version) -> Iterator[Problem]:  # noqa: ARG002 - nothing else can be said of it
        """Only that it is not evaluated."""
        remedy = "state it as not_computed with a reason, or use a version that evaluates it"
        yield Problem("kind", f"kind {self.kind} is not evaluated by this version", remedy)


def _check_sentence(term: Term) -> Iterator[Problem]:
    bare = PLACEHOLDER.sub("", term.text)
    if re.search(r"\d", bare):
        yield Problem("text", "has digits outside braces", "name the parameter in braces, so that words and rule agree")
    if "{" in bare or "}" in bare:
        yield Problem("text", "has a brace without its partner", "write placeholders as {target}")
    for name in PLACEHOLDER.findall(term.text):
        first, _, rest = name.partition(".")
        value = getattr(term, first, None) if first in type(term).model_fields else None
        if value is None or (rest and not (isinstance(value, dict) and rest in value)):
            yield Problem("text", f"names {{{name}}}, which the term lacks", "name a parameter that the term states")


def _among(names: Any) -> str:
    return f"one of {', '.join(sorted(names))}" if names else "there is none yet"
