"""What somebody declared or decided of registers: that they began anew, what held stretches come to, estimates.

Also the readings on the other side of a device's coming and going, from which its value there is interpolated.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, TextClause, text

from core.time import micros
from ingest.counter import Estimate, Release
from ingest.path import Epoch
from ingest.store.literal import numbers

DECIDED = text("""
    SELECT register, kind, start_at, end_at, ticks, opening FROM (
        SELECT DISTINCT ON (register, at) register, 'epoch' AS kind, at AS start_at, at AS end_at, closing AS ticks,
            opening, void
        FROM ingest.epoch WHERE register = ANY(cast(:registers AS int[])) AND known <= :known
        ORDER BY register, at, known DESC
    ) AS e WHERE NOT void
    UNION ALL
    SELECT register, kind, start_at, end_at, ticks, NULL FROM (
        SELECT DISTINCT ON (register, start_at, end_at) * FROM ingest.release
        WHERE register = ANY(cast(:registers AS int[])) AND known <= :known
        ORDER BY register, start_at, end_at, known DESC
    ) AS r WHERE kind <> 'reopened'
    UNION ALL
    SELECT register, 'estimate', lower(during), upper(during), ticks, NULL FROM (
        SELECT DISTINCT ON (register, during) * FROM ingest.estimate
        WHERE register = ANY(cast(:registers AS int[])) AND known <= :known AND NOT upper_inf(during)
        ORDER BY register, during, known DESC
    ) AS g WHERE ticks IS NOT NULL
    ORDER BY register, start_at, end_at
""")
# NULL at an edge: nothing is asked there. Readings further away say little about the value at the edge.
OUTSIDE = text("""
    SELECT bound, at, value FROM ingest.outside(cast(:bounds AS int[]), cast(:registers AS int[]),
        cast(:starts AS timestamptz[]), cast(:ends AS timestamptz[]), :known)
""")


class Decided(NamedTuple):
    """Of one register, in order of time."""

    epochs: tuple[Epoch, ...] = ()
    releases: tuple[Release, ...] = ()
    estimates: tuple[Estimate, ...] = ()


NOTHING = Decided()


class Edge(NamedTuple):
    """Where a register came to an asset and where it left; None: not asked. bound: however the caller numbers it."""

    bound: int
    register: int
    start: datetime | None
    end: datetime | None


def load(connection: Connection, registers: Iterable[int], *, known: int) -> dict[int, Decided]:
    """By register, as known at K; registers of which nothing was decided are missing."""
    epochs, releases = defaultdict[int, list[Epoch]](list), defaultdict[int, list[Release]](list)
    estimates = defaultdict[int, list[Estimate]](list)
    for row in connection.execute(DECIDED, {"registers": numbers(sorted(registers)), "known": known}):
        if row.kind == "epoch":
            epochs[row.register].append(Epoch(micros(row.start_at), row.ticks, row.opening))
        elif row.kind == "estimate":
            estimates[row.register].append(Estimate(micros(row.start_at), micros(row.end_at), row.ticks))
        else:
            start, end = micros(row.start_at), micros(row.end_at)
            releases[row.register].append(Release(start, end, row.kind, ticks=row.ticks or 0))
    return {
        one: Decided(tuple(epochs[one]), tuple(releases[one]), tuple(estimates[one]))
        for one in {*epochs, *releases, *estimates}
    }


def outside(
    connection: Connection, edges: Sequence[Edge], *, known: int, statement: TextClause = OUTSIDE
) -> dict[int, tuple[tuple[int, int], ...]]:
    """By bound: the last reading before its start and the first from its end on, as (us since 1970, ticks)."""
    if not edges:
        return {}
    found = defaultdict[int, list[tuple[int, int]]](list)
    columns = dict(zip(("bounds", "registers", "starts", "ends"), map(list, zip(*edges, strict=True)), strict=True))
    for row in connection.execute(statement, {**columns, "known": known}):
        found[row.bound].append((micros(row.at), row.value))
    return {bound: tuple(points) for bound, points in found.items()}
