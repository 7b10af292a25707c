"""Evaluation of usage charges: who used how much in which segment, at which place in the tiers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING

from contracts import explain
from contracts.evaluation import Figure, Status, Verdict
from contracts.facts import Carried
from contracts.measure import Row, Usage, usage, without_facts
from contracts.pricing import Band, Charge, fees, graduated, packages, reached, whole_units
from contracts.scene import Draft, Outcome, PricedUnits
from contracts.segment import contract_years, covered, days_touched, periods, pool_owner, segments
from contracts.span import cut, intersect, normal
from contracts.terms.indexation import is_indexed, moves, reviewed, written_at
from contracts.terms.usage_charge import UsageCharge
from core.money import allocate
from core.problem import Problem
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from contracts.document import Measure
    from contracts.scene import Scene
    from contracts.segment import Lineage, Segment
    from contracts.span import Spans
    from contracts.terms.indexation import Move

ZERO = Fraction(0)


@dataclass(slots=True)
class Chunk:
    """One owner's use in one segment of one reset window. start, end: the whole chunk, also before the period.

    run: chunks of one run count on from each other; first: the run begins with it, in this period; at, to: position in
    the run; shrink: of tier bounds, by proration; share: its part of the days over which a step's fee is spread.
    """

    segment: Segment
    term: UsageCharge
    start: int
    end: int
    members: dict[str, Spans]
    billed: dict[str, Spans]
    shrink: Fraction = Fraction(1)
    share: Fraction = Fraction(1)
    run: tuple[int, int] = (0, 0)
    first: bool = False
    rows: list[Row] = field(default_factory=list)
    at: Fraction = ZERO
    to: Fraction = ZERO
    charges: list[tuple[Charge, Fraction]] = field(default_factory=list)
    of_rows: list[tuple[Row, tuple[tuple[Charge, Fraction], ...]]] = field(default_factory=list)
    moves: tuple[Move, ...] = ()
    free: Fraction = ZERO
    assumed: bool = False

    @property
    def exact(self) -> Fraction:
        """What it costs, unrounded."""
        return sum((charge.amount * factor for charge, factor in self.charges), ZERO)

    @property
    def counted(self) -> Fraction:
        """Units after rounding to whole ones, where agreed."""
        return self.place(self.to) - self.place(self.at)

    def place(self, position: Fraction) -> Fraction:
        """A position in whole units, where agreed."""
        return whole_units(position, self.term.quantity_rounding)

    def priced(self, position: Fraction) -> Fraction:
        """A position without what is included, or covered by an allowance."""
        free = Fraction(self.term.included.magnitude) * self.shrink if self.term.included else ZERO
        return max(ZERO, self.place(position) - free - self.free)

    def move(self, at: int) -> Move | None:
        """The last review that moved the price by an instant."""
        return next((move for move in reversed(self.moves) if move.at <= at), None)

    def bands(self, at: int) -> tuple[Band, ...]:
        """The tiers at their prices of an instant."""
        move, bands = self.move(at), self.term.bands(self.shrink)
        if move is None:
            return bands
        return tuple(b if b.price is None else Band(b.above, Fraction(move.price(b.price)), b.fee) for b in bands)

    def unit_price(self, written: Fraction, at: int) -> Fraction:
        """A price of the contract at an instant."""
        move = self.move(at)
        return written if move is None else Fraction(move.price(written))


@dataclass(frozen=True, slots=True)
class Correction:
    """A stretch as measured and as corrected: quantities, the difference in cost, and the prices."""

    measured: Fraction
    corrected: Fraction
    exact: Fraction
    unit: str
    prices: tuple[str, ...]
    problems: tuple[Problem, ...]


def evaluate(scene: Scene, lineage: Lineage, free: Mapping[tuple[str, str], Fraction] | None = None) -> Outcome:
    """A line for each asset or pool and segment, a verdict for each clause and owner.

    free: units that an allowance covers, by clause and owner.
    """
    outcome = Outcome()
    for owner, chunks in _by_owner(scene, lineage).items():
        for chunk in chunks:
            chunk.free = (free or {}).get((chunk.term.clause, owner), ZERO)
        _evaluate_owner(scene, owner, chunks, outcome)
    return outcome


def correct(scene: Scene, lineage: Lineage, asset: str, span: tuple[int, int], times: Fraction) -> Correction:
    """What the clause would have cost more or less, had an asset's use in a span been so many times what it was."""
    measured, exact, unit = ZERO, ZERO, ""
    prices: dict[str, None] = {}
    problems: list[Problem] = []
    version = scene.versions[0]
    for period in periods(version, max(span[0], version.effective_from), span[1]):
        then = replace(scene.of(period), cuts=span, until=min(period.span.micros[1], scene.asked))
        for owner, chunks in _by_owner(then, lineage).items():
            problems += [p for u in _observe_all(then, owner, chunks).values() for p in u.problems]
            inside = [(c, row) for c in chunks for row in c.rows if row.owner == asset and _within(row, span)]
            if not inside:
                continue
            unit = chunks[0].segment.version.measure_by_name[chunks[0].term.measure].unit or ""
            _price(then, owner, chunks)
            before = sum((chunk.exact for chunk in chunks), ZERO)
            units = _priced_units(then, chunks, unit, everything=True)
            prices |= dict.fromkeys(p for u in units if u.asset == asset and _within(u, span) for p in u.prices)
            measured += sum((row.quantity for _, row in inside), ZERO)
            changed = {id(row) for _, row in inside}
            for chunk in chunks:
                chunk.rows = [
                    replace(row, quantity=row.quantity * times) if id(row) in changed else row for row in chunk.rows
                ]
            _price(then, owner, chunks)
            exact += sum((chunk.exact for chunk in chunks), ZERO) - before
    return Correction(measured, measured * times, exact, unit, tuple(prices), tuple(problems))


