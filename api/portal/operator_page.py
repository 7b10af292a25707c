"""For operators: what came in, and what was put aside."""

from datetime import timedelta
from fractions import Fraction
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.paging import Cursor
from api.portal import chart
from api.portal.context import shown
from api.routes import ingest, meter
from api.visit import Operator, Visit
from ingest.reason import Reason
from ingest.store import view
from ingest.store.view import IngestCount

router = APIRouter(prefix="/portal")
DAY, GRAIN, PAGE = timedelta(hours=24), timedelta(minutes=30), 50


@router.get("/operator")
def operator_page(request: Request, visit: Operator) -> Response:
    """The last day."""
    series = _series(visit)
    return shown(
        request,
        visit,
        "operator.html",
        live="/portal/stream",
        counts=counts(visit),
        series=series,
        chart=chart.daily([Fraction(int(one.received)) for one in series], []),
        reasons=view.quarantine_reasons(visit.connection, since=visit.at - DAY),
        silent=meter.silences(visit),
        last_reading_at=view.last_reading_at(visit.connection),
    )


@router.get("/quarantine")
def quarantine_page(
    request: Request,
    visit: Operator,
    reason: Annotated[Reason | None, Query()] = None,
    cursor: Cursor = None,
) -> Response:
    """What was put aside, newest first."""
    found = ingest.quarantine(visit, reason=reason, limit=PAGE, cursor=cursor)
    return shown(request, visit, "quarantine.html", items=found.items, reason=reason, after=found.next_cursor)


def _series(visit: Visit) -> list[IngestCount]:
    """Every half hour of the last day, those without a batch too."""
    since = (visit.at - DAY).replace(minute=0, second=0, microsecond=0)
    found = {one.at: one for one in view.ingest_series(visit.connection, since=since, grain=GRAIN)}
    starts = [since + n * GRAIN for n in range((visit.at - since) // GRAIN + 1)]
    return [found.get(at, IngestCount(at, 0, 0, 0, 0, 0)) for at in starts] if found else []


def counts(visit: Visit) -> dict[str, int]:
    """The last day's items by what became of them, with the messages and devices that brought them."""
    total = view.ingest_total(visit.connection, since=visit.at - DAY)
    names = ("received", "messages", "stored", "devices", "duplicate", "quarantined")
    return {name: int(getattr(total, name)) for name in names}
