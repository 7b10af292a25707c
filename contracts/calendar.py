"""Required time: round the clock, or the days and hours that a calendar names."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from contracts.span import Spans, intersect, normal
from core.time import instant, micros, midnight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from contracts.document import Calendar, Version

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AROUND_THE_CLOCK = "24x7"


def required(version: Version, name: str, spans: Spans) -> Spans:
    """The part of these spans in which the calendar asks for the asset. Raises KeyError for an unknown calendar."""
    if name == AROUND_THE_CLOCK:
        return spans
    entries = tuple(entry for entry in version.calendars if entry.calendar == name)
    if not entries:
        raise KeyError(name)
    if not spans:
        return ()
    first, last = (instant(at).astimezone(version.zone).date() for at in (spans[0][0], spans[-1][1]))
    return intersect(spans, _open(entries, version.zone, first - timedelta(days=1), last))


@lru_cache(maxsize=512)
def _open(entries: tuple[Calendar, ...], where: ZoneInfo, first: date, last: date) -> Spans:
    """The hours of these days: the same for every asset."""
    return normal(hours for entry in entries for hours in _hours(entry, where, first, last))


def _hours(entry: Calendar, where: ZoneInfo, first: date, last: date) -> Iterator[tuple[int, int]]:
    holidays = {instant(at).astimezone(where).date() for at in entry.holidays}
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        if DAYS[day.weekday()] in entry.days and day not in holidays:
            overnight = entry.end <= entry.start
            yield _clock(day, entry.start, where), _clock(day + timedelta(days=overnight), entry.end, where)


def _clock(day: date, text: str, where: ZoneInfo) -> int:
    """A clock time of a day; one that is skipped moves on by the gap, of one that occurs twice the first is meant."""
    if text == "24:00":
        return micros(midnight(day + timedelta(days=1), where))
    if text == "00:00":
        return micros(midnight(day, where))
    return micros(datetime(day.year, day.month, day.day, int(text[:2]), int(text[3:]), tzinfo=where))
