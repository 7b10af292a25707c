"""What gauges used and what came in, in each of some stretches of time, with the single refills."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Connection, TextClause

from core.time import instant, micros
from ingest.gauge import Level, refills, used
from ingest.store import gauge
from ingest.store.counter import MixedTicks
from ingest.store.gauge import Showed


class Refill(NamedTuple):
    """A gauge rose beyond its refill threshold. Levels in the register's unit."""

    at: datetime
    before: Fraction
    after: Fraction


class Consumed(NamedTuple):
    """Over (start, end], as it was read: a fall counts when it is seen. In the register's unit."""

    start: datetime
    end: datetime
    used: Fraction
    refills: tuple[Refill, ...]

    @property
    def refilled(self) -> Fraction:
        """The sum of the refills."""
        return sum((one.after - one.before for one in self.refills), Fraction(0))


class _Need(NamedTuple):
    """A stretch of a gauge."""

    asset: str
    register: str
    start: int
    end: int


def load(  # what is asked, as known when, of what time
    connection: Connection,
    place: tuple[str, str],
    cuts: Sequence[datetime],
    *,
    known: int,
    spans: Sequence[tuple[datetime, datetime]] = (),
    statement: TextClause = gauge.SHOWN,
) -> list[Consumed]:
    """What the gauge at (asset, path) used and took in between neighbouring cuts, as known at K.

    spans: the times in which the asset may be known; all without them. Raises MixedTicks.
    """
    needs = [_Need(*place, micros(start), micros(end)) for start, end in spans or [(cuts[0], cuts[-1])]]
    found = gauge.load(connection, needs, known=known, statement=statement)
    return [_consumed(start, end, list(zip(needs, found, strict=True))) for start, end in pairwise(cuts)]


def _consumed(start: datetime, end: datetime, found: Sequence[tuple[_Need, Showed]]) -> Consumed:
    total, came = Fraction(0), list[Refill]()
    for need, showed in found:
        first, last = max(micros(start), need.start), min(micros(end), need.end)
        runs, tick = _in_ticks(showed)
        total += used(runs, first, last) * tick
        came += [Refill(instant(at), low * tick, high * tick) for at, low, high in refills(runs, first, last)]
    return Consumed(start, end, total, tuple(sorted(came)))


def _in_ticks(showed: Showed) -> tuple[list[list[Level]], Fraction]:
    """The reference levels, and what a tick is."""
    ticks = {(one.unit, one.resolution) for run in showed.runs for one in run}
    if len(ticks) > 1:
        shown = ", ".join(sorted(f"{resolution:f} {unit}" for unit, resolution in ticks))
        raise MixedTicks(f"devices showed ticks of {shown} one after the other; ask for the time of one of them")
    runs = [[Level(one.at, one.ticks) for one in run] for run in showed.runs]
    return runs, Fraction(next(iter(ticks))[1]) if ticks else Fraction(1)
