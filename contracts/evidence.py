"""The facts that an evaluation rests on, in words and units: what stands beside a line when somebody asks why."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from contracts.written import time_text
from core import canonical
from core.money import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contracts.facts import (
        Attribution,
        Counter,
        Facts,
        Level,
        Needs,
        Notice,
        Piece,
        ReadyQuantity,
        Register,
        StateNeed,
        StateSpan,
    )

ORDINARY = frozenset({"running", "idle"})
"""What needs no explanation; all other time is listed."""


def gather(needs: Needs, facts: Facts) -> dict[str, Any]:
    """As JSON types: counter readings at both ends of each piece, time that was not ordinary, decisions and notices."""
    counters = sorted(facts.counters.items())
    return {
        "assets": list(needs.assets),
        "counters": [_piece(key, counter, piece) for key, counter in counters for piece in counter.pieces],
        "states": [row for need in needs.states for row in _states(need, facts)],
        "gauges": [
            _level(key, gauge.unit, level) for key, gauge in sorted(facts.gauges.items()) for level in gauge.levels
        ],
        "attributions": [_attribution(item) for item in facts.attributions],
        "notices": [_notice(item) for item in facts.notices],
        **_stated(facts),
    }


def _stated(facts: Facts) -> dict[str, Any]:
    """What people and other systems state beside it, as far as there is any."""
    found = {
        "quantities": [_quantity(item) for item in facts.quantities],
        "unmet": [
            {"clause": item.clause, "asset": item.asset} | _span(item.start, item.end) for item in facts.unmet or ()
        ],
        "tickets": [
            {"ticket": item.ticket, "asset": item.asset} | {name: _time(at) for name, at in item.times.items()}
            for item in facts.tickets
        ],
        "pauses": [
            {"ticket": item.ticket, "reason": item.reason} | _span(item.start, item.end) for item in facts.pauses
        ],
        "substitutes": [{"asset": item.asset} | _span(item.start, item.end) for item in facts.substitutes],
        "index_values": [
            {"index": item.index, "month": item.month, "value": canonical.fraction_text(item.value)}
            | {"published": _time(item.published)}
            for item in facts.index_values
        ],
        "meter_tests": [
            {"asset": item.asset, "register": item.register, "error": canonical.fraction_text(item.error)}
            | {"last_tested": _time(item.last_tested), "tested": _time(item.tested)}
            for item in facts.meter_tests
        ],
        "history": [canonical.plain(item) for item in facts.history],
    }
    return {name: rows for name, rows in found.items() if rows}


def _quantity(item: ReadyQuantity) -> dict[str, Any]:
    words = {"owner": item.owner, "measure": item.measure, "unit": item.unit}
    return words | {"quantity": canonical.fraction_text(item.quantity)} | _span(item.start, item.end)


def _piece(key: Register, counter: Counter, piece: Piece) -> dict[str, Any]:
    asset, register = key
    return {
        "asset": asset,
        "register": register,
        "device": piece.device,
        "from": time_text(piece.start),
        "to": time_text(piece.end),
        "opening": _amount(piece.opening, counter),
        "closing": _amount(piece.closing, counter),
        "removed": _amount(piece.removed, counter),
        "use": _amount(piece.closing - piece.opening - piece.removed, counter),
        "unit": counter.unit,
        "opening_quality": piece.opening_quality,
        "closing_quality": piece.closing_quality,
    }


def _level(key: Register, unit: str, level: Level) -> dict[str, Any]:
    asset, register = key
    value = canonical.fraction_text(level.value)
    return {"asset": asset, "register": register, "at": _time(level.at), "value": value, "unit": unit}


def _states(need: StateNeed, facts: Facts) -> Iterator[dict[str, Any]]:
    """Extraordinary time, and the gaps between what was said, which are unknown."""
    spans = facts.states.get((need.asset, need.register), ())
    reached = need.start
    for span in spans:
        if span.start > reached:
            yield from _unsaid(need, facts, reached, span.start)
        if span.category not in ORDINARY:
            yield _state(need.asset, span)
        reached = max(reached, span.end)
    if need.end > reached:
        yield from _unsaid(need, facts, reached, need.end)


def _unsaid(need: StateNeed, facts: Facts, start: int, end: int) -> Iterable[dict[str, Any]]:
    category = facts.otherwise or "unknown"
    if category in ORDINARY:
        return []
    empty = {"subsystem": "", "cause": "", "performance": None}
    return [{"asset": need.asset, **_span(start, end), "category": category, **empty}]


def _state(asset: str, span: StateSpan) -> dict[str, Any]:
    return {
        "asset": asset,
        **_span(span.start, span.end),
        "category": span.category,
        "subsystem": span.subsystem,
        "cause": span.cause,
        "performance": canonical.plain(span.performance),
    }


def _attribution(item: Attribution) -> dict[str, Any]:
    words = {name: getattr(item, name) for name in ("asset", "category", "party", "status", "cause")}
    return words | _span(item.start, item.end)


def _notice(item: Notice) -> dict[str, Any]:
    words = {name: getattr(item, name) for name in ("kind", "asset", "clause")}
    return words | {"given": _time(item.given)} | _span(item.start, item.end)


def _span(start: int | None, end: int | None) -> dict[str, Any]:
    return {"from": _time(start), "to": _time(end)}


def _time(microseconds: int | None) -> Any:
    return None if microseconds is None else time_text(microseconds)


def _amount(ticks: int, counter: Counter) -> str:
    return f"{EXACT.multiply(Decimal(ticks), counter.resolution):f}"
