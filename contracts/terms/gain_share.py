"""A saving against a baseline that moves with its drivers: shared if it is large enough, made good if it is not."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal

from contracts.evaluation import Figure, Step, Verdict
from contracts.phrase import say
from contracts.quantity import Demand, Measured, measured, members_of, pooled
from contracts.quantity import demands as of_measure
from contracts.scene import Draft, Outcome
from contracts.terms.base import Term
from contracts.window import Window, base_periods, windows
from contracts.words import MoneyOrNone, Name, Part, PriceWord, QuantityWord, Share
from core.canonical import fraction_text
from core.money import round_fraction
from core.problem import Problem
from core.units import convertible, factor, is_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from contracts.document import Version
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from contracts.span import Spans
    from core.time import Period

ZERO = Fraction(0)


class Driver(Part):
    """What moves the baseline: by coefficient × (actual - reference)."""

    measure: Name
    coefficient: QuantityWord
    reference: QuantityWord


class GainShare(Term):
    """Parameters. measure: what is saved; per_measure: for what; baseline and threshold: of one by the other."""

    PROMISE: ClassVar[bool] = True

    kind: Literal["gain_share"]
    measure: Name
    per_measure: Name
    window: Literal["month", "quarter", "contract_year", "rolling_12_months"]
    baseline: QuantityWord
    drivers: tuple[Driver, ...]
    reference_price: PriceWord
    threshold: QuantityWord
    share: Share
    share_of: Literal["whole_saving", "above_threshold"]
    cap: MoneyOrNone
    shortfall: Literal["none", "difference", "pro_rata_fees"]
    base: tuple[Name, ...] = ()
    min_coverage: Share

    @property
    def measures(self) -> tuple[str, ...]:
        """All that is measured."""
        return (self.measure, self.per_measure, *(driver.measure for driver in self.drivers))

    def check(self, version: Version) -> Iterator[Problem]:
        """Units fit each other; a share is a part; fees that are paid back are named."""
        yield from super().check(version)
        yield from self.check_clauses("base", self.base, version)
        if self.shortfall == "pro_rata_fees" and not self.base:
            yield Problem("base", "is missing", "name the fees that are paid back")
        if self.shortfall == "pro_rata_fees" and self.threshold.magnitude <= 0:
            yield Problem("threshold", "is not above zero", "fees are paid back in proportion to it")
        for name in ("share", "min_coverage"):
            if not 0 <= getattr(self, name) <= 1:
                yield Problem(name, "is no part of a whole", "write 0 % to 100 %")
        units = [getattr(version.measure_by_name.get(name), "unit", None) for name in (self.measure, self.per_measure)]
        if None not in units:
            yield from self._check_units(version, f"{units[0]}/{units[1]}", str(units[0]))

    def _check_units(self, version: Version, rate: str, saved: str) -> Iterator[Problem]:
        for name in ("baseline", "threshold"):
            quantity = getattr(self, name)
            if not convertible(quantity.unit, rate):
                yield Problem(name, f"{quantity} is no {rate}", f"{self.measure} for {self.per_measure}")
        if self.reference_price.unit != saved:
            yield Problem("reference_price", f"{self.reference_price} is not for one {saved}", "price what is saved")
        for n, driver in enumerate(self.drivers):
            measure = version.measure_by_name.get(driver.measure)
            if measure is None or measure.unit is None:
                continue
            if not convertible(driver.reference.unit, measure.unit):
                yield Problem(f"drivers[{n}].reference", f"{driver.reference} is no {measure.unit}", "use its unit")
            wanted = f"{self.baseline.unit}/{measure.unit}"
            if not (is_unit(wanted) and convertible(driver.coefficient.unit, wanted)):
                message = f"{driver.coefficient} is no {wanted}"
                yield Problem(f"drivers[{n}].coefficient", message, "of the baseline for one unit of the driver")


@dataclass(frozen=True, slots=True)
class Saving:
    """One window. actual, baseline, achieved, threshold: in the baseline's unit; quantity and saved: what is saved."""

    actual: Fraction
    baseline: Fraction
    threshold: Fraction
    quantity: Fraction
    used: Fraction
    above: Fraction
    price: Fraction

    @property
    def achieved(self) -> Fraction:
        """What is saved for each unit."""
        return self.baseline - self.actual

    @property
    def reached(self) -> bool:
        """The provider shares at the threshold already."""
        return self.achieved >= self.threshold

    @property
    def saving(self) -> Fraction:
        """Against the adjusted baseline."""
        return self.quantity - self.used

    @property
    def value(self) -> Fraction:
        """Of the whole saving."""
        return self.saving * self.price


