"""A clock that runs from one time of a ticket to another, and money for what it runs beyond a limit."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from contracts.calendar import AROUND_THE_CLOCK, required
from contracts.evaluation import Figure, Step, Verdict
from contracts.explain import sum_of_money
from contracts.phrase import one_by_one, say
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, covered, days_touched, version_at
from contracts.span import Spans, intersect, length, normal, subtract
from contracts.terms.base import Term
from contracts.words import DurationWord, MoneyWord, Name, Word
from core.canonical import fraction_text
from core.problem import Problem
from core.time import HOUR, instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.document import Version
    from contracts.evaluation import Line
    from contracts.facts import Ticket
    from contracts.scene import Scene
    from contracts.segment import Lineage

ZERO = Fraction(0)
Moment: TypeAlias = Literal["reported", "opened", "arrived", "on_site", "fixed", "closed"]
STEPS = {"started_24h": 24 * HOUR, "started_hour": HOUR}


class EventGuarantee(Term):
    """Parameters. hours: the clock runs 24x7 or in a calendar."""

    PROMISE: ClassVar[bool] = True

    kind: Literal["event_guarantee"]
    clock_start: Moment
    clock_stop: Moment
    hours: Name
    limit: DurationWord
    per: Literal["started_24h", "started_hour", "calendar_day"]
    amount: MoneyWord | None = None
    first_amount: MoneyWord | None = None
    cap_per_case: MoneyWord | None = None
    substitute: Literal["stops_clock", "ignored"]
    pauses: tuple[Word, ...] = ()

    def check(self, version: Version) -> Iterator[Problem]:
        """The clock runs, in a calendar that exists; amounts are paid, not taken."""
        yield from super().check(version)
        if self.clock_start == self.clock_stop:
            yield Problem("clock_stop", "is clock_start", "the clock runs from one time to another")
        calendars = {calendar.calendar for calendar in version.calendars} | {AROUND_THE_CLOCK}
        if self.hours not in calendars:
            yield Problem("hours", f"{self.hours!r} is no calendar", f"one of {', '.join(sorted(calendars))}")
        if self.limit.months or self.limit.days:
            yield Problem("limit", f"{self.limit} is a step of the calendar", "write elapsed time, such as 24 h")
        for name in ("amount", "first_amount", "cap_per_case"):
            money = getattr(self, name)
            if money is not None and money.amount < 0:
                yield Problem(name, f"{money} is below zero", "write what is credited")
        if self.amount is None and self.first_amount is not None:
            yield Problem("first_amount", "stands without amount", "say what each further one is worth")


@dataclass(frozen=True, slots=True)
class Run:
    """A ticket's clock so far. beyond: the time after the limit, less substitutes; stopped: at which instant."""

    ticket: Ticket
    term: EventGuarantee
    version: Version
    start: int
    stopped: int | None
    clock: int
    beyond: Spans
    started: int
    replaced: int

    @property
    def over(self) -> int:
        """Microseconds over the limit."""
        return length(self.beyond)

    @property
    def uncapped(self) -> Fraction:
        """What the case is worth before its cap."""
        if not self.started or self.term.amount is None:
            return ZERO
        each = Fraction(self.term.amount.amount)
        first = each if self.term.first_amount is None else Fraction(self.term.first_amount.amount)
        return first + (self.started - 1) * each

    @property
    def credit(self) -> Fraction:
        """What the case is worth."""
        cap = self.term.cap_per_case
        return self.uncapped if cap is None else min(self.uncapped, Fraction(cap.amount))


