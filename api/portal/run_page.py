"""A billing run: what it comes to, what stands in its way, and the acts that its state allows."""

import hmac
from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Engine

from api.command import Worker, Workers, match
from api.errors import StaleForm
from api.paging import Cursor, cursor, read_number
from api.portal.context import shown
from api.portal.session_page import refuse_foreign
from api.portal.tongue import mark
from api.routes.billing_run import finish, found, tag_of
from api.visit import FinancePerson
from billing import run as billing
from billing.person import why_not_two
from billing.state import DraftState, after
from billing.store import remark, view
from billing.store.view import RunView
from contracts.store import view as contract_view

router = APIRouter(prefix="/portal/billing-runs")
PAGE = 50
Act = Literal["calculate", "approve", "issue", "cancel"]
OFFERED: dict[str, tuple[Act, ...]] = {
    "created": ("calculate", "cancel"),
    "collecting": ("calculate", "cancel"),
    "in_review": ("approve", "calculate", "cancel"),
    "approved": ("issue", "calculate", "cancel"),
    "issuing": ("issue",),
}
WORDS: dict[Act, str] = {
    "calculate": mark("Calculate"),
    "approve": mark("Approve"),
    "issue": mark("Issue"),
    "cancel": mark("Cancel the run"),
}


@router.get("")
def runs_page(request: Request, visit: FinancePerson, cursor: Cursor = None) -> Response:
    """Every run, newest first, 50 on a page."""
    rows = view.runs(visit.connection, before=read_number(cursor, otherwise=2**62), most=PAGE + 1)
    after = _cursor(rows[PAGE - 1].id) if len(rows) > PAGE else None
    return shown(request, visit, "runs.html", runs=rows[:PAGE], after=after)


@router.get("/{run}")
def run_page(
    request: Request, visit: FinancePerson, run: str, state: DraftState | None = None, cursor: Cursor = None
) -> Response:
    """One run with its drafts, 50 on a page; all, or those in one state."""
    row = found(visit, run)
    rows = view.drafts(visit.connection, row, state=state, after=read_number(cursor, otherwise=0), most=PAGE + 1)
    contracts = [one.id for one in rows[:PAGE]]
    acts = [
        act
        for act in OFFERED.get(row.state, ())
        if act != "approve" or not why_not_two(row.created_by, visit.viewer.who)
    ]
    return shown(
        request,
        visit,
        "run.html",
        run=row,
        tag=tag_of(row),
        acts=[(act, WORDS[act]) for act in acts],
        state=state,
        states=view.draft_states(visit.connection, row),
        drafts=rows[:PAGE],
        contracts=contract_view.contracts_by_key(visit.connection, contracts),
        issued=view.issued(visit.connection, row, contracts),
        remarks=remark.beside(visit.connection, row, [one.contract for one in rows[:PAGE]]),
        after=_cursor(rows[PAGE - 1].id) if len(rows) > PAGE else None,
    )


@router.post("/{run}/{act}")
def do(  # noqa: PLR0913 - a form
    request: Request,
    visit: FinancePerson,
    engine: Worker,
    share: Workers,
    run: str,
    act: Act,
    later: BackgroundTasks,
    *,
    csrf: Annotated[str, Form(max_length=200)] = "",
    tag: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """An act on the run as it was looked at. Raises StaleForm, TagStale, and what billing refuses."""
    refuse_foreign(request)
    if not visit.viewer.csrf or not hmac.compare_digest(visit.viewer.csrf, csrf):
        raise StaleForm("reload the page and try again")
    row = found(visit, run)
    match(tag, tag_of(row))
    _do(engine, row, act, later, {"at": visit.at, "by": visit.viewer.who}, share)
    return RedirectResponse(f"/portal/billing-runs/{run}", status_code=303, background=later)


def _do(engine: Engine, row: RunView, act: Act, later: BackgroundTasks, given: dict[str, Any], share: int) -> None:
    """At once, or after the answer where it may take long."""
    run = row.public_id
    if act == "approve":
        billing.approve(engine, run, hash=row.hash or "none", **given)
    elif act == "cancel":
        billing.cancel(engine, run, **given)
    elif act == "issue":
        after(row.state, act)
        later.add_task(finish, act, lambda: billing.issue(engine, run, workers=share, **given))
    else:
        if row.state != "collecting":
            billing.collect(engine, run, **given)
        later.add_task(finish, act, lambda: billing.calculate(engine, run, workers=share, **given))


def _cursor(number: int) -> str:
    return cursor(number)
