"""Local hours, days and months cut time exactly, in zones with half hours and on days on which clocks are moved."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.grain import Grain, cuts
from core.time import micros, midnight, zone
from ingest.counter import CounterReading, Rule
from ingest.course import course

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns",
         "Pacific/Chatham", "Africa/Cairo", "Pacific/Apia")  # fmt: skip
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2029, 12, 1, tzinfo=UTC)
instants = st.timedeltas(timedelta(0), LAST - FIRST).map(FIRST.__add__)
# Around the days on which the clocks of Lord Howe Island and of Berlin are moved.
moved = st.sampled_from([datetime(2026, 10, 3, tzinfo=UTC), datetime(2026, 4, 4, tzinfo=UTC),
                         datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)])  # fmt: skip
starts = instants | st.builds(datetime.__add__, moved, st.timedeltas(timedelta(0), timedelta(days=2)))
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=5))
grains = st.sampled_from(get_args(Grain))
zones = st.sampled_from(ZONES).map(zone)


def local_hours(day: date, name: str) -> list[tuple[str, int]]:
    """What the clock shows when an hour begins, and how many minutes it lasts."""
    where = zone(name)
    found = cuts(midnight(day, where), midnight(day + timedelta(days=1), where), "hour", where)
    return [(f"{a.astimezone(where):%H:%M}", (b - a) // timedelta(minutes=1)) for a, b in pairwise(found)]


@pytest.mark.parametrize(
    ("day", "name", "hours", "odd"),
    [
        (date(2026, 3, 29), "Europe/Berlin", 23, []),
        (date(2026, 10, 25), "Europe/Berlin", 25, []),
        (date(2026, 6, 1), "Asia/Kolkata", 24, []),
        # Clocks go from 02:00 to 02:30 in spring, and from 02:00 back to 01:30 in autumn.
        (date(2026, 10, 4), "Australia/Lord_Howe", 24, [("02:30", 30)]),
        (date(2026, 4, 5), "Australia/Lord_Howe", 25, [("01:30", 30)]),
        # Until 2011 at 00:01, back to 23:01 of the day before.
        (date(2008, 11, 2), "America/St_Johns", 26, [("00:00", 1), ("23:01", 59)]),
        (date(2026, 4, 24), "Africa/Cairo", 23, []),
    ],
)
def test_a_day_has_as_many_hours_as_its_clock_shows(
    day: date, name: str, hours: int, odd: list[tuple[str, int]]
) -> None:
    found = local_hours(day, name)
    assert len(found) == hours
    assert [one for one in found if one[1] != 60] == odd


def test_hours_of_kolkata_begin_at_half_past_in_utc() -> None:
    found = cuts(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 1, 2, tzinfo=UTC), "hour", zone("Asia/Kolkata"))
    assert [f"{at:%H:%M}" for at in found] == ["00:00", "00:30", "01:30", "02:00"]


def test_weeks_begin_on_monday_and_quarters_in_january() -> None:
    berlin = zone("Europe/Berlin")
    start, end = midnight(date(2025, 12, 31), berlin), midnight(date(2026, 4, 2), berlin)
    weeks = [at.astimezone(berlin).date() for at in cuts(start, end, "week", berlin)][:3]
    assert weeks == [date(2025, 12, 31), date(2026, 1, 5), date(2026, 1, 12)]
    quarters = [at.astimezone(berlin).date() for at in cuts(start, end, "quarter", berlin)]
    assert quarters == [date(2025, 12, 31), date(2026, 1, 1), date(2026, 4, 1), date(2026, 4, 2)]
    assert len(cuts(start, end, "year", berlin)) == 3


def shown(at: datetime, grain: Grain, where: ZoneInfo) -> object:
    """What all of a stretch has in common."""
    local = at.astimezone(where)
    day = local.date()
    return {
        "hour": (day, local.hour, local.utcoffset()), "day": day, "week": day.isocalendar()[:2],
        "month": (day.year, day.month), "quarter": (day.year, (day.month - 1) // 3), "year": day.year,
    }[grain]  # fmt: skip


@given(starts, lengths, grains, zones)
def test_stretches_are_neighbours_that_make_up_the_span(
    start: datetime, length: timedelta, grain: Grain, where: ZoneInfo
) -> None:
    end = start + length
    found = cuts(start, end, grain, where)
    assert (found[0], found[-1]) == (start, end)
    for a, b in pairwise(found):
        assert a < b
        assert shown(a, grain, where) == shown(b - timedelta(microseconds=1), grain, where)
    # As long as they can be: the calendar shows something else on the other side of each cut.
    for at in found[1:-1]:
        assert shown(at - timedelta(microseconds=1), grain, where) != shown(at, grain, where)


readings = st.lists(
    st.tuples(st.timedeltas(timedelta(0), timedelta(days=6)), st.integers(0, 1000)), min_size=1, max_size=12
)


@given(starts, lengths, grains, zones, readings)
def test_use_of_any_grain_sums_to_the_use_of_the_span(
    start: datetime, length: timedelta, grain: Grain, where: ZoneInfo, given: list[tuple[timedelta, int]]
) -> None:
    """With falls, which are held, and a rate that some rises exceed; the counter's life is the same."""
    shown = [CounterReading(micros(start + after), "d", (1, 0), ticks) for after, ticks in given]
    life = course(shown, (), Rule(modulus=1000, max_gap=86_400_000_000))
    instants = [micros(at) for at in cuts(start, start + length, grain, where)]
    used = [part.closing - part.opening - part.removed for part in life.parts(instants)]
    (whole,) = life.parts([instants[0], instants[-1]])
    assert len(used) == len(instants) - 1
    assert sum(used) == whole.closing - whole.opening - whole.removed
