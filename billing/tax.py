"""Value added tax: once for each category and rate, on the sum of the lines."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from core.money import Mode, Money, exponent, round_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable

CATEGORIES = {
    "S": "standard rate",
    "Z": "zero rated",
    "E": "exempt",
    "AE": "reverse charge",
    "K": "supply within the community",
    "G": "export",
    "O": "outside the scope of tax",
    "L": "Canary Islands",
    "M": "Ceuta and Melilla",
}
"""The categories of EN 16931 (code list UNCL 5305)."""
TAXED = frozenset({"S", "L", "M"})


class NotATax(ValueError):
    """A category that EN 16931 does not know, or a rate that does not go with it."""


@dataclass(frozen=True, order=True)
class Tax:
    """How an amount is taxed. rate: percent, e.g. 19; zero for every category that is not taxed."""

    category: str
    rate: Decimal

    def __post_init__(self) -> None:
        if self.category not in CATEGORIES:
            raise NotATax(f"{self.category!r} is no tax category; give one of {' '.join(CATEGORIES)}")
        if self.rate < 0 or (self.rate and self.category not in TAXED):
            raise NotATax(f"category {self.category} ({CATEGORIES[self.category]}) has rate 0, not {self.rate} %")

    @classmethod
    def of_share(cls, category: str, share: Fraction) -> Tax:
        """From a part of one: 19/100 is 19 percent. Raises NotATax if percent do not end as a decimal."""
        percent = share * 100
        if Fraction(Decimal(percent.numerator) / percent.denominator) != percent:
            raise NotATax(f"a tax rate of {share} does not end as a decimal")
        return cls(category, (Decimal(percent.numerator) / percent.denominator).normalize() + 0)

    @cached_property
    def key(self) -> tuple[str, str]:
        """Category and rate as printed; 19 and 19.00 are one."""
        return self.category, rate_text(self.rate)


OUTSIDE = Tax("O", Decimal(0))


@dataclass(frozen=True, slots=True)
class TaxTotal:
    """What one category and rate comes to."""

    tax: Tax
    base: Money
    amount: Money


def totals(amounts: Iterable[tuple[Tax, Money]], mode: Mode) -> tuple[TaxTotal, ...]:
    """Tax of amounts of one currency, in order of category and rate; rounded once each, to the currency's decimals."""
    parts: dict[tuple[str, str], tuple[Tax, list[Money]]] = {}
    for tax, amount in amounts:
        parts.setdefault(tax.key, (tax, []))[1].append(amount)
    bases = ((tax, Money.total(some, some[0].currency)) for _, (tax, some) in sorted(parts.items()))
    return tuple(TaxTotal(tax, base, _tax_on(base, tax, mode)) for tax, base in bases)


@lru_cache(maxsize=64)
def rate_text(rate: Decimal) -> str:
    """19, not 19.00 or 1.9E+1."""
    return f"{rate.normalize() + 0:f}"


def _tax_on(base: Money, tax: Tax, mode: Mode) -> Money:
    (amount, parts), (rate, of) = base.amount.as_integer_ratio(), tax.rate.as_integer_ratio()
    rounded = round_ratio(amount * rate, parts * of * 100, exponent(base.currency), mode)
    return Money(rounded, base.currency)
