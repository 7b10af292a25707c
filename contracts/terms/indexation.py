"""Unit prices that move with published indices, on review dates, within limits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from contracts.evaluation import Figure, Step, Verdict
from contracts.scene import Outcome
from contracts.segment import in_force, segments, version_at
from contracts.terms.base import Term
from contracts.words import Count, DurationWord, Micros, Name, Number, Part, Share
from core.canonical import fraction_text
from core.money import round_fraction
from core.problem import Problem
from core.time import add_months, instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from contracts.document import Version
    from contracts.facts import IndexValue
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from contracts.terms.usage_charge import UsageCharge

ONE = Fraction(1)


class Component(Part):
    """An index and how much of the price moves with it. lag: P3M is the third month before the review's."""

    index: Name
    weight: Share
    base_value: Number
    lag: DurationWord


class Indexation(Term):
    """Parameters. review: dates from which the new price holds."""

    kind: Literal["indexation"]
    of: tuple[Name, ...]
    fixed_share: Share
    components: tuple[Component, ...]
    review: tuple[Micros, ...]
    base_after: Literal["last_applied", "original"]
    collar_low: Share | None = None
    collar_high: Share | None = None
    deadband: Share | None = None
    price_decimals: Count
    factor_decimals: Count | None = None

    def check(self, version: Version) -> Iterator[Problem]:
        """The shares are a whole, every index has a base, reviews rise, the collar has room."""
        yield from super().check(version)
        yield from self.check_kinds("of", self.of, version, ("usage_charge", "fixed_fee"))
        whole = self.fixed_share + sum((one.weight for one in self.components), Fraction(0))
        if whole != 1:
            message = f"the fixed share and the weights add up to {fraction_text(whole * 100)} %"
            yield Problem("components", message, "they are 100 % together")
        for n, one in enumerate(self.components):
            if one.base_value <= 0:
                yield Problem(f"components[{n}].base_value", "is not above zero", "write the index's value at the base")
            if one.weight < 0:
                yield Problem(f"components[{n}].weight", "is below zero", "write a share")
            if one.lag.days or one.lag.microseconds:
                yield Problem(f"components[{n}].lag", f"{one.lag} is not in months", "write P3M")
        if not self.review or list(self.review) != sorted(set(self.review)):
            yield Problem("review", "is empty or does not rise", "write the dates in order")
        low, high = self.collar_low, self.collar_high
        if (low is not None and low > 0) or (high is not None and high < 0):
            yield Problem("collar_low", "and collar_high leave no room for no change", "low is below zero, high above")
        if self.deadband is not None and self.deadband < 0:
            yield Problem("deadband", "is below zero", "write a share")


@dataclass(frozen=True, slots=True)
class Move:
    """What a review did. factor: by the formula; applied: after collar and deadband; both from the written price."""

    at: int
    factor: Fraction
    applied: Fraction
    late: bool
    term: Indexation
    version: Version
    values: Mapping[str, str]

    def price(self, written: Fraction) -> Decimal:
        """The written price after the move, rounded as agreed."""
        return round_fraction(written * self.applied, self.term.price_decimals, self.version.billing.rounding)


def moves(scene: Scene, clause: str, written: int) -> tuple[Move, ...]:
    """Reviews that moved the prices of a clause so far, in order. written: when the version that wrote them began."""
    found: list[Move] = []
    for version, since, until in in_force(scene.versions, written, scene.end):
        for term in version.terms:
            if isinstance(term, Indexation) and clause in term.of:
                for at in term.review:
                    if since <= at < until:
                        found.append(_move(scene, version, term, at, found[-1].applied if found else ONE))
    return tuple(found)


def is_indexed(scene: Scene, lineage: Lineage) -> bool:
    """Whether an index clause moves a term in any version."""
    indexed = scene.plan.indexed
    return bool(indexed) and any(term.clause in indexed for term in lineage.values())


def written_at(scene: Scene, lineage: Lineage, at: int) -> int:
    """When the version began to rule that wrote the term as it is at an instant."""
    since = scene.versions[0].effective_from
    found = segments(scene.versions, lineage, since, at + 1)
    return found[-1].start if found else since


