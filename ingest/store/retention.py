"""Sealing readings: what is kept of them, and dropping their chunks."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from core.time import instant
from ingest.retention.columnstore import Edition
from ingest.store import counter, gauge, need, state
from ingest.store.bound import Need

LOCK = text("SELECT pg_advisory_xact_lock(726932, 0)")
"""Whoever writes readings holds it shared, see ingest.store.reading."""
LIMIT = text("SET LOCAL lock_timeout = '5s'")
SEALED = text("SELECT until, kept, dropped FROM ingest.sealed WHERE hypertable = 'reading'")
MOVE = text("""
    INSERT INTO ingest.sealed AS s (hypertable, until) VALUES ('reading', :until)
    ON CONFLICT (hypertable) DO UPDATE SET until = excluded.until
""")
NOTE_KEPT = text("UPDATE ingest.sealed SET kept = :until WHERE hypertable = 'reading'")
NOTE_DROPPED = text("UPDATE ingest.sealed SET dropped = :until WHERE hypertable = 'reading'")
DROP = text("SELECT ingest.drop_sealed()")
CHUNKS = text("""
    SELECT count(*) AS chunks, coalesce(sum(pg_total_relation_size(
            format('%I.%I', chunk_schema, chunk_name)::regclass)), 0)::bigint AS bytes, max(range_end) AS until
    FROM timescaledb_information.chunks
    WHERE hypertable_schema = 'ingest' AND hypertable_name = 'reading' AND range_end <= :until
""")
COUNT = text("SELECT count(*) FROM ingest.reading WHERE at < :until")
COPY = """
    INSERT INTO ingest.kept_reading (register, at, value, known, received_at, seq, time_status, raw)
    SELECT DISTINCT ON (r.register, r.at) r.register, r.at, r.value, r.known, r.received_at, r.seq, r.time_status, r.raw
    FROM ({which}) AS w JOIN ingest.reading AS r ON r.register = w.register AND r.at = w.at
    WHERE r.at >= :since AND r.at < :until
    ORDER BY r.register, r.at ON CONFLICT (register, at) DO NOTHING
"""
KEEP = text(
    COPY.format(
        which="SELECT * FROM unnest(cast(:registers AS int[]), cast(:ats AS timestamptz[])) AS u (register, at)"
    )
)
# The last one, and the last one that stands.
KEEP_LAST = text(
    COPY.format(
        which="""
        SELECT g.id AS register, l.at FROM ingest.register AS g CROSS JOIN LATERAL (
            (SELECT at FROM ingest.reading WHERE register = g.id AND at < :until ORDER BY at DESC LIMIT 1)
            UNION ALL
            SELECT at FROM ingest.last_reading(
                g.id, cast(:since AS timestamptz), :until, cast(:since AS timestamptz), :until, :known)
        ) AS l"""
    )
)
# Both sides of each break that declarations call one, as known now.
KEEP_BREAKS = text(
    COPY.format(
        which="""
        SELECT a.registers[t.bound] AS register, s.at
        FROM (
            SELECT array_agg(n::int ORDER BY n) AS bounds, array_agg(id ORDER BY n) AS registers,
                array_agg(cast(:since AS timestamptz)) AS firsts,
                array_agg(cast(:until AS timestamptz) - interval '1 microsecond') AS lasts,
                array_agg(max_rate ORDER BY n) AS rates, array_agg(glitch_window ORDER BY n) AS glitches
            FROM (
                SELECT row_number() OVER (ORDER BY g.id) AS n, g.id, c.max_rate, c.glitch_window
                FROM ingest.register AS g LEFT JOIN LATERAL (
                    SELECT max_rate, glitch_window FROM ingest.declaration WHERE register = g.id
                    ORDER BY known DESC LIMIT 1
                ) AS c ON true WHERE g.kind = 'counter'
            ) AS e
        ) AS a CROSS JOIN LATERAL ingest.turning(a.bounds, a.registers, a.firsts, a.lasts, a.rates, a.glitches,
            cast(:since AS timestamptz), cast(:until AS timestamptz), :known) AS t
        CROSS JOIN LATERAL (VALUES (t.at_before), (t.at)) AS s (at)
        WHERE s.at IS NOT NULL"""
    )
)
# Where hours' runs of states do not say all: what is read there as single readings.
KEEP_STATES = text(
    state.BOUND
    + COPY.replace("INSERT INTO", ", w AS MATERIALIZED ({which}) INSERT INTO", 1)
    .replace("({which}) AS w", "w", 1)
    .format(
        which="""
        SELECT b.register, s.at
        FROM (SELECT array_agg(bound) AS bounds, array_agg(register) AS registers, array_agg(since) AS sinces,
            array_agg(before) AS befores, array_agg(max_gap) AS gaps FROM bound) AS x
        CROSS JOIN LATERAL ingest.said(x.bounds, x.registers, x.sinces, x.befores, x.gaps, :low, :high, :known) AS s
        JOIN bound AS b ON b.bound = s.bound WHERE s.at = s.heard"""
    )
)
BEFORE = text("""
    SELECT u.register, l.at FROM unnest(cast(:registers AS int[]), cast(:ats AS timestamptz[])) AS u (register, at)
    CROSS JOIN LATERAL (
        SELECT at FROM ingest.reading WHERE register = u.register AND at < u.at AND known <= :known
        ORDER BY at DESC LIMIT 1
    ) AS l
