"""What planning an answer takes, and how many chunks it opens: that is what may grow with the length of history."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg.errors import Diagnostic
from sqlalchemy import URL, Connection, Engine, event, text

from core.database import connect, driver

# Statements inside functions are told of as well.
TELL = "SET log_planner_stats = on; SET client_min_messages = log; SET ROLE yardstick_worker"
USED = re.compile(r"([\d.]+) s user, ([\d.]+) s system")
OPENED = text("""
    SELECT count(DISTINCT i.inhrelid) FROM pg_locks AS l JOIN pg_inherits AS i ON i.inhrelid = l.relation
    JOIN pg_class AS p ON p.oid = i.inhparent
    WHERE l.pid = pg_backend_pid() AND p.relnamespace = 'ingest'::regnamespace
""")
LOCKS = text("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()")
CHUNKS = text("""
    SELECT count(*) FILTER (WHERE hypertable_name = 'reading') AS readings, count(*) AS all
    FROM timescaledb_information.chunks WHERE hypertable_schema = 'ingest'
""")
HELD = text("SELECT sum(total_bytes) / 1048576 FROM pg_backend_memory_contexts")
WARM = 12
"""After ten times or so a session keeps a plan for every stretch, if it may."""


@dataclass
class Planning:
    """Of one answer. seconds: CPU; chunks: opened, of all hypertables; locks: held at its end; memory: MiB."""

    plans: int = 0
    seconds: float = 0.0
    chunks: int = 0
    locks: int = 0
    memory: float = 0.0
    of: tuple[int, int] = field(default=(0, 0))

    def __str__(self) -> str:
        """For a table."""
        readings, every = self.of
        return (
            f"{self.plans} plans {self.seconds * 1000:.1f} ms CPU, {self.chunks} of {every} chunks ({readings} of "
            f"readings) opened, {self.locks} locks, session {self.memory:.0f} MiB"
        )


def planning(admin: Engine, act: Callable[[Engine], Any]) -> Planning:
    """What the last of several equal questions of one session took. admin: a superuser's; it lends its rights."""
    found = Planning()
    with _told(admin.url, found) as engine:
        for _ in range(WARM):
            found.plans, found.seconds = 0, 0.0
            act(engine)
    with admin.begin() as connection:
        row = connection.execute(CHUNKS).one()
        found.of = (row.readings, row.all)
    return found


@contextmanager
def _told(url: URL, found: Planning) -> Iterator[Engine]:
    """An engine of one session, in the role of a worker, that tells of every statement that it plans."""
    engine = connect(url.render_as_string(hide_password=False), role=None, pool_size=1)

    def hear(said: Diagnostic) -> None:
        if said.message_primary == "PLANNER STATISTICS" and (used := USED.search(said.message_detail or "")):
            found.plans += 1
            found.seconds += sum(map(float, used.groups()))

    def look(connection: Connection) -> None:
        plans, seconds = found.plans, found.seconds
        found.chunks = connection.execute(OPENED).scalar_one()
        found.locks = connection.execute(LOCKS).scalar_one()
        connection.exec_driver_sql("SET LOCAL ROLE NONE")
        found.memory = float(connection.execute(HELD).scalar_one())
        found.plans, found.seconds = plans, seconds

    with engine.connect() as connection:
        raw = driver(connection)
        raw.add_notice_handler(hear)
        raw.execute(TELL)
        raw.commit()
    event.listen(engine, "commit", look)
    yield engine
    engine.dispose()
