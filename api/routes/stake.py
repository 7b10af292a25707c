"""What a hold is worth in money, for whoever reads the terms of a contract that prices its counter."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api import errors, holding
from api.command import Worker
from api.errors import InvalidQuestion
from api.routes.hold import refusing
from api.stake import Stake, stakes
from api.visit import MoneyReader
from contracts.stake.run import Change
from core.canonical import decimal_text, fraction_text
from core.money import Money
from core.store import current_knowledge
from core.units import Quantity

router = APIRouter(prefix="/v1", tags=["holds"])
Wanted = Annotated[
    str | None,
    Query(max_length=60, description="If so much were billed, e.g. `60 km`; all that is at stake without it."),
]


class LineChange(BaseModel):
    """A line that would be another; null: there is none."""

    clause: str
    asset: str
    text: str
    now: str | None = Field(examples=["8.00 EUR"])
    then: str | None = Field(examples=["10.00 EUR"])


class ContractStake(BaseModel):
    """A billing period of a contract. `difference`: above zero, so much more would be charged, before tax."""

    contract: str
    contract_name: str
    period: str
    starts_at: datetime
    ends_at: datetime
    difference: str = Field(examples=["2.00 EUR"])
    now: str
    then: str
    carries: bool = Field(description="What is carried into the next periods would be another as well.")
    lines: list[LineChange]


class HoldStake(BaseModel):
    """What a hold is worth if `quantity` counted. Without contracts, none of yours prices its counter."""

    hold: str
    quantity: str
    unit: str
    contracts: list[ContractStake]


@router.get("/holds/{hold}/stake", operation_id="getHoldStake", responses=errors.responses(401, 403, 404, 422, 503))
def stake(visit: MoneyReader, engine: Worker, hold: str, quantity: Wanted = None) -> HoldStake:
    """What an open hold is worth in the contracts whose terms you may read: evaluated as known, and as if it counted.

    Both evaluations are the engine's own and cost what evaluating these periods costs: ask for the holds that matter.
    """
    waits = holding.look(visit, hold).waits
    if waits is None:
        raise InvalidQuestion("it is decided, or explained otherwise since, so nothing is at stake")
    with refusing("quantity"):
        bill = None if quantity is None else Quantity.parse(quantity)
        known = current_knowledge(visit.connection)
        found = stakes(engine, visit.connection, waits, known=known, at=visit.at, bill=bill)
        amount = decimal_text(holding.at_stake(waits)) if bill is None else fraction_text(bill.to(waits.unit))
    return HoldStake(hold=hold, quantity=amount, unit=waits.unit, contracts=[_contract(one) for one in found])


def _contract(one: Stake) -> ContractStake:
    worth = one.worth
    return ContractStake(
        contract=one.contract.public_id,
        contract_name=one.contract.name,
        period=worth.due.label,
        starts_at=worth.due.starts_at,
        ends_at=worth.due.ends_at,
        difference=str(worth.difference),
        now=str(worth.now),
        then=str(worth.then),
        carries=worth.carries,
        lines=[_line(each) for each in worth.changes],
    )


def _line(one: Change) -> LineChange:
    return LineChange(clause=one.clause, asset=one.asset, text=one.text, now=_money(one.now), then=_money(one.then))


def _money(amount: Money | None) -> str | None:
    return None if amount is None else str(amount)
