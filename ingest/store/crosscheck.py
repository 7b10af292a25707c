"""Cross-checks: what else moved while a register did. JSON types."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, TypeAlias

from sqlalchemy import Connection

from core.canonical import fraction_text
from core.units import IncompatibleUnits, factor
from ingest.coverage import compare
from ingest.path import counted
from ingest.store import component, state
from ingest.store.completeness import Register
from ingest.store.counter import Asked, Life
from ingest.store.said import state_need

Json: TypeAlias = dict[str, Any]
WORKING = ("running", "idle", "derated")
"""Categories in which an asset's hours count."""


def checks(  # what is compared, over which stretch
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
            (spans,) = state.load(connection, [state_need(register, start, end)], known=known)
            worked = sum(span.end - span.start for span in spans if span.category in WORKING)
            return Fraction(worked, 1_000_000) * factor("s", unit)
        found = used.get(path)
        return None if found is None else found[0] * factor(found[1], unit)
    except IncompatibleUnits:
        return None
