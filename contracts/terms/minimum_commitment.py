"""A least quantity, or amount, of a window: relief makes it smaller, a shortfall is paid, excess wins it back."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from contracts.evaluation import Figure, Step, Verdict, line_id
from contracts.facts import Carried, Category
from contracts.phrase import say
from contracts.quantity import Demand, Measured, measured, members_of, pooled
from contracts.quantity import demands as of_measure
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, days_touched
from contracts.span import length, normal
from contracts.terms.base import CHARGES, Term
from contracts.timeline import paint
from contracts.window import Window, base_periods, windows
from contracts.words import DurationWord, Name, first_of
from core import canonical
from core.canonical import fraction_text
from core.money import Money, Price
from core.problem import Problem
from core.time import instant, micros, read_time
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from contracts.document import Version
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from contracts.span import Spans
    from core.time import Period

ZERO = Fraction(0)


class MinimumCommitment(Term):
    """Parameters. minimum: a quantity of a measure, or money of clauses."""

    PROMISE: ClassVar[bool] = True

    kind: Literal["minimum_commitment"]
    measure: Name | None = None
    of: tuple[Name, ...] = ()
    minimum: Annotated[Quantity | Money, first_of("money", "quantity")]
    window: Literal["period", "contract_year"]
    scope: Literal["asset", "pool"]
    shortfall_price: Annotated[Price | Fraction, first_of("price", "share")]
    relief: tuple[Category, ...] = ()
    relief_measure: Name | None = None
    makeup_price: Annotated[Price | Fraction | None, first_of("price", "share")] = None
    makeup_expires: DurationWord | None = None

    @property
    def measures(self) -> tuple[str, ...]:
        """What is counted, and what counts relief."""
        return tuple(name for name in (self.measure, self.relief_measure) if name)

    @property
    def least(self) -> Fraction:
        """The minimum as a number of its unit or currency."""
        return Fraction(self.minimum.magnitude if isinstance(self.minimum, Quantity) else self.minimum.amount)

    @property
    def unit(self) -> str:
        """Unit of measure or currency."""
        return self.minimum.unit if isinstance(self.minimum, Quantity) else self.minimum.currency

    def check(self, version: Version) -> Iterator[Problem]:
        """A quantity has a price, money a share; relief is measured by a state."""
        yield from super().check(version)
        if (self.measure is None) == (not self.of):
            yield Problem("measure", "needs one of measure and of", "a quantity of a measure, or money of clauses")
        yield from self.check_kinds("of", self.of, version, tuple(kind for kind in CHARGES if kind != self.kind))
        if self.least < 0:
            yield Problem("minimum", "is below zero", "write what is promised")
        yield from self._check_units(version)
        if bool(self.relief) and self.relief_measure is None:
            yield Problem("relief_measure", "is missing", "relief is counted by a state_time")
        state = version.measure_by_name.get(self.relief_measure or "")
        if state is not None and state.kind != "state_time":
            yield Problem("relief_measure", f"is a {state.kind}", "relief is counted by a state_time")

    def _check_units(self, version: Version) -> Iterator[Problem]:
        if self.measure is None:
            if not isinstance(self.minimum, Money):
                yield Problem("minimum", f"{self.minimum} is no money", "clauses come to money")
            if not isinstance(self.shortfall_price, Fraction):
                yield Problem("shortfall_price", "is no share", "of missing money a share is paid: 100 %")
            if self.makeup_price is not None and not isinstance(self.makeup_price, Fraction):
                yield Problem("makeup_price", "is no share", "of money made up a share is won back: 100 %")
            return
        measure = version.measure_by_name.get(self.measure)
        unit = measure.unit if measure else None
        if not isinstance(self.minimum, Quantity) or unit not in (None, self.minimum.unit):
            yield Problem("minimum", f"{self.minimum} is not in {unit}", f"{self.measure} is measured in it")
        for name in ("shortfall_price", "makeup_price"):
            price = getattr(self, name)
            if price is not None and (not isinstance(price, Price) or unit not in (None, price.unit)):
                yield Problem(name, f"{price} is no price for one {unit}", f"{self.measure} is measured in it")


@dataclass(frozen=True, slots=True)
class Reckoning:
    """One owner's window. relief: by which the minimum shrinks; paid: shortfall of earlier windows, not won back."""

    used: Fraction
    whole: Fraction
    relief: Fraction
    paid: Fraction

    @property
    def minimum(self) -> Fraction:
        """After relief."""
        return self.whole - self.relief

    @property
    def shortfall(self) -> Fraction:
        """What is missing."""
        return max(ZERO, self.minimum - self.used)

    @property
    def makeup(self) -> Fraction:
        """What the excess wins back, up to the shortfall paid."""
        return max(ZERO, min(self.used - self.minimum, self.paid))


