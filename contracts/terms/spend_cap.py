"""The most that some charges come to in a window."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal

from contracts.evaluation import Step, Verdict
from contracts.phrase import say
from contracts.scene import Draft, Outcome
from contracts.terms.base import CHARGES, Term
from contracts.window import Window, windows
from contracts.words import MoneyWord, Name
from core.canonical import fraction_text
from core.money import Money
from core.problem import Problem
from core.time import MONTHS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contracts.document import Version
    from contracts.evaluation import Line
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from core.time import Period

ZERO = Fraction(0)


class SpendCap(Term):
    """Parameters. on_reach: what is beyond is waived, or use pauses, or people are told."""

    PROMISE: ClassVar[bool] = True

    kind: Literal["spend_cap"]
    of: tuple[Name, ...]
    limit: MoneyWord
    window: Literal["month", "quarter", "contract_year"]
    on_reach: Literal["waive", "pause", "notify"]

    def check(self, version: Version) -> Iterator[Problem]:
        """It caps charges, at an amount."""
        yield from super().check(version)
        yield from self.check_kinds("of", self.of, version, (*CHARGES, "obligation"))
        if not self.of:
            yield Problem("of", "is empty", "name the charges that it caps")
        if self.limit.amount < 0:
            yield Problem("limit", f"{self.limit} is below zero", "write the most that is charged")
        if self.window != "contract_year" and MONTHS[self.window] < MONTHS[version.billing.period]:
            # Which charges of a bill fall into which of its months is not said, e.g. of tiers that go on.
            message = f"a {self.window} is shorter than the {version.billing.period} that is billed"
            remedy = f"cap the {version.billing.period} or the contract year, or bill by {self.window}"
            yield Problem("window", message, remedy)


def evaluate(scene: Scene, lineage: Lineage, bill: Callable[[Period], Outcome]) -> Outcome:
    """What of the period's charges lies beyond the limit. bill: charges of any period, minimum commitments included."""
    outcome = Outcome()
    for window in _of_period(scene, lineage):
        limit = Fraction(window.term.limit.amount)
        before, waived = _before(scene, window, limit, bill)
        now = _sum(window.term, bill(scene.period))
        beyond = max(ZERO, before + now - limit - waived)
        reached = before + now > limit
        if beyond > 0 and window.term.on_reach == "waive":
            outcome.lines.append(_line(scene, window, before + now, beyond))
        outcome.verdicts.append(_verdict(scene, window, bill(scene.period), reached=reached))
    return outcome


def _of_period(scene: Scene, lineage: Lineage) -> list[Window[SpendCap]]:
    """The windows that the period belongs to; of those over, and those running on."""
    return list(windows(scene, lineage, SpendCap))


def earlier(scene: Scene, window: Window[SpendCap]) -> Iterator[Period]:
    """Billing periods of the window before this one."""
    start = max(window.start, scene.versions[0].effective_from)
    period = scene.period
    while period.span.micros[0] > start:
        period = period.previous()
        yield period


def _before(
    scene: Scene, window: Window[SpendCap], limit: Fraction, bill: Callable[[Period], Outcome]
) -> tuple[Fraction, Fraction]:
    """What the window's earlier periods came to, and what of it was waived: as carried, else as evaluated."""
    carried = {
        item.item: Fraction(item.value.amount)
        for item in scene.facts.carried
        if item.clause in (window.term.clause, window.term.continues) and isinstance(item.value, Money)
    }
    before = carried.get("base_before")
    if before is None:
        before = sum((_sum(window.term, bill(period)) for period in earlier(scene, window)), ZERO)
    return before, carried.get("credits_before", max(ZERO, before - limit))


def _sum(term: SpendCap, bill: Outcome) -> Fraction:
    return sum((Fraction(line.amount.amount) for line in bill.lines if line.clause in term.of), ZERO)


def _line(scene: Scene, window: Window[SpendCap], whole: Fraction, beyond: Fraction) -> Line:
    term = window.term
    text = say(window.version.language, "above the cap", f"{term.limit.amount:f}")
    values = {"charges": fraction_text(whole), "limit": f"{term.limit.amount:f}"}
    steps = (Step("beyond the limit", "charges of the window - limit", values, fraction_text(beyond)),)
    return scene.line_of(window, "contract", Draft(scene.start, scene.end, text, -beyond, steps=steps))


def _verdict(scene: Scene, window: Window[SpendCap], bill: Outcome, *, reached: bool) -> Verdict:
    term = window.term
    soft = scene.running or any(v.status != "final" for v in bill.verdicts if v.clause in term.of)
    kept = term.on_reach == "waive" or not reached
    return Verdict(
        term.clause,
        term.kind,
        "contract",
        "fulfilled" if kept else "violated",
        "provisional" if soft else "final",
        not soft,
        scene.start,
        scene.end,
    )
