"""Evaluation of availability: windows, tallies, bounds, verdicts, credits and their caps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from contracts import explain
from contracts.evaluation import Figure, State, Status, Step, Verdict
from contracts.facts import Carried, Case
from contracts.remedy import Before, Capped, Credit, cap, credit
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, contract_years, pool_owner
from contracts.span import Spans
from contracts.timeline import Rules, Tally, count, paint
from contracts.window import Window, base_periods, required_spans, windows
from core.money import Money
from core.time import Period, instant, micros, step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contracts.evaluation import Line
    from contracts.scene import Scene
    from contracts.segment import Lineage

ZERO = Fraction(0)


@dataclass(slots=True)
class Result:
    """One asset's or pool's window. low, high: with unknown time as down, as up."""

    window: Window
    owner: str
    tally: Tally
    low: Tally | None = None
    high: Tally | None = None
    base: Fraction = ZERO
    money: Money | None = None
    parts: dict[str, Tally] = field(default_factory=dict)
    weak: bool = False
    """An amount that the credit is a share of is not known yet."""

    def result(self, tally: Tally) -> Fraction | None:
        """Availability as it is compared."""
        return None if tally.availability is None else self.window.term.compared(tally.availability)

    def credit(self, tally: Tally) -> Credit:
        """Before rounding and caps."""
        result = self.result(tally)
        return (
            Credit() if result is None else credit(self.window.term, self.window.term.target, result, tally, self.base)
        )

    @property
    def bounds(self) -> tuple[Tally, Tally] | None:
        """Both readings of unknown time, if it is excluded and they mean anything."""
        if self.low is None or self.high is None or not self.low.counted or not self.high.counted:
            return None
        return self.low, self.high

    @property
    def open(self) -> bool:
        """Too little data, and it matters for the credit."""
        if self.bounds is None or self.tally.coverage >= (self.window.term.min_coverage or 0):
            return False
        low, high = (self.credit(tally).exact for tally in self.bounds)
        return low != high

    @property
    def due(self) -> Credit:
        """The credit of the line: while the result is open, the smaller of both readings."""
        if not self.open or self.bounds is None:
            return self.credit(self.tally)
        return min((self.credit(tally) for tally in self.bounds), key=lambda one: one.exact)

    @property
    def certain(self) -> bool:
        """Both readings of unknown time give the same verdict."""
        return self.bounds is None or len({self._kept(tally) for tally in self.bounds}) == 1

    def _kept(self, tally: Tally) -> bool:
        result = self.result(tally)
        return result is None or result >= self.window.term.target

    @property
    def state(self) -> State:
        """What became of the promise."""
        if self.tally.required == 0:
            return "not_applicable"
        if self.tally.counted == 0:
            return "not_determined" if self.tally.excluded.get("unknown") else "not_applicable"
        if self.open and not self.certain:
            return "not_determined"
        return "fulfilled" if self._kept(self.tally) else "violated"


def evaluate(scene: Scene, lineage: Lineage, bill: Callable[[Period], Outcome]) -> Outcome:
    """Verdicts for each window, asset or pool; one credit line for each owner. bill: charges of any period."""
    outcome = Outcome()
    due: dict[str, list[tuple[Result, Money]]] = {}
    for window in windows(scene, lineage):
        results = list(_results(scene, window, outcome))
        _find_bases(scene, window, results, bill)
        for result in results:
            result.money = scene.rounded(result.due.exact, window.version)
        capped = _cap(scene, window, results)
        for result in results:
            outcome.verdicts.append(_verdict(scene, result, capped))
            money = capped.credits[result.owner]
            if money and window.over:
                due.setdefault(result.owner, []).append((result, money))
        if window.over:
            outcome.verdicts += _cap_verdict(scene, window, results, capped)
            outcome.carry += _carry(scene, window, results, capped)
    outcome.lines += [_line(scene, owner, parts) for owner, parts in due.items()]
    return outcome


def _results(scene: Scene, window: Window, outcome: Outcome) -> Iterator[Result]:
    parts = {}
    for asset, spans in required_spans(scene, window).items():
        parts[asset] = _result(scene, window, asset, spans)
        _note_missing(scene, window, (asset, spans), outcome)
    if window.term.aggregate == "asset" or not parts:
        yield from parts.values()
        return
    owner = pool_owner(scene.versions, window.term.applies_to)
    whole = Result(
        window, owner, sum((r.tally for r in parts.values()), Tally()), parts={a: r.tally for a, r in parts.items()}
    )
    if all(r.low is not None for r in parts.values()):
        whole.low = sum((r.low for r in parts.values() if r.low), Tally())
        whole.high = sum((r.high for r in parts.values() if r.high), Tally())
    yield whole


def _result(scene: Scene, window: Window, asset: str, spans: Spans) -> Result:
    facts, rules = scene.facts, window.term.rules(scene.zone)
    painted = paint(
        spans,
        facts.states.get((asset, _register(window)), ()),
        facts.attributions_of.get(asset, ()),
        facts.otherwise,
    )
    notices = [n for n in facts.notices if n.asset in ("", asset) and n.clause in ("", window.term.clause)]

    def tally(by: Rules) -> Tally:
        return _with_history(scene, window, asset, count(painted, notices, by))

    result = Result(window, asset, tally(rules))
    if rules.treatments["unknown"] == "exclude" and result.tally.required:
        result.low, result.high = tally(rules.with_unknown("down")), tally(rules.with_unknown("up"))
    return result


def _with_history(scene: Scene, window: Window, asset: str, tally: Tally) -> Tally:
    """A rolling window's earlier months as they were settled, where history states them."""
    if window.term.window != "rolling_12_months":
        return tally
    for item in scene.facts.history:
        if item.clause == window.term.clause and item.owner == asset and item.counted is not None:
            tally += Tally(required=item.counted, down={"fault": Fraction(item.down or 0)})
    return tally