def demands(scene: Scene, lineage: Lineage) -> Iterator[Demand]:
    """Use and states over the window."""
    for window in windows(scene, lineage, MinimumCommitment):
        for name in window.term.measures:
            yield from of_measure(window.version, name, members_of(scene, window))


def evaluate(scene: Scene, lineage: Lineage, bill: Callable[[Period], Outcome]) -> Outcome:
    """For each asset or the pool what is missing or made up, once the window is over. bill: bare charges."""
    outcome = Outcome()
    for window in windows(scene, lineage, MinimumCommitment):
        for owner, members in pooled(scene, window, pool=window.term.scope == "pool"):
            _add(scene, window, (owner, members), _used(scene, window, owner, members, bill), outcome)
    return outcome


def _used(
    scene: Scene,
    window: Window[MinimumCommitment],
    owner: str,
    members: Mapping[str, Spans],
    bill: Callable[[Period], Outcome],
) -> Measured:
    term = window.term
    if term.measure is not None:
        return measured(scene, window.version, term.measure, owner=owner, members=members)
    total, soft = ZERO, False
    whose = {owner, *members} | ({"contract"} if term.scope == "pool" else set())
    for period in base_periods(scene, window, term.of):
        one = bill(period)
        mine = [line for line in one.lines if line.clause in term.of and (line.owner in whose or term.scope == "pool")]
        total += sum((Fraction(line.amount.amount) for line in mine), ZERO)
        soft = soft or any(v.status != "final" for v in one.verdicts if v.clause in term.of)
    return Measured(total, term.unit, provisional=soft)


def _add(
    scene: Scene,
    window: Window[MinimumCommitment],
    whose: tuple[str, Mapping[str, Spans]],
    found: Measured,
    outcome: Outcome,
) -> None:
    term, (owner, members) = window.term, whose
    place = f"clause {term.clause}, {owner}, "
    outcome.problems += [Problem(place + p.place, p.message, p.remedy) for p in found.problems]
    outcome.open(term.clause, found.cases)
    if found.value is None:
        args = (term.clause, term.kind, owner, "not_determined", "insufficient", False, window.start, window.end)
        outcome.verdicts.append(Verdict(*args))  # type: ignore[arg-type]
        return
    whole = term.least * _part(scene, window, members)
    relief = whole * _relief(scene, window, members)
    carried = _paid(scene, window, owner)
    sums = Reckoning(found.value, whole, relief, sum(carried.values(), ZERO))
    if window.over:
        outcome.lines += _lines(scene, window, owner, sums)
        outcome.carry += _carry(window, owner, sums, carried)
    outcome.verdicts.append(_verdict(scene, window, owner, sums, found))


def _part(scene: Scene, window: Window[MinimumCommitment], members: Mapping[str, Spans]) -> Fraction:
    """By calendar days, the part of the window in which there was something to commit."""
    if scene.until < window.end:
        return Fraction(1)
    days = days_touched(normal(span for spans in members.values() for span in spans), scene.zone)
    return Fraction(len(days), len(days_touched(((window.start, window.end),), scene.zone)))


def _relief(scene: Scene, window: Window[MinimumCommitment], members: Mapping[str, Spans]) -> Fraction:
    """Time in the categories of relief ÷ covered time, of all assets, exactly."""
    if not window.term.relief or window.term.relief_measure is None:
        return ZERO
    register = window.version.measure_by_name[window.term.relief_measure].register_path or ""
    lost, whole = 0, 0
    for asset, spans in members.items():
        facts = scene.facts
        painted = paint(
            spans, facts.states.get((asset, register), ()), facts.attributions_of.get(asset, ()), facts.otherwise
        )
        lost += sum(p.end - p.start for p in painted if p.category in window.term.relief)
        whole += length(spans)
    return Fraction(lost, whole) if whole else ZERO


