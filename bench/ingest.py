"""Readings per second from packs, broker to hypertable, as a ratio to the bare database work.

    python -m bench.ingest [readings] [rounds] [readings in a pack]

Bare: the same rows, packed before, by COPY → staging → INSERT … ON CONFLICT into the same table, in commits of the same
size, without broker, decoding, judging, accounts and receipts: the limit that PostgreSQL sets to one session. The
backlog waits in the session of one ingester, which runs as an operator starts it. Rounds take turns; medians count.
"""

import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from time import perf_counter

from sqlalchemy import Engine

from bench.flood import publish
from bench.ingesting import DEVICES, Drained, Ingesters, clear, declare, long_ago
from bench.usage import cpu
from core.clock import now
from core.database import connect, transaction
from core.store import draw_knowledge
from core.time import micros
from embedded.services import Services, start
from ingest.batch import Arrival, Batch, examine
from ingest.store import reading, register
from migrations.run import upgrade

STEP = timedelta(minutes=10)
GATE, GOAL = 0.6, 0.9
MOST_MEMORY = 200


def packs(readings: int, first: datetime, *, per_pack: int = 100) -> Iterator[tuple[str, bytes]]:
    """Topic and payload; devices take turns, each by time, half of the readings a counter's and half a state's."""
    for turn in range(-(-readings // (per_pack * DEVICES))):
        for device in range(DEVICES):
            texts = []
            for n in range(turn * per_pack // 2, (turn + 1) * per_pack // 2):
                at = (first + n * STEP).strftime("%Y-%m-%dT%H:%M:%SZ")
                km = 100_000_000 + device * 1_000_000 + n * 9_537
                texts.append(f'{{"register":"odometer","at":"{at}","value":"{km // 1000}.{km % 1000:03}","unit":"km"}}')
                texts.append(f'{{"register":"state","at":"{at}","value":"running"}}')
            payload = f'{{"v":1,"boot":"{first:%d%H%M%S}","seq":{turn + 1},"readings":[{",".join(texts)}]}}'
            yield f"yardstick/B{device}/readings", payload.encode()


class Bare:
    """What the database alone takes: its seconds, and those of one thread to make the rows."""

    def __init__(self, engine: Engine, messages: list[tuple[str, bytes]]) -> None:
        self._engine = engine
        self._messages = messages
        self.judged = 0.0

    def batches(self) -> list[Batch]:
        """The messages decoded, judged and packed."""
        with transaction(self._engine) as connection:
            registry = register.snapshot(connection, now())
        began = perf_counter()
        found = [Batch()]
        for topic, payload in self._messages:
            arrival = Arrival(0, 0, 1, topic.encode(), payload, micros(now()))
            found[-1].add(arrival, examine(arrival, registry))
            if found[-1].is_full:
                found.append(Batch())
        self.judged = perf_counter() - began
        return found

    def write(self) -> float:
        """Seconds."""
        batches = self.batches()
        began = perf_counter()
        for batch in batches:
            with transaction(self._engine) as connection:
                reading.stage(connection, batch.rows)
                connection.execute(reading.ACCEPT, {"known": draw_knowledge(connection)})
        return perf_counter() - began


def measure(services: Services, admin: Engine, readings: int, per_pack: int) -> Drained:
    """A backlog of packs."""
    ingesters = Ingesters(services, admin)
    clear(admin)
    ingesters.open()
    publish(services.broker_url, packs(readings, long_ago(), per_pack=per_pack))
    try:
        return ingesters.drain(readings)
    finally:
        ingesters.forget()


def main() -> None:
    """Run and print. Exit 1 if a gate is missed."""
    given = [*map(int, sys.argv[1:])]
    asked, rounds, per_pack = [*given, *(1_000_000, 3, 100)[len(given) :]]
    limits, found, judged = list[float](), list[Drained](), list[float]()
    with start() as services:
        admin = connect(services.database_url, role=None)
        upgrade(admin)
        engine = connect(services.database_url, role="yardstick_worker")
        declare(engine)
        messages = [*packs(asked, long_ago(), per_pack=per_pack)]
        readings = len(messages) * per_pack
        running = services.database.running
        assert running
        for _ in range(rounds):
            clear(admin)
            bare = Bare(engine, messages)
            before = cpu(running.pid)
            limits.append(readings / bare.write())
            database = cpu(running.pid) - before
            judged.append(readings / bare.judged)
            found.append(measure(services, admin, readings, per_pack))
        engine.dispose()
        admin.dispose()
    print(f"bare COPY, staging, ON CONFLICT  {median(limits):9,.0f} readings/s  "
          f"(CPU s per 10,000: database {database / readings * 10_000:.3f})")  # fmt: skip
    print(f"decode, judge, pack, one thread  {median(judged):9,.0f} readings/s")
    sys.exit(0 if report(found, readings, median(limits), per_pack) else 1)


def report(found: list[Drained], readings: int, limit: float, per_pack: int) -> bool:
    """Print; whether the gates hold."""
    one = sorted(found, key=lambda drained: drained.rate)[len(found) // 2]
    memory = max(drained.memory for drained in found)
    share = one.rate / limit
    holds = share >= GATE and memory < MOST_MEMORY
    print(
        f"packs of {per_pack}, one ingester      {one.rate:9,.0f} readings/s  {share:.2f} of bare  memory {memory} MiB"
    )
    print(f"    {one.used.each(readings)}; {readings / one.commits:,.0f} readings a commit")
    said = f"gates {GATE:.2f}, {MOST_MEMORY} MiB: {'hold' if holds else 'MISSED'}"
    print(f"{said}; goal {GOAL:.2f}: {'reached' if share >= GOAL else 'not reached'}")
    return holds


if __name__ == "__main__":
    main()
