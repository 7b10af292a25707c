"""Invoices per second, from closed periods to issued documents with ledger and hashes, beside bare COPY of the rows.

    python -m bench.billing [contracts ...]      1000 3000 without arguments; the goal's measure is 10000

Each contract has 6 trucks, each with a monthly fee and kilometres in two tiers: 12 lines. Closing: the final evaluation
of the month from roll-ups. Billing: freeze, load all facts as of then and evaluate where they differ, draw up, approve,
issue. Bare: the rows that billing left, by COPY into empty tables without keys, all columns, the same compression; for
closing the evaluations too. Late: one reading of one truck for each hundredth contract arrives, and the next month's
run looks for what to correct. YARDSTICK_WORKERS processes share closing, calculating and issuing. Each number of
contracts has a process of its own. Seconds are those of the clock; beside them the processor's seconds of our
processes, which other work on the machine does not lengthen. Ratios are to bare COPY in the same run: the goal is 0.25.
Memory is to be the same for any number of contracts, step by step: the most that this process held in the step, the
most that any helper held so far, and what the largest session of the server holds of its own afterwards, in MiB.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from tempfile import TemporaryFile
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, Engine, text

from billing import run as billing
from contracts import run as contracts
from contracts import worker
from contracts.document import Agreement, read_agreement
from core import canonical
from core.database import connect
from core.garbage import collect_rarely
from core.settings import Settings
from embedded.services import start
from ingest.rollup import run as rollups
from migrations.run import upgrade

WORKERS = Settings().workers
SELLER = "Seller Ltd"
DOCUMENT = """
schema: contract/1
contract: C-00000
version: 1
effective_from: "2026-06-01"
recorded_at: "2026-05-15 10:00"
parties: {provider: Seller, customer: Buyer 00000}
currency: EUR
timezone: Europe/Berlin
billing: {period: month, rounding: half_up, decimals: 2, tax_category: S, tax_rate: "19 %"}
coverage:
  - {asset: T-00000-0, from: "2026-06-01"}
  - {asset: T-00000-1, from: "2026-06-01"}
  - {asset: T-00000-2, from: "2026-06-01"}
  - {asset: T-00000-3, from: "2026-06-01"}
  - {asset: T-00000-4, from: "2026-06-01"}
  - {asset: T-00000-5, from: "2026-06-01"}
measures:
  - {measure: distance, kind: counter_delta, register: vehicle/odometer, unit: km, on_reset: hold,
     boundary: interpolate}
terms:
  - clause: "2.1"
    kind: fixed_fee
    amount: "1850.00 EUR"
    every: month
    per: asset
    proration: calendar_days
    text: "Each truck costs {amount} a {every}; a part of a {every} is shared by {proration}."
  - clause: "2.2"
    kind: usage_charge
    measure: distance
    model: graduated
    scope: asset
    reset: period
    on_amendment: continue
    tiers:
      - {above: "0 km", price: "0.0420 EUR/km"}
      - {above: "8000 km", price: "0.0380 EUR/km"}
    text: "Each kilometre of a truck costs the price of the tier it falls in, counted anew each {reset}: {tiers}."
"""
SETUP = """
schema: billing/1
entities:
  - {party: Seller, name: Seller Ltd, address: Road 1, country: DE, vat_id: DE123456788, prefix: SE,
     timezone: Europe/Berlin}
"""
MADE = """
INSERT INTO contracts.party (public_id, name, created_at)
    SELECT 'par_' || n, 'Buyer ' || n, :at FROM names;
INSERT INTO billing.account (party, name, address, country)
    SELECT id, name || ' BV', 'Quay 2', 'NL' FROM contracts.party WHERE name LIKE 'Buyer %';
INSERT INTO ingest.asset (public_id, name, kind, created_at)
    SELECT 'ast_' || n || '_' || t, 'T-' || n || '-' || t, 'truck', :at FROM names, generate_series(0, 5) AS t;
INSERT INTO ingest.device (public_id, name, model, created_at)
    SELECT 'dev_' || id, 'D-' || id, 'm', :at FROM ingest.asset;
INSERT INTO ingest.register (device, name, kind, unit, resolution)
    SELECT id, 'odometer', 'counter', 'km', 0.001 FROM ingest.device;
INSERT INTO ingest.binding (device, asset, position, during, known)
    SELECT d.id, a.id, 'vehicle', '[2026-01-01,)', 1
    FROM ingest.asset AS a JOIN ingest.device AS d ON d.name = 'D-' || a.id;
INSERT INTO ingest.reading (register, at, value, known, received_at)
    SELECT id, d.at, 1000000 + id * 17 + (extract(epoch FROM d.at - '2026-05-30')::bigint / 86400) * 311000, 1, d.at
    FROM generate_series(timestamptz '2026-05-30 07:00+00', '2026-07-03', '1 day') AS d (at), ingest.register
    ORDER BY 1, 2;
