"""Usage: what the counters of contracts counted, by any grain and grouping."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api import errors, question, usage
from api.errors import InvalidQuestion
from api.paging import cursor, read_name
from api.question import MOST_ROWS, Zone
from api.routes import contract as contract_route
from api.visit import MoneyReader, Visit
from contracts.document import Measure
from contracts.store import view as contract_view
from contracts.store.view import ContractView, CoverageView
from core.canonical import fraction_text
from core.store import current_knowledge
from core.time import micros
from core.units import IncompatibleUnits, factor
from ingest.store import view
from ingest.store.view import AssetView

router = APIRouter(prefix="/v1/usage", tags=["usage"])
MOST_WORK = 100_000
"""Boundary values of one group."""
MOST_CONTRACTS, MOST_PERIODS = 100, 1_200
AfterKey = Annotated[str | None, Query(alias="cursor", max_length=600, description="`next_cursor` of the page before.")]
Grouping = Literal["asset", "group", "site", "kind", "contract", "customer"]


class Used(BaseModel):
    """What was used in `[starts_at, ends_at)` while a contract covered it; quantity = measured + estimated.

    It counts as estimated where a boundary lies in a silence so long that the value before it was taken.
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
    rows: list[Used]
    next_cursor: str | None = Field(default=None, description="Hand this in as `cursor` for the next keys.")


@dataclass(frozen=True, slots=True)
class _Measured:
    """A contract and its counter. share: of one of its units in the answer's."""

    contract: ContractView
    measure: Measure
    share: Fraction


class _Claim(NamedTuple):
    """An asset over a time in which a contract covers it, and the group that it counts for."""

    key: str
    of: _Measured
    covered: CoverageView


class _Cell(NamedTuple):
    key: str
    number: int
    quantity: Fraction
    estimated: bool


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
) -> Usage:
    """What covered assets used, by grain in the contract's zone or another, and by asset or other groups.

    The grain `period` is the contract's billing period. An answer has at most 20,000 rows; further keys come with
    `next_cursor`.
    """
    of = _measured(visit, contract, measure)
    local = question.where(timezone, _zone(of))
    start, end = question.days(first, last, local)
    cuts = _periods(visit, of, start, end) if grain == "period" else question.stretches(start, end, grain, local)
    claims = _claims(visit, of, cuts, group_by, asset)
    page, further = _page(claims, len(cuts) - 1, after)
    cells = _counted(visit, page, cuts)
    return Usage(
        contract=of[0].contract.public_id if contract else None,
        measure=of[0].measure.measure,
        unit=of[0].measure.unit or "",
        timezone=str(local),
        grain=grain,
        group_by=group_by,
        rows=_rows(cells, cuts, named=group_by == "asset"),
        next_cursor=further,
    )


def _measured(visit: Visit, contract: str | None, name: str | None) -> list[_Measured]:
    """The contract asked for, else all that have such a counter. Raises NotFound, InvalidQuestion."""
    if contract is not None:
        row = contract_route.found(visit, contract)
        return [_Measured(row, _measure(visit, row, name), Fraction(1))]
    if name is None:
        raise InvalidQuestion("name a `contract`, or a `measure` to sum over contracts")
    rows = contract_view.contracts(visit.connection, most=MOST_CONTRACTS + 1)
    if len(rows) > MOST_CONTRACTS:
        raise InvalidQuestion(f"more than {MOST_CONTRACTS} contracts are too many for one answer; ask by `contract`")
    counters = ((row, usage.measures(contract_view.versions(visit.connection, row.id))) for row in rows)
    found = [(row, one) for row, known in counters for one in known if one.measure == name]
    if not found:
        raise InvalidQuestion("no contract of yours has a counter of this name; GET /v1/contracts/{id}/versions tells")
    unit = found[0][1].unit or ""
    return [_Measured(row, one, _share(row, one, unit)) for row, one in found]


def _share(row: ContractView, measure: Measure, unit: str) -> Fraction:
    try:
        return factor(measure.unit or "", unit)
    except IncompatibleUnits:
        counts = f"contract {row.name} counts {measure.measure} in {measure.unit}, another in {unit}"
        raise InvalidQuestion(f"{counts}; ask by `contract`") from None


def _measure(visit: Visit, row: ContractView, name: str | None) -> Measure:
    known = usage.measures(contract_view.versions(visit.connection, row.id))
    for one in known:
        if name in (None, one.measure):
            return one
    raise InvalidQuestion(f"this contract counts {', '.join(one.measure for one in known) or 'nothing'}")


def _zone(of: Sequence[_Measured]) -> str:
    zones = {one.contract.timezone for one in of}
    return zones.pop() if len(zones) == 1 else "UTC"


