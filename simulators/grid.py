"""Time as the simulators see it: whole seconds since 1970 and a grid of ten minutes in UTC.

Local wall clocks are turned into instants here, once, by the zone's own rules. Months begin on the grid in every zone
whose offset is a multiple of ten minutes, so a boundary always has a reading of its own.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SLOT = 600
BERLIN = ZoneInfo("Europe/Berlin")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MINUTES = 1440


def instant(second: int) -> datetime:
    """Return the UTC instant of whole seconds since 1970."""
    return EPOCH + timedelta(seconds=second)


def micros(at: datetime) -> int:
    """Return whole microseconds since 1970. Raises ValueError for a time without zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no zone: give an aware datetime")
    return (at - EPOCH) // timedelta(microseconds=1)


def floor_second(at: datetime) -> int:
    """Return whole seconds since 1970, rounded down."""
    return micros(at) // 1_000_000


def floor_slot(at: datetime) -> int:
    """Return the last grid second at or before an instant."""
    return floor_second(at) // SLOT * SLOT


def ceil_slot(second: int) -> int:
    """Return the first grid second at or after a second."""
    return -(-second // SLOT) * SLOT


def local(day: date, minutes: int, zone: ZoneInfo) -> int:
    """Return the second at which a zone's wall clock shows `minutes` after midnight of `day`."""
    days, rest = divmod(minutes, DAY_MINUTES)
    day += timedelta(days=days)
    wall = datetime(day.year, day.month, day.day, rest // 60, rest % 60, tzinfo=zone)
    return (wall - EPOCH) // timedelta(seconds=1)


def month_first(day: date, months: int = 0) -> date:
    """Return the first day of the month that lies `months` after that of `day`."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def stamp(second: int) -> str:
    """Return the wire format's time, e.g. 2026-06-01T00:00:00Z."""
    return instant(second).isoformat()[:19] + "Z"


@lru_cache(maxsize=16)
def stamps(start: int, end: int) -> tuple[str, ...]:
    """Return the wire times of the grid seconds in [start, end); cached because all devices of a day share them."""
    return tuple(stamp(second) for second in range(start, end, SLOT))
