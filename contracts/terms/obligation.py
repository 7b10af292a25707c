"""A duty: something that must hold over time, and what follows while it does not."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from contracts.evaluation import Event, Figure, Line, Step, Verdict
from contracts.facts import Case, Category
from contracts.phrase import listed, say
from contracts.quantity import Demand
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, covered, in_force
from contracts.terms.base import Term
from contracts.words import DurationWord, Name, Number, QuantityWord, Word, first_of
from core.canonical import fraction_text
from core.money import Price
from core.problem import Problem
from core.units import convertible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.document import Version
    from contracts.duty import Breach
    from contracts.scene import PricedUnits, Scene
    from contracts.segment import Lineage

ZERO = Fraction(0)
OBSERVABLE = ("gauge_level", "gauge_mean")
"""Whose readings show when a duty fails; of anything else facts must say it (`unmet`)."""


class Obligation(Term):
    """Parameters. for_: how long it may fail; cure: from the alert's arrival."""

    PROMISE: ClassVar[bool] = True

    kind: Literal["obligation"]
    measure: Name
    at_least: QuantityWord | None = None
    at_most: QuantityWord | None = None
    for_: Annotated[DurationWord | None, Field(alias="for")] = None
    cure: DurationWord
    notice: tuple[Word, ...]
    surcharge: Annotated[Fraction | Price | None, first_of("share", "price")] = None
    surcharge_of: Name | None = None
    multiplier: Number | None = None
    multiplier_of: Name | None = None
    shifts: Name | None = None
    shifts_to: Category | None = None
    scope: tuple[Word, ...] = ()
    suspends: tuple[Name, ...] = ()
    holds: tuple[Name, ...] = ()

    @property
    def measures(self) -> tuple[str, ...]:
        """What is observed."""
        return (self.measure,)

    def kept(self, value: Fraction, unit: str) -> bool:
        """Whether a level fulfils the duty; exactly the limit does."""
        low = self.at_least is None or value >= self.at_least.to(unit)
        return low and (self.at_most is None or value <= self.at_most.to(unit))

    def check(self, version: Version) -> Iterator[Problem]:
        """One limit, in the measure's unit; every consequence complete, and about a clause that can bear it."""
        yield from super().check(version)
        limits = [name for name in ("at_least", "at_most") if getattr(self, name) is not None]
        if len(limits) != 1:
            yield Problem("at_least", "needs one of at_least and at_most", "say what must hold")
        measure = version.measure_by_name.get(self.measure)
        for name in limits if measure is not None and measure.unit else ():
            if not convertible(getattr(self, name).unit, measure.unit):  # type: ignore[union-attr,arg-type]
                yield Problem(name, f"{getattr(self, name)} is no {measure.unit}", "use the measure's unit")  # type: ignore[union-attr]
        yield from self._check_pairs()
        for place in ("surcharge_of", "multiplier_of"):
            clause = getattr(self, place)
            if clause is not None:
                yield from self.check_kinds(place, (clause,), version, ("usage_charge",))
        if self.shifts is not None:
            yield from self.check_kinds("shifts", (self.shifts,), version, ("availability",))
        resting = ("availability", "event_guarantee", "performance", "gain_share", "replenishment")
        yield from self.check_kinds("suspends", self.suspends, version, resting)
        yield from self.check_kinds("holds", self.holds, version, None)

    def _check_pairs(self) -> Iterator[Problem]:
        for one, other in (
            ("surcharge", "surcharge_of"),
            ("multiplier", "multiplier_of"),
            ("shifts", "shifts_to"),
        ):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                yield Problem(one, f"and {other} go together", "write both, or none")
        if self.scope and self.shifts is None:
            yield Problem("scope", "limits no shift", "write shifts and shifts_to, or leave it out")
        if self.multiplier is not None and self.multiplier < 1:
            yield Problem("multiplier", "is below one", "a breach makes nothing cheaper")


def demands(scene: Scene, lineage: Lineage) -> Iterator[Demand]:
    """The gauge of every asset under the duty."""
    for segment_version in scene.versions:
        term = lineage.get(segment_version.version)
        if isinstance(term, Obligation):
            measure = segment_version.measure_by_name[term.measure]
            if measure.kind not in OBSERVABLE:
                continue
            for asset, spans in covered(scene.versions, term.applies_to, scene.start, scene.until).items():
                yield Demand(measure, asset, spans)


def evaluate(scene: Scene, lineage: Lineage, units: Sequence[PricedUnits]) -> Outcome:
    """For each asset whether the duty was kept, when it was not, and what the units of that time cost more."""
    outcome = Outcome()
    ruling = _ruling(scene, lineage)
    if ruling is None:
        return outcome
    version, term = ruling
    clauses = {one.clause for one in lineage.values()}
    for asset, spans in covered(scene.versions, term.applies_to, scene.start, scene.until).items():
        mine = [b for b in scene.breaches if b.asset == asset and b.clause in clauses]
        touching = [b for b in mine if b.start < scene.end and scene.start < b.end]
        outcome.events += _events(scene, touching)
        surcharged = [(b, _units(b, units)) for b in touching]
        for wording in _wordings(touching):
            outcome.lines += _line(scene, [one for one in surcharged if one[0].term == wording])
        if not touching and _unknown(scene, version, term, asset):
            register = version.measure_by_name[term.measure].register_path or term.measure
            outcome.open(term.clause, [Case(asset, register, spans[0][0], spans[-1][1], "missing")])
            outcome.verdicts.append(
                Verdict(term.clause, term.kind, asset, "not_determined", "insufficient", False, scene.start, scene.end)
            )
            continue
        outcome.verdicts.append(_verdict(scene, term, asset, surcharged))
    return outcome