def _register(window: Window) -> str:
    return window.version.measure_by_name[window.term.measure].register_path or ""


def _note_missing(scene: Scene, window: Window, asset: tuple[str, Spans], outcome: Outcome) -> None:
    name, spans = asset
    known = scene.facts.states.get((name, _register(window)))
    if spans and not known and scene.facts.otherwise is None:
        outcome.open(window.term.clause, [Case(name, _register(window), spans[0][0], spans[-1][1], "missing")])


def _find_bases(scene: Scene, window: Window, results: list[Result], bill: Callable[[Period], Outcome]) -> None:
    """The amounts of the base clauses in the window, as invoiced; of a contract's or pool's line, an equal part."""
    bills = [bill(period) for period in base_periods(scene, window)]
    amounts: dict[str, Fraction] = {}
    for line in (line for one in bills for line in one.lines if line.clause in window.term.base):
        amounts[line.owner] = amounts.get(line.owner, ZERO) + Fraction(line.amount.amount)
    verdicts = (v for one in bills for v in one.verdicts if v.clause in window.term.base)
    weak = {v.owner for v in verdicts if v.status == "insufficient"}
    own = {result.owner: {result.owner, *result.parts} for result in results}
    anyone = {owner for owners in own.values() for owner in owners}
    shared = sum((amount for owner, amount in amounts.items() if owner not in anyone), ZERO)
    for result in results:
        result.base = sum((amounts.get(owner, ZERO) for owner in own[result.owner]), shared / len(results))
        result.weak = bool(weak & own[result.owner] or weak - anyone)


def _cap(scene: Scene, window: Window, results: list[Result]) -> Capped:
    given = {result.owner: result.money for result in results if result.money is not None}
    base = sum((result.base for result in results), ZERO)
    before: dict[str, Before] = {one.window: _before(scene, window, one.window) for one in window.term.caps}
    return cap(window.term, given, base, before, decimals=window.version.billing.decimals)


def _before(scene: Scene, window: Window, kind: str) -> Before:
    """Base and credits of the earlier months in a cap's window: carried as one sum, or month by month."""
    sums = {"base_before": ZERO, "credits_before": ZERO}
    since = _cap_start(scene, window, kind)
    for item in scene.facts.carried:
        name, _, month = item.item.partition(" of ")
        if item.clause != window.term.clause or name not in sums or not isinstance(item.value, Money):
            continue
        if not month or Period.parse(month, scene.zone).span.micros[0] >= since:
            sums[name] += Fraction(item.value.amount)
    return Before(sums["base_before"], sums["credits_before"])


def _cap_start(scene: Scene, window: Window, kind: str) -> int:
    if kind == "contract_year":
        return next(start for start, end in contract_years(scene.versions, window.end - 1, window.end) if end > start)
    return micros(step(instant(window.end), scene.zone, months=-12))


def _carry(scene: Scene, window: Window, results: list[Result], capped: Capped) -> list[Carried]:
    if not any(one.window != "month" for one in window.term.caps) or window.term.window != "month":
        return []
    clause, owner = window.term.clause, pool_owner(scene.versions, window.term.applies_to)
    oldest = micros(step(instant(window.end), scene.zone, months=-11))
    kept = [
        item
        for item in scene.facts.carried
        if item.clause == clause
        and " of " in item.item
        and Period.parse(item.item.partition(" of ")[2], scene.zone).span.micros[0] >= oldest
    ]
    base = scene.rounded(sum((result.base for result in results), ZERO), window.version)
    given = sum(capped.credits.values(), Money.zero(scene.currency))
    return [
        *kept,
        Carried(clause, f"base_before of {window.label}", base, owner),
        Carried(clause, f"credits_before of {window.label}", given, owner),
    ]


