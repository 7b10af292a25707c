"""A contract in words, the list of contracts, and the first pages of finance and partners."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from api.evaluation import verdicts
from api.paging import Cursor, cursor, read_number
from api.portal import receivable
from api.portal.context import ContractChoice, choose, nothing, shown
from api.portal.paying import chips
from api.portal.tongue import mark
from api.sentence import sentences
from api.visit import FinancePerson, MoneyReader, Visit, visiting
from billing.store import view as billing_view
from contracts.store import view
from core.time import zone
from ingest.store import view as ingest_view

router = APIRouter(prefix="/portal")
PAGE = 50
Partner = Annotated[Visit, Depends(visiting("partner"), scope="function")]


@router.get("/contract")
def contract_page(request: Request, visit: MoneyReader, contract: ContractChoice = None) -> Response:
    """Every version of a contract, clause by clause."""
    choice = choose(visit, contract)
    if choice is None:
        return nothing(request, visit, mark("Contract"))
    found = choice.contract
    rows = view.versions(visit.connection, found.id)
    standing = view.standings(visit.connection, [found.id]).get(found.id)
    return shown(
        request,
        visit,
        "contract.html",
        contract=found,
        contracts=choice.contracts,
        versions=[(row, *_said(json.loads(row.document))) for row in rows],
        periods=view.periods(visit.connection, found.id),
        running=standing.label if standing else None,
        zone=zone(found.timezone),
    )


@router.get("/contracts")
def contracts_page(request: Request, visit: FinancePerson, cursor: Cursor = None) -> Response:
    """What each contract costs so far."""
    return shown(request, visit, "contracts.html", **_contracts(visit, cursor, PAGE))


@router.get("/finance")
def finance_page(request: Request, visit: FinancePerson) -> Response:
    """Runs, contracts and invoices at a glance."""
    issued = billing_view.invoices(visit.connection, most=8)
    return shown(
        request,
        visit,
        "finance.html",
        figures=receivable.figures(visit),
        runs=billing_view.runs(visit.connection, most=8),
        invoices=issued,
        chips=chips(visit, issued),
        **_contracts(visit, None, 8),
    )


@router.get("/partner")
def partner_page(request: Request, visit: Partner, cursor: Cursor = None) -> Response:
    """How contracts stand, without a word of money, 50 on a page."""
    found, after = _page(visit, cursor, PAGE)
    statuses = view.statuses(visit.connection, [one.id for one in found])
    rows = [
        (one, statuses.get(one.id), verdicts(statuses[one.id].verdicts) if one.id in statuses else []) for one in found
    ]
    return shown(
        request,
        visit,
        "partner.html",
        live="/portal/stream",
        rows=rows,
        after=after,
        zones={one.id: zone(one.timezone) for one in found},
        last_reading_at=ingest_view.last_reading_at(visit.connection),
    )


def _said(document: dict[str, Any]) -> tuple[str, list[tuple[str, str, str]]]:
    """A version's language and its sentences."""
    return document.get("language", "en"), sentences(document)


def _contracts(visit: Visit, after: str | None, most: int) -> dict[str, object]:
    found, more = _page(visit, after, most)
    return {
        "contracts": found,
        "standings": view.standings(visit.connection, [one.id for one in found]),
        "after": more,
    }


def _page(visit: Visit, after: str | None, most: int) -> tuple[list[view.ContractView], str | None]:
    """Some contracts, and the cursor of the next page if there is one."""
    found = view.contracts(visit.connection, after=read_number(after, otherwise=0), most=most + 1)
    return found[:most], cursor(found[most - 1].id) if len(found) > most else None
