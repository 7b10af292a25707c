"""Assets: what is billed for, and what its devices said."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from api import errors, question
from api.errors import InvalidQuestion, NotFound
from api.paging import Cursor, Limit, Page, cursor, page_of, read_cursor, read_name
from api.question import AsOf
from api.visit import Anyone, Visit
from contracts.facts import StateNeed
from contracts.store import view as contract_view
from core.canonical import decimal_text
from core.time import instant, micros
from core.units import from_ticks
from ingest.store import view
from ingest.store.view import AssetView, RegisterView

router = APIRouter(prefix="/v1/assets", tags=["assets"])
LONGEST = timedelta(days=92)
Since = Annotated[AwareDatetime, Query(description="First instant, RFC 3339.")]
Before = Annotated[AwareDatetime, Query(description="First instant that no longer belongs to it.")]


class Asset(BaseModel):
    """A machine."""

    id: str
    name: str = Field(examples=["NH-17"])
    kind: str = Field(examples=["truck"])
    site: str
    last_reading_at: datetime | None


class Register(BaseModel):
    """A register of a device that serves the asset over `[starts_at, ends_at)`."""

    path: str = Field(description="position/register", examples=["vehicle/odometer"])
    device: str
    kind: str = Field(examples=["counter", "state", "gauge"])
    unit: str
    resolution: str
    starts_at: datetime
    ends_at: datetime | None
    last_at: datetime | None
    last_value: str | None


class Coverage(BaseModel):
    """A contract that the asset is or was under."""

    contract: str
    contract_name: str
    group: str | None
    starts_at: datetime | None
    ends_at: datetime | None


class AssetDetail(Asset):
    """A machine with its devices and contracts."""

    registers: list[Register]
    coverage: list[Coverage]


class Reading(BaseModel):
    """A reading as stored; `raw` is what the device wrote where that was rounded or converted."""

    at: datetime
    value: str
    unit: str
    device: str
    received_at: datetime
    raw: str | None
    time_status: str | None = Field(
        description="What the device said of its clock: U unknown, I informative, S synchronised, R relative.",
        examples=["S"],
    )


class State(BaseModel):
    """What a device said of its state over `[from, to)`; silence longer than the register's limit is in none."""

    from_: datetime = Field(serialization_alias="from")
    to: datetime
    category: str


@router.get("", operation_id="listAssets", responses=errors.responses(401, 422))
def index(visit: Anyone, limit: Limit = 50, cursor: Cursor = None) -> Page[Asset]:
    """Assets that your contracts cover or covered, by name."""
    rows = view.assets(visit.connection, after=read_name(cursor), most=limit + 1)
    return page_of(rows, limit, shown=to_schema, key=lambda row: (row.name,))


@router.get("/{asset}", operation_id="getAsset", responses=errors.responses(401, 404))
def one(visit: Anyone, asset: str) -> AssetDetail:
    """One asset."""
    row = found(visit, asset)
    return AssetDetail(
        **to_schema(row).model_dump(),
        registers=[_register(one) for one in view.registers(visit.connection, [row.id])],
        coverage=_coverage(visit, row.id),
    )


@router.get("/{asset}/readings", operation_id="listReadings", responses=errors.responses(401, 404, 422))
def readings(  # the question has as many parts
    visit: Anyone,
    asset: str,
    register: Annotated[str, Query(max_length=130, examples=["vehicle/odometer"])],
    since: Since,
    before: Before,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Page[Reading]:
    """Readings of one register, oldest first, from the time in which your contract covers the asset."""
    row = found(visit, asset)
    served = served_by(visit, row, register)
    start = since if cursor is None else read_cursor(cursor, [datetime])[0]
    if not isinstance(start, datetime) or start < since:
        raise InvalidQuestion("the cursor belongs to another `since`")
    rows = view.readings(visit.connection, row.id, path=register, since=start, before=before, most=limit + 1)
    items = [
        Reading(
            at=one.at,
            value=_value(one.value, served),
            unit=served.unit,
            device=one.device,
            received_at=one.received_at,
            raw=one.raw,
            time_status=one.time_status,
        )
        for one in rows[:limit]
    ]
    return Page(items=items, next_cursor=_after(rows[limit].at) if len(rows) > limit else None)


@router.get("/{asset}/states", operation_id="listStates", responses=errors.responses(401, 404, 422))
def states(
    visit: Anyone,
    asset: str,
    since: Since,
    before: Before,
    register: Annotated[str, Query(max_length=130)] = "vehicle/state",
    as_of: AsOf = None,
) -> list[State]:
    """What the devices said of the state, as spans; at most 92 days at once."""
    row = found(visit, asset)
    if not since < before <= since + LONGEST:
        raise InvalidQuestion("`before` must come after `since`, by at most 92 days")
    served = served_by(visit, row, register)
    silence = served.silence or before - since
    need = StateNeed(row.name, register, micros(since), micros(before), silence // timedelta(microseconds=1))
    known = question.known(visit.connection, as_of, now=visit.at)
    (said,) = view.states(visit.connection, [need], known=known)
    return [State(from_=instant(one.start), to=instant(one.end), category=one.category) for one in said]


def found(visit: Visit, public_id: str) -> AssetView:
    """The asset as far as the viewer may see it. Raises NotFound."""
    row = view.asset(visit.connection, public_id)
    if row is None:
        raise NotFound("no asset of yours has this id; GET /v1/assets lists them")
    return row


def to_schema(row: AssetView) -> Asset:
    """As the API shows an asset."""
    return Asset(id=row.public_id, name=row.name, kind=row.kind, site=row.site, last_reading_at=row.last_reading_at)


def _after(at: datetime) -> str:
    return cursor(at)


def served_by(visit: Visit, row: AssetView, path: str) -> RegisterView:
    """The last register on a path of the asset. Raises InvalidQuestion."""
    served = view.registers(visit.connection, [row.id], path=path)
    if not served:
        known = sorted({one.path for one in view.registers(visit.connection, [row.id])})
        raise InvalidQuestion(f"this asset has no such register; it has {', '.join(known) or 'none'}")
    return served[-1]


def _register(row: RegisterView) -> Register:
    return Register(
        path=row.path,
        device=row.device,
        kind=row.kind,
        unit=row.unit,
        resolution=decimal_text(row.resolution),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        last_at=row.last_at,
        last_value=None if row.last_value is None else _value(row.last_value, row),
    )


def _value(ticks: int, register: RegisterView) -> str:
    if register.kind == "state":
        return str(ticks)
    exact = from_ticks(ticks, resolution=register.resolution, register_unit=register.unit)
    return decimal_text(exact.magnitude)


def _coverage(visit: Visit, asset_id: int) -> list[Coverage]:
    rows = contract_view.covered_by(visit.connection, asset_id)
    known = contract_view.contracts_by_key(visit.connection, {row.contract for row in rows})
    return [
        Coverage(
            contract=known[row.contract].public_id,
            contract_name=known[row.contract].name,
            group=row.group,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
        )
        for row in rows
    ]