def _move(scene: Scene, version: Version, term: Indexation, at: int, before: Fraction) -> Move:
    late = False
    factor = term.fixed_share
    values = {"fixed share": f"{fraction_text(term.fixed_share * 100)} %"}
    for one in term.components:
        value, waits = _value(scene, one, at)
        late = late or waits
        factor += one.weight * value / Fraction(one.base_value)
        values[one.index] = f"{fraction_text(value)} of {one.base_value:f}, {fraction_text(one.weight * 100)} %"
    if term.factor_decimals is not None:
        factor = Fraction(round_fraction(factor, term.factor_decimals, version.billing.rounding))
    base = before if term.base_after == "last_applied" else ONE
    change = factor / base - 1
    if term.deadband is not None and abs(change) < term.deadband:
        return Move(at, factor, before, late, term, version, values)
    if term.collar_low is not None:
        change = max(change, term.collar_low)
    if term.collar_high is not None:
        change = min(change, term.collar_high)
    return Move(at, factor, base * (1 + change), late, term, version, values)


def _value(scene: Scene, one: Component, at: int) -> tuple[Fraction, bool]:
    """The index's value for a review; True: not published yet, so that the last known one stands for it."""
    month = f"{add_months(instant(at).astimezone(scene.zone).date().replace(day=1), -one.lag.months):%Y-%m}"
    known = [value for value in scene.facts.index_values if value.index == one.index and value.month <= month]
    if not known:
        return Fraction(one.base_value), True
    best: IndexValue = max(known, key=lambda value: (value.month, value.published))
    return best.value, best.month != month


def evaluate(scene: Scene, lineage: Lineage) -> Outcome:
    """The factor that holds at the end of the period, and the prices that it gives."""
    outcome = Outcome()
    ruling = [
        (version, term)
        for version, _, _ in in_force(scene.versions, scene.start, scene.until)
        if isinstance(term := lineage.get(version.version), Indexation)
    ]
    if not ruling:
        return outcome
    version, term = ruling[-1]
    values: dict[str, Figure] = {}
    steps: list[Step] = []
    late = False
    for clause in term.of:
        priced = version.term_by_clause[clause]
        of = {v.version: v.term_by_clause[clause] for v in scene.versions if clause in v.term_by_clause}
        done = [m for m in moves(scene, clause, written_at(scene, of, scene.until - 1)) if m.at < scene.until]
        if done:
            last = done[-1]
            late = late or last.late
            values |= {"factor": Figure(last.factor), "applied_factor": Figure(last.applied)}
            steps.append(Step("factor", "fixed share + sum of weight × index ÷ base", last.values, str(last.factor)))
        move = done[-1] if done else None
        values |= {name: _figure(move, price, unit) for name, price, unit in _prices(clause, priced, scene.currency)}
    soft = late or scene.running
    status = "provisional" if soft else "final"
    outcome.verdicts.append(
        Verdict(
            term.clause, term.kind, "contract", "-", status, not soft, scene.start, scene.end, values,  # type: ignore[arg-type]
            steps=tuple(steps),
        )
    )  # fmt: skip
    return outcome


def _figure(move: Move | None, price: Fraction, unit: str) -> Figure:
    return Figure(Fraction(move.price(price)) if move else price, unit)


def _prices(clause: str, term: Term, currency: str) -> Iterator[tuple[str, Fraction, str]]:
    """Name, amount and unit of every price of a clause."""
    if term.kind == "fixed_fee":
        yield f"price of {clause}", Fraction(term.amount.amount), currency  # type: ignore[attr-defined]
        return
    charge: UsageCharge = term  # type: ignore[assignment]
    if charge.price is not None:
        yield f"price of {clause}", Fraction(charge.price.amount), f"{currency}/{charge.price.unit}"
    if charge.package_price is not None:
        yield f"price of {clause}", Fraction(charge.package_price.amount), currency
    for tier in charge.tiers or ():
        if tier.price is not None:
            name = f"price of {clause} above {tier.above}"
            yield name, Fraction(tier.price.amount), f"{currency}/{tier.price.unit}"


def reviewed(scene: Scene, clause: str) -> set[int]:
    """Every review instant of a clause that could move its price in the period: a quantity must not straddle it."""
    return {
        at
        for version in scene.versions
        if clause in version.indexed
        for term in version.terms
        if isinstance(term, Indexation) and clause in term.of
        for at in term.review
        if (ruling := version_at(scene.versions, at)) is not None and ruling is version
    }