def demands(scene: Scene, lineage: Lineage) -> Iterator[Demand]:
    """What is saved, for what, and the drivers, over each window."""
    for window in windows(scene, lineage, GainShare):
        for name in window.term.measures:
            yield from of_measure(window.version, name, members_of(scene, window))


def evaluate(scene: Scene, lineage: Lineage, bill: Callable[[Period], Outcome]) -> Outcome:
    """For the pool of each window what was saved, and who pays whom. bill: charges of any period."""
    outcome = Outcome()
    for window in windows(scene, lineage, GainShare):
        for owner, members in pooled(scene, window, pool=True):
            known = {
                name: measured(scene, window.version, name, owner=owner, members=members)
                for name in dict.fromkeys(window.term.measures)
            }
            place = f"clause {window.term.clause}, {owner}, "
            problems = [p for one in known.values() for p in one.problems]
            outcome.problems += [Problem(place + p.place, p.message, p.remedy) for p in problems]
            outcome.open(window.term.clause, [case for one in known.values() for case in one.cases])
            _settle(scene, window, (owner, members), known, bill, outcome)
    return outcome


def _settle(
    scene: Scene,
    window: Window[GainShare],
    whose: tuple[str, Mapping[str, Spans]],
    known: Mapping[str, Measured],
    bill: Callable[[Period], Outcome],
    outcome: Outcome,
) -> None:
    term, owner = window.term, whose[0]
    coverage = min(known[name].coverage for name in term.measures)
    saving = _saving(term, known)
    values = {"coverage": Figure.share(coverage)}
    start, end = window.start, window.end
    if saving is None or coverage < term.min_coverage:
        outcome.verdicts.append(
            Verdict(term.clause, term.kind, owner, "not_determined", "insufficient", False, start, end, values)
        )
        return
    fees = _fees(scene, window, bill) if term.shortfall == "pro_rata_fees" else ZERO
    exact, text = _amount(window, saving, fees)
    shared = _share(term, saving) if saving.reached else ZERO
    paid = exact if saving.reached else ZERO
    values |= _values(term, saving, scene.currency, shared, paid)
    if window.over and exact:
        draft = Draft(start, end, text, exact, saving.saving, known[term.measure].unit, tuple(_steps(term, saving)))
        outcome.lines.append(scene.line_of(window, owner, draft))
    soft = not window.over or scene.until < end or any(one.provisional for one in known.values())
    state = "fulfilled" if saving.reached else "violated"
    status = "provisional" if soft else "final"
    steps = tuple(_steps(term, saving))
    outcome.verdicts.append(
        Verdict(term.clause, term.kind, owner, state, status, not soft, start, end, values, steps=steps)  # type: ignore[arg-type]
    )


def _saving(term: GainShare, known: Mapping[str, Measured]) -> Saving | None:
    """None if anything is unknown, or nothing was done."""
    used, done = known[term.measure], known[term.per_measure]
    if used.value is None or not done.value:
        return None
    unit, rate = term.baseline.unit, f"{used.unit}/{done.unit}"
    actual = used.value / done.value * factor(rate, unit)
    baseline = Fraction(term.baseline.magnitude)
    for driver in term.drivers:
        found = known[driver.measure]
        if found.value is None:
            return None
        coefficient = driver.coefficient.to(f"{unit}/{found.unit}")
        baseline += coefficient * (found.value - driver.reference.to(found.unit))
    per_unit = factor(unit, rate) * done.value
    threshold = term.threshold.to(unit)
    above = (baseline - actual - threshold) * per_unit
    return Saving(
        actual, baseline, threshold, baseline * per_unit, used.value, above, Fraction(term.reference_price.amount)
    )


