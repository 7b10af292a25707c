"""Stretches that counters cannot explain, as a work list, and what people decide about them."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, text

from core.time import instant, micros
from ingest.counter import Doubt
from ingest.path import course_of, plain
from ingest.store import counter, suspect
from ingest.store.counter import Asked, Life
from ingest.store.search import TABLE, Source

PLACE = text("""
    SELECT a.name AS asset, b.position || '/' || g.name AS path, g.unit, g.resolution, d.name AS device
    FROM ingest.register AS g
    JOIN ingest.device AS d ON d.id = g.device
    JOIN ingest.binding AS b ON b.device = g.device AND b.superseded IS NULL AND b.during @> cast(:at AS timestamptz)
    JOIN ingest.asset AS a ON a.id = b.asset
    WHERE g.id = :register AND g.kind = 'counter'
""")
ADD = text("""
    INSERT INTO ingest.release (register, start_at, end_at, kind, ticks, known, author, reason)
    VALUES (:register, :start, :end, :kind, :ticks, :known, :author, :reason)
""")
RELEASES = text("""
    SELECT r.register, r.start_at AS start, r.end_at AS "end", r.kind, r.ticks, r.known, r.author, r.reason
    FROM ingest.release AS r WHERE r.register = ANY(:registers) AND r.known <= :known
    ORDER BY r.register, r.start_at, r.known
""")
REFERENCE = re.compile(r"([0-9]{1,10})\.([0-9]{1,16})\.([0-9]{1,16})")
MOST_REGISTERS = 2**31 - 1
AT_ONCE = 300
"""Paths searched by one set of statements."""


class Hold(NamedTuple):
    """From a reading of `before` ticks to one of `after` nobody knows what was used. reason: as ingest.stretch says."""

    asset: str
    path: str
    device: str
    register: int
    start: datetime
    end: datetime
    reason: str
    before: int
    after: int
    unit: str
    resolution: Decimal

    @property
    def reference(self) -> str:
        """How people name it: the register and both instants."""
        return f"{self.register}.{micros(self.start)}.{micros(self.end)}"

    @property
    def at_stake(self) -> int:
        """Ticks that may have been used: what it shows since it fell, or by how much it rose."""
        return self.after if self.reason == "counter_fell" else self.after - self.before


class Stretch(NamedTuple):
    """What a reference names."""

    register: int
    start: datetime
    end: datetime


class Place(NamedTuple):
    """A counter of an asset, by which device."""

    asset: str
    path: str
    unit: str
    resolution: Decimal
    device: str


class Decision(NamedTuple):
    """What somebody decided about a stretch: kind `reopened` takes the decision before back."""

    register: int
    start: datetime
    end: datetime
    kind: str
    ticks: int | None
    known: int
    author: str
    reason: str


class NoReference(ValueError):
    """A text that names no hold."""


def read(reference: str) -> Stretch:
    """A reference as `meters holds` shows it. Raises NoReference."""
    found = REFERENCE.fullmatch(reference)
    if found is None or int(found[1]) > MOST_REGISTERS:
        raise NoReference(f"{reference!r} names no hold; `meters holds` lists them, e.g. 17.1780264800000000.17804…")
    register, start, end = map(int, found.groups())
    return Stretch(register, instant(start), instant(end))


def find(  # noqa: PLR0913 - where and when to look
    connection: Connection,
    *,
    start: datetime,
    end: datetime,
    known: int,
    asset: str | None = None,
    source: Source = TABLE,
    first: tuple[str, str] = ("", ""),
    most: int | None = None,
) -> list[Hold]:
    """Open holds that touch [start, end), of all assets or one, by asset, path and time; as registers are declared.

    first: asset and path of the first counter to look at. most: enough; those of the last counter are whole.
    """
    statement = suspect.SUSPECT if source is TABLE else suspect.VISIBLE
    suspects = suspect.paths(
        connection, start=start, end=end, known=known, asset=asset, first=first, statement=statement
    )  # fmt: skip
    needs = [Asked(one.asset, one.path, (micros(start), micros(end)), one.unit) for one in suspects]
    found: list[Hold] = []
    for n in range(0, len(needs), AT_ONCE):
        if most is not None and len(found) >= most:
            break
        some = needs[n : n + AT_ONCE]
        for need, life in zip(some, counter.lives(connection, some, known=known, source=source), strict=True):
            found += held(need, life)
    return found


def held(need: Asked, life: Life) -> Iterator[Hold]:
    """The holds in one counter's life that touch what is needed."""
    first, last = need.instants[0], need.instants[-1]
    doubts: Sequence[Doubt] = course_of(life.bounds, life.rule).doubts
    for one in sorted(doubts, key=lambda one: one.start):
        if one.start < last and first < one.end and one.before is not None and one.after is not None:
            label = one.device.partition("\0")[0]
            yield Hold(
                need.asset,
                need.register,
                plain(one.device),
                life.registers[int(label)],
                instant(one.start),
                instant(one.end),
                one.reason,
                one.before,
                one.after,
                life.unit,
                life.resolution,
            )


def place_of(connection: Connection, stretch: Stretch) -> Place | None:
    """Where the register of a stretch was when it began; None: nowhere, or not where the viewer may look."""
    row = connection.execute(PLACE, {"register": stretch.register, "at": stretch.start}).first()
    return None if row is None else Place(*row)


def named(
    connection: Connection, stretch: Stretch, known: int, *, source: Source = TABLE
) -> Hold | None:  # fmt: skip
    """The open hold of exactly this stretch, if there is one."""
    place = place_of(connection, stretch)
    if place is None:
        return None
    found = find(connection, start=stretch.start, end=stretch.end, known=known, asset=place.asset, source=source)
    return next((one for one in found if one[3:6] == stretch), None)


def decide(  # a decision has as many parts
    connection: Connection,
    stretch: Stretch,
    *,
    kind: str,
    ticks: int | None,
    known: int,
    author: str,
    reason: str,
) -> None:
    """Append a decision; it holds from `known` on."""
    given = {**stretch._asdict(), "kind": kind, "ticks": ticks, "known": known, "author": author, "reason": reason}
    connection.execute(ADD, given)


def decisions(connection: Connection, registers: Sequence[int], known: int) -> list[Decision]:
    """All decisions about these registers, by register and time, the later of one stretch last."""
    return [Decision(*row) for row in connection.execute(RELEASES, {"registers": list(registers), "known": known})]
