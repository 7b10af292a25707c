"""What goes wrong, as RFC 9457 problems: a stable code, what is wrong, what would be right. Never what was sent."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from api.authentication import NotSignedIn, SignInRefused, TooManyGuesses
from api.paging import InvalidCursor
from billing import run as billing
from billing.books.run import NotOver
from billing.camt import Unreadable
from billing.credits.run import NotCreditable
from billing.late_interest import NoBaseRate
from billing.payments.run import NothingLeft, NothingSettled, NotOwed
from billing.proposals import run as proposals
from billing.reminders import run as reminders
from billing.state import NotPossible
from billing.store.ledger import CLOSED
from billing.store.run import AlreadyOpen, NoSuchRun
from core.problem import Problem as Said
from core.time import NotAPeriod

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("yardstick.api")


class NotFound(LookupError):
    """There is no such thing, or not for this viewer; the answer does not tell which."""


class RoleNotAllowed(PermissionError):
    """The viewer's role has no part in this."""


class StaleForm(PermissionError):
    """A form that this session did not hand out."""


class InvalidQuestion(ValueError):
    """A parameter that is well formed but asks for something that cannot be."""


class Refused(ValueError):
    """What was handed in contradicts itself or what is there. problems: place, what is wrong, remedy."""

    def __init__(self, problems: Sequence[Said]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


class KeyMisused(ValueError):
    """An Idempotency-Key that was sent before with something else, or none."""


class NoCommands(RuntimeError):
    """A server that only reads."""


class TagMissing(ValueError):
    """A command on a thing without If-Match."""


class TagStale(ValueError):
    """The thing is not in the state that the command was given for."""


class TooBusy(RuntimeError):
    """More live connections than this server keeps."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, code and title for a kind of problem. `detail` stands in where the exception's words must not leave."""

    status: int
    code: str
    title: str


ANSWERS: dict[type[Exception], Answer] = {
    NotSignedIn: Answer(401, "not_signed_in", "Sign in, or send an API key"),
    SignInRefused: Answer(401, "sign_in_refused", "Name or password is wrong"),
    TooManyGuesses: Answer(429, "too_many_attempts", "Too many attempts"),
    RoleNotAllowed: Answer(403, "role_not_allowed", "This role has no part in it"),
    StaleForm: Answer(403, "stale_form", "This form is not from your session"),
    NotFound: Answer(404, "not_found", "There is no such thing"),
    InvalidCursor: Answer(422, "invalid_cursor", "This cursor was not handed out here"),
    InvalidQuestion: Answer(422, "invalid_parameter", "A parameter asks for what cannot be"),
    Refused: Answer(422, "refused", "What was handed in is not sound"),
    KeyMisused: Answer(422, "idempotency_key", "The Idempotency-Key does not fit"),
    TooBusy: Answer(503, "too_busy", "Too many live connections"),
    billing.NoSuchEntity: Answer(404, "no_such_seller", "There is no such seller"),
    NoSuchRun: Answer(404, "no_such_run", "There is no such run"),
    billing.SamePerson: Answer(403, "second_person", "A second person does this"),
    billing.HashChanged: Answer(412, "drafts_changed", "The drafts are not those that were looked at"),
    reminders.ContestedTooLate: Answer(409, "contested_too_late", "The time to contest it is over"),
    billing.NoSuchInvoice: Answer(404, "no_such_line", "There is no such line"),
    billing.NotReady: Answer(409, "not_ready", "Something stands in the way"),
    billing.NotReconciled: Answer(409, "not_reconciled", "Two numbers that must be equal are not"),
    NoCommands: Answer(503, "read_only", "This server only reads"),
    TagMissing: Answer(428, "precondition_required", "Say which state you looked at"),
    TagStale: Answer(412, "precondition_failed", "It changed since you looked at it"),
    NotPossible: Answer(409, "not_possible", "Not in this state"),
    AlreadyOpen: Answer(409, "already_open", "There is one already"),
    NotCreditable: Answer(409, "not_creditable", "This document cannot be credited"),
    proposals.NoSuchProposal: Answer(404, "no_such_proposal", "There is no such proposal"),
    proposals.AlreadyProposed: Answer(409, "already_proposed", "The same waits for a decision"),
    proposals.NotOpen: Answer(409, "not_open", "It can no longer be decided"),
    NothingLeft: Answer(409, "nothing_left", "There is not so much left of it"),
    NotOwed: Answer(409, "not_owed", "Nothing is owed for it"),
    NothingSettled: Answer(409, "nothing_settled", "It pays nothing"),
    reminders.NoProcedure: Answer(409, "no_dunning_procedure", "The seller has no dunning procedure"),
    reminders.NothingDue: Answer(409, "nothing_due", "No letter is due"),
    reminders.NothingThere: Answer(404, "not_found", "There is no such thing"),
    NoBaseRate: Answer(409, "no_base_rate", "A base rate is missing"),
    NotOver: Answer(409, "not_over", "The day is not over"),
    Unreadable: Answer(422, "not_payable", "This amount cannot be paid"),
    NotAPeriod: Answer(422, "invalid_period", "This is no billing period"),
}
UNFORESEEN = Answer(500, "unforeseen", "Something went wrong on our side")
BY_STATUS = {
    404: Answer(404, "not_found", "There is no such thing"),
    405: Answer(405, "method_not_allowed", "This address does not take that method"),
}


class Fault(BaseModel):
    """One place of a request that is wrong."""

    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details. `code` is stable; `request_id` finds the request in our log."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    errors: list[Fault] = []
    request_id: str


def install(application: FastAPI) -> None:
    """Answer expected errors with a problem, or with a page where a person is looking; `api.guard` takes the rest."""
    for kind in ANSWERS:
        application.add_exception_handler(kind, _expected)
    application.add_exception_handler(IntegrityError, _closed)
    application.add_exception_handler(RequestValidationError, _malformed)
    application.add_exception_handler(HTTPException, _http)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: the problems that an operation answers with."""
    return {
        status: {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": _title(status)} for status in statuses
    }


def _title(status: int) -> str:
    found = [answer.title for answer in (*ANSWERS.values(), UNFORESEEN) if answer.status == status]
    return found[0] if found else "Problem"


def _expected(request: Request, error: Exception) -> Response:
    answer = next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    told = error.problems if isinstance(error, Refused) else ()
    faults = [Fault(pointer=one.place, code="unsound", detail=f"{one.message} ({one.remedy})") for one in told]
    return answered(request, answer, detail=str(error), faults=faults)


def _malformed(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # The input itself is left out: it may hold what must not be echoed.
    faults = [
        Fault(pointer="/" + "/".join(map(str, one["loc"])), code=one["type"], detail=one["msg"])
        for one in error.errors()
    ]
    answer = Answer(422, "invalid_request", "The request is not well formed")
    return answered(request, answer, detail="; ".join(f"{f.pointer}: {f.detail}" for f in faults), faults=faults)


def _closed(request: Request, error: Exception) -> Response:
    """A posting on a day whose books are closed, which the database refuses."""
    cause = getattr(error, "orig", None)
    if getattr(cause, "sqlstate", "") != CLOSED:
        return unforeseen(request, error)
    return answered(request, Answer(409, "books_closed", "The books are closed"), detail=str(cause).partition("\n")[0])


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    answer = BY_STATUS.get(error.status_code, Answer(error.status_code, f"http_{error.status_code}", "Refused"))
    return answered(request, answer)


def unforeseen(request: Request, error: Exception) -> Response:
    """Note what nobody expected, and answer without its words."""
    log.error("request %s failed", request_id(request), exc_info=error)
    return answered(request, UNFORESEEN, detail="It was noted; tell us the request id if it happens again.")


def request_id(request: Request) -> str:
    """What `api.guard` named the request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def answered(request: Request, answer: Answer, *, detail: str = "", faults: list[Fault] | None = None) -> Response:
    """The response to a problem: JSON for programs, a page in the portal."""
    headers = {"Cache-Control": "no-store"}
    if answer.status == 401:  # noqa: PLR2004 - unauthorized
        headers["WWW-Authenticate"] = 'Bearer realm="yardstick"'
    if answer.status in {429, 503}:
        headers["Retry-After"] = "60"
    page = getattr(request.app.state, "problem_page", None)
    if page and request.url.path.startswith("/portal"):
        response: Response = page(request, answer, detail)
        response.headers.update(headers)
        return response
    problem = Problem(
        type=f"urn:yardstick:problem:{answer.code}",
        title=answer.title,
        status=answer.status,
        code=answer.code,
        detail=detail,
        errors=faults or [],
        request_id=request_id(request),
    )
    return JSONResponse(problem.model_dump(), status_code=answer.status, headers=headers, media_type=MEDIA_TYPE)
