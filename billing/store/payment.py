"""Payments and settlements, appended; what is still owed is derived from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from billing.camt import Credit
from billing.statement import Owed, Received
from billing.store.paying import OWED, WITH_NOTES, WITH_PAID
from contracts.store.contract import new_id
from core.money import Money

if TYPE_CHECKING:
    from datetime import date, datetime

    from billing.camt import Return

ADD = text("""
    INSERT INTO billing.payment (public_id, entity, key, received_on, currency, amount, payer, text, by, at, entry,
        end_to_end)
    VALUES (:public_id, :entity, :key, :day, :currency, :amount, :payer, :text, :by, :at, :entry, :end_to_end)
    ON CONFLICT (entity, key) DO NOTHING RETURNING id
""")
# One payer's invoices in order of their age.
OPEN = text(f"""
    SELECT i.id, i.number, i.currency, i.due_date, i.customer, i.document #>> '{{buyer,name}}' AS payer,
        {OWED} AS owed
    FROM billing.invoice AS i JOIN billing.series AS s ON s.id = i.series
    {WITH_NOTES} {WITH_PAID}
    WHERE s.entity = :entity AND i.kind = 'invoice' AND {OWED} > 0
    ORDER BY i.due_date, i.id
""")  # noqa: S608 - only constants
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

KNOWN = text("SELECT received_on, currency, amount FROM billing.payment WHERE entity = :entity AND key = :key")
GIVE_BACK = text("""
    INSERT INTO billing.payment_return (payment, entry, reason, by, at)
    SELECT id, :entry, :reason, :by, :at FROM billing.payment WHERE entity = :entity AND key = :key
    ON CONFLICT DO NOTHING RETURNING payment
""")
ADD_RETURN = text("""
    INSERT INTO billing.bank_return
        (public_id, entity, key, returned_on, currency, amount, fee, end_to_end, reason, text, entry, by, at)
    VALUES (:public_id, :entity, :key, :day, :currency, :amount, :fee, :end_to_end, :reason, :text, :entry, :by, :at)
    ON CONFLICT (entity, key) DO NOTHING RETURNING id
""")
KNOWN_RETURN = text("""
    SELECT returned_on AS received_on, currency, amount + fee AS amount FROM billing.bank_return
    WHERE entity = :entity AND key = :key
""")
FIND = text("""
    SELECT p.id, p.key, p.currency, p.amount, p.end_to_end, p.text, b.payment IS NOT NULL AS taken_back
    FROM billing.payment AS p LEFT JOIN billing.payment_return AS b ON b.payment = p.id
    WHERE p.entity = :entity AND p.key = :key
""")
MATCH_RETURN = text("""
    INSERT INTO billing.bank_return_match (bank_return, payment, by, at) VALUES (:bank_return, :payment, :by, :at)
""")
# Payments that no statement returned yet.
RECEIVED = text("""
    SELECT p.id, p.key, p.currency, p.amount, p.end_to_end, p.text, b.payment IS NOT NULL AS taken_back
    FROM billing.payment AS p LEFT JOIN billing.payment_return AS b ON b.payment = p.id
    WHERE p.entity = :entity AND p.currency = :currency AND p.amount = :amount AND p.end_to_end IN ('', :end_to_end)
        AND NOT EXISTS (SELECT FROM billing.bank_return_match AS m WHERE m.payment = p.id)
    ORDER BY p.id
""")
WAITING = text("""
    SELECT r.id, r.public_id, r.key, r.returned_on, r.currency, r.amount, r.fee, r.end_to_end, r.reason, r.text
    FROM billing.bank_return AS r
    WHERE r.entity = :entity AND (CAST(:key AS text) IS NULL OR :key IN (r.key, r.public_id))
        AND NOT EXISTS (SELECT FROM billing.bank_return_match AS m WHERE m.bank_return = r.id)
    ORDER BY r.returned_on, r.id
""")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Money that the bank took back, of which nobody knows yet what it returns. id: its row; key: the bank's."""

    id: int
    public_id: str
    key: str
    returned_on: date
    amount: Money
    fee: Money
    end_to_end: str
    reason: str
    text: str


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


def add(connection: Connection, entity: int, item: Credit | Return, *, entry: int, by: str, at: datetime) -> int | None:
    """Append what came in or was taken back, booked as this entry; None if the bank's key is known already."""
    row = {name: getattr(item, name) for name in ("key", "day", "end_to_end", "text")}
    row |= {"currency": item.amount.currency, "amount": item.amount.amount}
    row |= {"entity": entity, "entry": entry, "by": by, "at": at}
    if isinstance(item, Credit):
        found = connection.execute(ADD, row | {"public_id": new_id("pay"), "payer": item.payer})
    else:
        more = {"public_id": new_id("ret"), "reason": item.reason, "fee": item.fee.amount}
        found = connection.execute(ADD_RETURN, row | more)
    return found.scalar()


def is_another(connection: Connection, entity: int, item: Credit | Return) -> bool:
    """Whether what has this key is of another day or amount: the bank gave two the same name."""
    statement, amount = (KNOWN, item.amount) if isinstance(item, Credit) else (KNOWN_RETURN, item.amount + item.fee)
    row = connection.execute(statement, {"entity": entity, "key": item.key}).one()
    return (row.received_on, Money(row.amount, row.currency)) != (item.day, amount)


def received(connection: Connection, entity: int, item: Return) -> list[Received]:
    """Payments of a return's amount that no statement returned yet, of its end-to-end id or of none."""
    given = {"entity": entity, "currency": item.amount.currency, "amount": item.amount.amount}
    return [_received(row) for row in connection.execute(RECEIVED, given | {"end_to_end": item.end_to_end})]


def find(connection: Connection, entity: int, key: str) -> Received | None:
    """A payment by the bank's key."""
    row = connection.execute(FIND, {"entity": entity, "key": key}).first()
    return None if row is None else _received(row)


def match_return(connection: Connection, row: dict[str, Any]) -> None:
    """Say which payment a return is of. Keys as the columns."""
    connection.execute(MATCH_RETURN, row)


def waiting(connection: Connection, entity: int, key: str | None = None) -> list[Waiting]:
    """Returns of which nobody knows what they return, the oldest first; key: this one only, or by its public id."""
    return [
        Waiting(
            amount=Money(row["amount"], row["currency"]),
            fee=Money(row["fee"], row["currency"]),
            **{name: row[name] for name in ("id", "public_id", "key", "returned_on", "end_to_end", "reason", "text")},
        )
        for row in connection.execute(WAITING, {"entity": entity, "key": key}).mappings()
    ]


def give_back(connection: Connection, entity: int, key: str, row: dict[str, Any]) -> bool:
    """Note that the bank took a payment back; False if it is unknown or was taken back before. Keys as the columns."""
    return connection.execute(GIVE_BACK, row | {"entity": entity, "key": key}).first() is not None


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


def _received(row: Any) -> Received:
    return Received(row.id, row.key, Money(row.amount, row.currency), row.end_to_end, row.text, row.taken_back)
