"""Invoices: the list, and one with why each line is what it is."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.command import Worker
from api.errors import InvalidQuestion, StaleForm
from api.evaluation import Verdict, verdicts
from api.paging import Cursor, cursor, read_number
from api.portal.bill import lowest_first
from api.portal.context import ContractChoice, First, choose, shown
from api.portal.paying import chips
from api.portal.receivable import creditable
from api.portal.session_page import refuse_foreign
from api.routes.invoice import found
from api.visit import MoneyReader, Visit, visiting
from billing.label import labels
from billing.reminders import run as reminders
from billing.store import dunning, view
from billing.store.view import BreachReportView
from contracts.store import view as contract_view
from core.money import Money
from core.time import zone
from ingest.store.view import asset_ids

router = APIRouter(prefix="/portal/invoices")
Customer = Annotated[Visit, Depends(visiting("customer"), scope="function")]
PAGE, LINES = 50, 100
# More lines than this are named by number, not chosen from a list.
CHOICES = 1000
# A clause with so few lines is unfolded at once.
FEW = 12


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one clause; `count` and `amount` are of all of them, also those on other pages. key: for its address."""

    key: str
    clause: str
    kind: str
    sentence: str
    count: int
    amount: str
    lines: list[dict[str, Any]]
    open: bool


@dataclass(frozen=True, slots=True)
class Stack:
    """A group of assets within a contract ("" where none is named), its net amount, and its clauses."""

    name: str
    net: str
    groups: list[Group]


Key: TypeAlias = tuple[str, str, str, datetime | None]
"""Contract, clause, asset and start of a promise's window: a document may have several of one clause and asset."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise of a contract and what became of it in a window; report: the public id of its breach report."""

    contract: str
    verdict: Verdict
    report: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """A contract's part of a document; contract "" where there is only one. evaluation: that its lines rest on."""

    contract: str
    net: str
    start: str
    end: str
    evaluation: Mapping[str, Any]
    stacks: list[Stack]


@router.get("")
def invoices_page(
    request: Request, visit: MoneyReader, contract: ContractChoice = None, cursor: Cursor = None
) -> Response:
    """All invoices, newest first, and the newest breach reports."""
    choice = choose(visit, contract) if contract else None
    key = choice.contract.id if choice else None
    rows = view.invoices(visit.connection, contract=key, before=read_number(cursor, otherwise=2**62), most=PAGE + 1)
    return shown(
        request,
        visit,
        "invoices.html",
        invoices=rows[:PAGE],
        names=contract_view.contracts_by_key(visit.connection, {row.contract for row in rows}),
        contract=contract,
        chips=chips(visit, rows[:PAGE]),
        after=_after(rows[PAGE - 1].id) if len(rows) > PAGE else None,
        reports=view.breach_reports(visit.connection, contract=key, most=PAGE) if cursor is None else [],
    )


@router.get("/{invoice}")
def invoice_page(
    request: Request,
    visit: MoneyReader,
    invoice: str,
    first: First = 0,
    line: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
) -> Response:
    """One invoice, 100 lines on a page."""
    row = found(visit, invoice)
    document = row.document
    start = (line - 1) // LINES * LINES if line else first
    reports = view.breach_reports(visit.connection, invoice=row.id, most=1000)
    return shown(
        request,
        visit,
        "invoice.html",
        invoice=row,
        zone=zone(document["timezone"]),
        last_day=(row.service_end - timedelta(microseconds=1)).astimezone(zone(document["timezone"])).date(),
        sections=sections(document, start, line),
        shown_lines=len(document["lines"][start : start + LINES]),
        size=LINES,
        first=start,
        opened=line,
        reports=of_lines(reports, row.public_id),
        promises=promised(document, reports),
        limits=_limits(document),
        choices=choices(document),
        chips=chips(visit, [row]),
        assets=asset_ids(visit.connection, _assets(document, start)),
        contested=dunning.contested(visit.connection, row.id),
        credit=creditable(visit, row),
        at=visit.at,
    )


@router.get("/{invoice}/paper")
def paper_page(request: Request, visit: MoneyReader, invoice: str, *, why: bool = False) -> Response:
    """The whole document as it is printed, in its own language; `why`: with the steps and readings of each line."""
    row = found(visit, invoice)
    document = row.document
    where = zone(document["timezone"])
    return shown(
        request,
        visit,
        "paper.html",
        invoice=row,
        zone=where,
        last_day=(row.service_end - timedelta(microseconds=1)).astimezone(where).date(),
        sections=sections(document, 0, None, most=len(document["lines"])),
        w=labels(document.get("language")),
        limits=_limits(document),
        why=why,
    )


