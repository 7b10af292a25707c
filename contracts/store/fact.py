"""What an evaluation may know, loaded for many contracts at once: one statement for each kind of fact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from contracts.carry import joined
from contracts.facts import Case, Counter, Facts, Gauge, Level, Piece, StateSpan
from contracts.reported import Reported, states, within
from contracts.store import reported
from contracts.store.reported import Asked
from core.time import instant
from core.units import factor
from ingest.store import counter, gauge, state

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from contracts.facts import Carried, Category, GaugeNeed, Needs
    from contracts.store.reported import Loaded
    from core.time import Period
    from ingest.store.counter import Counted

REPORTED = tuple(name for name in Reported.__dataclass_fields__ if name not in ("states", "carried"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one evaluation asks for. key: however the caller finds it again, e.g. the period's id.

    carried: what the period before leaves; indices: those that the terms name; where: the contract's zone.
    """

    key: int
    contract: int
    needs: Needs
    period: Period
    where: ZoneInfo
    carried: tuple[Carried, ...] = ()
    indices: frozenset[str] = frozenset()


def load(connection: Connection, wanted: Sequence[Wanted], known: int) -> dict[int, Facts]:
    """Everything known for each of these evaluations, by key."""
    if not wanted:
        return {}
    said = _reported(connection, wanted, known)
    counters, shown = _counters(connection, wanted, known), _states(connection, wanted, known)
    gauges = _gauges(connection, wanted, known)
    made = {}
    for item in wanted:
        loaded = said[item.contract]
        found = within(loaded.reported, item.needs, item.where)
        made[item.key] = Facts(
            knowledge=f"K {known}",
            counters={(n.asset, n.register): counters[item.key, n.asset, n.register] for n in item.needs.counters},
            states={
                (n.asset, n.register): states(found, n, shown[item.key, n.asset, n.register]) for n in item.needs.states
            },
            gauges={(n.asset, n.register): gauges[item.key, n.asset, n.register] for n in item.needs.gauges},
            carried=joined(item.carried, _opening(loaded, item.period)),
            **{name: getattr(found, name) for name in REPORTED},
        )
    return made


def _reported(connection: Connection, wanted: Iterable[Wanted], known: int) -> dict[int, Loaded]:
    asked = [Asked(item.contract, item.indices, frozenset(stop for _, stop in item.needs.clocks)) for item in wanted]
    since, before = min(item.needs.start for item in wanted), max(item.needs.end for item in wanted)
    return reported.load(connection, asked, since=instant(since), before=instant(before), known=known)


def _opening(loaded: Loaded, period: Period) -> list[Carried]:
    start, end = period.span.micros
    return [item for at, item in loaded.opening if start <= at < end]


def _counters(connection: Connection, wanted: Sequence[Wanted], known: int) -> dict[tuple[int, str, str], Counter]:
    needs = [(item.key, need) for item in wanted for need in item.needs.counters]
    found = counter.load(connection, [need for _, need in needs], known=known)
    return {
        (key, need.asset, need.register): _counter(need.asset, need.register, counted)
        for (key, need), counted in zip(needs, found, strict=True)
    }


def _counter(asset: str, register: str, counted: Counted) -> Counter:
    """As the engine takes it; a counter of which nothing is known is a case of its own."""
    pieces = tuple([Piece(*part) for part in counted.parts])  # a part has the same fields in the same order
    cases = tuple([Case(asset, register, doubt.start, doubt.end, doubt.reason) for doubt in counted.doubts])
    return Counter(counted.unit, counted.resolution, pieces, cases)


def _states(
    connection: Connection, wanted: Sequence[Wanted], known: int
) -> dict[tuple[int, str, str], tuple[StateSpan, ...]]:
    needs = [(item.key, need) for item in wanted for need in item.needs.states]
    found = state.load(connection, [need for _, need in needs], known=known)
    return {
        (key, need.asset, need.register): tuple(
            StateSpan(span.start, span.end, cast("Category", span.category)) for span in spans
        )
        for (key, need), spans in zip(needs, found, strict=True)
    }


def _gauges(connection: Connection, wanted: Sequence[Wanted], known: int) -> dict[tuple[int, str, str], Gauge]:
    needs = [(item.key, need) for item in wanted for need in item.needs.gauges]
    found = gauge.load(connection, [need for _, need in needs], known=known)
    return {
        (key, need.asset, need.register): Gauge(
            need.unit,
            tuple(_level(one, need.unit) for one in _held(need, shown.levels)),
            tuple(tuple(_level(one, need.unit) for one in run) for run in shown.settled),
        )
        for (key, need), shown in zip(needs, found, strict=True)
    }


def _held(need: GaugeNeed, shown: Sequence[gauge.Shown]) -> Sequence[gauge.Shown]:
    """Without the last reading before, where one was taken just as the stretch begins."""
    return shown[1:] if len(shown) > 1 and shown[1].at <= need.start else shown


def _level(shown: gauge.Shown, unit: str) -> Level:
    return Level(shown.at, shown.ticks * Fraction(shown.resolution) * factor(shown.unit, unit))