def _within(row: Row | PricedUnits, span: tuple[int, int]) -> bool:
    return span[0] <= row.start and row.end <= span[1]


def _by_owner(scene: Scene, lineage: Lineage) -> dict[str, list[Chunk]]:
    by_owner: dict[str, list[Chunk]] = {}
    for window in _windows(scene, lineage):
        for owner, chunks in _chunks(scene, lineage, window).items():
            by_owner.setdefault(owner, []).extend(chunks)
    for chunks in by_owner.values():
        for chunk in chunks if is_indexed(scene, lineage) else ():
            written = written_at(scene, lineage, max(chunk.start, scene.versions[0].effective_from))
            chunk.moves = moves(scene, chunk.term.clause, written)
    return by_owner


def spans_needed(scene: Scene, lineage: Lineage) -> dict[tuple[str, str], tuple[Measure, list[tuple[int, int]]]]:
    """(asset, register) to its measure and the spans between whose ends its counter is wanted."""
    found: dict[tuple[str, str], tuple[Measure, list[tuple[int, int]]]] = {}
    for window in _windows(scene, lineage):
        for chunks in _chunks(scene, lineage, window).values():
            for chunk in chunks:
                measure = chunk.segment.version.measure_by_name[chunk.term.measure]
                if measure.kind != "counter_delta":
                    continue
                for asset, spans in chunk.billed.items():
                    key = asset, measure.register_path or ""
                    found.setdefault(key, (measure, []))[1].extend(cut(spans, _edges(scene, chunk.term.clause, asset)))
    return found


def _windows(scene: Scene, lineage: Lineage) -> list[tuple[int, int]]:
    """Reset windows that touch the period; a charge whose window changes follows the one in force first."""
    found = [s for s in segments(scene.versions, lineage, scene.start, scene.end) if isinstance(s.term, UsageCharge)]
    if not found:
        return []
    if found[0].term.reset == "contract_year":  # type: ignore[attr-defined]
        return list(contract_years(scene.versions, scene.start, scene.end))
    return [p.span.micros for p in periods(found[0].version, scene.start, scene.end)]


def _chunks(scene: Scene, lineage: Lineage, window: tuple[int, int]) -> dict[str, list[Chunk]]:
    """By owner, everything of one window that lies in the period, in order of time, with its place in the window."""
    found: dict[str, list[Chunk]] = {}
    for segment in segments(scene.versions, lineage, *window):
        term = segment.term
        if not isinstance(term, UsageCharge):
            continue
        members = covered(scene.versions, term.applies_to, segment.start, segment.end)
        pools = {pool_owner(scene.versions, term.applies_to): members} if term.scope == "pool" and members else {}
        for owner, group in (pools or {asset: {asset: spans} for asset, spans in members.items()}).items():
            billed = {asset: part for asset, spans in group.items() if (part := _so_far(scene, spans))}
            chunk = Chunk(segment, term, segment.start, segment.end, group, billed)
            found.setdefault(owner, []).append(chunk)
    for chunks in found.values():
        _place(scene, chunks, window)
    return {owner: kept for owner, chunks in found.items() if (kept := [c for c in chunks if c.billed])}


