"""Gauges of an asset by grain: what they showed, lowest, highest, last and on the mean, what was used and refilled."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api import errors
from api.errors import InvalidQuestion
from api.question import AsOf, Zone
from api.routes.asset import Before, Since
from api.routes.asset_use import REFUSALS, ByGrain, Question, Stretch, answerable, ask, covered, names
from api.visit import Anyone, Visit
from core.canonical import decimal_text, fraction_text
from ingest.store import gauge, level, mean, refill, view
from ingest.store.shown import share
from ingest.store.view import RegisterView

router = APIRouter(prefix="/v1/assets", tags=["usage"])


class LevelShown(Stretch):
    """What a gauge showed; nulls where it has no reading.

    `mean` is weighted by time: a level holds until the next reading, so it may be known where no reading is; after the
    register's silence limit nothing is known. `coverage`: the part of the stretch, as far as it is over, that is known.
    """

    readings: int
    lowest: str | None
    highest: str | None
    last: str | None
    last_at: datetime | None
    mean: str | None = Field(description="Exact; a fraction where the digits do not end.", examples=["7.95", "25/3"])
    coverage: str = Field(description="Six digits.", examples=["0.998611"])


class Levels(BaseModel):
    """A gauge by grain. Hours are at hand, so the answer costs the same however often the gauge reported."""

    asset: str
    register_path: str = Field(alias="register", examples=["vehicle/fuel"])
    unit: str
    timezone: str
    grain: str
    known: int = Field(description="Ask with it as `as_of` for the same answer.")
    rows: list[LevelShown]


class RefillShown(BaseModel):
    """The level rose beyond the refill threshold, or somebody wrote down that it was another."""

    at: datetime
    before: str
    after: str
    quantity: str


class ConsumedShown(Stretch):
    """What was used and came in, with each refill behind it; counted when it is read: `(starts_at, ends_at]`."""

    used: str
    refilled: str
    refills: list[RefillShown]


class Refills(BaseModel):
    """A gauge's consumption and refills by grain: falls beyond the noise band, rises beyond the refill threshold."""

    asset: str
    register_path: str = Field(alias="register", examples=["vehicle/fuel"])
    unit: str
    timezone: str
    grain: str
    known: int = Field(description="Ask with it as `as_of` for the same answer.")
    rows: list[ConsumedShown]


@router.get("/{asset}/levels", operation_id="getLevels", responses=errors.responses(*REFUSALS))
def levels(  # noqa: PLR0913, PLR0917 - the question has as many parts
    visit: Anyone,
    asset: str,
    register: Annotated[str, Query(max_length=130, examples=["vehicle/fuel"])],
    since: Since,
    before: Before,
    grain: ByGrain = "hour",
    timezone: Zone = None,
    as_of: AsOf = None,
) -> Levels:
    """What a gauge showed in each stretch, lowest, highest, last and mean, while your contracts cover the asset."""
    asked = ask(visit, asset, since, before, grain, timezone, as_of)
    served = _gauges(visit, asked, register)
    with answerable():
        shown = level.load(visit.connection, served, asked.cuts, known=asked.known, statement=level.VISIBLE)
    means = _means(visit, asked, served)
    return Levels(
        asset=asked.row.public_id,
        register=register,
        unit=served[-1].unit,
        timezone=asked.timezone,
        grain=grain,
        known=asked.known,
        rows=[_level(*one) for one in zip(shown, means, strict=True)],
    )


@router.get("/{asset}/refills", operation_id="getRefills", responses=errors.responses(*REFUSALS))
def refills(  # noqa: PLR0913, PLR0917 - the question has as many parts
    visit: Anyone,
    asset: str,
    register: Annotated[str, Query(max_length=130, examples=["vehicle/fuel"])],
    since: Since,
    before: Before,
    grain: ByGrain = "day",
    timezone: Zone = None,
    as_of: AsOf = None,
) -> Refills:
    """What a gauge used and took in in each stretch, with the single refills, while your contracts cover the asset."""
    asked = ask(visit, asset, since, before, grain, timezone, as_of)
    unit, spans = _gauges(visit, asked, register)[-1].unit, _spans(visit, asked)
    with answerable():
        found = refill.load(
            visit.connection,
            (asked.row.name, register),
            asked.cuts,
            known=asked.known,
            spans=spans,
            statement=gauge.VISIBLE,
        )
    return Refills(
        asset=asked.row.public_id,
        register=register,
        unit=unit,
        timezone=asked.timezone,
        grain=grain,
        known=asked.known,
        rows=[_consumed(one) for one in found],
    )


def _consumed(one: refill.Consumed) -> ConsumedShown:
    return ConsumedShown(
        starts_at=one.start,
        ends_at=one.end,
        used=fraction_text(one.used),
        refilled=fraction_text(one.refilled),
        refills=[
            RefillShown(
                at=each.at,
                before=fraction_text(each.before),
                after=fraction_text(each.after),
                quantity=fraction_text(each.after - each.before),
            )
            for each in one.refills
        ],
    )


def _spans(visit: Visit, asked: Question) -> list[tuple[datetime, datetime]]:
    """In which the viewer may know the asset; an empty one where there is none."""
    return [(cuts[0], cuts[-1]) for cuts in covered(visit, asked.row, asked.cuts)] or [(asked.cuts[0], asked.cuts[0])]


def _gauges(visit: Visit, asked: Question, path: str) -> list[RegisterView]:
    served = [one for one in view.registers(visit.connection, [asked.row.id], path=path) if one.kind == "gauge"]
    if not served:
        raise InvalidQuestion(f"this asset has no such gauge; it has {names(visit, asked.row, 'gauge')}")
    return served


def _level(one: level.Level, held: mean.Mean) -> LevelShown:
    lowest, highest, last = (
        None if value is None else decimal_text(value) for value in (one.lowest, one.highest, one.last)
    )
    return LevelShown(
        starts_at=one.start,
        ends_at=one.end,
        readings=one.readings,
        lowest=lowest,
        highest=highest,
        last=last,
        last_at=one.last_at,
        mean=None if held.mean is None else fraction_text(held.mean),
        coverage=share(held.coverage),
    )


def _means(visit: Visit, asked: Question, served: Sequence[RegisterView]) -> list[mean.Mean]:
    spans = _spans(visit, asked)
    return mean.load(
        visit.connection, served, asked.cuts, known=asked.known, until=visit.at, spans=spans, source=mean.VISIBLE
    )
