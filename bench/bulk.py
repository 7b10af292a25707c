"""Rows per second of an import, as a ratio to the bare database work in the same run, and its memory.

    python -m bench.bulk [rows]

Bare: the same rows, packed before, by COPY → staging → INSERT … ON CONFLICT, commit per batch: the limit that
PostgreSQL sets here. Python alone: reading, judging and packing without a database. The import runs as a process of
its own, so that its peak of memory is its own; CPU seconds are the process's, so that a busy machine shows.
"""

import os
import re
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from time import perf_counter, process_time, sleep

from sqlalchemy import Engine, text

from bench.ingest import STEP
from bench.ingesting import DEVICES, declare
from core.clock import now
from core.database import connect, transaction
from core.store import draw_knowledge
from core.time import micros
from embedded.services import start
from ingest.bulk.chunk import AT_ONCE, Rules, chunks, judged
from ingest.bulk.layout import Layout
from ingest.bulk.table import Table
from ingest.door import OLDEST
from ingest.store import reading, register
from migrations.run import upgrade

PROGRAM = "from api.main import app; app()"


def write(path: Path, rows: int) -> None:
    """A table as a data logger writes it: device by device, odometers and states every ten minutes."""
    first = now().replace(microsecond=0) - timedelta(days=390)
    each = rows // DEVICES // 2
    with path.open("w") as out:
        out.write("device,register,at,value,unit\n")
        for device in range(DEVICES):
            for n in range(each):
                at = (first + n * STEP).strftime("%Y-%m-%dT%H:%M:%SZ")
                km = 100_000_000 + device * 1_000_000 + n * 9_537
                out.write(f"B{device},odometer,{at},{km // 1000}.{km % 1000:03},km\nB{device},state,{at},running,\n")


def packed(engine: Engine, path: Path) -> tuple[list[list[bytes]], float]:
    """The rows as COPY takes them, by batch, and the CPU seconds that this took."""
    at = now()
    with transaction(engine) as connection:
        registry = register.snapshot(connection, at)
    rules = Rules(registry, micros(at), (micros(at - OLDEST), micros(at)))
    began = process_time()
    with path.open(newline="") as file:
        batches = [judged(chunk, rules).rows for chunk in chunks(Table(file, Layout()).records())]
    return batches, process_time() - began


def server_seconds(engine: Engine) -> float:
    """CPU seconds of the database server with all its processes so far, as Linux counts them."""
    with engine.connect() as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    parent = int(_stat(f"/proc/{backend}/stat")[1])
    total = sum(map(int, _stat(f"/proc/{parent}/stat")[11:15]))  # its own and of children that have ended
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = _stat(str(path))
        except OSError:
            continue
        total += sum(map(int, fields[11:13])) if int(fields[1]) == parent else 0
    return total / os.sysconf("SC_CLK_TCK")


def _stat(path: str) -> list[str]:
    return Path(path).read_text().rpartition(")")[2].split()


def bare(engine: Engine, batches: list[list[bytes]]) -> tuple[float, float]:
    """Seconds in the database alone, and the longest for which the knowledge number was held."""
    began, held = perf_counter(), 0.0
    for rows in batches:
        with transaction(engine) as connection:
            reading.stage(connection, rows)
            known, drawn = draw_knowledge(connection), perf_counter()
            connection.execute(reading.ACCEPT, {"known": known})
        held = max(held, perf_counter() - drawn)
    return perf_counter() - began, held


def imported(url: str, path: Path) -> tuple[float, float, int, str]:
    """Seconds, CPU seconds, peak of memory in MB, and what the command says."""
    began = perf_counter()
    environment = {**os.environ, "YARDSTICK_DATABASE_URL": url}
    command = [sys.executable, "-c", PROGRAM, "readings", "import", str(path)]
    before = os.times()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        peak = _peak(running)
        out = running.communicate()[0]
    after = os.times()
    assert running.returncode == 0, out
    own = after.children_user + after.children_system - before.children_user - before.children_system
    return perf_counter() - began, own, peak, out.strip()


def _peak(running: "subprocess.Popen[str]") -> int:
    """MB at most, by what the kernel says until the process ends; getrusage would say the parent's."""
    peak = 0
    while running.poll() is None:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{running.pid}/status").read_text())
        peak = max(peak, int(found[1]) if found else 0)
        sleep(0.05)
    return peak // 1024


def report(name: str, rows: int, seconds: float, limit: float) -> None:
    """One line."""
    print(f"{name:40} {rows / seconds:9,.0f} rows/s  {limit / seconds:5.2f} of bare")


def main() -> None:
    """Run all and print a table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with start() as services, tempfile.TemporaryDirectory() as folder:
        admin = connect(services.database_url, role=None)
        upgrade(admin)
        engine = connect(services.database_url, role="yardstick_worker")
        declare(engine)

        def clear() -> None:
            with admin.begin() as connection:
                connection.execute(text("TRUNCATE ingest.reading, ingest.latest"))

        path, small = Path(folder, "rows.csv"), Path(folder, "small.csv")
        write(path, rows)
        write(small, rows // 10)
        batches, judging = packed(engine, path)
        count = sum(map(len, batches))
        print(f"{count:,} rows, {path.stat().st_size / 1e6:.0f} MB, batches of {AT_ONCE:,}")
        cpu = server_seconds(engine)
        limit, held = bare(engine, batches)
        least_cpu = server_seconds(engine) - cpu
        del batches
        report("bare COPY, staging, ON CONFLICT", count, limit, limit)
        print(f"  {least_cpu:.1f} s CPU of the server")
        report("read, judge, pack (CPU, one thread)", count, judging, limit)
        clear()
        _, _, least, _ = imported(services.database_url, small)
        clear()
        for name in ("import", "the same file again"):
            cpu = server_seconds(engine)
            took, own, peak, said = imported(services.database_url, path)
            cpu = server_seconds(engine) - cpu
            report(name, count, took, limit)
            print(f"  {cpu:.1f} s CPU of the server ({least_cpu / cpu:.2f} of bare), {own:.1f} s of the process")
            print(f"  peak {peak} MB (a tenth of the rows: {least} MB); {said}")
        print(f"knowledge number held for at most {held:.2f} s by the bare work")
        engine.dispose()
        admin.dispose()


if __name__ == "__main__":
    main()
