"""How an asset's meters stand: registers, quantities, breaks, holds, states, coverage, clocks. JSON types."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection, TextClause, text

from core.canonical import decimal_text
from core.time import micros
from ingest.counter import Break
from ingest.path import counted, course_of, plain
from ingest.store import completeness, component, counter, crosscheck, hold, said
from ingest.store.completeness import Register
from ingest.store.counter import Asked, Life
from ingest.store.shown import amount, at_text, share, shown, ticks_text, time_text

Json: TypeAlias = dict[str, Any]
LAST = text("""
    SELECT n.edge AS n, n.at_before AS at, n.before AS value
    FROM ingest.near(cast(:ns AS int[]), cast(:registers AS int[]), cast(:sinces AS timestamptz[]),
        cast(:befores AS timestamptz[]), cast(:befores AS timestamptz[]), :since, :before, :before, :before,
        :known) AS n
    WHERE n.at_before IS NOT NULL
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
        "from": time_text(start),
        "to": time_text(end),
        "known": known,
        "registers": _registers(connection, of, start, end, known),
        "quantities": [_quantity(need, life) for need, life in lives],
        "levels": list(said.levels(connection, of, start, end, known)),
        "breaks": [row for need, life in lives for row in _breaks(need, life)],
        "holds": [hold_json(one) for need, life in lives for one in hold.held(need, life)],
        "decisions": [_decision(one) for one in hold.decisions(connection, of_registers, known)],
        "estimates": [
            _estimate(connection, row, of, known) for row in _estimates(connection, of_registers, start, end, known)
        ],
        "states": list(said.states(connection, of, start, end, known)),
        "checks": list(crosscheck.checks(connection, of, lives, start, end, known)),
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
    since = end - timedelta(days=35)
    asked = {
        "ns": list(range(len(of))),
        "registers": [one.register for one in of],
        "sinces": [max(since, one.starts_at) for one in of],
        "befores": [min(end, one.ends_at or end) for one in of],
        "since": since,
        "before": end,
        "known": known,
    }
    last = {row.n: row for row in connection.execute(LAST, asked)}
    return [_register(one, last.get(n), heard.get(n)) for n, one in enumerate(of)]


def _register(one: Register, last: Any, heard: Any) -> Json:
    return {
        "path": one.path,
        "device": one.device,
        "kind": one.kind,
        "unit": one.unit,
        "resolution": decimal_text(one.resolution),
        "from": time_text(one.starts_at),
        "to": one.ends_at and time_text(one.ends_at),
        "opening": shown(one.opening, one),
        "closing": shown(one.closing, one),
        "last_at": last and time_text(last.at),
        "last": last and (str(last.value) if one.kind == "state" else shown(last.value, one)),
        "silence_limit": one.silence and str(one.silence),
        **(coverage_json(heard) if heard else {"received": 0, "expected": None, "coverage": "0", "gaps": []}),
    }


def coverage_json(found: Any) -> Json:
    """A Coverage as JSON types; coverage is a part of one with six digits, cut."""
    return {
        "received": found.received,
        "expected": found.expected,
        "coverage": share(found.share),
        "gaps": [{"from": at_text(gap.start), "to": at_text(gap.end)} for gap in found.gaps],
    }


def _quantity(need: Asked, life: Life) -> Json:
    parts, doubts = counted(life.bounds, need.instants, life.rule)
    ticks = component.total(parts)
    return {
        "path": need.register,
        "unit": life.unit,
        "quantity": amount(ticks, life) if parts else None,
        "opening": amount(parts[0].opening, life) if parts else None,
        "closing": amount(parts[-1].closing, life) if parts else None,
        "opening_quality": parts[0].opening_quality if parts else None,
        "closing_quality": parts[-1].closing_quality if parts else None,
        "held": len(doubts),
        "parts": [
            {
                "device": part.device,
                "from": at_text(part.start),
                "to": at_text(part.end),
                "opening": amount(part.opening, life),
                "closing": amount(part.closing, life),
                "removed": amount(part.removed, life),
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
                "from": at_text(one.start),
                "to": at_text(one.end),
                "before": amount(one.before, life),
                "after": amount(one.after, life),
                "unit": life.unit,
            }


def hold_json(one: hold.Hold) -> Json:
    """A hold as JSON types."""
    return {
        "hold": one.reference,
        "asset": one.asset,
        "path": one.path,
        "device": one.device,
        "from": time_text(one.start),
        "to": time_text(one.end),
        "reason": one.reason,
        "before": ticks_text(one.before, one.resolution, one.unit),
        "after": ticks_text(one.after, one.resolution, one.unit),
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
        "actual": shown(actual, register),
        "path": register.path,
        "from": time_text(row.start),
        "to": time_text(row.end),
        "quantity": shown(row.ticks, register),
        "unit": register.unit,
        "method": row.method,
        "author": row.author,
        "reason": row.reason,
    }


def _mounting(one: component.Mounting) -> Json:
    return {
        "component": one.component,
        "asset": one.asset,
        "position": one.position,
        "from": time_text(one.start),
        "to": one.end and time_text(one.end),
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
