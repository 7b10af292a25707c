"""Registers of an asset by grain: what counters counted, how long states lasted, and what such questions share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api import errors, question, usage
from api.errors import InvalidQuestion
from api.question import AsOf, Zone
from api.routes.asset import Before, Since, found, served_by
from api.visit import Anyone, Visit
from contracts.facts import StateNeed
from contracts.store import view as contract_view
from core.canonical import decimal_text, fraction_text
from core.grain import Grain
from core.time import micros
from core.units import from_ticks
from ingest.store import component, estimate, view
from ingest.store.counter import Asked, MixedTicks
from ingest.store.view import AssetView, RegisterView
from ingest.timeline import shares

router = APIRouter(prefix="/v1/assets", tags=["usage"])
OPERATORS = ("operator", "device_manager")
REFUSALS = (401, 404, 422)
ByGrain = Annotated[Grain, Query(description="How the time is cut, in the zone.")]


class Stretch(BaseModel):
    """`[starts_at, ends_at)`. The first and the last may be parts of an hour, a day and so on."""

    starts_at: datetime
    ends_at: datetime


class RegisterUsed(Stretch):
    """What a counter counted; estimated if a boundary lies in so long a silence that the value before it was taken."""

    register_path: str = Field(alias="register", examples=["vehicle/odometer"])
    component: str | None = Field(description="The component that was mounted, where grouped so.")
    unit: str
    quantity: str
    estimated: bool


class Estimated(Stretch):
    """What somebody noted as probably used where readings are missing. It is in no quantity."""

    register_path: str = Field(alias="register")
    quantity: str
    unit: str
    method: str
    reason: str


class AssetUsage(BaseModel):
    """Use by register or component. Whatever the grain, rows of one sum to the same."""

    asset: str
    timezone: str
    grain: str
    known: int = Field(description="Ask with it as `as_of` for the same answer.")
    rows: list[RegisterUsed]
    estimates: list[Estimated]


class StateTime(Stretch):
    """Seconds by category, exact to the microsecond; they sum to the length of the stretch as far as it is over."""

    seconds: dict[str, str] = Field(examples=[{"running": "3240", "unknown": "360"}])


class StateTimes(BaseModel):
    """A state register by grain. Silence longer than its limit is `unknown`."""

    asset: str
    register_path: str = Field(alias="register", examples=["vehicle/state"])
    timezone: str
    grain: str
    known: int = Field(description="Ask with it as `as_of` for the same answer.")
    rows: list[StateTime]


class Question(NamedTuple):
    """An asset over a stretch, cut; known: as known at that number."""

    row: AssetView
    cuts: list[datetime]
    timezone: str
    known: int


@router.get("/{asset}/usage", operation_id="getAssetUsage", responses=errors.responses(*REFUSALS))
def used(  # noqa: PLR0913, PLR0917 - the question has as many parts
    visit: Anyone,
    asset: str,
    since: Since,
    before: Before,
    register: Annotated[str | None, Query(max_length=130, description="A path; all counters if left out.")] = None,
    grain: ByGrain = "day",
    group_by: Literal["register", "component"] = "register",
    timezone: Zone = None,
    as_of: AsOf = None,
) -> AssetUsage:
    """What counters of this asset counted, as their registers are declared, while your contracts cover it.

    By component: what each component counted while it was mounted here.
    """
    asked = ask(visit, asset, since, before, grain, timezone, as_of)
    paths = _counters(visit, asked.row, register)
    needs = [need for path in paths for need in _needs(visit, asked, path, by_component=group_by == "component")]
    question.refuse_many(len(needs) * (len(asked.cuts) - 1), "rows", "one register, a coarser grain or a shorter time")
    with answerable():
        found_ = usage.each(visit.connection, needs, known=asked.known)
    named = group_by == "component"
    rows = [_used(one, need, named=named) for need, uses in zip(needs, found_, strict=True) for one in uses]
    return AssetUsage(
        asset=asked.row.public_id,
        timezone=asked.timezone,
        grain=grain,
        known=asked.known,
        rows=rows,
        estimates=_estimates(visit, asked, {path.path for path in paths}),
    )


@router.get("/{asset}/state-time", operation_id="getStateTime", responses=errors.responses(*REFUSALS))
def state_time(  # noqa: PLR0913, PLR0917 - the question has as many parts
    visit: Anyone,
    asset: str,
    since: Since,
    before: Before,
    register: Annotated[str, Query(max_length=130)] = "vehicle/state",
    grain: ByGrain = "day",
    timezone: Zone = None,
    as_of: AsOf = None,
) -> StateTimes:
    """How long each state lasted in each stretch; time to come is in none."""
    asked = ask(visit, asset, since, before, grain, timezone, as_of)
    silence = served_by(visit, asked.row, register).silence or before - since
    start, end = micros(asked.cuts[0]), micros(asked.cuts[-1])
    need = StateNeed(asked.row.name, register, start, end, silence // timedelta(microseconds=1))
    (said,) = view.states(visit.connection, [need], known=asked.known)
    sums = shares(said, [micros(at) for at in asked.cuts], until=micros(visit.at))
    rows = [
        StateTime(
            starts_at=start,
            ends_at=end,
            seconds={name: fraction_text(Fraction(took, 1_000_000)) for name, took in sorted(one.items())},
        )
        for (start, end), one in zip(pairwise(asked.cuts), sums, strict=True)
    ]
    return StateTimes(
        asset=asked.row.public_id, register=register, timezone=asked.timezone, grain=grain, known=asked.known, rows=rows
    )  # fmt: skip


def ask(  # what every question here names
    visit: Visit, asset: str, since: datetime, before: datetime, grain: Grain, timezone: str | None, as_of: str | None
) -> Question:
    """The question, in the zone named, else in that of the newest contract of the asset. Raises NotFound and others."""
    row = found(visit, asset)
    local = question.where(timezone, _zone(visit, row))
    cuts = question.stretches(since, before, grain, local)
    return Question(row, cuts, str(local), question.known(visit.connection, as_of, now=visit.at))


@contextmanager
def answerable() -> Iterator[None]:
    """Raises InvalidQuestion where ticks of several sizes would have to be summed."""
    try:
        yield
    except MixedTicks as error:
        raise InvalidQuestion(str(error)) from None


def _zone(visit: Visit, row: AssetView) -> str:
    """Of the newest contract that covers the asset."""
    rows = contract_view.covered_by(visit.connection, row.id)
    known = contract_view.contracts_by_key(visit.connection, {one.contract for one in rows})
    return next((known[one.contract].timezone for one in reversed(rows) if one.contract in known), "UTC")


def _counters(visit: Visit, row: AssetView, path: str | None) -> list[RegisterView]:
    """One of each path, by path."""
    served = [one for one in view.registers(visit.connection, [row.id], path=path) if one.kind == "counter"]
    if not served:
        raise InvalidQuestion(f"this asset has no such counter; it has {names(visit, row, 'counter')}")
    return list({one.path: one for one in served}.values())


def names(visit: Visit, row: AssetView, kind: str) -> str:
    """The paths of a kind that the asset has."""
    every = view.registers(visit.connection, [row.id])
    return ", ".join(sorted({one.path for one in every if one.kind == kind})) or "none"


def covered(visit: Visit, row: AssetView, cuts: Sequence[datetime]) -> list[list[datetime]]:
    """The cuts within each time in which the viewer may know the asset."""
    if visit.viewer.role in OPERATORS:
        return [list(cuts)]
    merged: list[tuple[datetime, datetime]] = []
    for one in contract_view.covered_by(visit.connection, row.id):
        start, end = max(one.starts_at or cuts[0], cuts[0]), min(one.ends_at or cuts[-1], cuts[-1])
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        elif start < end:
            merged.append((start, end))
    return [[start, *(at for at in cuts if start < at < end), end] for start, end in merged]


def _needs(visit: Visit, asked: Question, path: RegisterView, *, by_component: bool) -> list[Asked]:
    """The counter as the asset's own, or as what was mounted on it."""
    if by_component:
        return _mounted(visit, asked, path)
    spans = covered(visit, asked.row, asked.cuts)
    return [Asked(asked.row.name, path.path, tuple(map(micros, cuts)), path.unit) for cuts in spans]


