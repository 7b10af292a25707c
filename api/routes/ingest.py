"""For operators: what came in, and what was put aside and why."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from api import errors
from api.paging import Cursor, InvalidCursor, Limit, Page, page_of, read_cursor
from api.visit import Operator
from ingest.store import view
from ingest.store.view import QuarantineView

router = APIRouter(prefix="/v1", tags=["ingest"])
Hours = Annotated[int, Query(ge=1, le=24 * 92, description="How far to look back.")]


class Count(BaseModel):
    """received = stored + duplicate + quarantined."""

    messages: int
    received: int
    stored: int
    duplicate: int
    quarantined: int


class Minute(Count):
    """Counts of a stretch that starts at `at`."""

    at: datetime


class Reason(BaseModel):
    """How often something was quarantined for one reason."""

    reason: str
    items: int
    devices: int
    first_at: datetime
    last_at: datetime


class IngestSummary(BaseModel):
    """What came in since an instant."""

    since: datetime
    total: Count
    devices: int
    last_reading_at: datetime | None
    last_batch_at: datetime | None
    reasons: list[Reason]


class Quarantined(BaseModel):
    """An item that was not stored. `item` is its place in the message; -1 is the message as a whole."""

    topic: str
    payload_hash: str
    item: int
    reason: str
    detail: str
    payload: str
    size: int
    device: str | None
    received_at: datetime


@router.get("/ingest/summary", operation_id="getIngestSummary", responses=errors.responses(401, 403, 422))
def summary(visit: Operator, hours: Hours = 24) -> IngestSummary:
    """What came in of late, and why some of it was put aside."""
    since = visit.at - timedelta(hours=hours)
    total = view.ingest_total(visit.connection, since=since)
    counts = {name: getattr(total, name) for name in Count.model_fields}
    return IngestSummary(
        since=since,
        total=Count(**counts),
        devices=total.devices,
        last_reading_at=total.last_reading_at,
        last_batch_at=total.last_batch_at,
        reasons=[
            Reason(**{name: getattr(one, name) for name in Reason.model_fields})
            for one in view.quarantine_reasons(visit.connection, since=since)
        ],
    )


@router.get("/ingest/series", operation_id="getIngestSeries", responses=errors.responses(401, 403, 422))
def series(visit: Operator, hours: Hours = 24, minutes: Annotated[int, Query(ge=1, le=1440)] = 30) -> list[Minute]:
    """Counts by stretches of so many minutes; stretches in which nothing came are left out."""
    since = visit.at - timedelta(hours=hours)
    found = view.ingest_series(visit.connection, since=since, grain=timedelta(minutes=minutes))
    return [Minute(**{name: getattr(one, name) for name in Minute.model_fields}) for one in found]


@router.get("/quarantine", operation_id="listQuarantine", responses=errors.responses(401, 403, 422))
def quarantine(
    visit: Operator,
    reason: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Quarantined]:
    """What was put aside, newest first."""
    rows = view.quarantine(visit.connection, before=_before(visit, cursor), reason=reason, most=limit + 1)
    return page_of(rows, limit, shown=_quarantined, key=_key)


def _quarantined(row: QuarantineView) -> Quarantined:
    return Quarantined(**{name: getattr(row, name) for name in Quarantined.model_fields})


def _key(row: QuarantineView) -> tuple[datetime, str, str, int]:
    return row.received_at, row.topic, row.payload_hash, row.item


def _before(visit: Operator, given: str | None) -> tuple[datetime, str, str, int]:
    if given is None:
        return visit.at + timedelta(days=1), "", "", 0
    at, topic, digest, item = read_cursor(given, [datetime, str, str, int])
    if not isinstance(at, datetime) or not isinstance(item, int):
        raise InvalidCursor("take the cursor from `next_cursor` of the page before")
    try:
        bytes.fromhex(str(digest))
    except ValueError as error:
        raise InvalidCursor("take the cursor from `next_cursor` of the page before") from error
    return at, str(topic), str(digest), item
