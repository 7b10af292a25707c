"""What every term's evaluation is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contracts.evaluation import Line, OpenCase, Step, line_id
from core.canonical import fraction_text
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction
    from zoneinfo import ZoneInfo

    from contracts.document import Version
    from contracts.evaluation import Verdict
    from contracts.facts import Carried, Case, Facts
    from contracts.segment import Segment
    from core.problem import Problem
    from core.time import Period


@dataclass(frozen=True, slots=True)
class Scene:
    """One contract, one period. start, end: of the period; until: later is not yet; all in microseconds."""

    versions: tuple[Version, ...]
    facts: Facts
    period: Period
    start: int
    end: int
    until: int

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
        return Money.round_of(exact, version.currency, decimals=billing.decimals, mode=billing.rounding)

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


@dataclass(frozen=True, slots=True)
class Draft:
    """A line before rounding."""

    start: int
    end: int
    text: str
    exact: Fraction
    quantity: Fraction | None = None
    unit: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What terms have given so far."""

    lines: list[Line] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    cases: list[OpenCase] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    carry: list[Carried] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take in another's results."""
        self.lines += other.lines
        self.verdicts += other.verdicts
        self.cases += other.cases
        self.problems += other.problems
        self.carry += other.carry

    def open(self, clause: str, cases: Iterable[Case]) -> None:
        """Note cases once for a clause."""
        for case in cases:
            item = OpenCase(clause, case)
            if item not in self.cases:
                self.cases.append(item)
