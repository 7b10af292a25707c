"""What a remedy is a share of, and what its caps leave: for all assets of a term together, over windows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from contracts.evaluation import Figure, Line, Status, Verdict, line_id
from contracts.facts import Carried
from contracts.phrase import say
from contracts.pricing import total
from contracts.remedy import Before, Capped, cap
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, contract_years, pool_owner
from contracts.window import Window, base_periods, earlier
from core.money import Money, round_fraction
from core.time import HOUR, Period, instant, micros, step
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from contracts.scene import Scene

ZERO = Fraction(0)


@dataclass
class Credited:
    """One asset's or pool's window that may earn a credit. base: what it is a share of; parts: assets of a pool."""

    window: Window[Any]
    owner: str
    base: Fraction = ZERO
    money: Money | None = None
    parts: Mapping[str, object] = field(default_factory=dict)
    weak: bool = False
    """An amount that the credit is a share of is not known yet."""
    final: bool = True
    barred: bool = False
    """A duty that the promise is conditional on was not kept."""

    @property
    def assets(self) -> tuple[str, ...]:
        """Its assets: a pool's parts, or the owner itself."""
        return tuple(self.parts) or (self.owner,)


def find_bases(
    scene: Scene, window: Window[Any], results: Sequence[Credited], bill: Callable[[Period], Outcome]
) -> None:
    """The amounts of the base clauses in the window, as invoiced; of a contract's or pool's line, an equal part.

    A line of an asset that the promise does not cover is no part of its base.
    """
    bills = [bill(period) for period in base_periods(scene, window, window.term.base)]
    amounts: dict[str, list[Fraction]] = {}
    for line in [line for one in bills for line in one.lines if line.clause in window.term.base]:
        amounts.setdefault(line.owner, []).append(line.amount.fraction)
    verdicts = (v for one in bills for v in one.verdicts if v.clause in window.term.base)
    weak = {v.owner for v in verdicts if v.status == "insufficient"}
    own = {result.owner: {result.owner, *result.parts} for result in results}
    anyone = {owner for owners in own.values() for owner in owners}
    shared = total([total(amounts[owner]) for owner in amounts.keys() - anyone - scene.plan.assets])
    part = [shared / len(results)] if shared and results else []
    for result in results:
        result.base = total([*part, *(one for owner in own[result.owner] for one in amounts.get(owner, ()))])
        result.weak = bool(weak and (weak & own[result.owner] or weak - anyone - scene.plan.assets))


def capped(scene: Scene, window: Window[Any], results: Sequence[Credited]) -> Capped:
    """The window's credits after the term's caps, which hold for all owners together."""
    given = {result.owner: result.money for result in results if result.money is not None}
    if not window.term.caps:
        return Capped(given)
    base = total([result.base for result in results])
    before: dict[str, Before] = {one.window: _before(scene, window, one.window) for one in window.term.caps}
    return cap(window.term, given, base, before, decimals=window.version.billing.decimals)


def _before(scene: Scene, window: Window[Any], kind: str) -> Before:
    """Base and credits of the earlier months in a cap's window: carried as one sum, or month by month."""
    sums = {"base_before": ZERO, "credits_before": ZERO}
    since = _cap_start(scene, window, kind)
    for item in scene.facts.carried:
        name, _, month = item.item.partition(" of ")
        if item.clause != window.term.clause or name not in sums or not isinstance(item.value, Money):
            continue
        if not month or _begins(window, month) >= since:
            sums[name] += Fraction(item.value.amount)
    return Before(sums["base_before"], sums["credits_before"])


def _begins(window: Window[Any], label: str) -> int:
    """When an earlier period of this name began."""
    billing = window.version.billing
    return Period.parse(label, window.version.zone, anchor_day=billing.anchor_day).span.micros[0]


def _cap_start(scene: Scene, window: Window[Any], kind: str) -> int:
    if kind == "contract_year":
        return next(start for start, end in contract_years(scene.versions, window.end - 1, window.end) if end > start)
    return micros(step(instant(window.end), scene.zone, months=-12))


def carry(scene: Scene, window: Window[Any], results: Sequence[Credited], found: Capped) -> list[Carried]:
    """Base and credits by month, for caps that look further back than a month."""
    if not any(one.window != "month" for one in window.term.caps) or window.term.window != "month":
        return []
    clause, owner = window.term.clause, pool_owner(scene.versions, window.term.applies_to)
    oldest = micros(step(instant(window.end), scene.zone, months=-11))
    kept = [
        item
        for item in scene.facts.carried
        if item.clause == clause
        and item.item.startswith(("base_before of ", "credits_before of "))
        and _begins(window, item.item.partition(" of ")[2]) >= oldest
    ]
    base = scene.rounded(sum((result.base for result in results), ZERO), window.version)
    given = sum(found.credits.values(), Money.zero(scene.currency))
    return [
        *kept,
        Carried(clause, f"base_before of {window.label}", base, owner),
        Carried(clause, f"credits_before of {window.label}", given, owner),
    ]


