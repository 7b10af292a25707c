"""Instants, spans, periods and durations. Instants are UTC; a calendar exists only where a zone is given."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias
from zoneinfo import ZoneInfo

import tzdata

if TYPE_CHECKING:
    from collections.abc import Iterable

TZDATA_VERSION: str = tzdata.IANA_VERSION
PeriodKind: TypeAlias = Literal["month", "quarter", "year"]
MONTHS: dict[PeriodKind, int] = {"month": 1, "quarter": 3, "year": 12}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
_PERIOD = re.compile(r"(\d{4})(?:-(\d\d)|-Q([1-4]))?", re.ASCII)
_ELAPSED = re.compile(r"(\d+(?:\.\d+)?) (ms|s|min|h)", re.ASCII)
_ISO = re.compile(r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)
_UNIT_MICROS = {"ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000}
_LONGEST, _MOST_DAYS = 40, 366 * 100
HOUR = 3_600_000_000
"""One hour in microseconds."""


class NotATime(ValueError):
    """A text that names no single instant in its zone."""


class NotAPeriod(ValueError):
    """A text that is neither a month, nor a quarter, nor a year."""


class NotADuration(ValueError):
    """A text that is no length of time."""


class UnknownZone(ValueError):
    """A zone that the pinned tz database does not have."""


class EmptySpan(ValueError):
    """A span that ends no later than it starts."""


@dataclass(frozen=True, order=True)
class Span:
    """Half-open `[start, end)` of UTC instants. Refuses naive times and empty or inverted spans."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for at in (self.start, self.end):
            if at.tzinfo is None:
                raise NotATime(f"{at} has no zone; give an instant in UTC")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end <= self.start:
            raise EmptySpan(f"a span from {self.start} to {self.end} holds no time")

    @classmethod
    def of(cls, start: int, end: int) -> Span:
        """From whole microseconds."""
        return cls(instant(start), instant(end))

    @cached_property
    def micros(self) -> tuple[int, int]:
        """Both ends as whole microseconds."""
        return micros(self.start), micros(self.end)

    @property
    def length(self) -> int:
        """Elapsed microseconds."""
        return micros(self.end) - micros(self.start)

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    def intersect(self, other: Span) -> Span | None:
        """The time in both, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span(start, end) if start < end else None

    def split(self, cuts: Iterable[datetime]) -> tuple[Span, ...]:
        """The same time, cut at these instants; those outside cut nothing."""
        edges = [self.start, *sorted({cut for cut in cuts if self.start < cut < self.end}), self.end]
        return tuple(Span(a, b) for a, b in pairwise(edges))


def micros(at: datetime) -> int:
    """Whole microseconds since 1970 in UTC, exactly. Raises NotATime for a naive time."""
    if at.tzinfo is None:
        raise NotATime(f"{at} has no zone; give an instant in UTC")
    return (at.astimezone(UTC) - _EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """The UTC instant so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


@cache
def zone(name: str) -> ZoneInfo:
    """A zone of the pinned tzdata wheel, never the machine's. Raises UnknownZone."""
    if name not in _zone_names():
        raise UnknownZone(f"{name!r} is no IANA zone; write it as Europe/Berlin")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text().split())


@lru_cache(maxsize=4096)
def midnight(day: date, where: ZoneInfo) -> datetime:
    """The first instant of a day in a zone, in UTC; where the clock skips midnight, the first that exists."""
    wall = datetime(day.year, day.month, day.day, tzinfo=where)
    if _exists(wall):
        return wall.astimezone(UTC)
    # In a gap, fold=1 reads the wall clock with the offset after it, which is an instant before the gap's end.
    before, after = wall.replace(fold=0).utcoffset(), wall.replace(fold=1).utcoffset()
    naive = wall.replace(tzinfo=None)
    low, high = (micros((naive - (offset or timedelta())).replace(tzinfo=UTC)) for offset in (after, before))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if instant(middle).astimezone(where).date() >= day else (middle, high)
    return instant(high)


