"""Holds: stretches that counters cannot explain, as a work list, and deciding about them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from api import errors, holding
from api.command import Worker, once
from api.errors import InvalidQuestion, Refused
from api.holding import LOOK_BACK, Case, Seen
from api.paging import Cursor, Limit, Page, page_of, read_cursor
from api.routes.asset import found
from api.visit import Anyone
from api.writing import Writing, writing
from core.canonical import decimal_text, fraction_text
from core.problem import Problem, Problems
from core.units import IncompatibleUnits, NotAQuantity, Quantity, UnknownUnit
from ingest.meter import run
from ingest.store.hold import Decision, Hold

router = APIRouter(prefix="/v1", tags=["holds"])
Decider = Annotated[Writing, Depends(writing("operator", "device_manager"), scope="function")]
REFUSALS = (401, 403, 404, 422, 503)
Amount = Annotated[str, Field(max_length=60, examples=["120.3 km"])]
Why = Annotated[str, Field(min_length=1, max_length=2000, description="It is kept with the decision.")]
Kind = Literal["bill", "from_zero", "void", "reopened"]


class Waiting(BaseModel):
    """A stretch `[from, to)` of which nothing is billed until somebody decides."""

    hold: str = Field(examples=["17.1781906400000000.1782338400000000"])
    asset: str
    path: str = Field(examples=["vehicle/odometer"])
    device: str
    from_: datetime = Field(serialization_alias="from")
    to: datetime
    reason: str = Field(examples=["counter_fell", "above_max_rate"])
    before: str = Field(description="What the counter showed at its start.")
    after: str = Field(description="What it showed at its end.")
    at_stake: str = Field(
        description="What it shows since it fell, or by how much it rose: so much may have been used."
    )
    unit: str


class Said(BaseModel):
    """A decision. `reopened` takes the one before back."""

    kind: str
    quantity: str | None
    author: str
    reason: str
    known: int


class Shown(BaseModel):
    """A reading next to the stretch."""

    at: datetime
    value: str
    received_at: datetime


class HoldDetail(BaseModel):
    """A hold with its evidence. It is `gone` if later readings or declarations explain the stretch otherwise."""

    hold: str
    state: Literal["open", "decided", "gone"]
    asset: str
    asset_id: str
    path: str
    device: str
    from_: datetime = Field(serialization_alias="from")
    to: datetime
    reason: str | None
    before: str | None
    after: str | None
    usual: str | None = Field(description="What was used in as long a time before it.")
    unit: str
    readings: list[Shown]
    decisions: list[Said]


class NewDecision(BaseModel):
    """What the stretch comes to: a quantity (`bill`), as if begun at zero, nothing (`void`); or `reopened`."""

    kind: Kind
    quantity: Amount | None = Field(default=None, description="Of `bill` alone.")
    reason: Why


class NewReset(BaseModel):
    """A counter or gauge began anew. Values as shown just before and after; `void` takes the declaration back."""

    register_path: Annotated[str, Field(alias="register", max_length=130, examples=["vehicle/odometer"])]
    at: AwareDatetime
    closing: Amount | None = None
    opening: Amount | None = None
    void: bool = False
    reason: Why


class NewEstimate(BaseModel):
    """What was probably used where readings are missing; null takes the estimate back.

    It is shown, and billed only where a contract's measure says `estimates: bill_flagged`: flagged, and trued up later.
    """

    register_path: Annotated[str, Field(alias="register", max_length=130, examples=["vehicle/odometer"])]
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    quantity: Amount | None
    method: Annotated[str, Field(max_length=200)] = "by hand"
    reason: Why


class Noted(BaseModel):
    """It is recorded, and counts from now on."""

    asset: str
    register_path: str = Field(alias="register")
    author: str


@router.get("/holds", operation_id="listAllHolds", responses=errors.responses(401, 422))
def index(  # the question has as many parts
    visit: Anyone,
    since: Annotated[AwareDatetime | None, Query(description="92 days before `before` without it.")] = None,
    before: Annotated[AwareDatetime | None, Query(description="Now without it.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Waiting]:
    """What waits for a decision, of all assets that you may see, by asset, register and time."""
    end = before or visit.at
    start = since or end - LOOK_BACK
    if not start < end:
        raise InvalidQuestion("`before` must come after `since`")
    rows = holding.waiting(visit, since=start, before=end, after=read_seen(cursor), most=limit + 1)
    return page_of(rows, limit, shown=_waiting, key=_key)


@router.get("/holds/{hold}", operation_id="getHold", responses=errors.responses(401, 404))
def detail(visit: Anyone, hold: str) -> HoldDetail:
    """A hold with the readings around it, what is usual, and what was decided."""
    return _detail(holding.look(visit, hold))


@router.post("/holds/{hold}/decisions", operation_id="decideHold", responses=errors.responses(*REFUSALS))
def decide(command: Decider, engine: Worker, hold: str, wanted: NewDecision) -> JSONResponse:
    """Decide, or take a decision back. It counts from now on; the next billing run corrects what was issued before."""
    holding.look(command.visit, hold)

    def act() -> tuple[int, HoldDetail]:
        with refusing("quantity"):
            holding.decide(engine, command.visit, hold, wanted.kind, wanted.quantity, wanted.reason)
        return 201, _detail(holding.look(command.visit, hold))

    return once(command, act)


@router.post("/assets/{asset}/resets", operation_id="declareReset", responses=errors.responses(*REFUSALS))
def reset(command: Decider, engine: Worker, asset: str, wanted: NewReset) -> JSONResponse:
    """Declare that a counter or gauge began anew: a reset, another display, another cartridge; or take that back."""
    row, visit = found(command.visit, asset), command.visit

    def act() -> tuple[int, Noted]:
        with refusing("closing"):
            closing, opening = (
                None if one is None else Quantity.parse(one) for one in (wanted.closing, wanted.opening)
            )
            place, said = (row.name, wanted.register_path), {"author": visit.viewer.who, "reason": wanted.reason}
            run.begin_anew(
                engine, place, wanted.at, visit.at, closing=closing, opening=opening, void=wanted.void, **said
            )
        return 201, Noted(asset=asset, register=wanted.register_path, author=visit.viewer.who)

    return once(command, act)


@router.post("/assets/{asset}/estimates", operation_id="noteEstimate", responses=errors.responses(*REFUSALS))
def estimate(command: Decider, engine: Worker, asset: str, wanted: NewEstimate) -> JSONResponse:
    """Note what a counter probably used where readings are missing, or take that back."""
    row, visit = found(command.visit, asset), command.visit

    def act() -> tuple[int, Noted]:
        with refusing("quantity"):
            amount = None if wanted.quantity is None else Quantity.parse(wanted.quantity)
            place, span = (row.name, wanted.register_path), (wanted.starts_at, wanted.ends_at)
            said = {"author": visit.viewer.who, "reason": wanted.reason}
            run.estimate(engine, place, span, visit.at, quantity=amount, method=wanted.method, **said)
        return 201, Noted(asset=asset, register=wanted.register_path, author=visit.viewer.who)

    return once(command, act)


@contextmanager
def refusing(place: str) -> Iterator[None]:
    """What ingest refuses, as a refusal that says where. place: of the text that may be no quantity."""
    try:
        yield
    except Problems as error:
        raise Refused(error.problems) from None
    except (IncompatibleUnits, NotAQuantity, UnknownUnit) as error:
        raise Refused([Problem(place, str(error), "write it as 120.3 km")]) from None


def read_seen(given: str | None) -> Seen | None:
    """The last hold of the page before. Raises InvalidCursor."""
    if given is None:
        return None
    asset, path, at = read_cursor(given, [str, str, datetime])
    return Seen(str(asset), str(path), at) if isinstance(at, datetime) else None


def _key(one: Hold) -> Seen:
    return Seen(one.asset, one.path, one.start)


def _waiting(one: Hold) -> Waiting:
    return Waiting(
        hold=one.reference,
        asset=one.asset,
        path=one.path,
        device=one.device,
        from_=one.start,
        to=one.end,
        reason=one.reason,
        before=holding.words(one.before, one) or "",
        after=holding.words(one.after, one) or "",
        at_stake=decimal_text(holding.at_stake(one)),
        unit=one.unit,
    )


def _detail(case: Case) -> HoldDetail:
    place = case.place
    return HoldDetail(
        hold=case.reference,
        state=case.state,
        asset=place.asset,
        asset_id=case.asset.public_id,
        path=place.path,
        device=place.device,
        from_=case.stretch.start,
        to=case.stretch.end,
        reason=case.reason,
        before=holding.words(case.before, place),
        after=holding.words(case.after, place),
        usual=None if case.usual is None else fraction_text(case.usual),
        unit=place.unit,
        readings=[
            Shown(at=one.at, value=holding.words(one.value, place) or "", received_at=one.received_at)
            for one in case.readings
        ],
        decisions=[_said(one, case) for one in case.decisions],
    )


def _said(one: Decision, case: Case) -> Said:
    return Said(
        kind=one.kind,
        quantity=holding.words(one.ticks, case.place),
        author=one.author,
        reason=one.reason,
        known=one.known,
    )
