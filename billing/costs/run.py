"""Take in what serving contracts cost, and see what is left of their revenue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billing.margin import Cost, margins, read_costs
from billing.run import seller_named
from billing.store import cost
from contracts.store import contract as contract_store
from core import store
from core.database import transaction
from core.problem import Problem
from core.time import Period, zone

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

    from billing.margin import Margin


def take_in(engine: Engine, text: str, *, entity: str, at: datetime, by: str) -> int | tuple[Problem, ...]:
    """Append the costs of a CSV file (billing/margin.py), all or none; a key that is known counts once.

    Returns how many were new, or every problem. Raises NoSuchEntity.
    """
    found = read_costs(text)
    costs = [item for item in found if isinstance(item, Cost)]
    if len(costs) != len(found):
        return tuple(item for item in found if isinstance(item, Problem))
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        ids = contract_store.ids_of_provider(connection, seller.party, {item.contract for item in costs})
        unknown = sorted({item.contract for item in costs} - ids.keys())
        if unknown:
            return tuple(Problem(name, f"is no contract of {entity}", "correct the name") for name in unknown)
        count = cost.add(connection, seller.id, costs, ids, by=by, at=at)
        store.audit(connection, at, actor=by, action="costs.record", subject=entity, detail={"costs": count})
        return count


def margin(engine: Engine, *, entity: str, label: str) -> tuple[Margin, ...]:
    """Revenue, credits and costs of what was delivered in a period, by contract and asset.

    Raises NoSuchEntity, core.time.NotAPeriod.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        here = zone(seller.timezone)
        span = Period.parse(label, here).span
        billed = cost.billed(connection, seller.id, start=span.start, end=span.end)
        first, last = (instant.astimezone(here).date() for instant in (span.start, span.end))
        costs = cost.costs(connection, seller.id, start=first, end=last)
        names = contract_store.names_by_id(connection, {key[0] for key in (*billed, *costs)})
    return margins(
        {(names[key[0]], *key[1:]): found for key, found in billed.items()},
        {(names[key[0]], *key[1:]): found for key, found in costs.items()},
    )
