"""Evaluation of usage charges: who used how much in which segment, at which place in the tiers."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING

from contracts import explain
from contracts.evaluation import Figure, Status, Verdict
from contracts.facts import Carried
from contracts.measure import Row, Usage, without_facts
from contracts.phrase import say
from contracts.pricing import Band, Charge, fees, graduated, packages, reached, total, whole_units
from contracts.scene import Draft, Outcome, PricedUnits
from contracts.span import cut
from contracts.stretch import Stretch, edges, stretches
from contracts.terms.indexation import is_indexed, moves, written_at
from core.money import allocate
from core.problem import Problem
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from contracts.evaluation import Step
    from contracts.explain import Tier
    from contracts.facts import Case
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
    steps: Sequence[Step] = ()
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
        move, bands = self.move(at), self.stretch.bands
        if move is None:
            return bands
        return tuple(b if b.price is None else Band(b.above, Fraction(move.price(b.price)), b.fee) for b in bands)

    def unit_price(self, written: Fraction, at: int) -> Fraction:
        """A price of the contract at an instant."""
        move = self.move(at)
        return written if move is None else Fraction(move.price(written))


def evaluate(scene: Scene, lineage: Lineage, free: Mapping[tuple[str, str], Fraction] | None = None) -> Outcome:
    """A line for each asset or pool and segment, a verdict for each clause and owner.

    free: units that an allowance covers, by clause and owner.
    """
    outcome = Outcome()
    for owner, chunks in chunks_of(scene, lineage).items():
        for chunk in chunks if free else ():
            chunk.free = free.get((chunk.term.clause, owner), ZERO) if free else ZERO
        _evaluate_owner(scene, owner, chunks, outcome)
    return outcome


def chunks_of(scene: Scene, lineage: Lineage) -> dict[str, list[Chunk]]:
    """By owner the stretches of the period, still without use, with what moved their prices."""
    found = {owner: [Chunk(one, one.term) for one in mine] for owner, mine in stretches(scene, lineage).items()}
    if is_indexed(scene, lineage):
        for chunk in (chunk for chunks in found.values() for chunk in chunks):
            since = max(chunk.stretch.start, scene.versions[0].effective_from)
            chunk.moves = moves(scene, chunk.term.clause, written_at(scene, lineage, since))
    return found


def _evaluate_owner(scene: Scene, owner: str, chunks: list[Chunk], outcome: Outcome) -> None:
    clause, measure = chunks[-1].term.clause, chunks[0].stretch.measure
    known = observe(scene, owner, chunks)
    usages = list(known.values())
    missing: Sequence[Case] = ()
    if any(u.troubled for u in usages):
        missing = [without_facts(measure, name, _spans(chunks, name)) for name, u in known.items() if u.missing]
        outcome.open(clause, [*(case for u in usages for case in u.cases), *missing])
        if _waits(f"clause {clause}, {owner}, ", usages, outcome):
            start, end = chunks[0].stretch.start, chunks[-1].stretch.end
            outcome.verdicts.append(Verdict(clause, "usage_charge", owner, "-", "insufficient", False, start, end))
            return
    price(scene, owner, chunks)
    for chunk in chunks:
        chunk.tiers = explain.tiers(chunk)
        chunk.steps = explain.steps(chunk)
    if scene.breaches:
        outcome.units += priced_units(scene, chunks)
    parts = _by_version(chunks)
    for part in parts:
        _add_lines(scene, owner, part, outcome, several=len(parts) > 1)
    soft = scene.running or missing or any(u.provisional for u in usages) or any(c.assumed for c in chunks)
    _add_verdicts(scene, owner, chunks, outcome, status="provisional" if soft else "final", known=known)
    _carry(scene, owner, chunks, outcome)


def _waits(place: str, usages: Sequence[Usage], outcome: Outcome) -> bool:
    """Whether nothing may be billed yet; notes what is wrong with the facts."""
    refused = [Problem(place + p.place, p.message, p.remedy) for u in usages for p in u.problems]
    outcome.problems += refused
    return bool(refused) or all(u.missing for u in usages) or any(u.waits for u in usages)


def _by_version(chunks: list[Chunk]) -> list[list[Chunk]]:
    """Chunks of one version together: versions follow each other in time."""
    if len(chunks) == 1:
        return [chunks]
    return [list(same) for _, same in groupby(chunks, key=lambda chunk: chunk.segment.version.version)]


def _spans(chunks: list[Chunk], asset: str) -> Spans:
    """An asset's billed spans, each for itself."""
    if len(chunks) == 1:
        return chunks[0].stretch.billed.get(asset, ())
    return tuple(span for chunk in chunks for span in chunk.stretch.billed.get(asset, ()))


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
            prices = tuple(dict.fromkeys(explain.price_text(charge, chunk) for charge in charges if charge.units))
            unit = chunks[0].unit
            found.append(PricedUnits(clause, row.owner, row.start, row.end, row.quantity, unit, amount, prices))
    return found


