"""How an asset's meters stand: registers, quantities, breaks, holds, states, coverage, clocks. JSON types."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

from sqlalchemy import Connection, TextClause, text

from core.canonical import decimal_text, fraction_text
from core.time import instant, micros
from core.units import IncompatibleUnits, factor, from_ticks
from ingest.counter import Break
from ingest.coverage import compare
from ingest.path import counted, course_of, plain
from ingest.store import completeness, component, counter, gauge, hold, state
from ingest.store.completeness import Register
from ingest.store.counter import Asked, Life

Json: TypeAlias = dict[str, Any]
WORKING = ("running", "idle", "derated")
"""Categories in which an asset's hours count."""
LAST = text("""
    SELECT DISTINCT ON (u.register) u.register, r.at, r.value FROM unnest(cast(:registers AS int[])) AS u (register)
    CROSS JOIN LATERAL (
        SELECT e.at, e.value FROM ingest.effective(u.register, cast(:since AS timestamptz), :before, :known) AS e
        ORDER BY e.at DESC LIMIT 1
    ) AS r
""")
ESTIMATES = text("""
    SELECT * FROM (
        SELECT DISTINCT ON (register, during) register, lower(during) AS start, upper(during) AS "end", ticks, method,
            author, reason
        FROM ingest.estimate
        WHERE register = ANY(:registers) AND during && tstzrange(:start, :end) AND known <= :known
        ORDER BY register, during, known DESC
    ) AS e WHERE ticks IS NOT NULL ORDER BY start
""")


def standing(connection: Connection, asset: str, *, start: datetime, end: datetime, known: int) -> Json:
    """Everything about an asset's meters over [start, end), as known at K."""
    of = completeness.registers(connection, asset, start=start, end=end, known=known)
    lives = _lives(connection, of, start, end, known)
    of_registers = [one.register for one in of]
    return {
        "asset": asset,
        "from": _time(start),
        "to": _time(end),
        "known": known,
        "registers": _registers(connection, of, start, end, known),
        "quantities": [_quantity(need, life) for need, life in lives],
        "levels": list(_levels(connection, of, start, end, known)),
        "breaks": [row for need, life in lives for row in _breaks(need, life)],
        "holds": [hold_json(one) for need, life in lives for one in hold.held(need, life)],
        "decisions": [_decision(one) for one in hold.decisions(connection, of_registers, known)],
        "estimates": [
            _estimate(connection, row, of, known) for row in _estimates(connection, of_registers, start, end, known)
        ],
        "states": list(_states(connection, of, start, end, known)),
        "checks": list(_checks(connection, of, lives, start, end, known)),
        "components": [_mounting(one) for one in component.mountings(connection, known, asset=asset)],
        "mounted": [_mounting(one) for one in component.mountings(connection, known, component=asset)],
        "clocks": [
            _clock(one) for one in completeness.skew(connection, of_registers, start=start, end=end, known=known)
        ],
    }


def _lives(
    connection: Connection, of: Sequence[Register], start: datetime, end: datetime, known: int
) -> list[tuple[Asked, Life]]:
    edges = (micros(start), micros(end))
    paths = {one.path: one.unit for one in of if one.kind == "counter"}
    needs = [Asked(of[0].asset, path, edges, unit) for path, unit in paths.items()]
    return list(zip(needs, counter.lives(connection, needs, known=known), strict=True)) if needs else []


def _registers(
    connection: Connection, of: Sequence[Register], start: datetime, end: datetime, known: int
) -> list[Json]:
    heard = completeness.heard(connection, of, start=start, end=end, known=known)
    asked = {
        "registers": [one.register for one in of],
        "since": end - timedelta(days=35),
        "before": end,
        "known": known,
    }
    last = {row.register: row for row in connection.execute(LAST, asked)}
    return [_register(one, last.get(one.register), heard.get(n)) for n, one in enumerate(of)]


def _register(one: Register, last: Any, heard: Any) -> Json:
    return {
        "path": one.path,
        "device": one.device,
        "kind": one.kind,
        "unit": one.unit,
        "resolution": decimal_text(one.resolution),
        "from": _time(one.starts_at),
        "to": one.ends_at and _time(one.ends_at),
        "opening": _shown(one.opening, one),
        "closing": _shown(one.closing, one),
        "last_at": last and _time(last.at),
        "last": last and (str(last.value) if one.kind == "state" else _shown(last.value, one)),
        "silence_limit": one.silence and str(one.silence),
        **(coverage_json(heard) if heard else {"received": 0, "expected": None, "coverage": "0", "gaps": []}),
    }


def coverage_json(found: Any) -> Json:
    """A Coverage as JSON types; coverage is a part of one with six digits, cut."""
    return {
        "received": found.received,
        "expected": found.expected,
        "coverage": _share(found.share),
        "gaps": [{"from": _at(gap.start), "to": _at(gap.end)} for gap in found.gaps],
    }


