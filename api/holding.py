"""Holds for those who look at them: what waits, and for each the evidence by which somebody decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from sqlalchemy import Engine

from api import usage
from api.errors import NotFound
from api.visit import Visit
from core.canonical import decimal_text
from core.problem import Problem, Problems
from core.store import current_knowledge
from core.time import micros
from core.units import Quantity, from_ticks
from ingest.meter import run
from ingest.store import hold, view
from ingest.store.counter import Asked
from ingest.store.hold import Decision, Hold, NoReference, Place, Stretch
from ingest.store.view import AssetView, ReadingView

LOOK_BACK = timedelta(days=92)
AROUND = 6
"""Readings shown on each side."""
_REACH = [timedelta(minutes=5 * 4**n) for n in range(7)]
_MOST = 2_000
State = Literal["open", "decided", "gone"]


@dataclass(frozen=True, slots=True)
class Case:
    """A stretch with what is known of it.

    waits: the hold, while it is open. state: `gone` if other readings cut it since, or something was declared that
    explains it. before, after: what the counter showed at its ends; None: no reading is there. usual: what was used in
    as long a time before it.
    """

    stretch: Stretch
    place: Place
    asset: AssetView
    state: State
    waits: Hold | None
    readings: list[ReadingView]
    decisions: list[Decision]
    usual: Fraction | None

    @property
    def reference(self) -> str:
        """How people name it."""
        return f"{self.stretch.register}.{micros(self.stretch.start)}.{micros(self.stretch.end)}"

    @property
    def reason(self) -> str | None:
        """Why it waits."""
        return self.waits.reason if self.waits else None

    @property
    def before(self) -> int | None:
        """Ticks at its start."""
        return next((one.value for one in reversed(self.readings) if one.at <= self.stretch.start), None)

    @property
    def after(self) -> int | None:
        """Ticks at its end."""
        return next((one.value for one in self.readings if one.at >= self.stretch.end), None)


class Seen(NamedTuple):
    """The last hold of a page."""

    asset: str
    path: str
    at: datetime


def waiting(  # where and when to look
    visit: Visit, *, since: datetime, before: datetime, asset: str | None = None, after: Seen | None = None, most: int
) -> list[Hold]:
    """Open holds that the viewer may see, by asset, path and time, after one; at most so many."""
    some = hold.find(
        visit.connection,
        start=since,
        end=before,
        known=current_knowledge(visit.connection),
        asset=asset,
        source=view.COUNTERS,
        first=after[:2] if after else ("", ""),
        # Of the first counter, some may have been seen already.
        most=None if after else most,
    )
    return [one for one in some if after is None or one[:2] != after[:2] or one.start > after.at][:most]


def at_stake(one: Hold) -> Decimal:
    """How much may have been used, in its unit."""
    return shown(one.at_stake, one)


def shown(ticks: int, of: Hold | Place) -> Decimal:
    """Ticks in the register's unit."""
    return from_ticks(ticks, resolution=of.resolution, register_unit=of.unit).magnitude


def words(ticks: int | None, of: Hold | Place) -> str | None:
    """The same as text, without unit."""
    return None if ticks is None else decimal_text(shown(ticks, of))


def look(visit: Visit, reference: str) -> Case:
    """The case of a hold, decided or not. Raises NotFound."""
    try:
        stretch = hold.read(reference)
    except NoReference:
        raise NotFound("this names no hold; GET /v1/holds lists them") from None
    place = hold.place_of(visit.connection, stretch)
    asset = view.asset_named(visit.connection, place.asset) if place else None
    if place is None or asset is None:
        raise NotFound("no counter of yours was there then; GET /v1/holds lists what waits")
    known = current_knowledge(visit.connection)
    found = hold.named(visit.connection, stretch, known, source=view.COUNTERS)
    said = hold.decisions(visit.connection, [stretch.register], known)
    decisions = [one for one in said if one[:3] == stretch]
    decided = bool(decisions) and decisions[-1].kind != "reopened"
    if found is None and not decisions:
        raise NotFound("there is no such hold, and nothing was decided about it; GET /v1/holds lists what waits")
    return Case(
        stretch=stretch,
        place=place,
        asset=asset,
        state="open" if found else "decided" if decided else "gone",
        waits=found,
        readings=_around(visit, asset, place.path, stretch),
        decisions=decisions,
        usual=_usual(visit, place, stretch, known),
    )


def decide(  # a decision has as many parts
    engine: Engine, visit: Visit, reference: str, kind: str, quantity: str | None, reason: str
) -> None:
    """In the viewer's name. Raises Problems, NotAQuantity, UnknownUnit."""
    if (kind == "bill") != bool(quantity):
        missing = ("is missing", "give the quantity that was used")
        raise Problems(
            (Problem("quantity", *(missing if kind == "bill" else ("goes with `bill` alone", "leave it out"))),)
        )
    bill = Quantity.parse(quantity) if quantity else None
    run.release(engine, reference, visit.at, kind=kind, bill=bill, author=visit.viewer.who, reason=reason)


def _around(visit: Visit, asset: AssetView, path: str, stretch: Stretch) -> list[ReadingView]:
    """The readings next to both ends."""
    tick = timedelta(microseconds=1)
    before: Sequence[ReadingView] = ()
    for reach in _REACH:
        before = view.readings(
            visit.connection, asset.id, path=path, since=stretch.start - reach, before=stretch.start + tick, most=_MOST
        )
        if len(before) >= AROUND:
            break
    after = view.readings(
        visit.connection, asset.id, path=path, since=stretch.end, before=stretch.end + _REACH[-1], most=AROUND
    )
    return [*before[-AROUND:], *after]


def _usual(visit: Visit, place: Place, stretch: Stretch, known: int) -> Fraction | None:
    since = stretch.start - (stretch.end - stretch.start)
    need = Asked(place.asset, place.path, (micros(since), micros(stretch.start)), place.unit)
    (used,) = usage.each(visit.connection, [need], known=known)
    return used[0].quantity if used else None
