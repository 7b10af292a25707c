"""What use costs: each row of a chunk at its place in the tiers, exactly; nothing is rounded."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from contracts.explain import ONE, price_text
from contracts.pricing import Charge, fees, graduated, packages, reached, total
from contracts.scene import PricedUnits
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.chunk import Chunk
    from contracts.measure import Row
    from contracts.scene import Scene

ZERO = Fraction(0)


def price(scene: Scene, owner: str, chunks: list[Chunk]) -> None:
    """Count the rows of all chunks and price them."""
    position, run = ZERO, None
    for chunk in chunks:
        if chunk.stretch.run != run:
            position = ZERO if chunk.stretch.first else _carried_position(scene, chunk, owner)
            run = chunk.stretch.run
        chunk.at = position
        used = total([row.quantity for row in chunk.rows])
        position = position + used if position else used
        chunk.to = position
    reached_in = {chunk.stretch.run: chunk.to for chunk in chunks}
    for chunk in chunks:
        chunk.charges = _charges(scene, chunk, reached_in[chunk.stretch.run])
        chunk.exact = total([one.amount if times is ONE else one.amount * times for one, times in chunk.charges])
        chunk.counted = chunk.place(chunk.to) - chunk.place(chunk.at) if chunk.at else chunk.place(chunk.to)


def _carried_position(scene: Scene, chunk: Chunk, owner: str) -> Fraction:
    for item in scene.facts.carried:
        same = item.clause in (chunk.term.clause, chunk.term.continues) and item.item == "position"
        if same and item.owner in (owner, "") and isinstance(item.value, Quantity):
            return item.value.to(chunk.stretch.measure.unit or item.value.unit)
    return ZERO


def _charges(scene: Scene, chunk: Chunk, reached_to: Fraction) -> list[tuple[Charge, Fraction]]:
    found: list[tuple[Charge, Fraction]] = []
    chunk.of_rows = []
    at, start = chunk.at, chunk.priced(chunk.at)
    for row in chunk.rows:
        at = at + row.quantity if at else row.quantity
        end = chunk.priced(at)
        times = _factor(scene, chunk, row) if chunk.term.multipliers else ONE
        if chunk.moves:
            move = chunk.move(row.start)
            chunk.assumed = chunk.assumed or (move is not None and move.late)
        charges = _row_charges(chunk, start, end, reached_to, row.start)
        chunk.of_rows.append((row, charges, times))
        start = end
        found += [(charge, times) for charge in charges]
    return [*found, *_fees(chunk, reached_to)] if chunk.stretch.fees else found


def _fees(chunk: Chunk, reached_to: Fraction) -> Iterator[tuple[Charge, Fraction]]:
    """What the tiers cost that are reached, whatever is used in them."""
    bands, model = chunk.stretch.bands, chunk.term.model
    if model == "graduated":
        for fee in fees(bands, chunk.priced(chunk.at), chunk.priced(chunk.to), opens=chunk.stretch.first):
            yield fee, chunk.shrink
    elif model in ("volume", "stairstep"):
        n = reached(bands, chunk.priced(reached_to))
        for band in range(n + 1) if model == "volume" else (n,):
            fee_amount = bands[band].fee
            if fee_amount is not None:
                yield Charge(band, bands[band].above, fee_amount, fee_amount, fee=True), chunk.stretch.share


def _row_charges(chunk: Chunk, start: Fraction, end: Fraction, reached_to: Fraction, at: int) -> Sequence[Charge]:
    term = chunk.term
    if term.model == "graduated":
        return list(graduated(chunk.bands(at), start, end))
    if term.model == "flat" and term.price is not None:
        units, price = end - start, chunk.unit_price(Fraction(term.price.amount), at)
        return (Charge(0, units, price, units * price),)
    if term.model == "volume":
        bands = chunk.bands(at)
        band = reached(bands, chunk.priced(reached_to))
        units, price = end - start, bands[band].price or ZERO
        return (Charge(band, units, price, units * price),)
    if term.model == "package" and term.package_size is not None and term.package_price is not None:
        begun = Fraction(packages(Fraction(term.package_size.magnitude), start, end))
        price = chunk.unit_price(Fraction(term.package_price.amount), at)
        return (Charge(0, begun, price, begun * price),)
    return ()


def _factor(scene: Scene, chunk: Chunk, row: Row) -> Fraction:
    """How much dearer the row is; without its dimension it takes the first band, and the line is provisional."""
    bands = chunk.term.multipliers or ()
    name, unit = bands[0].measure, bands[0].above.unit
    if chunk.term.multiplier_by == "period_mean":
        level = _mean(scene, chunk, name, unit)
    else:
        level = row.dimensions[name].to(unit) if name in row.dimensions else None
    if level is None:
        chunk.assumed = chunk.assumed or row.quantity != 0
        return Fraction(bands[0].factor)
    return Fraction([band for band in bands if level > band.above.magnitude or band is bands[0]][-1].factor)


def _mean(scene: Scene, chunk: Chunk, name: str, unit: str) -> Fraction | None:
    """The mean over the period, weighted by time: of ready gauge quantities, else of the rows' own dimensions."""
    levels = [
        (q.end - q.start, q.quantity)
        for q in scene.facts.quantities
        if q.measure == name and q.owner in chunk.stretch.billed and scene.start <= q.start and q.end <= scene.end
    ] or [(r.end - r.start, r.dimensions[name].to(unit)) for r in chunk.rows if name in r.dimensions]
    whole = sum(time for time, _ in levels)
    return sum((time * level for time, level in levels), ZERO) / whole if whole else None


def priced_units(scene: Scene, chunks: list[Chunk], *, everything: bool = False) -> list[PricedUnits]:
    """Units that lie in a breach which makes them dearer (or all), with their price at their own place."""
    found = []
    for chunk in chunks:
        clause = chunk.term.clause
        for row, charges, times in chunk.of_rows:
            dearer = any(
                b.asset == row.owner
                and clause in (b.term.surcharge_of, b.term.multiplier_of)
                and b.start <= row.start
                and row.end <= b.end
                for b in scene.breaches
            )
            if not (dearer or everything) or not row.quantity:
                continue
            amount = sum((charge.amount * times for charge in charges), ZERO)
            prices = tuple(dict.fromkeys(price_text(charge, chunk) for charge in charges if charge.units))
            unit = chunks[0].unit
            found.append(PricedUnits(clause, row.owner, row.start, row.end, row.quantity, unit, amount, prices))
    return found
