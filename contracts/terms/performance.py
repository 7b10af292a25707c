"""A level that is promised, such as energy for each unit made: attained by so much, and what a miss is worth."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal

from contracts import applied, explain
from contracts.evaluation import Figure, State, Status, Step, Verdict
from contracts.facts import Carried
from contracts.phrase import say
from contracts.quantity import Demand, Measured, measured, members_of, pooled
from contracts.quantity import demands as of_measure
from contracts.remedy import Credit, Remedy, credit
from contracts.scene import Draft, Outcome
from contracts.settle import Credited, after, cap_verdict, capped, carry, earn_back, find_bases
from contracts.tally import Tally
from contracts.terms.base import Term
from contracts.window import Window, windows
from contracts.words import Name, QuantityWord, Share
from core.problem import Problem
from core.units import convertible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contracts.document import Version
    from contracts.remedy import Capped
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from contracts.span import Spans
    from core.time import Period

ONE = Fraction(1)
FORMS = ("ladder", "per_point", "per_point_or_part", "linear", "lost_output")


class Performance(Remedy, Term):
    """Parameters. better: whether a lower or a higher level is better; tolerance: a miss begins below it."""

    PROMISE: ClassVar[bool] = True

    kind: Literal["performance"]
    measure: Name
    target: QuantityWord
    better: Literal["lower", "higher"]
    tolerance: Share
    window: Literal["month", "quarter", "contract_year", "rolling_12_months"]

    @property
    def measures(self) -> tuple[str, ...]:
        """What is observed, and what was made."""
        return tuple(name for name in (self.measure, self.output) if name)

    @property
    def least(self) -> Fraction:
        """The attainment from which the promise is kept."""
        return 1 - self.tolerance

    def attained(self, actual: Fraction, unit: str) -> Fraction | None:
        """Target ÷ actual, or actual ÷ target."""
        target = self.target.to(unit)
        if self.better == "higher":
            return actual / target
        return target / actual if actual > 0 else None

    def check(self, version: Version) -> Iterator[Problem]:
        """A target above zero in the measure's unit; a remedy that a level can have."""
        yield from super().check(version)
        yield from self.check_remedy()
        yield from self.check_earn_back(self.least)
        yield from self.check_clauses("base", self.base, version)
        measure = version.measure_by_name.get(self.measure)
        if measure is not None and (measure.unit is None or not convertible(self.target.unit, measure.unit)):
            yield Problem("target", f"{self.target} is no {measure.unit}", f"{self.measure} is measured in it")
        if self.target.magnitude <= 0:
            yield Problem("target", f"{self.target} is not above zero", "write the level that is promised")
        if not 0 <= self.tolerance < 1:
            yield Problem("tolerance", "is no part of a whole", "write 0 % to 100 %")
        if self.remedy is not None and self.remedy not in FORMS:
            yield Problem("remedy", f"{self.remedy} counts time", f"one of {', '.join(FORMS)}")


@dataclass(slots=True)
class Result(Credited):
    """One owner's window."""

    found: Measured | None = None
    attained: Fraction | None = None
    output: Fraction = Fraction(0)

    @property
    def missed(self) -> bool:
        """Below the target, beyond the tolerance."""
        return self.attained is not None and self.attained < self.window.term.least

    @property
    def due(self) -> Credit:
        """Before rounding and caps."""
        if not self.missed or self.attained is None or self.barred:
            return Credit()
        return credit(self.window.term, ONE, self.attained, Tally(), self.base, output=self.output)

    @property
    def state(self) -> State:
        """What became of the promise."""
        if self.barred:
            return "not_applicable"
        if self.attained is None:
            return "not_determined"
        return "violated" if self.missed else "fulfilled"


def demands(scene: Scene, lineage: Lineage) -> Iterator[Demand]:
    """The measure, and the output, over each window."""
    for window in windows(scene, lineage, Performance):
        for name in window.term.measures:
            yield from of_measure(window.version, name, members_of(scene, window))


