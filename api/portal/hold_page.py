"""Stretches that counters cannot explain, with the evidence of each; operators decide, others see what it is worth."""

import hmac
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api import holding
from api.command import Worker
from api.errors import Refused, StaleForm
from api.holding import LOOK_BACK, Case, Seen
from api.paging import Cursor, cursor
from api.portal.context import shown
from api.portal.session_page import refuse_foreign
from api.portal.tongue import mark
from api.routes.hold import read_seen, refusing
from api.stake import Stake, stakes
from api.visit import Anyone, Operator, Visit
from core.store import current_knowledge
from core.time import zone

router = APIRouter(prefix="/portal/holds")
PAGE = 50
UTC_ZONE = zone("UTC")
Kind = Literal["bill", "from_zero", "void", "reopened"]
DECIDERS = ("operator", "device_manager")
MONEY_READERS = ("customer", "finance")
REASONS = {"counter_fell": mark("The counter fell"), "above_max_rate": mark("It rose faster than it can")}
KINDS = {
    "bill": mark("Bill a quantity"),
    "from_zero": mark("It began again at zero"),
    "void": mark("Nothing was used"),
    "reopened": mark("Waits again"),
}


@router.get("")
def holds_page(request: Request, visit: Anyone, cursor: Cursor = None) -> Response:
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
def hold_page(
    request: Request,
    visit: Anyone,
    hold: str,
    *,
    worth: Annotated[bool, Query(description="Evaluate what it is worth.")] = False,
) -> Response:
    """One hold."""
    return _shown(request, visit, holding.look(visit, hold), worth=worth)


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
    worth: bool = False,
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
        offered=_offered(visit, case, kinds),
        asks=_may_ask(request, visit, case),
        stakes=_stakes(request, visit, case) if worth else None,
        amount=holding.at_stake,
        given=given or {"kind": "", "quantity": "", "reason": ""},
        refused=refused,
        zone=UTC_ZONE,
    )


def _offered(visit: Visit, case: Case, kinds: list[str]) -> list[str]:
    """What the viewer may decide."""
    if visit.viewer.role not in DECIDERS:
        return []
    return kinds if case.state == "open" else ["reopened"] if case.state == "decided" else []


def _may_ask(request: Request, visit: Visit, case: Case) -> bool:
    """Whether the viewer reads money, something is at stake, and this server can evaluate."""
    return visit.viewer.role in MONEY_READERS and case.state == "open" and request.app.state.worker is not None


def _stakes(request: Request, visit: Visit, case: Case) -> list[Stake] | None:
    if case.waits is None or not _may_ask(request, visit, case):
        return None
    known = current_knowledge(visit.connection)
    return stakes(request.app.state.worker, visit.connection, case.waits, known=known, at=visit.at)


def _after(one: Seen) -> str:
    return cursor(*one)