def evaluate(scene: Scene, lineage: Lineage) -> Outcome:
    """For each asset its cases: credited where the clock stopped in the period, provisional where it still runs."""
    outcome = Outcome()
    runs: dict[str, list[Run]] = {}
    for ticket in sorted(scene.facts.tickets, key=lambda t: (t.asset, min(t.times.values(), default=0), t.ticket)):
        run = _run(scene, lineage, ticket, outcome)
        if run is not None and _concerns(scene, run):
            runs.setdefault(ticket.asset, []).append(run)
    settled = {asset for asset, mine in runs.items() if any(run.stopped is not None for run in mine)}
    for asset in dict.fromkeys([*_assets(scene, lineage), *settled]):
        mine = runs.pop(asset, [])
        stopped = [run for run in mine if run.stopped is not None]
        outcome.lines += _lines(scene, asset, stopped)
        outcome.verdicts.append(_verdict(scene, lineage, asset, mine))
    return outcome


def _concerns(scene: Scene, run: Run) -> bool:
    """Its clock stopped in the period, or runs on beyond it."""
    if run.stopped is None:
        return run.start < scene.end
    return scene.start <= run.stopped < scene.end


def _assets(scene: Scene, lineage: Lineage) -> list[str]:
    """Assets for which the promise holds at some time of the period."""
    found: dict[str, None] = {}
    for version in scene.versions:
        term = lineage.get(version.version)
        if isinstance(term, EventGuarantee):
            found |= dict.fromkeys(covered((version,), term.applies_to, scene.start, scene.end))
    return list(found)


def _run(scene: Scene, lineage: Lineage, ticket: Ticket, outcome: Outcome) -> Run | None:
    """The clock of a ticket, by the version in force when it starts."""
    found = [
        (version, term)
        for version in scene.versions
        if isinstance(term := lineage.get(version.version), EventGuarantee)
        and term.clock_start in ticket.times
        and version_at(scene.versions, ticket.times[term.clock_start]) is version
    ]
    if not found:
        return None
    version, term = found[0]
    start, stop = ticket.times[term.clock_start], ticket.times.get(term.clock_stop)
    if not any(a <= start < b for a, b in covered((version,), term.applies_to, 0, start + 1).get(ticket.asset, ())):
        return None
    if stop is not None and stop < start:
        place = f"clause {term.clause}, {ticket.asset}, ticket {ticket.ticket}"
        message = f"is {term.clock_stop} before it is {term.clock_start}"
        outcome.problems.append(Problem(place, message, "correct its times"))
        return None
    known = stop if stop is not None and stop < scene.until else None
    return _clock(scene, ticket, (version, term), (start, known))


def _clock(scene: Scene, ticket: Ticket, rule: tuple[Version, EventGuarantee], span: tuple[int, int | None]) -> Run:
    version, term = rule
    start, stopped = span
    whole: Spans = ((start, scene.until if stopped is None else stopped),) if start < scene.until else ()
    whole = normal(whole)
    pauses = normal(
        (p.start, p.end) for p in scene.facts.pauses if p.ticket == ticket.ticket and p.reason in term.pauses
    )
    resting = scene.resting(term.clause, ticket.asset)
    running = subtract(subtract(required(version, term.hours, whole), pauses), resting)
    beyond = _after(running, term.limit.elapsed)
    there = normal((s.start, s.end) for s in scene.facts.substitutes if s.asset == ticket.asset)
    replaced = length(intersect(beyond, there)) if term.substitute == "stops_clock" else 0
    if replaced:
        beyond = subtract(beyond, there)
    return Run(ticket, term, version, start, stopped, length(running), beyond, _started(scene, term, beyond), replaced)


def _after(spans: Spans, limit: int) -> Spans:
    """What is left of the spans after so many microseconds of them."""
    found = []
    for start, end in spans:
        skipped = min(limit, end - start)
        limit -= skipped
        if start + skipped < end:
            found.append((start + skipped, end))
    return tuple(found)


