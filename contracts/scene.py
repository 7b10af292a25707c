"""What every term's evaluation is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from contracts.evaluation import Line, OpenCase, Step, line_id
from contracts.measure import usage
from contracts.segment import Segment
from contracts.span import Spans, normal
from contracts.timeline import Shift
from core.canonical import fraction_text
from core.money import Money, round_fraction

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from contracts.document import Measure, Version
    from contracts.duty import Breach
    from contracts.evaluation import Event, Verdict
    from contracts.facts import Carried, Case, Facts
    from contracts.measure import Usage
    from contracts.plan import Plan
    from contracts.terms.base import Term
    from contracts.window import Window
    from contracts.written import Prepared
    from core.problem import Problem
    from core.time import Period


@dataclass(frozen=True)
class Scene:
    """One contract, one period. start, end: of the period; until: later is not yet; all in microseconds."""

    versions: tuple[Version, ...]
    facts: Facts
    period: Period
    start: int
    end: int
    until: int
    asked: int
    """Until when the evaluation was asked for; `until` is that or the period's end."""
    begins: int
    """When the period that is evaluated begins: what is carried is carried to there."""
    plan: Plan
    """What the versions say whatever is known."""
    breaches: tuple[Breach, ...] = ()
    cuts: tuple[int, ...] = ()
    """Further instants at which use is cut: where a correction begins and ends."""
    _used: dict[tuple[int, str, Spans], Usage] = field(default_factory=dict, init=False, repr=False, compare=False)

    def of(self, period: Period) -> Scene:
        """The same knowledge for another period."""
        start, end = period.span.micros
        return replace(self, period=period, start=start, end=end, until=min(end, self.asked))

    def usage(self, measure: Measure, owner: str, spans: Spans) -> Usage:
        """As `measure.usage`; several clauses may ask for the same."""
        key = id(measure), owner, spans  # the versions hold their measures as long as the scene lives
        found = self._used.get(key)
        if found is None:
            found = self._used[key] = usage(self, measure, owner, spans)
        return found

    def resting(self, clause: str, asset: str) -> Spans:
        """When a clause rests for an asset, because a duty that suspends it is breached."""
        if not self.breaches:
            return ()
        return normal((b.start, b.end) for b in self.breaches if b.asset == asset and clause in b.term.suspends)

    def barred(self, term: Term, assets: Iterable[str], start: int, end: int) -> bool:
        """Whether a duty without which the term is not evaluated was breached by one of these assets."""
        if not self.breaches:
            return False
        wanted, whose = set(term.condition or ()), set(assets)
        return any(b.clause in wanted and b.asset in whose and b.start < end and start < b.end for b in self.breaches)

    def shifts(self, clause: str, asset: str) -> list[Shift]:
        """What breached duties make of an asset's failures under a clause."""
        if not self.breaches:
            return []
        return [
            Shift(b.start, b.end, b.term.shifts_to or "customer_cause", b.term.scope)
            for b in self.breaches
            if b.asset == asset and b.term.shifts == clause
        ]

    @property
    def zone(self) -> ZoneInfo:
        """The contract's zone."""
        return self.versions[0].zone

    @property
    def currency(self) -> str:
        """The contract's currency."""
        return self.versions[0].currency

    @property
    def running(self) -> bool:
        """Whether part of the period is still to come."""
        return self.until < self.end

    def rounded(self, exact: Fraction, version: Version) -> Money:
        """An amount as this version's billing rounds it."""
        billing = version.billing
        return Money(round_fraction(exact, billing.decimals, billing.rounding), version.currency)

    def line(self, segment: Segment, owner: str, draft: Draft, amount: Money | None = None) -> Line:
        """A line of a segment, rounded here, once (or with an amount that was allocated)."""
        money = self.rounded(draft.exact, segment.version) if amount is None else amount
        billing = segment.version.billing
        rounding = Step(
            "rounding",
            f"{billing.rounding} to {billing.decimals} decimals",
            {"exact": fraction_text(draft.exact)},
            str(money),
        )
        clause, number = segment.term.clause, segment.version.version
        return Line(
            line_id(segment.version.contract, self.period.label, clause, owner=owner, segment=number),
            clause,
            segment.term.kind,
            owner,
            number,
            draft.start,
            draft.end,
            draft.text,
            money,
            draft.exact,
            draft.quantity,
            draft.unit,
            (*draft.steps, rounding),
        )

    def line_as(self, like: Line, owner: str) -> Line:
        """What `line` gives for another owner of the same segment and draft."""
        name = line_id(self.versions[0].contract, self.period.label, like.clause, owner=owner, segment=like.segment)
        return like._replace(id=name, owner=owner)

    def line_of(self, window: Window[Any], owner: str, draft: Draft, amount: Money | None = None) -> Line:
        """As `line`, of a window: of several that end in the period, each later one has an id with its own label."""
        segment = Segment(window.term, window.version, window.start, window.end)
        line = self.line(segment, owner, draft, amount)
        return self.named(line, window.label) if window.later else line

    def named(self, line: Line, what: str) -> Line:
        """With an id of its own, beside another line of the same clause, owner and segment."""
        label = f"{self.period.label} {what}"
        contract = self.versions[0].contract
        return line._replace(id=line_id(contract, label, line.clause, owner=line.owner, segment=line.segment))


class Draft(NamedTuple):
    """A line before rounding."""

    start: int
    end: int
    text: str
    exact: Fraction
    quantity: Fraction | None = None
    unit: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class PricedUnits:
    """Units of a usage charge that a duty may make dearer, at their own place in the tiers."""

    clause: str
    asset: str
    start: int
    end: int
    quantity: Fraction
    unit: str
    amount: Fraction
    prices: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """What terms have given so far."""

    lines: list[Line] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    cases: list[OpenCase] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    carry: list[Carried] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    units: list[PricedUnits] = field(default_factory=list)
    free: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    """By clause of a usage charge and owner: units that an allowance covers."""
    prepared: Prepared = field(default_factory=dict)

    def add(self, other: Outcome) -> None:
        """Take in another's results."""
        self.lines += other.lines
        self.verdicts += other.verdicts
        self.cases += other.cases
        self.problems += other.problems
        self.carry += other.carry
        self.events += other.events
        self.units += other.units
        self.free |= other.free
        self.prepared = {**self.prepared, **other.prepared} if other.prepared else self.prepared

    def open(self, clause: str, cases: Iterable[Case]) -> None:
        """Note cases once for a clause."""
        for case in cases:
            item = OpenCase(clause, case)
            if item not in self.cases:
                self.cases.append(item)
