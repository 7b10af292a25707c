"""How a credit reaches the customer: on this invoice, the next one, in cash, or as days that the agreement goes on."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from contracts.evaluation import Figure, line_id
from contracts.facts import Carried
from contracts.phrase import say
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, days_touched, in_force, settling
from core.money import Money

if TYPE_CHECKING:
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from contracts.settle import Credited
    from contracts.window import Window

ITEM = "credit of "


def is_line(scene: Scene, window: Window[Any]) -> bool:
    """Whether the period's lines carry the window's credits; the last invoice carries its own, whatever is agreed."""
    if window.term.application == "next_invoice":
        return not in_force(scene.versions, scene.end, scene.end + 1)
    return bool(window.term.application != "extension_days")


def given(scene: Scene, window: Window[Any], credit: Money) -> Money:
    """What of a window's credit stands in the lines of this period."""
    return credit if window.over and is_line(scene, window) else Money.zero(scene.currency)


def words(window: Window[Any]) -> str:
    """What the line's text says of it."""
    return say(window.version.language, "in cash") if window.term.application == "cash" else ""


def later(window: Window[Any], owner: str, credit: Money) -> list[Carried]:
    """The credit, for the next invoice."""
    if window.term.application != "next_invoice":
        return []
    return [Carried(window.term.clause, f"{ITEM}{window.label}", credit, owner)]


def values(scene: Scene, result: Credited, credit: Money) -> dict[str, Figure]:
    """The days by which the agreement goes on: the credit's part of its base, of the days of the window."""
    window = result.window
    if window.term.application != "extension_days" or not result.base:
        return {}
    days = len(days_touched(((window.start, window.end),), scene.zone))
    return {"extension_days": Figure(Fraction(credit.amount) / result.base * days)}


def evaluate(scene: Scene, lineage: Lineage) -> Outcome:
    """A line for each owner and window whose credit was left to this invoice."""
    outcome = Outcome()
    clauses = {term.clause for term in lineage.values()}
    version, since, until = settling(scene.versions, scene.start, scene.end)[0]
    term = lineage.get(version.version) or list(lineage.values())[-1]
    for item in scene.facts.carried:
        if item.clause in clauses and item.item.startswith(ITEM) and isinstance(item.value, Money):
            text = say(version.language, "credit of", item.item.removeprefix(ITEM))
            draft = Draft(since, until, text, -Fraction(item.value.amount))
            line = scene.line(Segment(term, version, since, until), item.owner or "contract", draft, -item.value)
            name = f"{scene.period.label} {item.item}"
            number = line_id(version.contract, name, line.clause, owner=line.owner, segment=version.version)
            outcome.lines.append(line._replace(id=number))
    return outcome