""")
# Sealed facts that are known and not rolled up: a roll-up after the chunks are gone could not take them in.
LATE = text("""
    SELECT count(*) FROM ingest.sealed AS s CROSS JOIN ingest.rolled(9223372036854775807) AS p CROSS JOIN LATERAL (
        SELECT register FROM ingest.reading AS r
        WHERE r.known > p.known AND r.register % 2 = p.share AND r.at < s.until
        UNION ALL
        SELECT register FROM ingest.reading_override AS o
        WHERE o.known > p.known AND o.register % 2 = p.share AND o.at < s.until
    ) AS f
""")
INTERVAL = text("""
    SELECT time_interval FROM timescaledb_information.dimensions
    WHERE hypertable_schema = 'ingest' AND hypertable_name = 'reading' AND column_name = 'at'
""")
SET_INTERVAL = text("SELECT ingest.set_chunk(:span)")
RATE = text("SELECT coalesce(sum(stored), 0)::bigint / 7 FROM ingest.batch WHERE at >= :since AND at < :at")
EDITION = text("""
    SELECT coalesce(current_setting('timescaledb.license', true), '') AS licence, extversion AS version
    FROM pg_extension WHERE extname = 'timescaledb'
""")
# The policy's age is kept under one name or the other.
COLUMNSTORE = text("""
    SELECT coalesce(config ->> 'compress_after', config ->> 'after')::interval FROM timescaledb_information.jobs
    WHERE hypertable_schema = 'ingest' AND hypertable_name = 'reading'
        AND proc_name IN ('policy_compression', 'policy_columnstore')
