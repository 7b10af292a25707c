"""What use would have cost had a meter counted right: the difference, period by period."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from contracts.chunk import chunks_of, observe
from contracts.cost import price, priced_units
from contracts.segment import periods

if TYPE_CHECKING:
    from contracts.chunk import Chunk
    from contracts.measure import Row
    from contracts.scene import PricedUnits, Scene
    from contracts.segment import Lineage
    from core.problem import Problem

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Correction:
    """A stretch as measured and as corrected: quantities, the difference in cost, and the prices."""

    measured: Fraction
    corrected: Fraction
    exact: Fraction
    unit: str
    prices: tuple[str, ...]
    problems: tuple[Problem, ...]


def correct(scene: Scene, lineage: Lineage, asset: str, span: tuple[int, int], times: Fraction) -> Correction:
    """What the clause would have cost more or less, had an asset's use in a span been so many times what it was."""
    measured, exact, unit = ZERO, ZERO, ""
    prices: dict[str, None] = {}
    problems: list[Problem] = []
    version = scene.versions[0]
    for period in periods(version, max(span[0], version.effective_from), span[1]):
        then = replace(scene.of(period), cuts=span, until=min(period.span.micros[1], scene.asked))
        for owner, chunks in chunks_of(then, lineage).items():
            problems += [p for u in observe(then, owner, chunks).values() for p in u.problems]
            inside = [row for chunk in chunks for row in chunk.rows if row.owner == asset and _within(row, span)]
            if not inside:
                continue
            unit = chunks[0].unit
            before = _cost(then, owner, chunks)
            units = priced_units(then, chunks, everything=True)
            prices |= dict.fromkeys(p for u in units if u.asset == asset and _within(u, span) for p in u.prices)
            measured += sum((row.quantity for row in inside), ZERO)
            changed = {id(row) for row in inside}
            for chunk in chunks:
                chunk.rows = [
                    row._replace(quantity=row.quantity * times) if id(row) in changed else row for row in chunk.rows
                ]
            exact += _cost(then, owner, chunks) - before
    return Correction(measured, measured * times, exact, unit, tuple(prices), tuple(problems))


def _cost(scene: Scene, owner: str, chunks: list[Chunk]) -> Fraction:
    price(scene, owner, chunks)
    return sum((chunk.exact for chunk in chunks), ZERO)


def _within(row: Row | PricedUnits, span: tuple[int, int]) -> bool:
    return span[0] <= row.start and row.end <= span[1]
