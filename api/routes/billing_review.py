"""What finance looks at around issuing: a draft as printed, what must be equal, what changed, the journal."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api import download, errors
from api.command import Worker
from api.errors import NotFound
from api.routes.billing_run import found
from api.selling import Seller, seller
from api.visit import FinancePerson
from billing import run as billing
from billing.books import run as books

READING = errors.responses(401, 403, 404, 422, 503)
router = APIRouter(prefix="/v1", tags=["billing runs"])
Revision = Annotated[int, Query(ge=1, le=1_000_000)]


class Preview(BaseModel):
    """What would be printed for a draft, with those that share its document; null where there is none."""

    contract: str
    document: Any
    remarks: list[str]


class Equal(BaseModel):
    """Two numbers that are the same thing counted twice; `what` says where to look if they differ."""

    what: str
    left: str
    right: str
    agrees: bool


class Changed(BaseModel):
    """What a line came to in two revisions; null: it was not there."""

    contract: str
    line: str
    text: str
    before: str | None = Field(examples=["1850.00"])
    after: str | None


@router.get("/billing-runs/{run}/drafts/{name}", operation_id="previewBillingRunDraft", responses=READING)
def preview(visit: FinancePerson, engine: Worker, run: str, name: str) -> Preview:
    """A draft of the newest revision, by the contract's name, as its document would be."""
    found(visit, run)
    document, remarks = billing.preview(engine, run, name), billing.remarks(engine, run, name)
    if document is None and not remarks:
        raise NotFound(f"the run has no draft for contract {name}; …/drafts lists them")
    return Preview(contract=name, document=document, remarks=list(remarks))


@router.get("/billing-runs/{run}/reconciliation", operation_id="reconcileBillingRun", responses=READING)
def reconciliation(visit: FinancePerson, engine: Worker, run: str) -> list[Equal]:
    """The gate of approving, and of what was issued."""
    found(visit, run)
    return [
        Equal(what=pair.name, left=f"{pair.left:f}", right=f"{pair.right:f}", agrees=pair.agrees)
        for pair in billing.reconcile(engine, run)
    ]


@router.get("/billing-runs/{run}/changes", operation_id="listBillingRunChanges", responses=READING)
def changes(visit: FinancePerson, engine: Worker, run: str, before: Revision, after: Revision) -> list[Changed]:
    """Lines that differ between two revisions of a run."""
    row = found(visit, run)
    if max(before, after) > row.revision:
        raise NotFound(f"the run has revisions 1 to {row.revision}")
    said = billing.diff(engine, run, before, after)
    return [
        Changed(
            contract=one.contract,
            line=one.line,
            text=one.text,
            before=None if one.before is None else f"{one.before:f}",
            after=None if one.after is None else f"{one.after:f}",
        )
        for one in said
    ]


@router.get("/journal", operation_id="downloadJournal", responses=READING)
def journal(
    visit: FinancePerson,
    engine: Worker,
    entity: Seller,
    start: Annotated[date, Query(alias="from", description="First day.")],
    end: Annotated[date, Query(alias="to", description="The day after the last.")],
    form: Annotated[Literal["csv", "beancount"], Query(alias="as")] = "csv",
) -> Response:
    """What a seller of yours booked in these days, as CSV or for beancount."""
    text = books.journal(engine, entity=seller(visit, entity).seller.name, start=start, end=end, form=form)
    name = f"journal-{start}-{end}"
    return download.csv(text, name=f"{name}.csv") if form == "csv" else download.plain(text, name=f"{name}.beancount")
