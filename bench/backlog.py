"""The most memory that an ingester holds, whatever waits for it.

    python -m bench.backlog [single messages] [packs of 2,000 readings]

A backlog of many small messages, as after an outage, and one of messages near the largest that are read: both wait at
the broker before the ingester starts.
"""

import sys

from sqlalchemy import Engine

from bench.flood import publish
from bench.ingest import packs
from bench.ingesting import Ingesters, clear, declare, long_ago
from bench.single import MOST_MEMORY, singles
from core.database import connect
from embedded.services import Services, start
from migrations.run import upgrade

LARGE = 2_000
"""Readings in a pack of 180 KB; 256 KB are the most."""


def measure(services: Services, admin: Engine, messages: int, per_pack: int) -> int:
    """MiB."""
    clear(admin)
    ingesters = Ingesters(services, admin)
    ingesters.open()
    made = packs(messages * per_pack, long_ago(), per_pack=per_pack) if per_pack > 1 else singles(messages, long_ago())
    sent = [*made] if per_pack > 1 else made
    count = len(sent) if isinstance(sent, list) else messages
    took = publish(services.broker_url, sent)
    drained = ingesters.drain(count * per_pack)
    ingesters.forget()
    print(
        f"{count:,} messages of {per_pack:,} readings (queued in {took:.0f} s): memory {drained.memory} MiB, "
        f"{drained.rate:,.0f} readings/s; {drained.used.each(count * per_pack)}",
        flush=True,
    )
    return drained.memory


def main() -> None:
    """Run and print. Exit 1 if the gate is missed."""
    given = [*map(int, sys.argv[1:])]
    small, large = [*given, *(500_000, 1_000)[len(given) :]]
    with start() as services:
        admin = connect(services.database_url, role=None)
        upgrade(admin)
        declare(admin)
        memory = max(measure(services, admin, small, 1), measure(services, admin, large, LARGE))
        admin.dispose()
    print(f"gate {MOST_MEMORY} MiB: {'holds' if memory < MOST_MEMORY else 'MISSED'}")
    sys.exit(memory >= MOST_MEMORY)


if __name__ == "__main__":
    main()
