"""Whose use is counted together, when, and on from where: what the agreement and the calendar say of a usage charge."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from contracts.evaluation import Figure
from contracts.plan import key_of
from contracts.pricing import Band
from contracts.segment import contract_years, days_touched, periods, pool_owner, segments
from contracts.span import cut, intersect, normal
from contracts.terms.indexation import reviewed
from contracts.terms.usage_charge import UsageCharge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from contracts.document import Measure
    from contracts.explain import Tier
    from contracts.scene import Scene
    from contracts.segment import Lineage, Segment
    from contracts.span import Spans

READ = ("counter_delta", "gauge_fall", "event_count")
MOST = 1024
ONE = Fraction(1)
Tiers: TypeAlias = "tuple[tuple[Band, ...], bool, tuple[str, ...], dict[int, Tier]]"
"""A charge's bands, whether one costs a fee, what each is called, and what is said of those passed as a whole."""
_TIERS: dict[tuple[int, int, int, str, str, str], tuple[UsageCharge, Tiers]] = {}
"""By the identity of a term, which is kept beside so that it stays its own, by proration, unit, and how it is told."""


@dataclass(slots=True)
class Stretch:
    """One owner's time in one segment of one reset window. start, end: the whole of it, also before the period.

    within: what of it is in the period; billed: what of the members' time is; begins, ends: of all that; run: stretches
    of one run count on from each other; first: the run begins with it, in this period; shrink: of tier bounds, by
    proration; share: its part of the days over which a step's fee is spread; bands: the tiers as written, shrunk;
    labels: what each is called; fees: whether one costs a fee once it is reached; measure, unit: what is counted, and
    in which unit; told: what is said of tiers that use passes as a whole. Nobody changes it once it is placed.
    """

    segment: Segment
    term: UsageCharge
    start: int
    end: int
    within: tuple[int, int]
    members: dict[str, Spans]
    billed: dict[str, Spans]
    run: tuple[int, int] = (0, 0)
    first: bool = False
    shrink: Fraction = Fraction(1)
    share: Fraction = Fraction(1)
    bands: tuple[Band, ...] = ()
    labels: tuple[str, ...] = ()
    told: dict[int, Tier] = field(default_factory=dict)
    begins: int = field(init=False)
    ends: int = field(init=False)
    fees: bool = False
    measure: Measure = field(init=False)
    unit: str = field(init=False)

    def __post_init__(self) -> None:
        self.begins = min((spans[0][0] for spans in self.billed.values()), default=self.start)
        self.ends = max((spans[-1][1] for spans in self.billed.values()), default=self.end)
        self.measure = self.segment.version.measure_by_name[self.term.measure]
        self.unit = self.measure.unit or ""

    def placed_as(self, like: Stretch) -> None:
        """Where one of the same time and segment is placed."""
        self.run, self.first, self.shrink, self.share = like.run, like.first, like.shrink, like.share
        self.bands, self.labels, self.fees, self.told = like.bands, like.labels, like.fees, like.told


def stretches(scene: Scene, lineage: Lineage) -> Mapping[str, Sequence[Stretch]]:
    """By owner, in order of time, what of a usage charge lies in the period."""
    key = "stretches", key_of(lineage), scene.start, scene.end, scene.until
    return scene.plan.once(key, lambda: _stretches(scene, lineage))


def spans_needed(scene: Scene, lineage: Lineage) -> dict[tuple[str, str], tuple[Measure, list[tuple[int, int]]]]:
    """(asset, register) to its measure and the spans of its readings; of a counter the ends are wanted."""
    found: dict[tuple[str, str], tuple[Measure, list[tuple[int, int]]]] = {}
    placed = [one for mine in stretches(scene, lineage).values() for one in mine]
    for one in sorted(placed, key=lambda one: one.run[0]):
        measure = one.measure
        if measure.kind not in READ:
            continue
        for asset, spans in one.billed.items():
            key = asset, measure.register_path or ""
            found.setdefault(key, (measure, []))[1].extend(cut(spans, edges(scene, one.term.clause, asset)))
    return found


def edges(scene: Scene, clause: str, asset: str) -> set[int]:
    """Where an asset's use is cut: prices move there, a duty makes units dearer, or a correction begins or ends."""
    moved: set[int] = set()
    if clause in scene.plan.indexed:
        moved = scene.plan.once(("reviewed", clause), lambda: reviewed(scene, clause))
    if not scene.breaches and not scene.cuts:
        return moved
    duties = {
        edge
        for breach in scene.breaches
        if breach.asset == asset and clause in (breach.term.surcharge_of, breach.term.multiplier_of)
        for edge in (breach.start, breach.end)
    }
    return duties.union(moved, scene.cuts)


