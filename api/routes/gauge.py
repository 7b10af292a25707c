"""Gauges of an asset by grain: what they showed, lowest, highest, last and on the mean."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api import errors
from api.errors import InvalidQuestion
from api.question import Zone
from api.routes.asset import Before, Since
from api.routes.asset_use import REFUSALS, ByGrain, Question, Stretch, ask, covered, names
from api.visit import Anyone, Visit
from core.canonical import decimal_text, fraction_text
from ingest.store import level, mean, view
from ingest.store.counter import MixedTicks
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
    rows: list[LevelShown]


@router.get("/{asset}/levels", operation_id="getLevels", responses=errors.responses(*REFUSALS))
def levels(  # the question has as many parts
    visit: Anyone,
    asset: str,
    register: Annotated[str, Query(max_length=130, examples=["vehicle/fuel"])],
    since: Since,
    before: Before,
    grain: ByGrain = "hour",
    timezone: Zone = None,
) -> Levels:
    """What a gauge showed in each stretch, lowest, highest, last and mean, while your contracts cover the asset."""
    asked = ask(visit, asset, since, before, grain, timezone)
    served = _gauges(visit, asked, register)
    try:
        shown = level.load(visit.connection, served, asked.cuts, known=asked.known, statement=level.VISIBLE)
    except MixedTicks as error:
        raise InvalidQuestion(str(error)) from None
    means = _means(visit, asked, served)
    return Levels(
        asset=asked.row.public_id,
        register=register,
        unit=served[-1].unit,
        timezone=asked.timezone,
        grain=grain,
        rows=[_level(*one) for one in zip(shown, means, strict=True)],
    )


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
    spans = [(cuts[0], cuts[-1]) for cuts in covered(visit, asked.row, asked.cuts)]
    if not spans:
        return [mean.Mean(None, Fraction(0)) for _ in asked.cuts[1:]]
    return mean.load(
        visit.connection, served, asked.cuts, known=asked.known, until=visit.at, spans=spans, source=mean.VISIBLE
    )
