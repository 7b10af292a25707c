"""The engine: what an evaluation needs to know, and the evaluation. Two pure functions; the only formula there is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from contracts import charge, duty, uptime
from contracts.evaluation import ENGINE_VERSION, Evaluation, Line, Verdict
from contracts.facts import CounterNeed, Facts, GaugeNeed, Needs, StateNeed
from contracts.quantity import Demand
from contracts.scene import Draft, Outcome, Scene
from contracts.segment import FOREVER, Segment, in_force, lineages, periods
from contracts.stretch import spans_needed
from contracts.terms import (
    allowance,
    event_guarantee,
    evidence_dispute,
    fixed_fee,
    gain_share,
    indexation,
    minimum_commitment,
    obligation,
    performance,
    prepaid,
    replenishment,
    spend_cap,
    termination_right,
)
from contracts.terms.allowance import Allowance
from contracts.terms.availability import Availability
from contracts.terms.event_guarantee import EventGuarantee
from contracts.terms.evidence_dispute import EvidenceDispute
from contracts.terms.fixed_fee import FixedFee
from contracts.terms.gain_share import GainShare
from contracts.terms.indexation import Indexation
from contracts.terms.minimum_commitment import MinimumCommitment
from contracts.terms.obligation import Obligation
from contracts.terms.performance import Performance
from contracts.terms.prepaid import Prepaid
from contracts.terms.replenishment import Replenishment
from contracts.terms.spend_cap import SpendCap
from contracts.terms.termination_right import TerminationRight
from contracts.terms.usage_charge import UsageCharge
from contracts.window import base_periods, windows
from core import canonical
from core.money import Money
from core.time import TZDATA_VERSION, Period, micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from contracts.document import Measure, Version
    from contracts.segment import Lineage
    from contracts.terms.base import Term

Bill: TypeAlias = "Callable[[Period], Outcome]"
"""The charges of any period."""


class NothingInForce(LookupError):
    """No version rules in the period, as far as is known."""


def needs(versions: Sequence[Version], period: Period, until: datetime, known: Facts | None = None) -> Needs:
    """What to load for `evaluate`: counters at instants, states and gauges over spans, the rest from start to end.

    versions: those known, ascending. until: later is not yet; the period's end, or the present for a running period.
    known: facts loaded before, if `Needs.again` asks for it: duties and meter tests cut what is counted.
    Raises NothingInForce.
    """
    scene = _scene(versions, known or Facts(), period, until)
    wanted = _Wanted()
    scenes = {scene.period.label: scene}
    for lineage in lineages(scene.versions):
        for demand in _demands(scene, lineage):
            wanted.add(demand, scene.asked)
        for base in _base_periods(scene, lineage):
            scenes.setdefault(base.label, scene.of(base))
        for test, _, term in evidence_dispute.corrections(scene, lineage):
            _add_correction(scene, evidence_dispute.window(scene, term, test), wanted)
    for one in scenes.values():
        for lineage in lineages(one.versions):
            for (asset, _), (measure, spans) in spans_needed(one, lineage).items():
                wanted.add(Demand(measure, asset, tuple(spans)), one.until)
    return wanted.needs(scene)


def evaluate(versions: Sequence[Version], facts: Facts, period: Period, until: datetime) -> Evaluation:
    """Everything that the contract says of a period, from these facts alone. Same inputs, same hash.

    Raises NothingInForce.
    """
    scene = _scene(versions, facts, period, until)
    known = lineages(scene.versions)

    @cache
    def bare(label: str) -> Outcome:
        return _charges(others[label], known)

    @cache
    def whole(label: str) -> Outcome:
        return _with_duties(others[label], known, bare(label), bill_bare)

    others: dict[str, Scene] = {period.label: scene}

    def bill_bare(other: Period) -> Outcome:
        others.setdefault(other.label, scene.of(other))
        return bare(other.label)

    def bill(other: Period) -> Outcome:
        others.setdefault(other.label, scene.of(other))
        return whole(other.label)

    outcome = Outcome()
    outcome.add(bill(period))
    _promises(scene, known, bill, outcome)
    _closing(scene, known, outcome)
    return _evaluation(scene, outcome)


def _scene(versions: Sequence[Version], facts: Facts, period: Period, until: datetime) -> Scene:
    start, end = period.span.micros
    if not versions or not in_force(versions, start, end):
        raise NothingInForce(f"no version of the contract is in force in {period.label}, as far as is known")
    asked = micros(until)
    breached = duty.breaches(versions, lineages(versions), facts, min(asked, FOREVER))
    return Scene(tuple(versions), facts, period, start, end, min(end, asked), asked, breached)


def _charges(scene: Scene, known: Iterable[Lineage]) -> Outcome:
    """What is charged for having and using: allowances first, because they cover units of usage charges."""
    outcome = Outcome()
    for lineage in _of_kind(known, Allowance):
        _take(scene, lineage, allowance.evaluate(scene, lineage), outcome)
    for lineage in known:
        kinds: set[type] = {type(term) for term in lineage.values()}
        if FixedFee in kinds:
            _take(scene, lineage, fixed_fee.evaluate(scene, lineage), outcome)
        if UsageCharge in kinds:
            _take(scene, lineage, charge.evaluate(scene, lineage, outcome.free), outcome)
    return outcome


def _with_duties(scene: Scene, known: Iterable[Lineage], bare: Outcome, bill: Bill) -> Outcome:
    """Charges with what duties add to them, and minimum commitments."""
    outcome = Outcome()
    outcome.add(bare)
    for lineage in _of_kind(known, Obligation):
        _take(scene, lineage, obligation.evaluate(scene, lineage, bare.units), outcome)
    for lineage in _of_kind(known, MinimumCommitment):
        _take(scene, lineage, minimum_commitment.evaluate(scene, lineage, bill), outcome)
    return outcome


def _promises(scene: Scene, known: Iterable[Lineage], bill: Bill, outcome: Outcome) -> None:
    """What charges are capped at, and what promises give back; caps and earning back are theirs."""
    evaluators: tuple[tuple[type[Term], Callable[[Scene, Lineage, Bill], Outcome]], ...] = (
        (SpendCap, spend_cap.evaluate),
        (GainShare, gain_share.evaluate),
        (Performance, performance.evaluate),
        (Availability, uptime.evaluate),
        (EventGuarantee, lambda scene, lineage, _: event_guarantee.evaluate(scene, lineage)),
    )
    for kind, evaluator in evaluators:
        for lineage in _of_kind(known, kind):
            _take(scene, lineage, evaluator(scene, lineage, bill), outcome)


def _closing(scene: Scene, known: Iterable[Lineage], outcome: Outcome) -> None:
    """What rests on all else: shipments, rights, corrections, and last what is paid already."""
    for lineage in _of_kind(known, Indexation):
        _take(scene, lineage, indexation.evaluate(scene, lineage), outcome)
    for lineage in _of_kind(known, Replenishment):
        _take(scene, lineage, replenishment.evaluate(scene, lineage), outcome)
    for lineage in _of_kind(known, EvidenceDispute):
        _take(scene, lineage, evidence_dispute.evaluate(scene, lineage), outcome)
    for lineage in _of_kind(known, TerminationRight):
        _take(scene, lineage, termination_right.evaluate(scene, lineage, outcome.verdicts), outcome)
    for lineage in _of_kind(known, Prepaid):
        settled = {clause for term in lineage.values() if isinstance(term, Prepaid) for clause in term.of}
        soft = any(v.status != "final" for v in outcome.verdicts if v.clause in settled)
        result = prepaid.evaluate(scene, lineage, outcome.lines, "provisional" if soft else "final")
        _take(scene, lineage, result, outcome)


def _of_kind(known: Iterable[Lineage], kind: type[Term]) -> list[Lineage]:
    return [lineage for lineage in known if any(isinstance(term, kind) for term in lineage.values())]


def _take(scene: Scene, lineage: Lineage, found: Outcome, outcome: Outcome) -> None:
    """Take in a term's results: nothing of it where its condition failed; its lines wait where a duty holds it."""
    terms = tuple(lineage.values())
    if any(term.condition for term in terms) or any(b.term.holds for b in scene.breaches):
        out = {(v.clause, v.owner) for v in found.verdicts if _barred(scene, terms, v) or _held(scene, v)}
        found.verdicts = [_conditioned(scene, terms, verdict) for verdict in found.verdicts]
        found.lines = [line for line in found.lines if (line.clause, line.owner) not in out]
    outcome.add(found)


