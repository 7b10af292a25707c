"""Breach reports: a missed guarantee with its evidence."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from api import errors
from api.errors import NotFound
from api.paging import Cursor, Limit, Page, page_of, read_number
from api.routes import contract as contract_route
from api.visit import MoneyReader, Visit
from billing.store import view
from billing.store.view import BreachReportView

router = APIRouter(prefix="/v1/breach-reports", tags=["breach reports"])


class BreachReportHead(BaseModel):
    """A missed guarantee; `credit` is what it is worth, on `invoice`."""

    id: str
    contract_name: str
    period: str
    clause: str
    asset: str
    obligated: str
    measured: str
    target: str
    credit: str
    currency: str
    invoice: str | None
    issued_at: datetime


class BreachReport(BreachReportHead):
    """A breach report; `document` is everything it says."""

    content_hash: str
    document: Any


@router.get("", operation_id="listBreachReports", responses=errors.responses(401, 403, 404, 422))
def index(
    visit: MoneyReader,
    contract: Annotated[str | None, Query(description="Id of a contract.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BreachReportHead]:
    """Breach reports, newest first."""
    key = contract_route.found(visit, contract).id if contract else None
    before = read_number(cursor, otherwise=2**62)
    rows = view.breach_reports(visit.connection, contract=key, before=before, most=limit + 1)
    return page_of(rows, limit, shown=_head, key=lambda row: (row.id,))


@router.get("/{report}", operation_id="getBreachReport", responses=errors.responses(401, 403, 404))
def one(visit: MoneyReader, report: str, response: Response) -> BreachReport:
    """One breach report; it never changes."""
    row = found(visit, report)
    response.headers["ETag"] = f'"{row.content_hash}"'
    return BreachReport(**_head(row).model_dump(), content_hash=row.content_hash, document=row.document)


def found(visit: Visit, public_id: str) -> BreachReportView:
    """The report as far as the viewer may see it. Raises NotFound."""
    row = view.breach_report(visit.connection, public_id)
    if row is None:
        raise NotFound("no breach report of yours has this id; GET /v1/breach-reports lists them")
    return row


def _head(row: BreachReportView) -> BreachReportHead:
    said = row.document
    return BreachReportHead(
        id=row.public_id,
        contract_name=said["contract"],
        **{name: said[name] for name in ("period", "clause", "asset", "obligated", "measured", "target")},
        credit=said["credit"],
        currency=said["currency"],
        invoice=row.invoice,
        issued_at=row.issued_at,
    )
