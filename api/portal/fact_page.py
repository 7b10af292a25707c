"""What people state of a contract: cases, what caused a stop, values of indices; each with who says it and why."""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import ProgrammingError

from api.errors import RoleNotAllowed, StaleForm
from api.portal import tongue
from api.portal.bill import natural
from api.portal.context import ContractChoice, choose, nothing, shown
from api.portal.session_page import refuse_foreign
from api.portal.tongue import mark
from api.routes import contract as contract_route
from api.stated import words
from api.visit import Visit, identify, open_visit, visiting
from billing.contests.run import in_time_for_viewer
from contracts.facts import IndexValue
from contracts.stated import run
from contracts.stated.run import By
from contracts.store import contract as contract_store
from contracts.store import stated_view, view
from contracts.store.reporting import Taken, lists
from contracts.store.view import ContractView
from core.problem import Problem
from core.time import NotATime, micros, read_time, zone

router = APIRouter(prefix="/portal/facts")
PARTIES, SELLERS = ("customer", "partner"), ("operator", "finance")
Reader = Annotated[Visit, Depends(visiting(*PARTIES, *SELLERS), scope="function")]
Word = Annotated[str, Form(max_length=200)]
Why = Annotated[str, Form(max_length=2000)]
Form_ = Literal["ticket", "cause", "index", "withdrawal"]
SHOWN = 100
MOMENTS = ("reported", "opened", "arrived", "on_site", "fixed", "closed")
# Who answers for a category of time.
ANSWERS = {
    "fault": "provider",
    "unplanned_repair": "provider",
    "planned_maintenance": "provider",
    "customer_cause": "customer",
    "external": "none",
    "force_majeure": "none",
}
OPINIONS, DECISIONS = ("proposed", "disputed"), ("proposed", "accepted", "disputed", "determined")
DONE: Mapping[str, str] = {
    "ticket": mark("The case is recorded."),
    "cause": mark("Your statement is recorded, with your name and the reason."),
    "index": mark("The value is recorded."),
    "withdrawal": mark("The fact is taken back."),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A form as it was sent, and what is wrong with it."""

    form: Form_
    fields: Mapping[str, str]
    problems: Sequence[Problem] = ()


def _writing(request: Request, csrf: Annotated[str, Form(max_length=200)] = "") -> Iterator[Visit]:
    """A transaction that writes, for a form of this session. Raises NotSignedIn, RoleNotAllowed, StaleForm."""
    refuse_foreign(request)
    at: datetime = request.app.state.clock()
    with open_visit(request.app.state.engine, lambda c: identify(request, c, at=at), at=at, writes=True) as visit:
        if visit.viewer.role not in (*PARTIES, *SELLERS):
            raise RoleNotAllowed(f"this is for contracts' parties; you act as {visit.viewer.role}")
        if not visit.viewer.csrf or not hmac.compare_digest(visit.viewer.csrf, csrf):
            raise StaleForm("reload the page and try again")
        try:
            yield visit
        except ProgrammingError as error:  # the second lock: what the handler let through, the database refuses
            if isinstance(error.orig, InsufficientPrivilege):
                raise RoleNotAllowed("your party has no part in stating this") from None
            raise


Writer = Annotated[Visit, Depends(_writing, scope="function")]


@router.get("")
def facts_page(
    request: Request,
    visit: Reader,
    contract: ContractChoice = None,
    *,
    done: Form_ | None = None,
    asset: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
) -> Response:
    """What is stated of a contract, and the forms that the viewer may send; a link may fill in a stretch of time."""
    choice = choose(visit, contract)
    if choice is None:
        return nothing(request, visit, mark("Facts"))
    where = zone(choice.contract.timezone)
    filled = {"asset": asset, "status": "disputed"} | {
        name: _local(at, where) for name, at in (("since", since), ("until", until)) if at
    }
    given = Given("cause", filled) if asset else None
    return _page(request, visit, choice.contract, given=given, done=DONE[done] if done else "")


@router.post("/{contract}/tickets")
def record_ticket(  # noqa: PLR0913 - a form
    request: Request,
    visit: Writer,
    contract: str,
    *,
    ticket: Word = "",
    asset: Word = "",
    moment: Word = "",
    at: Word = "",
    reason: Why = "",
) -> Response:
    """A case reached a moment; the first one opens it."""
    fields = {"ticket": ticket, "asset": asset, "moment": moment, "at": at, "reason": reason}
    row = {"ticket": ticket.strip(), "asset": asset, moment if moment in MOMENTS else "opened": _written(at)}
    return _state(request, visit, contract, Given("ticket", fields), {"tickets": [row]})


@router.post("/{contract}/causes")
def record_cause(  # noqa: PLR0913 - a form
    request: Request,
    visit: Writer,
    contract: str,
    *,
    asset: Word = "",
    since: Word = "",
    until: Word = "",
    category: Word = "",
    cause: Word = "",
    status: Word = "",
    reason: Why = "",
) -> Response:
    """Who or what caused a stretch of time: an opinion of any party, or the provider's decision."""
    fields = {"asset": asset, "since": since, "until": until, "category": category, "cause": cause}
    fields |= {"status": status, "reason": reason}
    if status not in (DECISIONS if visit.viewer.role in SELLERS else OPINIONS):
        raise RoleNotAllowed("you may propose or dispute an attribution; the provider decides")
    row = {"asset": asset, "from": _written(since), "to": _written(until), "category": category}
    row |= {"party": ANSWERS.get(category, ""), "status": status} | ({"cause": cause.strip()} if cause.strip() else {})
    return _state(request, visit, contract, Given("cause", fields), {"attributions": [row]})


@router.post("/{contract}/index-values")
def record_index(  # noqa: PLR0913 - a form
    request: Request,
    visit: Writer,
    contract: str,
    *,
    index: Word = "",
    month: Word = "",
    value: Word = "",
    published: Word = "",
    reason: Why = "",
) -> Response:
    """A published value of a price index; of several for a month the last published holds."""
    _seller(visit)
    row = contract_route.found(visit, contract)
    fields = {"index": index, "month": month, "value": value, "published": published, "reason": reason}
    try:
        at = read_time(_written(published), zone(row.timezone))
        read = IndexValue(index.strip(), _month(month), _above_zero(value), micros(at))
    except (NotATime, ValueError, ZeroDivisionError) as error:
        return _refused(request, visit, row, Given("index", fields, [Problem("", str(error))]))
    if not index.strip() or not reason.strip():
        what = Problem("", "an index has a name, and its value a source", "write both")
        return _refused(request, visit, row, Given("index", fields, [what]))
    run.publish_in(visit.connection, read, _by(visit, reason))
    return _done(row, "index")


@router.post("/{contract}/withdrawals")
def record_withdrawal(request: Request, visit: Writer, contract: str, *, fact: Word = "", reason: Why = "") -> Response:
    """A fact is taken back: evaluations from now on are made without it."""
    _seller(visit)
    row = contract_route.found(visit, contract)
    given = Given("withdrawal", {"fact": fact, "reason": reason}, [Problem("", "say why it is taken back")])
    if not reason.strip():
        return _refused(request, visit, row, given)
    try:
        run.withdraw_in(visit.connection, fact, _by(visit, reason))
    except run.NoSuchFact as error:
        return _refused(request, visit, row, Given("withdrawal", given.fields, [Problem("", str(error))]))
    return _done(row, "withdrawal")


def _state(request: Request, visit: Visit, contract: str, given: Given, facts: Mapping[str, Any]) -> Response:
    """Record facts in the viewer's transaction, or show the form again with every problem."""
    row = contract_route.found(visit, contract)
    reason = given.fields["reason"].strip()
    if not reason:
        told = Problem("", "a statement has a reason", "write what it rests on, e.g. a job sheet")
        return _refused(request, visit, row, Given(given.form, given.fields, [told]))
    taken = run.state_in(
        visit.connection,
        row.id,
        lists(row.name, facts),
        _by(visit, reason),
        counts_from=visit.at,
        contests=in_time_for_viewer(visit.at),
    )
    if not isinstance(taken, Taken):
        return _refused(request, visit, row, Given(given.form, given.fields, taken))
    return _done(row, given.form)


def _page(  # whose page, and what was sent
    request: Request, visit: Visit, row: ContractView, *, given: Given | None = None, done: str = "", status: int = 200
) -> Response:
    facts = stated_view.newest(visit.connection, row.public_id, most=SHOWN)
    newest = contract_store.versions_for_stating(visit.connection, row.id)[-1]
    known = sorted({one.asset for one in newest.coverage}, key=natural)
    seller, language = visit.viewer.role in SELLERS, tongue.of(request, visit)
    found = shown(
        request,
        visit,
        "facts.html",
        contract=row,
        contracts=view.contracts(visit.connection, most=12),
        assets=known,
        facts=facts,
        seller=seller,
        statuses=DECISIONS if seller else OPINIONS,
        categories=list(ANSWERS),
        moments=MOMENTS,
        tickets=sorted({one.fields["ticket"] for one in facts if "ticket" in one.fields}),
        given=given,
        done=done,
        now=_local(visit.at, zone(row.timezone)),
        words=lambda fact: words(fact, zone(row.timezone), language),
    )
    found.status_code = status
    return found


def _refused(request: Request, visit: Visit, row: ContractView, given: Given) -> Response:
    return _page(request, visit, row, given=given, status=422)


def _done(row: ContractView, form: Form_) -> Response:
    return RedirectResponse(f"/portal/facts?contract={row.public_id}&done={form}", status_code=303)


def _by(visit: Visit, reason: str) -> By:
    return By(visit.viewer.actor, reason.strip(), visit.at)


def _seller(visit: Visit) -> None:
    if visit.viewer.role not in SELLERS:
        raise RoleNotAllowed("the provider's operators and finance state this")


def _local(at: datetime, where: ZoneInfo) -> str:
    """As a browser's field of date and time takes it."""
    return f"{at.astimezone(where):%Y-%m-%dT%H:%M}"


def _written(local: str) -> str:
    """A browser's date and time as facts files write it."""
    return local.strip().replace("T", " ")


def _month(text: str) -> str:
    try:
        return f"{datetime.strptime(text.strip(), '%Y-%m'):%Y-%m}"  # noqa: DTZ007 - a month of a publication
    except ValueError:
        raise ValueError(f"{text!r} is no month; write it as 2026-06") from None


def _above_zero(text: str) -> Fraction:
    value = Fraction(text.strip()) if text.strip().replace(".", "", 1).isdecimal() else Fraction(0)
    if value <= 0:
        raise ValueError(f"{text!r} is no value above zero; write it as 112.4")
    return value
