"""What is asked of a month costs the same after a month and after years: chunks of other times stay closed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from sqlalchemy import Connection, Engine, text

from core.database import Role, connect, driver, transaction
from core.time import micros
from ingest.rollup import run as rollup
from ingest.store import completeness, counter, gauge, hold, hourly, level, meter, state, view
from ingest.store.counter import Asked
from ingest.store.said import Span
from ingest.store.search import TABLE
from tests.stories import test_counter_store as counters

pytestmark = pytest.mark.services

WEEKS = 60
FIRST = datetime(2025, 1, 2, tzinfo=UTC)
"""A Thursday, on which chunks begin."""
END = FIRST + timedelta(weeks=WEEKS)
MONTH = timedelta(days=30)
REGISTERS = [
    {"register": "odometer", "kind": "counter", "unit": "km", "resolution": "1 m", "max_rate": "150 km/h"},
    {"register": "tank", "kind": "gauge", "unit": "l", "resolution": "1 l"},
    {"register": "ink", "kind": "gauge", "unit": "l", "resolution": "1 l", "noise_band": "1 l"},
    {"register": "state", "kind": "state", "max_gap": "48 h"},
]
# A reading a day; the odometer falls each 20th day, the tank is filled each week.
READINGS = text("""
    INSERT INTO ingest.reading (register, at, value, known, received_at)
    SELECT r.id, t.at, CASE r.name WHEN 'odometer' THEN 100000 + t.n * 1000 - t.n / 20 * 5000
            WHEN 'state' THEN 1 + t.n % 2 ELSE 500 - t.n % 7 * 50 END, 100, t.at
    FROM ingest.register AS r CROSS JOIN (
        SELECT n, cast(:first AS timestamptz) + n * interval '1 day' AS at FROM generate_series(0, :days - 1) AS n
    ) AS t ORDER BY t.at, r.id
""")
LOCKED = text("""
    SELECT p.relname, count(DISTINCT i.inhrelid) AS chunks FROM pg_locks AS l
    JOIN pg_inherits AS i ON i.inhrelid = l.relation JOIN pg_class AS p ON p.oid = i.inhparent
    WHERE l.pid = pg_backend_pid() AND p.relnamespace = 'ingest'::regnamespace GROUP BY 1
""")
READING = text("""
    INSERT INTO ingest.reading (register, at, value, known, received_at)
    SELECT id, :at, 7, :known, :at FROM ingest.register WHERE name = 'odometer'
""")
BATCH = text("""
    INSERT INTO ingest.batch (known, at, client, messages, received, stored, duplicate, quarantined, first_at)
    VALUES (:known, now(), 'test', 1, 1, 1, 0, 0, :first)
