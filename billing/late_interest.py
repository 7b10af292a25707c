"""Interest on what is paid late: a rate of the seller's own, or by law a base rate and so many points on top of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, StringConstraints

from core.canonical import fraction_text
from core.money import Money, exponent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DAYS_OF_A_YEAR = 365
Percent = Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,4})? %$")]
Points = Annotated[str, StringConstraints(pattern=r"^\d{1,2}(\.\d{1,4})?$")]
Signed = Annotated[str, StringConstraints(pattern=r"^-?\d{1,2}(\.\d{1,4})? %$")]
Interest: TypeAlias = Percent | Literal["statutory"]


class NoBaseRate(ValueError):
    """No base rate is written down that held when a half-year began."""


class BaseRate(BaseModel):
    """A published rate and the day from which it holds, with who published it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: date
    rate: Signed
    source: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days at one rate, both ends included. rate: percent a year; base: the published one in it, if any."""

    first: date
    last: date
    rate: Fraction
    base: BaseRate | None = None

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    def to_json(self) -> dict[str, Any]:
        """As a letter says it."""
        words = {"first": self.first.isoformat(), "last": self.last.isoformat(), "days": self.days}
        words |= {"rate": f"{fraction_text(self.rate)} %"}
        if self.base:
            words["base"] = {
                "rate": self.base.rate,
                "since": self.base.since.isoformat(),
                "source": self.base.source,
            }
        return words


def stretches(
    interest: str, after: date, last: date, *, points: str, base_rates: Sequence[BaseRate]
) -> tuple[Stretch, ...]:
    """The days after `after` up to and including `last`, cut where the rate changes.

    By law the rate of a half-year is the base rate that held on its first day, and the points (Directive 2011/7/EU,
    article 2). Raises NoBaseRate.
    """
    if last <= after:
        return ()
    first = after + timedelta(days=1)
    if interest != "statutory":
        return (Stretch(first, last, _percent(interest)),)
    return tuple(_of_half(begin, end, points, base_rates) for begin, end in _halves(first, last))


def interest_on(owed: Money, found: Sequence[Stretch]) -> Money:
    """What these days come to, rounded once, half up: owed x rate x days / 365 each."""
    exact = sum((Fraction(owed.amount) * x.rate * x.days for x in found), Fraction(0)) / (100 * DAYS_OF_A_YEAR)
    return Money.round_of(exact, owed.currency, decimals=exponent(owed.currency), mode="half_up")


def rising(base_rates: Sequence[BaseRate]) -> bool:
    """Whether each rate holds from a later day than the one before."""
    return all(earlier.since < later.since for earlier, later in pairwise(base_rates))


def _halves(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = date(first.year, 6, 30) if first.month <= 6 else date(first.year, 12, 31)  # noqa: PLR2004 - June
        yield first, min(end, last)
        first = end + timedelta(days=1)


def _of_half(first: date, last: date, points: str, base_rates: Sequence[BaseRate]) -> Stretch:
    begins = date(first.year, 1 if first.month <= 6 else 7, 1)  # noqa: PLR2004 - June
    held = [rate for rate in base_rates if rate.since <= begins]
    if not held:
        raise NoBaseRate(f"no base rate held on {begins}; write it in the set-up, in dunning.base_rates")
    rate = max(_percent(held[-1].rate) + Fraction(points), Fraction(0))
    return Stretch(first, last, rate, held[-1])


def _percent(text: str) -> Fraction:
    return Fraction(text.removesuffix(" %"))
