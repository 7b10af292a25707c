"""Invoices: issued documents, and why each line is what it is."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api import download, errors
from api.errors import NotFound
from api.evaluation import Step, Verdict
from api.paging import Cursor, Limit, Page, cursor, page_of, read_number
from api.routes import contract as contract_route
from api.visit import MoneyReader, Visit
from billing.bundle import evaluation_of
from billing.store import view
from billing.store.view import InvoiceView, LineView
from contracts.store import view as contract_view

router = APIRouter(prefix="/v1/invoices", tags=["invoices"])


class InvoiceHead(BaseModel):
    """An invoice as lists show it. Amounts are exact, of `currency`."""

    id: str
    number: str
    kind: str
    contract: str
    contract_name: str
    period: str
    issue_date: date
    due_date: date
    currency: str
    net: str
    tax: str
    gross: str


class Invoice(InvoiceHead):
    """An issued invoice. `document` is everything printed; `chain_hash` binds it to the one before in its series."""

    service_start: datetime
    service_end: datetime
    issued_at: datetime
    content_hash: str
    previous_hash: str
    chain_hash: str
    document: Any


class InvoiceLine(BaseModel):
    """A line of an invoice; a credit is negative."""

    n: int
    id: str = Field(description="Stable over revisions of the period.")
    clause: str
    kind: str
    asset: str
    text: str
    quantity: str | None
    unit: str | None
    amount: str
    currency: str
    tax_category: str
    tax_rate: str = Field(description="Percent.")
    service_start: datetime
    service_end: datetime


class Counted(BaseModel):
    """What a quantity rests on: a device's register at both ends of a stretch."""

    asset: str
    register_: str = Field(alias="register")
    device: str
    from_: datetime = Field(alias="from")
    to: datetime
    opening: str
    closing: str
    removed: str
    use: str
    unit: str
    opening_quality: str
    closing_quality: str


class Explanation(BaseModel):
    """Why a line is what it is: the clause in words, the steps, the readings, and the evaluation it comes from."""

    line: InvoiceLine
    sentence: str
    steps: list[Step]
    evidence: list[Counted]
    verdict: Verdict | None
    evaluation: str
    result_hash: str


@router.get("", operation_id="listInvoices", responses=errors.responses(401, 403, 404, 422))
def index(
    visit: MoneyReader,
    contract: Annotated[str | None, Query(description="Id of a contract.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[InvoiceHead]:
    """Issued invoices, newest first."""
    key = contract_route.found(visit, contract).id if contract else None
    before = read_number(cursor, otherwise=2**62)
    rows = view.invoices(visit.connection, contract=key, before=before, most=limit + 1)
    return _page(visit, rows, limit)


@router.get("/{invoice}", operation_id="getInvoice", responses=errors.responses(401, 403, 404))
def one(visit: MoneyReader, invoice: str, response: Response) -> Invoice:
    """One invoice; it never changes."""
    row = found(visit, invoice)
    response.headers["ETag"] = f'"{row.chain_hash}"'
    head = _heads(visit, [row])[0]
    return Invoice(
        **head.model_dump(),
        service_start=row.service_start,
        service_end=row.service_end,
        issued_at=row.issued_at,
        content_hash=row.content_hash,
        previous_hash=row.previous_hash,
        chain_hash=row.chain_hash,
        document=row.document,
    )


@router.get("/{invoice}/lines", operation_id="listInvoiceLines", responses=errors.responses(401, 403, 404, 422))
def lines(visit: MoneyReader, invoice: str, limit: Limit = 50, cursor: Cursor = None) -> Page[InvoiceLine]:
    """The lines of an invoice, in print order."""
    row = found(visit, invoice)
    rows = view.lines(visit.connection, row.id, after=read_number(cursor, otherwise=0), most=limit + 1)
    return page_of(rows, limit, shown=_line, key=lambda row: (row.n,))


@router.get("/{invoice}/lines.csv", operation_id="downloadInvoiceLines", responses=errors.responses(401, 403, 404))
def lines_as_csv(visit: MoneyReader, invoice: str) -> Response:
    """All lines with the readings they rest on, as CSV (RFC 4180, UTF-8)."""
    row = found(visit, invoice)
    return download.csv(download.invoice_csv(row.document), name=f"{row.number}.csv")


@router.get("/{invoice}/document.json", operation_id="downloadInvoice", responses=errors.responses(401, 403, 404))
def document(visit: MoneyReader, invoice: str) -> Response:
    """The document as issued, to keep: what `content_hash` was computed from is in it."""
    return download.document(found(visit, invoice))


@router.get(
    "/{invoice}/lines/{n}/explanation",
    operation_id="explainInvoiceLine",
    responses=errors.responses(401, 403, 404),
)
def explanation(visit: MoneyReader, invoice: str, n: int, response: Response) -> Explanation:
    """Why a line is what it is, down to the readings."""
    row = found(visit, invoice)
    printed = next((one for one in row.document["lines"] if one["n"] == n), None)
    kept = view.lines(visit.connection, row.id, after=n - 1, most=1)
    if printed is None or not kept:
        raise NotFound(f"this invoice has lines 1 to {len(row.document['lines'])}")
    response.headers["ETag"] = f'"{row.chain_hash}-{n}"'
    rests_on = evaluation_of(row.document, printed)
    return Explanation(
        line=_line(kept[0]),
        sentence=printed["sentence"],
        steps=printed["steps"],
        evidence=printed["evidence"],
        verdict=printed["verdict"],
        evaluation=rests_on["id"],
        result_hash=rests_on["result_hash"],
    )


def found(visit: Visit, public_id: str) -> InvoiceView:
    """The invoice as far as the viewer may see it. Raises NotFound."""
    row = view.invoice(visit.connection, public_id)
    if row is None:
        raise NotFound("no invoice of yours has this id; GET /v1/invoices lists them")
    return row


def _page(visit: Visit, rows: list[InvoiceView], limit: int) -> Page[InvoiceHead]:
    more = len(rows) > limit
    return Page(items=_heads(visit, rows[:limit]), next_cursor=cursor(rows[limit - 1].id) if more else None)


def _heads(visit: Visit, rows: list[InvoiceView]) -> list[InvoiceHead]:
    known = contract_view.contracts_by_key(visit.connection, {row.contract for row in rows})
    return [
        InvoiceHead(
            id=row.public_id,
            number=row.number,
            kind=row.kind,
            contract=known[row.contract].public_id,
            contract_name=known[row.contract].name,
            period=row.label,
            issue_date=row.issue_date,
            due_date=row.due_date,
            currency=row.currency,
            net=f"{row.net:f}",
            tax=f"{row.tax:f}",
            gross=f"{row.gross:f}",
        )
        for row in rows
    ]


def _line(row: LineView) -> InvoiceLine:
    return InvoiceLine(
        n=row.n,
        id=row.line_id,
        clause=row.clause,
        kind=row.kind,
        asset=row.asset,
        text=row.text,
        quantity=None if row.quantity is None else f"{row.quantity:f}",
        unit=row.unit,
        amount=f"{row.amount:f}",
        currency=row.currency,
        tax_category=row.tax_category,
        tax_rate=f"{row.tax_rate:f}",
        service_start=row.service_start,
        service_end=row.service_end,
    )
