"""Units that a plan includes: what is left rolls over, what is beyond comes in blocks or at another clause's price."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from contracts.evaluation import Figure, Step, Verdict
from contracts.explain import flagged
from contracts.facts import Carried
from contracts.phrase import say
from contracts.quantity import Demand, Measured, measured, members_of, pooled
from contracts.quantity import demands as of_measure
from contracts.scene import Draft, Outcome
from contracts.segment import Segment
from contracts.terms.base import Term
from contracts.window import Window, windows
from contracts.words import DurationOrNone, Flag, MoneyWord, Name, QuantityOrNone, QuantityWord
from core.problem import Problem
from core.time import Period, micros
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.document import Version
    from contracts.scene import Scene
    from contracts.segment import Lineage

ZERO = Fraction(0)


class Allowance(Term):
    """Parameters; quantities in the measure's unit."""

    kind: Literal["allowance"]
    measure: Name
    included: QuantityWord
    order: Literal["plan_first", "rollover_first"]
    rollover_cap: QuantityOrNone
    rollover_expires: DurationOrNone
    on_downgrade: Literal["trim_to_cap", "keep"]
    block_size: QuantityWord | None = None
    block_price: MoneyWord | None = None
    unused_block_rolls: Flag = False
    overage: Name | None = None
    scope: Literal["asset", "pool"] = "asset"

    @property
    def window(self) -> str:
        """It begins anew with each billing period."""
        return "period"

    @property
    def measures(self) -> tuple[str, ...]:
        """What is counted."""
        return (self.measure,)

    def check(self, version: Version) -> Iterator[Problem]:
        """Quantities in the measure's unit; what is beyond has a price, once."""
        yield from super().check(version)
        measure = version.measure_by_name.get(self.measure)
        if measure is not None and (measure.unit is None or measure.kind == "state_time"):
            yield Problem("measure", f"{self.measure} counts no quantity", "name a measure with a unit")
        for name in ("included", "rollover_cap", "block_size"):
            quantity = getattr(self, name)
            if quantity is not None and measure is not None and measure.unit not in (None, quantity.unit):
                yield Problem(name, f"{quantity} is not in {measure.unit}", f"{self.measure} is measured in it")
            if quantity is not None and quantity.magnitude < (name == "block_size"):
                yield Problem(name, f"{quantity} is too little", "write what is included, or what a block holds")
        if (self.block_size is None) == (self.overage is None):
            yield Problem("block_size", "needs one of block_size and overage", "say what the units beyond cost")
        if (self.block_size is None) != (self.block_price is None):
            yield Problem("block_price", "and block_size go together", "write both, or none")
        if self.overage is not None:
            yield from self._check_overage(version, self.overage)

    def _check_overage(self, version: Version, clause: str) -> Iterator[Problem]:
        yield from self.check_kinds("overage", (clause,), version, ("usage_charge",))
        other = version.term_by_clause.get(clause)
        if other is not None and (getattr(other, "measure", None), getattr(other, "scope", None)) != (
            self.measure,
            self.scope,
        ):
            yield Problem("overage", f"clause {clause} counts otherwise", "both have the same measure and scope")


@dataclass(frozen=True, slots=True)
class Use:
    """How a period's units are covered. left: by label of the period that they come from, oldest first."""

    from_plan: Fraction
    from_rollover: Fraction
    beyond: Fraction
    blocks: int
    left: dict[str, Fraction]
    forfeited: Fraction

    @property
    def rollover(self) -> Fraction:
        """What is left for the next period."""
        return sum(self.left.values(), ZERO)


