"""The overview of a contract, all its lines, and its uptime."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api import download, usage
from api.portal import overview, uptime
from api.portal.bill import Bill
from api.portal.context import ContractChoice, First, PeriodChoice, choose, chosen_bill, nothing, shown
from api.portal.paying import chips
from api.portal.tongue import mark
from api.portal.uptime import Row, Stretch
from api.sentence import sentences
from api.visit import MoneyReader, Visit
from contracts.store import view as contract_view
from ingest.store import view

router = APIRouter(prefix="/portal")
ROWS_OF_OVERVIEW = 12
EVENTS = 8
PAGE = 50


@router.get("/overview")
def overview_page(
    request: Request,
    visit: MoneyReader,
    contract: ContractChoice = None,
    period: PeriodChoice = None,
    measure: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Cost so far, usage by day, uptime, downtime, invoices."""
    choice = choose(visit, contract)
    bill = chosen_bill(visit, choice, period)
    if bill is None or choice is None:
        return nothing(request, visit, mark("Overview"))
    known = usage.measures(contract_view.versions(visit.connection, bill.contract.id))
    chosen = next((one for one in known if one.measure == measure), known[0] if known else None)
    bands = uptime.load(visit, bill, most=ROWS_OF_OVERVIEW) if bill.promises else None
    issued = overview.invoices(visit, bill, most=4)
    return shown(
        request,
        visit,
        "overview.html",
        live=f"/portal/stream?contract={bill.contract.public_id}" if bill.open else "/portal/stream",
        bill=bill,
        contracts=choice.contracts,
        measures=known,
        chart=overview.usage_chart(visit, bill, chosen) if chosen else None,
        kept=overview.kept(bill),
        uptime=bands,
        events=uptime.events(bands, EVENTS) if bands else [],
        treated=lambda row, one: _treated(bill, row, one),
        invoices=issued,
        chips=chips(visit, issued),
        earlier=overview.before(overview.invoices(visit, bill, most=25), bill),
        last_reading_at=view.last_reading_at(visit.connection),
    )


@router.get("/bill")
def bill_page(
    request: Request, visit: MoneyReader, contract: ContractChoice = None, period: PeriodChoice = None
) -> Response:
    """Every line of a period."""
    choice = choose(visit, contract)
    bill = chosen_bill(visit, choice, period)
    if bill is None or choice is None:
        return nothing(request, visit, mark("All lines"))
    return shown(request, visit, "bill.html", bill=bill, contracts=choice.contracts, most=500, open_first=False)


@router.get("/bill.csv")
def bill_csv(visit: MoneyReader, contract: ContractChoice = None, period: PeriodChoice = None) -> Response:
    """Every line of a period, as CSV."""
    bill = chosen_bill(visit, choose(visit, contract), period)
    if bill is None:
        return download.csv(download.csv_text(download.BILL, []), name="bill.csv")
    return download.csv(
        download.bill_csv(line for clause in bill.clauses for line in clause.lines),
        name=f"{bill.contract.name}-{bill.label}.csv",
    )


@router.get("/uptime")
def uptime_page(
    request: Request,
    visit: MoneyReader,
    contract: ContractChoice = None,
    period: PeriodChoice = None,
    first: First = 0,
) -> Response:
    """Bands and numbers of every asset, 50 on a page."""
    choice = choose(visit, contract)
    bill = chosen_bill(visit, choice, period)
    if bill is None or choice is None:
        return nothing(request, visit, mark("Uptime"))
    found = uptime.load(visit, bill, first=first, most=PAGE)
    promised = [(clause, words) for clause, kind, words in sentences(bill.document) if kind == "availability"]
    return shown(
        request,
        visit,
        "uptime.html",
        bill=bill,
        contracts=choice.contracts,
        uptime=found,
        promised=promised,
        first=first,
    )


def _treated(bill: Bill, row: Row, one: Stretch) -> uptime.Treatment:
    return uptime.treatment(bill, row.verdict.clause, one.category)


def regions(visit: Visit, bill: Bill, language: str) -> dict[str, str]:
    """The regions of an overview that change while it is open, by element id."""
    from api.portal import page

    frame: dict[str, Any] = {"language": language, "bill": bill, "open_first": True, "most": 5}
    earlier = overview.before(overview.invoices(visit, bill, most=25), bill)
    return {
        "cost": page.text("cost.html", earlier=earlier, **frame),
        "bill": page.text("lines.html", **frame),
    }
