"""What a measure says over a stretch: counters, gauges, events and ratios, of an asset or of a pool. Exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from contracts.measure import shown, without_facts
from contracts.segment import pool_owner
from contracts.span import Spans, length
from core.units import factor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from contracts.document import Measure, Version
    from contracts.facts import Case, Gauge, ReadyQuantity
    from contracts.scene import Scene
    from contracts.window import Window
    from core.problem import Problem

ZERO = Fraction(0)
GAUGES = ("gauge_level", "gauge_mean", "gauge_fall", "event_count")
MEANS = ("gauge_level", "gauge_mean")


@dataclass(frozen=True, slots=True)
class Demand:
    """A measure that is needed of an asset over spans, each for itself."""

    measure: Measure
    asset: str
    spans: Spans


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure's value in its unit; None: nothing is known of it. coverage: part of the stretch with data."""

    value: Fraction | None
    unit: str
    coverage: Fraction = Fraction(1)
    provisional: bool = False
    cases: tuple[Case, ...] = ()
    problems: tuple[Problem, ...] = ()
    estimated: Fraction = ZERO
    """How much of it is estimated, where the agreement lets that count."""


def members_of(scene: Scene, window: Window[Any]) -> dict[str, Spans]:
    """A window's assets with the time that they are covered in it, so far."""
    return scene.plan.covered(window.term.applies_to, window.start, min(window.end, scene.until))


def demands(version: Version, name: str, members: Mapping[str, Spans]) -> Iterator[Demand]:
    """What must be known for a measure; of a ratio, both its sides."""
    measure = version.measure_by_name[name]
    if measure.kind == "ratio":
        for side in (measure.of, measure.per):
            yield from demands(version, side or "", members)
        return
    for asset, spans in members.items():
        yield Demand(measure, asset, spans)


def measured(scene: Scene, version: Version, name: str, *, owner: str, members: Mapping[str, Spans]) -> Measured:
    """The measure over its members together; owner: whose ready quantities count as well (a pool's own)."""
    measure = version.measure_by_name[name]
    if measure.kind == "ratio":
        return _ratio(scene, version, measure, owner, members)
    if measure.kind in MEANS:
        return _mean(scene, measure, owner, members)
    if measure.kind in GAUGES:
        return _counted_events(scene, measure, owner, members)
    return _sum(scene, measure, owner, members)


def _ratio(scene: Scene, version: Version, measure: Measure, owner: str, members: Mapping[str, Spans]) -> Measured:
    upper, lower = (
        measured(scene, version, side or "", owner=owner, members=members) for side in (measure.of, measure.per)
    )
    unit, both = measure.unit or "", (upper, lower)
    value = None
    if upper.value is not None and lower.value:
        value = upper.value / lower.value * factor(f"{upper.unit}/{lower.unit}", unit)
    return Measured(
        value,
        unit,
        min(part.coverage for part in both),
        any(part.provisional for part in both),
        tuple(case for part in both for case in part.cases),
        tuple(problem for part in both for problem in part.problems),
    )


def _sum(scene: Scene, measure: Measure, owner: str, members: Mapping[str, Spans]) -> Measured:
    """Use of all members; of the pool itself where its quantity is given."""
    found = {asset: (spans, scene.usage(measure, asset, spans)) for asset, spans in members.items()}
    if owner not in found:
        whole = _outer(members)
        of_pool = scene.usage(measure, owner, whole)
        if not of_pool.missing or of_pool.problems:
            known = {name: one for name, one in found.items() if not one[1].missing}
            found = {**known, owner: (whole, of_pool)}
    rows = [row for _, one in found.values() for row in one.rows]
    missing = [(name, spans) for name, (spans, one) in found.items() if one.missing]
    problems = tuple(problem for _, one in found.values() for problem in one.problems)
    cases = [case for _, one in found.values() for case in one.cases]
    cases += [without_facts(measure, name, spans) for name, spans in missing]
    nothing = len(missing) == len(found) or problems or any(one.waits for _, one in found.values())
    soft = bool(missing) or any(one.provisional for _, one in found.values())
    value = None if nothing else sum((row.quantity for row in rows), ZERO)
    coverage = _coverage(scene, measure, found) if found else Fraction(0)
    guessed = sum((row.quantity for row in rows if row.estimated), ZERO) if measure.bills_estimates else ZERO
    return Measured(value, measure.unit or "", coverage, soft, tuple(cases), problems, guessed)


