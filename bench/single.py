"""Single-reading messages per second from a backlog: committed and acknowledged, against mosquitto_sub alone.

    python -m bench.single [messages] [processes] [rounds]

The same backlog waits in three kinds of session: of `mosquitto_sub -q 1`, which only reads and acknowledges; of one
ingester; and of a group of ingesters in processes of their own. Broker and database run on the same machine. The
rounds take turns, so that what else the machine does meets them all; each figure is the median of its rounds.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Engine

from bench import broker
from bench.flood import publish
from bench.ingesting import DEVICES, Drained, Ingesters, clear, declare, long_ago
from core.database import connect
from embedded.services import Services, start
from migrations.run import upgrade

TOPIC = "yardstick/+/readings"
STEP = timedelta(minutes=10)
FEWEST, SHARE, GOAL = 10_000, 0.25, 0.5
"""The gates: messages per second and share of mosquitto_sub's; the goal for the latter."""
MOST_MEMORY = 200


def singles(count: int, first: datetime) -> Iterator[tuple[str, bytes]]:
    """Topic and payload of messages with one reading each; devices take turns and number their messages from 1."""
    for n in range(count):
        number = n // DEVICES
        at = (first + number * STEP).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = f'{{"register":"odometer","at":"{at}","value":"{100_000 + number}.{n % 1000:03}","unit":"km"}}'
        yield (
            f"yardstick/B{n % DEVICES}/readings",
            f'{{"v":1,"boot":"{first:%d%H%M%S}","seq":{number + 1},"readings":[{text}]}}'.encode(),
        )


def limit(services: Services, messages: int) -> float | None:
    """Messages per second of mosquitto_sub; None if it cannot be had."""
    program = broker.find()
    if program is None:
        return None
    subscriber = broker.Subscriber(program, services, TOPIC)
    subscriber.open()
    publish(services.broker_url, singles(messages, long_ago()))
    took = subscriber.drain(messages)
    subscriber.forget()
    return messages / took


def measure(services: Services, admin: Engine, messages: int, processes: int) -> Drained:
    """A backlog, taken by so many ingesters."""
    ingesters = Ingesters(services, admin, processes=processes)
    clear(admin)
    ingesters.open()
    publish(services.broker_url, singles(messages, long_ago()))
    try:
        return ingesters.drain(messages)
    finally:
        ingesters.forget()


def main() -> None:
    """Run and print. Exit 1 if a gate is missed."""
    given = [*map(int, sys.argv[1:])]
    messages, most, rounds = [*given, *(50_000, 3, 2)[len(given) :]]
    limits, found = list[float](), defaultdict[int, list[Drained]](list)
    with start() as services:
        admin = connect(services.database_url, role=None)
        upgrade(admin)
        declare(admin)
        for _ in range(rounds):
            if (alone := limit(services, messages)) is not None:
                limits.append(alone)
            for processes in range(1, most + 1):
                found[processes].append(measure(services, admin, messages, processes))
        admin.dispose()
    sys.exit(0 if report(messages, median(limits) if limits else None, found) else 1)


def report(messages: int, alone: float | None, found: dict[int, list[Drained]]) -> bool:
    """Print the table; whether the gates hold for the best number of processes."""
    if alone:
        print(f"mosquitto_sub -q 1 alone  {alone:9,.0f} messages/s")
    for processes, rounds in found.items():
        one = sorted(rounds, key=lambda drained: drained.rate)[len(rounds) // 2]
        ratio = f"{one.rate / alone:5.2f} of mosquitto_sub" if alone else ""
        print(f"{processes} ingester(s)            {one.rate:9,.0f} messages/s {ratio}  memory {one.memory} MiB")
        print(f"    {one.used.each(messages)}; {messages / one.commits:,.0f} messages a commit")
    best = max(median(drained.rate for drained in rounds) for rounds in found.values())
    memory = max(drained.memory for rounds in found.values() for drained in rounds)
    share = best / alone if alone else 1.0
    holds = best >= FEWEST and share >= SHARE and memory < MOST_MEMORY
    said = f"gates {FEWEST:,}/s, {SHARE:.2f}, {MOST_MEMORY} MiB: {'hold' if holds else 'MISSED'}"
    print(f"{said}; goal {GOAL:.2f}: {'reached' if share >= GOAL else 'not reached'}")
    return holds


if __name__ == "__main__":
    main()
