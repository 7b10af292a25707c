"""Which guarantees an evaluation finds missed, for good."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from core.canonical import fraction_text
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contracts.document import Version
    from contracts.evaluation import Evaluation, Verdict

MEASURED = {
    "availability": ("availability", "target"),
    "performance": ("actual", "target"),
    "gain_share": ("achieved", "threshold"),
}
"""By kind of term: the name of the value that is measured, and the parameter that it is compared with."""
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Missed:
    """A guarantee missed by a final verdict, in a window that begins at `start` (microseconds).

    credit: what the evaluation's line gives for it, zero or more.
    """

    clause: str
    asset: str
    obligated: str
    measured: str
    target: str
    credit: Money
    start: int


def missed(evaluation: Evaluation, versions: Sequence[Version]) -> tuple[Missed, ...]:
    """Every guarantee that a final verdict says is violated; provisional verdicts are no breach yet."""
    return tuple(
        _missed(verdict, evaluation, versions)
        for verdict in evaluation.verdicts
        if verdict.kind in MEASURED and verdict.state == "violated" and verdict.status == "final"
    )


def in_force(versions: Sequence[Version], at: int) -> Version:
    """The version that rules at an instant (microseconds); before the first begins, the first."""
    return next((version for version in reversed(versions) if version.effective_from <= at), versions[0])


def _missed(verdict: Verdict, evaluation: Evaluation, versions: Sequence[Version]) -> Missed:
    term = in_force(versions, verdict.start).term_by_clause[verdict.clause]
    name, parameter = MEASURED[verdict.kind]
    target = getattr(term, parameter)
    return Missed(
        clause=verdict.clause,
        asset=verdict.owner,
        obligated=term.obligated or "provider",
        measured=verdict.values[name].text(DECIMALS),
        target=f"{fraction_text(target * 100)} %" if isinstance(target, Fraction) else str(target),
        credit=_credit(verdict, evaluation) if verdict.credit is None else verdict.credit,
        start=verdict.start,
    )


def _credit(verdict: Verdict, evaluation: Evaluation) -> Money:
    credit = Money.zero(evaluation.currency)
    for line in evaluation.lines:
        if (line.clause, line.owner) == (verdict.clause, verdict.owner) and line.amount.amount < 0:
            credit = credit - line.amount
    return credit
