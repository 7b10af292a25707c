"""What counters counted between instants: the boundary values that are billed, and their differences."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from contracts.document import Measure, from_canonical
from contracts.facts import Counter, CounterNeed, Piece
from contracts.measure import piece_use
from contracts.store.view import VersionView
from core.time import instant, micros, midnight
from ingest.counter import Part
from ingest.store import hourly, view
from ingest.store.bound import Need
from ingest.store.search import TABLE


@dataclass(frozen=True, slots=True)
class Use:
    """What an asset used in `[start, end)`, exactly, in the measure's unit.

    carried: a boundary lies in a silence so long that the value before it was taken, or some of it is estimated.
    """

    asset: str
    start: datetime
    end: datetime
    quantity: Fraction
    carried: bool


def measures(versions: Sequence[VersionView]) -> list[Measure]:
    """The counters of the newest version, in its order."""
    if not versions:
        return []
    newest = max(versions, key=lambda version: version.version)
    (version,) = from_canonical([json.loads(newest.document)])
    return [one for one in version.measures if one.kind == "counter_delta"]


def days(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """The local midnights that cut `[start, end)`, both ends included."""
    cuts, day = [start], start.astimezone(zone).date() + timedelta(days=1)
    while (cut := midnight(day, zone)) < end:
        cuts.append(cut)
        day += timedelta(days=1)
    return [*cuts, end]


def between(
    connection: Connection, assets: Iterable[str], measure: Measure, instants: Sequence[datetime], *, known: int
) -> list[Use]:
    """What each asset used between consecutive instants, as known at K and visible to the viewer; by asset and time."""
    cuts = tuple(micros(at) for at in instants)
    needs = [need(asset, measure, cuts) for asset in sorted(set(assets))]
    return [use for used in each(connection, needs, known=known) for use in used]


def each(connection: Connection, needs: Sequence[Need], *, known: int, visibly: bool = True) -> list[list[Use]]:
    """What each need's counter counted between its instants, as known at K; visibly: as a viewer may see it."""
    source, statement = (view.COUNTERS, hourly.VISIBLE) if visibly else (TABLE, hourly.HOURS)
    found = hourly.load(connection, needs, known=known, source=source, statement=statement)
    return [
        list(_uses(one, Counter(counted.unit, counted.resolution, (), ()), counted.parts))
        for one, counted in zip(needs, found, strict=True)
    ]


def need(asset: str, measure: Measure, cuts: tuple[int, ...]) -> CounterNeed:
    """As contracts.engine asks for it."""
    return CounterNeed(
        asset,
        measure.register_path or "",
        cuts,
        measure.unit or "",
        measure.on_reset or "hold",
        measure.boundary or "interpolate",
        measure.modulus,
        measure.max_rate,
        measure.max_gap_micros,
        measure.bills_estimates,
    )


def _uses(one: Need, counter: Counter, parts: Sequence[Part]) -> Iterable[Use]:
    for start, end in pairwise(one.instants):
        inside = [part for part in parts if start <= part.start < end]
        if inside:
            yield Use(
                asset=one.asset,
                start=instant(start),
                end=instant(end),
                quantity=sum(
                    (piece_use(_piece(part), counter, one.unit or counter.unit) for part in inside), Fraction(0)
                ),
                carried=any({"carried", "estimated"} & {part.opening_quality, part.closing_quality} for part in inside),
            )


def _piece(part: Part) -> Piece:
    return Piece(
        part.start,
        part.end,
        part.device,
        part.opening,
        part.closing,
        part.removed,
        part.opening_quality,
        part.closing_quality,
    )
