"""Exchange rates: as published with source and day, and amounts turned into another currency by them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from billing.xml import read_xml
from core.money import Money, exponent, is_currency
from core.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

OLDEST = timedelta(days=10)
"""A rate of a day holds until the next is published; over holidays that is a few days."""


class NoRate(LookupError):
    """No rate leads from one currency to the other."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One of `base` is worth `rate` of `quote`, as `source` published it for `day`."""

    source: str
    day: date
    base: str
    quote: str
    rate: Decimal

    def to_json(self) -> dict[str, str]:
        """As printed."""
        words = {name: getattr(self, name) for name in ("source", "base", "quote")}
        return words | {"day": self.day.isoformat(), "rate": f"{self.rate:f}"}

    @classmethod
    def from_json(cls, words: Mapping[str, str]) -> Rate:
        """As printed."""
        day, rate = date.fromisoformat(words["day"]), Decimal(words["rate"])
        return cls(words["source"], day, words["base"], words["quote"], rate)


@dataclass(frozen=True, slots=True)
class Local:
    """The currency in which a seller's tax is shown too, and the rates of the tax point, which is a day."""

    currency: str
    rates: tuple[Rate, ...]
    day: date | None = None


def convert(amount: Money, into: str, rates: Sequence[Rate]) -> tuple[Money, tuple[Rate, ...]]:
    """The amount in another currency, rounded half-up once, and the rates used: one, or two with a common base.

    Raises NoRate.
    """
    steps = _direct(amount.currency, into, rates) or _crossed(amount.currency, into, rates)
    if not steps:
        raise NoRate(f"no rate from {amount.currency} to {into}")
    exact, used = Fraction(amount.amount), []
    for factor, rate in steps:
        exact *= factor
        used.append(rate)
    return Money.round_of(exact, into, decimals=exponent(into), mode="half_up"), tuple(used)


def tax_in(tax: Money, local: Local) -> dict[str, Any]:
    """What a document prints of its tax in the seller's currency; tax_total None: no rate is known."""
    try:
        amount, used = convert(tax, local.currency, local.rates)
    except NoRate:
        return {"currency": local.currency, "tax_total": None, "rates": []}
    rates = [rate.to_json() for rate in used]
    return {"currency": local.currency, "tax_total": f"{amount.amount:f}", "rates": rates}


def again(tax: Money, words: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a document that corrects another one: at the rates of that one."""
    return tax_in(tax, Local(words["currency"], tuple(map(Rate.from_json, words["rates"]))))


def read_rates(source: bytes) -> tuple[Rate, ...] | tuple[Problem, ...]:
    """The rates of a file as the European Central Bank publishes it (eurofxref, daily or historical), or what is wrong.

    No entity, DTD or network is touched.
    """
    root = read_xml(source, remedy="take eurofxref-daily.xml of the ECB")
    if isinstance(root, Problem):
        return (root,)
    found = list(_rates(root))
    problems = tuple(item for item in found if isinstance(item, Problem))
    if problems or not found:
        return problems or (Problem("the file", "has no rates", "take eurofxref-daily.xml of the ECB"),)
    return tuple(item for item in found if isinstance(item, Rate))


def _rates(root: Any) -> Iterator[Rate | Problem]:
    for of_day in root.xpath(".//*[local-name()='Cube'][@time]"):
        for one in of_day.xpath("./*[local-name()='Cube'][@currency]"):
            yield _rate(of_day.get("time"), one.get("currency"), one.get("rate") or "")


def _rate(day: str, quote: str, rate: str) -> Rate | Problem:
    try:
        found = Rate("ECB", date.fromisoformat(day), "EUR", quote, Decimal(rate))
    except (ValueError, InvalidOperation):
        return Problem(f"{day}, {quote}", f"{rate!r} is no rate", "take the file anew")
    if not found.rate.is_finite() or found.rate <= 0 or not is_currency(quote):
        return Problem(f"{day}, {quote}", f"{rate!r} is no rate of a currency", "take the file anew")
    return found


def _direct(one: str, other: str, rates: Sequence[Rate]) -> list[tuple[Fraction, Rate]]:
    for rate in rates:
        if (rate.base, rate.quote) == (one, other):
            return [(Fraction(rate.rate), rate)]
        if (rate.base, rate.quote) == (other, one):
            return [(1 / Fraction(rate.rate), rate)]
    return []


def _crossed(one: str, other: str, rates: Sequence[Rate]) -> list[tuple[Fraction, Rate]]:
    for base in sorted({rate.base for rate in rates}):
        steps = _direct(one, base, rates) + _direct(base, other, rates)
        if len(steps) > 1:
            return steps
    return []
