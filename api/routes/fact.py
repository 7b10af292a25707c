"""Facts that people and other systems state of contracts: read, stated, taken back; and values of price indices."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api import errors
from api.errors import InvalidQuestion, NotFound, Refused, RoleNotAllowed
from api.paging import Limit
from api.routes import contract as contract_route
from api.visit import Anyone
from api.writing import PartyWriter, Stater, Writing
from billing.contests.run import in_time_for_viewer
from contracts.facts import IndexValue
from contracts.stated import run
from contracts.stated.run import By
from contracts.store import stated_view
from contracts.store.reporting import Taken, lists
from contracts.store.stated_view import FactView
from core.time import micros

router = APIRouter(prefix="/v1", tags=["facts"])
BY_ANY_PARTY = {"tickets", "attributions"}
OPINIONS = {"proposed", "disputed"}
REFUSALS = (401, 403, 404, 422)


class Fact(BaseModel):
    """A stated fact. `kind` is the table of facts that it stands in; `fields` are as stated."""

    id: str
    kind: str = Field(examples=["quantity", "ticket_time", "unmet"])
    fields: dict[str, Any]
    author: str
    reason: str
    known: int = Field(description="The number by which it became known.")
    withdrawn: str | None = Field(description="Why it was taken back; null: it stands.")


class Facts(BaseModel):
    """A list of facts, in the order in which they became known; `next` continues after the last."""

    items: list[Fact]
    next: int | None


class Statement(BaseModel):
    """Lists of facts as facts files write them: numbers, times and quantities as text."""

    facts: dict[str, Any] = Field(
        examples=[{"tickets": [{"ticket": "K1", "asset": "T1", "opened": "2026-06-03 08:15"}]}],
        description="Lists by name: tickets, pauses, substitutes, unmet, quantities, states, notices, attributions, "
        "meter_tests, carried, history, index_values; and `otherwise`.",
    )
    reason: str = Field(default="", max_length=2000, description="Why, and by what evidence.")
    counts_from: datetime | None = Field(
        default=None, description="Of `carried`: a time in the period; by default now."
    )


class Stated(BaseModel):
    """What was new: ids by kind. What stood already is left out."""

    contract: str
    facts: dict[str, list[str]]


class Withdrawal(BaseModel):
    """Why a fact is taken back."""

    reason: str = Field(min_length=1, max_length=2000)


class Withdrawn(BaseModel):
    """A fact that was taken back."""

    id: str


class Published(BaseModel):
    """A value of a price index, as published."""

    index: str = Field(min_length=1, max_length=200)
    month: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-06"])
    value: str = Field(pattern=r"^\d{1,18}(\.\d{1,12})?$", examples=["112.4"])
    published: datetime
    source: str = Field(min_length=1, max_length=2000)


class PublishedFact(BaseModel):
    """The id of a value; null: it was the last word already."""

    id: str | None


@router.get("/contracts/{contract}/facts", operation_id="listFacts", responses=errors.responses(401, 404, 422))
def index(visit: Anyone, contract: str, limit: Limit = 50, after: Annotated[int, Query(ge=0)] = 0) -> Facts:
    """What is stated of a contract; all that became known together comes on one page."""
    row = contract_route.found(visit, contract)
    rows = stated_view.of_contract(visit.connection, row.public_id, after=after, most=limit)
    return Facts(items=[_fact(one) for one in rows], next=rows[-1].known if len(rows) >= limit else None)


@router.post("/contracts/{contract}/facts", operation_id="stateFacts", responses=errors.responses(*REFUSALS))
def state(writing: PartyWriter, contract: str, statement: Statement) -> Stated:
    """State facts: all of them are recorded, or none.

    Any party may open and move cases, and propose or dispute an attribution; the provider's operators and finance may
    state everything. What is disputed must still be contestable: until when, the invoice says.
    """
    visit = writing.visit
    row = contract_route.found(visit, contract)
    if writing.before is not None:
        return Stated(**writing.before)
    if visit.viewer.role in {"customer", "partner"}:
        _only_as_party(statement.facts)
    content = lists(row.name, statement.facts)
    taken = run.state_in(
        visit.connection,
        row.id,
        content,
        _by(writing, statement.reason),
        counts_from=statement.counts_from or visit.at,
        contests=in_time_for_viewer(visit.at),
    )
    if not isinstance(taken, Taken):
        raise Refused(taken)
    answer = {"contract": row.public_id, "facts": {kind: list(ids) for kind, ids in taken.facts.items()}}
    return Stated(**writing.keep(answer))


@router.post("/facts/{fact}/withdrawal", operation_id="withdrawFact", responses=errors.responses(*REFUSALS))
def withdraw(writing: Stater, fact: str, withdrawal: Withdrawal) -> Withdrawn:
    """Take a fact back: evaluations from now on are made without it."""
    if writing.before is not None:
        return Withdrawn(**writing.before)
    try:
        run.withdraw_in(writing.visit.connection, fact, _by(writing, withdrawal.reason))
    except run.NoSuchFact as error:
        raise NotFound(str(error)) from None
    return Withdrawn(**writing.keep({"id": fact}))


@router.post("/index-values", operation_id="publishIndexValue", responses=errors.responses(401, 403, 422))
def publish(writing: Stater, value: Published) -> PublishedFact:
    """Record a published value; of several for a month the last published holds."""
    if writing.before is not None:
        return PublishedFact(**writing.before)
    if value.published.tzinfo is None or not Fraction(value.value):
        raise InvalidQuestion("published needs an offset, and a value is above zero")
    given = IndexValue(value.index, value.month, Fraction(value.value), micros(value.published))
    fact = run.publish_in(writing.visit.connection, given, _by(writing, value.source))
    return PublishedFact(**writing.keep({"id": fact}))


def _by(writing: Writing, reason: str) -> By:
    return By(writing.visit.viewer.actor, reason, writing.visit.at)


def _only_as_party(facts: Mapping[str, Any]) -> None:
    """What a customer or partner may state. The database refuses the rest as well. Raises RoleNotAllowed."""
    if set(facts) - BY_ANY_PARTY:
        raise RoleNotAllowed(f"you may state {' and '.join(sorted(BY_ANY_PARTY))}; the provider states the rest")
    attributions = facts.get("attributions", [])
    for one in attributions if isinstance(attributions, list) else ():
        if not isinstance(one, dict) or one.get("status") not in OPINIONS:
            raise RoleNotAllowed("you may propose or dispute an attribution; the provider decides")


def _fact(row: FactView) -> Fact:
    return Fact(
        id=row.public_id,
        kind=row.fact,
        fields=row.fields,
        author=row.author,
        reason=row.reason,
        known=row.known,
        withdrawn=row.withdrawn,
    )
