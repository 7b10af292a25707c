"""Fees that are invoiced ahead: those of the windows that begin in the next period, less what was invoiced before.

A fee belongs to the period in which its window ends: that is what a credit is a share of, and what a minimum counts.
Its line there is offset by what was invoiced of it ahead, so that an asset that joined or left since is put right.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from contracts.evaluation import line_id
from contracts.facts import Carried
from contracts.phrase import say
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, in_force, periods, settling
from contracts.terms.fixed_fee import FixedFee, drafts_of
from core.money import Money
from core.time import Period, micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.evaluation import Line
    from contracts.scene import Scene
    from contracts.segment import Lineage

ITEM = "advance of "


def evaluate(scene: Scene, lineage: Lineage) -> Outcome:
    """Lines for what is invoiced ahead, lines that offset it once its time has come; the rest is carried on."""
    outcome = Outcome()
    for item in _carried(scene, lineage):
        label = item.item.removeprefix(ITEM)
        if _is_over(scene, label):
            outcome.lines.append(_offset(scene, lineage, item, label))
        else:
            outcome.carry.append(item)
    for window in _ahead(scene, lineage):
        for segment, owner, draft in drafts_of(scene.of(scene.period.next()), lineage, [window]):
            line = scene.line(
                segment, owner, draft._replace(text=say(segment.version.language, "in advance", draft.text))
            )
            outcome.lines.append(_named(scene, line, f"{ITEM}{window.label}", segment.version.version))
            outcome.carry.append(Carried(segment.term.clause, f"{ITEM}{window.label}", line.amount, owner))
    return outcome


def _is_over(scene: Scene, label: str) -> bool:
    """Whether a window's fee is charged by now, whatever an amendment left of it; or nothing is charged any more."""
    window = Period.parse(label, scene.zone, anchor_day=scene.period.anchor_day)
    return micros(window.span.end) <= scene.end or not in_force(scene.versions, scene.end, scene.end + 1)


def _carried(scene: Scene, lineage: Lineage) -> list[Carried]:
    """What was invoiced ahead, of each window and owner in one sum: versions that shared it had a line each."""
    clauses = {term.clause for term in lineage.values()}
    found: dict[tuple[str, str], Carried] = {}
    for item in scene.facts.carried:
        if item.clause in clauses and item.item.startswith(ITEM) and isinstance(item.value, Money):
            before = found.get((item.item, item.owner))
            whole = item.value + before.value if before and isinstance(before.value, Money) else item.value
            found[item.item, item.owner] = replace(item, value=whole)
    return list(found.values())


def _ahead(scene: Scene, lineage: Lineage) -> Iterator[Period]:
    """Windows that begin in the next period; in the first period, those too that begin in it and go on beyond."""
    following = scene.period.next().span.micros
    first = scene.versions[0].effective_from >= scene.start
    seen: set[str] = set()
    for version, since, until in in_force(scene.versions, scene.start if first else following[0], following[1]):
        term = lineage.get(version.version)
        if not isinstance(term, FixedFee) or not term.advance:
            continue
        for window in periods(version, since, until, kind=term.every):
            start, end = window.span.micros
            begins = max(start, scene.versions[0].effective_from)
            ahead = begins >= following[0] or (first and end > scene.end)
            if ahead and begins >= since and window.label not in seen:
                seen.add(window.label)
                yield window


def _offset(scene: Scene, lineage: Lineage, item: Carried, label: str) -> Line:
    """What was invoiced ahead, taken off again beside the fee of its window."""
    ruling = settling(scene.versions, scene.start, scene.end)
    since, (version, _, until) = ruling[0][1], ruling[-1]
    term = lineage.get(version.version) or list(lineage.values())[-1]
    money = -item.value if isinstance(item.value, Money) else Money.zero(scene.currency)
    draft = Draft(since, until, say(version.language, "was invoiced", label), Fraction(money.amount))
    line = scene.line(Segment(term, version, since, until), item.owner or "contract", draft, money)
    return _named(scene, line, f"less {item.item}", version.version)


def _named(scene: Scene, line: Line, what: str, segment: int) -> Line:
    """With an id of its own, beside the fee's."""
    name = f"{scene.period.label} {what}"
    return line._replace(id=line_id(scene.versions[0].contract, name, line.clause, owner=line.owner, segment=segment))
