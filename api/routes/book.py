"""Month end: what is accrued, and up to which day a seller's books are closed."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.command import Finance, Worker
from api.selling import DOING, READING, Acting, Seller, done, given, seller
from api.visit import FinancePerson, Visit
from billing.books import run as books
from billing.store import ledger

router = APIRouter(prefix="/v1/books", tags=["finance"])


class Accrual(BaseModel):
    """What contracts' periods of a label came to before they were invoiced, net of tax."""

    period: str
    currency: str
    contracts: int
    net: str
    first_at: datetime
    last_at: datetime


class Books(BaseModel):
    """Up to and including which day nothing is posted any more (null: every day is open), and what was accrued."""

    entity: str
    closed_until: date | None
    accruals: list[Accrual]


class Accruing(Acting):
    """A seller of yours, and the period to accrue."""

    period: Annotated[str, Field(min_length=1, max_length=20, examples=["2026-10"])]


class Accrued(BaseModel):
    """So many contracts were accrued by this; none that was before."""

    contracts: int


class Closing(Acting):
    """A seller of yours, and the last day to close."""

    until: date = Field(examples=["2026-10-31"])


@router.get("", operation_id="getBooks", responses=READING)
def one(visit: FinancePerson, entity: Seller) -> Books:
    """How far a seller's books are."""
    return _books(visit, entity)


@router.post("/accruals", operation_id="accrue", responses=DOING)
def accrue(command: Finance, engine: Worker, what: Accruing) -> JSONResponse:
    """Book what is delivered and not invoiced on the period's last day, and take it back on the next.

    Doing it again accrues contracts that are new. It takes a second for about 700 contracts.
    """
    name = seller(command.visit, what.entity).seller.name
    said = {"entity": name, "label": what.period, **given(command)}
    return done(command, lambda: Accrued(contracts=books.accrue(engine, **said)))


@router.post("/close", operation_id="closeBooks", responses=DOING)
def close(command: Finance, engine: Worker, what: Closing) -> JSONResponse:
    """Close the books up to and including a day; nothing opens them again."""
    name = seller(command.visit, what.entity).seller.name

    def act() -> Books:
        books.close_books(engine, entity=name, until=what.until, **given(command))
        found = _books(command.visit, name)
        return found.model_copy(update={"closed_until": max(what.until, found.closed_until or what.until)})

    return done(command, act)


def _books(visit: Visit, name: str) -> Books:
    found = seller(visit, name)
    rows = ledger.accruals(visit.connection, found.id)
    return Books(
        entity=found.seller.name,
        closed_until=ledger.closed_until(visit.connection, found.id),
        accruals=[
            Accrual(
                period=row.label,
                net=f"{row.net:f}",
                **{name: getattr(row, name) for name in ("currency", "contracts", "first_at", "last_at")},
            )
            for row in rows
        ],
    )
