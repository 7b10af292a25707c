"""Where the count of a usage charge stands as a period begins, if it goes on over several periods."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from contracts.chunk import weighed
from contracts.segment import contract_years, segments
from core.units import Quantity

if TYPE_CHECKING:
    from contracts.chunk import Chunk
    from contracts.scene import Scene

ZERO = Fraction(0)


def position_of(scene: Scene, chunk: Chunk, owner: str) -> Fraction:
    """What is carried to the period that is evaluated, not carried is zero.

    Charges of the periods before it (for caps, minimums and bases over longer windows) lie before what is carried by
    what was used in between; else after what is known to have been used since the count began.
    """
    carried = _carried(scene, chunk, owner)
    if scene.start >= scene.begins:
        return carried or ZERO
    starts = _starts(scene, chunk)
    if carried is not None and not any(scene.start < at <= scene.begins for at in starts):
        return max(ZERO, carried - _used(scene, chunk, owner, scene.start, scene.begins))
    return _used(scene, chunk, owner, max((at for at in starts if at <= scene.start), default=scene.start), scene.start)


def _carried(scene: Scene, chunk: Chunk, owner: str) -> Fraction | None:
    for item in scene.facts.carried:
        same = item.clause in (chunk.term.clause, chunk.term.continues) and item.item == "position"
        if same and item.owner in (owner, "") and isinstance(item.value, Quantity):
            return item.value.to(chunk.stretch.measure.unit or item.value.unit)
    return None


def _starts(scene: Scene, chunk: Chunk) -> list[int]:
    """When the count begins anew: with each contract year, and with amendments that do not let it go on."""
    lineage = next(one for one in scene.plan.lineages if chunk.term in one.values())
    years = list(contract_years(scene.versions, scene.start, scene.begins + 1))
    amended = segments(scene.versions, lineage, years[0][0], scene.begins + 1)
    anew = [one.start for one in amended if one.term.on_amendment != "continue"]  # type: ignore[attr-defined]
    return sorted({start for start, _ in years} | set(anew))


def _used(scene: Scene, chunk: Chunk, owner: str, start: int, end: int) -> Fraction:
    """Use of an asset or pool, as far as it is known."""
    term, measure = chunk.term, chunk.stretch.measure
    spans = scene.plan.covered(term.applies_to, start, end)
    if term.scope == "pool":
        spans = {**spans, owner: ((start, end),)} if owner not in spans else spans
    else:
        spans = {owner: spans[owner]} if owner in spans else {}
    rows = [row for name, some in spans.items() for row in scene.usage(measure, name, some).rows]
    return sum((row.quantity for row in weighed(rows, term.weights)), ZERO)
