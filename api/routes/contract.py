"""Contracts: who agreed on what, how it stands."""

import json
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from api import errors
from api.errors import NotFound
from api.evaluation import Line, Verdict, lines, verdicts
from api.paging import Cursor, Limit, Page, page_of, read_number
from api.sentence import sentences
from api.visit import Anyone, MoneyReader, Visit
from contracts.store import view
from contracts.store.view import ContractView, PeriodView, VersionView

router = APIRouter(prefix="/v1/contracts", tags=["contracts"])


class Contract(BaseModel):
    """An agreement between a provider and a customer."""

    id: str = Field(examples=["con_5f3k…"])
    name: str = Field(examples=["C-2041"])
    provider: str
    customer: str
    partner: str | None
    currency: str = Field(examples=["EUR"])
    timezone: str = Field(examples=["Europe/Berlin"])
    assets: int = Field(description="Assets ever covered.")
    created_at: datetime


class Clause(BaseModel):
    """One term of a version, in words."""

    clause: str
    kind: str
    sentence: str


class Version(BaseModel):
    """One version of a contract: in words, and as data."""

    version: int
    effective_from: datetime
    recorded_at: datetime
    content_hash: str
    clauses: list[Clause]
    document: Any = Field(description="The canonical document, format contract/1.")


class Period(BaseModel):
    """A billing period; `evaluation` is the one it was closed with."""

    label: str = Field(examples=["2026-10"])
    starts_at: datetime
    ends_at: datetime
    cutoff_at: datetime
    closed_at: datetime | None
    evaluation: str | None


class Standing(BaseModel):
    """The running period, as if it closed now. Amounts are before tax, and may change until the cut-off."""

    contract: str
    period: str
    starts_at: datetime
    ends_at: datetime
    until: datetime
    evaluated_at: datetime
    currency: str
    total: str = Field(examples=["1850.00 EUR"])
    status: Literal["final", "provisional", "insufficient"]
    lines: list[Line]
    verdicts: list[Verdict]


class Status(BaseModel):
    """How the guarantees of the running period stand, without amounts of money."""

    contract: str
    period: str
    starts_at: datetime
    ends_at: datetime
    until: datetime
    evaluated_at: datetime
    verdicts: list[Verdict]


@router.get("", operation_id="listContracts", responses=errors.responses(401, 422))
def index(visit: Anyone, limit: Limit = 50, cursor: Cursor = None) -> Page[Contract]:
    """Contracts that you have a part in, oldest first."""
    rows = view.contracts(visit.connection, after=read_number(cursor, otherwise=0), most=limit + 1)
    return page_of(rows, limit, shown=to_schema, key=lambda row: (row.id,))


@router.get("/{contract}", operation_id="getContract", responses=errors.responses(401, 404))
def one(visit: Anyone, contract: str) -> Contract:
    """One contract."""
    return to_schema(found(visit, contract))


@router.get("/{contract}/status", operation_id="getContractStatus", responses=errors.responses(401, 404))
def status(visit: Anyone, contract: str) -> Status:
    """How the guarantees of the running period stand."""
    row = found(visit, contract)
    standing = view.statuses(visit.connection, [row.id]).get(row.id)
    if standing is None:
        raise NotFound("this contract has not been evaluated yet")
    return Status(
        contract=row.public_id,
        period=standing.label,
        starts_at=standing.starts_at,
        ends_at=standing.ends_at,
        until=standing.until,
        evaluated_at=standing.evaluated_at,
        verdicts=verdicts(standing.verdicts),
    )


@router.get("/{contract}/standing", operation_id="getContractStanding", responses=errors.responses(401, 403, 404))
def standing(visit: MoneyReader, contract: str) -> Standing:
    """The bill of the running period so far, line by line."""
    row = found(visit, contract)
    standing = view.standings(visit.connection, [row.id]).get(row.id)
    if standing is None:
        raise NotFound("this contract has not been evaluated yet")
    return Standing(
        contract=row.public_id,
        period=standing.label,
        starts_at=standing.starts_at,
        ends_at=standing.ends_at,
        until=standing.until,
        evaluated_at=standing.evaluated_at,
        currency=row.currency,
        total=standing.result["total"],
        status=standing.result["status"],
        lines=lines(standing.result["lines"]),
        verdicts=verdicts(standing.result["verdicts"]),
    )


@router.get("/{contract}/periods", operation_id="listContractPeriods", responses=errors.responses(401, 404))
def periods(visit: Anyone, contract: str) -> list[Period]:
    """Billing periods, newest first; at most 24."""
    return [_period(row) for row in view.periods(visit.connection, found(visit, contract).id)]


@router.get("/{contract}/versions", operation_id="listContractVersions", responses=errors.responses(401, 403, 404))
def versions(visit: MoneyReader, contract: str) -> list[Version]:
    """Every version, each term with its sentence."""
    return [_version(row) for row in view.versions(visit.connection, found(visit, contract).id)]


@router.get(
    "/{contract}/versions/{version}", operation_id="getContractVersion", responses=errors.responses(401, 403, 404)
)
def version(visit: MoneyReader, contract: str, version: int, response: Response) -> Version:
    """One version; it never changes."""
    rows = view.versions(visit.connection, found(visit, contract).id)
    for row in rows:
        if row.version == version:
            response.headers["ETag"] = f'"{row.content_hash}"'
            return _version(row)
    raise NotFound(f"this contract has versions 1 to {len(rows)}")


def found(visit: Visit, public_id: str) -> ContractView:
    """The contract as far as the viewer may see it. Raises NotFound."""
    row = view.contract(visit.connection, public_id)
    if row is None:
        raise NotFound("no contract of yours has this id; GET /v1/contracts lists them")
    return row


def to_schema(row: ContractView) -> Contract:
    """As the API shows a contract."""
    return Contract(
        id=row.public_id,
        name=row.name,
        provider=row.provider,
        customer=row.customer,
        partner=row.partner,
        currency=row.currency,
        timezone=row.timezone,
        assets=row.assets,
        created_at=row.created_at,
    )


def _period(row: PeriodView) -> Period:
    return Period(
        label=row.label,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        cutoff_at=row.cutoff_at,
        closed_at=row.closed_at,
        evaluation=row.evaluation,
    )


def _version(row: VersionView) -> Version:
    document = json.loads(row.document)
    return Version(
        version=row.version,
        effective_from=row.effective_from,
        recorded_at=row.recorded_at,
        content_hash=row.content_hash,
        clauses=[Clause(clause=clause, kind=kind, sentence=words) for clause, kind, words in sentences(document)],
        document=document,
    )
