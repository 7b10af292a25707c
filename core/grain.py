"""Where local calendars cut time: hours, days, weeks, months, quarters and years of a zone. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from core.time import midnight

Grain: TypeAlias = Literal["hour", "day", "week", "month", "quarter", "year"]
MONTHS: dict[Grain, int] = {"month": 1, "quarter": 3, "year": 12}
LEAST: dict[Grain, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=31),
    "quarter": timedelta(days=92),
    "year": timedelta(days=366),
}
"""About as long as one lasts: enough to say how many there are before they are counted."""
_HOUR, _SECOND = timedelta(hours=1), timedelta(seconds=1)


def cuts(start: datetime, end: datetime, grain: Grain, where: ZoneInfo) -> list[datetime]:
    """The instants that cut `[start, end)` into local stretches of a grain; both ends are among them.

    Neighbours make up the whole span, so whatever telescopes sums to it. Only the first and last may be parts. Weeks
    begin on Monday. An hour is the time in which date, hour and offset of the local clock stay the same: a day has 23
    or 25 where an hour is left out or comes twice; where the clock moves by half an hour, one hour is half as long.
    """
    if not start < end:
        raise ValueError(f"a span from {start} to {end} holds no time; give a later end")
    inner = _hours(start, end, where) if grain == "hour" else _days(start, end, grain, where)
    return [start, *inner, end]


def _hours(start: datetime, end: datetime, where: ZoneInfo) -> Iterator[datetime]:
    at = start.astimezone(UTC)
    while (at := _next_hour(at, where)) < end:
        yield at


def _next_hour(at: datetime, where: ZoneInfo) -> datetime:
    """Where the local clock next shows a full hour, or is moved."""
    local = at.astimezone(where)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    found = at + _HOUR - into
    if found.astimezone(where).utcoffset() == local.utcoffset():
        return found
    # Clocks are moved at whole seconds; offsets of long ago are whole seconds too.
    low, high = at.replace(microsecond=0), found
    while high - low > _SECOND:
        middle = low + (high - low) // (2 * _SECOND) * _SECOND
        same = middle.astimezone(where).utcoffset() == local.utcoffset()
        low, high = (middle, high) if same else (low, middle)
    return high


def _days(start: datetime, end: datetime, grain: Grain, where: ZoneInfo) -> Iterator[datetime]:
    last = start
    day = _first(start.astimezone(where).date(), grain)
    while (at := midnight(day, where)) < end:
        # A zone that crosses the date line leaves a day out; its midnight is the next day's.
        if at > last:
            yield at
            last = at
        day = _next(day, grain)


def _first(day: date, grain: Grain) -> date:
    """The first day of the stretch in which a day lies."""
    if grain == "day":
        return day
    if grain == "week":
        return day - timedelta(days=day.weekday())
    months = MONTHS[grain]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _next(first: date, grain: Grain) -> date:
    if grain in ("day", "week"):
        return first + timedelta(days=1 if grain == "day" else 7)
    month = first.month - 1 + MONTHS[grain]
    return date(first.year + month // 12, month % 12 + 1, 1)
