"""What a seller's finance has to do with money: decide what others propose, look after what is overdue or unmatched."""

import hmac
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.command import Worker
from api.errors import InvalidQuestion, NotFound, StaleForm
from api.portal import receivable
from api.portal.context import nothing, shown
from api.portal.session_page import refuse_foreign
from api.portal.tongue import mark
from api.routes import invoice as invoice_route
from api.selling import sold
from api.visit import FinancePerson, Visit
from billing.proposal import Kind
from billing.proposals import run as proposals
from billing.store import entity as entities
from billing.store import proposal as store
from core.time import zone

router = APIRouter(prefix="/portal")
Why = Annotated[str, Form(max_length=2000)]
KINDS: dict[Kind, str] = {
    "credit_note": mark("Credit note"),
    "dunning": mark("Letters to late payers"),
    "refund": mark("Refund"),
}


def _writing(request: Request, visit: FinancePerson, csrf: Annotated[str, Form(max_length=200)] = "") -> Visit:
    """The visit of somebody of finance who sent a form of this session. Raises StaleForm."""
    refuse_foreign(request)
    if not visit.viewer.csrf or not hmac.compare_digest(visit.viewer.csrf, csrf):
        raise StaleForm("reload the page and try again")
    return visit


Writer = Annotated[Visit, Depends(_writing, scope="function")]


@router.get("/receivables")
def receivables_page(
    request: Request, visit: FinancePerson, decided: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """What waits for a second person, is overdue, and pays nothing yet; decided: a proposal, to say what came of it."""
    found = receivable.desk(visit)
    if found is None:
        return nothing(request, visit, mark("Receivables"))
    return shown(
        request,
        visit,
        "receivables.html",
        desk=found,
        where=zone(found.seller.timezone),
        kinds=KINDS,
        asked=receivable.asked,
        may_approve=lambda one: receivable.may_approve(visit, one),
        decided=store.find(visit.connection, decided, visit.at) if decided else None,
    )


@router.post("/receivables/letters")
def propose_letters(visit: Writer, engine: Worker, reason: Why = "") -> Response:
    """To issue the letters that are due today. Raises NotFound, InvalidQuestion, and what billing refuses."""
    seller = entities.entity_of(visit.connection, visit.viewer.party)
    if seller is None:
        raise NotFound("your party sells nothing")
    name, who = seller.seller.name, visit.viewer.who
    proposals.propose_letters(engine, entity=name, reason=_said(reason), at=visit.at, by=who)
    return RedirectResponse("/portal/receivables", status_code=303)


@router.post("/receivables/{proposal}/{answer}")
def decide(
    visit: Writer, engine: Worker, proposal: str, answer: Literal["approve", "decline"], reason: Why = ""
) -> Response:
    """Approve or decline, once. Raises NotFound, InvalidQuestion, and what billing refuses."""
    found = store.find(visit.connection, proposal, visit.at)
    if found is None:
        raise NotFound("no proposal of yours has this id")
    if answer == "approve":
        proposals.approve(engine, proposal, at=visit.at, by=visit.viewer.who)
    else:
        proposals.decline(engine, proposal, reason=_said(reason), at=visit.at, by=visit.viewer.who)
    return RedirectResponse(f"/portal/receivables?decided={proposal}", status_code=303)


@router.post("/invoices/{invoice}/credit-note")
def propose_credit(visit: Writer, engine: Worker, invoice: str, reason: Why = "") -> Response:
    """To credit an invoice in full. Raises NotFound, InvalidQuestion, and what billing refuses."""
    row = invoice_route.found(visit, invoice)
    sold(visit, row.id)
    proposals.propose_credit(engine, row.public_id, reason=_said(reason), at=visit.at, by=visit.viewer.who)
    return RedirectResponse(f"/portal/invoices/{row.public_id}#h-credit", status_code=303)


def _said(reason: str) -> str:
    if not reason.strip():
        raise InvalidQuestion("say why")
    return reason.strip()
