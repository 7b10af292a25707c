"""What gauges showed in each of some stretches of time: lowest, highest and last. Whole hours come from roll-ups."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, TextClause, text

from core.time import micros
from core.units import from_ticks
from ingest.store.counter import MixedTicks
from ingest.store.literal import numbers, times

STATEMENT = """
    SELECT bound, readings, lowest, highest, last_at, last_value FROM {levels}(CAST(:bounds AS int[]),
        CAST(:registers AS int[]), CAST(:sinces AS timestamptz[]), CAST(:befores AS timestamptz[]), :first, :last,
        :known)
"""
LEVELS = text(STATEMENT.format(levels="ingest.levels"))
VISIBLE = text(STATEMENT.format(levels="visible.levels"))


class Served(Protocol):
    """A register that served an asset; ingest.store.view and .completeness have such rows."""

    @property
    def register(self) -> int: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def resolution(self) -> Decimal: ...  # noqa: D102
    @property
    def starts_at(self) -> datetime: ...  # noqa: D102
    @property
    def ends_at(self) -> datetime | None: ...  # noqa: D102


class Level(NamedTuple):
    """What was shown in [start, end), in the register's unit; None: there is no reading in it."""

    start: datetime
    end: datetime
    readings: int
    lowest: Decimal | None
    highest: Decimal | None
    last: Decimal | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one register showed in one stretch."""

    readings: int
    lowest: Decimal
    highest: Decimal
    last_at: datetime
    last: Decimal


def load(
    connection: Connection,
    served: Sequence[Served],
    cuts: Sequence[datetime],
    *,
    known: int,
    statement: TextClause = LEVELS,
) -> list[Level]:
    """The gauge that these registers showed one after the other, between neighbouring cuts, as known at K.

    Raises MixedTicks where they show different units.
    """
    units = sorted({one.unit for one in served})
    if len(units) > 1:
        raise MixedTicks(f"devices showed {', '.join(units)} one after the other; ask for the time of one of them")
    stretches = list(pairwise(cuts))
    asked = [
        (n, one, max(start, one.starts_at), end if one.ends_at is None else min(end, one.ends_at))
        for n, (start, end) in enumerate(stretches)
        for one in served
        if one.starts_at < end and (one.ends_at is None or start < one.ends_at)
    ]
    seen: dict[int, list[_Seen]] = {}
    if asked:
        columns = {
            "bounds": numbers(range(len(asked))),
            "registers": numbers(one.register for _, one, _, _ in asked),
            "sinces": times(micros(since) for _, _, since, _ in asked),
            "befores": times(micros(before) for _, _, _, before in asked),
        }
        given = {**columns, "first": cuts[0], "last": cuts[-1], "known": known}
        for row in connection.execute(statement, given):
            n, one = asked[row.bound][:2]
            shown = [_shown(ticks, one) for ticks in (row.lowest, row.highest, row.last_value)]
            seen.setdefault(n, []).append(_Seen(row.readings, shown[0], shown[1], row.last_at, shown[2]))
    return [_level(*stretch, seen.get(n, [])) for n, stretch in enumerate(stretches)]


def _shown(ticks: int, one: Served) -> Decimal:
    return from_ticks(ticks, resolution=one.resolution, register_unit=one.unit).magnitude


def _level(start: datetime, end: datetime, seen: Sequence[_Seen]) -> Level:
    if not seen:
        return Level(start, end, 0, None, None, None, None)
    last = max(seen, key=lambda one: one.last_at)
    lowest, highest = min(one.lowest for one in seen), max(one.highest for one in seen)
    return Level(start, end, sum(one.readings for one in seen), lowest, highest, last.last, last.last_at)
