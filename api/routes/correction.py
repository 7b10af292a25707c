"""For operators: readings that are corrected, and correcting them."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Engine

from api import errors
from api.command import Worker
from api.errors import InvalidQuestion
from api.paging import Cursor, InvalidCursor, Limit, Page, page_of, read_cursor
from api.visit import Operator, Visit, WritingOperator
from core.database import transaction
from ingest.correction import run
from ingest.correction.run import CannotCorrect, Corrected, Wanted
from ingest.store import override
from ingest.store.override import FIRST, Key, Listed

router = APIRouter(prefix="/v1/corrections", tags=["ingest"])
Text = Annotated[str, Field(min_length=1, max_length=500)]


class Correction(BaseModel):
    """A correction of a reading. `value`: null where nothing counts; a state's is its code. `number` is its order."""

    number: int
    recorded_at: datetime | None
    path: str = Field(alias="register", examples=["tcu-nh-01/odometer"])
    at: datetime
    value: str | None
    unit: str
    author: str
    reason: str
    reverts: int | None


class Reading(BaseModel):
    """Which reading. `at` is its instant, exactly."""

    path: Annotated[str, Field(alias="register", max_length=129, examples=["tcu-nh-01/odometer"])]
    at: datetime
    reason: Text


class NewCorrection(Reading):
    """What shall count: a value with or without its unit, a state's name, or null for nothing at all."""

    value: Annotated[str, Field(max_length=100)] | None


class Done(BaseModel):
    """What counts now and before, in the register's unit (null: nothing). `number` is null if it was so already."""

    path: str = Field(alias="register")
    at: datetime
    before: str | None
    after: str | None
    unit: str
    number: int | None


@router.get("", operation_id="listCorrections", responses=errors.responses(401, 403, 422))
def index(
    visit: Operator, device: str | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[Correction]:  # fmt: skip
    """Corrections, newest first."""
    rows = override.newest(visit.connection, device=device, before=_before(cursor), most=limit + 1)
    return page_of(rows, limit, shown=_schema, key=_key)


@router.post("", operation_id="correctReading", responses=errors.responses(401, 403, 422, 503))
def correct(visit: WritingOperator, engine: Worker, wanted: NewCorrection) -> Done:
    """Let another value count for a reading that stands; asking for what counts already changes nothing."""
    return _do(visit, engine, run.correct, Wanted(wanted.path, wanted.at.isoformat(), wanted.value, wanted.reason))


@router.post("/revert", operation_id="revertCorrection", responses=errors.responses(401, 403, 422, 503))
def revert(visit: WritingOperator, engine: Worker, wanted: Reading) -> Done:
    """Take back the correction that counts: the one before it counts again, or what was received."""
    return _do(visit, engine, run.revert, Wanted(wanted.path, wanted.at.isoformat(), None, wanted.reason))


def _do(visit: Visit, engine: Engine, action: Callable[..., Corrected], wanted: Wanted) -> Done:
    try:
        with transaction(engine) as connection:
            done = action(connection, visit.at, wanted, by=visit.viewer.actor)
    except CannotCorrect as error:
        raise InvalidQuestion(str(error)) from error
    of = done.register
    before, after = (_text(ticks, of.resolution) for ticks in (done.before, done.after))
    return Done(
        register=wanted.register, at=done.at, before=before, after=after, unit=of.unit, number=done.known
    )  # fmt: skip


def _text(ticks: int | None, resolution: Decimal) -> str | None:
    return None if ticks is None else f"{ticks * resolution:f}"


def _schema(one: Listed) -> Correction:
    return Correction(
        number=one.known,
        recorded_at=one.recorded_at,
        register=f"{one.device}/{one.register}",
        at=one.at,
        value=_text(one.value, one.resolution),
        unit=one.unit,
        author=one.author,
        reason=one.reason,
        reverts=one.reverts,
    )


def _key(one: Listed) -> Key:
    return one.known, one.register_id, one.at


def _before(given: str | None) -> Key:
    if given is None:
        return FIRST
    known, register, at = read_cursor(given, [int, int, datetime])
    if not isinstance(known, int) or not isinstance(register, int) or not isinstance(at, datetime):
        raise InvalidCursor("take the cursor from `next_cursor` of the page before")
    return known, register, at
