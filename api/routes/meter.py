"""How meters stand: what nobody can count, how complete readings are, and who is silent."""

from datetime import datetime, timedelta
from fractions import Fraction

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api import errors, question
from api.errors import InvalidQuestion
from api.question import AsOf
from api.routes.asset import Before, Since, found
from api.visit import Anyone, Operator, Visit
from core.canonical import fraction_text
from ingest.store import completeness, hold, meter, view

router = APIRouter(prefix="/v1", tags=["assets"])
LONGEST = timedelta(days=92)


class Stretch(BaseModel):
    """`[from, to)`."""

    from_: datetime = Field(alias="from", serialization_alias="from")
    to: datetime


class Hold(Stretch):
    """A stretch that a counter cannot explain: nothing of it is billed until somebody decides."""

    hold: str = Field(description="Names it for `yardstick meters release`.")
    path: str = Field(examples=["vehicle/odometer"])
    device: str
    reason: str = Field(examples=["counter_fell", "above_max_rate"])
    before: str = Field(description="What the counter showed at its start.")
    after: str = Field(description="What it showed at its end.")
    unit: str


class RegisterCoverage(BaseModel):
    """How complete a register's readings are; expected is null where nobody declared how often it reports."""

    path: str
    device: str
    received: int
    expected: int | None
    coverage: str = Field(description="Part of the time without a gap, six digits.", examples=["0.998611"])
    gaps: list[Stretch]


class Clock(BaseModel):
    """How long after they were taken a device's readings arrived. The least is near the delay of the line.

    Seconds, to the microsecond. Below zero the device's clock is ahead.
    """

    device: str
    time_status: str | None = Field(
        description="What it said of its clock with them: U unknown, I informative, S synchronised, R relative.",
        examples=["S"],
    )
    readings: int
    least: str = Field(examples=["-2.5"])
    middle: str = Field(examples=["1"])
    most: str


class Silence(BaseModel):
    """A register that has said nothing for longer than it may."""

    device: str
    asset: str
    path: str
    last_at: datetime | None
    limit_seconds: int


@router.get("/assets/{asset}/holds", operation_id="listHolds", responses=errors.responses(401, 404, 422))
def holds(visit: Anyone, asset: str, since: Since, before: Before, as_of: AsOf = None) -> list[Hold]:
    """Stretches of this asset's counters that wait for a decision; at most 92 days at once."""
    row = found(visit, asset)
    _check(since, before)
    known = question.known(visit.connection, as_of, now=visit.at)
    waiting = hold.find(visit.connection, start=since, end=before, known=known, asset=row.name, source=view.COUNTERS)
    return [Hold.model_validate(meter.hold_json(one)) for one in waiting]


@router.get("/assets/{asset}/coverage", operation_id="getCoverage", responses=errors.responses(401, 404, 422))
def coverage(visit: Anyone, asset: str, since: Since, before: Before, as_of: AsOf = None) -> list[RegisterCoverage]:
    """How complete each register's readings are, of devices that you may know at both ends; at most 92 days at once."""
    row = found(visit, asset)
    _check(since, before)
    known = question.known(visit.connection, as_of, now=visit.at)
    rows = meter.heard_of(
        visit.connection, row.name, start=since, end=before, known=known, statement=completeness.VISIBLE
    )
    return [RegisterCoverage.model_validate(one) for one in rows]


@router.get("/assets/{asset}/clocks", operation_id="listClocks", responses=errors.responses(401, 404, 422))
def clocks(visit: Anyone, asset: str, since: Since, before: Before, as_of: AsOf = None) -> list[Clock]:
    """Whose clock to trust: by device that served this asset, and by what it said of its clock; at most 92 days."""
    row = found(visit, asset)
    _check(since, before)
    known = question.known(visit.connection, as_of, now=visit.at)
    rows = completeness.visible_skew(visit.connection, row.id, start=since, end=before, known=known)
    return [
        Clock(
            device=one.device,
            time_status=one.status or None,
            readings=one.readings,
            least=_seconds(one.least),
            middle=_seconds(one.middle),
            most=_seconds(one.most),
        )
        for one in rows
    ]


@router.get("/silent", operation_id="listSilent", responses=errors.responses(401, 403))
def silent(visit: Operator) -> list[Silence]:
    """Registers that should have spoken by now, by device. An alarm is raised for each silence once."""
    return silences(visit)


def silences(visit: Visit) -> list[Silence]:
    """The same for a page."""
    return [
        Silence(
            device=one.device,
            asset=one.asset,
            path=one.path,
            last_at=one.last_at,
            limit_seconds=one.limit // timedelta(seconds=1),
        )
        for one in completeness.silent(visit.connection, visit.at)
    ]


def _seconds(took: timedelta) -> str:
    return fraction_text(Fraction(took // timedelta(microseconds=1), 1_000_000))


def _check(since: datetime, before: datetime) -> None:
    if not since < before <= since + LONGEST:
        raise InvalidQuestion("`before` must come after `since`, by at most 92 days")
