"""What an amendment changes: parameter by parameter in words, and clause by clause in money on given facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.check import evaluate
from contracts.document import from_canonical
from contracts.sentence import sentence, words
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.document import Version
    from contracts.facts_document import FactsDocument

_HEAD = ("schema", "contract", "version", "effective_from", "recorded_at", "reason", "terms")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a clause comes to for an owner in a period, before and after."""

    period: str
    clause: str
    owner: str
    before: Money
    after: Money

    @property
    def change(self) -> Money:
        """After less before."""
        return self.after - self.before


def in_words(before: Version, after: Version) -> Iterator[str]:
    """Every change, with the new sentence of each clause that reads otherwise."""
    language = after.language
    yield from _changes("", _without(before.canonical, _HEAD), _without(after.canonical, _HEAD), language)
    old = {term["clause"]: term for term in before.canonical["terms"]}
    new = {term["clause"]: term for term in after.canonical["terms"]}
    for clause, term in new.items():
        known = old.get(term.get("continues", clause))
        if known is None:
            yield f"clause {clause} is new: {sentence(term, language)}"
            continue
        changes = list(_changes(f"clause {clause}, ", known, term, language))
        yield from changes
        if changes and sentence(known, language) != sentence(term, language):
            yield f"clause {clause} reads now: {sentence(term, language)}"
    continued = {term.get("continues", clause) for clause, term in new.items()}
    yield from (
        f"clause {clause} is gone: {sentence(old[clause], language)}" for clause in old if clause not in continued
    )


def in_money(before: Version, after: Version, facts: FactsDocument, period: str) -> Iterator[Effect]:
    """What the same facts cost by each version, had it been in force all the time; only what differs.

    Raises Problems, NothingInForce, NotAPeriod.
    """
    sums: dict[tuple[str, str], list[Money]] = {}
    since = before.canonical["effective_from"]
    for n, version in enumerate((before, after)):
        alone = from_canonical([{**version.canonical, "version": "1", "effective_from": since}])
        for line in evaluate(alone, facts, None, period, as_of=None).lines:
            pair = sums.setdefault(
                (line.clause, line.owner), [Money.zero(before.currency), Money.zero(before.currency)]
            )
            pair[n] += line.amount
    for (clause, owner), (then, now) in sums.items():
        if then != now:
            yield Effect(period, clause, owner, then, now)


def _changes(place: str, before: Any, after: Any, language: str) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) == after.get(name):
            continue
        old, new = (words(name, one[name], language) if name in one else None for one in (before, after))
        if old is None:
            yield f"{place}{name}: {new} (new)"
        elif new is None:
            yield f"{place}{name}: no longer {old}"
        else:
            yield f"{place}{name}: {new} instead of {old}"


def _without(source: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in source.items() if name not in names}
