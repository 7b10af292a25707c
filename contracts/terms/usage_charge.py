"""What use costs: the parameters of a usage charge and what is wrong with them. Its evaluation: contracts/charge.py."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from contracts.pricing import Band, whole_charges
from contracts.terms.base import Term
from contracts.words import MoneyWord, Name, Number, Part, PriceWord, QuantityWord
from core.problem import Problem
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.document import Version


class Tier(Part):
    """What lies above a quantity: a price for each unit, a fee once it is reached, or both."""

    above: QuantityWord
    price: PriceWord | None = None
    fee: MoneyWord | None = None


class Multiplier(Part):
    """A factor for units measured above a level."""

    measure: Name
    above: QuantityWord
    factor: Number

    @property
    def plain(self) -> Multiplier:
        """The band from zero in which nothing is dearer."""
        zero = Quantity(Decimal(0), self.above.unit)
        return Multiplier.model_construct(measure=self.measure, above=zero, factor=Decimal(1))


class UsageCharge(Term):
    """Parameters of a usage charge; quantities and prices in the measure's unit."""

    kind: Literal["usage_charge"]
    measure: Name
    model: Literal["flat", "graduated", "volume", "package", "stairstep"]
    scope: Literal["asset", "pool"]
    price: PriceWord | None = None
    tiers: tuple[Tier, ...] | None = None
    package_size: QuantityWord | None = None
    package_price: MoneyWord | None = None
    included: QuantityWord | None = None
    reset: Literal["period", "contract_year"] = "period"
    on_amendment: Literal["continue", "prorate", "restart"] = "continue"
    weights: dict[Name, Number] | None = None
    multipliers: tuple[Multiplier, ...] | None = None
    multiplier_by: Literal["segment", "period_mean"] = "segment"
    quantity_rounding: Literal["none", "up", "half_up"] = "none"
    allocate: Literal["none", "by_quantity"] = "none"

    @property
    def measures(self) -> tuple[str, ...]:
        """What is counted."""
        return (self.measure,)

    @property
    def scales(self) -> dict[str, tuple[Multiplier, ...]]:
        """By measure the bands of its factors; factors of several measures multiply. Below the first one it is 1."""
        found: dict[str, tuple[Multiplier, ...]] = {}
        for band in self.multipliers or ():
            below = () if band.above.magnitude <= 0 else (band.plain,)
            found[band.measure] = (*found.get(band.measure, below), band)
        return found

    def bands(self, shrink: Fraction) -> tuple[Band, ...]:
        """The tiers as numbers, their bounds times a factor."""
        bands = [
            Band(
                Fraction(tier.above.magnitude) * shrink,
                None if tier.price is None else Fraction(tier.price.amount),
                None if tier.fee is None else Fraction(tier.fee.amount),
            )
            for tier in self.tiers or ()
        ]
        return whole_charges(bands) if self.model == "graduated" else tuple(bands)

    def check(self, version: Version) -> Iterator[Problem]:
        """Everything that would leave a unit without a price, or with two."""
        yield from super().check(version)
        measure = version.measure_by_name.get(self.measure)
        if measure is not None and (measure.kind == "state_time" or measure.unit is None):
            yield Problem("measure", f"{self.measure} counts no quantity", "name a measure with a unit")
        if measure is not None and measure.unit is not None:
            yield from self._check_units(measure.unit)
        yield from self._check_model()
        yield from self._check_tiers()
        yield from self._check_multipliers(version)
        if self.allocate != "none" and self.scope != "pool":
            yield Problem(
                "allocate", "shares a pool's amount, and the scope is asset", "leave it out, or write scope: pool"
            )

    def _check_model(self) -> Iterator[Problem]:
        needed = {
            "flat": ("price",),
            "package": ("package_size", "package_price"),
        }.get(self.model, ("tiers",))
        for name in ("price", "tiers", "package_size", "package_price"):
            stated = getattr(self, name) is not None
            if stated and name not in needed:
                yield Problem(
                    name, f"has no meaning in the model {self.model}", f"leave it out; {self.model} needs {needed[0]}"
                )
            elif not stated and name in needed:
                yield Problem(name, "is missing", f"the model {self.model} needs it")
        if self.package_size is not None and self.package_size.magnitude <= 0:
            yield Problem("package_size", "is not above zero", "a package holds something")
        if self.included is not None and self.included.magnitude < 0:
            yield Problem("included", "is below zero", "write what is free")
        amounts = [("price", self.price), ("package_price", self.package_price)]
        for n, tier in enumerate(self.tiers or ()):
            amounts += [(f"tiers[{n}].price", tier.price), (f"tiers[{n}].fee", tier.fee)]
        for place, amount in amounts:
            if amount is not None and amount.amount < 0:
                yield Problem(place, f"{amount} is below zero", "use is never paid back")

    def _check_tiers(self) -> Iterator[Problem]:
        tiers = self.tiers
        if tiers is None:
            return
        if not tiers:
            yield Problem("tiers", "is empty", "the first tier is above zero, and the last is open")
            return
        if tiers[0].above.magnitude != 0:
            yield Problem("tiers[0].above", f"is {tiers[0].above}", f"the first tier begins at 0 {tiers[0].above.unit}")
        for n, (lower, upper) in enumerate(pairwise(tiers)):
            if upper.above.magnitude <= lower.above.magnitude:
                yield Problem(f"tiers[{n + 1}].above", f"{upper.above} does not rise", f"write more than {lower.above}")
        for n, tier in enumerate(tiers):
            if self.model == "stairstep" and (tier.fee is None or tier.price is not None):
                yield Problem(f"tiers[{n}]", "a stair has a fee and no price", "write fee, and leave price out")
            elif tier.price is None and tier.fee is None:
                yield Problem(f"tiers[{n}].price", "is missing", "a tier has a price, a fee, or both")

    def _check_units(self, unit: str) -> Iterator[Problem]:
        quantities: list[tuple[str, Quantity | None]] = [
            ("package_size", self.package_size),
            ("included", self.included),
        ]
        quantities += [(f"tiers[{n}].above", tier.above) for n, tier in enumerate(self.tiers or ())]
        for place, quantity in quantities:
            if quantity is not None and quantity.unit != unit:
                yield Problem(place, f"{quantity} is not in {unit}", f"{self.measure} is measured in {unit}")
        prices = [
            ("price", self.price),
            *((f"tiers[{n}].price", tier.price) for n, tier in enumerate(self.tiers or ())),
        ]
        for place, price in prices:
            if price is not None and price.unit != unit:
                yield Problem(place, f"{price} is not for one {unit}", f"{self.measure} is measured in {unit}")

    def _check_multipliers(self, version: Version) -> Iterator[Problem]:
        if self.model == "stairstep" and self.multipliers:
            yield Problem("multipliers", "need a price for each unit", "use another model")
            return
        below: dict[str, Decimal] = {}
        for n, item in enumerate(self.multipliers or ()):
            measure = version.measure_by_name.get(item.measure)
            if measure is None or measure.unit is None:
                message = f"{item.measure!r} is no measure with a unit"
                yield Problem(f"multipliers[{n}].measure", message, "name what makes units dearer")
            elif measure.unit != item.above.unit:
                yield Problem(
                    f"multipliers[{n}].above", f"{item.above} is not in {measure.unit}", "use the measure's unit"
                )
            before, above = below.get(item.measure), item.above.magnitude
            if before is not None and above <= before:
                yield Problem(f"multipliers[{n}].above", f"{item.above} does not rise", "order the bands")
            below[item.measure] = above
