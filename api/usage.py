"""What counters counted between instants: boundary values, and their differences."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from contracts.store.view import VersionView
from core.time import micros, midnight
from core.units import factor
from ingest.store import view
from ingest.store.view import Neighbours, RegisterView
from sqlalchemy import Connection

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Measure:
    """A counter that a contract counts: its name there, the register path and the contract's unit."""

    name: str
    register: str
    unit: str


@dataclass(frozen=True, slots=True)
class Use:
    """What an asset (inside key) used in `[start, end)`, exactly, in the measure's unit.

    carried: a boundary lies in a silence so long that the value before it was taken.
    """

    asset: int
    start: datetime
    end: datetime
    quantity: Fraction
    carried: bool


def measures(versions: Iterable[VersionView]) -> list[Measure]:
    """The counters of the newest version, in its order."""
    newest = max(versions, key=lambda version: version.version, default=None)
    if newest is None:
        return []
    document: Mapping[str, Any] = json.loads(newest.document)
    return [
        Measure(name=one["measure"], register=one["register"], unit=one["unit"])
        for one in document.get("measures", ())
        if one["kind"] == "counter_delta"
    ]


def days(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """The local midnights that cut `[start, end)`, both ends included."""
    cuts, day = [start], start.astimezone(zone).date() + timedelta(days=1)
    while (cut := midnight(day, zone)) < end:
        cuts.append(cut)
        day += timedelta(days=1)
    return [*cuts, end]


def months(start: date, end: date, zone: ZoneInfo) -> list[datetime]:
    """Local midnights of the first days of months from `start`'s to the one after `end`'s."""
    first, last = start.replace(day=1), end.replace(day=1)
    cuts = [midnight(first, zone)]
    while first <= last:
        first = (first + timedelta(days=32)).replace(day=1)
        cuts.append(midnight(first, zone))
    return cuts


def between(
    connection: Connection, asset_ids: Iterable[int], measure: Measure, instants: Sequence[datetime]
) -> list[Use]:
    """What each asset used between consecutive instants, as far as the viewer may see; by asset and time."""
    registers = view.registers(connection, asset_ids, path=measure.register)
    wanted = {
        (register.binding, register.register, edge)
        for register in registers
        for start, end in pairwise(instants)
        for edge in _clip(register, start, end)
    }
    found = {(one.binding, one.instant): one for one in view.neighbours(connection, sorted(wanted))}
    uses: dict[tuple[int, datetime, datetime], list[tuple[Fraction, bool]]] = defaultdict(list)
    for register in registers:
        for start, end in pairwise(instants):
            used = _used(register, _clip(register, start, end), found)
            if used is not None:
                uses[register.asset, start, end].append((used[0] * factor(register.unit, measure.unit), used[1]))
    return [
        Use(asset, start, end, sum((part for part, _ in parts), Fraction(0)), any(carried for _, carried in parts))
        for (asset, start, end), parts in sorted(uses.items())
    ]


def _clip(register: RegisterView, start: datetime, end: datetime) -> tuple[datetime, ...]:
    """Both edges of the time in which the register served within `[start, end)`; empty if it did not."""
    since, until = max(start, register.starts_at), min(end, register.ends_at or end)
    return (since, until) if since < until else ()


def _used(
    register: RegisterView, edges: tuple[datetime, ...], found: Mapping[tuple[int, datetime], Neighbours]
) -> tuple[Fraction, bool] | None:
    if not edges or any((register.binding, edge) not in found for edge in edges):
        return None
    opening, closing = (_value(register, found[register.binding, edge], edge) for edge in edges)
    if opening is None or closing is None:
        return None
    ticks = closing[0] - opening[0]
    if ticks < 0 and register.modulus:
        ticks += register.modulus
    return ticks * Fraction(register.resolution), opening[1] or closing[1]


def _value(register: RegisterView, near: Neighbours, at: datetime) -> tuple[int, bool] | None:
    """V(t) of ARCHITECTURE §2 in ticks, and whether it was carried over a silence."""
    if register.ends_at == at and register.closing is not None:
        return register.closing, False
    if near.before_at is None or near.before_value is None:
        first = register.opening if register.opening is not None else near.after_value
        return None if first is None else (first, False)
    if near.after_at is None or near.after_value is None or near.before_at == at:
        return near.before_value, False
    gap = near.after_at - near.before_at
    if register.max_gap is not None and gap > register.max_gap:
        return near.before_value, True
    passed, whole = micros(at) - micros(near.before_at), gap // MICROSECOND
    return near.before_value + (near.after_value - near.before_value) * passed // whole, False
