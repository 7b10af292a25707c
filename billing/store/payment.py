"""Payments and settlements, appended; what is still owed is derived from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from billing.statement import Owed
from contracts.store.contract import new_id
from core.money import Money

if TYPE_CHECKING:
    from datetime import date, datetime

    from billing.statement import Credit

ADD = text("""
    INSERT INTO billing.payment (public_id, entity, key, received_on, currency, amount, payer, text, by, at)
    VALUES (:public_id, :entity, :key, :day, :currency, :amount, :payer, :text, :by, :at)
    ON CONFLICT (entity, key) DO NOTHING RETURNING id
""")
# With the credit notes that refer to them, and what was paid; one payer's invoices in order of their age.
OPEN = text("""
    SELECT i.id, i.number, i.currency, i.due_date, i.customer, i.document #>> '{buyer,name}' AS payer,
        i.gross + coalesce(n.gross, 0) - coalesce(p.paid, 0) AS owed
    FROM billing.invoice AS i JOIN billing.series AS s ON s.id = i.series
    LEFT JOIN LATERAL (SELECT sum(gross) AS gross FROM billing.invoice WHERE corrects = i.id) AS n ON true
    LEFT JOIN LATERAL (SELECT sum(amount) AS paid FROM billing.settlement WHERE invoice = i.id) AS p ON true
    WHERE s.entity = :entity AND i.kind = 'invoice'
        AND i.gross + coalesce(n.gross, 0) - coalesce(p.paid, 0) > 0
    ORDER BY i.due_date, i.id
""")
SETTLE = text("""
    INSERT INTO billing.settlement (payment, invoice, amount, reverses, entry, matched, by, at)
    VALUES (:payment, :invoice, :amount, :reverses, :entry, :matched, :by, :at)
""")
LOCK = text("SELECT id FROM billing.entity WHERE id = :entity FOR NO KEY UPDATE")
SETTLED = text("""
    SELECT t.id, t.payment, t.invoice, t.amount, p.entity, p.currency, i.customer
    FROM billing.settlement AS t JOIN billing.payment AS p ON p.id = t.payment
    JOIN billing.invoice AS i ON i.id = t.invoice
    WHERE p.entity = :entity AND p.key = :key AND t.reverses IS NULL
        AND NOT EXISTS (SELECT FROM billing.settlement AS r WHERE r.reverses = t.id)
    ORDER BY t.id
""")


@dataclass(frozen=True, slots=True)
class Open:
    """An invoice with something left to pay. customer: a party's id."""

    id: int
    due_date: date
    customer: int
    owed: Owed


def lock(connection: Connection, entity: int) -> None:
    """One settles an entity's invoices at a time, so that none is paid twice."""
    connection.execute(LOCK, {"entity": entity})


def add(connection: Connection, entity: int, credit: Credit, *, by: str, at: datetime) -> int | None:
    """Append a payment; None if the bank's key is known already."""
    row = {"public_id": new_id("pay"), "entity": entity, "key": credit.key, "day": credit.day, "by": by, "at": at}
    row |= {"currency": credit.amount.currency, "amount": credit.amount.amount}
    found: int | None = connection.execute(ADD, row | {"payer": credit.payer, "text": credit.text}).scalar()
    return found


def unpaid(connection: Connection, entity: int) -> list[Open]:
    """Invoices that are not paid in full, by due date."""
    return [
        Open(row.id, row.due_date, row.customer, Owed(row.number, Money(row.owed, row.currency), row.payer))
        for row in connection.execute(OPEN, {"entity": entity})
    ]


def settle(connection: Connection, row: dict[str, Any]) -> None:
    """Append a settlement. Keys as the columns."""
    connection.execute(SETTLE, row)


def settled(connection: Connection, entity: int, key: str) -> list[Any]:
    """What a payment settles and nobody took back."""
    return list(connection.execute(SETTLED, {"entity": entity, "key": key}))
