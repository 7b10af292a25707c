"""What was paid too much, or waits unmatched: applied to documents, or sent back."""

from datetime import date
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.command import Finance, Worker
from api.routes import invoice as invoice_route
from api.routes import proposal as proposal_route
from api.routes.payment import Amount, Paid, Reopened, paid
from api.selling import DOING, READING, Name, Reason, Seller, done, given, seller, sold
from api.visit import FinancePerson, Visit
from billing.balances import run as balances
from billing.proposals import run as proposals
from billing.store import balance, receipt

router = APIRouter(prefix="/v1/credit-balances", tags=["finance"])


class Documents(BaseModel):
    """Invoices and letters, in the order in which they are paid."""

    documents: list[Name] = Field(min_length=1, max_length=1_000, examples=[["TS-2026-00001"]])


class Applied(BaseModel):
    """What is paid now, and what is left."""

    paid: list[Paid]
    left: str
    currency: str


class Balance(BaseModel):
    """What is left of a payment (`pay_…`), or was paid too much of an invoice (`inv_…`)."""

    id: str
    kind: Literal["payment", "invoice"]
    name: str = Field(description="The bank's key, or the number.")
    payer: str
    since: date
    left: str
    currency: str
    text: str


class Refund(Reason):
    """How much to send back, and why; without an amount all that is left."""

    amount: Amount | None = None


@router.get("", operation_id="listCreditBalances", responses=READING)
def unmatched(visit: FinancePerson, engine: Worker, entity: Seller) -> list[Balance]:
    """What is left of payments, and what was paid too much of invoices."""
    return [_balance(item) for item in balances.listed(engine, entity=seller(visit, entity).seller.name)]


@router.post("/{source}/apply", operation_id="applyCreditBalance", responses=DOING)
def apply(command: Finance, engine: Worker, source: str, what: Documents) -> JSONResponse:
    """What is left of it pays these documents, each as far as it goes; of an invoice, its debtor's invoices alone."""
    name, key = _source(command.visit, source)

    def act() -> Applied:
        found = balances.apply(engine, key, what.documents, entity=name, **given(command))
        return Applied(paid=paid(found), left=f"{found.rest.amount:f}", currency=found.rest.currency)

    return done(command, act)


@router.post("/{source}/take-back", operation_id="takeBackApplication", responses=DOING)
def unmatch(command: Finance, engine: Worker, source: str, why: Reason) -> JSONResponse:
    """It was matched wrongly: what it paid is open again, and the money waits."""
    name, key = _source(command.visit, source)
    said = {"entity": name, "reason": why.reason, **given(command)}
    return done(command, lambda: Reopened(reopened=balances.take_back(engine, key, **said)))


@router.post("/{source}/refund", operation_id="proposeRefund", status_code=201, responses=DOING)
def refund(command: Finance, engine: Worker, source: str, wanted: Refund) -> JSONResponse:
    """Propose to send back what is left of it, or an amount of that; booked when another person approves it."""
    name, key = _source(command.visit, source)

    def act() -> proposal_route.Proposal:
        said = {"entity": name, "reason": wanted.reason, **given(command)}
        return proposal_route.shown(proposals.propose_refund(engine, key, wanted.amount, **said))

    return done(command, act, at="/v1/proposals")


def _source(visit: Visit, name: str) -> tuple[str, str]:
    """The seller's name, and what names the source for it. Raises NotFound."""
    if (row := receipt.payment(visit.connection, name)) is not None:
        return row.entity, row.key
    found = invoice_route.found(visit, name)
    return sold(visit, found.id).seller.name, found.public_id


def _balance(item: balance.Balance) -> Balance:
    return Balance(
        id=item.public_id,
        left=f"{item.left.amount:f}",
        currency=item.left.currency,
        **{name: getattr(item, name) for name in ("kind", "name", "payer", "since", "text")},
    )