INSERT INTO contracts.contract (public_id, name, currency, timezone, created_at)
    SELECT 'con_' || n, 'C-' || n, 'EUR', 'Europe/Berlin', :at FROM names;
INSERT INTO contracts.contract_party (contract, role, party)
    SELECT c.id, 'customer', p.id FROM contracts.contract AS c
        JOIN contracts.party AS p ON p.name = 'Buyer ' || substr(c.name, 3)
    UNION ALL SELECT c.id, 'provider', p.id FROM contracts.contract AS c, contracts.party AS p WHERE p.name = 'Seller';
INSERT INTO contracts.version (contract, version, effective_from, recorded_at, document, source, content_hash, known)
    SELECT id, 1, '2026-05-31 22:00+00', :at, replace(:document, '00000', substr(name, 3)), '', 'h' || id, 1
    FROM contracts.contract;
INSERT INTO contracts.coverage (contract, asset, asset_name, during)
    SELECT c.id, a.id, a.name, '[2026-05-31 22:00+00,)' FROM contracts.contract AS c
        JOIN ingest.asset AS a ON split_part(a.name, '-', 2) = substr(c.name, 3)
"""
BILLED = ("billing.draft", "billing.invoice", "billing.invoice_part", "billing.line", "billing.tax_total",
    "billing.transfer", "core.outbox")  # fmt: skip
CLOSED = ("contracts.evaluation",)
BLOCK = 1 << 18
KIB = 1024
JULY_5, AUGUST_5 = datetime(2026, 7, 5, 10, tzinfo=UTC), datetime(2026, 8, 5, 10, tzinfo=UTC)


def make(admin: Engine, engine: Engine, count: int) -> None:
    """So many contracts with devices and a month of readings."""
    found = read_agreement(DOCUMENT)
    assert isinstance(found, Agreement), found
    document = canonical.text(found.versions[0].canonical)
    assert not isinstance(billing.set_up(engine, SETUP, at=JULY_5, by="bench"), tuple)
    values = {"at": JULY_5 - timedelta(days=40), "document": document, "count": count}
    with admin.begin() as connection:
        connection.execute(text("UPDATE core.knowledge SET n = 1"))
        connection.execute(
            text("CREATE TEMP TABLE names AS SELECT lpad(n::text, 5, '0') AS n FROM generate_series(1, :count) AS n"),
            values,
        )
        for statement in MADE.split(";\n"):
            connection.execute(text(statement), values)


def rolled_up(admin: Engine, engine: Engine, at: datetime) -> None:
    """As the scheduler and autovacuum would have left it."""
    rollups.roll_up(engine, at)
    with admin.begin() as connection:
        connection.execute(text("ANALYZE"))


def bare(admin: Engine, tables: Sequence[str]) -> float:
    """Seconds to load what these tables hold by COPY, into tables without keys."""
    took = 0.0
    with admin.begin() as connection:
        cursor: Any = connection.connection.cursor()
        for table in tables:
            copy = f"public.bare_{table.replace('.', '_')}"
            connection.execute(text(f"CREATE TABLE {copy} (LIKE {table} INCLUDING COMPRESSION)"))
            with TemporaryFile() as file:
                with cursor.copy(f"COPY {table} TO STDOUT (FORMAT binary)") as out:
                    file.writelines(out)
                file.seek(0)
                began = perf_counter()
                with cursor.copy(f"COPY {copy} FROM STDIN (FORMAT binary)") as into:
                    while block := file.read(BLOCK):
                        into.write(block)
                took += perf_counter() - began
        began = perf_counter()
    return took + perf_counter() - began


def memory(admin: Engine) -> str:
    """The most that this process held since `timed` began, and its helpers so far; what a session holds now (MiB)."""
    with admin.begin() as connection:
        sessions = connection.execute(text("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"))
        server = max(held(pid, "RssAnon") for pid in sessions.scalars())
    return f"{held('self', 'VmHWM')} + {getrusage(RUSAGE_CHILDREN).ru_maxrss // KIB} + {server} MiB"


def held(process: int | str, what: str) -> int:
    """MiB, as /proc/PROCESS/status says; 0 of a process that has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return int(next(line.split()[1] for line in lines if line.startswith(f"{what}:"))) // KIB


