"""Credit paid in advance, which settles what is left of some clauses after credits and caps, before tax."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from contracts.evaluation import Figure, Step, Verdict
from contracts.facts import Carried
from contracts.phrase import say
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, in_force
from contracts.terms.allowance import taken
from contracts.terms.base import Term
from contracts.words import DurationWord, Name
from core.canonical import fraction_text
from core.money import Money
from core.problem import Problem
from core.time import Period, micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.document import Version
    from contracts.evaluation import Line
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from core.time import Duration

ZERO = Fraction(0)


class Prepaid(Term):
    """Parameters. on_empty: what is beyond is invoiced, or use stops; expires: of what is not used.

    What was paid first is used first.
    """

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
    held, lapsed = _held(scene, term)
    balance = sum(held.values(), ZERO)
    used = min(balance, owed)
    left = balance - used
    if used:
        values = {"balance": fraction_text(balance), "owed": fraction_text(owed)}
        steps = (Step("settled", "the smaller of balance and what is owed", values, fraction_text(used)),)
        text = say(version.language, "paid in advance")
        draft = Draft(scene.start, scene.end, text, -used, steps=steps)
        outcome.lines.append(scene.line(Segment(term, version, scene.start, scene.end), "contract", draft))
    soft = scene.running or status != "final"
    shown = {"balance": Figure(left, scene.currency)} | ({"lapsed": Figure(lapsed, scene.currency)} if lapsed else {})
    outcome.verdicts.append(
        Verdict(
            term.clause, term.kind, "contract", "-", "provisional" if soft else "final", not soft, scene.start,
            scene.end, shown,
        )
    )  # fmt: skip
    for item, amount in taken(held, used).items():
        if money := scene.rounded(amount, version):
            outcome.carry.append(Carried(term.clause, item, money))
    return outcome


def _held(scene: Scene, term: Prepaid) -> tuple[dict[str, Fraction], Fraction]:
    """What is left of payments, by item: of a period where they lapse, that of the first sight if none is named.

    And how much has lapsed: the time runs from the end of the period in which it was paid.
    """
    held: dict[str, Fraction] = {}
    lapsed = ZERO
    for item in scene.facts.carried:
        name, _, label = item.item.partition(" of ")
        mine = item.clause in (term.clause, term.continues) and name == "balance"
        if not mine or not isinstance(item.value, Money):
            continue
        amount = Fraction(item.value.amount)
        if label and term.expires and _is_over(scene, label, term.expires):
            lapsed += amount
            continue
        key = f"balance of {scene.period.label}" if term.expires and not label else item.item
        held[key] = held.get(key, ZERO) + amount
    return held, lapsed


def _is_over(scene: Scene, label: str, expires: Duration) -> bool:
    ended = Period.parse(label, scene.zone, anchor_day=scene.period.anchor_day).span.end
    return micros(expires.after(ended, scene.zone)) <= scene.start