def _paid(scene: Scene, window: Window[MinimumCommitment], owner: str) -> dict[str, Fraction]:
    """Shortfall paid, by the end of the window that it was paid for; what has expired is left out."""
    found: dict[str, Fraction] = {}
    term = window.term
    for item in scene.facts.carried:
        name, _, ended = item.item.partition(" of ")
        mine = item.clause in (term.clause, term.continues) and item.owner in (owner, "")
        if name != "shortfall_paid" or not mine:
            continue
        expires = term.makeup_expires
        if ended and expires and micros(expires.after(read_time(ended, scene.zone), scene.zone)) < window.end:
            continue
        units = Fraction(item.value.magnitude if isinstance(item.value, Quantity) else item.value.amount)
        found[ended] = found.get(ended, ZERO) + units
    return found


def _carry(
    window: Window[MinimumCommitment], owner: str, sums: Reckoning, paid: Mapping[str, Fraction]
) -> Iterator[Carried]:
    """Shortfall that later excess may win back; the oldest is won back first."""
    if window.term.makeup_price is None:
        return
    left = sums.makeup
    for ended in sorted(paid):
        part = min(left, paid[ended])
        left -= part
        if paid[ended] > part:
            yield _paid_item(window, owner, ended, paid[ended] - part)
    if sums.shortfall:
        yield _paid_item(window, owner, canonical.plain(instant(window.end)), sums.shortfall)


def _paid_item(window: Window[MinimumCommitment], owner: str, ended: str, units: Fraction) -> Carried:
    item = f"shortfall_paid of {ended}" if ended else "shortfall_paid"
    text = Figure(units, window.term.unit).text()
    value = Quantity.parse(text) if isinstance(window.term.minimum, Quantity) else Money.parse(text)
    return Carried(window.term.clause, item, value, owner)


def _lines(scene: Scene, window: Window[MinimumCommitment], owner: str, sums: Reckoning) -> Iterator[Any]:
    term = window.term
    segment = Segment(term, window.version, window.start, window.end)
    if sums.shortfall:
        rate, shown = _rate(term.shortfall_price)
        yield _line(scene, segment, owner, ("missing", sums.shortfall, rate, shown))
    if sums.makeup and term.makeup_price is not None:
        rate, shown = _rate(term.makeup_price)
        line = _line(scene, segment, owner, ("made up", sums.makeup, -rate, shown))
        yield line._replace(id=line_id(window.version.contract, line.id, term.clause, owner=owner, segment=-1))


def _rate(price: Price | Fraction) -> tuple[Fraction, str]:
    """Money for one unit, or for one of money; and in words."""
    if isinstance(price, Price):
        return Fraction(price.amount), f"{price.amount:f}"
    return price, f"{fraction_text(price * 100)} %"


def _line(scene: Scene, segment: Segment, owner: str, what: tuple[str, Fraction, Fraction, str]) -> Any:
    label, units, rate, price = what
    unit = segment.term.unit  # type: ignore[attr-defined]
    exact, shown = units * rate, Figure(units, unit).text()
    words = {"units": shown, "price": f"at {price}" if label == "missing" else f"made up at {price}"}
    steps = (Step(label, "units × price", words, fraction_text(exact)),)
    text = say(segment.version.language, label, shown, price)
    return scene.line(segment, owner, Draft(segment.start, segment.end, text, exact, units, unit, steps))


def _verdict(scene: Scene, window: Window[MinimumCommitment], owner: str, sums: Reckoning, found: Measured) -> Verdict:
    term = window.term
    values = {
        "reduction": Figure(sums.relief, term.unit),
        "minimum": Figure(sums.minimum, term.unit),
        "shortfall": Figure(sums.shortfall, term.unit),
        "makeup": Figure(sums.makeup, term.unit),
    }
    running = not window.over or scene.until < window.end
    kept = sums.used >= sums.minimum
    state = "fulfilled" if kept else "not_determined" if running else "violated"
    status = "provisional" if running or found.provisional else "final"
    certain = kept or not running
    return Verdict(term.clause, term.kind, owner, state, status, certain, window.start, window.end, values)  # type: ignore[arg-type]
