"""Rows of roll-ups from the readings of stretches that are due, as SQL; ingest.rollup.hour says the same in Python.

The readings of a stretch become arrays in the order of time, which are read beside themselves, moved by one: each
reading with the one before it, for half of what a window over them takes. Instants are µs since 1970.
"""

from typing import NamedTuple

# What stands in a stretch e that is due. low, high: constants, which leave few chunks. Stretches of which nothing was
# ever corrected, nearly all, are read in the order of the index and need neither a sort nor a join.
STANDING = (
    (
        "NOT e.corrected",
        """SELECT r.at, r.value FROM ingest.reading AS r
            WHERE r.register = e.register AND r.at >= e.low AND r.at < e.high
                AND r.at >= :low AND r.at < :high AND r.known <= :known""",
    ),
    (
        "e.corrected",
        """SELECT r.at, r.value FROM ingest.effective(e.register, e.low, e.high, :known) AS r
            WHERE r.at >= :low AND r.at < :high""",
    ),
)
# Instants as BIGINT by way of NUMERIC epochs would cost twenty times as much. small: no product of ticks and the µs of
# an hour exceeds BIGINT.
ROWS = """
    SELECT e.register, {columns} FROM due AS e CROSS JOIN LATERAL (
        SELECT array_agg(_timescaledb_functions.to_unix_microseconds(r.at) ORDER BY r.at) AS ats,
            array_agg(r.value ORDER BY r.at) AS ticks,
            least(min(r.value), e.before) >= -2000000000 AND greatest(max(r.value), e.before) <= 2000000000 AS small
        FROM ({standing}) AS r
    ) AS a CROSS JOIN LATERAL ({found}) AS h WHERE e.kind = '{kind}' AND {which}
"""
# What is moved by one is longer by one: there `at` is NULL.
STEPS = """unnest(a.ats) AS at, unnest(a.ticks) AS value,
    unnest(array_prepend(_timescaledb_functions.to_unix_microseconds(e.at_before), a.ats)) AS at_before,
    unnest(array_prepend(e.before, a.ticks)) AS before"""
# The last reading of an hour is the n-th of the stretch.
HOURS = """
    SELECT g.*, width_bucket((g.hour + 1) * 3600000000 - 1, a.ats) AS n FROM (
        SELECT s.hour, count(*)::int AS readings, {sums} FROM ({steps}) AS s GROUP BY s.hour
    ) AS g
"""
# `least` keeps the sum within BIGINT, and no value is above it then; other rises are small and their products fit.
FASTEST = """coalesce(max(CASE
    WHEN s.value < s.before THEN 9223372036854775807
    WHEN s.value > least(s.before, 9223372034854775807) + 2000000000 THEN 9223372036854775806
    ELSE ((s.value - s.before) * 3600000000 + (s.at - s.at_before) - 1) / (s.at - s.at_before)
END), 0) AS fastest"""
USAGE_STEPS = "SELECT t.*, t.at / 3600000000 AS hour FROM (SELECT {steps}) AS t WHERE t.at IS NOT NULL"
LEVELS = """min(s.value) AS lowest, max(s.value) AS highest,
    coalesce(sum(s.step) FILTER (WHERE s.step > 0),
        sum(s.value::numeric - s.before) FILTER (WHERE NOT a.small AND s.value > s.before), 0) AS risen,
    coalesce(-sum(s.step) FILTER (WHERE s.step < 0),
        sum(s.before::numeric - s.value) FILTER (WHERE NOT a.small AND s.value < s.before), 0) AS fallen,
    coalesce(sum(s.before * s.took) FILTER (WHERE a.small),
        sum(s.before::numeric * s.took) FILTER (WHERE NOT a.small), 0) AS area,
    coalesce(max(s.took), 0) AS longest"""
# took: since the reading before, where that is of the same hour. OFFSET: each is computed once.
LEVEL_STEPS = """
    SELECT t.*, t.at / 3600000000 AS hour, CASE WHEN a.small THEN t.value - t.before END AS step,
        CASE WHEN t.at_before / 3600000000 = t.at / 3600000000 THEN t.at - t.at_before END AS took
    FROM (SELECT {steps}) AS t WHERE t.at IS NOT NULL OFFSET 0
"""
# A span begins at the first reading, with another value and in another hour. It lasts from the n-th to the last-th.
SPANS = """
    SELECT c.*, CASE WHEN c.last = c.n THEN 0 ELSE (
        SELECT max(p.at - p.at_before)
        FROM (SELECT unnest(a.ats[c.n + 1:c.last]) AS at, unnest(a.ats[c.n:c.last - 1]) AS at_before) AS p
    ) END AS longest
    FROM (
        SELECT s.n, s.at, s.value, lead(s.n, 1, cardinality(a.ats) + 1) OVER (ORDER BY s.n) - 1 AS last
        FROM (SELECT generate_subscripts(a.ats, 1) AS n, {steps}) AS s
        WHERE s.at IS NOT NULL AND (s.value IS DISTINCT FROM s.before
            OR s.at / 3600000000 IS DISTINCT FROM s.at_before / 3600000000)
    ) AS c
"""


def _of_both(kind: str, found: str, *columns: str) -> str:
    """Rows of the stretches that were never corrected, and of the others."""
    return " UNION ALL ".join(
        ROWS.format(columns=", ".join(columns), found=found, kind=kind, which=which, standing=standing)
        for which, standing in STANDING
    )


def _hours(sums: str, steps: str) -> str:
    return HOURS.format(sums=sums, steps=steps.format(steps=STEPS))


def _instant(micros: str) -> str:
    return f"_timescaledb_functions.to_timestamp({micros})"


HOUR = f"{_instant('h.hour * 3600000000')} AS hour, h.readings"
FIRST_AT = f"{_instant('a.ats[h.n - h.readings + 1]')} AS first_at"
FIRST_VALUE = "a.ticks[h.n - h.readings + 1] AS first_value"
LAST = f"{_instant('a.ats[h.n]')} AS last_at, a.ticks[h.n] AS last_value"
LONGEST = f"{_instant('h.longest')} - {_instant('0')} AS longest"
USAGE = _of_both("counter", _hours(FASTEST, USAGE_STEPS), HOUR, FIRST_AT, FIRST_VALUE, LAST, "h.fastest")
SUMS = "h.risen, h.fallen, h.area"
GAUGE = _of_both("gauge", _hours(LEVELS, LEVEL_STEPS), HOUR, "h.lowest, h.highest", FIRST_AT, LAST, SUMS, LONGEST)
STATE = _of_both(
    "state",
    SPANS.format(steps=STEPS),
    f"{_instant('h.at / 3600000000 * 3600000000')} AS hour, {_instant('h.at')} AS starts_at",
    f"{_instant('a.ats[h.last]')} AS ends_at, h.value",
    LONGEST,
    "h.last - h.n + 1 AS readings",
)


class Rollup(NamedTuple):
    """A derived table, the kind of registers it is for, its columns after the register, and what fills it."""

    table: str
    kind: str
    columns: str
    rows: str


ROLLUPS = (
    Rollup("usage_hour", "counter", "hour, readings, first_at, first_value, last_at, last_value, fastest", USAGE),
    Rollup(
        "gauge_hour",
        "gauge",
        "hour, readings, lowest, highest, first_at, last_at, last_value, risen, fallen, area, longest",
        GAUGE,
    ),
    Rollup("state_span", "state", "hour, starts_at, ends_at, value, longest, readings", STATE),
)