def _so_far(scene: Scene, spans: Spans) -> Spans:
    """What lies in the period; nothing of an asset that has yet to join."""
    found = intersect(spans, ((scene.start, scene.end),))
    return found if found and found[0][0] < scene.until else ()


def _place(scene: Scene, chunks: list[Chunk], window: tuple[int, int]) -> None:
    """Where each chunk stands among those of its window: its run, its part of the days."""
    whole = len(days_touched((window,), scene.zone))
    taken: set[date] = set()
    active: list[int] = []
    billed: list[int] = []
    for n, chunk in enumerate(chunks):
        touched = days_touched(((chunk.start, chunk.end),), scene.zone) - taken
        taken |= touched
        anew = n == 0 or chunk.term.on_amendment != "continue"
        chunk.run = (window[0], chunks[n - 1].run[1] + anew if n else 0)
        chunk.first = anew and min(spans[0][0] for spans in chunk.members.values()) >= scene.start
        if chunk.term.on_amendment == "prorate":
            chunk.shrink = Fraction(len(touched), whole)
        active.append(len(_days(scene, chunk.members) & touched))
        billed.append(len(_days(scene, chunk.billed) & touched))
    for chunk, mine in zip(chunks, billed, strict=True):
        together = sum(days for other, days in zip(chunks, active, strict=True) if other.run == chunk.run)
        chunk.share = Fraction(mine, together) * chunk.shrink if together else Fraction(1)


def _days(scene: Scene, members: dict[str, Spans]) -> frozenset[date]:
    return days_touched(normal(span for spans in members.values() for span in spans), scene.zone)


def _evaluate_owner(scene: Scene, owner: str, chunks: list[Chunk], outcome: Outcome) -> None:
    clause = chunks[-1].term.clause
    measure = chunks[0].segment.version.measure_by_name[chunks[0].term.measure]
    known = _observe_all(scene, owner, chunks)
    place = f"clause {clause}, {owner}, "
    refused = [Problem(place + p.place, p.message, p.remedy) for u in known.values() for p in u.problems]
    outcome.problems += refused
    cases = [case for u in known.values() for case in u.cases]
    missing = [without_facts(measure, name, _spans(chunks, name)) for name, u in known.items() if u.missing]
    outcome.open(clause, [*cases, *missing])
    waits = refused or len(missing) == len(known) or any(u.waits for u in known.values())
    if waits:
        start, end = chunks[0].start, chunks[-1].end
        outcome.verdicts.append(Verdict(clause, "usage_charge", owner, "-", "insufficient", False, start, end))
        return
    _price(scene, owner, chunks)
    outcome.units += _priced_units(scene, chunks, measure.unit or "")
    several = len({chunk.segment.version.version for chunk in chunks}) > 1
    for _, same in groupby(chunks, key=lambda chunk: chunk.segment.version.version):
        _add_lines(scene, owner, list(same), outcome, several=several)
    soft = scene.running or missing or any(u.provisional for u in known.values()) or any(c.assumed for c in chunks)
    _add_verdicts(scene, owner, chunks, outcome, status="provisional" if soft else "final", known=known)
    _carry(scene, owner, chunks, outcome)


def _spans(chunks: list[Chunk], asset: str) -> Spans:
    """An asset's billed spans, each for itself."""
    return tuple(span for chunk in chunks for span in chunk.billed.get(asset, ()))


def _edges(scene: Scene, clause: str, asset: str) -> set[int]:
    """Where an asset's use is cut: prices move there, a duty makes units dearer, or a correction begins or ends."""
    duties = {
        edge
        for breach in scene.breaches
        if breach.asset == asset and clause in (breach.term.surcharge_of, breach.term.multiplier_of)
        for edge in (breach.start, breach.end)
    }
    return duties | reviewed(scene, clause) | set(scene.cuts)


def _priced_units(scene: Scene, chunks: list[Chunk], unit: str, *, everything: bool = False) -> list[PricedUnits]:
    """Units that lie in a breach which makes them dearer (or all), with their price at their own place."""
    found = []
    for chunk in chunks:
        clause = chunk.term.clause
        for row, charges in chunk.of_rows:
            dearer = any(
                b.asset == row.owner
                and clause in (b.term.surcharge_of, b.term.multiplier_of)
                and b.start <= row.start
                and row.end <= b.end
                for b in scene.breaches
            )
            if not (dearer or everything) or not row.quantity:
                continue
            amount = sum((charge.amount * times for charge, times in charges), ZERO)
            prices = dict.fromkeys(explain.price_text(charge, chunk) for charge, _ in charges if charge.units)
            found.append(PricedUnits(clause, row.owner, row.start, row.end, row.quantity, unit, amount, tuple(prices)))
    return found


