"""What one person of finance proposes and another decides: credit notes, letters to late payers, refunds."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.command import Finance, Worker
from api.errors import NotFound
from api.paging import Cursor, Limit, Page, page_of, read_number
from api.routes import invoice as invoice_route
from api.selling import DOING, READING, Reason, done, given, sold
from api.visit import FinancePerson, Visit
from billing import proposal
from billing.proposals import run as proposals
from billing.store import proposal as store

router = APIRouter(prefix="/v1", tags=["finance"])


class Proposal(BaseModel):
    """A proposal. `subject`: the invoice or payment that it is about, of letters their day; `detail`: for who decides.

    `state` is `expired` after `expires_at`, and `overtaken` where the invoice was credited without it.
    """

    id: str
    kind: str = Field(examples=["credit_note", "dunning", "refund"])
    state: str = Field(examples=["open", "approved", "declined", "expired", "overtaken"])
    subject: str
    detail: dict[str, Any] = Field(examples=[{"number": "TS-2026-00001", "gross": "2201.50", "currency": "EUR"}])
    reason: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    answer: str = Field(description="Why it was declined.")
    outcome: dict[str, Any] = Field(examples=[{"credit_note": "TS-C-2026-00001"}], description="What came of it.")


@router.post("/invoices/{invoice}/credit-note", operation_id="proposeCreditNote", status_code=201, responses=DOING)
def credit(command: Finance, engine: Worker, invoice: str, why: Reason) -> JSONResponse:
    """Propose to credit an invoice that was issued in error, in full; another person approves it."""
    row = invoice_route.found(command.visit, invoice)
    sold(command.visit, row.id)

    def act() -> Proposal:
        return shown(proposals.propose_credit(engine, row.public_id, reason=why.reason, **given(command)))

    return done(command, act, at="/v1/proposals")


@router.get("/proposals", operation_id="listProposals", responses=READING)
def index(
    visit: FinancePerson,
    state: proposal.State | None = None,
    kind: proposal.Kind | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Proposal]:
    """Proposals, the newest first; all, or those in one state or of one kind."""
    before = read_number(cursor, otherwise=2**62)
    rows = store.listed(visit.connection, visit.at, state=state, kind=kind, before=before, most=limit + 1)
    return page_of(rows, limit, shown=shown, key=lambda row: (row.id,))


@router.get("/proposals/{proposal}", operation_id="getProposal", responses=READING)
def one(visit: FinancePerson, proposal: str) -> Proposal:
    """One proposal."""
    return shown(_found(visit, proposal))


@router.post("/proposals/{proposal}/approve", operation_id="approveProposal", responses=DOING)
def approve(command: Finance, engine: Worker, proposal: str) -> JSONResponse:
    """Do what is proposed, as another person; refused if what it rests on changed since."""
    found = _found(command.visit, proposal)
    return done(command, lambda: shown(proposals.approve(engine, found.public_id, **given(command))))


@router.post("/proposals/{proposal}/decline", operation_id="declineProposal", responses=DOING)
def decline(command: Finance, engine: Worker, proposal: str, why: Reason) -> JSONResponse:
    """Say no, with the reason; or take a proposal of your own back."""
    found = _found(command.visit, proposal)
    said = {"reason": why.reason, **given(command)}
    return done(command, lambda: shown(proposals.decline(engine, found.public_id, **said)))


def shown(found: proposal.Proposal) -> Proposal:
    """As answered."""
    same = (
        "kind",
        "state",
        "subject",
        "detail",
        "reason",
        "expires_at",
        "decided_by",
        "decided_at",
        "answer",
        "outcome",
    )
    who = {"proposed_by": found.by, "proposed_at": found.at}
    return Proposal(id=found.public_id, **who, **{name: getattr(found, name) for name in same})


def _found(visit: Visit, name: str) -> proposal.Proposal:
    found = store.find(visit.connection, name, visit.at)
    if found is None:
        raise NotFound("no proposal of yours has this id; GET /v1/proposals lists them")
    return found