def evaluate(scene: Scene, lineage: Lineage, bill: Callable[[Period], Outcome]) -> Outcome:
    """A verdict for each window and asset, and its credit after caps. bill: charges of any period."""
    outcome = Outcome()
    before, kept = scene, list[Carried]()
    for window in windows(scene, lineage, Performance):
        results = [_result(scene, window, owner, members) for owner, members in pooled(scene, window, pool=False)]
        if not results:
            continue
        find_bases(scene, window, results, bill)
        for result in results:
            result.money = scene.rounded(result.due.exact, window.version)
        left = capped(before, window, results)
        for result in results:
            _add(scene, result, left, outcome)
        if window.over:
            outcome.verdicts += cap_verdict(scene, window, results, left)
            earned = earn_back(before, window, [(one.owner, one.attained, left.credits[one.owner]) for one in results])
            outcome.lines += earned.lines
            kept = [*carry(before, window, results, left), *earned.carry]
            before = after(before, window, kept)
    outcome.carry += kept
    return outcome


def _result(scene: Scene, window: Window[Performance], owner: str, members: dict[str, Spans]) -> Result:
    found = measured(scene, window.version, window.term.measure, owner=owner, members=members)
    result = Result(window, owner, found=found)
    if found.value is not None:
        result.attained = window.term.attained(found.value, found.unit)
    if window.term.output is not None:
        made = measured(scene, window.version, window.term.output, owner=owner, members=members)
        result.output = made.value or Fraction(0)
    result.barred = scene.barred(window.term, (owner,), window.start, window.end)
    result.final = _status(scene, result) == "final"
    return result


def _status(scene: Scene, result: Result) -> Status:
    if result.attained is None and not result.barred:
        return "insufficient"
    soft = result.weak or scene.until < result.window.end or (result.found is not None and result.found.provisional)
    return "provisional" if soft else "final"


def _add(scene: Scene, result: Result, left: Capped, outcome: Outcome) -> None:
    window, term, found = result.window, result.window.term, result.found
    if found is not None:
        outcome.open(term.clause, found.cases)
        place = f"clause {term.clause}, {result.owner}, "
        outcome.problems += [Problem(place + p.place, p.message, p.remedy) for p in found.problems]
    money = left.credits[result.owner]
    if money and window.over and not applied.is_line(scene, window):
        outcome.carry += applied.later(window, result.owner, money)
    elif money and window.over:
        text = _words(result) + applied.words(window)
        draft = Draft(window.start, window.end, text, -result.due.exact, steps=tuple(_steps(result)))
        outcome.lines.append(scene.line_of(window, result.owner, draft, -money))
    values = {}
    if found is not None and found.value is not None and result.attained is not None:
        values = {
            "actual": Figure(found.value, found.unit),
            "attainment": Figure.share(result.attained),
            "credit_share": Figure.share(result.due.share or Fraction(0)),
            **applied.values(scene, result, money),
        }
    status = _status(scene, result)
    outcome.verdicts.append(
        Verdict(
            term.clause, term.kind, result.owner, result.state, status, status == "final", window.start, window.end,
            values, steps=tuple(_steps(result)), explanation=explain.performance(result, scene.zone),
            credit=applied.given(scene, window, money),
        )
    )  # fmt: skip


def _words(result: Result) -> str:
    due, version = result.due, result.window.version
    language = version.language
    what = explain.sum_of_money(due.exact, version.currency, language)
    if due.share is not None:
        base = explain.sum_of_money(result.base, version.currency, language)
        what = say(language, "of", explain.percent(due.share), base)
    return say(language, "of attainment", explain.percent(ONE if result.attained is None else result.attained), what)


def _steps(result: Result) -> Iterator[Step]:
    found, term = result.found, result.window.term
    if found is None or found.value is None or result.attained is None:
        return
    formula = "target ÷ actual" if term.better == "lower" else "actual ÷ target"
    values = {"target": str(term.target), "actual": Figure(found.value, found.unit).text()}
    yield Step("attainment", formula, values, explain.percent(result.attained))
    due = result.due
    if due.share is not None and result.base:
        values = {"share": explain.percent(due.share), "base": explain.number(result.base)}
        yield Step("credit", "share × base", values, explain.number(due.exact))
