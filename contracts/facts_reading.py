"""What readings of a facts file show: counters by whole ticks, gauges by level, states until the next reading."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from contracts.facts import Case, Counter, Gauge, Level, Piece, StateSpan
from contracts.facts_model import known
from core.units import Quantity, Tick, default_tick, to_ticks
from ingest.counter import CounterReading, Estimate, Exchange, Rule
from ingest.course import course

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contracts.document import Measure
    from contracts.facts import CounterNeed, GaugeNeed, StateNeed
    from contracts.facts_model import FactLists, ReadingFact

_TIME_STATUS = "UIRS"
"""Unknown, informative, relative, synchronised: each is better than the one before."""


def counter(lists: FactLists, need: CounterNeed, measure: Measure, as_of: int | None) -> Counter:
    """The counter at each instant that is needed, and where it waits for a person. measure: which readings count."""
    mine = (need.asset, need.register)
    readings = [r for r in known(lists.readings, as_of) if (r.asset, r.path) == mine and _counts(r, measure)]
    exchanges = [e for e in known(lists.exchanges, as_of) if (e.asset, e.path) == mine]
    guesses = [g for g in known(lists.estimates, as_of) if (g.asset, g.path) == mine and need.estimates]
    values = [r.value for r in readings if isinstance(r.value, Quantity)]
    written = (*values, *(v for e in exchanges for v in (e.end_value, e.start_value)), *(g.quantity for g in guesses))
    tick = _tick(need.unit, written)

    def ticks(value: Quantity) -> int:
        return to_ticks(value.magnitude, value.unit, register_unit=tick.unit, resolution=tick.resolution).ticks

    whole = course(
        [
            CounterReading(r.at, r.device, (r.recorded_at or 0, r.sequence), ticks(r.value))
            for r in readings
            if isinstance(r.value, Quantity)
        ],
        [Exchange(e.at, e.old_device, ticks(e.end_value), e.new_device, ticks(e.start_value)) for e in exchanges],
        _rule(need, tick, ticks),
        estimates=[Estimate(g.start, g.end, ticks(g.quantity)) for g in guesses],
    )
    pieces = tuple(
        Piece(p.start, p.end, p.device, p.opening, p.closing, p.removed, p.opening_quality, p.closing_quality)
        for p in whole.parts(need.instants)
    )
    start, end = need.instants[0], need.instants[-1]
    cases = tuple(
        Case(*mine, d.start, d.end, d.reason) for d in whole.doubts if d.start < end and max(d.end, d.start + 1) > start
    )
    return Counter(tick.unit, tick.resolution, pieces, cases)


def _rule(need: CounterNeed, tick: Tick, ticks: Any) -> Rule:
    rate = need.max_rate.to(f"{tick.unit}/s") / Fraction(tick.resolution) / 1_000_000 if need.max_rate else None
    return Rule(
        need.on_reset,  # type: ignore[arg-type]
        need.boundary,  # type: ignore[arg-type]
        ticks(need.modulus) if need.modulus else None,
        rate,
        need.max_gap,
    )


def _tick(unit: str, values: Sequence[Quantity]) -> Tick:
    """The unit's own tick, or a finer one if some value as written would not be whole."""
    tick = default_tick(unit)
    for places in range(10):
        if all((v.to(tick.unit) / Fraction(tick.resolution)).denominator == 1 for v in values):
            return tick
        tick = Tick(Quantity.parse(f"{'0.' + '0' * places + '1' if places else '1'} {unit}").magnitude, unit)
    return default_tick(unit)


def _counts(reading: ReadingFact, measure: Measure) -> bool:
    """Whether a reading is good enough for the measure."""
    if measure.require_signature and reading.signature in (None, "none", "invalid", "false", "missing"):
        return False
    if measure.min_time_status is None:
        return True
    status = (reading.time_status or "U")[0].upper()
    return _TIME_STATUS.find(status) >= _TIME_STATUS.find(measure.min_time_status[0].upper())


def gauge(lists: FactLists, need: GaugeNeed, as_of: int | None) -> Gauge:
    """Readings over the stretch and the last one before it; of several at one instant the first stands."""
    mine = [r for r in known(lists.readings, as_of) if (r.asset, r.path) == (need.asset, need.register)]
    found: dict[int, Fraction] = {}
    for reading in _first_stands(mine):
        if reading.at <= need.end and isinstance(reading.value, Quantity):
            found[reading.at] = reading.value.to(need.unit)
    first = max((at for at in found if at <= need.start), default=need.start)
    return Gauge(need.unit, tuple(Level(at, value) for at, value in found.items() if at >= first))


def state(lists: FactLists, need: StateNeed, as_of: int | None) -> list[StateSpan]:
    """What readings say of the state: each until the next, at most for max_gap, in the stretch that is needed.

    Spans of one category that touch are one.
    """
    readings = _first_stands(
        r for r in known(lists.readings, as_of) if (r.asset, r.path) == (need.asset, need.register)
    )
    spans: list[StateSpan] = []
    for n, reading in enumerate(readings):
        following = readings[n + 1].at if n + 1 < len(readings) else need.end
        start, end = max(reading.at, need.start), min(following, reading.at + need.max_gap, need.end)
        if start >= end or not isinstance(reading.value, str):
            continue
        if spans and (spans[-1].end, spans[-1].category) == (start, reading.value):
            spans[-1] = replace(spans[-1], end=end)
        else:
            spans.append(StateSpan(start, end, reading.value))  # type: ignore[arg-type]
    return spans


def _first_stands(readings: Iterable[ReadingFact]) -> list[ReadingFact]:
    """By time. Of several at one instant the first that was recorded stands, then the first in sequence: as stored."""
    first: dict[int, ReadingFact] = {}
    for reading in sorted(readings, key=lambda r: (r.at, r.recorded_at or 0, r.sequence)):
        first.setdefault(reading.at, reading)
    return list(first.values())
