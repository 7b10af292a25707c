"""Everything that can go wrong, for long: is anything lost, doubled, or quarantined wrongly?

    python -m tests.soak [messages] [kills]

While messages are published (5 % twice, 1 % garbage, out of order), the ingester is killed with SIGKILL at random
points, its database sessions are terminated (those in COMMIT where one is caught), and its broker connection is cut.
"""

import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from bench.flood import Flood
from core.database import connect
from embedded.services import start
from migrations.run import upgrade
from tests.stories.cable import Cable
from tests.stories.ingesting import START, Process, Sent, count, declare, ending, message, odometer

DEVICES = 200
WINDOW = 2_000
"""Messages among which the order is lost."""
PART = 2_000
PATIENCE = 120.0
"""Seconds without anything new after which something is lost."""
WRONG = text("""
    SELECT count(*) FROM (
        SELECT r.value, extract(epoch FROM r.at - :start)::bigint / 600 AS n FROM ingest.reading AS r
    ) AS r WHERE value <> n * 1000 + n % 1000
""")
HOLES = text("SELECT count(*) FROM ingest.sequence WHERE received <> int8multirange(int8range(1, upper(received)))")
TERMINATE = text("""
    SELECT query ILIKE 'COMMIT%' AND state = 'active' AS in_commit, pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        AND usename IS NOT NULL AND (NOT :only_commit OR (query ILIKE 'COMMIT%' AND state = 'active'))
""")