def _conditioned(scene: Scene, terms: Sequence[Term], verdict: Verdict) -> Verdict:
    if _barred(scene, terms, verdict):
        return replace(verdict, state="not_applicable", status="final" if not scene.running else "provisional")
    return replace(verdict, status="provisional") if _held(scene, verdict) else verdict


def _barred(scene: Scene, terms: Sequence[Term], item: Verdict) -> bool:
    term = next((term for term in terms if term.clause == item.clause), None)
    return term is not None and scene.barred(term, _assets_of(scene, item.owner), item.start, item.end)


def _held(scene: Scene, item: Verdict) -> bool:
    """Whether a breached duty lets the clause wait for a person."""
    whose = _assets_of(scene, item.owner)
    return any(
        item.clause in b.term.holds and b.asset in whose and b.start < item.end and item.start < b.end
        for b in scene.breaches
    )


def _assets_of(scene: Scene, owner: str) -> set[str]:
    """The assets that an owner stands for: itself, those of its group, or all of the contract."""
    items = [item for version in scene.versions for item in version.coverage]
    return {owner} | {item.asset for item in items if owner in (item.group, "contract")}


def _demands(scene: Scene, lineage: Lineage) -> Iterator[Demand]:
    """What the terms of a lineage measure, beside usage charges."""
    kinds: set[type] = {type(term) for term in lineage.values()}
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