def observe(scene: Scene, owner: str, chunks: list[Chunk]) -> dict[str, Usage]:
    """Facts of each asset (and of the pool itself), their rows put into the chunks where they lie."""
    measure, clause = chunks[0].stretch.measure, chunks[0].term.clause
    assets = dict.fromkeys([asset for chunk in chunks for asset in chunk.stretch.billed])
    known = {
        asset: scene.usage(measure, asset, cut(_spans(chunks, asset), edges(scene, clause, asset))) for asset in assets
    }
    within = [(max(chunk.stretch.start, scene.start), min(chunk.stretch.end, scene.end)) for chunk in chunks]
    if chunks[0].term.scope == "pool" and owner not in known:
        of_pool = scene.usage(measure, owner, cut(tuple(within), edges(scene, clause, owner)))
        if not of_pool.missing:
            known = {name: u for name, u in known.items() if not u.missing} | {owner: of_pool}
    for chunk, (start, end) in zip(chunks, within, strict=True):
        rows = [row for u in known.values() for row in u.rows if start <= row.start and row.end <= end]
        if len(rows) > 1:
            rows.sort(key=lambda row: (row.start, row.owner, row.end))
        chunk.rows = [_weighed(row, chunk.term.weights) for row in rows] if chunk.term.weights else rows
    return known


def _weighed(row: Row, weights: Mapping[str, Decimal]) -> Row:
    weight = weights.get(row.weight_class)
    return row if weight is None else row._replace(quantity=row.quantity * Fraction(weight))


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
        chunk.charges = list(_charges(scene, chunk, reached_in[chunk.stretch.run]))
        chunk.exact = total(
            [charge.amount if times is explain.ONE else charge.amount * times for charge, times in chunk.charges]
        )
        chunk.counted = chunk.place(chunk.to) - chunk.place(chunk.at) if chunk.at else chunk.place(chunk.to)


def _carried_position(scene: Scene, chunk: Chunk, owner: str) -> Fraction:
    for item in scene.facts.carried:
        same = item.clause in (chunk.term.clause, chunk.term.continues) and item.item == "position"
        if same and item.owner in (owner, "") and isinstance(item.value, Quantity):
            return item.value.to(chunk.stretch.measure.unit or item.value.unit)
    return ZERO


def _charges(scene: Scene, chunk: Chunk, reached_to: Fraction) -> Iterator[tuple[Charge, Fraction]]:
    chunk.of_rows = []
    at, start = chunk.at, chunk.priced(chunk.at)
    for row in chunk.rows:
        at = at + row.quantity if at else row.quantity
        end = chunk.priced(at)
        times = _factor(scene, chunk, row) if chunk.term.multipliers else explain.ONE
        move = chunk.move(row.start)
        chunk.assumed = chunk.assumed or (move is not None and move.late)
        charges = _row_charges(chunk, start, end, reached_to, row.start)
        chunk.of_rows.append((row, charges, times))
        start = end
        for charge in charges:
            yield charge, times
    yield from _fees(chunk, reached_to)


def _fees(chunk: Chunk, reached_to: Fraction) -> Iterator[tuple[Charge, Fraction]]:
    """What the tiers cost that are reached, whatever is used in them."""
    bands, model = chunk.stretch.bands, chunk.term.model
    if not chunk.stretch.fees:
        return
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


