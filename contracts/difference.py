"""What an amendment changes: parameter by parameter in words, and clause by clause in money on given facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.check import evaluate
from contracts.document import from_canonical
from contracts.language import PHRASES, of
from contracts.sentence import sentence, words
from contracts.standard import template
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


def in_words(before: Version, after: Version, language: str | None = None) -> Iterator[str]:
    """Every change, with the new sentence of each clause that reads otherwise; in the new version's language.

    In another one, sentences are the standard ones of their kind.
    """
    language = language or after.language
    own = language == after.language
    yield from _changes("", _without(before.canonical, _HEAD), _without(after.canonical, _HEAD), language)
    old = {term["clause"]: term for term in before.canonical["terms"]}
    new = {term["clause"]: term for term in after.canonical["terms"]}
    for clause, term in new.items():
        known = old.get(term.get("continues", clause))
        if known is None:
            yield _say(language, "is new", clause, _sentence(term, language, own=own))
            continue
        changes = list(_changes(_say(language, "clause", clause), known, term, language))
        yield from changes
        said = _sentence(term, language, own=own)
        if changes and _sentence(known, language, own=own) != said:
            yield _say(language, "reads now", clause, said)
    continued = {term.get("continues", clause) for clause, term in new.items()}
    gone = (clause for clause in old if clause not in continued)
    yield from (_say(language, "is gone", clause, _sentence(old[clause], language, own=own)) for clause in gone)


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
            yield _say(language, "added", place + name, new)
        elif new is None:
            yield _say(language, "no longer", place + name, old)
        else:
            yield _say(language, "instead", place + name, new, old)


def _say(language: str, key: str, *parts: object) -> str:
    return of(PHRASES, key, language).format(*parts)


def _sentence(term: dict[str, Any], language: str, *, own: bool) -> str:
    """As the document has it, or in standard sentences."""
    text = None if own else template(term, language)
    return sentence({**term, "text": text} if text else term, language)


def _without(source: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in source.items() if name not in names}
