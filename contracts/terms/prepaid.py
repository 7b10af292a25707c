"""Credit paid in advance, which settles what is left of some clauses after credits and caps, before tax."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from contracts.evaluation import Figure, Step, Verdict
from contracts.facts import Carried
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, in_force
from contracts.terms.base import Term
from contracts.words import DurationWord, Name
from core.canonical import fraction_text
from core.money import Money
from core.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.document import Version
    from contracts.evaluation import Line
    from contracts.scene import Scene
    from contracts.segment import Lineage

ZERO = Fraction(0)


class Prepaid(Term):
    """Parameters. on_empty: what is beyond is invoiced, or use stops; expires: of what is not used."""

    kind: Literal["prepaid"]
    of: tuple[Name, ...]
    on_empty: Literal["invoice", "stop"]
    expires: DurationWord | None = None

    def check(self, version: Version) -> Iterator[Problem]:
        """It settles clauses that exist."""
        yield from super().check(version)
        yield from self.check_kinds("of", self.of, version, None)
        if not self.of:
            yield Problem("of", "is empty", "name the clauses whose lines it settles")


def evaluate(scene: Scene, lineage: Lineage, lines: Sequence[Line], status: str) -> Outcome:
    """What the balance settles of these lines, and what is left of it."""
    outcome = Outcome()
    ruling = [
        (version, term)
        for version, _, _ in in_force(scene.versions, scene.start, scene.end)
        if isinstance(term := lineage.get(version.version), Prepaid)
    ]
    if not ruling:
        return outcome
    version, term = ruling[0]
    owed = max(ZERO, sum((Fraction(line.amount.amount) for line in lines if line.clause in term.of), ZERO))
    balance = _balance(scene, term)
    used = min(balance, owed)
    left = balance - used
    if used:
        values = {"balance": fraction_text(balance), "owed": fraction_text(owed)}
        steps = (Step("settled", "the smaller of balance and what is owed", values, fraction_text(used)),)
        draft = Draft(scene.start, scene.end, "paid in advance", -used, steps=steps)
        outcome.lines.append(scene.line(Segment(term, version, scene.start, scene.end), "contract", draft))
    money = scene.rounded(left, version)
    soft = scene.running or status != "final"
    outcome.verdicts.append(
        Verdict(
            term.clause, term.kind, "contract", "-", "provisional" if soft else "final", not soft, scene.start,
            scene.end, {"balance": Figure(left, scene.currency)},
        )
    )  # fmt: skip
    if money:
        outcome.carry.append(Carried(term.clause, "balance", money))
    return outcome


def _balance(scene: Scene, term: Prepaid) -> Fraction:
    mine = [c for c in scene.facts.carried if c.clause in (term.clause, term.continues) and c.item == "balance"]
    return sum((Fraction(c.value.amount) for c in mine if isinstance(c.value, Money)), ZERO)
