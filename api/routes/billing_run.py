"""Billing runs: how far the invoices of a period are."""

from datetime import date, datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api import errors
from api.errors import NotFound
from api.paging import Cursor, Limit, Page, cursor, read_number
from api.visit import FinancePerson
from billing.store import view
from billing.store.view import RunView

router = APIRouter(prefix="/v1/billing-runs", tags=["billing runs"])


class BillingRun(BaseModel):
    """A run over all contracts of an entity for one period. `net` is the sum of its drafts if they share a currency."""

    id: str
    period: str
    starts_at: datetime
    ends_at: datetime
    state: str = Field(examples=["in_review", "issued"])
    revision: int
    drafts: int
    blocked: int
    invoices: int
    net: str | None
    currency: str | None
    hash: str | None
    created_at: datetime
    created_by: str
    approved_at: datetime | None
    approved_by: str | None
    issue_date: date | None


@router.get("", operation_id="listBillingRuns", responses=errors.responses(401, 403, 422))
def index(visit: FinancePerson, limit: Limit = 50, cursor: Cursor = None) -> Page[BillingRun]:
    """Billing runs, newest first."""
    rows = view.runs(visit.connection, before=read_number(cursor, otherwise=2**62), most=limit + 1)
    return _page(rows, limit)


@router.get("/{run}", operation_id="getBillingRun", responses=errors.responses(401, 403, 404))
def one(visit: FinancePerson, run: str) -> BillingRun:
    """One billing run."""
    row = view.run(visit.connection, run)
    if row is None:
        raise NotFound("no billing run of yours has this id; GET /v1/billing-runs lists them")
    return _schema(row)


def _page(rows: list[RunView], limit: int) -> Page[BillingRun]:
    more = len(rows) > limit
    return Page(items=[_schema(row) for row in rows[:limit]], next_cursor=cursor(rows[limit - 1].id) if more else None)


def _schema(row: RunView) -> BillingRun:
    same = ("starts_at", "ends_at", "state", "revision", "drafts", "blocked", "invoices", "currency", "hash")
    who = ("created_at", "created_by", "approved_at", "approved_by", "issue_date")
    return BillingRun(
        id=row.public_id,
        period=row.label,
        net=None if row.net is None else f"{row.net:f}",
        **{name: getattr(row, name) for name in (*same, *who)},
    )