def _quantity(need: Asked, life: Life) -> Json:
    parts, doubts = counted(life.bounds, need.instants, life.rule)
    ticks = component.total(parts)
    return {
        "path": need.register,
        "unit": life.unit,
        "quantity": _amount(ticks, life) if parts else None,
        "opening": _amount(parts[0].opening, life) if parts else None,
        "closing": _amount(parts[-1].closing, life) if parts else None,
        "opening_quality": parts[0].opening_quality if parts else None,
        "closing_quality": parts[-1].closing_quality if parts else None,
        "held": len(doubts),
        "parts": [
            {
                "device": part.device,
                "from": _at(part.start),
                "to": _at(part.end),
                "opening": _amount(part.opening, life),
                "closing": _amount(part.closing, life),
                "removed": _amount(part.removed, life),
                "opening_quality": part.opening_quality,
                "closing_quality": part.closing_quality,
            }
            for part in parts
        ],
    }


def _breaks(need: Asked, life: Life) -> Iterator[Json]:
    found: Iterable[Break] = course_of(life.bounds, life.rule).breaks
    for one in sorted(found, key=lambda each: (each.start, each.end)):
        if one.start < need.instants[-1] and need.instants[0] <= one.end:
            yield {
                "path": need.register,
                "device": plain(one.device),
                "kind": one.kind,
                "from": _at(one.start),
                "to": _at(one.end),
                "before": _amount(one.before, life),
                "after": _amount(one.after, life),
                "unit": life.unit,
            }


def hold_json(one: hold.Hold) -> Json:
    """A hold as JSON types."""
    return {
        "hold": one.reference,
        "asset": one.asset,
        "path": one.path,
        "device": one.device,
        "from": _time(one.start),
        "to": _time(one.end),
        "reason": one.reason,
        "before": _ticks(one.before, one.resolution, one.unit),
        "after": _ticks(one.after, one.resolution, one.unit),
        "unit": one.unit,
    }


def _decision(one: hold.Decision) -> Json:
    return {
        "hold": f"{one.register}.{micros(one.start)}.{micros(one.end)}",
        "kind": one.kind,
        "ticks": one.ticks,
        "known": one.known,
        "author": one.author,
        "reason": one.reason,
    }


def _estimates(
    connection: Connection, registers: Sequence[int], start: datetime, end: datetime, known: int
) -> list[Any]:
    asked = {"registers": list(registers), "start": start, "end": end, "known": known}
    return list(connection.execute(ESTIMATES, asked))


def _estimate(connection: Connection, row: Any, of: Sequence[Register], known: int) -> Json:
    """With what readings say instead, as soon as there are any on both sides."""
    register = next(one for one in of if one.register == row.register)
    need = Asked(register.asset, register.path, (micros(row.start), micros(row.end)), register.unit)
    (found,) = counter.load(connection, [need], known=known)
    open_ended = any({"start", "last"} & {one.opening_quality, one.closing_quality} for one in found.parts)
    actual = component.total(found.parts) if found.parts and not open_ended and not found.doubts else None
    return {
        "estimated": True,
        "actual": _shown(actual, register),
        "path": register.path,
        "from": _time(row.start),
        "to": _time(row.end),
        "quantity": _shown(row.ticks, register),
        "unit": register.unit,
        "method": row.method,
        "author": row.author,
        "reason": row.reason,
    }


def _levels(
    connection: Connection, of: Sequence[Register], start: datetime, end: datetime, known: int
) -> Iterator[Json]:
    """What gauges showed, used and took in; each fall is counted when it is read."""
    paths = {one.path: one for one in of if one.kind == "gauge"}
    needs = [_Span(one.asset, path, micros(start), micros(end)) for path, one in paths.items()]
    for need, found in zip(needs, gauge.load(connection, needs, known=known), strict=True):
        runs = found.settled or (found.levels,)
        used = came = 0
        for run in runs:
            for before, after in pairwise(run):
                if need.start < after.at <= need.end:
                    used += max(0, before.ticks - after.ticks)
                    came += max(0, after.ticks - before.ticks)
        register = paths[need.register]
        yield {
            "path": need.register,
            "unit": register.unit,
            "readings": sum(start <= instant(one.at) < end for one in found.levels),
            "used": _shown(used, register),
            "refilled": _shown(came, register),
            "last": _shown(found.levels[-1].ticks, register) if found.levels else None,
        }


class _Span:
    """A stretch of a register path, as states and gauges are asked for."""

    def __init__(self, asset: str, register: str, start: int, end: int, max_gap: int = 0) -> None:
        self.asset, self.register, self.start, self.end, self.max_gap = asset, register, start, end, max_gap