def _observe_all(scene: Scene, owner: str, chunks: list[Chunk]) -> dict[str, Usage]:
    """Facts of each asset (and of the pool itself), their rows put into the chunks where they lie."""
    measure, clause = chunks[0].segment.version.measure_by_name[chunks[0].term.measure], chunks[0].term.clause
    assets = list(dict.fromkeys(asset for chunk in chunks for asset in chunk.billed))
    known = {
        asset: usage(scene, measure, asset, cut(_spans(chunks, asset), _edges(scene, clause, asset)))
        for asset in assets
    }
    if chunks[0].term.scope == "pool" and owner not in known:
        whole = tuple((max(c.start, scene.start), min(c.end, scene.end)) for c in chunks)
        of_pool = usage(scene, measure, owner, cut(whole, _edges(scene, clause, owner)))
        if not of_pool.missing:
            known = {name: u for name, u in known.items() if not u.missing} | {owner: of_pool}
    for chunk in chunks:
        inside = (max(chunk.start, scene.start), min(chunk.end, scene.end))
        rows = [row for u in known.values() for row in u.rows if inside[0] <= row.start and row.end <= inside[1]]
        chunk.rows = [
            _weighed(row, chunk.term) for row in sorted(rows, key=lambda row: (row.start, row.owner, row.end))
        ]
    return known


def _weighed(row: Row, term: UsageCharge) -> Row:
    weight = (term.weights or {}).get(row.weight_class)
    quantity = row.quantity if weight is None else row.quantity * Fraction(weight)
    return Row(row.start, row.end, row.owner, quantity, row.weight_class, row.dimensions, row.estimated)


def _price(scene: Scene, owner: str, chunks: list[Chunk]) -> None:
    position, run = ZERO, None
    for chunk in chunks:
        if chunk.run != run:
            position = ZERO if chunk.first else _carried_position(scene, chunk, owner)
            run = chunk.run
        chunk.at = position
        position += sum((row.quantity for row in chunk.rows), ZERO)
        chunk.to = position
    reached_in = {chunk.run: chunk.to for chunk in chunks}
    for chunk in chunks:
        chunk.charges = list(_charges(scene, chunk, total=reached_in[chunk.run]))


def _carried_position(scene: Scene, chunk: Chunk, owner: str) -> Fraction:
    for item in scene.facts.carried:
        same = item.clause in (chunk.term.clause, chunk.term.continues) and item.item == "position"
        if same and item.owner in (owner, "") and isinstance(item.value, Quantity):
            measure = chunk.segment.version.measure_by_name[chunk.term.measure]
            return item.value.to(measure.unit or item.value.unit)
    return ZERO


def _charges(scene: Scene, chunk: Chunk, *, total: Fraction) -> Iterator[tuple[Charge, Fraction]]:
    term, bands = chunk.term, chunk.term.bands(chunk.shrink)
    at = chunk.at
    chunk.of_rows = []
    for row in chunk.rows:
        start, end = chunk.priced(at), chunk.priced(at + row.quantity)
        at += row.quantity
        times = _factor(scene, chunk, row)
        move = chunk.move(row.start)
        chunk.assumed = chunk.assumed or (move is not None and move.late)
        charges = tuple((charge, times) for charge in _row_charges(chunk, start, end, chunk.priced(total), row.start))
        chunk.of_rows.append((row, charges))
        yield from charges
    if term.model == "graduated":
        for fee in fees(bands, chunk.priced(chunk.at), chunk.priced(chunk.to), opens=chunk.first):
            yield fee, chunk.shrink
    elif term.model in ("volume", "stairstep"):
        n = reached(bands, chunk.priced(total))
        owed = range(n + 1) if term.model == "volume" else (n,)
        for band in owed:
            fee_amount = bands[band].fee
            if fee_amount is not None:
                yield Charge(band, bands[band].above, fee_amount, fee_amount, fee=True), chunk.share


