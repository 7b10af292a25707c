"""Evaluation of usage charges: who used how much in which segment, a line for each, and what it says."""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING

from contracts import explain
from contracts.chunk import chunks_of, observe, spans_of
from contracts.cost import price, priced_units
from contracts.evaluation import Figure, Status, Verdict
from contracts.facts import Carried
from contracts.measure import without_facts
from contracts.phrase import say
from contracts.pricing import total
from contracts.scene import Draft, Outcome
from core.money import allocate
from core.problem import Problem
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contracts.chunk import Chunk
    from contracts.evaluation import Step
    from contracts.facts import Case
    from contracts.measure import Usage
    from contracts.scene import Scene
    from contracts.segment import Lineage

ZERO = Fraction(0)


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


def _evaluate_owner(scene: Scene, owner: str, chunks: list[Chunk], outcome: Outcome) -> None:
    clause, measure = chunks[-1].term.clause, chunks[0].stretch.measure
    known = observe(scene, owner, chunks)
    usages = list(known.values())
    missing: Sequence[Case] = ()
    if [u for u in usages if u.troubled]:
        missing = [without_facts(measure, name, spans_of(chunks, name)) for name, u in known.items() if u.missing]
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
    unsure = True in [usage.provisional for usage in usages] or True in [chunk.assumed for chunk in chunks]
    soft = scene.running or missing or unsure
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


def _add_lines(scene: Scene, owner: str, chunks: list[Chunk], outcome: Outcome, *, several: bool) -> None:
    first, term, unit = chunks[0], chunks[0].term, chunks[0].unit
    exact, quantity = _sums(chunks)
    start, end, version = first.stretch.begins, chunks[-1].stretch.ends, first.segment.version
    prefix = say(version.language, "version", version.version) if several else ""
    text, steps, guesses = prefix + explain.use(chunks, quantity), _steps(chunks), _guesses(chunks)
    if guesses:
        guessed = total(list(guesses.values()))
        text, steps = explain.flagged(text, steps, guessed, unit=unit, language=version.language)
    line = scene.line(first.segment, owner, Draft(start, end, text, exact, quantity, unit, steps))
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
        text = prefix + explain.shared(used[asset], quantity, chunk=first, amount=line.amount)
        guessed = guesses.get(asset, ZERO)
        said = explain.flagged(text, _steps(chunks), guessed, unit=unit, language=version.language)
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


def _sums(chunks: Sequence[Chunk]) -> tuple[Fraction, Fraction]:
    """What chunks cost, unrounded, and the units counted."""
    if len(chunks) == 1:
        return chunks[0].exact, chunks[0].counted
    return total([chunk.exact for chunk in chunks]), total([chunk.counted for chunk in chunks])


def _steps(chunks: Sequence[Chunk]) -> tuple[Step, ...]:
    """Where the units lie, and what each tier costs."""
    if len(chunks) == 1:
        return chunks[0].steps
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
        unit, (exact, quantity) = some[0].unit, _sums(some)
        values = {"quantity": Figure(quantity, unit), "unrounded": Figure(exact, scene.currency)}
        if own is not None and own.opening is not None and own.closing is not None:
            values["start_reading"], values["end_reading"] = Figure(own.opening, unit), Figure(own.closing, unit)
        if guesses := _guesses(some):
            values["estimated"] = Figure(total(list(guesses.values())), unit)
        (start, _), (_, end) = some[0].stretch.within, some[-1].stretch.within
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
