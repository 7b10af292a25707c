"""What a missed promise costs: the credit of one window, and the caps over all assets of a term. Exact."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from contracts.words import (
    Automatic,
    Count,
    DurationWord,
    Flag,
    MoneyWord,
    Name,
    Number,
    Part,
    Share,
    first_of,
)
from core.canonical import fraction_text
from core.money import Money, Price, allocate
from core.problem import Problem
from core.time import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contracts.tally import Tally

ZERO = Fraction(0)
FORMS = ("ladder", "per_point", "per_point_or_part", "linear", "per_hour", "per_event", "lost_output")
Rate = Annotated[Fraction | Money | Price, first_of("share", "money", "price")]
"""A share of the base, money, or (for lost output) a price."""
BaseHours = Annotated[object, first_of("duration", "required")]


class Rung(Part):
    """A step of a ladder."""

    at_or_above: Share
    credit: Share


class Cap(Part):
    """The most that credits may be in a window: a share of the base, or an amount."""

    window: Literal["month", "contract_year", "rolling_12_months"]
    share: Share | None = None
    amount: MoneyWord | None = None


class Remedy(Part):
    """The remedy's parameters, written flat in its term."""

    remedy: (
        Literal["ladder", "per_point", "per_point_or_part", "linear", "per_hour", "per_event", "lost_output"] | None
    ) = None
    base: tuple[Name, ...] = ()
    steps: tuple[Rung, ...] | None = None
    rate: Rate | None = None
    floor: Share | None = None
    below_floor: Share | None = None
    factor: Number | None = None
    base_hours: BaseHours | None = None
    output: Name | None = None
    caps: tuple[Cap, ...] = ()
    claim: DurationWord | Automatic = "automatic"
    application: Literal["this_invoice", "next_invoice", "cash", "extension_days"] = "this_invoice"
    earn_back_target: Share | None = None
    earn_back_windows: Count | None = None
    sole_remedy: Flag = False

    @property
    def results_carried(self) -> int:
        """How many results it hands on by itself, to count windows in a row."""
        return 0 if self.earn_back_target is None else self.earn_back_windows or 1

    def check_remedy(self) -> Iterator[Problem]:
        """A ladder falls to zero without a hole; every form has what it needs."""
        if self.remedy == "ladder":
            yield from _check_ladder(self.steps)
        yield from self._check_rate()
        if (self.floor is None) != (self.below_floor is None):
            yield Problem("floor", "and below_floor go together", "write both, or none")
        of_base = self.remedy == "ladder" or isinstance(self.rate, Fraction) or self.factor is not None
        if self.remedy and of_base and not self.base:
            yield Problem("base", "is missing", "name the clauses of whose amounts the credit is a share")
        if self.application == "extension_days" and not self.base:
            yield Problem("base", "is missing", "days are a part of the window: the credit's part of its base")
        yield from self._check_caps()
        if (self.earn_back_target is None) != (self.earn_back_windows is None):
            yield Problem("earn_back_target", "and earn_back_windows go together", "write both, or none")

    def check_earn_back(self, kept: Fraction) -> Iterator[Problem]:
        """A window that earns a credit back owes none itself. kept: the result from which the promise is kept."""
        if self.earn_back_target is None:
            return
        free = [rung.at_or_above for rung in self.steps or () if rung.credit == 0]
        least = max(kept, min(free, default=kept))
        if self.earn_back_target < least:
            message = f"{_percent(self.earn_back_target)} is below {_percent(least)}, where a credit is still owed"
            yield Problem("earn_back_target", message, f"write {_percent(least)} or more")
        if self.earn_back_windows == 0:
            yield Problem("earn_back_windows", "is none", "say how many windows in a row win it back")

    def _check_rate(self) -> Iterator[Problem]:
        if self.remedy == "lost_output":
            if self.output is None:
                yield Problem("output", "is missing", "lost_output names the measure of what is made")
            if not isinstance(self.rate, Price):
                yield Problem("rate", "is no price", "lost_output pays a price for each unit: 0.05 EUR/kWh")
        elif isinstance(self.rate, Price):
            yield Problem("rate", "is a price", "write a share of the base, or money")
        if self.remedy in ("per_point", "per_point_or_part", "linear", "per_event") and self.rate is None:
            yield Problem("rate", "is missing", f"{self.remedy} needs it")
        if self.remedy == "per_hour" and self.rate is None and (self.factor is None or self.base_hours is None):
            yield Problem("rate", "is missing", "per_hour needs a rate, or factor and base_hours")

    def _check_caps(self) -> Iterator[Problem]:
        for n, one in enumerate(self.caps):
            if (one.share is None) == (one.amount is None):
                yield Problem(f"caps[{n}]", "needs one of share and amount", "write share: 15 %")
            elif one.share is not None and not self.base:
                yield Problem(f"caps[{n}].share", "is a share of no base", "name the base, or write an amount")


def _percent(share: Fraction) -> str:
    return f"{fraction_text(share * 100)} %"


