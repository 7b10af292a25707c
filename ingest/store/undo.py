"""Readings of a backfill taken back by corrections, brought back, and given anew by another backfill."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from ingest.store.backfill import Step
from ingest.store.override import NEWEST

SOME = text("SELECT EXISTS (SELECT FROM ingest.backfill_step WHERE kind = 'void')")
UNDOING = text("""
    CREATE TEMPORARY TABLE IF NOT EXISTS undoing (
        register int NOT NULL, at timestamptz NOT NULL, value bigint, reverts bigint
    ) ON COMMIT DELETE ROWS
""")
CLEAR = text("DELETE FROM undoing")
DECIDED = text("SELECT EXISTS (SELECT FROM ingest.reading_override WHERE known > :known)")
# What the step wrote and nobody has voided since. The bounds leave few chunks, BRIN on `known` few blocks in them.
VOID = text("""
    INSERT INTO undoing (register, at, reverts)
    SELECT w.register, w.at, o.known
    FROM (
        SELECT r.register, r.at FROM ingest.reading AS r WHERE r.known = :step AND r.at BETWEEN :first AND :last
        UNION
        SELECT v.register, v.at FROM ingest.reading_override AS v WHERE v.known = :step
    ) AS w
    LEFT JOIN LATERAL (
        SELECT v.known, v.value FROM ingest.reading_override AS v
        WHERE v.register = w.register AND v.at = w.at ORDER BY v.known DESC LIMIT 1
    ) AS o ON true
    WHERE o.known IS NULL OR o.value IS NOT NULL
""")
# What the void took back, unless somebody has decided since: the correction before it, else as received.
RESTORE = text("""
    INSERT INTO undoing (register, at, value, reverts)
    SELECT v.register, v.at, CASE WHEN b.known IS NULL THEN r.value ELSE b.value END, v.known
    FROM ingest.reading_override AS v
    JOIN ingest.reading AS r ON r.register = v.register AND r.at = v.at AND r.at BETWEEN :first AND :last
    LEFT JOIN LATERAL (
        SELECT o.known, o.value FROM ingest.reading_override AS o
        WHERE o.register = v.register AND o.at = v.at AND o.known < v.known ORDER BY o.known DESC LIMIT 1
    ) AS b ON true
    WHERE v.known = :step AND v.value IS NULL AND NOT EXISTS (
        SELECT FROM ingest.reading_override AS n WHERE n.register = v.register AND n.at = v.at AND n.known > v.known)
""")
WRITE = text("""
    INSERT INTO ingest.reading_override (register, at, value, known, author, reason, reverts)
    SELECT register, at, value, :known, :author, :reason, reverts FROM undoing ORDER BY register, at
""")
# Where the newest reading became void, the newest that still counts; where none does, it stays as the last one heard.
FALL_BACK = text(f"""
    UPDATE ingest.latest AS l SET at = n.at, value = n.value, received_at = n.received_at
    FROM undoing AS u
    CROSS JOIN LATERAL ({NEWEST.format(of="r.register = u.register AND r.at < u.at")}) AS n
    WHERE l.register = u.register AND l.at = u.at
""")  # noqa: S608 - our own text
CATCH_UP = text("""
    UPDATE ingest.latest AS l SET at = n.at, value = n.value, received_at = n.received_at
    FROM (
        SELECT DISTINCT ON (o.register) o.register, o.at, o.value, r.received_at
        FROM ingest.reading_override AS o
        JOIN ingest.reading AS r ON r.register = o.register AND r.at = o.at AND r.at BETWEEN :first AND :last
        WHERE o.known = :known AND o.value IS NOT NULL ORDER BY o.register, o.at DESC
    ) AS n
    WHERE l.register = n.register AND l.at <= n.at
""")
# Rows for instants at which a backfill's correction counts: void, or given anew by a later backfill.
GIVEN = text("""
    DELETE FROM staging AS s USING (
        SELECT DISTINCT ON (v.register, v.at) v.register, v.at, v.value, v.known
        FROM ingest.reading_override AS v JOIN staging AS t ON t.register = v.register AND t.at = v.at
        ORDER BY v.register, v.at, v.known DESC
    ) AS o
    WHERE o.register = s.register AND o.at = s.at AND o.known IN (SELECT known FROM ingest.backfill_step)
    RETURNING s.n, s.register, s.at, s.value AS sent, o.value AS counts, o.known AS decided
""")
ANEW = text("""
    INSERT INTO ingest.reading_override (register, at, value, known, author, reason, reverts)
    SELECT u.register, u.at, u.value, :known, :author, :reason, u.reverts
    FROM unnest(cast(:registers AS int[]), cast(:ats AS timestamptz[]), cast(:values AS bigint[]),
        cast(:reverts AS bigint[])) AS u (register, at, value, reverts)
""")


class Given(NamedTuple):
    """Row n for an instant that a backfill has decided: `counts` ticks count there now, None if it is void."""

    n: int
    register: int
    at: datetime
    sent: int
    counts: int | None
    decided: int


def any_void(connection: Connection) -> bool:
    """Whether a backfill was ever taken back."""
    return bool(connection.execute(SOME).scalar_one())


def given(connection: Connection) -> list[Given]:
    """Take these rows out of staging, in the order in which they were received."""
    return sorted(Given(*row) for row in connection.execute(GIVEN))


def give_anew(connection: Connection, rows: Sequence[Given], *, known: int, author: str, reason: str) -> None:
    """What was void counts again, with the value that is sent now."""
    columns = {
        "registers": [row.register for row in rows],
        "ats": [row.at for row in rows],
        "values": [row.sent for row in rows],
        "reverts": [row.decided for row in rows],
    }
    connection.execute(ANEW, {**columns, "known": known, "author": author, "reason": reason})
    instants = [row.at for row in rows]
    connection.execute(CATCH_UP, {"known": known, "first": min(instants), "last": max(instants)})


def find(connection: Connection, step: Step, *, void: bool) -> int:
    """Find what undoing a step corrects; how many readings. Slow: rather before a knowledge number is drawn."""
    connection.execute(UNDOING)
    connection.execute(CLEAR)
    asked = {"step": step.known, "first": step.first_at, "last": step.last_at}
    return connection.execute(VOID if void else RESTORE, asked).rowcount


def decided_since(connection: Connection, known: int) -> bool:
    """Whether somebody corrected any reading after this knowledge number."""
    return bool(connection.execute(DECIDED, {"known": known}).scalar_one())


def write(connection: Connection, step: Step, *, void: bool, known: int, author: str, reason: str) -> None:
    """Write what was found as corrections; the newest reading of each register follows."""
    connection.execute(WRITE, {"known": known, "author": author, "reason": reason})
    if void:
        connection.execute(FALL_BACK)
    else:
        connection.execute(CATCH_UP, {"known": known, "first": step.first_at, "last": step.last_at})
