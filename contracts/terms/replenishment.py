"""A level that triggers a shipment. It never changes the bill."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from contracts.evaluation import Event, Verdict
from contracts.facts import Case
from contracts.quantity import Demand
from contracts.scene import Outcome
from contracts.segment import covered, in_force
from contracts.terms.base import Term
from contracts.words import Count, DurationWord, Name, QuantityWord, Word
from core.problem import Problem
from core.time import instant, micros
from core.units import convertible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.document import Version
    from contracts.facts import Level
    from contracts.scene import Scene
    from contracts.segment import Lineage

DAY = 86_400_000_000


class Replenishment(Term):
    """Parameters. lead: until a shipment arrives; max_open: how many may be on their way."""

    kind: Literal["replenishment"]
    measure: Name
    consumable: Word
    level_below: QuantityWord | None = None
    days_left_below: DurationWord | None = None
    lead: DurationWord
    max_open: Count

    @property
    def measures(self) -> tuple[str, ...]:
        """What is observed."""
        return (self.measure,)

    def check(self, version: Version) -> Iterator[Problem]:
        """One trigger, on a level."""
        yield from super().check(version)
        if (self.level_below is None) == (self.days_left_below is None):
            yield Problem("level_below", "needs one of level_below and days_left_below", "say what triggers it")
        measure = version.measure_by_name.get(self.measure)
        if measure is not None and measure.kind != "gauge_level":
            yield Problem("measure", f"{self.measure} is a {measure.kind}", "name a gauge_level")
        elif measure is not None and self.level_below and not convertible(self.level_below.unit, measure.unit or ""):
            yield Problem("level_below", f"{self.level_below} is no {measure.unit}", "use the measure's unit")
        if self.max_open < 1:
            yield Problem("max_open", "lets nothing be sent", "write 1 or more")


def demands(scene: Scene, lineage: Lineage) -> Iterator[Demand]:
    """Levels of the period, and of the lead before it: what is still on its way is not sent twice."""
    for version, term, since, until in _ruling(scene, lineage):
        start = micros(term.lead.before(instant(since), version.zone))
        for asset in covered(scene.versions, term.applies_to, since, until):
            yield Demand(version.measure_by_name[term.measure], asset, ((start, until),))


def evaluate(scene: Scene, lineage: Lineage) -> Outcome:
    """An order for each time at which the level falls below, while few enough are on their way."""
    outcome = Outcome()
    seen: dict[str, bool] = {}
    ruling = list(_ruling(scene, lineage))
    for version, term, since, until in ruling:
        register = version.measure_by_name[term.measure].register_path or ""
        for asset, spans in covered(scene.versions, term.applies_to, since, until).items():
            gauge = scene.facts.gauges.get((asset, register))
            seen[asset] = seen.get(asset, False) or bool(gauge and gauge.levels)
            if not gauge or not gauge.levels:
                outcome.open(term.clause, [Case(asset, register, spans[0][0], spans[-1][1], "missing")])
                continue
            resting = scene.resting(term.clause, asset)
            for at in orders(term, version, gauge.levels, gauge.unit):
                if since <= at < until and not any(a <= at < b for a, b in resting):
                    outcome.events.append(Event(term.clause, asset, f"order {term.consumable}", at))
    for asset, known in seen.items():
        status = "insufficient" if not known else "provisional" if scene.running else "final"
        clause = ruling[-1][1].clause
        outcome.verdicts.append(
            Verdict(clause, "replenishment", asset, "-", status, status == "final", scene.start, scene.end)  # type: ignore[arg-type]
        )
    return outcome


def orders(term: Replenishment, version: Version, levels: Sequence[Level], unit: str) -> Iterator[int]:
    """When to send: at each fall below the trigger, if fewer than max_open are on their way."""
    sent: list[int] = []
    was_low, rise = False, 0
    for n, level in enumerate(levels):
        if n and level.value > levels[n - 1].value:
            rise = n
        low = _is_low(term, levels[rise : n + 1], unit)
        underway = [at for at in sent if level.at < micros(term.lead.after(instant(at), version.zone))]
        if low and not was_low and len(underway) < term.max_open:
            sent.append(level.at)
            yield level.at
        was_low = low


def _is_low(term: Replenishment, since_refill: Sequence[Level], unit: str) -> bool:
    now = since_refill[-1]
    if term.level_below is not None:
        return now.value < term.level_below.to(unit)
    used, time = since_refill[0].value - now.value, now.at - since_refill[0].at
    if term.days_left_below is None or used <= 0 or time <= 0:
        return False
    left = now.value * Fraction(time) / used
    return left < term.days_left_below.days * DAY + term.days_left_below.microseconds


def _ruling(scene: Scene, lineage: Lineage) -> Iterator[tuple[Version, Replenishment, int, int]]:
    for version, since, until in in_force(scene.versions, scene.start, scene.until):
        term = lineage.get(version.version)
        if isinstance(term, Replenishment):
            yield version, term, since, until
