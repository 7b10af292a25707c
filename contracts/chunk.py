"""What was used in each stretch of a usage charge, at which place in the tiers, and the prices that hold there."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from contracts.measure import Row, Usage
from contracts.pricing import Band, Charge, whole_units
from contracts.span import cut
from contracts.stretch import Stretch, edges, stretches
from contracts.terms.indexation import is_indexed, moves, written_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from contracts.evaluation import Step
    from contracts.explain import Tier
    from contracts.scene import Scene
    from contracts.segment import Lineage, Segment
    from contracts.span import Spans
    from contracts.terms.indexation import Move
    from contracts.terms.usage_charge import UsageCharge

ZERO = Fraction(0)


@dataclass(slots=True)
class Chunk:
    """What was used in a stretch, and what it costs. at, to: position in the run; free: units an allowance covers.

    assumed: a level or an index value stands for one that is not known. exact: the cost, unrounded; counted: units
    after rounding to whole ones, where agreed.
    """

    stretch: Stretch
    term: UsageCharge
    rows: Sequence[Row] = ()
    at: Fraction = ZERO
    to: Fraction = ZERO
    charges: Sequence[tuple[Charge, Fraction]] = ()
    of_rows: list[tuple[Row, Sequence[Charge], Fraction]] = field(default_factory=list)
    moves: tuple[Move, ...] = ()
    free: Fraction = ZERO
    assumed: bool = False
    exact: Fraction = ZERO
    counted: Fraction = ZERO
    tiers: Sequence[Tier] = ()
    steps: tuple[Step, ...] = ()
    """Its charges as they are explained; the first step is its position."""

    @property
    def segment(self) -> Segment:
        """Where it lies."""
        return self.stretch.segment

    @property
    def shrink(self) -> Fraction:
        """Of tier bounds, by proration."""
        return self.stretch.shrink

    @property
    def unit(self) -> str:
        """In which it is counted."""
        return self.stretch.unit

    @property
    def included(self) -> Fraction:
        """Units that its own clause includes."""
        return Fraction(self.term.included.magnitude) * self.shrink if self.term.included else ZERO

    def place(self, position: Fraction) -> Fraction:
        """A position in whole units, where agreed."""
        return whole_units(position, self.term.quantity_rounding)

    def priced(self, position: Fraction) -> Fraction:
        """A position without what is included, or covered by an allowance."""
        place = position if self.term.quantity_rounding == "none" else self.place(position)
        if self.free or self.term.included:
            place -= self.included + self.free
        return place if place.numerator > 0 else ZERO

    def move(self, at: int) -> Move | None:
        """The last review that moved the price by an instant."""
        return next((move for move in reversed(self.moves) if move.at <= at), None) if self.moves else None

    def bands(self, at: int) -> tuple[Band, ...]:
        """The tiers at their prices of an instant."""
        bands, move = self.stretch.bands, self.move(at)
        if move is None:
            return bands
        return tuple(b if b.price is None else Band(b.above, Fraction(move.price(b.price)), b.fee) for b in bands)

    def unit_price(self, written: Fraction, at: int) -> Fraction:
        """A price of the contract at an instant."""
        move = self.move(at)
        return written if move is None else Fraction(move.price(written))


def chunks_of(scene: Scene, lineage: Lineage) -> dict[str, list[Chunk]]:
    """By owner the stretches of the period, still without use, with what moved their prices."""
    found = {owner: [Chunk(one, one.term) for one in mine] for owner, mine in stretches(scene, lineage).items()}
    if is_indexed(scene, lineage):
        for chunk in (chunk for chunks in found.values() for chunk in chunks):
            since = max(chunk.stretch.start, scene.versions[0].effective_from)
            chunk.moves = moves(scene, chunk.term.clause, written_at(scene, lineage, since))
    return found


def observe(scene: Scene, owner: str, chunks: list[Chunk]) -> dict[str, Usage]:
    """Facts of each asset (and of the pool itself), their rows put into the chunks where they lie."""
    measure, clause = chunks[0].stretch.measure, chunks[0].term.clause
    assets = dict.fromkeys([asset for chunk in chunks for asset in chunk.stretch.billed])
    known = {
        asset: scene.usage(measure, asset, cut(spans_of(chunks, asset), edges(scene, clause, asset)))
        for asset in assets
    }
    if chunks[0].term.scope == "pool" and owner not in known:
        within = tuple([chunk.stretch.within for chunk in chunks])
        of_pool = scene.usage(measure, owner, cut(within, edges(scene, clause, owner)))
        if not of_pool.missing:
            known = {name: u for name, u in known.items() if not u.missing} | {owner: of_pool}
    for chunk in chunks:
        start, end = chunk.stretch.within
        rows = [row for u in known.values() for row in u.rows if start <= row.start and row.end <= end]
        if len(rows) > 1:
            rows.sort(key=lambda row: (row.start, row.owner, row.end))
        chunk.rows = weighed(rows, chunk.term.weights)
    return known


def weighed(rows: Sequence[Row], weights: Mapping[str, Decimal] | None) -> Sequence[Row]:
    """Use by its class, where classes count differently."""
    return [_weighed(row, weights) for row in rows] if weights else rows


def _weighed(row: Row, weights: Mapping[str, Decimal]) -> Row:
    weight = weights.get(row.weight_class)
    return row if weight is None else row._replace(quantity=row.quantity * Fraction(weight))


def spans_of(chunks: Sequence[Chunk], asset: str) -> Spans:
    """An asset's billed spans, each for itself."""
    if len(chunks) == 1:
        return chunks[0].stretch.billed.get(asset, ())
    return tuple(span for chunk in chunks for span in chunk.stretch.billed.get(asset, ()))
