"""The live stream of a page: what changed is asked for anew, under the viewer's own party, and sent as HTML."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse

from api.authentication import NotSignedIn
from api.live import Broadcast
from api.portal import bill as bills
from api.portal import operator_page, page, tongue
from api.portal.overview_page import regions
from api.visit import Visit, identify, open_visit
from contracts.store import view as contract_view
from ingest.store import view

router = APIRouter()
HEARTBEAT_SECONDS = 15.0
# At most one message in so much time, however much happens.
PACE_SECONDS = 1.0
SWAPS = {"live": "innerHTML", "cost": "innerHTML", "bill": "innerMorph", "counts": "innerHTML"}


@router.get("/portal/stream")
async def stream(
    request: Request,
    contract: Annotated[str | None, Query(max_length=64)] = None,
    last_event_id: Annotated[str | None, Header(max_length=100)] = None,
) -> Response:
    """Freshness, and for a contract the cost so far; the first message brings a page that was away up to date."""
    messages = _messages(request, contract, last_event_id or "")
    first = await anext(messages)  # what goes wrong here is still an ordinary answer
    return StreamingResponse(_followed(first, messages), media_type="text/event-stream", headers=HEADERS)


HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def _followed(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    yield first
    async for message in rest:
        yield message


async def _messages(request: Request, contract: str | None, seen: str) -> AsyncIterator[str]:
    broadcast: Broadcast = request.app.state.broadcast
    with broadcast.subscription() as mine:
        kinds = {"ingest", "standing"}
        while not broadcast.stopped:
            try:
                changed, html = await run_in_threadpool(_changed, request, contract, kinds)
            except NotSignedIn:
                if not seen:
                    raise
                return
            # The same state as the page has needs no words; a comment keeps the line open.
            yield message(html, changed) if changed != seen else ": up to date\n\n"
            seen = changed
            await asyncio.sleep(PACE_SECONDS)
            while not await _woken(mine.woken):
                yield ": still here\n\n"
            kinds = mine.take() | {"ingest"}


async def _woken(event: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(event.wait(), HEARTBEAT_SECONDS)
    except TimeoutError:
        return False
    return True


def message(html: str, identity: str) -> str:
    """One event: HTML may have lines, an event's data has one field for each."""
    data = "".join(f"data: {line}\n" for line in html.splitlines() if line.strip())
    return f"id: {identity}\n{data}\n"


def _changed(request: Request, contract: str | None, kinds: set[str]) -> tuple[str, str]:
    """The identity of what the viewer may see now, and its HTML."""
    at = request.app.state.clock()
    with open_visit(request.app.state.engine, lambda c: identify(request, c, at=at), at=at) as visit:
        last, language = view.last_reading_at(visit.connection), tongue.of(request, visit)
        shown = {"live": page.text("fresh.html", language=language, last_reading_at=last)}
        identity = [last.isoformat() if last else "-"]
        if contract and "standing" in kinds:
            bill = _bill(visit, contract)
            if bill is not None:
                identity.append(bill.evaluated_at.isoformat())
                shown |= regions(visit, bill, language)
        if visit.viewer.role in ("operator", "device_manager"):
            shown["counts"] = page.text("counts.html", language=language, counts=operator_page.counts(visit))
    parts = [
        f'<hx-partial hx-target="#{name}" hx-swap="{SWAPS[name]}">{html}</hx-partial>' for name, html in shown.items()
    ]
    return "/".join(identity), "".join(parts)


def _bill(visit: Visit, contract: str) -> bills.Bill | None:
    if visit.viewer.role not in ("customer", "finance"):
        return None
    found = contract_view.contract(visit.connection, contract)
    bill = bills.load(visit, found, None) if found else None
    return bill if bill and bill.open else None
