"""The engine: what an evaluation needs to know, and the evaluation. Two pure functions; the only formula there is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from contracts import advance, applied, basis, charge, uptime
from contracts.evaluation import ENGINE_VERSION, Evaluation, Line, Verdict
from contracts.needs import NothingInForce, needs, scene_of
from contracts.phrase import say
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, settling
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
from core.money import Money
from core.time import TZDATA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from contracts.document import Version
    from contracts.facts import Facts
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from contracts.terms.base import Term
    from core.time import Period

__all__ = ["NothingInForce", "evaluate", "input_hash", "needs"]
Bill: TypeAlias = "Callable[[Period], Outcome]"
"""The charges of any period."""


def evaluate(versions: Sequence[Version], facts: Facts, period: Period, until: datetime) -> Evaluation:
    """Everything that the contract says of a period, from these facts alone. Same inputs, same hash.

    Raises NothingInForce.
    """
    scene = scene_of(versions, facts, period, until)
    bills = _Bills(scene)
    outcome = Outcome()
    outcome.add(bills.whole(period))
    _promises(scene, bills.whole, outcome)
    _closing(scene, outcome)
    return _evaluation(scene, outcome)


class _Bills:
    """The charges of any period, each counted once; bare: without what duties and minimums add."""

    def __init__(self, scene: Scene) -> None:
        self._scenes = {scene.period.label: scene}
        self._scene = scene
        self._bare: dict[str, Outcome] = {}
        self._whole: dict[str, Outcome] = {}

    def bare(self, period: Period) -> Outcome:
        if period.label not in self._bare:
            self._bare[period.label] = _charges(self._of(period))
        return self._bare[period.label]

    def whole(self, period: Period) -> Outcome:
        if period.label not in self._whole:
            self._whole[period.label] = _with_duties(self._of(period), self.bare(period), self.bare)
        return self._whole[period.label]

    def _of(self, period: Period) -> Scene:
        if period.label not in self._scenes:
            self._scenes[period.label] = self._scene.of(period)
        return self._scenes[period.label]


def _charges(scene: Scene) -> Outcome:
    """What is charged for having and using: allowances first, because they cover units of usage charges."""
    outcome = Outcome()
    for lineage in scene.plan.of_kind(Allowance):
        _take(scene, lineage, allowance.evaluate(scene, lineage), outcome)
    for lineage, kinds in scene.plan.kinds:
        if FixedFee in kinds:
            _take(scene, lineage, fixed_fee.evaluate(scene, lineage), outcome)
        if UsageCharge in kinds:
            _take(scene, lineage, charge.evaluate(scene, lineage, outcome.free), outcome)
    return outcome


def _with_duties(scene: Scene, bare: Outcome, bill: Bill) -> Outcome:
    """Charges with what duties add to them, and minimum commitments."""
    if not scene.plan.of_kind(Obligation) and not scene.plan.of_kind(MinimumCommitment):
        return bare
    outcome = Outcome()
    outcome.add(bare)
    for lineage in scene.plan.of_kind(Obligation):
        _take(scene, lineage, obligation.evaluate(scene, lineage, bare.units), outcome)
    for lineage in scene.plan.of_kind(MinimumCommitment):
        _take(scene, lineage, minimum_commitment.evaluate(scene, lineage, bill), outcome)
    return outcome


def _promises(scene: Scene, bill: Bill, outcome: Outcome) -> None:
    """What charges are capped at, and what promises give back; caps and earning back are theirs."""
    evaluators: tuple[tuple[type[Term], Callable[[Scene, Lineage, Bill], Outcome]], ...] = (
        (SpendCap, spend_cap.evaluate),
        (GainShare, gain_share.evaluate),
        (Performance, performance.evaluate),
        (Availability, uptime.evaluate),
        (EventGuarantee, lambda scene, lineage, _: event_guarantee.evaluate(scene, lineage)),
    )
    for kind, evaluator in evaluators:
        for lineage in scene.plan.of_kind(kind):
            _take(scene, lineage, evaluator(scene, lineage, bill), outcome)


def _closing(scene: Scene, outcome: Outcome) -> None:
    """What rests on all else: shipments, rights, corrections, fees ahead, and last what is paid already."""
    for lineage in scene.plan.of_kind(Indexation):
        _take(scene, lineage, indexation.evaluate(scene, lineage), outcome)
    for lineage in scene.plan.of_kind(Replenishment):
        _take(scene, lineage, replenishment.evaluate(scene, lineage), outcome)
    for lineage in scene.plan.of_kind(EvidenceDispute):
        _take(scene, lineage, evidence_dispute.evaluate(scene, lineage), outcome)
    for lineage in scene.plan.of_kind(TerminationRight):
        _take(scene, lineage, termination_right.evaluate(scene, lineage, outcome.verdicts), outcome)
    for lineage in (*scene.plan.of_kind(Availability), *scene.plan.of_kind(Performance)) if scene.facts.carried else ():
        _take(scene, lineage, applied.evaluate(scene, lineage), outcome)
    for lineage in scene.plan.of_kind(FixedFee):
        if scene.facts.carried or any(term.advance for term in lineage.values() if isinstance(term, FixedFee)):
            _take(scene, lineage, advance.evaluate(scene, lineage), outcome)
    for lineage in scene.plan.of_kind(Prepaid):
        settled = {clause for term in lineage.values() if isinstance(term, Prepaid) for clause in term.of}
        soft = any(v.status != "final" for v in outcome.verdicts if v.clause in settled)
        result = prepaid.evaluate(scene, lineage, outcome.lines, "provisional" if soft else "final")
        _take(scene, lineage, result, outcome)


def _take(scene: Scene, lineage: Lineage, found: Outcome, outcome: Outcome) -> None:
    """Take in a term's results, as far as breached duties leave them."""
    outcome.add(_left(scene, tuple(lineage.values()), found) if scene.breaches else found)


