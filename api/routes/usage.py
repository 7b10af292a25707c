"""Usage: what the counters of contracts counted, by any grain and grouping."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api import errors, grouping, question, usage
from api.grouping import Grouping, Sum
from api.paging import cursor, read_name
from api.question import AsOf, Zone
from api.routes import contract as contract_route
from api.visit import MoneyReader
from core.canonical import fraction_text

router = APIRouter(prefix="/v1/usage", tags=["usage"])
AfterKey = Annotated[str | None, Query(alias="cursor", max_length=600, description="`next_cursor` of the page before.")]


class Used(BaseModel):
    """What was used in `[starts_at, ends_at)` while a contract covered it; quantity = measured + estimated.

    It counts as estimated where a boundary lies in a silence so long that the value before it was taken, or where the
    contract lets an estimate count.
    """

    key: str = Field(description="Of the grouping: an asset's name, a site, a contract's name …")
    asset: str | None = Field(description="Name of the asset; null for other groupings.")
    starts_at: datetime
    ends_at: datetime
    quantity: str
    measured_quantity: str
    estimated_quantity: str
    estimated: bool


class Usage(BaseModel):
    """What a measure counted. Quantities are exact; stretches start where the grain says, in the zone named.

    Whatever the grain and grouping, rows sum to the same. A page holds all rows of its keys.
    """

    contract: str | None
    measure: str
    unit: str
    timezone: str
    grain: str
    group_by: str
    known: int = Field(description="Ask with it as `as_of` for the same answer, of the same coverage.")
    rows: list[Used]
    next_cursor: str | None = Field(default=None, description="Hand this in as `cursor` for the next keys.")


@router.get("", operation_id="getUsage", responses=errors.responses(401, 403, 404, 422))
def index(  # noqa: PLR0913, PLR0917 - the question has as many parts
    visit: MoneyReader,
    first: Annotated[date, Query(description="First day.")],
    last: Annotated[date, Query(description="Last day, included.")],
    contract: Annotated[
        str | None, Query(description="Id of a contract; without it all that have the measure.")
    ] = None,
    measure: Annotated[
        str | None, Query(description="Name of a measure; the first counter of the contract if left out.")
    ] = None,
    asset: Annotated[str | None, Query(description="Name of an asset; all if left out.")] = None,
    grain: Literal["hour", "day", "week", "month", "quarter", "year", "period"] = "day",
    group_by: Grouping = "asset",
    timezone: Zone = None,
    after: AfterKey = None,
    as_of: AsOf = None,
) -> Usage:
    """What covered assets used, by grain in the contract's zone or another, and by asset or other groups.

    The grain `period` is the contract's billing period. An answer has at most 20,000 rows; further keys come with
    `next_cursor`.
    """
    connection, row = visit.connection, contract_route.found(visit, contract) if contract else None
    of = grouping.measured(connection, row, measure)
    local = question.where(timezone, grouping.zone_of(of))
    start, end = question.days(first, last, local)
    if grain == "period":
        cuts = grouping.periods(connection, of, start, end)
    else:
        cuts = question.stretches(start, end, grain, local)
    claims = grouping.claims(connection, of, cuts, group_by, asset)
    some, further = grouping.page(claims, len(cuts) - 1, None if after is None else read_name(after))
    known = question.known(connection, as_of, now=visit.at)
    cells = grouping.cells(some, cuts, lambda needs: usage.each(connection, needs, known=known))
    return Usage(
        contract=of[0].contract.public_id if contract else None,
        measure=of[0].measure.measure,
        unit=of[0].measure.unit or "",
        timezone=str(local),
        grain=grain,
        group_by=group_by,
        known=known,
        rows=[_row(one, cuts, named=group_by == "asset") for one in grouping.sums(cells)],
        next_cursor=None if further is None else cursor(further),
    )


def _row(one: Sum, cuts: Sequence[datetime], *, named: bool) -> Used:
    return Used(
        key=one.key,
        asset=one.key if named else None,
        starts_at=cuts[one.number],
        ends_at=cuts[one.number + 1],
        quantity=fraction_text(one.measured + one.estimated),
        measured_quantity=fraction_text(one.measured),
        estimated_quantity=fraction_text(one.estimated),
        estimated=one.some_estimated,
    )
