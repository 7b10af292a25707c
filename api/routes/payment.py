"""Payments: recorded, taken in from statements, and taken back by the bank."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.command import Finance, Worker
from api.errors import NotFound, Refused
from api.paging import Cursor, Limit, Page, page_of, read_number
from api.selling import DOING, READING, Acting, Name, Reason, Seller, done, given, seller
from api.visit import FinancePerson, Visit
from billing.camt import Credit, payable
from billing.payments import run as payments
from billing.statement import Match
from billing.store import receipt

router = APIRouter(prefix="/v1", tags=["finance"])
Amount = Annotated[str, Field(max_length=40, examples=["2201.50"])]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]


class Paid(BaseModel):
    """What pays a document: an invoice, or the charges of a letter."""

    document: str = Field(examples=["TS-2026-00001"])
    amount: str


class Payment(BaseModel):
    """Money received. `left` pays nothing yet; `returned` says why the bank took it back, null: it did not."""

    id: str
    key: str = Field(description="The bank's; a key counts once.")
    received_on: date
    amount: str
    currency: str
    payer: str
    text: str
    end_to_end: str
    state: str = Field(examples=["matched", "unmatched", "returned"])
    paid: list[Paid]
    left: str
    returned: str | None
    recorded_by: str
    recorded_at: datetime


class NewPayment(Acting):
    """A payment to record by hand."""

    key: Name = Field(examples=["cheque 4711"])
    received_on: date
    amount: Amount
    currency: Currency
    payer: str = Field(default="", max_length=200)
    text: str = Field(default="", max_length=2_000, description="What the payer wrote: numbers, references.")
    end_to_end: str = Field(default="", max_length=100)


class Recorded(BaseModel):
    """What was taken in. `new` is false where it was known already, and nothing was booked."""

    key: str
    amount: str
    currency: str
    new: bool
    matched: str = Field(description="By what: reference, number, amount; none.", examples=["reference"])
    paid: list[Paid]
    left: str


class Return(BaseModel):
    """What the bank took back. `payment` is the key of what it returns; null: nobody could tell, and it waits."""

    key: str
    amount: str
    fee: str
    currency: str
    code: str = Field(examples=["AC04"], description="The bank's reason.")
    payment: str | None
    reopened: int = Field(description="So many invoices are open again.")
    new: bool


class Statement(BaseModel):
    """What a statement held."""

    payments: list[Recorded]
    returns: list[Return]


class Returned(BaseModel):
    """Money that a bank took back. `payment` is the id of what it returns; null while it waits for a person."""

    id: str
    key: str
    returned_on: date
    amount: str
    fee: str
    currency: str
    end_to_end: str
    code: str
    text: str
    payment: str | None


class TakingBack(Reason):
    """Why; `returned` names the return that waits and is of this payment, if one does."""

    returned: str | None = Field(default=None, max_length=100, examples=["ret_…"])


class Reopened(BaseModel):
    """So many invoices are open again."""

    reopened: int


@router.get("/payments", operation_id="listPayments", responses=READING)
def index(
    visit: FinancePerson, entity: Seller, state: receipt.State | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[Payment]:
    """A seller's payments, the newest first; all, or in one state."""
    name, before = seller(visit, entity).seller.name, read_number(cursor, otherwise=2**62)
    rows = receipt.payments(visit.connection, name, state=state, before=before, most=limit + 1)
    return page_of(rows, limit, shown=_payment, key=lambda row: (row.id,))


@router.get("/payments/{payment}", operation_id="getPayment", responses=READING)
def one(visit: FinancePerson, payment: str) -> Payment:
    """One payment, with what it pays."""
    return _payment(_found(visit, payment))


@router.post("/payments", operation_id="recordPayment", responses=DOING)
def record(command: Finance, engine: Worker, new: NewPayment) -> JSONResponse:
    """Record a payment by hand; it pays what its text names, as one from a statement does."""
    name = seller(command.visit, new.entity).seller.name
    amount = payable(f"{new.amount} {new.currency}")
    credit = Credit(new.key, new.received_on, amount, new.payer, new.text, new.end_to_end)
    return done(command, lambda: _recorded(payments.record(engine, credit, entity=name, **given(command))))