def _started(scene: Scene, term: EventGuarantee, beyond: Spans) -> int:
    if term.per == "calendar_day":
        return len(days_touched(beyond, scene.zone))
    return -(-length(beyond) // STEPS[term.per])


def _lines(scene: Scene, asset: str, runs: Sequence[Run]) -> Iterator[Line]:
    """One credit for each segment: the cases whose clock one version started."""
    by_version: dict[int, list[Run]] = {}
    for run in runs:
        if run.credit:
            by_version.setdefault(run.version.version, []).append(run)
    for some in by_version.values():
        first = some[0]
        start, end = first.start, max(run.stopped or scene.until for run in some)
        segment = Segment(first.term, first.version, start, end)
        text = one_by_one(first.version.language, (_words(run) for run in some))
        steps = tuple(step for run in some for step in _steps(run))
        yield scene.line(segment, asset, Draft(start, end, text, -sum((r.credit for r in some), ZERO), steps=steps))


def _words(run: Run) -> str:
    """`K1: 73.75 h, 49.75 h over 24 h, 3 started x 150.00`."""
    language = run.version.language
    over, clock = Figure.hours(run.over).text(), Figure.hours(run.clock).text()
    less = say(language, "with a substitute", Figure.hours(run.replaced).text()) if run.replaced else ""
    sums = [sum_of_money(exact, run.version.currency, language) for exact in (run.uncapped, run.credit)]
    cut = say(language, "at most", *sums) if run.credit < run.uncapped else ""
    return say(language, "case", run.ticket.ticket, clock, over, run.term.limit, less, _amounts(run, language), cut)


def _amounts(run: Run, language: str) -> str:
    """`3 started x 150.00`, `250.00 + 2 x 150.00`: what each one over the limit is worth."""
    term = run.term
    each = f"{term.amount.amount:f}" if term.amount else ""
    if term.first_amount is not None and each:
        return say(language, "first and more", f"{term.first_amount.amount:f}", run.started - 1, each)
    started = say(language, f"one {term.per}" if run.started == 1 else term.per, run.started)
    return started + (say(language, "times", each) if each else "")


def _steps(run: Run) -> Iterator[Step]:
    name = run.ticket.ticket
    span = {"from": str(instant(run.start)), "to": str(instant(run.stopped or run.start))}
    clock, over = Figure.hours(run.clock).text(), Figure.hours(run.over).text()
    yield Step(f"clock of {name}", "time between, in its hours, without pauses", span, clock)
    yield Step(
        f"over the limit of {name}",
        "clock - limit - substitutes beyond the limit",
        {"clock": clock, "limit": str(run.term.limit), "substitutes": Figure.hours(run.replaced).text()},
        over,
    )
    yield Step(
        f"credit of {name}", f"{run.term.per} × amount", {"started": str(run.started)}, fraction_text(run.credit)
    )


def _verdict(scene: Scene, lineage: Lineage, asset: str, runs: list[Run]) -> Verdict:
    clause = _clause(scene, lineage)
    values: dict[str, Figure] = {}
    for run in runs:
        name = run.ticket.ticket
        values |= {
            f"clock of {name}": Figure.hours(run.clock),
            f"over_limit of {name}": Figure.hours(run.over),
            f"started of {name}": Figure(Fraction(run.started)),
        }
    stopped = [run for run in runs if run.stopped is not None]
    if any(run.term.cap_per_case for run in stopped):
        before = sum((run.uncapped for run in stopped), ZERO)
        cut = before - sum((run.credit for run in stopped), ZERO)
        values |= {"credit_before_caps": Figure(before, scene.currency), "capped": Figure(cut, scene.currency)}
    open_ = len(stopped) < len(runs)
    state = "violated" if any(run.over for run in runs) else "not_determined" if open_ else "fulfilled"
    soft = open_ or scene.running
    status = "provisional" if soft else "final"
    certain = state == "violated" or not soft
    return Verdict(clause, "event_guarantee", asset, state, status, certain, scene.start, scene.end, values)  # type: ignore[arg-type]


def _clause(scene: Scene, lineage: Lineage) -> str:
    """The clause's number as it was last in the period."""
    ruling = version_at(scene.versions, scene.end - 1) or scene.versions[-1]
    term = lineage.get(ruling.version) or next(iter(lineage.values()))
    return term.clause