@router.post("/{invoice}/contests")
def contest(  # a form
    request: Request,
    visit: Customer,
    engine: Worker,
    invoice: str,
    *,
    line: Annotated[int | None, Form(ge=1, le=1_000_000)] = None,
    reason: Annotated[str, Form(max_length=2000)] = "",
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """The customer contests a line, with a reason: nobody is reminded of it until the seller has answered.

    Raises StaleForm, InvalidQuestion, and what billing refuses.
    """
    refuse_foreign(request)
    if not visit.viewer.csrf or not hmac.compare_digest(visit.viewer.csrf, csrf):
        raise StaleForm("reload the page and try again")
    row = found(visit, invoice)
    if line is None or not reason.strip():
        raise InvalidQuestion("name the line, and say why you contest it")
    reminders.block(engine, row.public_id, line=line, reason=reason.strip(), at=visit.at, by=visit.viewer.actor)
    return RedirectResponse(f"/portal/invoices/{invoice}#h-contest", status_code=303)


def sections(document: Mapping[str, Any], start: int, opened: int | None, *, most: int = LINES) -> list[Section]:
    """Lines of a page by contract, group of assets and clause; the sums are of the whole invoice."""
    page = {line["n"] for line in document["lines"][start : start + most]}
    found = []
    for part in document.get("parts") or [None]:
        n = part["n"] if part else 1
        own = [line for line in document["lines"] if line.get("part", 1) == n]
        stacks = []
        for k, name in enumerate(dict.fromkeys(line.get("group", "") for line in own), start=1):
            named = [line for line in own if line.get("group", "") == name]
            if page & {line["n"] for line in named}:
                clauses = groups(named, page, opened, place=f"{n}-{k}", currency=document["currency"])
                stacks.append(Stack(name, _sum(named, document), clauses))
        if stacks:
            said = part or document
            service = said["service"]
            found.append(
                Section(
                    part["contract"] if part else "",
                    _sum(own, document),
                    service["from"],
                    service["to"],
                    said["evaluation"],
                    stacks,
                )
            )
    return found


def groups(  # lines, and how they are shown
    lines: list[dict[str, Any]], page: set[int], opened: int | None, *, place: str, currency: str
) -> list[Group]:
    """Lines under their clauses, those that are on the page."""
    out = []
    for clause in dict.fromkeys(line["clause"] for line in lines if line["n"] in page):
        every = [line for line in lines if line["clause"] == clause]
        here = [line for line in every if line["n"] in page]
        unfolded = len(here) <= FEW or any(line["n"] == opened for line in here)
        whole = str(Money.total((Money(Decimal(line["amount"]), currency) for line in every), currency))
        key = f"{place}-{clause.replace('.', '-')}"
        out.append(Group(key, clause, here[0]["kind"], here[0]["sentence"], len(every), whole, here, unfolded))
    return out


def of_lines(reports: Iterable[BreachReportView], invoice: str) -> dict[int, list[BreachReportView]]:
    """Reports by the number of the line that carries their credit, as they say it themselves."""
    found: dict[int, list[BreachReportView]] = {}
    for one in reports:
        credited = one.document["invoice"]
        if credited and credited["id"] == invoice and credited["line"]:
            found.setdefault(credited["line"], []).append(one)
    return found


def promised(document: Mapping[str, Any], reports: Iterable[BreachReportView]) -> list[Promise]:
    """What each contract promised, with the report of a missed window; the worst first."""
    by_window: dict[Key, str] = {_named(one.document): one.public_id for one in reports}
    found = []
    for part in document.get("parts") or [document]:
        judged = lowest_first(one for one in verdicts(part["verdicts"]) if one.kind == "availability")
        found += [Promise(part["contract"], one, by_window.get(_window(part["contract"], one))) for one in judged]
    return found


def _named(report: Mapping[str, Any]) -> Key:
    return report["contract"], report["clause"], report["asset"], datetime.fromisoformat(report["from"])


def _window(contract: str, one: Verdict) -> Key:
    return contract, one.clause, one.asset, one.from_


def _sum(lines: Iterable[Mapping[str, Any]], document: Mapping[str, Any]) -> str:
    currency = document["currency"]
    return str(Money.total((Money(Decimal(line["amount"]), currency) for line in lines), currency))


def _limits(document: Mapping[str, Any]) -> list[tuple[str, str, datetime]]:
    """Contract, clause and until when, of each clause whose lines may be contested for a time."""
    found = document["issue"].get("contest_until", ())
    return [(x["contract"], x["clause"], datetime.fromisoformat(x["until"])) for x in found]


def _assets(document: Mapping[str, Any], start: int) -> set[str]:
    """Whose readings the lines of a page rest on."""
    return {one["asset"] for line in document["lines"][start : start + LINES] for one in line["evidence"]}


def choices(document: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Every line that may be contested, under its contract and clause; none where a list would be too long to read."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    parts = {one["n"]: f"{one['contract']} " for one in document.get("parts") or ()}
    for line in document["lines"] if len(document["lines"]) <= CHOICES else ():
        found.setdefault(f"{parts.get(line.get('part', 1), '')}{line['clause']}", []).append(line)
    return found


def _after(key: int) -> str:
    return cursor(key)