def _left(scene: Scene, terms: Sequence[Term], found: Outcome) -> Outcome:
    """Nothing of a term where its condition failed; its lines wait where a duty holds it."""
    if not any(term.condition for term in terms) and not any(b.term.holds for b in scene.breaches):
        return found
    out = {(v.clause, v.owner) for v in found.verdicts if _barred(scene, terms, v) or _held(scene, v)}
    lines = [line for line in found.lines if (line.clause, line.owner) not in out]
    return replace(found, lines=lines, verdicts=[_conditioned(scene, terms, verdict) for verdict in found.verdicts])


def _conditioned(scene: Scene, terms: Sequence[Term], verdict: Verdict) -> Verdict:
    if _barred(scene, terms, verdict):
        return verdict._replace(state="not_applicable", status="final" if not scene.running else "provisional")
    return verdict._replace(status="provisional") if _held(scene, verdict) else verdict


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


def _evaluation(scene: Scene, outcome: Outcome) -> Evaluation:
    lines = sorted(outcome.lines, key=_order(scene))
    verdicts = sorted(outcome.verdicts, key=_order(scene))
    ruling = [version for version, _, _ in settling(scene.versions, scene.start, scene.end)]
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
        basis.input_hash(scene),
        tuple(sorted(outcome.events, key=lambda event: (event.at, event))),
        outcome.prepared,
    )


def input_hash(versions: Sequence[Version], facts: Facts, period: Period, until: datetime) -> str:
    """What `evaluate` would say that it rests on, without evaluating. Raises NothingInForce."""
    return basis.input_hash(scene_of(versions, facts, period, until))


def _order(scene: Scene) -> Callable[[Line | Verdict], tuple[int, str, str, int]]:
    places = scene.plan.places
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
            amounts = f"{now.amount:f}", f"{before.amount:f}"
            text = say(version.language, "instead", scene.period.label, *amounts)
            segment = Segment(terms[clause], version, scene.start, scene.end)
            exact = (now - before).amount
            draft = Draft(scene.start, scene.end, text, Fraction(exact))
            yield scene.line(segment, owner, draft, now - before)
