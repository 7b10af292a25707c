"""Meters over a long history: rolling up, a period's quantities, one asset's month; beside bare scans of the same rows.

    python -m bench.meters                                 a short look at all three, two minutes
    python -m bench.meters fresh                           1,000 assets, a reading a minute: rolling up the second day
    python -m bench.meters gauge                           the same of gauges, with what a mean needs
    python -m bench.meters history 100 365                 so many assets, a reading a minute, a month and so many days
    python -m bench.meters fleet 10000 365                 so many assets, a reading a day, a month and so many days

1,000 assets x 1 reading/min x 1 year are 525 million rows; `history 100 365` are 53 million, `history 1000 30` are 43.
One register in a hundred falls once a month. Gates are in seconds and hold on a quiet machine only; what is flat is
compared in CPU. Below what is asked stands what planning took of it and how many chunks it opened. CPU is what the
database's sessions and this process used together. Bare: a plain aggregate over the same rows in one session. History
is written by two sessions, each a chunk at a time, in the order in which readings arrive; for that part alone the
database need not survive a crash.
"""

import os
import resource
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from sqlalchemy import Engine, text

from bench.planning import Planning, planning
from core.database import connect
from core.time import micros
from core.units import Quantity
from embedded.services import start
from ingest.rollup import run
from ingest.store import counter
from migrations.run import upgrade

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
MONTH = 30
FRESH = 3
"""So many days are rolled up one by one; the cheapest counts."""
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "8GB"}
"""Settings while a long history is written and read; what is gained is time for writing it."""
TICKS_OF_CPU = os.sysconf("SC_CLK_TCK")
MADE = """
INSERT INTO ingest.asset (public_id, name, kind, created_at)
    SELECT 'ast_' || n, 'T-' || n, 'truck', :at FROM generate_series(1, :count) AS n;
INSERT INTO ingest.device (public_id, name, model, created_at)
    SELECT 'dev_' || id, 'D-' || id, 'm', :at FROM ingest.asset;
INSERT INTO ingest.register (device, name, kind, unit, resolution)
    SELECT id, 'odometer', :kind, 'km', 0.001 FROM ingest.device;
INSERT INTO ingest.declaration (register, known, max_rate) SELECT id, 1, 150000 FROM ingest.register;
INSERT INTO ingest.binding (device, asset, position, during, known)
    SELECT d.id, a.id, 'vehicle', tstzrange(:at, NULL), 1
    FROM ingest.asset AS a JOIN ingest.device AS d ON d.name = 'D-' || a.id;
ANALYZE
"""
# 1 km a minute; the hundredth registers lose 5,000 km on the 15th of each 30 days. As readings arrive: by time. Gauges
# begin anew at 500.
READINGS = text("""
    INSERT INTO ingest.reading (register, at, value, known, received_at)
    SELECT r.id, t.at, (100000000000::bigint + r.id + m.n * 1000
            - CASE WHEN r.id % 100 = 0 THEN 5000000 * div(m.n + 21600, 43200)::bigint ELSE 0 END)
            % CASE r.kind WHEN 'gauge' THEN 500000 ELSE 4611686018427387904 END,
        m.n + 2, t.at + interval '2 seconds'
    FROM generate_series(cast(:start AS bigint), cast(:end AS bigint) - 1, cast(:every AS int)) AS m (n)
    CROSS JOIN LATERAL (SELECT '2025-01-01+00'::timestamptz + m.n * interval '1 minute' AS at) AS t
    CROSS JOIN (SELECT id, kind FROM ingest.register ORDER BY id OFFSET 0) AS r
""")
# As the ingester's commits do: each says what it brought, and since when.
BATCHES = text("""
    INSERT INTO ingest.batch (known, at, client, messages, received, stored, duplicate, quarantined, first_at)
    SELECT m.n + 2, t.at + interval '2 seconds', 'bench', :assets, :assets, :assets, 0, 0, t.at
    FROM generate_series(cast(:start AS bigint), cast(:end AS bigint) - 1, cast(:every AS int)) AS m (n)
    CROSS JOIN LATERAL (SELECT '2025-01-01+00'::timestamptz + m.n * interval '1 minute' AS at) AS t
""")


@dataclass(frozen=True)
class Cost:
    """Of one act."""

    seconds: float
    cpu: float


class Asked(NamedTuple):
    """What an answer cost, and what of that was planning."""

    cost: Cost
    planning: Planning


@dataclass(frozen=True)
class Need:
    """A counter wanted at instants."""

    asset: str
    instants: tuple[int, ...]
    register: str = "vehicle/odometer"
    unit: str = "km"
    on_reset: str = "hold"
    boundary: str = "interpolate"
    modulus: Quantity | None = None
    max_rate: Quantity | None = None
    max_gap: int | None = None
    estimates: bool = False