def _wordings(breaches: Sequence[Breach]) -> list[Obligation]:
    """The duty's terms that differ, in order of time: one line for each."""
    found: list[Obligation] = []
    for breach in breaches:
        if breach.term not in found:
            found.append(breach.term)
    return found


def _ruling(scene: Scene, lineage: Lineage) -> tuple[Version, Obligation] | None:
    """The last version in the period that states the duty."""
    for version, _, _ in reversed(in_force(scene.versions, scene.start, scene.end)):
        term = lineage.get(version.version)
        if isinstance(term, Obligation):
            return version, term
    return None


def _unknown(scene: Scene, version: Version, term: Obligation, asset: str) -> bool:
    """Whether there is no fact at all from which the duty could be judged."""
    measure = version.measure_by_name[term.measure]
    gauge = scene.facts.gauges.get((asset, measure.register_path or ""))
    ready = scene.facts.quantities_of.get((asset, measure.measure))
    shown = measure.kind in OBSERVABLE and (ready or (gauge and gauge.levels))
    return scene.facts.unmet is None and not shown


def _units(breach: Breach, units: Sequence[PricedUnits]) -> list[PricedUnits]:
    clauses = {breach.term.surcharge_of, breach.term.multiplier_of}
    return [
        u
        for u in units
        if u.clause in clauses and u.asset == breach.asset and breach.start <= u.start and u.end <= breach.end
    ]


def _line(scene: Scene, surcharged: list[tuple[Breach, list[PricedUnits]]]) -> Iterator[Line]:
    """What the units of the breaches of one term cost more; nothing for nothing."""
    breaches = [breach for breach, _ in surcharged]
    language = breaches[0].version.language
    pieces = [(unit, *_dearer(breach.term, unit, language)) for breach, units in surcharged for unit in units]
    exact = sum((amount for _, amount, _ in pieces), ZERO)
    if not exact:
        return
    texts = [text for _, _, text in pieces]
    # Steps are kept in English and told in any language (contracts/told.py); a line's text is the agreement's.
    formulas = [_dearer(breach.term, unit, "en")[1] for breach, units in surcharged for unit in units]
    steps = tuple(
        Step("surcharge", formula, {"units": f"{fraction_text(unit.quantity)} {unit.unit}"}, fraction_text(amount))
        for (unit, amount, _), formula in zip(pieces, formulas, strict=True)
    )
    start = max(min(breach.start for breach in breaches), scene.start)
    end = min(max(breach.end for breach in breaches), scene.end)
    quantity = sum((unit.quantity for unit, _, _ in pieces), ZERO)
    segment = Segment(breaches[0].term, breaches[0].version, start, end)
    draft = Draft(start, end, ", ".join(dict.fromkeys(texts)), exact, quantity, pieces[0][0].unit, steps)
    yield scene.line(segment, breaches[0].asset, draft)


def _dearer(term: Obligation, unit: PricedUnits, language: str) -> tuple[Fraction, str]:
    """Amount and words of one piece of use under the duty's consequences."""
    units = fraction_text(unit.quantity)
    at = say(language, "use at", units, unit.unit, listed(language, unit.prices))
    amount, words = ZERO, []
    if isinstance(term.surcharge, Fraction) and unit.clause == term.surcharge_of:
        amount += term.surcharge * unit.amount
        words.append(say(language, "surcharge of", fraction_text(term.surcharge * 100), at))
    if isinstance(term.surcharge, Price) and unit.clause == term.surcharge_of:
        amount += Fraction(term.surcharge.amount) * unit.quantity
        words.append(say(language, "more", units, unit.unit, f"{term.surcharge.amount:f}"))
    if term.multiplier is not None and unit.clause == term.multiplier_of:
        amount += (Fraction(term.multiplier) - 1) * unit.amount
        words.append(at + say(language, "times", f"{term.multiplier:f}"))
    return amount, ", ".join(words)


def _events(scene: Scene, breaches: list[Breach]) -> Iterator[Event]:
    for breach in breaches:
        if scene.start <= breach.start < scene.end:
            yield Event(breach.clause, breach.asset, "breached", breach.start)
        if breach.restored and scene.start <= breach.end < scene.end:
            yield Event(breach.clause, breach.asset, "restored", breach.end)


def _verdict(scene: Scene, term: Obligation, asset: str, surcharged: list[tuple[Breach, list[PricedUnits]]]) -> Verdict:
    values = {}
    units = [unit for _, some in surcharged for unit in some]
    if term.surcharge_of or term.multiplier_of:
        values["quantity"] = Figure(sum((u.quantity for u in units), ZERO), units[0].unit if units else "")
    status = "provisional" if scene.running else "final"
    state = "violated" if surcharged else "fulfilled"
    certain = bool(surcharged) or not scene.running
    return Verdict(term.clause, term.kind, asset, state, status, certain, scene.start, scene.end, values)  # type: ignore[arg-type]
