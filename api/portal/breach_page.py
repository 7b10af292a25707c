"""A breach report: what was promised, what was measured, from which facts."""

from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response

from api.portal.context import shown
from api.portal.uptime import LOOKS
from api.routes.breach_report import found
from api.visit import MoneyReader
from contracts.store import view
from core.time import zone

router = APIRouter(prefix="/portal/breach-reports")


@router.get("/{report}")
def breach_page(request: Request, visit: MoneyReader, report: str) -> Response:
    """One report."""
    row = found(visit, report)
    return shown(
        request,
        visit,
        "breach_report.html",
        report=row,
        contract=view.contracts_by_key(visit.connection, {row.contract})[row.contract].public_id,
        zone=zone(row.document["timezone"]),
        looks=LOOKS,
        between=_between,
    )


def _between(start: str, end: str) -> timedelta:
    return datetime.fromisoformat(end) - datetime.fromisoformat(start)