def _periods(visit: Visit, of: Sequence[_Measured], start: datetime, end: datetime) -> list[datetime]:
    """The span, cut where billing periods begin and end. Raises InvalidQuestion."""
    if len(of) > 1:
        raise InvalidQuestion("contracts have periods of their own; name a `contract`, or ask by month")
    periods = contract_view.periods(visit.connection, of[0].contract.id, most=MOST_PERIODS)
    edges = {at for one in periods for at in (one.starts_at, one.ends_at)}
    return [start, *sorted(at for at in edges if start < at < end), end]


def _claims(
    visit: Visit, of: Sequence[_Measured], cuts: Sequence[datetime], group_by: Grouping, asset: str | None
) -> list[_Claim]:
    """By key. Raises InvalidQuestion if an asset is not among them."""
    by_contract = {one.contract.id: one for one in of}
    covered = contract_view.coverage(visit.connection, list(by_contract), start=cuts[0], end=cuts[-1])
    if asset is not None:
        covered = [one for one in covered if one.name == asset]
        if not covered:
            raise InvalidQuestion("no contract here covers an asset of this name in that time")
    assets = view.assets_by_key(visit.connection, {one.asset for one in covered})
    claims = [_Claim(_key(group_by, one, by_contract, assets), by_contract[one.contract], one) for one in covered]
    return sorted(claims, key=lambda claim: claim.key)


def _key(
    group_by: Grouping, one: CoverageView, of: Mapping[int, _Measured], assets: Mapping[int, AssetView]
) -> str:  # fmt: skip
    contract, asset = of[one.contract].contract, assets.get(one.asset)
    return {
        "asset": one.name,
        "group": one.group or "",
        "site": asset.site if asset else "",
        "kind": asset.kind if asset else "",
        "contract": contract.name,
        "customer": contract.customer,
    }[group_by]


def _page(claims: Sequence[_Claim], stretches: int, after: str | None) -> tuple[list[_Claim], str | None]:
    """The claims of as many keys as an answer holds, and the cursor of the next. Raises InvalidQuestion."""
    last = None if after is None else read_name(after)
    left = [one for one in claims if last is None or one.key > last]
    page: list[_Claim] = []
    for keys, (key, group) in enumerate(groupby(left, key=lambda one: one.key), start=1):
        some = list(group)
        if len(some) * stretches > MOST_WORK:
            raise InvalidQuestion(
                f"{len(some):,} assets of {key or 'no group'} times {stretches:,} stretches are more than one answer "
                f"computes, {MOST_WORK:,}; ask for a coarser grain, a shorter time, or by asset"
            )
        if page and (keys * stretches > MOST_ROWS or (len(page) + len(some)) * stretches > MOST_WORK):
            return page, cursor(page[-1].key)
        page += some
    return page, None


def _counted(visit: Visit, claims: Sequence[_Claim], cuts: Sequence[datetime]) -> list[_Cell]:
    """What each claim counted in each stretch, within its coverage."""
    known = current_knowledge(visit.connection)
    needs = [usage.need(one.covered.name, one.of.measure, _within(one.covered, cuts)) for one in claims]
    return [
        _Cell(claim.key, bisect_right(cuts, one.start) - 1, one.quantity * claim.of.share, one.carried)
        for claim, used in zip(claims, usage.each(visit.connection, needs, known=known), strict=True)
        for one in used
    ]


def _within(covered: CoverageView, cuts: Sequence[datetime]) -> tuple[int, ...]:
    start = max(cuts[0], covered.starts_at or cuts[0])
    end = min(cuts[-1], covered.ends_at or cuts[-1])
    return tuple(micros(at) for at in (start, *(at for at in cuts if start < at < end), end))


def _rows(cells: Iterable[_Cell], cuts: Sequence[datetime], *, named: bool) -> list[Used]:
    """Sums by key and stretch."""
    stretches, rows = list(pairwise(cuts)), []
    for (key, number), group in groupby(sorted(cells, key=lambda one: one[:2]), key=lambda one: one[:2]):
        some = list(group)
        measured, estimated = (
            sum((one.quantity for one in some if one.estimated is carried), Fraction(0)) for carried in (False, True)
        )
        rows.append(
            Used(
                key=key,
                asset=key if named else None,
                starts_at=stretches[number][0],
                ends_at=stretches[number][1],
                quantity=fraction_text(measured + estimated),
                measured_quantity=fraction_text(measured),
                estimated_quantity=fraction_text(estimated),
                estimated=any(one.estimated for one in some),
            )
        )
    return rows