def _add_lines(scene: Scene, owner: str, chunks: list[Chunk], outcome: Outcome, *, several: bool) -> None:
    first, term, unit = chunks[0], chunks[0].term, chunks[0].unit
    exact = total([chunk.exact for chunk in chunks])
    quantity = total([chunk.counted for chunk in chunks])
    start, end = min([chunk.stretch.begins for chunk in chunks]), max([chunk.stretch.ends for chunk in chunks])
    version = first.segment.version
    prefix = say(version.language, "version", version.version) if several else ""
    guesses = _guesses(chunks)
    said = explain.flagged(
        prefix + explain.use(chunks, unit), _steps(chunks), total(list(guesses.values())),
        unit=unit, language=version.language,
    )  # fmt: skip
    line = scene.line(first.segment, owner, Draft(start, end, said.text, exact, quantity, unit, said.steps))
    if term.allocate == "none" or term.scope != "pool":
        outcome.lines.append(line)
        return
    used = {asset: ZERO for chunk in chunks for asset in chunk.stretch.billed}
    for row in (row for chunk in chunks for row in chunk.rows):
        used[row.owner] = used.get(row.owner, ZERO) + row.quantity
    if owner in used:
        outcome.problems.append(_unshared(term.clause, owner))
        return
    shares = allocate(line.amount, used, first.segment.version.billing.decimals)
    for asset, amount in shares.items():
        said = explain.flagged(
            prefix + explain.shared(used[asset], quantity, chunk=first, amount=line.amount), _steps(chunks),
            guesses.get(asset, ZERO), unit=unit, language=version.language,
        )  # fmt: skip
        part = exact * used[asset] / quantity if quantity else exact / len(used)
        draft = Draft(start, end, said.text, part, used[asset], unit, said.steps)
        outcome.lines.append(scene.line(first.segment, asset, draft, amount))


def _guesses(chunks: Sequence[Chunk]) -> dict[str, Fraction]:
    """By asset the units that are estimated, where the agreement lets them count."""
    found: dict[str, Fraction] = {}
    for chunk in chunks:
        for row in chunk.rows if chunk.stretch.measure.bills_estimates else ():
            if row.estimated:
                found[row.owner] = found.get(row.owner, ZERO) + row.quantity
    return found


def _steps(chunks: Sequence[Chunk]) -> tuple[Step, ...]:
    """Where the units lie, and what each tier costs."""
    first, *others = chunks
    if not others:
        return tuple(first.steps)
    return (*(chunk.steps[0] for chunk in chunks), *(step for chunk in chunks for step in chunk.steps[1:]))


def _unshared(clause: str, owner: str) -> Problem:
    message = "a quantity is given for the pool, so that its amount cannot be shared by quantity"
    return Problem(f"clause {clause}, {owner}, quantities", message, "give quantities by asset")


def _add_verdicts(
    scene: Scene, owner: str, chunks: list[Chunk], outcome: Outcome, *, status: Status, known: dict[str, Usage]
) -> None:
    own = known.get(owner)
    by_clause: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        by_clause.setdefault(chunk.term.clause, []).append(chunk)
    for clause, some in by_clause.items():
        unit = some[0].unit
        values = {
            "quantity": Figure(total([chunk.counted for chunk in some]), unit),
            "unrounded": Figure(total([chunk.exact for chunk in some]), scene.currency),
        }
        if own is not None and own.opening is not None and own.closing is not None:
            values["start_reading"], values["end_reading"] = Figure(own.opening, unit), Figure(own.closing, unit)
        if guesses := _guesses(some):
            values["estimated"] = Figure(total(list(guesses.values())), unit)
        start, end = max(scene.start, some[0].stretch.start), min(scene.end, some[-1].stretch.end)
        steps = _steps(some)
        outcome.verdicts.append(
            Verdict(clause, "usage_charge", owner, "-", status, status == "final", start, end, values, steps=steps)
        )


def _carry(scene: Scene, owner: str, chunks: Sequence[Chunk], outcome: Outcome) -> None:
    """The position in the tiers, where the count goes on in the next period."""
    last = chunks[-1]
    if last.term.reset != "contract_year" or last.stretch.end <= scene.end:
        return
    decimal = Figure(last.to, last.unit)
    outcome.carry.append(Carried(last.term.clause, "position", Quantity.parse(decimal.text()), owner))