@lru_cache(maxsize=4096)
def read_time(text: str, where: ZoneInfo) -> datetime:
    """A written time as a UTC instant: wall clock of the zone, or with Z or an offset an instant by itself.

    A date alone is its first instant. Raises NotATime for a wall clock that never occurs, and for one that occurs
    twice and has no offset.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise NotATime(f"{text!r} is no time; write it as 2026-06-16 08:15, or with an offset")
    day, clock, seconds, fraction, offset = match.groups()
    if fraction and len(fraction) > 6:  # noqa: PLR2004 - microseconds
        raise NotATime(f"{text!r} is finer than a microsecond")
    try:
        if clock is None:
            return midnight(date.fromisoformat(day), where)
        micro = (fraction or "").ljust(6, "0")
        naive = datetime.fromisoformat(f"{day}T{clock}:{seconds or '00'}.{micro}")
        if offset:
            return datetime.fromisoformat(f"{naive.isoformat()}{offset.replace('Z', '+00:00')}").astimezone(UTC)
        return _from_wall(naive, where)
    except NotATime:
        raise
    except (ValueError, OverflowError) as error:
        raise NotATime(f"{text!r} is no time: {error}") from None


def _from_wall(naive: datetime, where: ZoneInfo) -> datetime:
    wall = naive.replace(tzinfo=where)
    if not _exists(wall):
        raise NotATime(f"{naive} never occurs in {where.key}: the clock skips it")
    first, second = wall.astimezone(UTC), wall.replace(fold=1).astimezone(UTC)
    if first != second:
        local = [f"{at.astimezone(where).isoformat(sep=' ')}" for at in (first, second)]
        raise NotATime(f"{naive} occurs twice in {where.key}; write {local[0]} or {local[1]}")
    return first


def _exists(wall: datetime) -> bool:
    back = wall.astimezone(UTC).astimezone(wall.tzinfo)
    return back.replace(tzinfo=None, fold=0) == wall.replace(tzinfo=None, fold=0)


def wall_text(at: datetime, where: ZoneInfo) -> str:
    """An instant as contract files write it: a date if it is local midnight; an offset if ambiguous."""
    local = at.astimezone(where)
    if midnight(local.date(), where) == at:
        return local.date().isoformat()
    clock = local.replace(tzinfo=None).isoformat(sep=" ")
    short = clock.rstrip("0") if "." in clock else clock.removesuffix(":00")
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{short}{local.isoformat()[-6:]}" if twice else short


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time: elapsed microseconds, and steps of a calendar."""

    months: int = 0
    days: int = 0
    microseconds: int = 0

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read "48 h", "5 min", "PT48H", "P3D", "P6M", "P1Y". Raises NotADuration."""
        if len(text) > _LONGEST:
            raise NotADuration(f"{text[:_LONGEST]!r}… is longer than any agreement")
        if match := _ELAPSED.fullmatch(text):
            exact = Fraction(Decimal(match[1])) * _UNIT_MICROS[match[2]]
            if exact.denominator != 1:
                raise NotADuration(f"{text!r} is finer than a microsecond")
            return cls._sane(cls(microseconds=exact.numerator), text)
        match = _ISO.fullmatch(text)
        if match is None:
            raise NotADuration(f"{text!r} is no duration; write it as 48 h, 5 min, PT48H, P3D, P6M or P1Y")
        years, months, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        whole = cls(12 * years + months, days, ((hours * 60 + minutes) * 60 + seconds) * 1_000_000)
        return cls._sane(whole, text)

    @staticmethod
    def _sane(whole: Duration, text: str) -> Duration:
        if max(whole.months * 31, whole.days, whole.microseconds // (24 * HOUR)) > _MOST_DAYS:
            raise NotADuration(f"{text!r} is longer than any agreement")
        return whole

    @property
    def elapsed(self) -> int:
        """Microseconds. Raises NotADuration if the length depends on a calendar."""
        if self.months or self.days:
            raise NotADuration(f"{self} is a step of the calendar, not elapsed time; write it in hours")
        return self.microseconds

    def after(self, at: datetime, where: ZoneInfo) -> datetime:
        """The instant this much later: calendar steps on the zone's wall clock, then elapsed time."""
        return step(at, where, months=self.months, days=self.days) + timedelta(microseconds=self.microseconds)

    def before(self, at: datetime, where: ZoneInfo) -> datetime:
        """The instant this much earlier."""
        return step(at, where, months=-self.months, days=-self.days) - timedelta(microseconds=self.microseconds)

    def __str__(self) -> str:
        years, months = divmod(self.months, 12)
        calendar = "".join(f"{n}{word}" for n, word in ((years, "Y"), (months, "M"), (self.days, "D")) if n)
        if self.microseconds == 0 and calendar:
            return f"P{calendar}"
        if not calendar:
            return _elapsed_text(self.microseconds)
        return f"P{calendar}T{self.microseconds // 1_000_000}S"