def cap_verdict(scene: Scene, window: Window[Any], results: Sequence[Credited], found: Capped) -> Iterator[Verdict]:
    """What the caps did, for the term as a whole."""
    if not found.caps:
        return
    currency = scene.currency
    before = total([result.money.fraction for result in results if result.money])
    values = {"credit_before_caps": Figure(before, currency), "capped": Figure(found.cut, currency)}
    values |= {f"cap_{name}": Figure(limit, currency) for name, limit in found.caps.items()}
    if found.left is not None:
        values["cap_left"] = Figure(found.left, currency)
    owner = pool_owner(scene.versions, window.term.applies_to)
    status: Status = "final" if all(result.final for result in results) else "provisional"
    yield Verdict(
        window.term.clause, window.term.kind, owner, "-", status, status == "final", window.start, window.end, values
    )


def earn_back(scene: Scene, window: Window[Any], shown: Sequence[tuple[str, Fraction | None, Money]]) -> Outcome:
    """Credits that so many later windows at a target cancel. shown: owner, result and credit of this window."""
    outcome, term = Outcome(), window.term
    if term.earn_back_target is None:
        return outcome
    for owner, result, given in shown:
        at_risk = [item for item in scene.facts.carried if _at_risk(item, term, owner)]
        good = result is not None and result >= term.earn_back_target
        if good and at_risk and _good_before(scene, window, owner) >= (term.earn_back_windows or 1) - 1:
            money = sum((item.value for item in at_risk if isinstance(item.value, Money)), Money.zero(scene.currency))
            outcome.lines.append(_earned(scene, window, owner, money))
            at_risk = []
        if given:
            at_risk.append(Carried(term.clause, f"credit_at_risk of {window.label}", given, owner))
        outcome.carry += at_risk
        if result is not None:
            results = past_results(scene, term.clause, owner) | {window.label: result}
            outcome.carry += results_carried(term.clause, owner, results, most=term.results_carried)
    return outcome


def after(scene: Scene, window: Window[Any], kept: Sequence[Carried]) -> Scene:
    """The scene as the next window of the same period sees it: with what this one leaves in place of what it found."""
    clause = window.term.clause
    others = [item for item in scene.facts.carried if item.clause != clause or not _is_left(item)]
    if not kept and len(others) == len(scene.facts.carried):
        return scene
    return replace(scene, facts=replace(scene.facts, carried=(*others, *kept)))


def _is_left(item: Carried) -> bool:
    """Whether it is what windows leave to each other; a sum that names no month is stated for all of the period."""
    name, _, label = item.item.partition(" of ")
    return name == "credit_at_risk" or (bool(label) and name in ("base_before", "credits_before", "value"))


def results_carried(clause: str, owner: str, results: Mapping[str, Fraction], *, most: int) -> list[Carried]:
    """The last of these results by label, for the windows that look back on them."""
    return [
        Carried(clause, f"value of {label}", Quantity(round_fraction(results[label] * 100, 12, "half_up"), "%"), owner)
        for label in sorted(results)[-most:]
    ]


def past_results(scene: Scene, clause: str, owner: str) -> dict[str, Fraction]:
    """Results of earlier windows by label: from history, or as earlier evaluations carried them."""
    found = {
        item.period: item.value
        for item in scene.facts.history
        if item.clause == clause and item.owner == owner and item.value is not None
    }
    for item in scene.facts.carried:
        name, _, label = item.item.partition(" of ")
        if name == "value" and (item.clause, item.owner) == (clause, owner) and isinstance(item.value, Quantity):
            found.setdefault(label, Fraction(item.value.magnitude) / 100)
    return found


def _at_risk(item: Carried, term: Any, owner: str) -> bool:
    return item.clause == term.clause and item.item.startswith("credit_at_risk") and item.owner in (owner, "")


def _good_before(scene: Scene, window: Window[Any], owner: str) -> int:
    """How many windows just before this one reached the target, without a gap."""
    past, target = past_results(scene, window.term.clause, owner), window.term.earn_back_target
    return sum(1 for _ in takewhile(lambda label: label in past and past[label] >= target, earlier(scene, window)))


def _earned(scene: Scene, window: Window[Any], owner: str, money: Money) -> Line:
    text = say(window.version.language, "earned back", window.label, f"{money.amount:f}")
    draft = Draft(window.start, window.end, text, Fraction(money.amount))
    segment = Segment(window.term, window.version, window.start, window.end)
    # Of several windows in the period each has its own line, named by its first day if that lies in the period.
    later = max(0, window.start - scene.start) // (24 * HOUR)
    line = scene.line(segment, owner, draft, money) if later else scene.line_of(window, owner, draft, money)
    number = line_id(scene.versions[0].contract, line.id, window.term.clause, owner=owner, segment=-1 - later)
    return line._replace(id=number)