def use(term: Allowance, label: str, quantity: Fraction, held: dict[str, Fraction], expired: Fraction) -> Use:
    """Cover a period's units. held: rollover by the period it comes from; expired: what has lapsed by age already.

    Nothing is lost or won: included + held + blocks = quantity + left + forfeited.
    """
    cap = None if term.rollover_cap is None else Fraction(term.rollover_cap.magnitude)
    plan, forfeited = Fraction(term.included.magnitude), expired
    if cap is not None and term.on_downgrade == "trim_to_cap":
        held, lapsed = _trim(held, cap)
        forfeited += lapsed
    before = sum(held.values(), ZERO)
    first, second = (plan, before) if term.order == "plan_first" else (before, plan)
    of_first = min(quantity, first)
    of_second = min(quantity - of_first, second)
    from_plan, from_rollover = (of_first, of_second) if term.order == "plan_first" else (of_second, of_first)
    beyond = quantity - from_plan - from_rollover
    size = Fraction(term.block_size.magnitude) if term.block_size else ZERO
    blocks = int(-(-beyond // size)) if size else 0
    unused = blocks * size - beyond if size else ZERO
    fresh = plan - from_plan + (unused if term.unused_block_rolls else ZERO)
    left = taken(held, from_rollover)
    kept = sum(left.values(), ZERO)
    room = fresh if cap is None else min(fresh, max(ZERO, cap - kept))
    forfeited += fresh - room + (ZERO if term.unused_block_rolls else unused)
    left = {**left, label: left.get(label, ZERO) + room} if room else left
    return Use(from_plan, from_rollover, beyond, blocks, left, forfeited)


def _trim(held: dict[str, Fraction], cap: Fraction) -> tuple[dict[str, Fraction], Fraction]:
    """The newest units up to a cap, and how many lapse."""
    over = max(ZERO, sum(held.values(), ZERO) - cap)
    return taken(held, over), over


def taken(held: dict[str, Fraction], units: Fraction) -> dict[str, Fraction]:
    """Without so many units, the oldest first."""
    left = {}
    for label in sorted(held):
        part = min(units, held[label])
        units -= part
        if held[label] > part:
            left[label] = held[label] - part
    return left


def demands(scene: Scene, lineage: Lineage) -> Iterator[Demand]:
    """Use in the period."""
    for window in windows(scene, lineage, Allowance):
        yield from of_measure(window.version, window.term.measure, members_of(scene, window))


def evaluate(scene: Scene, lineage: Lineage) -> Outcome:
    """For each asset or the pool what the plan covers, and a line for the blocks beyond."""
    outcome = Outcome()
    for window in windows(scene, lineage, Allowance):
        for owner, members in pooled(scene, window, pool=window.term.scope == "pool"):
            found = measured(scene, window.version, window.term.measure, owner=owner, members=members)
            place = f"clause {window.term.clause}, {owner}, "
            outcome.problems += [Problem(place + p.place, p.message, p.remedy) for p in found.problems]
            outcome.open(window.term.clause, found.cases)
            _add(scene, window, owner, found, outcome)
    return outcome


def _add(scene: Scene, window: Window[Allowance], owner: str, found: Measured, outcome: Outcome) -> None:
    term = window.term
    start, end = window.start, window.end
    if found.value is None:
        outcome.verdicts.append(Verdict(term.clause, term.kind, owner, "-", "insufficient", False, start, end))
        return
    held, expired = _held(scene, window, owner)
    how = use(term, window.label, found.value, held, expired)
    if term.overage is not None:
        outcome.free[term.overage, owner] = how.from_plan + how.from_rollover
    else:
        segment = Segment(term, window.version, start, end)
        draft = _draft(window, found.value, how)
        said = flagged(draft.text, draft.steps, found.estimated, unit=found.unit, language=window.version.language)
        outcome.lines.append(scene.line(segment, owner, draft._replace(text=said.text, steps=said.steps)))
    soft = found.provisional or scene.until < end
    values = {
        "used_included": Figure(how.from_plan, found.unit),
        "used_rollover": Figure(how.from_rollover, found.unit),
        "blocks": Figure(Fraction(how.blocks)),
        "rollover": Figure(how.rollover, found.unit),
        "forfeited": Figure(how.forfeited, found.unit),
    }
    status = "provisional" if soft else "final"
    outcome.verdicts.append(Verdict(term.clause, term.kind, owner, "-", status, not soft, start, end, values))  # type: ignore[arg-type]
    outcome.carry += [
        Carried(term.clause, f"rollover of {label}", Quantity.parse(Figure(units, found.unit).text()), owner)
        for label, units in sorted(how.left.items())
    ]


def _held(scene: Scene, window: Window[Allowance], owner: str) -> tuple[dict[str, Fraction], Fraction]:
    """Rollover by the period it comes from, without what has expired; and how much has."""
    held: dict[str, Fraction] = {}
    expired = ZERO
    for item in _carried(scene, window):
        name, _, label = item.item.partition(" of ")
        mine = item.clause in (window.term.clause, window.term.continues) and item.owner in (owner, "")
        if name != "rollover" or not mine or not isinstance(item.value, Quantity):
            continue
        units = item.value.to(window.term.included.unit)
        if label and _is_over(scene, window, label):
            expired += units
        else:
            held[label] = held.get(label, ZERO) + units
    return held, expired


def _carried(scene: Scene, window: Window[Allowance]) -> Sequence[Carried]:
    """What is carried to the period that is evaluated; to one before it, what the one before that leaves."""
    if scene.start >= scene.begins:
        return scene.facts.carried
    if scene.start <= scene.versions[0].effective_from:
        return ()
    lineage = next(one for one in scene.plan.lineages if window.term in one.values())
    return evaluate(scene.of(scene.period.previous()), lineage).carry


def _is_over(scene: Scene, window: Window[Allowance], label: str) -> bool:
    expires = window.term.rollover_expires
    if expires is None:
        return False
    ended = Period.parse(label, scene.zone, anchor_day=window.version.billing.anchor_day).span.end
    return micros(expires.after(ended, scene.zone)) <= window.start


def _draft(window: Window[Allowance], quantity: Fraction, how: Use) -> Draft:
    term = window.term
    price = Fraction(term.block_price.amount) if term.block_price else ZERO
    unit = term.included.unit
    used, plan, rolled = (Figure(units).text() for units in (quantity, how.from_plan, how.from_rollover))
    steps = (
        Step(
            "units beyond the plan",
            "used - in the plan - rolled over",
            {"used": used, "in the plan": plan, "rolled over": rolled},
            f"{Figure(how.beyond).text()} {unit}",
        ),
        Step("sets", "begun sets × price", {"sets": str(how.blocks), "price": str(term.block_price)}, str(how.blocks)),
    )
    text = say(window.version.language, "plan", used, unit, plan, rolled, how.blocks)
    return Draft(window.start, window.end, text, how.blocks * price, quantity, unit, steps)