def _share(term: GainShare, saving: Saving) -> Fraction:
    """The provider's share before the cap."""
    units = saving.saving if term.share_of == "whole_saving" else saving.above
    return term.share * units * saving.price


def _amount(window: Window[GainShare], saving: Saving, fees: Fraction) -> tuple[Fraction, str]:
    """What the customer pays (below zero: is paid), and the words of its line."""
    term, language = window.term, window.version.language
    reached = say(language, "saved", _short(saving.achieved), _short(saving.threshold), term.baseline.unit)
    if saving.reached:
        share = _share(term, saving)
        value = saving.value if term.share_of == "whole_saving" else saving.above * saving.price
        text = say(language, "of", f"{_short(term.share * 100)} %", _short(value, 2))
        if term.cap is None or share <= Fraction(term.cap.amount):
            return share, text
        return Fraction(term.cap.amount), text + say(language, "at most", _short(share, 2), f"{term.cap.amount:f}")
    if term.shortfall == "difference":
        price = f"{term.reference_price.amount:f}"
        return saving.above * saving.price, say(language, "the difference", reached, price)
    if term.shortfall == "pro_rata_fees":
        # Fees are paid back, so never more than all of them, however little was saved.
        part = 1 - max(ZERO, saving.achieved) / saving.threshold
        return -fees * part, say(language, "fees back", reached, _short(part * 100), _short(fees, 2))
    return ZERO, reached


def _short(value: Fraction, decimals: int = 4) -> str:
    text = fraction_text(value)
    return f"{round_fraction(value, decimals, 'half_up'):f}" if "/" in text or decimals == 2 else text  # noqa: PLR2004 - money


def _fees(scene: Scene, window: Window[GainShare], bill: Callable[[Period], Outcome]) -> Fraction:
    lines = (line for period in base_periods(scene, window, window.term.base) for line in bill(period).lines)
    return sum((Fraction(line.amount.amount) for line in lines if line.clause in window.term.base), ZERO)


def _values(term: GainShare, saving: Saving, currency: str, shared: Fraction, paid: Fraction) -> dict[str, Figure]:
    unit, saved = term.baseline.unit, term.reference_price.unit
    return {
        "actual": Figure(saving.actual, unit),
        "adjusted_baseline": Figure(saving.baseline, unit),
        "achieved": Figure(saving.achieved, unit),
        "baseline_quantity": Figure(saving.quantity, saved),
        "saving": Figure(saving.saving, saved),
        "saving_value": Figure(saving.value, currency),
        "share": Figure(shared, currency),
        "customer_keeps": Figure(saving.value - paid, currency),
    }


def _steps(term: GainShare, saving: Saving) -> Iterator[Step]:
    unit, saved = term.baseline.unit, term.reference_price.unit
    yield Step(
        "adjusted baseline",
        "baseline + sum of coefficient × (actual - reference)",
        {"baseline": str(term.baseline), "drivers": ", ".join(driver.measure for driver in term.drivers) or "none"},
        f"{_short(saving.baseline)} {unit}",
    )
    values = {"adjusted baseline": f"{_short(saving.quantity)} {saved}", "actual": f"{_short(saving.used)} {saved}"}
    yield Step("saving", "adjusted baseline - actual", values, f"{_short(saving.saving)} {saved}")
    values = {"saving": f"{_short(saving.saving)} {saved}", "price": str(term.reference_price)}
    yield Step("value of the saving", "saving × reference price", values, _short(saving.value))