def _states(
    connection: Connection, of: Sequence[Register], start: datetime, end: datetime, known: int
) -> Iterator[Json]:
    """What devices said; silence beyond the limit is unknown."""
    paths = {one.path: one for one in of if one.kind == "state"}
    whole = micros(end) - micros(start)
    needs = [_state_need(one, start, end) for one in paths.values()]
    for need, spans in zip(needs, state.load(connection, needs, known=known), strict=True):
        sums: dict[str, int] = {}
        for span in spans:
            sums[span.category] = sums.get(span.category, 0) + span.end - span.start
        unknown = whole - sum(sums.values())
        yield {
            "path": need.register,
            "time": {
                name: str(timedelta(microseconds=took))
                for name, took in sorted({**sums, "unknown": sums.get("unknown", 0) + unknown}.items())
                if took
            },
            "spans": [{"from": _at(a), "to": _at(b), "state": name} for a, b, name in _timeline(spans, need)],
        }


def _state_need(one: Register, start: datetime, end: datetime) -> _Span:
    limit = one.silence or end - start
    return _Span(one.asset, one.path, micros(start), micros(end), limit // timedelta(microseconds=1))


def _timeline(spans: Sequence[state.Said], need: _Span) -> Iterator[tuple[int, int, str]]:
    """The whole stretch without a hole: what nobody said is unknown."""
    at = need.start
    for span in spans:
        if at < span.start:
            yield at, span.start, "unknown"
        yield span.start, span.end, span.category
        at = span.end
    if at < need.end:
        yield at, need.end, "unknown"


def _checks(  # what is compared, over which stretch
    connection: Connection,
    of: Sequence[Register],
    lives: Sequence[tuple[Asked, Life]],
    start: datetime,
    end: datetime,
    known: int,
) -> Iterator[Json]:
    """Each declared cross-check, with both sides in the register's unit."""
    used = {need.register: _use(need, life) for need, life in lives}
    for one in of:
        for check in one.cross_checks or ():
            others = [_against(connection, of, path, used, one.unit, (start, end, known)) for path in check["against"]]
            against = None if None in others else sum((each for each in others if each is not None), Fraction(0))
            own = used.get(one.path)
            value = None if own is None else own[0] * factor(own[1], one.unit)
            yield {
                "path": one.path,
                "against": check["against"],
                "tolerance": check["tolerance"],
                "use": None if value is None else fraction_text(value),
                "of_others": None if against is None else fraction_text(against),
                "unit": one.unit,
                "finding": compare(value, against, Fraction(check["tolerance"])),
            }


def _use(need: Asked, life: Life) -> tuple[Fraction, str] | None:
    parts, _ = counted(life.bounds, need.instants, life.rule)
    return (component.total(parts) * Fraction(life.resolution), life.unit) if parts else None


def _against(  # one path of a check
    connection: Connection,
    of: Sequence[Register],
    path: str,
    used: dict[str, tuple[Fraction, str] | None],
    unit: str,
    stretch: tuple[datetime, datetime, int],
) -> Fraction | None:
    """What else moved, in this unit: a counter's use, or the time that a state register calls working."""
    register = next((one for one in of if one.path == path), None)
    if register is None:
        return None
    try:
        if register.kind == "state":
            start, end, known = stretch
            (spans,) = state.load(connection, [_state_need(register, start, end)], known=known)
            worked = sum(span.end - span.start for span in spans if span.category in WORKING)
            return Fraction(worked, 1_000_000) * factor("s", unit)
        found = used.get(path)
        return None if found is None else found[0] * factor(found[1], unit)
    except IncompatibleUnits:
        return None


def _mounting(one: component.Mounting) -> Json:
    return {
        "component": one.component,
        "asset": one.asset,
        "position": one.position,
        "from": _time(one.start),
        "to": one.end and _time(one.end),
        "evidence": one.evidence,
    }


def _clock(one: completeness.Skew) -> Json:
    delays = {name: str(getattr(one, name)) for name in ("least", "middle", "most")}
    return {"device": one.device, "readings": one.readings, "status": one.status or "not said", **delays}


def heard_of(  # coverage alone, also for a party
    connection: Connection,
    asset: str,
    *,
    start: datetime,
    end: datetime,
    known: int,
    statement: TextClause = completeness.HEARD,
) -> list[Json]:
    """Coverage of each of an asset's registers over [start, end), as known at K."""
    of = completeness.registers(connection, asset, start=start, end=end, known=known)
    found = completeness.heard(connection, of, start=start, end=end, known=known, statement=statement)
    return [{"path": of[n].path, "device": of[n].device, **coverage_json(one)} for n, one in found.items()]


def _shown(ticks: int | None, register: Register) -> str | None:
    return None if ticks is None else _ticks(ticks, register.resolution, register.unit)


def _amount(ticks: int, life: Life) -> str:
    return _ticks(ticks, life.resolution, life.unit)


def _ticks(ticks: int, resolution: Decimal, unit: str) -> str:
    return decimal_text(from_ticks(ticks, resolution=resolution, register_unit=unit).magnitude)


def _share(share: Fraction) -> str:
    return f"{Decimal(share.numerator * 1_000_000 // share.denominator).scaleb(-6):f}"


def _at(at: int) -> str:
    return _time(instant(at))


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
