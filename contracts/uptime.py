"""Evaluation of availability: windows, tallies, bounds, verdicts, credits and their caps."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from contracts import applied
from contracts.evaluation import State, Status
from contracts.facts import Carried, Case
from contracts.quantity import Demand, measured, members_of
from contracts.quantity import demands as of_measure
from contracts.remedy import Capped, Credit, credit
from contracts.scene import Outcome
from contracts.segment import pool_owner
from contracts.settle import Credited, after, cap_verdict, capped, carry, earn_back, find_bases
from contracts.span import Spans, normal, subtract
from contracts.tally import Rules, Tally, count
from contracts.terms.availability import Availability
from contracts.timeline import lay
from contracts.uptime_told import Told, line, steps, tell, verdict
from contracts.window import Window, required_spans, windows
from core.money import Money
from core.time import Period

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contracts.evaluation import Step
    from contracts.scene import Scene
    from contracts.segment import Lineage

ZERO, NOTHING = Fraction(0), Credit()


@dataclass
class Result(Credited):
    """One asset's or pool's window. low, high: with unknown time as down, as up.

    open: too little data, and it matters for the credit. certain: both readings of unknown time give the same verdict.
    due: the credit of the line; credits: by both readings.
    """

    tally: Tally = field(default_factory=Tally)
    low: Tally | None = None
    high: Tally | None = None
    output: Fraction = ZERO
    open: bool = False
    certain: bool = True
    due: Credit = NOTHING
    credits: tuple[Credit, Credit] = (NOTHING, NOTHING)
    status: Status = "final"
    told: Told = field(init=False)
    """Its numbers as text, once it is settled."""
    steps: tuple[Step, ...] = ()

    @property
    def bounds(self) -> tuple[Tally, Tally] | None:
        """Both readings of unknown time, if it is excluded and they mean anything."""
        if self.low is None or self.high is None or not self.low.counted or not self.high.counted:
            return None
        return self.low, self.high

    def settle(self) -> None:
        """What the window comes to, once its base is known; while it is open, the smaller credit of both readings."""
        self.due = self._credit(self.tally)
        if self.bounds is not None and self.low is self.high is self.tally:
            self.credits = self.due, self.due
        elif self.bounds is not None:
            low, high = self.credits = self._credit(self.bounds[0]), self._credit(self.bounds[1])
            self.certain = self._kept(self.bounds[0]) == self._kept(self.bounds[1])
            scarce = self.tally.coverage < (self.window.term.min_coverage or 0)
            self.open = scarce and low.exact != high.exact
            if self.open:
                self.due = min(low, high, key=lambda one: one.exact)
        self.told = tell(self)
        self.steps = steps(self)

    def result(self, tally: Tally) -> Fraction | None:
        """Availability as it is compared."""
        found = tally.availability
        return None if found is None else self.window.term.compared(found)

    def _credit(self, tally: Tally) -> Credit:
        """Before rounding and caps."""
        result = self.result(tally)
        if result is None or self.barred:
            return NOTHING
        term = self.window.term
        return credit(term, term.target, result, tally, self.base, output=self.output)

    def _kept(self, tally: Tally) -> bool:
        result = self.result(tally)
        return result is None or result >= self.window.term.target

    @property
    def state(self) -> State:
        """What became of the promise."""
        if self.tally.required == 0 or self.barred:
            return "not_applicable"
        if self.tally.counted == 0:
            return "not_determined" if self.tally.excluded.get("unknown") else "not_applicable"
        if self.open and not self.certain:
            return "not_determined"
        return "fulfilled" if self._kept(self.tally) else "violated"


def demands(scene: Scene, lineage: Lineage) -> Iterator[Demand]:
    """States of each window, and its output where that is paid for."""
    for window in windows(scene, lineage, Availability):
        members = members_of(scene, window)
        for asset, spans in members.items():
            measure = window.version.measure_by_name[window.term.measure]
            yield Demand(measure, asset, spans)
        if window.term.output is not None:
            yield from of_measure(window.version, window.term.output, members)


def evaluate(scene: Scene, lineage: Lineage, bill: Callable[[Period], Outcome]) -> Outcome:
    """Verdicts for each window, asset or pool; one credit line for each owner. bill: charges of any period."""
    outcome = Outcome()
    due: dict[str, list[tuple[Result, Money]]] = {}
    before, kept = scene, list[Carried]()
    for window in windows(scene, lineage, Availability):
        results = list(_results(scene, window, outcome))
        for result in results:
            result.output = _output(scene, window, result)
            result.barred = scene.barred(window.term, result.assets, window.start, window.end)
        find_bases(scene, window, results, bill)
        for result in results:
            result.settle()
            result.status = _status(scene, result)
            result.final = result.status == "final"
            result.money = scene.rounded(result.due.exact, window.version)
        left = capped(before, window, results)
        for result in results:
            money = left.credits[result.owner]
            outcome.verdicts.append(verdict(scene, result, money))
            if money and window.over and applied.is_line(scene, window):
                due.setdefault(result.owner, []).append((result, money))
            elif money and window.over:
                outcome.carry += applied.later(window, result.owner, money)
        if window.over:
            shown = [_shown(result, left) for result in results] if window.term.earn_back_target is not None else ()
            earned = earn_back(before, window, shown)
            outcome.lines += earned.lines
            outcome.verdicts += cap_verdict(scene, window, results, left)
            kept = [*earned.carry, *carry(before, window, results, left)]
            before = after(before, window, kept)
    outcome.carry += kept
    outcome.lines += [line(scene, owner, parts) for owner, parts in due.items()]
    return outcome


def _results(scene: Scene, window: Window[Availability], outcome: Outcome) -> Iterator[Result]:
    pool = pool_owner(scene.versions, window.term.applies_to)
    together: Spans = ()
    of_pool = None
    if window.term.aggregate == "pool":
        together, of_pool = _settled(scene, window, pool)
    parts = {}
    for asset, spans in required_spans(scene, window).items():
        months, before = _settled(scene, window, asset)
        rest = subtract(subtract(spans, months), together)
        parts[asset] = _result(scene, window, asset, rest, before)
        _note_missing(scene, window, (asset, rest), outcome)
    if window.term.aggregate == "asset" or not parts:
        yield from parts.values()
        return
    of_pool = of_pool or Tally()
    whole = Result(window, pool, parts=dict(parts), tally=sum((r.tally for r in parts.values()), of_pool))
    if all(r.low is not None for r in parts.values()):
        whole.low = sum((r.low for r in parts.values() if r.low), of_pool)
        whole.high = sum((r.high for r in parts.values() if r.high), of_pool)
    yield whole


def _result(scene: Scene, window: Window[Availability], asset: str, spans: Spans, before: Tally | None) -> Result:
    facts, term = scene.facts, window.term
    rules = scene.plan.once(("rules", id(term)), lambda: term.rules(scene.zone))
    painted = lay(
        spans,
        facts.states.get((asset, _register(window)), ()),
        facts.attributions_of.get(asset, ()),
        facts.otherwise,
        shifts=scene.shifts(window.term.clause, asset),
    )
    notices = [n for n in facts.notices if n.asset in ("", asset) and n.clause in ("", window.term.clause)]

    def tally(by: Rules) -> Tally:
        found = count(painted, notices, by)
        return found if before is None else before + found

    result = Result(window, asset, tally=tally(rules))
    if rules.treatments["unknown"] == "exclude" and result.tally.required:
        result.low = result.high = result.tally
        if result.tally.unknown:
            result.low, result.high = tally(rules.with_unknown("down")), tally(rules.with_unknown("up"))
    return result


def _settled(scene: Scene, window: Window[Availability], owner: str) -> tuple[Spans, Tally | None]:
    """Earlier parts of a window as history states them, and their sums: they stand in place of the states then."""
    if not scene.facts.history:
        return (), None
    spans, sums = [], Tally()
    for item in scene.facts.history:
        if item.clause != window.term.clause or item.owner != owner or item.counted is None:
            continue
        start, end = Period.parse(item.period, scene.zone, anchor_day=window.version.billing.anchor_day).span.micros
        if window.start <= start and end <= min(scene.start, window.end):
            spans.append((start, end))
            down = item.down or 0
            sums += Tally(required=item.counted, down={"fault": Fraction(down)}, touched={"fault": down})
    return normal(spans), sums


def _output(scene: Scene, window: Window[Availability], result: Result) -> Fraction:
    """What the asset made in the window, where lost output is paid for."""
    if window.term.remedy != "lost_output" or window.term.output is None:
        return ZERO
    members = {asset: spans for asset, spans in members_of(scene, window).items() if asset in result.assets}
    return measured(scene, window.version, window.term.output, owner=result.owner, members=members).value or ZERO


def _shown(result: Result, left: Capped) -> tuple[str, Fraction | None, Money]:
    """Owner, result and credit of a window, as earning back looks at them."""
    return result.owner, result.result(result.tally), left.credits[result.owner]


def _register(window: Window[Availability]) -> str:
    return window.version.measure_by_name[window.term.measure].register_path or ""


def _note_missing(scene: Scene, window: Window[Availability], asset: tuple[str, Spans], outcome: Outcome) -> None:
    name, spans = asset
    known = scene.facts.states.get((name, _register(window)))
    if spans and not known and scene.facts.otherwise is None:
        outcome.open(window.term.clause, [Case(name, _register(window), spans[0][0], spans[-1][1], "missing")])


def _status(scene: Scene, result: Result) -> Status:
    if result.tally.required and result.tally.counted == 0 and result.state == "not_determined":
        return "insufficient"
    soft = result.open or result.weak or scene.until < result.window.end
    return "provisional" if soft else "final"
