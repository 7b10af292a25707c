"""Billing runs: how far the invoices of a period are."""

import json
import logging
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy import Engine

from api import errors
from api.command import Finance, IfMatch, Worker, Workers, match, once
from api.errors import NotFound
from api.paging import Cursor, Limit, Page, page_of, read_number
from api.visit import FinancePerson, Visit
from api.writing import Writing
from billing import run as billing
from billing.state import DraftState, after
from billing.store import entity as entities
from billing.store import remark, view
from billing.store.view import DraftView, RunView
from core.database import transaction

log = logging.getLogger("yardstick.api")
WRITING = (401, 403, 409, 422, 503)
DOING = (*WRITING, 404)

router = APIRouter(prefix="/v1/billing-runs", tags=["billing runs"])


class BillingRun(BaseModel):
    """A run over all contracts of an entity for one period. `net` is the sum of its drafts if they share a currency."""

    id: str
    period: str
    starts_at: datetime
    ends_at: datetime
    state: str = Field(examples=["in_review", "issued"])
    revision: int
    drafts: int
    blocked: int
    invoices: int
    net: str | None
    currency: str | None
    hash: str | None
    created_at: datetime
    created_by: str
    approved_at: datetime | None
    approved_by: str | None
    issue_date: date | None


class NewRun(BaseModel):
    """A run to create: a seller of yours, by name, and a period."""

    entity: str = Field(min_length=1, max_length=200, examples=["Truck Supplier GmbH"])
    period: str = Field(min_length=1, max_length=20, examples=["2026-10"])


class Exclusion(BaseModel):
    """A contract to leave out of a run, and why."""

    contract: str = Field(min_length=1, max_length=200, description="By name.")
    reason: str = Field(min_length=1, max_length=2_000)


class Overriding(Exclusion):
    """A finding that does not stand in a draft's way, and why."""

    code: str = Field(min_length=1, max_length=100, examples=["facts_missing"])


class Draft(BaseModel):
    """A contract in a run. `findings` say what stands in its way, and what to look at first.

    `remarks` say who is left out of a document that contracts share, and why a contract stands apart from its group.
    """

    contract: str
    state: str = Field(examples=["ok", "warning", "blocked", "excluded", "issued"])
    reason: str
    net: str | None
    tax: str | None
    gross: str | None
    currency: str | None
    hash: str
    findings: Any
    remarks: list[str] = Field(examples=[["apart from C-1 of group all: its currency is USD, theirs EUR"]])


@router.get("", operation_id="listBillingRuns", responses=errors.responses(401, 403, 422))
def index(visit: FinancePerson, limit: Limit = 50, cursor: Cursor = None) -> Page[BillingRun]:
    """Billing runs, newest first."""
    rows = view.runs(visit.connection, before=read_number(cursor, otherwise=2**62), most=limit + 1)
    return page_of(rows, limit, shown=_schema, key=lambda row: (row.id,))


@router.get("/{run}", operation_id="getBillingRun", responses=errors.responses(401, 403, 404))
def one(visit: FinancePerson, run: str, response: Response) -> BillingRun:
    """One billing run; send its ETag as If-Match to approve or issue exactly this."""
    row = found(visit, run)
    response.headers["ETag"] = tag_of(row)
    return _schema(row)