def _stretches(scene: Scene, lineage: Lineage) -> dict[str, list[Stretch]]:
    found: dict[str, list[Stretch]] = {}
    for window in _windows(scene, lineage):
        for owner, mine in _of_window(scene, lineage, window).items():
            found.setdefault(owner, []).extend(mine)
    return found


def _windows(scene: Scene, lineage: Lineage) -> list[tuple[int, int]]:
    """Reset windows that touch the period; a charge whose window changes follows the one in force first."""
    found = [s for s in segments(scene.versions, lineage, scene.start, scene.end) if isinstance(s.term, UsageCharge)]
    if not found:
        return []
    if found[0].term.reset == "contract_year":  # type: ignore[attr-defined]
        return list(contract_years(scene.versions, scene.start, scene.end))
    return [p.span.micros for p in periods(found[0].version, scene.start, scene.end)]


def _of_window(scene: Scene, lineage: Lineage, window: tuple[int, int]) -> dict[str, list[Stretch]]:
    """By owner, everything of one window that lies in the period, in order of time, with its place in the window."""
    found: dict[str, list[Stretch]] = {}
    for segment in segments(scene.versions, lineage, *window):
        term = segment.term
        if not isinstance(term, UsageCharge):
            continue
        start, end = segment.start, segment.end
        within = max(start, scene.start), min(end, scene.end)
        members = scene.plan.covered(term.applies_to, start, end)
        pools = {pool_owner(scene.versions, term.applies_to): members} if term.scope == "pool" and members else {}
        for owner, group in (pools or {asset: {asset: spans} for asset, spans in members.items()}).items():
            billed = {asset: part for asset, spans in group.items() if (part := _so_far(scene, spans))}
            found.setdefault(owner, []).append(Stretch(segment, term, start, end, within, group, billed))
    placed: dict[object, list[Stretch]] = {}
    for mine in found.values():
        # Owners whose time is the same stand at the same place, and most of a fleet's are.
        time = tuple([(id(x.segment), tuple(x.members.values()), tuple(x.billed.values())) for x in mine])
        if time not in placed:
            _place(scene, mine, window)
            placed[time] = mine
        for one, like in zip(mine, placed[time], strict=True):
            one.placed_as(like)
    return {owner: kept for owner, mine in found.items() if (kept := [one for one in mine if one.billed])}


def _so_far(scene: Scene, spans: Spans) -> Spans:
    """What lies in the period; nothing of an asset that has yet to join."""
    found = intersect(spans, ((scene.start, scene.end),))
    return found if found and found[0][0] < scene.until else ()


def _place(scene: Scene, mine: list[Stretch], window: tuple[int, int]) -> None:
    """Where each stretch stands among those of its window: its run, its part of the days."""
    whole = len(days_touched((window,), scene.zone))
    taken: set[date] = set()
    days: list[tuple[int, int]] = []
    for n, one in enumerate(mine):
        touched = days_touched(((one.start, one.end),), scene.zone) - taken
        taken |= touched
        anew = n == 0 or one.term.on_amendment != "continue"
        one.run = (window[0], mine[n - 1].run[1] + anew if n else 0)
        one.first = anew and min(spans[0][0] for spans in one.members.values()) >= scene.start
        if one.term.on_amendment == "prorate":
            one.shrink = Fraction(len(touched), whole)
        one.bands, one.fees, one.labels, one.told = _tiers(one)
        active = len(_days(scene, one.members) & touched)
        days.append((active, active if one.billed == one.members else len(_days(scene, one.billed) & touched)))
    for _, run in groupby(zip(mine, days, strict=True), key=lambda pair: pair[0].run):
        some = list(run)
        together = sum(active for _, (active, _) in some)
        for one, (_, billed) in some:
            part = ONE if billed == together else Fraction(billed, together)
            one.share = part * one.shrink if together and one.shrink != ONE else part


def _tiers(one: Stretch) -> Tiers:
    """The same for all assets, and in all contracts that share the term."""
    term, shrink, unit, version = one.term, one.shrink, one.unit, one.segment.version
    key = id(term), shrink.numerator, shrink.denominator, unit, version.language, version.currency
    known = _TIERS.get(key)
    if known is None:
        bands = term.bands(shrink)
        labels = tuple(f"tier above {Figure(band.above).text()} {unit}" for band in bands)
        if len(_TIERS) >= MOST:
            _TIERS.clear()
        known = _TIERS[key] = term, (bands, any(band.fee is not None for band in bands), labels, {})
    return known[1]


def _days(scene: Scene, members: dict[str, Spans]) -> frozenset[date]:
    spans = tuple(members.values())
    return days_touched(spans[0] if len(spans) == 1 else normal(span for some in spans for span in some), scene.zone)
