"""What people and other systems report of a contract, alike from a facts file and from the database.

An evaluation is given only what concerns its stretch of time: a fact of July is no input of June.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from contracts.terms.event_guarantee import EventGuarantee
from contracts.terms.indexation import Indexation
from core.problem import Problem
from core.time import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo

    from contracts.document import Version
    from contracts.facts import (
        Attribution,
        Carried,
        Category,
        History,
        IndexValue,
        MeterTest,
        Needs,
        Notice,
        Pause,
        ReadyQuantity,
        StateNeed,
        StateSpan,
        Substitute,
        Ticket,
        Unmet,
    )

    Spanned = TypeVar("Spanned", Attribution, ReadyQuantity, Substitute, Unmet)


@dataclass(frozen=True, slots=True)
class Reported:
    """Everything that was reported. unmet: None where duties follow from what gauges showed. states: by asset."""

    otherwise: Category | None = None
    quantities: tuple[ReadyQuantity, ...] = ()
    states: tuple[tuple[str, StateSpan], ...] = ()
    attributions: tuple[Attribution, ...] = ()
    notices: tuple[Notice, ...] = ()
    unmet: tuple[Unmet, ...] | None = None
    tickets: tuple[Ticket, ...] = ()
    pauses: tuple[Pause, ...] = ()
    substitutes: tuple[Substitute, ...] = ()
    index_values: tuple[IndexValue, ...] = ()
    meter_tests: tuple[MeterTest, ...] = ()
    carried: tuple[Carried, ...] = ()
    history: tuple[History, ...] = ()


NOTHING = Reported()
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
LASTING = ("state_time", "gauge_level", "gauge_mean")


def within(found: Reported, needs: Needs, where: tzinfo) -> Reported:
    """What concerns the stretch that is needed; of a case that began before, all since it began. where: of months."""
    if found == NOTHING:
        return found
    start, end = needs.start, needs.end
    tickets = tuple(ticket for ticket in found.tickets if _concerns(ticket, needs))
    names = {ticket.ticket for ticket in tickets}
    since = min([start, *(at for ticket in tickets for at in ticket.times.values())])
    last_month = f"{instant(max(start, end - 1)).astimezone(where):%Y-%m}"
    return replace(
        found,
        quantities=_touching(found.quantities, start, end),
        attributions=_touching(found.attributions, start, end),
        notices=tuple(n for n in found.notices if (n.start is None or n.start < end) and (n.end or end) > start),
        unmet=None if found.unmet is None else _touching(found.unmet, since, end),
        tickets=tickets,
        pauses=tuple(pause for pause in found.pauses if pause.ticket in names),
        substitutes=_touching(found.substitutes, since, end),
        index_values=tuple(value for value in found.index_values if value.month <= last_month),
        meter_tests=tuple(test for test in found.meter_tests if start <= test.tested < end),
    )


def states(found: Reported, need: StateNeed, devices: Iterable[StateSpan] = ()) -> tuple[StateSpan, ...]:
    """What is said of an asset's time: by its devices, and reported; in order of time."""
    spans = [s for asset, s in found.states if asset == need.asset and s.start < need.end and need.start < s.end]
    return tuple(sorted([*spans, *devices], key=lambda s: (s.start, s.end, s.category, s.cause, s.subsystem)))


def _concerns(ticket: Ticket, needs: Needs) -> bool:
    """Whether a clock may run on it in the period, whenever it began: of one that stopped before nothing is to say."""
    for start, stop in needs.clocks:
        begins, ends = ticket.times.get(start), ticket.times.get(stop)
        if begins is None or min(begins, begins if ends is None else ends) >= needs.end:
            continue
        if ends is None or max(begins, ends) >= needs.since:
            return True
    return False


def _touching(items: Iterable[Spanned], start: int, end: int) -> tuple[Spanned, ...]:
    return tuple(item for item in items if item.start < end and item.end > start)


def indices(versions: Sequence[Version]) -> frozenset[str]:
    """The price indices that the terms name."""
    terms = [term for version in versions for term in version.terms if isinstance(term, Indexation)]
    return frozenset(one.index for term in terms for one in term.components)


def moves(versions: Sequence[Version]) -> bool:
    """Whether time alone changes what a running period comes to: states and levels hold on, and clocks run."""
    return any(
        any(measure.kind in LASTING for measure in version.measures)
        or any(isinstance(term, EventGuarantee) for term in version.terms)
        for version in versions
    )


def unsound(found: Reported) -> Iterator[Problem]:
    """What the format can say, but what cannot be: before it is stored for good."""
    parts = [(f"quantities, {q.owner}, coverage", q.coverage) for q in found.quantities]
    parts += [(f"states, {asset}, performance", state.performance) for asset, state in found.states]
    for place, part in parts:
        if part is not None and not 0 <= part <= 1:
            yield Problem(place, "is no part of the whole", "write 0 % to 100 %")
    for past in found.history:
        if past.value is None and (past.counted is None or past.down is None):
            yield Problem(f"history, {past.clause}, {past.period}", "says nothing", "give value, or counted and down")
    for value in found.index_values:
        if value.value <= 0 or not MONTH.fullmatch(value.month):
            yield Problem(f"index_values, {value.index}", f"{value.month} is not a month with a value", "write 2026-06")
    yield from _unsound_tests(found)


def _unsound_tests(found: Reported) -> Iterator[Problem]:
    for test in found.meter_tests:
        place = f"meter_tests, {test.asset}"
        if test.tested <= test.last_tested:
            yield Problem(f"{place}, tested", "is not after last_tested", "give both in order")
        if test.error <= -1:
            yield Problem(f"{place}, error", "is -100 % or less", "replace a meter that stands still")
