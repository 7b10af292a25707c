"""Contracts whose evaluation fails: why, since when, and when it is tried again, after a pause that doubles."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import Connection, text

from ingest.store import alarm

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

Work: TypeAlias = Literal["standing", "closing"]
FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=6)
"""The pause after the first failure, and the longest one."""
FAILS = "evaluation_fails"
UNSAID = timedelta(hours=1)
"""An alarm is not repeated sooner."""
MOST_NAMED = 20
MOST_WORDS = 500

NOTE = text("""
    INSERT INTO contracts.failure AS f (contract, work, failures, since, tried_at, retry_at, known, error)
    VALUES (:contract, :work, 1, :at, :at, :at + :first, :known, :error)
    ON CONFLICT (contract, work) DO UPDATE SET failures = f.failures + 1, tried_at = :at, known = :known,
        error = excluded.error, retry_at = :at + least(:longest, :first * (2 ^ least(f.failures, 16)))
""")
FORGET = text("DELETE FROM contracts.failure WHERE work = :work AND contract = ANY(:contracts)")
# What people said or agreed since is a reason to try at once; what devices say goes on all the time, and is none.
FOUND = text("""
    SELECT f.contract, f.retry_at > :at AND NOT EXISTS (
            SELECT FROM contracts.fact_known AS n WHERE n.contract = f.contract AND n.known > f.known
        ) AND NOT EXISTS (
            SELECT FROM contracts.version AS v WHERE v.contract = f.contract AND v.known > f.known
        ) AS rests
    FROM contracts.failure AS f WHERE f.work = :work ORDER BY f.tried_at, f.contract
""")
LISTED = text("""
    SELECT c.name AS contract, f.work, f.failures, f.since, f.tried_at, f.retry_at, f.error
    FROM contracts.failure AS f JOIN contracts.contract AS c ON c.id = f.contract ORDER BY f.since, c.name, f.work
    LIMIT :most
""")
COUNT = text("SELECT count(DISTINCT contract) FROM contracts.failure")


@dataclass(frozen=True, slots=True)
class Failure:
    """A contract (by name) that cannot be evaluated. failures: in a row, since the first of them."""

    contract: str
    work: Work
    failures: int
    since: datetime
    tried_at: datetime
    retry_at: datetime
    error: str


def note(connection: Connection, contract: int, work: Work, error: Exception, *, known: int, at: datetime) -> None:
    """It failed again: the next try comes after twice the pause."""
    words = f"{type(error).__name__}: {error}"[:MOST_WORDS]
    given = {"contract": contract, "work": work, "at": at, "known": known, "error": words}
    connection.execute(NOTE, {**given, "first": FIRST, "longest": LONGEST})


def forget(connection: Connection, contracts: Iterable[int], work: Work) -> None:
    """They were evaluated."""
    connection.execute(FORGET, {"contracts": list(contracts), "work": work})


def rests(connection: Connection, work: Work, at: datetime) -> dict[int, bool]:
    """Contracts that failed last, who was tried longest ago first; True: not to be tried now."""
    return {row.contract: row.rests for row in connection.execute(FOUND, {"work": work, "at": at})}


def listed(connection: Connection, *, most: int = 100) -> list[Failure]:
    """Those that fail, for the longest time first."""
    return [Failure(**row) for row in connection.execute(LISTED, {"most": most}).mappings()]


def count(connection: Connection) -> int:
    """How many contracts fail."""
    found: int = connection.execute(COUNT).scalar_one()
    return found


def tell(connection: Connection, at: datetime) -> bool:
    """Leave an alarm for the operator, not more than one an hour, while contracts cannot be evaluated."""
    found = listed(connection, most=MOST_NAMED)
    if not found or any(one.kind == FAILS and one.at > at - UNSAID for one in alarm.recent(connection)):
        return False
    named = sorted({one.contract for one in found})
    oldest = min(one.since for one in found)
    detail = {
        "failing": count(connection),
        "since": f"{oldest:%Y-%m-%dT%H:%M:%SZ}",
        "contracts": named,
        "error": found[0].error,
    }
    alarm.add(connection, at, kind=FAILS, client="schedule", detail=detail)
    return True