def processor() -> float:
    """Seconds of this process and of those that it waited for."""
    return sum(found.ru_utime + found.ru_stime for found in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


def show(name: str, count: int, took: tuple[float, float], admin: Engine | None = None) -> None:
    """One line: seconds of the clock and of our processor time; with memory, if asked for."""
    wall, cpu = took
    more = memory(admin) if admin else ""
    print(f"{name:34} {wall:8.2f} s ({cpu:7.2f} s here)  {count / wall:9,.0f} contracts/s  {more}", flush=True)


def timed(act: Any) -> tuple[float, float]:
    """Seconds of the clock, and of our processes' processor time; the most memory is counted anew."""
    Path("/proc/self/clear_refs").write_text("5")
    began, busy = perf_counter(), processor()
    act()
    return perf_counter() - began, processor() - busy


def late(connection: Connection) -> int:
    """A reading of 10 June for one truck of each hundredth contract, known after the invoice."""
    connection.execute(text("SELECT core.draw_knowledge()"))
    return connection.execute(
        text("""
            INSERT INTO ingest.reading (register, at, value, known, received_at)
            SELECT r.id, '2026-06-01 03:00+00', 1000000 + r.id * 17 + 500000, (SELECT n FROM core.knowledge), :at
            FROM ingest.register AS r WHERE r.id % 600 = 0
        """),
        {"at": JULY_5},
    ).rowcount


def measure(count: int) -> None:
    """Run all with so many contracts and print a table."""
    collect_rarely()  # as `yardstick bill` does
    with start() as services:
        admin = connect(services.database_url, role=None)
        upgrade(admin)
        engine = connect(services.database_url, role="yardstick_worker")
        show("made", count, timed(lambda: make(admin, engine, count)), admin)
        show("rolled up", count, timed(lambda: rolled_up(admin, engine, JULY_5)), admin)
        closed = timed(lambda: worker.close_due_periods(engine, at=JULY_5, workers=WORKERS))
        show("evaluated and closed", count, closed, admin)
        june(admin, engine, count, closed[0])
        july(admin, engine, count)
        engine.dispose()
        admin.dispose()


def june(admin: Engine, engine: Engine, count: int, closed: float) -> None:
    """The first month: what the goal is about."""
    run = billing.create(engine, entity=SELLER, label="2026-06", at=JULY_5, by="person:anna")
    show("collected", count, timed(lambda: billing.collect(engine, run, at=JULY_5, by="person:anna")), admin)
    calculate = timed(lambda: billing.calculate(engine, run, at=JULY_5, by="person:anna", workers=WORKERS))
    show("calculated: evaluated, drawn up", count, calculate, admin)
    show("approved: reconciled", count, timed(lambda: billing.approve(engine, run, at=JULY_5, by="person:bert")), admin)
    issue = timed(lambda: billing.issue(engine, run, at=JULY_5, by="person:bert", workers=WORKERS))
    show("issued", count, issue, admin)
    billed, evaluated = bare(admin, BILLED), bare(admin, CLOSED)
    show("bare COPY of what billing left", count, (billed, 0.0))
    show("bare COPY of evaluations", count, (evaluated, 0.0))
    total = calculate[0] + issue[0]
    for name, seconds, loaded in (
        ("issued alone", issue[0], billed),
        ("calculated and issued", total, billed),
        ("closed, calculated and issued", total + closed, billed + evaluated),
    ):
        print(f"{name:34} {count / seconds:8,.0f} invoices/s {loaded / seconds:8.2f} of bare", flush=True)


def july(admin: Engine, engine: Engine, count: int) -> None:
    """The next month, with late readings to correct; and one customer alone."""
    with admin.begin() as connection:
        touched = late(connection)
    rolled_up(admin, engine, AUGUST_5)
    closed = timed(lambda: worker.close_due_periods(engine, at=AUGUST_5, workers=WORKERS))
    show("next month closed", count, closed, admin)
    again = billing.create(engine, entity=SELLER, label="2026-07", at=AUGUST_5, by="person:anna")
    billing.collect(engine, again, at=AUGUST_5, by="person:anna")
    took = timed(lambda: billing.calculate(engine, again, at=AUGUST_5, by="person:anna", workers=WORKERS))
    show(f"next month, {touched} periods corrected", count, took, admin)
    one = timed(lambda: contracts.evaluate_period(engine, "C-00001", "2026-06", at=AUGUST_5))
    print(f"{'one customer evaluated again':34} {one[0] * 1000:8.1f} ms ({one[1] * 1000:.1f} ms here)", flush=True)


def main() -> None:
    """Each number of contracts in a process of its own."""
    for count in [int(word) for word in sys.argv[1:]] or [1_000, 3_000]:
        print(f"{count:,} contracts", flush=True)
        child = get_context("spawn").Process(target=measure, args=(count,))
        child.start()
        child.join()
        if child.exitcode:
            sys.exit(child.exitcode)


if __name__ == "__main__":
    main()