def _row_charges(chunk: Chunk, start: Fraction, end: Fraction, total: Fraction, at: int) -> Iterator[Charge]:
    term, units = chunk.term, end - start
    if term.model == "flat" and term.price is not None:
        price = chunk.unit_price(Fraction(term.price.amount), at)
        yield Charge(0, units, price, units * price)
    elif term.model == "graduated":
        yield from graduated(chunk.bands(at), start, end)
    elif term.model == "volume":
        bands = chunk.bands(at)
        band = reached(bands, total)
        price = bands[band].price or ZERO
        yield Charge(band, units, price, units * price)
    elif term.model == "package" and term.package_size is not None and term.package_price is not None:
        begun = Fraction(packages(Fraction(term.package_size.magnitude), start, end))
        price = chunk.unit_price(Fraction(term.package_price.amount), at)
        yield Charge(0, begun, price, begun * price)


def _factor(scene: Scene, chunk: Chunk, row: Row) -> Fraction:
    """How much dearer the row is; without its dimension it takes the first band, and the line is provisional."""
    bands = chunk.term.multipliers
    if not bands:
        return Fraction(1)
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
        if q.measure == name and q.owner in chunk.billed and scene.start <= q.start and q.end <= scene.end
    ] or [(r.end - r.start, r.dimensions[name].to(unit)) for r in chunk.rows if name in r.dimensions]
    whole = sum(time for time, _ in levels)
    return sum((time * level for time, level in levels), ZERO) / whole if whole else None


def _add_lines(scene: Scene, owner: str, chunks: list[Chunk], outcome: Outcome, *, several: bool) -> None:
    first, term = chunks[0], chunks[0].term
    exact = sum((chunk.exact for chunk in chunks), ZERO)
    unit = first.segment.version.measure_by_name[term.measure].unit or ""
    quantity = sum((chunk.counted for chunk in chunks), ZERO)
    start = min(spans[0][0] for chunk in chunks for spans in chunk.billed.values())
    end = max(spans[-1][1] for chunk in chunks for spans in chunk.billed.values())
    prefix = f"version {first.segment.version.version}: " if several else ""
    draft = Draft(
        start, end, prefix + explain.use(chunks, unit), exact, quantity, unit, explain.use_steps(chunks, unit)
    )
    line = scene.line(first.segment, owner, draft)
    if term.allocate == "none" or term.scope != "pool":
        outcome.lines.append(line)
        return
    used = {asset: ZERO for chunk in chunks for asset in chunk.billed}
    for row in (row for chunk in chunks for row in chunk.rows):
        used[row.owner] = used.get(row.owner, ZERO) + row.quantity
    if owner in used:
        outcome.problems.append(_unshared(term.clause, owner))
        return
    shares = allocate(line.amount, used, first.segment.version.billing.decimals)
    for asset, amount in shares.items():
        text = prefix + explain.shared(used[asset], quantity, unit=unit, total=line.amount)
        part = exact * used[asset] / quantity if quantity else exact / len(used)
        outcome.lines.append(
            scene.line(first.segment, asset, Draft(start, end, text, part, used[asset], unit, draft.steps), amount)
        )


def _unshared(clause: str, owner: str) -> Problem:
    message = "a quantity is given for the pool, so that its amount cannot be shared by quantity"
    return Problem(f"clause {clause}, {owner}, quantities", message, "give quantities by asset")


def _add_verdicts(
    scene: Scene, owner: str, chunks: list[Chunk], outcome: Outcome, *, status: Status, known: dict[str, Usage]
) -> None:
    by_clause: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        by_clause.setdefault(chunk.term.clause, []).append(chunk)
    for clause, some in by_clause.items():
        unit = some[0].segment.version.measure_by_name[some[0].term.measure].unit or ""
        values = {
            "quantity": Figure(sum((chunk.counted for chunk in some), ZERO), unit),
            "unrounded": Figure(sum((chunk.exact for chunk in some), ZERO), scene.currency),
        }
        own = known.get(owner)
        if own is not None and own.opening is not None and own.closing is not None:
            values |= {"start_reading": Figure(own.opening, unit), "end_reading": Figure(own.closing, unit)}
        start, end = max(scene.start, some[0].start), min(scene.end, some[-1].end)
        steps = explain.use_steps(some, unit)
        outcome.verdicts.append(
            Verdict(clause, "usage_charge", owner, "-", status, status == "final", start, end, values, steps=steps)
        )


def _carry(scene: Scene, owner: str, chunks: Sequence[Chunk], outcome: Outcome) -> None:
    """The position in the tiers, where the count goes on in the next period."""
    last = chunks[-1]
    if last.term.reset != "contract_year" or last.end <= scene.end:
        return
    unit = last.segment.version.measure_by_name[last.term.measure].unit or ""
    decimal = Figure(last.to, unit)
    outcome.carry.append(Carried(last.term.clause, "position", Quantity.parse(decimal.text()), owner))
