"""Cost-to-serve records, appended, and what invoices bring in beside them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection, text

from billing.posting import PROMISES
from core.store import packed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from billing.margin import Cost

Key: TypeAlias = tuple[int, str, str]
"""Contract id, asset, currency."""

ADD = text("""
    INSERT INTO billing.cost (entity, key, contract, asset, kind, day, currency, amount, text, by, at)
    SELECT :entity, key, contract, asset, kind, day, currency, amount, text, :by, :at
    FROM json_to_recordset(cast(:rows AS json)) AS r(key text, contract int, asset text, kind text, day date,
        currency text, amount numeric, text text)
    ON CONFLICT (entity, key) DO NOTHING
""")
# By the time that a line is about, so that a correction counts where what it corrects does.
BILLED = text("""
    SELECT p.contract, l.asset, l.currency,
        sum(l.amount) FILTER (WHERE NOT coalesce(l.kind = ANY(:promises) AND (l.amount < 0 OR l.label IS NOT NULL),
            false)) AS revenue,
        sum(l.amount) FILTER (WHERE l.kind = ANY(:promises) AND (l.amount < 0 OR l.label IS NOT NULL)) AS credits
    FROM billing.line AS l JOIN billing.invoice AS i ON i.id = l.invoice
    JOIN billing.invoice_part AS p ON p.invoice = l.invoice AND p.n = l.part
    JOIN billing.series AS s ON s.id = i.series
    WHERE s.entity = :entity AND l.service_start >= :start AND l.service_start < :end
    GROUP BY p.contract, l.asset, l.currency
""")
COSTS = text("""
    SELECT contract, asset, currency, sum(amount) AS amount FROM billing.cost
    WHERE entity = :entity AND day >= :start AND day < :end GROUP BY contract, asset, currency
""")


def add(
    connection: Connection, entity: int, costs: Sequence[Cost], ids: Mapping[str, int], *, by: str, at: datetime
) -> int:
    """Append costs whose keys are new. ids: contracts by name. Returns how many."""
    rows = [
        {name: getattr(cost, name) for name in ("key", "asset", "kind", "text")}
        | {"contract": ids[cost.contract], "day": cost.day.isoformat()}
        | {"currency": cost.amount.currency, "amount": cost.amount.amount}
        for cost in costs
    ]
    return connection.execute(ADD, {"entity": entity, "by": by, "at": at, "rows": packed(rows)}).rowcount


def billed(
    connection: Connection, entity: int, *, start: datetime, end: datetime
) -> dict[Key, tuple[Decimal, Decimal]]:
    """Revenue, and credits of promises below zero, net of tax, of what was delivered in [start, end)."""
    given = {"entity": entity, "start": start, "end": end, "promises": sorted(PROMISES)}
    rows = connection.execute(BILLED, given)
    nothing = Decimal(0)
    return {(r.contract, r.asset, r.currency): (r.revenue or nothing, r.credits or nothing) for r in rows}


def costs(connection: Connection, entity: int, *, start: date, end: date) -> dict[Key, Decimal]:
    """What serving cost on days in [start, end)."""
    rows = connection.execute(COSTS, {"entity": entity, "start": start, "end": end})
    return {(row.contract, row.asset, row.currency): row.amount for row in rows}