def _coverage(scene: Scene, measure: Measure, found: Mapping[str, tuple[Spans, Any]]) -> Fraction:
    """By time: what ready quantities say of themselves, all of what counters saw, nothing of who is missing."""
    whole, seen = ZERO, ZERO
    for name, (spans, one) in found.items():
        whole += length(spans)
        if one.missing:
            continue
        ready = _ready(scene, measure, name, spans)
        time = sum(q.end - q.start for q in ready)
        stated = sum((q.coverage if q.coverage is not None else 1) * (q.end - q.start) for q in ready)
        seen += length(spans) * (Fraction(stated) / time if time else 1)
    return seen / whole if whole else Fraction(0)


def _mean(scene: Scene, measure: Measure, owner: str, members: Mapping[str, Spans]) -> Measured:
    """Weighted by time, over all members."""
    weight, total, whole = ZERO, ZERO, 0
    for name, spans in {**members, **({} if owner in members else {owner: _outer(members)})}.items():
        pieces = list(_held(scene, measure, name, spans))
        if name in members or pieces:
            whole += length(spans)
        weight += sum((time for time, _ in pieces), ZERO)
        total += sum((time * level for time, level in pieces), ZERO)
    if not weight:
        cases = tuple(without_facts(measure, name, spans) for name, spans in members.items())
        return Measured(None, measure.unit or "", Fraction(0), cases=cases)
    of_pool = owner not in members and any(True for _ in _held(scene, measure, owner, _outer(members)))
    known = Fraction(1) if of_pool else min(Fraction(1), weight / whole)
    return Measured(total / weight, measure.unit or "", known)


def _held(scene: Scene, measure: Measure, owner: str, spans: Spans) -> Iterator[tuple[Fraction, Fraction]]:
    """Time (with data) and level of every stretch: ready quantities, or levels that hold until the next reading."""
    for ready in _ready(scene, measure, owner, spans):
        yield (ready.end - ready.start) * (ready.coverage or Fraction(1)), ready.quantity
    gauge = scene.facts.gauges.get((owner, measure.register_path or ""))
    for start, end, value in levels(gauge, measure, scene.until) if gauge else ():
        inside = sum(max(0, min(end, until) - max(start, since)) for since, until in spans)
        if inside:
            yield Fraction(inside), value


def levels(gauge: Gauge, measure: Measure, until: int) -> Iterator[tuple[int, int, Fraction]]:
    """From, to and value of each level in the measure's unit; after max_gap of silence nothing is known."""
    share = factor(gauge.unit, measure.unit or gauge.unit)
    gap = measure.max_gap_micros
    edges = [*(level.at for level in gauge.levels), until]
    for level, following in zip(gauge.levels, edges[1:], strict=True):
        end = min(following, until) if gap is None else min(following, until, level.at + gap)
        if level.at < end:
            yield level.at, end, level.value * share


def _counted_events(scene: Scene, measure: Measure, owner: str, members: Mapping[str, Spans]) -> Measured:
    """Falls of a level, or events: ready ones, or as the readings show them."""
    total, known = ZERO, False
    missing = []
    for name, spans in {**members, **({} if owner in members else {owner: _outer(members)})}.items():
        ready = _ready(scene, measure, name, spans)
        gauge = scene.facts.gauges.get((name, measure.register_path or ""))
        total += sum((q.quantity for q in ready), ZERO)
        if gauge and gauge.levels:
            total += shown(gauge, measure, spans)
        known = known or bool(ready) or bool(gauge and gauge.levels)
        if name in members and not ready and not (gauge and gauge.levels):
            missing.append(without_facts(measure, name, spans))
    cases = () if known else tuple(missing)
    return Measured(total if known else None, measure.unit or "", cases=cases, provisional=bool(missing))


def _ready(scene: Scene, measure: Measure, owner: str, spans: Spans) -> list[ReadyQuantity]:
    found = scene.facts.quantities_of.get((owner, measure.measure), [])
    return [q for q in found if any(start <= q.start and q.end <= end for start, end in spans)]


def _outer(members: Mapping[str, Spans]) -> Spans:
    """The stretch from the first to the last moment of any member."""
    edges = [edge for spans in members.values() for span in spans for edge in span]
    return ((min(edges), max(edges)),) if edges else ()


def pooled(scene: Scene, window: Window[Any], *, pool: bool) -> Iterable[tuple[str, dict[str, Spans]]]:
    """Owners of a window and their members: each asset for itself, or the pool."""
    members = members_of(scene, window)
    if pool:
        return [(pool_owner(scene.versions, window.term.applies_to), members)] if members else []
    return [(asset, {asset: spans}) for asset, spans in members.items()]