def _base_periods(scene: Scene, lineage: Lineage) -> Iterator[Period]:
    """Other periods whose charges the terms of a lineage look at."""
    bases: tuple[tuple[type[Term], str], ...] = (
        (Availability, "base"), (Performance, "base"), (GainShare, "base"), (MinimumCommitment, "of"),
    )  # fmt: skip
    for kind, name in bases:
        for window in windows(scene, lineage, kind):
            yield from base_periods(scene, window, getattr(window.term, name))
    for capped in windows(scene, lineage, SpendCap):
        yield from spend_cap.earlier(scene, capped)


def _add_correction(scene: Scene, span: tuple[int, int], wanted: _Wanted) -> None:
    version = scene.versions[0]
    for period in periods(version, max(span[0], version.effective_from), span[1]):
        then = replace(scene.of(period), cuts=span)
        for lineage in lineages(scene.versions):
            for (asset, _), (measure, spans) in spans_needed(then, lineage).items():
                wanted.add(Demand(measure, asset, tuple(spans)), then.until)


@dataclass(slots=True)
class _Wanted:
    """Needs as they come together, by asset and register."""

    counters: dict[tuple[str, str], tuple[Measure, set[int]]] = field(default_factory=dict)
    states: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    gauges: dict[tuple[str, str], tuple[int, int, str]] = field(default_factory=dict)

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
        )


def _cuts_later(scene: Scene) -> bool:
    """Whether facts may name instants at which use must be known."""
    terms = [term for version in scene.versions for term in version.terms]
    return any(
        isinstance(term, EvidenceDispute)
        or (isinstance(term, Obligation) and (term.surcharge_of is not None or term.multiplier_of is not None))
        for term in terms
    )


def _evaluation(scene: Scene, outcome: Outcome) -> Evaluation:
    lines = sorted(outcome.lines, key=_order(scene))
    verdicts = sorted(outcome.verdicts, key=_order(scene))
    ruling = [version for version, _, _ in in_force(scene.versions, scene.start, scene.end)]
    return Evaluation(
        scene.versions[0].contract,
        scene.period.label,
        scene.zone.key,
        scene.currency,
        scene.start,
        scene.end,
        scene.until,
        scene.facts.knowledge,
        tuple(version.version for version in ruling),
        tuple(lines),
        tuple(verdicts),
        tuple(sorted(outcome.cases, key=lambda item: (item.clause, item.case))),
        tuple(outcome.carry),
        tuple(_delta(scene, lines, ruling[-1])),
        tuple(sorted(set(outcome.problems))),
        ENGINE_VERSION,
        TZDATA_VERSION,
        _input_hash(scene),
        events=tuple(sorted(outcome.events, key=lambda event: (event.at, event))),
    ).sealed()


_UNORDERED = (
    "quantities", "attributions", "notices", "carried", "history", "invoiced", "unmet", "tickets", "pauses",
    "substitutes", "index_values", "meter_tests",
)  # fmt: skip


def _input_hash(scene: Scene) -> str:
    facts = scene.facts
    known = {
        name: sorted((canonical.plain(item) for item in getattr(facts, name) or ()), key=canonical.text)
        for name in _UNORDERED
    }
    return canonical.digest(
        {
            **known,
            "versions": [version.hash for version in scene.versions],
            "period": [scene.period.label, scene.start, scene.end, scene.until],
            "counters": facts.counters,
            "gauges": facts.gauges,
            "ready_duties": facts.unmet is not None,
            "states": facts.states,
            "otherwise": facts.otherwise,
            "engine": ENGINE_VERSION,
            "tzdata": TZDATA_VERSION,
        }
    )


def _order(scene: Scene) -> Callable[[Line | Verdict], tuple[int, str, str, int]]:
    places = {term.clause: n for version in reversed(scene.versions) for n, term in enumerate(version.terms)}
    return lambda item: (places.get(item.clause, 0), item.clause, item.owner, item.start)


def _delta(scene: Scene, lines: list[Line], version: Version) -> Iterable[Line]:
    """For each clause and owner what differs from the lines invoiced so far, if any were."""
    if not scene.facts.invoiced:
        return
    sums: dict[tuple[str, str], list[Money]] = {}
    now_and_before = (
        *((line.clause, line.owner, line.amount, 0) for line in lines),
        *((line.clause, line.owner, line.amount, 1) for line in scene.facts.invoiced),
    )
    for clause, owner, amount, n in now_and_before:
        pair = sums.setdefault((clause, owner), [Money.zero(scene.currency), Money.zero(scene.currency)])
        pair[n] += amount
    terms = {term.clause: term for known in scene.versions for term in known.terms}
    for (clause, owner), (now, before) in sorted(sums.items()):
        if now != before and clause in terms:
            text = f"{scene.period.label}: {now.amount:f} instead of {before.amount:f}"
            segment = Segment(terms[clause], version, scene.start, scene.end)
            exact = (now - before).amount
            draft = Draft(scene.start, scene.end, text, Fraction(exact))
            yield scene.line(segment, owner, draft, now - before)