def _check_ladder(steps: tuple[Rung, ...] | None) -> Iterator[Problem]:
    if not steps:
        yield Problem("steps", "is missing", "a ladder has steps, falling to 0 %")
        return
    for n, (upper, lower) in enumerate(pairwise(steps), 1):
        if lower.at_or_above >= upper.at_or_above:
            yield Problem(f"steps[{n}].at_or_above", "does not fall", "write the steps from the best result down")
        if lower.credit < upper.credit or upper.credit < 0:
            yield Problem(f"steps[{n}].credit", "falls with a worse result", "a worse result never earns less credit")
    if steps[-1].at_or_above != 0:
        yield Problem(f"steps[{len(steps) - 1}].at_or_above", "leaves a hole below it", "the last step is at 0 %")


@dataclass(frozen=True, slots=True)
class Credit:
    """The credit of one asset or pool in one window, before rounding. share: of the base, if the form has one."""

    exact: Fraction = ZERO
    share: Fraction | None = None


def credit(
    remedy: Remedy, target: Fraction, result: Fraction, tally: Tally, base: Fraction, *, output: Fraction = ZERO
) -> Credit:
    """What the promise's window gives, from the (rounded, if agreed) result. Nothing if there is no remedy.

    output: what was made in the window, for lost_output; where nothing was up, nothing tells what was lost.
    """
    if remedy.remedy == "ladder":
        share = next((rung.credit for rung in remedy.steps or () if result >= rung.at_or_above), ZERO)
        return Credit(share * base if share else ZERO, share)
    if remedy.remedy is None or result >= target:
        return Credit(ZERO, ZERO)
    if remedy.floor is not None and remedy.below_floor is not None and result < remedy.floor:
        return Credit(remedy.below_floor * base, remedy.below_floor)
    if remedy.remedy == "lost_output":
        return Credit(_price(remedy.rate) * output * (target / result - 1) if result else ZERO)
    if remedy.remedy == "per_hour":
        return _per_hour(remedy, tally, base)
    counted = remedy.remedy == "per_event"
    times = Fraction(tally.outages) if counted else _points(remedy.remedy, (target - result) * 100)
    return _rated(remedy.rate, times, base)


def _price(rate: object) -> Fraction:
    return Fraction(rate.amount) if isinstance(rate, Price) else ZERO


def _points(form: str, missing: Fraction) -> Fraction:
    if form == "linear":
        return missing
    return Fraction(missing // 1) if form == "per_point" else Fraction(-(-missing // 1))


def _rated(rate: object, times: Fraction, base: Fraction) -> Credit:
    if isinstance(rate, Money):
        return Credit(Fraction(rate.amount) * times)
    share = rate * times if isinstance(rate, Fraction) else ZERO
    return Credit(share * base, share)


def _per_hour(remedy: Remedy, tally: Tally, base: Fraction) -> Credit:
    if remedy.rate is not None:
        return _rated(remedy.rate, tally.lost / HOUR, base)
    whole = tally.required if remedy.base_hours == "required" else getattr(remedy.base_hours, "elapsed", 0)
    share = Fraction(remedy.factor or 0) * tally.lost / whole if whole else ZERO
    return Credit(share * base, share)


@dataclass(frozen=True, slots=True)
class Before:
    """What the cap's window has seen before: the base, and the credits given."""

    base: Fraction = ZERO
    credits: Fraction = ZERO


@dataclass(frozen=True, slots=True)
class Capped:
    """Credits after caps. caps: window to the most allowed in it; left: the least that they leave; cut: what lapses."""

    credits: Mapping[str, Money]
    caps: Mapping[str, Fraction] = field(default_factory=dict)
    left: Fraction | None = None
    cut: Fraction = ZERO


def cap(
    remedy: Remedy, given: Mapping[str, Money], base: Fraction, before: Mapping[str, Before], *, decimals: int
) -> Capped:
    """Cut the credits of a term's assets together; what is left goes back by largest remainder, ties by name."""
    if not remedy.caps or not given:
        return Capped(given)
    currency = next(iter(given.values())).currency
    limits: dict[str, Fraction] = {}
    rooms: list[Fraction] = []
    for one in remedy.caps:
        seen = Before() if one.window == "month" else before.get(one.window, Before())
        limit = Fraction(one.amount.amount) if one.amount else (one.share or ZERO) * (seen.base + base)
        limits[one.window] = min(limit, limits.get(one.window, limit))
        rooms.append(max(ZERO, limit - seen.credits))
    left = min(rooms)
    total = sum((Fraction(money.amount) for money in given.values()), ZERO)
    if total <= left:
        return Capped(given, limits, left)
    floored = Fraction(left * 10**decimals // 1, 10**decimals)
    allowed = Money.round_of(floored, currency, decimals=decimals, mode="half_up")
    shares = allocate(allowed, {owner: money.amount for owner, money in given.items()}, decimals)
    return Capped(shares, limits, left, total - floored)
