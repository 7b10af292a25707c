"""How much time a chunk of readings spans."""

from datetime import timedelta

import pytest

from core.settings import Settings
from ingest.retention.chunk import DAY, WEEK, span
from ingest.retention.columnstore import Edition, wanted


@pytest.mark.parametrize(
    ("daily", "current", "fitting"),
    [
        (0, WEEK, WEEK),
        (50_000_000, WEEK, WEEK),
        (50_000_001, WEEK, DAY),
        (45_000_000, DAY, DAY),
        (45_000_000, WEEK, WEEK),
        (39_999_999, DAY, WEEK),
        (45_000_000, timedelta(days=3), WEEK),
    ],
)
def test_many_readings_a_day_take_chunks_of_a_day_and_little_less_keeps_them(
    daily: int, current: timedelta, fitting: timedelta
) -> None:
    assert span(daily, current=current) == fitting


@pytest.mark.parametrize(
    ("edition", "days", "older", "notice"),
    [
        (Edition("timescale", "2.29.2"), 0, None, ""),
        (Edition("timescale", "2.29.2"), 90, timedelta(days=90), ""),
        (Edition("timescale", "2.31.0-dev"), 90, timedelta(days=90), ""),
        (Edition("timescale", "2.9.3"), 90, None, "update to 2.29.2 or later"),
        (Edition("timescale", "2.29.1"), 90, None, "update to 2.29.2 or later"),
        (
            Edition("apache", "2.31.0"),
            90,
            None,
            "readings are not compressed: TimescaleDB 2.31.0 of the Apache edition",
        ),
        (Edition("apache", "2.31.0"), 0, None, ""),
    ],
)
def test_the_columnstore_is_used_where_there_is_one_that_keeps_every_reading(
    edition: Edition, days: int, older: timedelta | None, notice: str
) -> None:
    found = wanted(edition, days)
    assert (found.older, notice in found.notice, bool(found.notice)) == (older, True, bool(notice))


def test_young_readings_are_not_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    for days, fits in (("0", True), ("34", False), ("35", True), ("-1", False)):
        monkeypatch.setenv("YARDSTICK_COLUMNSTORE_AFTER", days)
        if fits:
            assert Settings().columnstore_after == int(days)
        else:
            with pytest.raises(ValueError, match="columnstore_after"):
                Settings()
