"""Invoices: the list, and one with why each line is what it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.evaluation import verdicts
from api.paging import Cursor, cursor, read_number
from api.portal.bill import lowest_first
from api.portal.context import ContractChoice, First, choose, shown
from api.routes.invoice import found
from api.visit import MoneyReader
from billing.label import labels
from billing.store import view
from contracts.store import view as contract_view
from core.money import Money
from core.time import zone

router = APIRouter(prefix="/portal/invoices")
PAGE, LINES = 50, 100
# A clause with so few lines is unfolded at once.
FEW = 12


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one clause; `count` and `amount` are of all of them, also those on other pages."""

    clause: str
    kind: str
    sentence: str
    count: int
    amount: str
    lines: list[dict[str, Any]]
    open: bool


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
    judged = [one for one in verdicts(document["verdicts"]) if one.kind == "availability"]
    return shown(
        request,
        visit,
        "invoice.html",
        invoice=row,
        zone=zone(document["timezone"]),
        last_day=(row.service_end - timedelta(microseconds=1)).astimezone(zone(document["timezone"])).date(),
        groups=groups(document, start, line),
        shown_lines=len(document["lines"][start : start + LINES]),
        size=LINES,
        first=start,
        w=labels(row.document.get("language")),
        opened=line,
        reports={(one.document["asset"], one.document["clause"]): one.public_id for one in reports},
        promises=lowest_first(judged),
    )


def groups(document: Mapping[str, Any], start: int, opened: int | None) -> list[Group]:
    """Lines of a page under their clauses; the sums are of the whole invoice."""
    page = document["lines"][start : start + LINES]
    out = []
    for clause in dict.fromkeys(line["clause"] for line in page):
        every = [line for line in document["lines"] if line["clause"] == clause]
        here = [line for line in page if line["clause"] == clause]
        whole = sum(
            (Money(Decimal(line["amount"]), document["currency"]) for line in every), Money.zero(document["currency"])
        )
        unfolded = len(here) <= FEW or any(line["n"] == opened for line in here)
        out.append(Group(clause, here[0]["kind"], here[0]["sentence"], len(every), str(whole), here, unfolded))
    return out


def _after(key: int) -> str:
    return cursor(key)
