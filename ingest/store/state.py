"""What devices said about the state of assets, as coalesced spans, for many assets at once."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection, TextClause, text

from core.time import instant
from ingest.store.need import StateNeed, columns

# A reading holds until the next, at most for max_gap, and no longer than its device serves the asset. Spans of one
# category that touch become one. What is brought holds from `at` to `heard` already; of that, only what says something
# new is kept: `ended` is when the value before it ceased to hold.
BOUND = """
    WITH need AS (
        SELECT * FROM unnest(cast(:needs AS int[]), cast(:assets AS text[]), cast(:positions AS text[]),
            cast(:registers AS text[]), cast(:starts AS timestamptz[]), cast(:ends AS timestamptz[]),
            cast(:max_gaps AS interval[])) AS n (need, asset, position, register, "start", "end", max_gap)
    ), bound AS MATERIALIZED (
        SELECT row_number() OVER ()::int AS bound, n.need, n."start", n."end", n.max_gap, r.id AS register,
            greatest(lower(b.during), n."start" - n.max_gap) AS since,
            least(coalesce(upper(b.during), 'infinity'), n."end") AS before,
            coalesce(upper(b.during), 'infinity') AS bound_end
        FROM need AS n
        JOIN LATERAL (SELECT id FROM ingest.asset WHERE name = n.asset OFFSET 0) AS a ON true
        JOIN LATERAL (
            SELECT device, during FROM ingest.binding
            WHERE asset = a.id AND position = n.position AND known <= :known
                AND (superseded IS NULL OR superseded > :known)
                AND during && tstzrange(n."start" - n.max_gap, n."end")
            OFFSET 0
        ) AS b ON true
        JOIN LATERAL (
            SELECT id FROM ingest.register WHERE device = b.device AND name = n.register AND kind = 'state' OFFSET 0
        ) AS r ON true
    )"""
STATEMENT = (
    BOUND  # noqa: S608 - our own text
    + """, every AS (
        SELECT s.bound, s.at, s.value, max(s.heard) OVER (PARTITION BY s.bound) AS last_at,
            lag(s.value) OVER w AS value_before, least(s.at, lag(s.heard) OVER w + b.max_gap) AS ended
        FROM (SELECT array_agg(bound) AS bounds, array_agg(register) AS registers, array_agg(since) AS sinces,
            array_agg(before) AS befores, array_agg(max_gap) AS gaps FROM bound) AS x
        CROSS JOIN LATERAL {said}(
            x.bounds, x.registers, x.sinces, x.befores, x.gaps, :low, :high, :known) AS s
        JOIN bound AS b ON b.bound = s.bound
        WINDOW w AS (PARTITION BY s.bound ORDER BY s.at)
    ), change AS (
        SELECT *, lead(ended) OVER (PARTITION BY bound ORDER BY at) AS next_ended
        FROM every WHERE value_before IS DISTINCT FROM value OR ended < at
    ), said AS (
        SELECT b.need, c.value, greatest(c.at, b."start") AS "start",
            least(coalesce(c.next_ended, c.last_at + b.max_gap), b.bound_end, b."end") AS "end"
        FROM change AS c JOIN bound AS b ON b.bound = c.bound
    ), held AS (
        SELECT s.need, s."start", s."end", c.category,
            s."start" = lag(s."end") OVER w AND c.category = lag(c.category) OVER w AS continues
        FROM said AS s JOIN ingest.state_code AS c ON c.id = s.value
        WHERE s."start" < s."end"
        WINDOW w AS (PARTITION BY s.need ORDER BY s."start")
    ), island AS (
        SELECT *, count(*) FILTER (WHERE continues IS NOT true) OVER (PARTITION BY need ORDER BY "start") AS n FROM held
    ), span AS (
        SELECT need, category, (extract(epoch FROM min("start")) * 1000000)::bigint AS "start",
            (extract(epoch FROM max("end")) * 1000000)::bigint AS "end"
        FROM island GROUP BY need, n, category
    )
    SELECT need, array_agg("start" ORDER BY "start") AS starts, array_agg("end" ORDER BY "start") AS ends,
        array_agg(category ORDER BY "start") AS categories
    FROM span GROUP BY need
"""
)
SPANS = text(STATEMENT.format(said="ingest.said"))
"""From the tables; others may bring `said` from elsewhere into the same statement."""


class Said(NamedTuple):
    """A device said so over [start, end), µs since 1970. Silence longer than max_gap is in no span: unknown."""

    start: int
    end: int
    category: str


def load(
    connection: Connection, needs: Sequence[StateNeed], *, known: int, statement: TextClause = SPANS
) -> tuple[tuple[Said, ...], ...]:
    """Each need's spans as known at K, in the order of the needs; within one, sorted and coalesced."""
    asked = arguments(needs, known)
    told = connection.execute(statement, asked)
    found = {row.need: tuple(map(Said, row.starts, row.ends, row.categories)) for row in told}
    return tuple(found.get(n, ()) for n in range(len(needs)))


def arguments(needs: Sequence[StateNeed], known: int) -> dict[str, object]:
    """Of the statement."""
    return {
        **columns(needs),
        "max_gaps": [timedelta(microseconds=need.max_gap) for need in needs],
        "low": min((instant(need.start - need.max_gap) for need in needs), default=None),
        "high": max((instant(need.end) for need in needs), default=None),
        "known": known,
    }