@router.get("/{run}/drafts", operation_id="listBillingRunDrafts", responses=errors.responses(401, 403, 404, 422))
def drafts(
    visit: FinancePerson, run: str, state: DraftState | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[Draft]:
    """The drafts of a run's newest revision, by contract; all, or those in one state."""
    row = found(visit, run)
    rows = view.drafts(visit.connection, row, state=state, after=read_number(cursor, otherwise=0), most=limit + 1)
    said = remark.beside(visit.connection, row, [one.contract for one in rows])
    return page_of(rows, limit, shown=lambda one: _draft(one, said.get(one.contract, [])), key=lambda one: (one.id,))


@router.post("", operation_id="createBillingRun", status_code=201, responses=errors.responses(*WRITING, 404))
def create(command: Finance, engine: Worker, new: NewRun) -> JSONResponse:
    """A run of a seller of yours for a period; calculate it next."""

    def act() -> tuple[int, BillingRun]:
        seller = entities.entity_named(command.visit.connection, new.entity)
        if seller is None or seller.party != command.visit.viewer.party:
            raise NotFound("no seller of yours has this name")
        given = {"entity": new.entity, "label": new.period}
        run = billing.create(engine, **given, at=command.visit.at, by=command.visit.viewer.who)
        return 201, _seen(engine, run)

    response = once(command, act)
    response.headers["Location"] = f"/v1/billing-runs/{json.loads(bytes(response.body))['id']}"
    return response


@router.post(
    "/{run}/calculate", operation_id="calculateBillingRun", status_code=202, responses=errors.responses(*DOING)
)
def calculate(command: Finance, engine: Worker, run: str, later: BackgroundTasks, share: Workers) -> JSONResponse:
    """Freeze what is known and draw up all drafts anew, which voids an approval; read the run until it is in review.

    A calculation that was interrupted goes on when this is called again.
    """
    row, given = found(command.visit, run), _given(command)

    def act() -> tuple[int, BillingRun]:
        if row.state != "collecting":
            billing.collect(engine, run, **given)
        later.add_task(finish, "calculate", lambda: billing.calculate(engine, run, workers=share, **given))
        return 202, _seen(engine, run)

    return _after(once(command, act), later)


@router.post("/{run}/exclusions", operation_id="excludeFromBillingRun", responses=errors.responses(*DOING))
def exclude(command: Finance, engine: Worker, run: str, given: Exclusion) -> JSONResponse:
    """Leave a contract out; it waits for the next run. Changes the hash."""
    found(command.visit, run)

    def act() -> tuple[int, BillingRun]:
        billing.exclude(engine, run, given.contract, reason=given.reason, **_given(command))
        return 200, _seen(engine, run)

    return once(command, act)


@router.post("/{run}/overrides", operation_id="overrideBillingFinding", responses=errors.responses(*DOING))
def override(command: Finance, engine: Worker, run: str, given: Overriding) -> JSONResponse:
    """Say that a blocking finding does not stand in the way; somebody else approves the run then."""
    found(command.visit, run)

    def act() -> tuple[int, BillingRun]:
        words = {"code": given.code, "reason": given.reason, **_given(command)}
        billing.override(engine, run, given.contract, **words)
        return 200, _seen(engine, run)

    return once(command, act)


@router.post("/{run}/approve", operation_id="approveBillingRun", responses=errors.responses(*DOING, 412, 428))
def approve(command: Finance, engine: Worker, run: str, if_match: IfMatch = None) -> JSONResponse:
    """Approve the drafts that you looked at: a second person, not who created the run."""
    row = found(command.visit, run)

    def act() -> tuple[int, BillingRun]:
        match(if_match, tag_of(row))
        billing.approve(engine, run, hash=row.hash or "none", **_given(command))
        return 200, _seen(engine, run)

    return once(command, act)


@router.post(
    "/{run}/issue", operation_id="issueBillingRun", status_code=202, responses=errors.responses(*DOING, 412, 428)
)
def issue(  # what a framework hands over
    command: Finance, engine: Worker, run: str, later: BackgroundTasks, *, share: Workers, if_match: IfMatch = None
) -> JSONResponse:
    """Make documents of the approved drafts; read the run until it is issued.

    An issuing that was interrupted goes on when this is called again.
    """
    row, given = found(command.visit, run), _given(command)

    def act() -> tuple[int, BillingRun]:
        match(if_match, tag_of(row))
        after(row.state, "issue")
        later.add_task(finish, "issue", lambda: billing.issue(engine, run, workers=share, **given))
        return 202, _seen(engine, run)

    return _after(once(command, act), later)


@router.post("/{run}/cancel", operation_id="cancelBillingRun", responses=errors.responses(*DOING))
def cancel(command: Finance, engine: Worker, run: str) -> JSONResponse:
    """Give a run up before anything of it is issued."""
    found(command.visit, run)

    def act() -> tuple[int, BillingRun]:
        billing.cancel(engine, run, **_given(command))
        return 200, _seen(engine, run)

    return once(command, act)


def found(visit: Visit, run: str) -> RunView:
    """The run as far as the viewer may see it. Raises NotFound."""
    row = view.run(visit.connection, run)
    if row is None:
        raise NotFound("no billing run of yours has this id; GET /v1/billing-runs lists them")
    return row


def tag_of(row: RunView) -> str:
    """Another one for every state, revision and content of a run."""
    return f'"{row.revision}-{row.state}-{row.invoices}-{(row.hash or "")[:24]}"'


def _given(command: Writing) -> dict[str, Any]:
    return {"at": command.visit.at, "by": command.visit.viewer.who}


def _seen(engine: Engine, run: str) -> BillingRun:
    """The run after what was done; the visit's own transaction may be older."""
    with transaction(engine) as connection:
        row = view.run(connection, run)
    if row is None:
        raise NotFound("no billing run of yours has this id; GET /v1/billing-runs lists them")
    return _schema(row)


def _after(response: JSONResponse, later: BackgroundTasks) -> JSONResponse:
    response.background = later
    return response


def finish(act: str, go_on: Callable[[], object]) -> None:
    """What goes on after the answer; if it fails, the run stands where it was, and the command may be given again."""
    try:
        go_on()
    except Exception:
        log.exception("a billing run could not %s", act)


def _schema(row: RunView) -> BillingRun:
    same = ("starts_at", "ends_at", "state", "revision", "drafts", "blocked", "invoices", "currency", "hash")
    who = ("created_at", "created_by", "approved_at", "approved_by", "issue_date")
    return BillingRun(
        id=row.public_id,
        period=row.label,
        net=None if row.net is None else f"{row.net:f}",
        **{name: getattr(row, name) for name in (*same, *who)},
    )


def _draft(row: DraftView, remarks: list[str]) -> Draft:
    return Draft(**{name: getattr(row, name) for name in Draft.model_fields if name != "remarks"}, remarks=remarks)
