"""Roll-ups of readings by hour: which hours are due, their rows, and how far they have come.

Two kinds of hours are due: those that ended since the last point, of every register; and earlier ones about which
something became known since, each with the hour of the reading after it. What is known at a number is complete once
that number is read (see core.store.draw_knowledge), so nothing is lost between two points.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from ingest.store.derived import ROLLUPS

SHARES = (0, 1)
"""Registers by id modulo 2: two connections roll up beside each other."""
LOCK_SPACE = 726931
"""First half of the advisory locks of roll-ups; the second half is the share."""
ORIGIN = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
"""Before any reading."""

LOCK = text("SELECT pg_try_advisory_xact_lock(:space, :share)")
POINT = text("""
    SELECT share, known, closed_to FROM ingest.rollup_point WHERE share = :share AND known <= :known
    ORDER BY known DESC LIMIT 1
""")
# A chunk that holds nothing is soon rolled up; the catalogue spares looking through years before the first reading.
EARLIEST = text("""
    SELECT min(range_start) FROM timescaledb_information.chunks
    WHERE hypertable_schema = 'ingest' AND hypertable_name = 'reading' AND range_end > :since
""")
ADD_POINT = text("""
    INSERT INTO ingest.rollup_point (share, known, closed_to, at) VALUES (:share, :known, :closed_to, :at)
    ON CONFLICT (share, known) DO UPDATE SET closed_to = excluded.closed_to, at = excluded.at
""")
WORK = text("""
    CREATE TEMPORARY TABLE IF NOT EXISTS due (
        register int NOT NULL, kind text NOT NULL, low timestamptz NOT NULL, high timestamptz NOT NULL,
        corrected boolean NOT NULL DEFAULT false, at_before timestamptz, before bigint
    ) ON COMMIT DELETE ROWS;
    CREATE TEMPORARY TABLE IF NOT EXISTS late_hour (register int NOT NULL, hour timestamptz NOT NULL)
        ON COMMIT DELETE ROWS
""")
EMPTY = text("DELETE FROM due")
ADD_CLOSED = text("""
    INSERT INTO due (register, kind, low, high)
    SELECT id, kind, :low, :high FROM ingest.register WHERE id % 2 = :share ORDER BY id
""")
KNOWN_FROM = text("""
    SELECT greatest(f, :origin) FROM ingest.known_from(:after, :known) AS f WHERE f < :closed_to
""")
FIND_LATE = text("""
    INSERT INTO late_hour (register, hour)
    SELECT DISTINCT f.register, date_bin('1 hour', f.at, :origin)
    FROM (
        SELECT register, at FROM ingest.reading
        WHERE known > :after AND known <= :known AND at >= :since AND at < :closed_to
        UNION ALL
        SELECT register, at FROM ingest.reading_override
        WHERE known > :after AND known <= :known AND at >= :since AND at < :closed_to
    ) AS f WHERE f.register % 2 = :share
""")
FIRST_LATE = text("SELECT min(hour) FROM late_hour")
# The steps of a counter or gauge reach into the hour of the next reading. Neighbouring hours become one stretch.
ADD_LATE = text("""
    WITH hour AS (
        SELECT register, hour FROM late_hour
        UNION
        SELECT l.register, date_bin('1 hour', n.at, :origin) FROM late_hour AS l
        CROSS JOIN LATERAL ingest.first_reading(
            l.register, l.hour + interval '1 hour', :closed_to, :first, :closed_to, :known) AS n
    ), island AS (
        SELECT register, hour, hour - row_number() OVER (PARTITION BY register ORDER BY hour) * interval '1 hour' AS n
        FROM hour
    )
    INSERT INTO due (register, kind, low, high)
    SELECT i.register, g.kind, min(i.hour), max(i.hour) + interval '1 hour'
    FROM island AS i JOIN ingest.register AS g ON g.id = i.register
    GROUP BY i.register, g.kind, i.n ORDER BY 1, 3
