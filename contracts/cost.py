"""What use costs: each row of a chunk at its place in the tiers, exactly; nothing is rounded."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from contracts.chunk import spans_of
from contracts.explain import ONE, price_text
from contracts.position import position_of
from contracts.pricing import Charge, fees, graduated, packages, reached, total
from contracts.quantity import demands as of_measure
from contracts.quantity import measured
from contracts.scene import PricedUnits
from contracts.stretch import stretches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contracts.chunk import Chunk
    from contracts.document import Measure
    from contracts.measure import Row
    from contracts.quantity import Demand
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from contracts.terms.usage_charge import Multiplier

ZERO = Fraction(0)
Means: TypeAlias = "Mapping[str, Fraction]"
"""By measure, its mean over the period in its unit."""


def price(scene: Scene, owner: str, chunks: list[Chunk]) -> None:
    """Count the rows of all chunks and price them."""
    position, run = ZERO, None
    for chunk in chunks:
        if chunk.stretch.run != run:
            position = ZERO if chunk.stretch.first else position_of(scene, chunk, owner)
            run = chunk.stretch.run
        chunk.at = position
        used = total([row.quantity for row in chunk.rows])
        position = position + used if position else used
        chunk.to = position
    reached_in = {chunk.stretch.run: chunk.to for chunk in chunks}
    means = _means(scene, owner, chunks)
    for chunk in chunks:
        chunk.charges = _charges(chunk, reached_in[chunk.stretch.run], means)
        chunk.exact = total([one.amount if times is ONE else one.amount * times for one, times in chunk.charges])
        chunk.counted = chunk.place(chunk.to) - chunk.place(chunk.at) if chunk.at else chunk.place(chunk.to)


def _charges(chunk: Chunk, reached_to: Fraction, means: Means) -> list[tuple[Charge, Fraction]]:
    found: list[tuple[Charge, Fraction]] = []
    chunk.of_rows, scales = [], chunk.term.scales
    at, start = chunk.at, chunk.priced(chunk.at)
    for row in chunk.rows:
        at = at + row.quantity if at else row.quantity
        end = chunk.priced(at)
        times = _factor(chunk, row, scales, means) if scales else ONE
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


def _factor(chunk: Chunk, row: Row, scales: Mapping[str, Sequence[Multiplier]], means: Means) -> Fraction:
    """How much dearer the row is, by each measure; without its dimension it takes the first band, provisionally."""
    times = ONE
    for name, bands in scales.items():
        if chunk.term.multiplier_by == "period_mean":
            level = means.get(name)
        else:
            level = row.dimensions[name].to(bands[0].above.unit) if name in row.dimensions else None
        if level is None:
            chunk.assumed = chunk.assumed or row.quantity != 0
        beyond = [band for band in bands[1:] if level is not None and level > band.above.magnitude]
        times *= Fraction((beyond or bands)[-1 if beyond else 0].factor)
    return times


def _means(scene: Scene, owner: str, chunks: Sequence[Chunk]) -> Means:
    """By measure its mean over the period, as far as it is known and a factor goes by it."""
    found: dict[str, Fraction | None] = {}
    for chunk in chunks:
        for name in chunk.term.scales if chunk.term.multiplier_by == "period_mean" else ():
            if name not in found:
                found[name] = _mean(scene, owner, chunks, chunk.segment.version.measure_by_name[name])
    return {name: level for name, level in found.items() if level is not None}


def _mean(scene: Scene, owner: str, chunks: Sequence[Chunk], measure: Measure) -> Fraction | None:
    """Weighted by time: of ready gauge quantities, else of the rows' own dimensions, else of what was read."""
    name, unit = measure.measure, measure.unit or ""
    members = {asset: spans_of(chunks, asset) for chunk in chunks for asset in chunk.stretch.billed}
    rows = [row for chunk in chunks for row in chunk.rows]
    levels = [
        (q.end - q.start, q.quantity)
        for q in scene.facts.quantities
        if q.measure == name and q.owner in members and scene.start <= q.start and q.end <= scene.end
    ] or [(r.end - r.start, r.dimensions[name].to(unit)) for r in rows if name in r.dimensions]
    if not levels:
        return measured(scene, chunks[0].segment.version, name, owner=owner, members=members).value
    whole = sum(time for time, _ in levels)
    return sum((time * level for time, level in levels), ZERO) / whole


def demands(scene: Scene, lineage: Lineage) -> Iterator[Demand]:
    """What makes units dearer by its mean over the period."""
    for one in (one for mine in stretches(scene, lineage).values() for one in mine):
        if one.term.multiplier_by == "period_mean":
            for name in one.term.scales:
                yield from of_measure(one.segment.version, name, one.billed)


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