""")
LATE = text("SELECT count(*) FROM ingest.late_hours('2000-01-01', '2100-01-01', :known)")
OFTEN = 7
"""After five times a session keeps a plan for every stretch, if it may."""
Read: TypeAlias = Callable[[Connection, datetime, datetime, int], Any]


def _asked(start: datetime, end: datetime, step: timedelta) -> list[Asked]:
    instants = range(micros(start), micros(end) + 1, step // timedelta(microseconds=1))
    return [Asked("T1", "vehicle/odometer", tuple(instants), "km")]


def _span(path: str, start: datetime, end: datetime) -> list[Span]:
    return [Span("T1", f"vehicle/{path}", micros(start), micros(end), 2 * 86_400_000_000)]


def _served(connection: Connection, path: str) -> list[Any]:
    of = completeness.registers(connection, "T1", start=FIRST, end=END, known=100)
    return [one for one in of if one.path == f"vehicle/{path}"]


READERS: dict[str, Read] = {
    "a bill's counter": lambda c, a, b, k: counter.load(c, _asked(a, b, MONTH), known=k),
    "a counter by day": lambda c, a, b, k: counter.load(c, _asked(a, b, timedelta(days=1)), known=k),
    "a counter by hour": lambda c, a, b, k: hourly.load(c, _asked(a, b, timedelta(hours=1)), known=k),
    "levels": lambda c, a, b, k: level.load(c, _served(c, "tank"), [a, b], known=k),
    "a gauge": lambda c, a, b, k: gauge.load(c, _span("tank", a, b), known=k),
    "a gauge with noise": lambda c, a, b, k: gauge.load(c, _span("ink", a, b), known=k),
    "states": lambda c, a, b, k: state.load(c, _span("state", a, b), known=k),
    "coverage": lambda c, a, b, k: meter.heard_of(c, "T1", start=a, end=b, known=k),
    "all about an asset": lambda c, a, b, k: meter.standing(c, "T1", start=a, end=b, known=k),
    "holds": lambda c, a, b, k: hold.find(c, start=a, end=b, known=k, source=TABLE),
}
VISIBLE: dict[str, Read] = {
    "readings": lambda c, a, b, _: view.readings(c, 1, path="vehicle/odometer", since=a, before=b, most=100),
    "a counter by day": lambda c, a, b, k: view.counters(c, _asked(a, b, timedelta(days=1)), known=k),
    "a counter by hour": lambda c, a, b, k: hourly.load(
        c, _asked(a, b, timedelta(hours=1)), known=k, source=view.COUNTERS, statement=hourly.VISIBLE
    ),
    "levels": lambda c, a, b, k: level.load(c, _served(c, "tank"), [a, b], known=k, statement=level.VISIBLE),
    "states": lambda c, a, b, k: view.states(c, _span("state", a, b), known=k),
    "coverage": lambda c, a, b, k: meter.heard_of(c, "T1", start=a, end=b, known=k, statement=completeness.VISIBLE),
    "holds": lambda c, a, b, k: hold.find(c, start=a, end=b, known=k, source=view.COUNTERS),
}


ROLES: tuple[tuple[Role, dict[str, Read]], ...] = (("yardstick_worker", READERS), ("yardstick_api", VISIBLE))
OPERATOR = text("SELECT set_config('yardstick.role', 'operator', true)")
MIDDLE = FIRST + timedelta(weeks=30)


@pytest.fixture
def lived(engine: Engine) -> Engine:
    """A device that reported for 60 weeks, rolled up; the chunks of readings span a week, as if there were many."""
    counters.declare(
        engine, {"devices": [{"device": "D", "asset": "T1", "position": "vehicle", "registers": REGISTERS}]}
    )
    with transaction(engine) as connection:
        connection.execute(READINGS, {"first": FIRST, "days": WEEKS * 7})
        connection.execute(text("UPDATE core.knowledge SET n = 100"))
    rollup.roll_up(engine, END + timedelta(hours=1))
    return engine


@pytest.mark.usefixtures("lived")
def test_chunks_of_other_times_stay_closed_however_often_a_session_asks(database: str) -> None:
    """At most 11 of 60: a month and two weeks on either side of it touch ten, and what is new lies in the newest."""
    opened: dict[tuple[str, str, str], int] = {}
    for role, readers in ROLES:
        engine = connect(database, role=role, pool_size=1)
        for name, read in readers.items():
            for when, end in {"middle": MIDDLE, "now": END}.items():
                opened[role, name, when] = max(_opened(engine, read, end) for _ in range(OFTEN))
        engine.dispose()
    assert len(opened) == 2 * (len(READERS) + len(VISIBLE))
    assert {asked: count for asked, count in opened.items() if count > 11} == {}
    assert min(opened.values()) >= 1


def _opened(engine: Engine, read: Read, end: datetime) -> int:
    """Chunks of readings, or of another table if it has more, that a question about a month opened."""
    with transaction(engine) as connection:
        driver(connection).prepare_threshold = 0
        connection.execute(OPERATOR)
        assert read(connection, end - MONTH, end, 100) not in ((), [], None)
        return max(_locked(connection).values())


def _locked(connection: Connection) -> dict[str, int]:
    return {row.relname: row.chunks for row in connection.execute(LOCKED)}


def test_what_became_known_late_is_looked_for_where_commits_say(lived: Engine, database: str) -> None:
    """A commit that says since when it brought readings spares the chunks before; another number spares none."""
    since = {
        "in order": (101, END, END, 2),
        "ten weeks late": (102, END - timedelta(weeks=10, hours=3), END - timedelta(weeks=10, hours=3), 12),
        "earlier than it has": (103, END + timedelta(hours=1), END - timedelta(weeks=20), 22),
        "nobody says": (104, END + timedelta(hours=2), None, WEEKS),
    }
    for name, (known, at, first, most) in since.items():
        with transaction(lived) as connection:
            connection.execute(READING, {"at": at, "known": known})
            connection.execute(text("UPDATE core.knowledge SET n = :known"), {"known": known})
            connection.execute(BATCH, {"known": known, "first": first})
        worker = connect(database, role="yardstick_worker", pool_size=1)
        with transaction(worker) as connection:
            late = connection.execute(LATE, {"known": known}).scalar_one()
            opened = _locked(connection)
        worker.dispose()
        assert late == (1 if at < END else 0), name
        assert opened.get("reading", 0) <= most, name
        assert (first is not None) == (opened.get("reading", 0) < WEEKS), name
        rollup.roll_up(lived, END + timedelta(hours=1))
        assert rollup.verify(lived) == [], name
