"""Questions about stretches of time: which days, in which zone, cut by which grain. Refused before anything is read."""

from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Query
from sqlalchemy import Connection

from api.errors import InvalidQuestion
from core.grain import LEAST, Grain, cuts
from core.store import current_knowledge, knowledge_as_of
from core.time import UnknownZone, midnight, zone

MOST_ROWS = 20_000
"""Of one answer."""
FIRST_YEAR, LAST_YEAR = 2000, 2098
Zone = Annotated[str | None, Query(alias="timezone", max_length=64, description="IANA zone of the grain.")]

AsOf = Annotated[
    str | None,
    Query(
        max_length=40,
        description="As readings, corrections and decisions were known then: an instant with its offset, or a "
        "knowledge number. The same answer for ever. Now without it.",
        examples=["2026-07-01T00:00:00Z", "1701"],
    ),
]


def known(connection: Connection, as_of: str | None, *, now: datetime) -> int:
    """The knowledge number asked for. Raises InvalidQuestion for what is no number and no instant, or lies ahead."""
    newest = current_knowledge(connection)
    if as_of is None:
        return newest
    number = as_of.removeprefix("K").strip()
    if number.isascii() and number.isdecimal():
        if int(number) > newest:
            raise InvalidQuestion(f"`as_of` {number} lies ahead; the newest knowledge is {newest}")
        return int(number)
    at = _instant(as_of)
    if at > now:
        raise InvalidQuestion("`as_of` lies ahead; leave it out for what is known now")
    return knowledge_as_of(connection, at)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidQuestion("`as_of` is a knowledge number, or an instant such as 2026-07-01T00:00:00Z")
    return at


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