""")
SUPERSEDE = """
    UPDATE ingest.{table} AS h SET superseded = :known FROM due AS d
    WHERE d.kind = '{kind}' AND h.register = d.register AND h.hour >= d.low AND h.hour < d.high
        AND h.superseded IS NULL AND h.hour >= :low AND h.hour < :high
"""
CORRECTED = text("""
    UPDATE due AS d SET corrected = true WHERE EXISTS (
        SELECT FROM ingest.reading_override AS v
        WHERE v.register = d.register AND v.at >= d.low AND v.at < d.high AND v.known <= :known)
""")
ANALYZE = text("ANALYZE due")
EXTENT = text("SELECT min(low), max(high) FROM due")
# A plan that a session keeps for any stretch would open every chunk there is.
SETTING = text("""
    SET LOCAL work_mem = '128MB'; SET LOCAL timescaledb.enable_runtime_exclusion = off;
    SET LOCAL plan_cache_mode = force_custom_plan
""")
# The reading before a stretch is looked for nearby, then further away, then everywhere; there only where a register
# has any reading in the stretch.
EDGE = text("""
    UPDATE due SET at_before = e.at, before = e.value FROM (
        SELECT d.register, d.low, r.at, r.value FROM due AS d CROSS JOIN LATERAL ingest.last_reading(
            d.register, :origin, d.low, cast(:since AS timestamptz), :before, :known) AS r
        WHERE d.kind <> 'state' AND d.at_before IS NULL AND d.low <= :before
    ) AS e WHERE due.register = e.register AND due.low = e.low
""")
EDGELESS = text("""
    SELECT min(d.low), max(d.low) FROM due AS d CROSS JOIN LATERAL ingest.first_reading(
        d.register, d.low, d.high, :low, :high, :known) AS r
    WHERE d.kind <> 'state' AND d.at_before IS NULL
""")
NEAR = timedelta(hours=6)
FAR = (timedelta(days=14), timedelta(days=112))

INSERT = "INSERT INTO ingest.{table} (register, {columns}, known) SELECT x.*, :known FROM ({rows}) AS x"
FIRST_HOUR = text("""
    SELECT min(range_start) FROM timescaledb_information.chunks
    WHERE hypertable_schema = 'ingest' AND hypertable_name IN ('reading', 'usage_hour', 'gauge_hour', 'state_span')
""")
STORED = """
    SELECT h.register, {columns} FROM ingest.{table} AS h
    WHERE h.register % 2 = :share AND h.hour >= :start AND h.hour < :end
        AND h.known <= :known AND (h.superseded IS NULL OR h.superseded > :known)
"""
DIFFERENCES = """
    WITH stored AS MATERIALIZED ({stored}), rebuilt AS MATERIALIZED ({rebuilt})
    SELECT 'stored' AS side, d.register, d.hour, d::text AS content FROM (TABLE stored EXCEPT TABLE rebuilt) AS d
    UNION ALL
    SELECT 'rebuilt', d.register, d.hour, d::text FROM (TABLE rebuilt EXCEPT TABLE stored) AS d
    ORDER BY 2, 3, 1 LIMIT :most