@dataclass
class Result:
    """What was done, and what became of it. Lost, doubled, wrong and holes must be 0."""

    messages: int
    published: int
    garbage: int
    seconds: float = 0
    kills: int = 0
    terminated: int = 0
    terminated_in_commit: int = 0
    cuts: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    lost: int = 0
    wrong: int = 0
    holes: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether every message is accounted for, once."""
        return (self.lost, self.wrong, self.holes) == (0, 0, 0) and self.quarantined == self.garbage

    def table(self) -> str:
        """As Markdown."""
        rows = "".join(f"| {name.replace('_', ' ')} | {value:,} |\n" for name, value in vars(self).items())
        return f"| | |\n| --- | ---: |\n{rows}"


def load(messages: int, unique: str, chance: random.Random) -> tuple[list[str], list[Sent], int]:
    """Devices, what is published in its order, and how many messages are garbage."""
    names = [f"soak{n}-{unique}" for n in range(DEVICES)]
    sent, garbage = list[Sent](), 0
    for n in range(messages):
        device, number = names[n % DEVICES], n // DEVICES
        is_garbage = chance.random() < 0.01
        garbage += is_garbage
        sent.append(message(device, odometer(number, "NaN" if is_garbage else None), seq=number + 1))
        if chance.random() < 0.05 and not is_garbage:
            sent.append(sent[-1])
    for first in range(0, len(sent), WINDOW):
        part = sent[first : first + WINDOW]
        chance.shuffle(part)
        sent[first : first + WINDOW] = part
    return names, sent, garbage


class Trouble:
    """An ingester behind a wire, and what is done to it."""

    def __init__(self, broker: str, environment: dict[str, str], admin: Engine, result: Result) -> None:
        self._cable = Cable(broker)
        self._folder = tempfile.TemporaryDirectory()
        log = Path(self._folder.name) / "log"
        self._process = Process(environment | {"YARDSTICK_BROKER_URL": self._cable.url}, log)
        self._admin = admin
        self._result = result
        self._process.start()
        self._process.await_subscription()

    def kill(self) -> None:
        """SIGKILL, and start again."""
        self._process.end(signal.SIGKILL)
        self._process.start()
        self._result.kills += 1

    def cut(self) -> None:
        """Break the connection to the broker, in the middle of whatever is on it."""
        self._cable.cut()
        self._result.cuts += 1

    def terminate(self) -> None:
        """Terminate database sessions: for half a second those that are in COMMIT; if there is none, all."""
        deadline = time.monotonic() + 0.5
        only = True
        while True:
            with self._admin.begin() as connection:
                rows = connection.execute(TERMINATE, {"only_commit": only}).all()
            self._result.terminated += len(rows)
            self._result.terminated_in_commit += sum(row.in_commit for row in rows)
            if rows or not only:
                return
            only = time.monotonic() < deadline

    def end(self) -> None:
        """Let it finish."""
        self._process.end(signal.SIGTERM)
        self._cable.close()
        self._folder.cleanup()


def soak(
    engine: Engine, admin: Engine, broker: str, environment: dict[str, str], *, messages: int, kills: int
) -> Result:
    """Publish, make trouble at random points until all is published and so many kills are done, and count."""
    chance = random.Random()  # noqa: S311 - other points each time
    unique = f"{chance.getrandbits(32):08x}"
    names, sent, garbage = load(messages, unique, chance)
    result = Result(messages, len(sent), garbage)
    declare(engine, names)
    began = time.monotonic()
    trouble = Trouble(broker, environment, admin, result)
    # So many messages as kills are done, so that every kill meets messages on their way.
    publisher = threading.Thread(
        target=publish_parts, args=(broker, sent, unique, lambda: (result.kills + 1) / max(kills, 1))
    )
    publisher.start()
    while publisher.is_alive() or result.kills < kills:
        time.sleep(chance.uniform(0.3, 3.5))
        chance.choices((trouble.kill, trouble.terminate, trouble.cut), (kills, kills // 3 + 1, kills // 3 + 1))[0]()
    await_all(engine, result)
    trouble.end()
    result.seconds = round(time.monotonic() - began)
    settle(engine, result)
    return result


def publish_parts(broker: str, sent: list[Sent], unique: str, share: Callable[[], float]) -> None:
    """A part at a time, no more of all than the share that is asked for."""
    with Flood(broker, f"gateway-{unique}") as gateway:
        for first in range(0, len(sent), PART):
            while first >= share() * len(sent):
                time.sleep(0.02)
            gateway.publish(sent[first : first + PART])


def await_all(engine: Engine, result: Result) -> None:
    """Wait until all is stored, as long as something still comes."""
    before, since = -1, time.monotonic()
    while not (ending(engine).received >= result.messages and is_complete(engine, result)):
        if (received := ending(engine).received) > before:
            before, since = received, time.monotonic()
        assert time.monotonic() < since + PATIENCE, f"nothing came for {PATIENCE} s; {result}"
        time.sleep(0.5)


def is_complete(engine: Engine, result: Result) -> bool:
    """Whether all that is good is stored."""
    return count(engine, "ingest.reading") >= result.messages - result.garbage


def settle(engine: Engine, result: Result) -> None:
    """Count what became of the messages."""
    found = ending(engine)
    result.stored, result.duplicate = found.stored, found.duplicate
    result.quarantined = count(engine, "ingest.quarantine")
    result.lost = result.messages - result.garbage - count(engine, "ingest.reading")
    with engine.connect() as connection:
        result.wrong = connection.execute(WRONG, {"start": START}).scalar_one()
        result.holes = connection.execute(HOLES).scalar_one()


def main() -> None:
    """Run on services of its own and print the table. Exit 1 if anything is not as it must be."""
    messages, kills = map(int, [*sys.argv[1:], *("1000000", "100")[len(sys.argv) - 1 :]])
    with start() as services:
        admin = connect(services.database_url, role=None)
        upgrade(admin)
        engine = connect(services.database_url, role="yardstick_worker")
        environment = {**os.environ, **services.environment}
        result = soak(engine, admin, services.broker_url, environment, messages=messages, kills=kills)
        engine.dispose()
        admin.dispose()
    print(result.table())  # noqa: T201
    sys.exit(0 if result.is_sound else 1)


if __name__ == "__main__":
    main()
