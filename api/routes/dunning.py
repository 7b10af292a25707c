"""Late payers: what is overdue, the letters that are due, those that were sent, and what nobody is reminded of."""

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.command import Finance, Worker
from api.errors import NotFound
from api.paging import Cursor, Limit, Page, page_of, read_number
from api.routes import invoice as invoice_route
from api.routes import proposal as proposal_route
from api.selling import DOING, READING, Acting, Reason, Seller, Words, done, given, seller, sold
from api.visit import FinancePerson, Visit
from billing.payments import run as payments
from billing.proposals import run as proposals
from billing.reminders import run as reminders
from billing.store import dunning, receipt

router = APIRouter(prefix="/v1", tags=["finance"])


class Overdue(BaseModel):
    """An invoice whose due date is over, with what is left to pay."""

    number: str
    due_date: date
    payer: str
    left: str
    currency: str


class Letter(BaseModel):
    """A letter to a late payer; `document` is everything in it. `withdrawn` says why it was taken back."""

    id: str
    number: str | None
    level: int
    issued_on: date
    issued_by: str
    approved_by: str
    withdrawn: str | None
    document: Any


class Due(BaseModel):
    """A letter that is due, as it would be written today."""

    document: Any


class Sending(Acting):
    """The letters of a seller of yours that are due today, and why they are sent."""

    reason: Words = "they are due"


class Blocking(Reason):
    """What is disputed and why; without a line the whole invoice."""

    line: int | None = Field(default=None, ge=1)


class Block(BaseModel):
    """What nobody is reminded of, and why; `answer` is what it was released with, null: it holds."""

    id: str
    line: int | None
    reason: str
    by: str
    at: datetime
    answer: str | None
    answered_at: datetime | None


@router.get("/overdue-invoices", operation_id="listOverdueInvoices", responses=READING)
def overdue(visit: FinancePerson, engine: Worker, entity: Seller) -> list[Overdue]:
    """Invoices whose due date is over, the oldest first."""
    found = payments.overdue(engine, entity=seller(visit, entity).seller.name, at=visit.at)
    return [
        Overdue(
            number=item.owed.number,
            due_date=item.due_date,
            payer=item.owed.payer,
            left=f"{item.owed.left.amount:f}",
            currency=item.owed.left.currency,
        )
        for item in found
    ]


@router.get("/dunning-letters/due", operation_id="previewDunningLetters", responses=DOING)
def preview(visit: FinancePerson, engine: Worker, entity: Seller) -> list[Due]:
    """The letters that are due; nothing is saved."""
    found = reminders.preview(engine, entity=seller(visit, entity).seller.name, at=visit.at)
    return [Due(document=item.document) for item in found]


@router.post("/dunning-letters", operation_id="proposeDunningLetters", status_code=201, responses=DOING)
def send(command: Finance, engine: Worker, what: Sending) -> JSONResponse:
    """Propose to issue the letters that are due; another person approves these very letters on the same day."""
    said = {"entity": seller(command.visit, what.entity).seller.name, "reason": what.reason, **given(command)}
    return done(command, lambda: proposal_route.shown(proposals.propose_letters(engine, **said)), at="/v1/proposals")


@router.get("/dunning-letters", operation_id="listDunningLetters", responses=READING)
def index(visit: FinancePerson, limit: Limit = 50, cursor: Cursor = None) -> Page[Letter]:
    """Letters that were issued, the newest first."""
    before = read_number(cursor, otherwise=2**62)
    rows = receipt.letters(visit.connection, visit.viewer.party, before=before, most=limit + 1)
    return page_of(rows, limit, shown=_letter, key=lambda row: (row.id,))


@router.get("/dunning-letters/{letter}", operation_id="getDunningLetter", responses=READING)
def one(visit: FinancePerson, letter: str) -> Letter:
    """One letter."""
    return _letter(_found(visit, letter))


@router.post("/dunning-letters/{letter}/withdraw", operation_id="withdrawDunningLetter", responses=DOING)
def withdraw(command: Finance, engine: Worker, letter: str, why: Reason) -> JSONResponse:
    """Take a letter back: its invoices stand where they stood before it, and what it booked is reversed."""
    row = _found(command.visit, letter)

    def act() -> Letter:
        reminders.withdraw(engine, row.public_id, reason=why.reason, **given(command))
        return _letter(row).model_copy(update={"withdrawn": why.reason})

    return done(command, act)


@router.get("/invoices/{invoice}/blocks", operation_id="listInvoiceBlocks", responses=READING)
def blocks(visit: FinancePerson, invoice: str) -> list[Block]:
    """What of an invoice nobody is reminded of, or was not; the newest first."""
    row = invoice_route.found(visit, invoice)
    sold(visit, row.id)
    return [_block(one) for one in dunning.contested(visit.connection, row.id)]


@router.post("/invoices/{invoice}/blocks", operation_id="blockInvoice", status_code=201, responses=DOING)
def block(command: Finance, engine: Worker, invoice: str, what: Blocking) -> JSONResponse:
    """Remind nobody of an invoice, or of a line of it, while it is disputed."""
    row = invoice_route.found(command.visit, invoice)
    sold(command.visit, row.id)

    def act() -> Block:
        said = {"line": what.line, "reason": what.reason, **given(command)}
        made = reminders.block(engine, row.public_id, **said)
        return Block(id=made, answer=None, answered_at=None, **said)

    return done(command, act, at=f"/v1/invoices/{row.public_id}/blocks")


@router.post("/blocks/{block}/release", operation_id="releaseBlock", responses=DOING)
def release(command: Finance, engine: Worker, block: str, why: Reason) -> JSONResponse:
    """End a block; the customer reads the reason as the answer."""
    row = receipt.block(command.visit.connection, block)
    if row is None:
        raise NotFound("no block of yours has this id")
    sold(command.visit, row.invoice)

    def act() -> Block:
        reminders.release(engine, block, reason=why.reason, **given(command))
        same = {name: getattr(row, name) for name in ("line", "reason", "by", "at")}
        return Block(id=block, answer=why.reason, answered_at=command.visit.at, **same)

    return done(command, act)


def _found(visit: Visit, name: str) -> Any:
    row = receipt.letter(visit.connection, visit.viewer.party, name)
    if row is None:
        raise NotFound("no letter of yours has this id; GET /v1/dunning-letters lists them")
    return row


def _letter(row: Any) -> Letter:
    same = ("number", "level", "issued_on", "approved_by", "withdrawn", "document")
    return Letter(id=row.public_id, issued_by=row.by, **{name: getattr(row, name) for name in same})


def _block(row: Any) -> Block:
    return Block(id=row.public_id, **{name: getattr(row, name) for name in Block.model_fields if name != "id"})