@router.post("/bank-statements", operation_id="takeInBankStatement", responses=DOING)
def take_in(
    command: Finance,
    engine: Worker,
    entity: Seller,
    statement: Annotated[bytes, Body(media_type="application/xml", description="A camt.053 file, any version.")],
) -> JSONResponse:
    """Book what a statement says came in or was returned; taken in twice, it books once."""
    name = seller(command.visit, entity).seller.name

    def act() -> Statement:
        found = payments.take_in(engine, statement, entity=name, **given(command))
        taken = [_recorded(item) for item in found if isinstance(item, payments.Taken)]
        returned = [_return(item) for item in found if isinstance(item, payments.Returned)]
        if len(taken) + len(returned) < len(found):
            raise Refused([x for x in found if not isinstance(x, payments.Taken | payments.Returned)])
        return Statement(payments=taken, returns=returned)

    return done(command, act)


@router.get("/bank-returns", operation_id="listBankReturns", responses=READING)
def returns(visit: FinancePerson, entity: Seller, limit: Limit = 50, cursor: Cursor = None) -> Page[Returned]:
    """What banks took back, the newest first."""
    name, before = seller(visit, entity).seller.name, read_number(cursor, otherwise=2**62)
    rows = receipt.returns(visit.connection, name, before=before, most=limit + 1)
    return page_of(rows, limit, shown=_waiting, key=lambda row: (row.id,))


@router.post("/payments/{payment}/return", operation_id="returnPayment", responses=DOING)
def take_back(command: Finance, engine: Worker, payment: str, why: TakingBack) -> JSONResponse:
    """The bank took a payment back: its invoices are open again, and the money is gone."""
    row = _found(command.visit, payment)
    said = {"entity": row.entity, "reason": why.reason, "returned": why.returned, **given(command)}
    return done(command, lambda: Reopened(reopened=payments.take_back(engine, row.key, **said)))


def _found(visit: Visit, name: str) -> receipt.PaymentView:
    row = receipt.payment(visit.connection, name)
    if row is None:
        raise NotFound("no payment of yours has this id; GET /v1/payments lists them")
    return row


def _waiting(row: Any) -> Returned:
    same = ("key", "returned_on", "currency", "end_to_end", "text", "payment")
    amounts = {name: f"{getattr(row, name):f}" for name in ("amount", "fee")}
    return Returned(id=row.public_id, code=row.reason, **amounts, **{name: getattr(row, name) for name in same})


def _payment(row: receipt.PaymentView) -> Payment:
    same = ("key", "received_on", "currency", "payer", "text", "end_to_end", "state", "returned")
    return Payment(
        id=row.public_id,
        paid=[Paid(**one) for one in row.paid],
        recorded_by=row.by,
        recorded_at=row.at,
        **{name: f"{getattr(row, name):f}" for name in ("amount", "left")},
        **{name: getattr(row, name) for name in same},
    )


def _recorded(found: payments.Taken) -> Recorded:
    amount, match = found.credit.amount, found.match
    return Recorded(
        key=found.credit.key,
        amount=f"{amount.amount:f}",
        currency=amount.currency,
        new=found.new,
        matched=match.by if match else "none",
        paid=paid(match) if match else [],
        left=f"{match.rest.amount:f}" if match else "0",
    )


def _return(found: payments.Returned) -> Return:
    item = found.item
    return Return(
        key=item.key,
        amount=f"{item.amount.amount:f}",
        fee=f"{item.fee.amount:f}",
        currency=item.amount.currency,
        code=item.reason,
        payment=found.payment,
        reopened=found.reopened,
        new=found.new,
    )


def paid(match: Match) -> list[Paid]:
    """What a match pays, as answered."""
    return [Paid(document=number, amount=f"{amount.amount:f}") for number, amount in match.paid]
