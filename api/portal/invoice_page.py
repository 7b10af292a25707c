"""Invoices: the list, and one with why each line is what it is."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.evaluation import verdicts
from api.paging import Cursor, cursor, read_number
from api.portal.context import ContractChoice, First, choose, shown
from api.routes.invoice import found
from api.visit import MoneyReader
from billing.store import view
from contracts.store import view as contract_view
from core.time import zone

router = APIRouter(prefix="/portal/invoices")
PAGE = 50
# Categories of EN 16931.
CATEGORIES = {
    "S": "Standard rate",
    "Z": "Zero rate",
    "E": "Exempt",
    "AE": "Reverse charge",
    "K": "Within the EU",
    "G": "Export",
    "O": "Outside scope",
}


@router.get("")
def invoices_page(
    request: Request, visit: MoneyReader, contract: ContractChoice = None, cursor: Cursor = None
) -> Response:
    """All invoices, newest first, and the newest breach reports."""
    choice = choose(visit, contract) if contract else None
    key = choice.contract.id if choice else None
    rows = view.invoices(visit.connection, contract=key, before=read_number(cursor, otherwise=2**62), most=PAGE + 1)
    return shown(
        request,
        visit,
        "invoices.html",
        invoices=rows[:PAGE],
        names=contract_view.contracts_by_key(visit.connection, {row.contract for row in rows}),
        contract=contract,
        after=_after(rows[PAGE - 1].id) if len(rows) > PAGE else None,
        reports=view.breach_reports(visit.connection, contract=key, most=PAGE) if cursor is None else [],
    )


@router.get("/{invoice}")
def invoice_page(
    request: Request,
    visit: MoneyReader,
    invoice: str,
    first: First = 0,
    line: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    """One invoice, 50 lines on a page."""
    row = found(visit, invoice)
    document = row.document
    start = (line - 1) // PAGE * PAGE if line else first
    reports = view.breach_reports(visit.connection, invoice=row.id, most=1000)
    judged = [one for one in verdicts(document["verdicts"]) if one.kind == "availability"]
    return shown(
        request,
        visit,
        "invoice.html",
        invoice=row,
        zone=zone(document["timezone"]),
        last_day=(row.service_end - timedelta(microseconds=1)).astimezone(zone(document["timezone"])).date(),
        lines=document["lines"][start : start + PAGE],
        first=start,
        categories=CATEGORIES,
        opened=line,
        reports={(one.document["asset"], one.document["clause"]): one.public_id for one in reports},
        other=judged[:PAGE],
    )


def _after(key: int) -> str:
    return cursor(key)
