"""For operators: stretches that counters cannot explain, the evidence of each, and the form to decide."""

import hmac
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from api import holding
from api.command import Worker
from api.errors import Refused, StaleForm
from api.holding import LOOK_BACK, Case, Seen
from api.paging import Cursor, cursor
from api.portal.context import shown
from api.portal.session_page import refuse_foreign
from api.routes.hold import read_seen, refusing
from api.visit import Operator, Visit
from core.time import zone

router = APIRouter(prefix="/portal/holds")
PAGE = 50
UTC_ZONE = zone("UTC")
Kind = Literal["bill", "from_zero", "void", "reopened"]
REASONS = {"counter_fell": "The counter fell", "above_max_rate": "It rose faster than it can"}
KINDS = {
    "bill": "Bill a quantity",
    "from_zero": "It began again at zero",
    "void": "Nothing was used",
    "reopened": "Waits again",
}


@router.get("")
def holds_page(request: Request, visit: Operator, cursor: Cursor = None) -> Response:
    """What waits, by asset."""
    since = visit.at - LOOK_BACK
    rows = holding.waiting(visit, since=since, before=visit.at, after=read_seen(cursor), most=PAGE + 1)
    after = _after(Seen(rows[PAGE - 1].asset, rows[PAGE - 1].path, rows[PAGE - 1].start)) if len(rows) > PAGE else None
    return shown(
        request,
        visit,
        "holds.html",
        holds=rows[:PAGE],
        stake=holding.at_stake,
        value=holding.shown,
        reasons=REASONS,
        since=since,
        after=after,
    )


@router.get("/{hold}")
def hold_page(request: Request, visit: Operator, hold: str) -> Response:
    """One hold."""
    return _shown(request, visit, holding.look(visit, hold))


@router.post("/{hold}")
def decide(  # noqa: PLR0913 - a form
    request: Request,
    visit: Operator,
    engine: Worker,
    hold: str,
    kind: Annotated[Kind, Form()],
    *,
    quantity: Annotated[str, Form(max_length=60)] = "",
    reason: Annotated[str, Form(max_length=2000)] = "",
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Decide, or show the form again with what is wrong. Raises StaleForm, NotFound."""
    refuse_foreign(request)
    if not visit.viewer.csrf or not hmac.compare_digest(visit.viewer.csrf, csrf):
        raise StaleForm("reload the page and try again")
    case = holding.look(visit, hold)
    amount = quantity.strip() if kind == "bill" else ""
    # People leave the unit out that stands beside the field.
    amount = f"{amount} {case.place.unit}" if amount and " " not in amount else amount
    try:
        with refusing("quantity"):
            holding.decide(engine, visit, hold, kind, amount or None, reason)
    except Refused as error:
        given = {"kind": kind, "quantity": quantity, "reason": reason}
        return _shown(request, visit, case, given=given, refused=str(error), status=422)
    return RedirectResponse(f"/portal/holds/{hold}", status_code=303)


def _shown(  # the page, or the page again
    request: Request,
    visit: Visit,
    case: Case,
    *,
    given: dict[str, str] | None = None,
    refused: str = "",
    status: int = 200,
) -> Response:
    kinds = [one for one in KINDS if one != "reopened" and (one != "from_zero" or case.reason == "counter_fell")]
    return shown(
        request,
        visit,
        "hold.html",
        status=status,
        case=case,
        value=holding.shown,
        reasons=REASONS,
        kinds=KINDS,
        offered=kinds if case.state == "open" else ["reopened"] if case.state == "decided" else [],
        given=given or {"kind": "", "quantity": "", "reason": ""},
        refused=refused,
        zone=UTC_ZONE,
    )


def _after(one: Seen) -> str:
    return cursor(*one)