"""


class Difference(NamedTuple):
    """An hour that is stored otherwise than it is rebuilt. side: which of both says `content`."""

    table: str
    side: str
    register: int
    hour: datetime
    content: str


class Point(NamedTuple):
    """Hours of a share before `closed_to` hold what was known at `known`."""

    share: int
    known: int
    closed_to: datetime


def lock(connection: Connection, share: int) -> bool:
    """Whether nobody else rolls up this share; then nobody will until the transaction ends."""
    return bool(connection.execute(LOCK, {"space": LOCK_SPACE, "share": share}).scalar_one())


def point(connection: Connection, share: int, *, known: int) -> Point:
    """The newest point of a share at or before K; before the first one, nothing is closed."""
    row = connection.execute(POINT, {"share": share, "known": known}).one_or_none()
    return Point(*row) if row else Point(share, 0, ORIGIN)


def earliest(connection: Connection, since: datetime) -> datetime | None:
    """Where the first chunk with readings after an instant begins; None: there is none."""
    found: datetime | None = connection.execute(EARLIEST, {"since": since}).scalar()
    return found


def advance(connection: Connection, before: Point, after: Point, at: datetime) -> int:
    """Bring a share from one point to the next; `after.known` must be committed. Returns how many rows were written.

    First what became known of hours that are rolled up already, then the hours that ended since.
    """
    connection.execute(WORK)
    connection.execute(SETTING)
    count = 0
    given = {"share": after.share, "origin": ORIGIN, "closed_to": before.closed_to, "known": after.known}
    if before.known < after.known and before.closed_to > ORIGIN and _late(connection, {**given, "after": before.known}):
        count += _write(connection, given, replaces=True)
    if before.closed_to < after.closed_to:
        connection.execute(ADD_CLOSED, {**given, "low": before.closed_to, "high": after.closed_to})
        count += _write(connection, given, replaces=False)
    connection.execute(ADD_POINT, {**after._asdict(), "at": at})
    return count


def _late(connection: Connection, given: Mapping[str, object]) -> bool:
    """Whether something became known of hours that are rolled up already; they are due then."""
    since = connection.execute(KNOWN_FROM, given).scalar()
    if since is None or not connection.execute(FIND_LATE, {**given, "since": since}).rowcount:
        return False
    first = connection.execute(FIRST_LATE).scalar_one()
    return connection.execute(ADD_LATE, {**given, "first": first}).rowcount > 0


def _find_edges(connection: Connection, given: Mapping[str, object], low: datetime, high: datetime) -> None:
    """The last reading before each stretch that is due; they all lie in [low, high)."""
    connection.execute(EDGE, {**given, "since": low - NEAR, "before": high})
    for reach in (*FAR, None):
        first, last = connection.execute(EDGELESS, given).one()
        if first is None:
            return
        since = ORIGIN if reach is None else max(ORIGIN, first - reach)
        connection.execute(EDGE, {**given, "since": since, "before": last})


def _write(connection: Connection, given: Mapping[str, object], *, replaces: bool) -> int:
    """Rows of the hours that are due."""
    connection.execute(CORRECTED, given)
    connection.execute(ANALYZE)
    low, high = connection.execute(EXTENT).one()
    count = 0
    if low is not None:
        _find_edges(connection, {**given, "low": low, "high": high}, low, high)
    for one in ROLLUPS if low is not None else ():
        if replaces:
            connection.execute(
                text(SUPERSEDE.format(table=one.table, kind=one.kind)), {**given, "low": low, "high": high}
            )
        insert = INSERT.format(table=one.table, columns=one.columns, rows=one.rows)
        count += connection.execute(text(insert), {**given, "low": low, "high": high}).rowcount
    connection.execute(EMPTY)
    return count


def first_hour(connection: Connection) -> datetime | None:
    """Where the first chunk of readings or roll-ups begins; None: there is nothing."""
    found: datetime | None = connection.execute(FIRST_HOUR).scalar()
    return found


def differences(connection: Connection, at: Point, start: datetime, end: datetime, *, most: int) -> list[Difference]:
    """Hours of [start, end) whose rows, as of a point, are not what the readings say; at most so many of each table."""
    connection.execute(WORK)
    connection.execute(SETTING)
    connection.execute(EMPTY)
    connection.execute(ADD_CLOSED, {"share": at.share, "low": start, "high": end})
    given = {"share": at.share, "known": at.known, "start": start, "end": end, "low": start, "high": end}
    given |= {"origin": ORIGIN, "most": most}
    connection.execute(CORRECTED, given)
    _find_edges(connection, given, start, end)
    found = []
    for one in ROLLUPS:
        stored = STORED.format(columns=one.columns, table=one.table)
        rows = connection.execute(text(DIFFERENCES.format(stored=stored, rebuilt=one.rows)), given)
        found += [Difference(one.table, *row) for row in rows]
    return found
