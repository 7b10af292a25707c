"""How much time a chunk of readings spans."""

from datetime import timedelta

import pytest

from ingest.retention.chunk import DAY, WEEK, span


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
