"""The engine: what an evaluation needs to know, and the evaluation. Two pure functions; the only formula there is."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

from contracts import charge, uptime
from contracts.evaluation import ENGINE_VERSION, Evaluation, Line, Verdict
from contracts.facts import CounterNeed, Facts, Needs, StateNeed
from contracts.scene import Draft, Outcome, Scene
from contracts.segment import FOREVER, Segment, covered, in_force, lineages
from contracts.terms import fixed_fee
from contracts.terms.availability import Availability
from contracts.terms.fixed_fee import FixedFee
from contracts.terms.usage_charge import UsageCharge
from contracts.window import base_periods, windows
from core import canonical
from core.money import Money
from core.time import TZDATA_VERSION, micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from contracts.document import Measure, Version
    from contracts.segment import Lineage
    from core.time import Period


class NothingInForce(LookupError):
    """No version rules in the period, as far as is known."""


def needs(versions: Sequence[Version], period: Period, until: datetime) -> Needs:
    """What to load for `evaluate`: counters at instants, states over spans, everything else from start to end.

    versions: those known, ascending. until: later is not yet; the period's end, or the present for a running period.
    Raises NothingInForce.
    """
    scene = _scene(versions, Facts(), period, until)
    counters: dict[tuple[str, str], tuple[Measure, set[int]]] = {}
    states: dict[tuple[str, str], tuple[int, int, int]] = {}
    scenes = {scene.period.label: scene}
    for lineage in lineages(scene.versions):
        for window in windows(scene, lineage):
            for asset, spans in covered(
                scene.versions, window.term.applies_to, window.start, min(window.end, scene.until)
            ).items():
                measure = window.version.measure_by_name[window.term.measure]
                key = asset, measure.register_path or ""
                start, end, gap = states.get(key, (FOREVER, 0, measure.max_gap_micros or 0))
                states[key] = (min(start, spans[0][0]), max(end, spans[-1][1]), gap)
            for base in base_periods(scene, window):
                scenes.setdefault(base.label, _scene(versions, Facts(), base, until))
    for one in scenes.values():
        for lineage in lineages(one.versions):
            for key, (measure, spans_) in charge.spans_needed(one, lineage).items():
                instants = counters.setdefault(key, (measure, set()))[1]
                instants |= {min(at, one.until) for span in spans_ if span[0] < one.until for at in span}
    return _needs(scene, counters, states)


def evaluate(versions: Sequence[Version], facts: Facts, period: Period, until: datetime) -> Evaluation:
    """Everything that the contract says of a period, from these facts alone. Same inputs, same hash.

    Raises NothingInForce.
    """
    scene = _scene(versions, facts, period, until)
    known = lineages(scene.versions)

    @cache
    def charges(label: str) -> Outcome:
        return _charges(scene if label == period.label else _scene(versions, facts, others[label], until), known)

    others: dict[str, Period] = {}

    def bill(other: Period) -> Outcome:
        others[other.label] = other
        return charges(other.label)

    outcome = Outcome()
    outcome.add(bill(period))
    for lineage in known:
        if any(isinstance(term, Availability) for term in lineage.values()):
            outcome.add(uptime.evaluate(scene, lineage, bill))
    return _evaluation(scene, outcome)


def _scene(versions: Sequence[Version], facts: Facts, period: Period, until: datetime) -> Scene:
    start, end = period.span.micros
    if not versions or not in_force(versions, start, end):
        raise NothingInForce(f"no version of the contract is in force in {period.label}, as far as is known")
    return Scene(tuple(versions), facts, period, start, end, min(end, micros(until)))


def _charges(scene: Scene, known: Iterable[Lineage]) -> Outcome:
    outcome = Outcome()
    for lineage in known:
        kinds: set[type] = {type(term) for term in lineage.values()}
        if FixedFee in kinds:
            outcome.add(fixed_fee.evaluate(scene, lineage))
        if UsageCharge in kinds:
            outcome.add(charge.evaluate(scene, lineage))
    return outcome


def _needs(
    scene: Scene,
    counters: dict[tuple[str, str], tuple[Measure, set[int]]],
    states: dict[tuple[str, str], tuple[int, int, int]],
) -> Needs:
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
        for (asset, register), (measure, instants) in counters.items()
        if len(instants) > 1
    ]
    seen = [StateNeed(asset, register, *span) for (asset, register), span in states.items()]
    edges = [at for need in wanted for at in need.instants] + [at for need in seen for at in (need.start, need.end)]
    assets = sorted({need.asset for need in wanted} | {need.asset for need in seen})
    return Needs(
        min([scene.start, *edges]),
        max([scene.until, *edges]),
        tuple(assets),
        tuple(sorted(wanted)),
        tuple(sorted(seen)),
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
    ).sealed()


def _input_hash(scene: Scene) -> str:
    facts = scene.facts
    known = {
        name: sorted((canonical.plain(item) for item in getattr(facts, name)), key=canonical.text)
        for name in ("quantities", "attributions", "notices", "carried", "history", "invoiced")
    }
    return canonical.digest(
        {
            **known,
            "versions": [version.hash for version in scene.versions],
            "period": [scene.period.label, scene.start, scene.end, scene.until],
            "counters": facts.counters,
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