""")
SET_COLUMNSTORE = text("SELECT ingest.set_columnstore(:older)")

_LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class Sealed(NamedTuple):
    """How far sealing has come; None: not at all."""

    until: datetime | None
    kept: datetime | None
    dropped: datetime | None


class Chunks(NamedTuple):
    """What would be dropped. until: where the last of the chunks ends."""

    chunks: int
    bytes: int
    until: datetime | None


class Resting(NamedTuple):
    """What somebody asks of readings as known at K, in the terms of the stores that read them."""

    known: int
    counters: Sequence[Need]
    states: Sequence[need.StateNeed]
    gauges: Sequence[need.Need]


def sealed(connection: Connection) -> Sealed:
    """How far sealing has come."""
    row = connection.execute(SEALED).one_or_none()
    return Sealed(*row) if row else Sealed(None, None, None)


def move(connection: Connection, until: datetime) -> None:
    """From the end of this transaction on no older reading comes in. Waits for whoever is writing readings."""
    connection.execute(LIMIT)
    connection.execute(LOCK)
    connection.execute(MOVE, {"until": until})


def note_kept(connection: Connection, until: datetime) -> None:
    """Everything that rests on older readings is kept."""
    connection.execute(NOTE_KEPT, {"until": until})


def late(connection: Connection) -> int:
    """Sealed facts that roll-ups do not know yet."""
    found: int = connection.execute(LATE).scalar_one()
    return found


def drop(connection: Connection, until: datetime) -> int:
    """Drop the chunks that lie before; how many. Raises DBAPIError where somebody reads them for longer than 5 s."""
    dropped = len(connection.execute(DROP).all())
    connection.execute(NOTE_DROPPED, {"until": until})
    return dropped


def chunks(connection: Connection, until: datetime) -> Chunks:
    """What lies whole before an instant."""
    return Chunks(*connection.execute(CHUNKS, {"until": until}).one())


def count(connection: Connection, until: datetime | None) -> int:
    """Readings before an instant."""
    found: int = connection.execute(COUNT, {"until": until}).scalar_one() if until else 0
    return found


def keep_general(connection: Connection, *, since: datetime | None, until: datetime, known: int) -> int:
    """Keep the last reading of each register and both sides of each break in [since, until); how many are new."""
    given = {"since": since or _LONG_AGO, "until": until, "known": known}
    last: int = connection.execute(KEEP_LAST, given).rowcount
    return last + connection.execute(KEEP_BREAKS, given).rowcount


def keep(connection: Connection, of: Resting, *, since: datetime | None, until: datetime) -> int:
    """Keep every reading in [since, until) that answers rest on; how many are new."""
    given = {"since": since or _LONG_AGO, "until": until}
    found = 0
    if of.states:
        asked = {**state.arguments(of.states, of.known), **given}
        found += connection.execute(KEEP_STATES, asked).rowcount
    keys = [*_counted(connection, of), *_levels(connection, of)]
    if keys:
        columns = {"registers": [register for register, _ in keys], "ats": [at for _, at in keys]}
        found += connection.execute(KEEP, {**columns, **given}).rowcount
    return found


def _counted(connection: Connection, of: Resting) -> Iterable[tuple[int, datetime]]:
    """Readings that counters are counted from."""
    for life in counter.lives(connection, of.counters, known=of.known) if of.counters else ():
        for register, bound in zip(life.registers, life.bounds, strict=True):
            outside = (point for point in (bound.before, bound.after) if point)
            for at, _ in (*bound.readings, *outside):
                yield register, instant(at)


def _levels(connection: Connection, of: Resting) -> Iterable[tuple[int, datetime]]:
    """Readings of gauges, and the one before the first of them, which shows that it was a step."""
    if not of.gauges:
        return []
    asked = gauge.arguments(of.gauges, of.known)
    keys = [(row.register, instant(row.at)) for row in connection.execute(gauge.SHOWN, asked)]
    first: dict[int, datetime] = {}
    for register, at in keys:
        first[register] = min(at, first.get(register, at))
    before = {"registers": list(first), "ats": list(first.values()), "known": of.known}
    return [*keys, *((row.register, row.at) for row in connection.execute(BEFORE, before))]


def chunk_interval(connection: Connection) -> timedelta:
    """Over how much time the next chunk of readings will span."""
    found: timedelta = connection.execute(INTERVAL).scalar_one()
    return found


def set_chunk_interval(connection: Connection, span: timedelta) -> None:
    """One day or seven, from the next chunk on."""
    connection.execute(SET_INTERVAL, {"span": span})


def daily_rows(connection: Connection, at: datetime) -> int:
    """Readings stored a day, over the week before an instant."""
    found: int = connection.execute(RATE, {"since": at - timedelta(days=7), "at": at}).scalar_one()
    return found


def edition(connection: Connection) -> Edition:
    """What TimescaleDB there is."""
    return Edition(*connection.execute(EDITION).one())


def columnstore(connection: Connection) -> timedelta | None:
    """How old chunks go into the columnstore; None: none do."""
    found: timedelta | None = connection.execute(COLUMNSTORE).scalar()
    return found


def set_columnstore(connection: Connection, older: timedelta | None) -> None:
    """From now on chunks so old go into it; None: none. Raises DBAPIError (0A000) on an edition without one."""
    connection.execute(SET_COLUMNSTORE, {"older": older})
