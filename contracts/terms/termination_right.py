"""A promise missed so often, or by so much, that the other side may end the contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from contracts.evaluation import Event, Figure, Status, Verdict
from contracts.quantity import Demand
from contracts.scene import Outcome
from contracts.segment import covered, version_at
from contracts.settle import past_results, results_carried
from contracts.terms.availability import Availability
from contracts.terms.base import Term
from contracts.terms.performance import Performance
from contracts.timeline import paint
from contracts.window import Window, earlier, windows
from contracts.words import Count, DurationWord, Name, Share
from core.problem import Problem
from core.time import instant, micros, midnight

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contracts.document import Version
    from contracts.facts import Carried
    from contracts.scene import Scene
    from contracts.segment import Lineage

PROMISES = ("availability", "performance")


class TerminationRight(Term):
    """Parameters. One of: misses of the last windows; their mean below a share; down time within a duration."""

    kind: Literal["termination_right"]
    of: Name
    misses: Count | None = None
    of_last: Count | None = None
    average_below: Share | None = None
    average_over: Count | None = None
    outage_above: DurationWord | None = None
    outage_within: DurationWord | None = None
    exercise_within: DurationWord

    def check(self, version: Version) -> Iterator[Problem]:
        """One trigger, complete, on a promise whose windows have results."""
        yield from super().check(version)
        yield from self.check_kinds("of", (self.of,), version, PROMISES)
        pairs = (("misses", "of_last"), ("average_below", "average_over"), ("outage_above", "outage_within"))
        for one, other in pairs:
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                yield Problem(one, f"and {other} go together", "write both, or none")
        if sum(getattr(self, one) is not None for one, _ in pairs) != 1:
            names = ", ".join(one for one, _ in pairs)
            yield Problem("misses", f"needs one of {names}", "say what gives the right")
        if self.misses is not None and self.of_last is not None and not 1 <= self.misses <= self.of_last:
            yield Problem("misses", f"{self.misses} of the last {self.of_last} cannot be", "write so many of more")
        other_term = version.term_by_clause.get(self.of)
        if self.outage_above is not None and other_term is not None and other_term.kind != "availability":
            yield Problem("outage_above", f"clause {self.of} has no outages", "name an availability")

    @property
    def back(self) -> int:
        """How many windows it looks back on, with the present one."""
        return self.of_last or self.average_over or 1


@dataclass(slots=True)
class Look:
    """What gives the right for one owner. owed: the right arises."""

    values: dict[str, Figure] = field(default_factory=dict)
    owed: bool = False


def demands(scene: Scene, lineage: Lineage) -> Iterator[Demand]:
    """States of the time before the period that down time is summed over."""
    version = version_at(scene.versions, max(scene.start, scene.versions[0].effective_from))
    term = lineage.get(version.version) if version else None
    if version is None or not isinstance(term, TerminationRight) or term.outage_within is None:
        return
    promise = version.term_by_clause[term.of]
    measure = version.measure_by_name[promise.measures[0]]
    start = micros(term.outage_within.before(instant(scene.start), scene.zone))
    for asset, spans in covered(scene.versions, promise.applies_to, start, scene.until).items():
        yield Demand(measure, asset, spans)


def evaluate(scene: Scene, lineage: Lineage, verdicts: Sequence[Verdict]) -> Outcome:
    """For each owner of the promise whether the right arises with this window, and the last day to use it."""
    outcome = Outcome()
    version = version_at(scene.versions, max(scene.start, scene.versions[0].effective_from))
    term = lineage.get(version.version) if version else None
    if version is None or not isinstance(term, TerminationRight):
        return outcome
    promise = _promise(version, term.of)
    results: dict[str, dict[str, Fraction]] = {}
    kept: dict[str, list[Carried]] = {}
    for verdict in [v for v in verdicts if v.clause == term.of and v.state != "-"]:
        window = _window(scene, promise, verdict)
        if verdict.owner not in results:
            results[verdict.owner] = past_results(scene, term.of, verdict.owner)
        look = _look(scene, term, verdict, promise=promise, before=_before(scene, window, results[verdict.owner]))
        status: Status = verdict.status
        outcome.verdicts.append(
            Verdict(
                term.clause, term.kind, verdict.owner, "-", status, verdict.certain, verdict.start, verdict.end,
                look.values,
            )
        )  # fmt: skip
        if window is None or not window.over:
            continue
        if look.owed:
            name, at = "last day to exercise", _last_day(scene, term, verdict.end)
            outcome.events.append(Event(term.clause, verdict.owner, name, at))
        result = _result(verdict)
        if result is not None:
            results[verdict.owner][window.label] = result
            kept[verdict.owner] = results_carried(term.of, verdict.owner, results[verdict.owner], most=term.back - 1)
    if term.back > 1:
        by_promise = promise.results_carried if promise is not None else 0
        outcome.carry += [item for items in kept.values() for item in items[: len(items) - by_promise]]
    return outcome


def _promise(version: Version, clause: str) -> Availability | Performance | None:
    term = version.term_by_clause.get(clause)
    return term if isinstance(term, (Availability, Performance)) else None


def _window(scene: Scene, promise: Availability | Performance | None, verdict: Verdict) -> Window[Any] | None:
    if promise is None:
        return None
    line = {v.version: t for v in scene.versions if (t := v.term_by_clause.get(promise.clause)) is not None}
    found = windows(scene, line, Availability if isinstance(promise, Availability) else Performance)
    return next((window for window in found if window.start == verdict.start), None)


def _result(verdict: Verdict) -> Fraction | None:
    figure = verdict.values.get("availability") or verdict.values.get("attainment")
    return None if figure is None else figure.value / 100


def _before(scene: Scene, window: Window[Any] | None, results: Mapping[str, Fraction]) -> Iterator[Fraction | None]:
    """Results of the windows just before, the last first; None for one of which nothing is known."""
    return (results.get(label) for label in earlier(scene, window)) if window is not None else iter(())


def _look(
    scene: Scene,
    term: TerminationRight,
    verdict: Verdict,
    *,
    promise: Availability | Performance | None,
    before: Iterator[Fraction | None],
) -> Look:
    if term.outage_above is not None:
        return _outages(scene, term, promise, verdict.owner)
    recent = [value for value in islice(before, term.back - 1) if value is not None]
    now = _result(verdict)
    if now is not None:
        recent.append(now)
    if term.misses is not None:
        least = promise.least if isinstance(promise, Performance) else getattr(promise, "target", Fraction(0))
        missed = sum(value < least for value in recent)
        owed = missed >= term.misses and verdict.state == "violated"
        return Look({"misses": Figure(Fraction(missed))}, owed)
    if not recent:
        return Look()
    average = sum(recent, Fraction(0)) / len(recent)
    full = len(recent) == term.back
    return Look({"average": Figure.share(average)}, full and average < (term.average_below or 0))


def _outages(scene: Scene, term: TerminationRight, promise: Availability | Performance | None, asset: str) -> Look:
    """The most down time within any stretch of the agreed length that ends in the period."""
    if not isinstance(promise, Availability) or term.outage_above is None or term.outage_within is None:
        return Look()
    version = version_at(scene.versions, max(scene.start, scene.versions[0].effective_from)) or scene.versions[0]
    register = version.measure_by_name[promise.measure].register_path or ""
    start = micros(term.outage_within.before(instant(scene.start), scene.zone))
    spans = covered(scene.versions, promise.applies_to, start, scene.until).get(asset, ())
    painted = paint(
        spans,
        scene.facts.states.get((asset, register), ()),
        scene.facts.attributions_of.get(asset, ()),
        scene.facts.otherwise,
        shifts=scene.shifts(promise.clause, asset),
    )
    down = [(p.start, p.end) for p in painted if promise.treatments[p.category] == "down"]
    most = 0
    for _, end in down:
        if end <= scene.start:
            continue
        since = micros(term.outage_within.before(instant(end), scene.zone))
        most = max(most, sum(max(0, min(b, end) - max(a, since)) for a, b in down))
    return Look({"down": Figure.hours(most)}, most > term.outage_above.elapsed)


def _last_day(scene: Scene, term: TerminationRight, end: int) -> int:
    """The last day wholly before the time to exercise the right is over, as its first instant."""
    over = term.exercise_within.after(instant(end), scene.zone)
    day = over.astimezone(scene.zone).date()
    first = midnight(day, scene.zone)
    previous = midnight((instant(micros(first) - 1)).astimezone(scene.zone).date(), scene.zone)
    return micros(previous)
