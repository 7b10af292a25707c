"""What counters showed at many full hours: from the first and last reading of each hour, which roll-ups hold.

The same boundary values as ingest.store.counter finds by looking next to each instant: the neighbours of a full hour
are the last reading of an hour before it and the first of one after it. Falls are looked for as ever. Where an instant
lies inside an hour (zones with half hours), readings are looked up.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, TextClause, text

from core.time import HOUR, instant, micros
from ingest.path import Bound, counted
from ingest.store import counter
from ingest.store.bound import Need
from ingest.store.counter import Asked, Counted, Life
from ingest.store.literal import numbers, times
from ingest.store.search import TABLE, Source

STATEMENT = """
    SELECT bound, at, value FROM {hours}(CAST(:bounds AS int[]), CAST(:registers AS int[]),
        CAST(:sinces AS timestamptz[]), CAST(:befores AS timestamptz[]), :first, :last, :known)
"""
HOURS = text(STATEMENT.format(hours="ingest.hours"))
VISIBLE = text(STATEMENT.format(hours="visible.hours"))
FEW = 5
"""Instants next to which readings are looked up sooner than a register's hours are read;"""
APART = 3 * HOUR
"""and also more, if they lie so far apart, as days do."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A register's time within a need, and where its bound is."""

    need: int
    bound: int
    register: int
    since: int
    before: int


def load(
    connection: Connection,
    needs: Sequence[Need],
    *,
    known: int,
    source: Source = TABLE,
    statement: TextClause = HOURS,
) -> tuple[Counted, ...]:
    """As ingest.store.counter.load, and the same answer; cheaper for many full hours. Raises MixedTicks."""
    many = [n for n, need in enumerate(needs) if _dense(need)]
    few = sorted({*range(len(needs))} - {*many})
    found: dict[int, Counted] = {}
    plain = [needs[n] for n in few]
    if plain:
        found |= zip(few, counter.load(connection, plain, known=known, source=source), strict=True)
    ends = [_ends(needs[n]) for n in many]
    if ends:
        lives = counter.lives(connection, ends, known=known, source=source)
        for n, life in zip(many, _filled(connection, ends, lives, known, statement), strict=True):
            found[n] = Counted(life.unit, life.resolution, *counted(life.bounds, needs[n].instants, life.rule))
    return tuple(found[n] for n in range(len(needs)))


def _dense(need: Need) -> bool:
    """Many full hours, near each other."""
    instants = need.instants
    close = instants[-1] - instants[0] <= APART * (len(instants) - 1)
    return len(instants) > FEW and close and not any(at % HOUR for at in instants[1:-1])


def _ends(need: Need) -> Asked:
    """The same counter at its first and last instant alone."""
    return Asked(
        need.asset, need.register, (need.instants[0], need.instants[-1]), need.unit, need.on_reset, need.boundary,
        need.modulus, need.max_rate, need.max_gap,
    )  # fmt: skip


def _filled(
    connection: Connection, needs: Sequence[Asked], lives: Sequence[Life], known: int, statement: TextClause
) -> list[Life]:
    """With the first and last reading of each hour in between."""
    stretches = [
        _Stretch(n, m, register, *_time(needs[n], bound))
        for n, life in enumerate(lives)
        for m, (bound, register) in enumerate(zip(life.bounds, life.registers, strict=True))
    ]
    points = _points(connection, [one for one in stretches if one.since < one.before], known, statement)
    return [
        life._replace(bounds=tuple(_with(bound, points[n, m]) for m, bound in enumerate(life.bounds)))
        for n, life in enumerate(lives)
    ]


def _time(need: Asked, bound: Bound) -> tuple[int, int]:
    first, last = need.instants
    return max(first, bound.start), last if bound.end is None else min(last, bound.end)


def _points(
    connection: Connection, stretches: Sequence[_Stretch], known: int, statement: TextClause
) -> dict[tuple[int, int], set[tuple[int, int]]]:
    found = defaultdict[tuple[int, int], set[tuple[int, int]]](set)
    if not stretches:
        return found
    asked = {
        "bounds": numbers(range(len(stretches))),
        "registers": numbers(one.register for one in stretches),
        "sinces": times(one.since for one in stretches),
        "befores": times(one.before for one in stretches),
        "first": instant(min(one.since for one in stretches)),
        "last": instant(max(one.before for one in stretches)),
        "known": known,
    }
    for number, at, value in connection.execute(statement, asked):
        one = stretches[number]
        found[one.need, one.bound].add((micros(at), value))
    return found


def _with(bound: Bound, points: set[tuple[int, int]]) -> Bound:
    return bound._replace(readings=tuple(sorted({*bound.readings, *points}))) if points else bound
