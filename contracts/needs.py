"""What an evaluation needs to know: which counters at which instants, which states and gauges over which stretch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from contracts import cost, duty, uptime
from contracts.alike import needs_alike
from contracts.facts import CounterNeed, Facts, GaugeNeed, Needs, StateNeed
from contracts.plan import plan_of
from contracts.quantity import Demand
from contracts.scene import Scene
from contracts.segment import FOREVER, periods
from contracts.stretch import spans_needed
from contracts.terms import (
    allowance,
    evidence_dispute,
    gain_share,
    minimum_commitment,
    obligation,
    performance,
    replenishment,
    spend_cap,
    termination_right,
)
from contracts.terms.allowance import Allowance
from contracts.terms.availability import Availability
from contracts.terms.event_guarantee import EventGuarantee
from contracts.terms.evidence_dispute import EvidenceDispute
from contracts.terms.gain_share import GainShare
from contracts.terms.minimum_commitment import MinimumCommitment
from contracts.terms.obligation import Obligation
from contracts.terms.performance import Performance
from contracts.terms.replenishment import Replenishment
from contracts.terms.spend_cap import SpendCap
from contracts.terms.termination_right import TerminationRight
from contracts.window import base_periods, windows
from core.time import Period, micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from contracts.document import Measure, Version
    from contracts.segment import Lineage
    from contracts.terms.base import Term


class NothingInForce(LookupError):
    """No version rules in the period or ruled before it, as far as is known."""


def needs(versions: Sequence[Version], period: Period, until: datetime, known: Facts | None = None) -> Needs:
    """What to load for `evaluate`: counters at instants, states and gauges over spans, the rest from start to end.

    versions: those known, ascending. until: later is not yet; the period's end, or the present for a running period.
    known: facts loaded before, if `Needs.again` asks for it: duties and meter tests cut what is counted.
    Raises NothingInForce.
    """
    if known is None:
        return needs_alike(versions, period, until, lambda: _needs(versions, Facts(), period, until))
    return _needs(versions, known, period, until)


def _needs(versions: Sequence[Version], known: Facts, period: Period, until: datetime) -> Needs:
    scene = scene_of(versions, known, period, until)
    wanted = _Wanted()
    scenes = {scene.period.label: scene}
    for lineage, kinds in scene.plan.kinds:
        for demand in _demands(scene, lineage, kinds):
            wanted.add(demand, scene.asked)
        for base in _base_periods(scene, lineage, kinds):
            scenes.setdefault(base.label, scene.of(base))
        for test, _, term in evidence_dispute.corrections(scene, lineage) if EvidenceDispute in kinds else ():
            _add_correction(scene, evidence_dispute.window(scene, term, test), wanted)
    for one in scenes.values():
        _add_use(one, wanted)
    return wanted.needs(scene)


def scene_of(versions: Sequence[Version], facts: Facts, period: Period, until: datetime) -> Scene:
    """One contract and period, with the breaches that the facts show. Raises NothingInForce.

    After the agreement's end nothing is charged any more, and what was invoiced ahead or left over is settled.
    """
    start, end = period.span.micros
    if not versions or end <= versions[0].effective_from:
        raise NothingInForce(f"no version of the contract is in force in {period.label}, as far as is known")
    asked, plan = micros(until), plan_of(versions)
    breached = duty.breaches(versions, plan.of_kind(Obligation), facts, min(asked, FOREVER))
    return Scene(plan.versions, facts, period, start, end, min(end, asked), asked, start, plan, breached)


def _demands(scene: Scene, lineage: Lineage, kinds: frozenset[type[Term]]) -> Iterator[Demand]:
    """What the terms of a lineage measure, beside usage charges. kinds: theirs."""
    every: tuple[tuple[type[Term], Callable[[Scene, Lineage], Iterator[Demand]]], ...] = (
        (Allowance, allowance.demands),
        (Obligation, obligation.demands),
        (MinimumCommitment, minimum_commitment.demands),
        (GainShare, gain_share.demands),
        (Performance, performance.demands),
        (Availability, uptime.demands),
        (Replenishment, replenishment.demands),
        (TerminationRight, termination_right.demands),
    )
    for kind, demands in every:
        if kind in kinds:
            yield from demands(scene, lineage)


def _base_periods(scene: Scene, lineage: Lineage, kinds: frozenset[type[Term]]) -> Iterator[Period]:
    """Other periods whose charges the terms of a lineage look at. kinds: theirs."""
    bases: tuple[tuple[type[Term], str], ...] = (
        (Availability, "base"), (Performance, "base"), (GainShare, "base"), (MinimumCommitment, "of"),
    )  # fmt: skip
    for kind, name in bases:
        for window in windows(scene, lineage, kind) if kind in kinds else ():
            yield from base_periods(scene, window, getattr(window.term, name))
    for capped in windows(scene, lineage, SpendCap) if SpendCap in kinds else ():
        yield from spend_cap.earlier(scene, capped)


def _add_correction(scene: Scene, span: tuple[int, int], wanted: _Wanted) -> None:
    version = scene.versions[0]
    for period in periods(version, max(span[0], version.effective_from), span[1]):
        _add_use(replace(scene.of(period), cuts=span), wanted)


def _add_use(scene: Scene, wanted: _Wanted) -> None:
    """What usage charges count, and what makes it dearer."""
    for lineage in scene.plan.lineages:
        for (asset, _), (measure, spans) in spans_needed(scene, lineage).items():
            wanted.add(Demand(measure, asset, tuple(spans)), scene.until)
        for demand in cost.demands(scene, lineage):
            wanted.add(demand, scene.until)


@dataclass(slots=True)
class _Wanted:
    """Needs as they come together, by asset and register."""

    counters: dict[tuple[str, str], tuple[Measure, set[int]]] = field(default_factory=dict)
    states: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    gauges: dict[tuple[str, str], tuple[int, int, str]] = field(default_factory=dict)
    estimated: set[tuple[str, str]] = field(default_factory=set)

    def add(self, demand: Demand, until: int) -> None:
        """Take in a demand, as far as time has come."""
        measure, key = demand.measure, (demand.asset, demand.measure.register_path or "")
        spans = [(start, min(end, until)) for start, end in demand.spans if start < until]
        if not spans:
            return
        first, last = min(start for start, _ in spans), max(end for _, end in spans)
        if measure.kind == "state_time":
            start, end, gap = self.states.get(key, (FOREVER, 0, measure.max_gap_micros or 0))
            self.states[key] = (min(start, first), max(end, last), gap)
        elif measure.kind == "counter_delta":
            self.counters.setdefault(key, (measure, set()))[1].update(at for span in spans for at in span)
            if measure.bills_estimates:
                self.estimated.add(key)
        else:
            start, end, unit = self.gauges.get(key, (FOREVER, 0, measure.unit or ""))
            self.gauges[key] = (min(start, first), max(end, last), unit)

    def needs(self, scene: Scene) -> Needs:
        """As the loader wants it."""
        wanted = [
            CounterNeed(
                asset,
                register,
                tuple(sorted(instants)),
                measure.unit or "",
                measure.on_reset or "hold",
                measure.boundary or "interpolate",
                measure.modulus,
                measure.max_rate,
                measure.max_gap_micros,
                (asset, register) in self.estimated,
            )
            for (asset, register), (measure, instants) in self.counters.items()
            if len(instants) > 1
        ]
        states = [StateNeed(asset, register, *span) for (asset, register), span in self.states.items()]
        gauges = [GaugeNeed(asset, register, *span) for (asset, register), span in self.gauges.items()]
        edges = [at for counter in wanted for at in counter.instants]
        spans: list[StateNeed | GaugeNeed] = [*states, *gauges]
        edges += [at for need in spans for at in (need.start, need.end)]
        return Needs(
            min([scene.start, *edges]),
            max([scene.until, *edges]),
            tuple(sorted({counter.asset for counter in wanted} | {need.asset for need in spans})),
            tuple(sorted(wanted)),
            tuple(sorted(states)),
            tuple(sorted(gauges)),
            _cuts_later(scene),
            _clocks(scene),
            scene.start,
        )


def _clocks(scene: Scene) -> frozenset[tuple[str, str]]:
    terms = (term for version in scene.versions for term in version.terms)
    return frozenset((term.clock_start, term.clock_stop) for term in terms if isinstance(term, EventGuarantee))


def _cuts_later(scene: Scene) -> bool:
    """Whether facts may name instants at which use must be known."""
    terms = [term for version in scene.versions for term in version.terms]
    return any(
        isinstance(term, EvidenceDispute)
        or (isinstance(term, Obligation) and (term.surcharge_of is not None or term.multiplier_of is not None))
        for term in terms
    )
