"""Roll-ups: the same as rebuilt, the same as the pure law, and every cut-off keeps its answer."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, TypeAlias

import pytest
from sqlalchemy import Connection, Engine, text

from core.database import transaction
from core.store import current_knowledge, draw_knowledge
from core.time import instant
from core.units import Quantity
from ingest.counter import Rule
from ingest.override import Override, Raw, effective
from ingest.path import Bound, counted
from ingest.rollup import hour, run
from ingest.store import counter, state
from tests.stories import test_counter_store as counters
from tests.stories import test_state_store as states
from tests.stories.test_counter_store import HOUR, START

pytestmark = pytest.mark.services

MINUTE = 60_000_000
REGISTERS = [
    counters.ODOMETER,
    {"register": "state", "kind": "state"},
    {"register": "level", "kind": "gauge", "unit": "l", "resolution": "0.001 l"},
]
VALUES = {"odometer": range(0, 50_000, 250), "state": (1, 2, 4), "level": range(500)}
ASSETS = 12


class Plan(NamedTuple):
    """Readings (register, µs, ticks), and corrections of committed ones."""

    rows: list[tuple[int, int, int]]
    corrections: list[tuple[int, int, int | None]]


class Life:
    """A fleet that reports, late and corrected, one transaction after the other; and everything it ever said."""

    def __init__(self, engine: Engine, chance: random.Random, *, most: int = 12) -> None:
        """most: one transaction says something of fewer registers than this, and of each less often than this."""
        self.engine, self.chance, self.most = engine, chance, most
        devices = [
            {"device": f"D{n}", "asset": f"A{n}", "position": "vehicle", "registers": REGISTERS} for n in range(ASSETS)
        ]
        counters.declare(engine, {"devices": devices})
        with transaction(engine) as connection:
            rows = connection.execute(
                text(
                    "SELECT d.name, r.name AS what, r.id FROM ingest.register r JOIN ingest.device d ON d.id = r.device"
                )
            )
            self.registers = {(row.name, row.what): row.id for row in rows}
        self.raw: dict[int, list[Raw]] = {one: [] for one in self.registers.values()}
        self.overrides: dict[int, list[Override]] = {one: [] for one in self.registers.values()}
        self.taken: dict[int, set[int]] = {one: set() for one in self.registers.values()}

    def batch(self, connection: Connection, start: int, end: int) -> None:
        """Some readings in [start, end) minutes, and now and then a correction; all with one number."""
        self.write(connection, self.plan(start, end))()

    def plan(self, start: int, end: int) -> "Plan":
        """What to say next: instants that nobody has taken."""
        chance, rows, corrections = self.chance, [], []
        for (_, name), register in chance.sample(sorted(self.registers.items()), chance.randrange(1, self.most)):
            taken = self.taken[register]
            for _ in range(chance.randrange(self.most)):
                at = START + chance.randrange(start, end) * MINUTE
                if at not in taken:
                    taken.add(at)
                    rows.append((register, at, self._value(name, at)))
            if self.raw[register] and chance.random() < 0.2:
                value = chance.choice([None, chance.choice(VALUES[name])])
                corrections.append((register, chance.choice(self.raw[register]).at, value))
        return Plan(rows, corrections)

    def write(self, connection: Connection, plan: "Plan") -> Callable[[], None]:
        """Write it with the next number; call what is returned once that is committed."""
        known = draw_knowledge(connection)
        if plan.rows:
            counters.insert(connection, [(*one, known) for one in plan.rows])
        for register, at, value in plan.corrections:
            connection.execute(CORRECT, {"register": register, "at": instant(at), "value": value, "known": known})
        if plan.rows and not plan.corrections and known % 8:
            # As the ingester's commits, which say since when they brought something; others do not say it.
            first = instant(min(at for _, at, _ in plan.rows))
            connection.execute(BATCH, {"known": known, "stored": len(plan.rows), "first": first})

        def committed() -> None:
            for register, at, value in plan.rows:
                self.raw[register].append(Raw(at, value, known))
            for register, at, corrected in plan.corrections:
                self.overrides[register].append(Override(at, corrected, known))

        return committed

    def _value(self, name: str, at: int) -> int:
        """A counter rises with time, but not always."""
        if name == "odometer" and self.chance.random() < 0.9:
            return (at - START) // MINUTE * 100 + 100_000
        return self.chance.choice(VALUES[name])

    def readings(self, register: int, known: int) -> list[tuple[int, int]]:
        """As known at K, by the pure law."""
        return effective(self.raw[register], self.overrides[register], known=known)


BATCH = text("""
    INSERT INTO ingest.batch (known, at, client, messages, received, stored, duplicate, quarantined, first_at)
    VALUES (:known, now(), 'test', 1, :stored, :stored, 0, 0, :first)
""")
CORRECT = text("""
    INSERT INTO ingest.reading_override (register, at, value, known, author, reason)
    VALUES (:register, :at, :value, :known, 'test', 'test')
