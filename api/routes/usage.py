"""Usage: what the counters of a contract counted, by day or month."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api import errors, usage
from api.errors import InvalidQuestion
from api.routes import contract as contract_route
from api.visit import MoneyReader, Visit
from contracts.document import Measure
from contracts.store import view as contract_view
from contracts.store.view import ContractView, CoverageView
from core.canonical import fraction_text
from core.store import current_knowledge
from core.time import midnight, zone

router = APIRouter(prefix="/v1/usage", tags=["usage"])
MOST_CELLS = 20_000


class Used(BaseModel):
    """What one asset used in `[starts_at, ends_at)`. `estimated`: a boundary lies in a long silence, or some is."""

    asset: str
    starts_at: datetime
    ends_at: datetime
    quantity: str
    estimated: bool


class Usage(BaseModel):
    """What a measure counted. Quantities are exact; stretches start at local midnights of the contract's zone."""

    contract: str
    measure: str
    unit: str
    timezone: str
    grain: str
    rows: list[Used]


@router.get("", operation_id="getUsage", responses=errors.responses(401, 403, 404, 422))
def index(  # the question has as many parts
    visit: MoneyReader,
    contract: Annotated[str, Query(description="Id of a contract.")],
    first: Annotated[date, Query(description="First day.")],
    last: Annotated[date, Query(description="Last day, included.")],
    measure: Annotated[str | None, Query(description="Name of a measure; the first counter if left out.")] = None,
    asset: Annotated[str | None, Query(description="Name of an asset; all if left out.")] = None,
    grain: Literal["day", "month"] = "day",
) -> Usage:
    """What each covered asset used, by day or month."""
    row = contract_route.found(visit, contract)
    counted = _measure(visit, row, measure)
    instants = _instants(row, first, last, grain)
    covered = _covered(visit, row, asset, instants)
    if len(covered) * len(instants) > MOST_CELLS:
        raise InvalidQuestion(f"{len(covered)} assets times {len(instants) - 1} stretches is too much; ask for less")
    names, known = {one.name for one in covered}, current_knowledge(visit.connection)
    found = usage.between(visit.connection, names, counted, instants, known=known)
    return Usage(
        contract=row.public_id,
        measure=counted.measure,
        unit=counted.unit or "",
        timezone=row.timezone,
        grain=grain,
        rows=[
            Used(
                asset=one.asset,
                starts_at=one.start,
                ends_at=one.end,
                quantity=fraction_text(one.quantity),
                estimated=one.carried,
            )
            for one in found
        ],
    )


def _measure(visit: Visit, row: ContractView, name: str | None) -> Measure:
    known = usage.measures(contract_view.versions(visit.connection, row.id))
    for one in known:
        if name in (None, one.measure):
            return one
    raise InvalidQuestion(f"this contract counts {', '.join(one.measure for one in known) or 'nothing'}")


def _instants(row: ContractView, first: date, last: date, grain: str) -> list[datetime]:
    if not first <= last <= first + timedelta(days=400) or not 2000 <= first.year < 2099:  # noqa: PLR2004
        raise InvalidQuestion("`last` must not come before `first`, nor more than 400 days after it")
    where = zone(row.timezone)
    if grain == "month":
        return usage.months(first, last, where)
    return usage.days(midnight(first, where), midnight(last + timedelta(days=1), where), where)


def _covered(visit: Visit, row: ContractView, asset: str | None, instants: list[datetime]) -> list[CoverageView]:
    covered = contract_view.coverage(visit.connection, [row.id], start=instants[0], end=instants[-1])
    if asset is None:
        return covered
    found = [one for one in covered if one.name == asset]
    if not found:
        raise InvalidQuestion("the contract does not cover an asset of this name in that time")
    return found
