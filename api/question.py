"""Questions about stretches of time: which days, in which zone, cut by which grain. Refused before anything is read."""

from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query

from api.errors import InvalidQuestion
from core.grain import LEAST, Grain, cuts
from core.time import UnknownZone, midnight, zone

MOST_ROWS = 20_000
"""Of one answer."""
FIRST_YEAR, LAST_YEAR = 2000, 2098
Zone = Annotated[str | None, Query(alias="timezone", max_length=64, description="IANA zone of the grain.")]


def where(name: str | None, otherwise: str) -> ZoneInfo:
    """The zone asked for. Raises InvalidQuestion."""
    try:
        return zone(name or otherwise)
    except UnknownZone as error:
        raise InvalidQuestion(str(error)) from None


def days(first: date, last: date, local: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first day's midnight to the end of the last. Raises InvalidQuestion."""
    if not first <= last or not FIRST_YEAR <= first.year <= last.year <= LAST_YEAR:
        raise InvalidQuestion(f"`last` must not come before `first`; years are {FIRST_YEAR} to {LAST_YEAR}")
    return midnight(first, local), midnight(last + timedelta(days=1), local)


def stretches(start: datetime, end: datetime, grain: Grain, local: ZoneInfo) -> list[datetime]:
    """The instants that cut a span, both ends included. Raises InvalidQuestion where there would be too many."""
    if not start < end or not FIRST_YEAR <= start.year <= end.year <= LAST_YEAR + 1:
        raise InvalidQuestion(f"`before` must come after `since`; years are {FIRST_YEAR} to {LAST_YEAR}")
    refuse_many((end - start) // LEAST[grain], f"{grain}s", "a coarser grain or a shorter time")
    return cuts(start, end, grain, local)


def refuse_many(count: int, what: str, remedy: str) -> None:
    """Raises InvalidQuestion for more rows than one answer has."""
    if count > MOST_ROWS:
        raise InvalidQuestion(f"{count:,} {what} are too many for one answer, {MOST_ROWS:,} the most; ask for {remedy}")
