"""Readings: staged by COPY, taken over where the key is free, compared where it is not."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from core.database import driver
from ingest.store.override import NEWEST
from ingest.store.planned import in_its_chunks

STAGE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS staging (
        n int NOT NULL, register int NOT NULL, at timestamptz NOT NULL, value bigint NOT NULL,
        received_at timestamptz NOT NULL, seq bigint NOT NULL, time_status "char", raw text
    ) ON COMMIT DELETE ROWS
"""
COPY = "COPY staging (n, register, at, value, received_at, seq, time_status, raw) FROM STDIN (FORMAT binary)"
# The first of two values for a key in one batch is the first that was received.
ACCEPT = text("""
    INSERT INTO ingest.reading (register, at, value, known, received_at, seq, time_status, raw)
    SELECT register, at, value, :known, received_at, seq, time_status, raw FROM staging ORDER BY register, at, n
    ON CONFLICT (register, at) DO NOTHING
""")
# A reading later than the latest of its register is surely new. ON CONFLICT would first write it as a speculation,
# nearly half of what the database does. Knowledge is drawn before, so nobody else writes readings meanwhile.
AHEAD = text("""
    INSERT INTO ingest.reading (register, at, value, known, received_at, seq, time_status, raw)
    SELECT DISTINCT ON (s.register, s.at)
        s.register, s.at, s.value, :known, s.received_at, s.seq, s.time_status, s.raw
    FROM staging AS s LEFT JOIN ingest.latest AS l ON l.register = s.register
    WHERE l.at IS NULL OR s.at > l.at
    ORDER BY s.register, s.at, s.n
""")
BEHIND = text("""
    INSERT INTO ingest.reading (register, at, value, known, received_at, seq, time_status, raw)
    SELECT s.register, s.at, s.value, :known, s.received_at, s.seq, s.time_status, s.raw
    FROM staging AS s JOIN ingest.latest AS l ON l.register = s.register AND s.at <= l.at
    ORDER BY s.register, s.at, s.n
    ON CONFLICT (register, at) DO NOTHING
""")
# The bounds let the planner leave out chunks. A row looked up by itself costs 50 µs over several chunks, so those of a
# register and day are looked up together; OFFSET keeps it from scanning the whole table for a join.
CONFLICTS = text("""
    WITH near AS MATERIALIZED (
        SELECT e.register, r.at, r.value
        FROM (
            SELECT register, min(at) AS first, max(at) AS last FROM staging GROUP BY register, date_trunc('day', at)
        ) AS e
        CROSS JOIN LATERAL (
            SELECT r.at, r.value FROM ingest.reading AS r
            WHERE r.register = e.register AND r.at BETWEEN e.first AND e.last AND r.at BETWEEN :first AND :last
            OFFSET 0
        ) AS r
    )
    SELECT s.n, r.value AS stored, s.value AS sent FROM near AS r JOIN staging AS s USING (register, at)
    WHERE r.value <> s.value ORDER BY s.n
""")
EXTENT = text("SELECT min(at) AS first, max(at) AS last FROM staging")
FORGET = text("DELETE FROM staging WHERE n = ANY(:rows)")
# The lock first, so that the statement after it sees what whoever held it alone has sealed.
SHARE = text("SELECT pg_advisory_xact_lock_shared(726932, 0)")
NOT_SEALED = text("SELECT min(at), ingest.refuse_sealed(min(at)) FROM staging")
LATEST = text("""
    INSERT INTO ingest.latest AS l (register, at, value, received_at)
    SELECT DISTINCT ON (register) register, at, value, received_at FROM staging ORDER BY register, at DESC, n
    ON CONFLICT (register) DO UPDATE SET at = excluded.at, value = excluded.value, received_at = excluded.received_at
    WHERE excluded.at > l.at
""")
# Where readings later than the latest were there already: it was void, and stays so.
FOLLOW = text(f"""
    UPDATE ingest.latest AS l SET at = n.at, value = n.value, received_at = n.received_at
    FROM (SELECT DISTINCT register FROM staging) AS s
    CROSS JOIN LATERAL ({NEWEST.format(of="r.register = s.register")}) AS n
    WHERE l.register = s.register AND (l.at, l.value) IS DISTINCT FROM (n.at, n.value)
""")  # noqa: S608 - our own text

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_IS_THERE = "23505"
"""SQLSTATE of a key that is taken."""


class Conflict(NamedTuple):
    """Row n of the batch says `sent` ticks where `stored` ticks stand."""

    n: int
    stored: int
    sent: int


class Written(NamedTuple):
    """What became of the staged rows; the rest are duplicates. first: the earliest instant of them all."""

    stored: int
    conflicts: tuple[Conflict, ...]
    first: datetime | None = None


NOTHING = Written(0, ())


def stage(connection: Connection, rows: Sequence[bytes]) -> None:
    """Bring packed rows to the server, into a table of this session."""
    cursor = driver(connection).cursor()
    cursor.execute(STAGE)
    with cursor.copy(COPY) as copy:
        copy.write(b"".join((_HEADER, *rows, _TRAILER)))


def accept(connection: Connection, *, staged: int, known: int) -> Written:
    """Store what is new; the same value again is a duplicate, another one a conflict: the first stands."""
    connection.execute(SHARE)
    first: datetime | None = connection.execute(NOT_SEALED).scalar()
    stored, all_new = _store(connection, staged=staged, known=known)
    conflicts: tuple[Conflict, ...] = ()
    if stored < staged:
        extent = connection.execute(EXTENT).one()._asdict()
        conflicts = tuple(Conflict(*row) for row in in_its_chunks(connection, CONFLICTS, extent))
        connection.execute(FORGET, {"rows": [conflict.n for conflict in conflicts]})
    if stored:
        connection.execute(LATEST)
        if not all_new:
            connection.execute(FOLLOW)
    return Written(stored, conflicts, first)


def _store(connection: Connection, *, staged: int, known: int) -> tuple[int, bool]:
    """How many were new, and whether all that are later than the latest of their register are."""
    try:
        with connection.begin_nested():
            stored = connection.execute(AHEAD, {"known": known}).rowcount
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != _IS_THERE:
            raise
        # Somebody wrote readings without their latest, or declared the newest void.
        return connection.execute(ACCEPT, {"known": known}).rowcount, False
    if stored < staged:
        stored += connection.execute(BEHIND, {"known": known}).rowcount
    return stored, True
