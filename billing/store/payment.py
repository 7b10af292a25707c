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
    INSERT INTO billing.payment (public_id, entity, key, received_on, currency, amount, payer, text, by, at, entry)
    VALUES (:public_id, :entity, :key, :day, :currency, :amount, :payer, :text, :by, :at, :entry)
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

# What is left of payments that the bank did not take back.
RESTS = text("""
    SELECT * FROM (
        SELECT p.id, p.key, p.received_on, p.payer, p.text, p.currency, p.amount - coalesce(s.paid, 0)
            - coalesce(c.paid, 0) AS rest
        FROM billing.payment AS p
        LEFT JOIN LATERAL (SELECT sum(amount) AS paid FROM billing.settlement WHERE payment = p.id) AS s ON true
        LEFT JOIN LATERAL (SELECT sum(amount) AS paid FROM billing.charge_settlement WHERE payment = p.id) AS c ON true
        WHERE p.entity = :entity AND (CAST(:key AS text) IS NULL OR p.key = :key)
            AND NOT EXISTS (SELECT FROM billing.payment_return AS r WHERE r.payment = p.id)
    ) AS p WHERE rest > 0 ORDER BY received_on, id
""")
# Invoices for which more was paid than is owed since credit notes refer to them.
OVERPAID = text("""
    SELECT i.number, i.document #>> '{buyer,name}' AS payer, i.currency,
        coalesce(p.paid, 0) - i.gross - coalesce(n.gross, 0) AS over
    FROM billing.invoice AS i JOIN billing.series AS s ON s.id = i.series
    LEFT JOIN LATERAL (SELECT sum(gross) AS gross FROM billing.invoice WHERE corrects = i.id) AS n ON true
    LEFT JOIN LATERAL (SELECT sum(amount) AS paid FROM billing.settlement WHERE invoice = i.id) AS p ON true
    WHERE s.entity = :entity AND i.kind = 'invoice' AND i.gross + coalesce(n.gross, 0) < coalesce(p.paid, 0)
    ORDER BY i.id
""")
KNOWN = text("SELECT received_on, currency, amount FROM billing.payment WHERE entity = :entity AND key = :key")
RETURN = text("""
    INSERT INTO billing.payment_return (payment, entry, reason, by, at)
    SELECT id, :entry, :reason, :by, :at FROM billing.payment WHERE entity = :entity AND key = :key
    ON CONFLICT DO NOTHING RETURNING payment
""")


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of a payment. id: its row; key: the bank's."""

    id: int
    key: str
    received_on: date
    payer: str
    text: str
    left: Money


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


def add(connection: Connection, entity: int, credit: Credit, *, entry: int, by: str, at: datetime) -> int | None:
    """Append a payment, booked as this entry; None if the bank's key is known already."""
    row = {"public_id": new_id("pay"), "entity": entity, "key": credit.key, "day": credit.day, "by": by, "at": at}
    row |= {"entry": entry}
    row |= {"currency": credit.amount.currency, "amount": credit.amount.amount}
    found: int | None = connection.execute(ADD, row | {"payer": credit.payer, "text": credit.text}).scalar()
    return found


def is_another(connection: Connection, entity: int, credit: Credit) -> bool:
    """Whether the payment of this key is of another day or amount: the bank gave two the same name."""
    row = connection.execute(KNOWN, {"entity": entity, "key": credit.key}).one()
    return (row.received_on, Money(row.amount, row.currency)) != (credit.day, credit.amount)


def rests(connection: Connection, entity: int, key: str | None = None) -> list[Rest]:
    """Payments of which something is left, the oldest first; key: of this one only."""
    return [
        Rest(row.id, row.key, row.received_on, row.payer, row.text, Money(row.rest, row.currency))
        for row in connection.execute(RESTS, {"entity": entity, "key": key})
    ]


def overpaid(connection: Connection, entity: int) -> list[tuple[str, str, Money]]:
    """Number, debtor and how much too much was paid of each invoice that was credited or paid twice."""
    rows = connection.execute(OVERPAID, {"entity": entity})
    return [(row.number, row.payer, Money(row.over, row.currency)) for row in rows]


def give_back(connection: Connection, entity: int, key: str, row: dict[str, Any]) -> bool:
    """Note that the bank took a payment back; False if it is unknown or was taken back before. Keys as the columns."""
    return connection.execute(RETURN, row | {"entity": entity, "key": key}).first() is not None


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
