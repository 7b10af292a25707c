"""Take in exchange rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billing.exchange import Rate, read_rates
from billing.store import exchange
from core import store
from core.database import transaction

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Engine

    from core.problem import Problem


def take_in(engine: Engine, source: bytes, *, at: datetime, by: str) -> int | tuple[Problem, ...]:
    """The rates of a file of the European Central Bank. Returns how many were new, or what is wrong with the file."""
    found = read_rates(source)
    rates = [item for item in found if isinstance(item, Rate)]
    return record(engine, rates, at=at, by=by) if rates else tuple(x for x in found if not isinstance(x, Rate))


def record(engine: Engine, rates: Sequence[Rate], *, at: datetime, by: str) -> int:
    """Append rates; one that is there with the same value is no news, one with another value corrects it."""
    with transaction(engine) as connection:
        known = store.draw_knowledge(connection)
        count = exchange.add(connection, rates, known=known, by=by, at=at)
        detail = {"rates": count, "known": known}
        store.audit(connection, at, actor=by, action="rates.record", subject=rates[0].source, detail=detail)
        return count