""")


def at(minute: int) -> datetime:
    return instant(START + minute * MINUTE)


def test_incremental_is_rebuilt_and_is_the_pure_law(engine: Engine) -> None:
    life = Life(engine, random.Random(4))  # noqa: S311 - repeatable
    for now in range(0, 3000, 50):
        with transaction(engine) as connection:
            life.batch(connection, max(0, now - 1500) if now % 250 == 0 else now, now + 50)
        if now % 150 == 0:
            run.roll_up(engine, at(now))
    run.roll_up(engine, at(3500))
    assert run.verify(engine) == []
    with transaction(engine) as connection:
        known = connection.execute(text("SELECT n FROM core.knowledge")).scalar_one()
        for (_, name), register in life.registers.items():
            assert_law(connection, name, register, life.readings(register, known))


def assert_law(connection: Connection, name: str, register: int, seen: list[tuple[int, int]]) -> None:
    """The hours of a register are what the pure law makes of its readings."""
    law, table = LAWS[name]
    columns = ", ".join(f"{MICROS.get(one, '%s') % one} AS {one}" for one in law(seen)[0]._fields)
    rows = connection.execute(
        text(f"SELECT {columns} FROM ingest.{table} WHERE register = :register AND superseded IS NULL"),  # noqa: S608
        {"register": register},
    )
    assert sorted(map(tuple, rows)) == sorted(map(tuple, law(seen))), (name, register)


# Ends of BIGINT, ends of what is summed in it, and steps of exactly as many ticks as are told, and of one more.
SMALL = 2_000_000_000
ENDS = (-(2**63), -(2**62) - 7, -SMALL - 1, -SMALL, 0, SMALL, SMALL + 1, 2**62 + 7, 2**63 - 1)


@pytest.mark.parametrize("ends", [(*ENDS, *ENDS[::-1]), ENDS[-1:] * 2, ENDS[3:6], (2**63 - 6, 2**63 - 1, 2**63 - 6)])
def test_ticks_at_the_ends_of_their_range_are_exact(engine: Engine, ends: Sequence[int]) -> None:
    """Each twice in an hour, then the next one: also the first reading of all, and the first step, lie at an end."""
    life = Life(engine, random.Random(1))  # noqa: S311 - not used
    twice = [value for one in ends for value in (one, one)]
    seen = [(START + n * 17 * MINUTE + n, value) for n, value in enumerate(twice)]
    registers = {name: life.registers["D1", name] for name in LAWS}
    with transaction(engine) as connection:
        known = draw_knowledge(connection)
        counters.insert(connection, [(one, *reading, known) for one in registers.values() for reading in seen])
    run.roll_up(engine, at(3000))
    assert run.verify(engine) == []
    with transaction(engine) as connection:
        for name, register in registers.items():
            assert_law(connection, name, register, seen)


LAWS: dict[str, tuple[Callable[[list[tuple[int, int]]], Sequence[hour.Usage | hour.Level | hour.Span]], str]] = {
    "odometer": (hour.usage, "usage_hour"),
    "level": (hour.levels, "gauge_hour"),
    "state": (hour.spans, "state_span"),
}
EPOCH = "(extract(epoch FROM %s) * 1000000)::bigint"
MICROS = dict.fromkeys(("hour", "first_at", "last_at", "starts_at", "ends_at", "longest"), EPOCH)


def test_what_is_stored_wrongly_is_found(engine: Engine, admin_engine: Engine) -> None:
    life = Life(engine, random.Random(5))  # noqa: S311 - repeatable
    for _ in range(5):
        with transaction(engine) as connection:
            life.batch(connection, 0, 300)
    run.roll_up(engine, at(600))
    assert run.verify(engine) == []
    with admin_engine.begin() as connection:
        changed = connection.execute(text("UPDATE ingest.usage_hour SET readings = readings + 1")).rowcount
        gone = connection.execute(text("DELETE FROM ingest.state_span")).rowcount
    found = run.verify(engine, most=1000)
    assert changed > 0
    assert gone > 0
    assert [(one.table, one.side) for one in found].count(("usage_hour", "stored")) == changed
    assert [(one.table, one.side) for one in found].count(("usage_hour", "rebuilt")) == changed
    assert [(one.table, one.side) for one in found].count(("state_span", "rebuilt")) == gone


CUT_OFFS = 210
MINUTES = 2500
"""How long the fleet of the story lives."""


def needs(chance: random.Random) -> tuple[list[counters.Need], list[states.Need]]:
    """Of each asset: its counter at some instants, its states over a stretch."""
    counted, said = [], []
    for n in range(ASSETS):
        instants = sorted(chance.sample(range(-50, MINUTES + 50), chance.randrange(2, 6)))
        counted.append(
            counters.Need(
                f"A{n}",
                "vehicle/odometer",
                tuple(START + minute * MINUTE for minute in instants),
                max_rate=chance.choice([None, Quantity.parse("9 km/h"), Quantity.parse("200 km/h")]),
                max_gap=chance.choice([None, 3 * HOUR]),
            )
        )
        first = chance.randrange(-50, MINUTES - 300)
        gap = chance.choice([20, 70, 400]) * MINUTE
        said.append(states.Need(f"A{n}", START + first * MINUTE, START + (first + 240) * MINUTE, gap))
    return counted, said


Asked: TypeAlias = tuple[Sequence[counters.Need], Sequence[states.Need]]


def answers(engine: Engine, asked: Asked, known: int) -> object:
    """What the database says as of K."""
    with transaction(engine) as connection:
        found = counter.load(connection, asked[0], known=known)
        return (
            [(one.parts, sorted(one.doubts, key=str)) for one in found],
            state.load(connection, asked[1], known=known),
        )


def law(life: Life, asked: Asked, known: int) -> object:
    """What the pure functions make of everything that was committed until K."""
    parts, spans = [], []
    for n, (count, say) in enumerate(zip(*asked, strict=True)):
        rate = count.max_rate
        ticks = None if rate is None else rate.to("km/h") * 1000 / HOUR
        rule = Rule(max_rate=ticks, max_gap=count.max_gap)
        seen = tuple(life.readings(life.registers[f"D{n}", "odometer"], known))
        found, doubts = counted([Bound(f"D{n}", 0, None, None, None, seen)], count.instants, rule)
        parts.append((found, sorted(doubts, key=str)))
        spans.append(states.painted(life.readings(life.registers[f"D{n}", "state"], known), say, None))
    return parts, tuple(spans)


class Undone(Exception):
    """A writer that breaks off."""


class Bustle:
    """Writers and a roll-up at work beside each other, until ended."""

    def __init__(self, life: Life) -> None:
        self.life, self.guard, self.ended, self.written = life, threading.Lock(), threading.Event(), 0
        self.failures: list[BaseException] = []
        works: list[Callable[[], None]] = [
            lambda: self.write(0.1, 0.02, fails=0.1),
            lambda: self.write(0.0, 0.0, fails=0.0),
            lambda: self.write(0.02, 0.01, fails=0.9),
            self.roll_up,
        ]
        self.threads = [threading.Thread(target=self.guarded, args=(work,)) for work in works]

    @property
    def now(self) -> int:
        """Minutes."""
        return min(MINUTES, 10 * self.written)

    def guarded(self, work: Callable[[], None]) -> None:
        try:
            while not self.ended.is_set():
                work()
        except BaseException as error:  # noqa: BLE001 - told by the test
            self.failures.append(error)

    def write(self, before: float, after: float, *, fails: float) -> None:
        """One transaction, slow before and after it draws its number, perhaps rolled back."""
        with self.guard:
            start = 0 if self.life.chance.random() < 0.3 else max(0, self.now - 30)
            plan, fail = self.life.plan(start, self.now + 10), self.life.chance.random() < fails
        with suppress(Undone), transaction(self.life.engine) as connection:
            connection.execute(text("SELECT 1"))
            time.sleep(before)
            committed = self.life.write(connection, plan)
            time.sleep(after)
            self.end(fail=fail)
        if not fail:
            with self.guard:
                committed()
                self.written += 1

    def end(self, *, fail: bool) -> None:
        if fail:
            raise Undone

    def roll_up(self) -> None:
        run.roll_up(self.life.engine, at(self.now))
        time.sleep(0.02)


@pytest.mark.slow
def test_no_wake_up_is_lost_and_no_cut_off_changes_its_answer(engine: Engine) -> None:
    """Slow, fast and rolled-back writers, beside roll-ups that follow them; each cut-off is asked at once and again."""
    chance = random.Random(6)  # noqa: S311 - repeatable
    # Many small transactions: as many cut-offs lie between them, and there is less to ask and to compute again.
    life, asked = Life(engine, chance, most=5), needs(chance)
    bustle = Bustle(life)
    for one in bustle.threads:
        one.start()
    first: dict[int, object] = {}
    until = time.monotonic() + 240
    while len(first) < CUT_OFFS and time.monotonic() < until and not bustle.failures:
        with transaction(engine) as connection:
            known = current_knowledge(connection)
        if known not in first:
            first[known] = answers(engine, asked, known)
    bustle.ended.set()
    for one in bustle.threads:
        one.join()
    assert bustle.failures == []
    assert len(first) == CUT_OFFS
    run.roll_up(engine, at(MINUTES + 100))
    assert run.verify(engine) == []
    for known, said in first.items():
        assert said == law(life, asked, known), known
        assert said == answers(engine, asked, known), known
    with transaction(engine) as connection:
        points = connection.execute(text("SELECT count(DISTINCT known) FROM ingest.rollup_point")).scalar_one()
        versions = connection.execute(text("SELECT count(superseded) FROM ingest.usage_hour")).scalar_one()
    assert points > 20
    assert versions > 20