def _elapsed_text(microseconds: int) -> str:
    for word in ("h", "min", "s"):
        if microseconds % _UNIT_MICROS[word] == 0:
            return f"{microseconds // _UNIT_MICROS[word]} {word}"
    return f"{Decimal(microseconds).scaleb(-3).normalize():f} ms"


def step(at: datetime, where: ZoneInfo, *, months: int = 0, days: int = 0) -> datetime:
    """Move an instant on its zone's calendar, keeping the wall clock.

    A day that a month lacks becomes its last; a wall clock that is skipped moves on by the gap; of one that occurs
    twice, the first is meant.
    """
    if not months and not days:
        return at
    local = at.astimezone(where)
    day = add_months(local.date(), months) + timedelta(days=days)
    if midnight(local.date(), where) == at:
        return midnight(day, where)
    return datetime.combine(day, local.time(), tzinfo=where).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or the month's last if it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, _days_in(year, month + 1)))


def _days_in(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day


@dataclass(frozen=True)
class Period:
    """A month, quarter or year of a zone, from local midnight to local midnight."""

    label: str
    span: Span
    zone: ZoneInfo
    anchor_day: int = 1

    @classmethod
    @lru_cache(maxsize=4096)
    def parse(cls, label: str, where: ZoneInfo, *, anchor_day: int = 1) -> Period:
        """Read "2026-06", "2026-Q2" or "2026"; with another anchor day it begins on that day. Raises NotAPeriod."""
        match = _PERIOD.fullmatch(label)
        if match is None or (match[2] and not 1 <= int(match[2]) <= 12) or match[1] == "0000":  # noqa: PLR2004
            raise NotAPeriod(f"{label!r} is no period; write it as 2026-06, 2026-Q2 or 2026")
        month = int(match[2] or 1) if not match[3] else 3 * int(match[3]) - 2
        kind: PeriodKind = "month" if match[2] else "quarter" if match[3] else "year"
        try:
            return cls._from(int(match[1]) * 12 + month - 1, kind, where, anchor_day)
        except (ValueError, OverflowError):
            raise NotAPeriod(f"{label!r} is beyond the calendar") from None

    @classmethod
    @lru_cache(maxsize=4096)
    def containing(cls, at: datetime, kind: PeriodKind, where: ZoneInfo, *, anchor_day: int = 1) -> Period:
        """The period of this kind in which an instant lies."""
        day = at.astimezone(where).date()
        index = (day.year * 12 + day.month - 1) // MONTHS[kind] * MONTHS[kind]
        period = cls._from(index, kind, where, anchor_day)
        return period if at >= period.span.start else period.previous()

    @classmethod
    @lru_cache(maxsize=4096)
    def _from(cls, index: int, kind: PeriodKind, where: ZoneInfo, anchor_day: int) -> Period:
        """From a month counted from year 0. Calendars are dear and few: each period is made once."""
        ends = []
        for n in (index, index + MONTHS[kind]):
            year, month = divmod(n, 12)
            ends.append(midnight(date(year, month + 1, min(anchor_day, _days_in(year, month + 1))), where))
        year, month = divmod(index, 12)
        label = {"month": f"{year:04}-{month + 1:02}", "quarter": f"{year:04}-Q{month // 3 + 1}", "year": f"{year:04}"}
        return cls(label[kind], Span(*ends), where, anchor_day)

    @cached_property
    def kind(self) -> PeriodKind:
        """month, quarter or year."""
        return "quarter" if "Q" in self.label else "month" if "-" in self.label else "year"

    @cached_property
    def first_day(self) -> date:
        """The local date on which it begins."""
        return self.span.start.astimezone(self.zone).date()

    @cached_property
    def last_day(self) -> date:
        """The local date on which it ends, still inside."""
        return (self.span.end - _MICROSECOND).astimezone(self.zone).date()

    @cached_property
    def days(self) -> int:
        """How many calendar days it has."""
        return (self.last_day - self.first_day).days + 1

    def next(self) -> Period:
        """The period after this."""
        return Period._from(self._index() + MONTHS[self.kind], self.kind, self.zone, self.anchor_day)

    def previous(self) -> Period:
        """The period before this."""
        return Period._from(self._index() - MONTHS[self.kind], self.kind, self.zone, self.anchor_day)

    def _index(self) -> int:
        day = self.first_day
        return day.year * 12 + day.month - 1

    def __str__(self) -> str:
        return self.label