def _used(one: usage.Use, need: Asked, *, named: bool) -> RegisterUsed:
    return RegisterUsed(
        register=need.register,
        component=need.asset if named else None,
        starts_at=one.start,
        ends_at=one.end,
        unit=need.unit,
        quantity=fraction_text(one.quantity),
        estimated=one.carried,
    )


def _mounted(visit: Visit, asked: Question, path: RegisterView) -> list[Asked]:
    """The components on this asset with their counters, each over its time here."""
    needs = []
    for one in component.mountings(visit.connection, asked.known, asset=asked.row.name):
        for cuts in covered(visit, asked.row, asked.cuts):
            start, end = max(one.start, cuts[0]), min(one.end or cuts[-1], cuts[-1])
            if start < end:
                inside = (start, *(at for at in cuts if start < at < end), end)
                needs.append(Asked(one.component, path.path, tuple(map(micros, inside)), path.unit))
    return sorted(needs, key=lambda need: (need.asset, need.instants))


def _estimates(visit: Visit, asked: Question, paths: set[str]) -> list[Estimated]:
    served = {one.register: one for one in view.registers(visit.connection, [asked.row.id]) if one.path in paths}
    noted = estimate.find(
        visit.connection, list(served), start=asked.cuts[0], end=asked.cuts[-1], known=asked.known
    )  # fmt: skip
    return [
        Estimated(
            register=served[one.register].path,
            starts_at=one.start,
            ends_at=one.end,
            quantity=_ticks(one.ticks, served[one.register]),
            unit=served[one.register].unit,
            method=one.method,
            reason=one.reason,
        )
        for one in noted
    ]


def _ticks(ticks: int, register: RegisterView) -> str:
    return decimal_text(from_ticks(ticks, resolution=register.resolution, register_unit=register.unit).magnitude)
