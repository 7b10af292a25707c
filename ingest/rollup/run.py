"""Use cases: bring roll-ups up to date, and hold them against the readings."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from core.database import transaction
from core.store import current_knowledge
from ingest.rollup.hour import closed
from ingest.store import retention, rollup
from ingest.store.rollup import Difference, Point

STEP = timedelta(days=7)
"""At most so much of the past in one transaction."""


def roll_up(engine: Engine, at: datetime) -> int:
    """Roll up what is due at an instant; both shares beside each other. Returns how many rows were written.

    A share that somebody else is rolling up is left to them. Whoever reads meanwhile waits for nothing, and reads
    exactly the same: what is not rolled up is read from readings.
    """
    with ThreadPoolExecutor(len(rollup.SHARES)) as pool:
        return sum(pool.map(lambda share: roll_up_share(engine, share, at), rollup.SHARES))


def roll_up_share(engine: Engine, share: int, at: datetime) -> int:
    """One share, in transactions of at most STEP each."""
    count, more = 0, True
    while more:
        with transaction(engine) as connection:
            written, more = _step(connection, share, at)
        count += written
    return count


def _step(connection: Connection, share: int, at: datetime) -> tuple[int, bool]:
    """Rows written, and whether there is more to do."""
    if not rollup.lock(connection, share):
        return 0, False
    known, until = current_knowledge(connection), closed(at)
    before = rollup.point(connection, share, known=known)
    closed_to = max(before.closed_to, until)
    if closed_to - before.closed_to > STEP:
        start = rollup.earliest(connection, before.closed_to)
        closed_to = closed_to if start is None else min(closed_to, max(start, before.closed_to) + STEP)
    after = Point(share, known, closed_to)
    if after == before:
        return 0, False
    return rollup.advance(connection, before, after, at), closed_to < until


def verify(engine: Engine, *, most: int = 100) -> list[Difference]:
    """Rebuild every hour from readings, as of the newest points, and return what differs: `most` for each table.

    Sealed hours cannot be rebuilt and are left out.
    """
    found = []
    with _snapshot(engine) as connection:
        known = current_knowledge(connection)
        for share in rollup.SHARES:
            point = rollup.point(connection, share, known=known)
            for start, end in _stretches(connection, point):
                found += rollup.differences(connection, point, start, end, most=most)
    return found


def _stretches(connection: Connection, point: Point) -> Iterator[tuple[datetime, datetime]]:
    """From before the first reading or row to where the roll-up has come, in steps."""
    start, sealed = rollup.first_hour(connection), retention.sealed(connection).until
    if start is not None and sealed is not None:
        start = max(start, sealed)
    while start is not None and start < point.closed_to:
        end = min(start + STEP, point.closed_to)
        yield start, end
        start = end


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one moment, whatever is written beside it; nothing of it stays."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        yield connection
        connection.rollback()
