"""What every term has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contracts.words import Name, Part, Word
from core.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.document import Version

CHARGES = ("fixed_fee", "usage_charge", "allowance", "minimum_commitment")
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
        yield from self.check_kinds("condition", self.condition or (), version, ("obligation",))
        for name in self.measures:
            if name not in version.measure_by_name:
                yield Problem("measure", f"{name!r} is no measure of this version", _among(version.measure_by_name))

    def check_clauses(self, place: str, clauses: tuple[str, ...], version: Version) -> Iterator[Problem]:
        """That clauses named here exist and are charges."""
        return self.check_kinds(place, clauses, version, CHARGES)

    def check_kinds(
        self, place: str, clauses: tuple[str, ...], version: Version, kinds: tuple[str, ...] | None
    ) -> Iterator[Problem]:
        """That clauses named here exist and are of these kinds; None: of any."""
        for clause in clauses:
            other = version.term_by_clause.get(clause)
            if other is None:
                yield Problem(place, f"clause {clause!r} does not exist", _among(version.term_by_clause))
            elif kinds is not None and other.kind not in kinds:
                wanted = "charge" if kinds == CHARGES else " or ".join(kinds)
                yield Problem(place, f"clause {clause!r} is no {wanted}", f"it is a {other.kind}")
            elif other.clause == self.clause:
                yield Problem(place, f"clause {clause!r} is this clause itself", "name another")


class NotComputed(Term):
    """A clause that is left to people; not_computed says why."""

    kind: Literal["not_computed"] = "not_computed"
    not_computed: Word


def _check_sentence(term: Term) -> Iterator[Problem]:
    bare = PLACEHOLDER.sub("", term.text)
    if re.search(r"\d", bare):
        yield Problem("text", "has digits outside braces", "name the parameter in braces, so that words and rule agree")
    if "{" in bare or "}" in bare:
        yield Problem("text", "has a brace without its partner", "write placeholders as {target}")
    for name in PLACEHOLDER.findall(term.text):
        first, _, rest = name.partition(".")
        at = _field(term, first)
        value = getattr(term, at) if at else None
        lacks = value is None and at not in term.model_fields_set
        if lacks or (rest and not (isinstance(value, dict) and rest in value)):
            yield Problem("text", f"names {{{name}}}, which the term lacks", "name a parameter that the term states")


def _field(term: Term, name: str) -> str:
    """The attribute in which a parameter of this name is kept; empty for none."""
    return next((at for at, one in type(term).model_fields.items() if (one.alias or at) == name), "")


def _among(names: Any) -> str:
    return f"one of {', '.join(sorted(names))}" if names else "there is none yet"
