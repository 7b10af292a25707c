"""What gauges held on the mean, weighted by time: from the hours of roll-ups where they know it, else from readings."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple, Protocol

from sqlalchemy import Connection, TextClause, text

from core.time import HOUR, instant, micros
from ingest import held
from ingest.held import Piece, Sum
from ingest.store import level
from ingest.store.literal import numbers, times

HELD = """
    SELECT bound, (extract(epoch FROM first_at) * 1000000)::bigint, (extract(epoch FROM last_at) * 1000000)::bigint,
        last_value, area, held
    FROM {held}(CAST(:bounds AS int[]), CAST(:registers AS int[]), CAST(:sinces AS timestamptz[]),
        CAST(:befores AS timestamptz[]), CAST(:silences AS interval[]), :first, :last, :known)
"""
BEFORE = """
    SELECT bound, (extract(epoch FROM at) * 1000000)::bigint, value
    FROM {before}(CAST(:bounds AS int[]), CAST(:registers AS int[]), CAST(:sinces AS timestamptz[]),
        CAST(:instants AS timestamptz[]), :low, :high, :known)
"""
NEAR = timedelta(days=14)
"""Where the last reading before a stretch is looked for first."""
EVER = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class Source(NamedTuple):
    """The statements that bring readings: of everybody, or from functions that show a party its own only."""

    held: TextClause
    before: TextClause


TABLE = Source(text(HELD.format(held="ingest.held")), text(BEFORE.format(before="ingest.shown_before")))
VISIBLE = Source(text(HELD.format(held="visible.held")), text(BEFORE.format(before="visible.shown_before")))


class Served(level.Served, Protocol):
    """A register that served an asset, and how long it may say nothing."""

    @property
    def silence(self) -> timedelta | None: ...  # noqa: D102


class Mean(NamedTuple):
    """Over a stretch, in the register's unit; None: no level is known. coverage: the part of its time that is known."""

    mean: Fraction | None
    coverage: Fraction


class _Run(NamedTuple):
    """A register over a span of µs in which it served and may be known, cut; `first` numbers its first stretch."""

    one: Served
    cuts: tuple[int, ...]
    first: int


def load(  # what is asked, as known when, of what time
    connection: Connection,
    served: Sequence[Served],
    cuts: Sequence[datetime],
    *,
    known: int,
    until: datetime,
    spans: Sequence[tuple[datetime, datetime]] = (),
    source: Source = TABLE,
) -> list[Mean]:
    """The gauge that these registers showed one after the other, between neighbouring cuts, as known at K.

    Nothing is known from `until` on, and, where there are spans, outside of them. Devices show the same unit.
    """
    edges = list(map(micros, cuts))
    found = [Sum() for _ in edges[1:]]
    runs = _runs(served, cuts, spans or [(cuts[0], cuts[-1])], until)
    pieces = _pieces(connection, runs, known, source) if runs else {}
    for run in runs:
        _add(found, edges, run, pieces[run.first])
    shares = held.shares(found, edges, micros(until))
    return [Mean(one.mean, share) for one, share in zip(found, shares, strict=True)]


def _runs(
    served: Sequence[Served], cuts: Sequence[datetime], spans: Sequence[tuple[datetime, datetime]], until: datetime
) -> list[_Run]:
    runs, first = list[_Run](), 0
    for since, before in spans:
        for one in served:
            start, end = max(since, one.starts_at), min(before, one.ends_at or until, until)
            if start < end:
                inside = tuple(map(micros, (start, *(at for at in cuts if start < at < end), end)))
                runs.append(_Run(one, inside, first))
                first += len(inside) - 1
    return runs


def _add(found: Sequence[Sum], cuts: Sequence[int], run: _Run, pieces: Iterable[Piece]) -> None:
    one = run.one
    silence = None if one.silence is None else one.silence // timedelta(microseconds=1)
    tick = Fraction(one.resolution)
    parts = held.sums(pieces, cuts, ends_at=run.cuts[-1], silence=silence, tick=tick)
    for total, part in zip(found, parts, strict=True):
        total.add(part)


def _pieces(connection: Connection, runs: Sequence[_Run], known: int, source: Source) -> dict[int, list[Piece]]:
    """By the first bound of a run; also the last reading before it."""
    of = {bound: run for run in runs for bound in range(run.first, run.first + len(run.cuts) - 1)}
    stretches = [pair for run in runs for pair in pairwise(run.cuts)]
    columns = {
        "bounds": numbers(of),
        "registers": numbers(run.one.register for run in of.values()),
        "sinces": times(start for start, _ in stretches),
        "befores": times(end for _, end in stretches),
        "silences": numbers(_interval(run.one.silence) for run in of.values()),
        "first": instant(min(start for start, _ in stretches)),
        "last": instant(max(end for _, end in stretches)),
        "known": known,
    }
    found: dict[int, list[Piece]] = {run.first: [] for run in runs}
    for bound, first_at, last_at, last, area, took in connection.execute(source.held, columns):
        found[of[bound].first].append(_piece(first_at, last_at, last, area, took))
    for first, at, ticks in _before(connection, runs, known, source):
        found[first].append(Piece(at, at, ticks, 0, 0))
    return found


def _piece(first_at: int, last_at: int, last: int, area: Decimal | None, took: int | None) -> Piece:
    """Of an hour that was sealed before areas were kept only the last reading is known: nothing holds into it."""
    if area is None or took is None:
        return Piece(first_at - first_at % HOUR, last_at, last, None, 0)
    return Piece(first_at, last_at, last, int(area), took)


def _interval(silence: timedelta | None) -> str | None:
    return None if silence is None else f'"{silence // timedelta(microseconds=1)} microseconds"'


def _before(
    connection: Connection, runs: Sequence[_Run], known: int, source: Source
) -> Iterable[tuple[int, int, int]]:  # fmt: skip
    """First bound, µs and ticks of the reading before each run: nearby, and where silence may last, everywhere."""
    missing = [run for run in runs if micros(run.one.starts_at) < run.cuts[0]]
    for reach in (NEAR, None):
        if not missing:
            return
        instants = [run.cuts[0] for run in missing]
        columns = {
            "bounds": numbers(run.first for run in missing),
            "registers": numbers(run.one.register for run in missing),
            "sinces": times(micros(run.one.starts_at) for run in missing),
            "instants": times(instants),
            "low": EVER if reach is None else instant(min(instants)) - reach,
            "high": instant(max(instants)),
            "known": known,
        }
        rows = [(first, at, ticks) for first, at, ticks in connection.execute(source.before, columns)]
        yield from rows
        there = {first for first, _, _ in rows}
        missing = [
            run for run in missing if run.first not in there and (run.one.silence is None or run.one.silence > NEAR)
        ]
