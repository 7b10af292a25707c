"""Use cases: seal readings up to an instant, keep what rests on them, and drop the rest."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from core.database import transaction
from core.problem import Problem, Problems
from core.store import audit, current_knowledge
from ingest.retention import chunk
from ingest.retention.columnstore import Edition, Wanted, wanted
from ingest.rollup import run as rollups
from ingest.store import retention, rollup
from ingest.store.retention import Resting, Sealed

FRESH = timedelta(days=35)
"""What is younger is not sealed: readings are late, and a device's coming and going is interpolated over so long."""
AGAIN = "run `yardstick meters roll-up`, and seal again"
SHOWN = 20
"""Obstacles that are named."""


class Obstacle(NamedTuple):
    """A billing period that still needs the readings, and why."""

    contract: str
    period: str
    reason: str


@dataclass(frozen=True, slots=True)
class Above:
    """What the packages above know. obstacles: what stands in the way of sealing up to an instant, the open ones first.

    resting: what periods that reach beyond an instant (the end of what is sealed already) ask of readings, at every
    knowledge that they were evaluated at and now.
    """

    obstacles: Callable[[Connection, datetime], Iterable[Obstacle]]
    resting: Callable[[Connection, datetime | None], Iterable[Resting]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What sealing does. until: its edge; rows, bytes: of the chunks that go; kept: readings that outlive them."""

    until: datetime
    chunks: int
    rows: int
    bytes: int
    kept: int
    obstacles: tuple[Obstacle, ...]


def plan(engine: Engine, until: datetime, at: datetime, *, above: Above) -> Plan:
    """What sealing up to an instant would do; nothing stays. Raises Problems."""
    with transaction(engine) as connection:
        _check(connection, until, at)
        obstacles = tuple(above.obstacles(connection, until))
        found = retention.chunks(connection, until)
        rows = retention.count(connection, found.until)
        kept = 0 if obstacles else _keep(connection, until, above)
        connection.rollback()
    return Plan(until, found.chunks, rows, found.bytes, kept, obstacles)


def seal(engine: Engine, until: datetime, at: datetime, *, above: Above, by: str) -> Plan:
    """Seal readings before an instant, in three transactions: refuse older ones; keep what is rested on; drop chunks.

    If it ends between them, the same again goes on. Raises Problems with the periods that stand in the way, and
    DBAPIError where somebody reads or writes for longer than 5 s.
    """
    with transaction(engine) as connection:
        _check(connection, until, at)
        if obstacles := tuple(above.obstacles(connection, until)):
            raise Problems(tuple(problem(one) for one in obstacles[:SHOWN]))
        found = retention.chunks(connection, until)
        rows = retention.count(connection, found.until)
        retention.move(connection, until)
        detail = {"until": until.isoformat(), "chunks": found.chunks, "rows": rows, "bytes": found.bytes}
        audit(connection, at, actor=by, action="reading.seal", subject="readings", detail=detail)
    rollups.roll_up(engine, at)
    with transaction(engine) as connection:
        _hold_rollups(connection)
        kept = _keep(connection, until, above)
        retention.note_kept(connection, until)
    done = Plan(until, found.chunks, rows, found.bytes, kept, ())
    with transaction(engine) as connection:
        _hold_rollups(connection)
        dropped = retention.drop(connection, until)
        detail = {"until": until.isoformat(), "chunks": dropped, "kept": kept}
        audit(connection, at, actor=by, action="reading.drop", subject="readings", detail=detail)
    return replace(done, chunks=dropped)


def problem(one: Obstacle) -> Problem:
    """As it is told."""
    return Problem(f"{one.contract} {one.period}", one.reason, "seal up to its start, or bill it first")


def _check(connection: Connection, until: datetime, at: datetime) -> None:
    there = retention.sealed(connection)
    if until > at - FRESH:
        problem = Problem("--until", f"is less than {FRESH.days} days ago", f"give {at - FRESH:%Y-%m-%d} or earlier")
        raise Problems((problem,))
    if (until.minute, until.second, until.microsecond) != (0, 0, 0):
        raise Problems((Problem("--until", "lies within an hour (UTC)", "roll-ups are by hour: give a whole one"),))
    if there.until and until < there.until:
        message = f"readings are sealed up to {there.until:%Y-%m-%dT%H:%MZ} already"
        raise Problems((Problem("--until", message, "give a later one; a seal is never taken back"),))
    known = current_knowledge(connection)
    if any(rollup.point(connection, share, known=known).closed_to < until for share in rollup.SHARES):
        raise Problems((Problem("--until", "is not rolled up yet", "run `yardstick meters roll-up`"),))


def _hold_rollups(connection: Connection) -> None:
    """Keep roll-ups still, and see that they know of every reading that may go. Raises Problems."""
    if not all(rollup.lock(connection, share) for share in rollup.SHARES):
        raise Problems((Problem("roll-ups", "are being brought up to date", "seal again in a minute"),))
    behind = retention.late(connection)
    if behind:
        raise Problems((Problem("roll-ups", f"do not know of {behind} sealed readings or corrections yet", AGAIN),))


def _keep(connection: Connection, until: datetime, above: Above) -> int:
    since = retention.sealed(connection).dropped
    kept = retention.keep_general(connection, since=since, until=until, known=current_knowledge(connection))
    return kept + sum(
        retention.keep(connection, one, since=since, until=until) for one in above.resting(connection, since)
    )


def sealed(engine: Engine) -> Sealed:
    """How far sealing has come."""
    with transaction(engine) as connection:
        return retention.sealed(connection)


def edition(engine: Engine) -> Edition:
    """What TimescaleDB there is."""
    with transaction(engine) as connection:
        return retention.edition(connection)


def fit_columnstore(engine: Engine, at: datetime, *, days: int) -> Wanted:
    """Let chunks older than so many days go into the columnstore (0: none), where the edition has one; what holds."""
    with transaction(engine) as connection:
        found, current = wanted(retention.edition(connection), days), retention.columnstore(connection)
        if found.older != current:
            retention.set_columnstore(connection, found.older)
            detail = {"before": str(current), "after": str(found.older)}
            audit(connection, at, actor="schedule", action="reading.columnstore", subject="readings", detail=detail)
    return found


def fit_chunks(engine: Engine, at: datetime, *, dry: bool = False) -> tuple[int, timedelta, timedelta]:
    """Readings a day, how much time chunks span, and what fits; that is set unless `dry`."""
    with transaction(engine) as connection:
        daily, current = retention.daily_rows(connection, at), retention.chunk_interval(connection)
        fitting = chunk.span(daily, current=current)
        if fitting != current and not dry:
            retention.set_chunk_interval(connection, fitting)
            detail = {"daily": daily, "before": str(current), "after": str(fitting)}
            audit(connection, at, actor="schedule", action="reading.chunk", subject="readings", detail=detail)
    return daily, current, fitting
