"""Evaluations: what came out for a contract and a period, with every step."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from api import errors
from api.errors import NotFound
from api.evaluation import Line, Verdict, lines, verdicts
from api.paging import Cursor, Limit, Page, page_of, read_number
from api.routes import contract as contract_route
from api.visit import MoneyReader
from contracts.store import view
from contracts.store.view import EvaluationView

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])


class EvaluationHead(BaseModel):
    """An evaluation as lists show it."""

    id: str
    contract: str
    contract_name: str
    period: str
    until: datetime
    evaluated_at: datetime
    knowledge: int
    total: str
    status: str
    result_hash: str


class Evaluation(EvaluationHead):
    """An evaluation with all that it rests on. The same inputs give the same `result_hash`."""

    engine_version: str
    tzdata_version: str
    input_hash: str
    versions: list[int]
    currency: str
    timezone: str
    lines: list[Line]
    verdicts: list[Verdict]
    open_cases: list[Any]
    carry: list[Any]


@router.get("", operation_id="listEvaluations", responses=errors.responses(401, 403, 404, 422))
def index(
    visit: MoneyReader,
    contract: Annotated[str | None, Query(description="Id of a contract.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[EvaluationHead]:
    """Evaluations, newest first."""
    key = contract_route.found(visit, contract).id if contract else None
    before = read_number(cursor, otherwise=2**62)
    rows = view.evaluations(visit.connection, contract=key, before=before, most=limit + 1)
    return page_of(rows, limit, shown=_head, key=lambda row: (row.id,))


@router.get("/{evaluation}", operation_id="getEvaluation", responses=errors.responses(401, 403, 404))
def one(visit: MoneyReader, evaluation: str, response: Response) -> Evaluation:
    """One evaluation: lines, steps, verdicts, bounds. It never changes."""
    row = view.evaluation(visit.connection, evaluation)
    if row is None:
        raise NotFound("no evaluation of yours has this id; GET /v1/evaluations lists them")
    response.headers["ETag"] = f'"{row.result_hash}"'
    return Evaluation(
        **_head(row).model_dump(),
        engine_version=row.engine_version,
        tzdata_version=row.result.get("tzdata_version", ""),
        input_hash=row.input_hash,
        versions=row.result["versions"],
        currency=row.result["currency"],
        timezone=row.result["timezone"],
        lines=lines(row.result["lines"]),
        verdicts=verdicts(row.result["verdicts"]),
        open_cases=row.result["open_cases"],
        carry=row.result["carry"],
    )


def _head(row: EvaluationView) -> EvaluationHead:
    return EvaluationHead(
        id=row.public_id,
        contract=row.contract,
        contract_name=row.contract_name,
        period=row.label,
        until=row.until,
        evaluated_at=row.evaluated_at,
        knowledge=row.known,
        total=row.result["total"],
        status=row.result["status"],
        result_hash=row.result_hash,
    )
