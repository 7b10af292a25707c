"""From contract versions to what billing takes of them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from billing.invoice import Agreement
from billing.tax import Tax
from contracts.alike import identity, patterns_of
from contracts.breach import in_force
from contracts.sentence import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contracts.document import Version


PATTERNS = 256
_AGREED: dict[object, tuple[Agreement, object]] = {}
"""By the identity of versions' patterns, which are kept beside it, by their numbers, end and default."""


def agreement(versions: Sequence[Version], numbers: Iterable[int], *, end: int, default: Tax | None) -> Agreement:
    """Of the versions that an evaluation used. numbers: theirs; end: of the period, in microseconds.

    The tax is that of the version in force when the period ends, because that is the tax point; where it names none,
    the seller's default. Raises billing.tax.NotATax for a category or rate that does not exist.
    """
    patterns = patterns_of(versions)
    key = (identity(patterns), tuple(numbers), end, default)
    known = _AGREED.get(key)
    if known is None:
        if len(_AGREED) >= PATTERNS:
            _AGREED.clear()
        known = _AGREED[key] = _agreement(versions, key[1], end=end, default=default), patterns
    return known[0]


def _agreement(versions: Sequence[Version], numbers: Sequence[int], *, end: int, default: Tax | None) -> Agreement:
    used = {number: version for version in versions for number in numbers if version.version == number}
    last = in_force(versions, end - 1)
    return Agreement(
        tax=_tax(last, default),
        credits=last.billing.tax_of_credits or "price_reduction",
        rounding=last.billing.rounding,
        sentences={
            (number, clause): words for number, version in used.items() for clause, words in _sentences(version).items()
        },
        registers=_registers(used.values()),
        charged=frozenset(_registers(used.values(), kind="usage_charge").values()),
        rule=f"version {last.version} of the contract" if last.billing.tax_category else "what holds for the seller",
    )


def _sentences(version: Version) -> dict[str, str]:
    """By clause."""
    return {term["clause"]: sentence(term, version.language) for term in version.canonical["terms"]}


def _tax(version: Version, default: Tax | None) -> Tax | None:
    billing = version.billing
    if billing.tax_category is None:
        return default
    return Tax.of_share(billing.tax_category, billing.tax_rate or Fraction(0))


def _registers(versions: Iterable[Version], *, kind: str = "") -> Mapping[str, str]:
    """By clause the register path that it reads first. kind: of terms; empty: of all."""
    return {
        term.clause: path
        for version in versions
        for term in version.terms
        if not kind or term.kind == kind
        for name in term.measures[:1]
        if (path := version.measure_by_name[name].register_path)
    }