@dataclass(frozen=True)
class Bench:
    """A database of its own with a fleet."""

    admin: Engine
    engine: Engine
    assets: int
    every: int
    """Minutes between two readings of an asset."""
    kind: str = "counter"

    def make(self) -> None:
        """Assets with devices."""
        with self.admin.begin() as connection:
            given = {"at": FIRST - timedelta(days=1), "count": self.assets, "kind": self.kind}
            for statement in MADE.split(";\n"):
                connection.execute(text(statement), given)

    def fill(self, first_day: int, end_day: int) -> int:
        """Readings of these days, two chunks at a time, each in the order of time. Returns how many."""
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda days: self._fill(*days), _weeks(first_day, end_day)))
        with self.admin.begin() as connection:
            connection.execute(text("UPDATE core.knowledge SET n = :n"), {"n": end_day * 1440 + 1})
        with self.admin.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM (ANALYZE) ingest.reading"))
        return (end_day - first_day) * self.assets * 1440 // self.every

    def _fill(self, first_day: int, end_day: int) -> None:
        for day in range(first_day, end_day):
            with self.admin.begin() as connection:
                given = {"start": day * 1440, "end": day * 1440 + 1440, "every": self.every}
                connection.execute(READINGS, given)
                connection.execute(BATCHES, {**given, "assets": self.assets})

    def cost(self, act: Callable[[], Any], times: int = 1) -> Cost:
        """Seconds and CPU of it; the mean of so many times."""
        before, began = self._cpu(), perf_counter()
        for _ in range(times):
            act()
        return Cost((perf_counter() - began) / times, (self._cpu() - before) / times)

    def _cpu(self) -> float:
        """Of all sessions of this database and of this process."""
        with self.admin.begin() as connection:
            pids = connection.execute(
                text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND usename IS NOT NULL")
            ).scalars()
            own = resource.getrusage(resource.RUSAGE_SELF)
            return own.ru_utime + own.ru_stime + sum(map(_cpu_of, pids))

    def quantities(self, day: int, *, assets: Sequence[int]) -> Asked:
        """The 30 days before a day, for these assets."""
        last = FIRST + timedelta(days=day)
        instants = (micros(last - timedelta(days=MONTH)), micros(last))
        needs = [Need(f"T-{n}", instants) for n in assets]

        def load(engine: Engine) -> None:
            with engine.begin() as connection:
                found = counter.load(connection, needs, known=day * 1440 + 1)
            assert all(len(one.parts) == 1 for one in found)

        return self._asked(load, max(1, 200 // len(assets)))

    def drill(self, day: int) -> Asked:
        """One asset's month by day, and the readings of one day of it."""
        drilled = text("SELECT * FROM ingest.effective(7, :since, :before, :known)")
        last = FIRST + timedelta(days=day)
        given = {"since": last - timedelta(days=9), "before": last - timedelta(days=8), "known": day * 1440 + 1}
        instants = tuple(micros(last - timedelta(days=n)) for n in range(MONTH, -1, -1))

        def show(engine: Engine) -> None:
            with engine.begin() as connection:
                counter.load(connection, [Need("T-7", instants)], known=day * 1440 + 1)
                assert len(connection.execute(drilled, given).all()) == 1440 // self.every

        return self._asked(show, 10)

    def _asked(self, ask: Callable[[Engine], None], times: int) -> Asked:
        costs = [self.cost(lambda: ask(self.engine), times) for _ in range(5)]
        return Asked(min(costs, key=lambda cost: cost.seconds), planning(self.admin, ask))

    def scan(self, day: int, end: int) -> Cost:
        """A plain aggregate over the readings of some days."""
        query = text("SELECT count(*), sum(value), max(known) FROM ingest.reading WHERE at >= :start AND at < :end")

        def look() -> None:
            with self.admin.begin() as connection:
                connection.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
                connection.execute(query, {"start": FIRST + timedelta(days=day), "end": FIRST + timedelta(days=end)})

        return min((self.cost(look) for _ in range(2)), key=lambda cost: cost.seconds)

    def roll_up(self, day: int) -> Cost:
        """All until the end of a day."""
        return self.cost(lambda: run.roll_up(self.engine, FIRST + timedelta(days=day, minutes=10)))


def _cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_OF_CPU


def show(name: str, cost: Cost, more: str = "") -> None:
    """One line."""
    print(f"{name:58} {cost.seconds * 1000:10,.1f} ms {cost.cpu * 1000:10,.0f} ms CPU  {more}", flush=True)


def answered(name: str, asked: Asked) -> Cost:
    """A line, and one that says what planning took of it and how many chunks it opened."""
    show(name, asked.cost)
    print(f"{'':58} {asked.planning}", flush=True)
    return asked.cost


def per_second(name: str, rows: int, cost: Cost, bare: Cost) -> None:
    """A line with rates, and the share of the bare scan."""
    rate = f"{rows / cost.seconds:,.0f} rows/s, {rows / max(cost.cpu, 0.01):,.0f} a CPU second"
    show(name, cost, f"{rate}; {cost.cpu / max(bare.cpu, 0.01):.1f} x the CPU of the bare scan")


def gate(name: str, *, got: float, most: float, unit: str) -> None:
    """A line that says whether it holds."""
    print(f"  {'holds' if got <= most else 'FAILS'}: {name}: {got:,.2f} {unit}, at most {most:,.2f}", flush=True)


def fresh(bench: Bench) -> None:
    """Rolling up a fresh day of a thousand assets."""
    bench.make()
    bench.fill(0, 1)
    bench.roll_up(1)
    rows = bench.fill(1, 2)
    cost = bench.roll_up(2)
    per_second(f"{bench.assets} assets: a {bench.kind}'s fresh day rolled up", rows, cost, bench.scan(1, 2))
    gate("a fresh day's million rows, two connections", got=cost.seconds / rows * 1e6, most=1.0, unit="s")


def history(bench: Bench, days: int) -> None:
    """Readings every minute, a month and then longer: a fresh day rolled up, one asset's month, a month for all."""
    bench.make()
    seen = []
    for first, end in ((0, MONTH), (MONTH, days)):
        print(f"{bench.assets} assets, {end} days", flush=True)
        began = perf_counter()
        rows = bench.fill(first, end - FRESH)
        print(f"  {rows:,} readings written in {perf_counter() - began:,.0f} s", flush=True)
        per_second("  history rolled up", rows, bench.roll_up(end - FRESH), bench.scan(first, end - FRESH))
        rolled = [_fresh_day(bench, day) for day in range(end - FRESH, end)]
        drilled = answered("  one asset's month by day, and a day's readings", bench.drill(end))
        gate("one asset's month with drill", got=drilled.seconds * 1000, most=20, unit="ms")
        everyone = range(1, bench.assets + 1)
        asked = answered("  a month's quantities of all assets", bench.quantities(end, assets=everyone))
        fresh = min(rolled, key=lambda cost: cost.cpu)
        seen.append({"a fresh day rolled up": fresh, "one asset's month": drilled, "a month's quantities": asked})
        if days <= MONTH:
            return
    _flat(*seen)


def _fresh_day(bench: Bench, day: int) -> Cost:
    rows = bench.fill(day, day + 1)
    rolled = bench.roll_up(day + 1)
    per_second("  a fresh day rolled up", rows, rolled, bench.scan(day, day + 1))
    return rolled


def fleet(bench: Bench, days: int) -> None:
    """Many assets: a month's quantities, in a month of history and in a longer one."""
    bench.make()
    everyone, seen = range(1, bench.assets + 1), []
    for first, end in ((0, MONTH), (MONTH, days)):
        rows = bench.fill(first, end)
        print(f"{bench.assets} assets, {end} days", flush=True)
        if not first:
            answered("  a month's quantities, not rolled up", bench.quantities(end, assets=everyone))
        per_second("  rolled up", rows, bench.roll_up(end), bench.scan(first, end))
        asked = answered("  a month's quantities of all assets", bench.quantities(end, assets=everyone))
        gate("a month's quantities", got=asked.seconds / bench.assets * 10_000, most=1, unit="s for 10,000 assets")
        seen.append({"a month's quantities": asked})
        if days <= MONTH:
            return
    _flat(*seen)


def _flat(short: Mapping[str, Cost], long: Mapping[str, Cost]) -> None:
    """What is asked costs the same when the history is longer; a third more is noise."""
    for name, cost in short.items():
        got = long[name].cpu / max(cost.cpu, 0.001)
        gate(f"{name}, long history to short", got=got, most=1.33, unit="x the CPU")


def _weeks(first: int, end: int) -> Iterator[tuple[int, int]]:
    """Days that go into one chunk each; chunks begin on Thursdays, as 1970 did."""
    day = first
    while day < end:
        thursday = day + 7 - ((FIRST - datetime(1970, 1, 1, tzinfo=UTC)).days + day) % 7
        yield day, min(thursday, end)
        day = thursday


@contextmanager
def _database(
    assets: int, *, every: int = 1, kind: str = "counter", settings: Mapping[str, str] | None = None
) -> Iterator[Bench]:
    with start(settings=settings) as services:
        admin = connect(services.database_url, role=None)
        upgrade(admin)
        engine = connect(services.database_url, role="yardstick_worker")
        yield Bench(admin, engine, assets, every, kind)
        engine.dispose()
        admin.dispose()


def main() -> None:
    """Run what is asked for and print."""
    kind, *sizes = sys.argv[1:] or ["short"]
    assets, days = (int(one) for one in (*sizes, *("10000" if kind == "fleet" else "100", "365")[len(sizes) :]))
    if kind in ("short", "fresh"):
        with _database(1000) as bench:
            fresh(bench)
    if kind == "gauge":
        with _database(1000, kind="gauge") as bench:
            fresh(bench)
    if kind in ("short", "history"):
        with _database(20 if kind == "short" else assets, settings=QUICK) as bench:
            history(bench, 90 if kind == "short" else days)
    if kind in ("short", "fleet"):
        with _database(10_000 if kind == "short" else assets, every=1440, settings=QUICK) as bench:
            fleet(bench, 60 if kind == "short" else days)


if __name__ == "__main__":
    main()
