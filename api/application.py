"""The HTTP application: routes, pages, errors, live updates, on one engine and one clock."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from api import document, errors
from api.etag import Revalidation
from api.guard import Answered, Guard, Watch
from api.live import Broadcast
from api.portal import page
from api.portal import route as portal
from api.routes import (
    asset,
    asset_use,
    balance,
    billing_review,
    billing_run,
    book,
    breach_report,
    contract,
    correction,
    dunning,
    evaluation,
    fact,
    gauge,
    hold,
    ingest,
    invoice,
    meter,
    payment,
    proposal,
    stake,
    usage,
)
from core.database import transaction

DESCRIPTION = """\
Contracts, usage, evaluations and invoices of machines, each number with what it rests on.

Amounts and quantities are exact decimal strings. Instants are RFC 3339 in UTC; spans include their start and not
their end. Lists come in pages: hand `next_cursor` in as `cursor`. Errors are problem details (RFC 9457) with a stable
`code`. Send an API key as `Authorization: Bearer yk_…`.
"""


def create(
    engine: Engine,
    clock: Callable[[], datetime],
    *,
    answered: Answered | None = None,
    worker: Engine | None = None,
    workers: int = 1,
) -> FastAPI:
    """An application on `engine`, whose sessions act as yardstick_api; `clock` tells the instant of each request.

    answered: told of each answer: method, route, status, seconds. worker: where commands act, as yardstick_worker;
    None: this server only reads. workers: how many processes may share a command that takes long.
    """
    broadcast = Broadcast(engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with broadcast.listening():
            yield

    application = FastAPI(
        title="Yardstick",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    application.state.engine = engine
    application.state.worker = worker
    application.state.workers = workers
    application.state.clock = clock
    application.state.broadcast = broadcast
    application.state.problem_page = page.problem
    errors.install(application)
    application.add_middleware(Revalidation)
    application.add_middleware(Guard)
    if answered is not None:
        application.add_middleware(Watch, answered=answered)
    routes = (
        contract, fact, asset, asset_use, gauge, usage, evaluation, invoice, breach_report, billing_run,
        billing_review, proposal, payment, balance, dunning, book, ingest, meter, hold, stake, correction,
    )  # fmt: skip
    for part in routes:
        application.include_router(part.router)
    application.include_router(portal.router)
    application.include_router(document.router)
    application.add_api_route("/healthz", lambda: {"status": "ok"}, include_in_schema=False)
    application.add_api_route("/readyz", ready, include_in_schema=False)
    page.mount_static(application)
    return application


def ready(request: Request) -> Response:
    """200 while the database answers, else 503; says nothing else."""
    try:
        with transaction(request.app.state.engine) as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return JSONResponse({"status": "unavailable"}, status_code=503)
    return JSONResponse({"status": "ok"})