def _status(scene: Scene, result: Result) -> Status:
    if result.tally.required and result.tally.counted == 0 and result.state == "not_determined":
        return "insufficient"
    soft = result.open or result.weak or scene.until < result.window.end
    return "provisional" if soft else "final"


def _verdict(scene: Scene, result: Result, capped: Capped) -> Verdict:
    tally, window = result.tally, result.window
    values = {
        "required": Figure.hours(tally.required),
        "excluded": Figure.hours(sum(tally.excluded.values())),
        "counted": Figure.hours(tally.counted),
        "down": Figure.hours(tally.lost),
        "coverage": Figure.share(tally.coverage),
    }
    if tally.availability is not None:
        values["availability"] = Figure.share(tally.availability)
    due = result.due
    if due.share is not None:
        values["credit_share"] = Figure.share(due.share)
    if window.term.caps and result.money is not None:
        values["credit_before_caps"] = Figure.money(result.money)
    return Verdict(
        window.term.clause,
        "availability",
        result.owner,
        result.state,
        _status(scene, result),
        result.certain,
        window.start,
        window.end,
        values,
        _bounds(scene, result),
        _steps(result),
        explain.availability(result, capped.credits[result.owner], scene.zone),
    )


def _bounds(scene: Scene, result: Result) -> dict[str, tuple[Figure, Figure]]:
    if result.bounds is None:
        return {}
    low, high = result.bounds
    amounts = sorted(
        (-scene.rounded(result.credit(tally).exact, result.window.version) for tally in (low, high)),
    )
    return {
        "availability": (Figure.share(low.availability or ZERO), Figure.share(high.availability or ZERO)),
        "amount": (Figure.money(amounts[0]), Figure.money(amounts[1])),
    }


def _steps(result: Result) -> tuple[Step, ...]:
    tally, term = result.tally, result.window.term
    steps = [
        Step(
            "counted time",
            "required - excluded",
            {"required": explain.hours(tally.required)}
            | {explain.WORDS.get(c, c): explain.hours(t) for c, t in tally.excluded.items()},
            explain.hours(tally.counted),
        ),
        Step(
            "down time",
            "sum of outages and equivalent down time",
            {explain.WORDS.get(c, c): explain.hours(t) for c, t in tally.down.items()},
            explain.hours(tally.lost),
        ),
    ]
    if tally.availability is not None:
        values = {"counted": explain.hours(tally.counted), "down": explain.hours(tally.lost)}
        steps.append(Step("availability", "(counted - down) ÷ counted", values, explain.percent(tally.availability)))
    due = result.due
    if due.share is not None and result.base:
        values = {
            "share": explain.percent(due.share),
            "base": explain.number(result.base),
            "target": explain.percent(term.target),
        }
        steps.append(Step("credit", "share × base", values, explain.number(due.exact)))
    return tuple(steps)


def _cap_verdict(scene: Scene, window: Window, results: list[Result], capped: Capped) -> Iterator[Verdict]:
    """What the caps did, for the term as a whole."""
    if not capped.caps:
        return
    currency = scene.currency
    total = sum((Fraction(result.money.amount) for result in results if result.money), ZERO)
    values = {"credit_before_caps": Figure(total, currency), "capped": Figure(capped.cut, currency)}
    values |= {f"cap_{name}": Figure(limit, currency) for name, limit in capped.caps.items()}
    if capped.left is not None:
        values["cap_left"] = Figure(capped.left, currency)
    owner = pool_owner(scene.versions, window.term.applies_to)
    status: Status = "final" if all(_status(scene, result) == "final" for result in results) else "provisional"
    yield Verdict(
        window.term.clause, "availability", owner, "-", status, status == "final", window.start, window.end, values
    )


def _line(scene: Scene, owner: str, parts: list[tuple[Result, Money]]) -> Line:
    first, last = parts[0][0].window, parts[-1][0].window
    total = sum((money for _, money in parts), Money.zero(scene.currency))
    segment = Segment(first.term, first.version, first.start, last.end)
    exact = sum((-result.due.exact for result, _ in parts), ZERO)
    text = "; ".join(explain.credit(result, money) for result, money in parts)
    steps = tuple(one for result, _ in parts for one in _steps(result))
    draft = Draft(first.start, last.end, text, exact, steps=steps)
    return replace(scene.line(segment, owner, draft, -total))
