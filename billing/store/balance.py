"""What debtors paid too much: of invoices, and of payments; applied to other invoices, or sent back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, text

from billing.store.paying import OWED, WITH_NOTES, WITH_PAID
from contracts.store.contract import new_id
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

# Invoices for which more was paid than is owed since credit notes refer to them.
OVERPAID = text(f"""
    SELECT i.id, i.public_id, i.number AS name, i.customer, i.document #>> '{{buyer,name}}' AS payer, i.currency,
        i.issue_date AS since, -({OWED}) AS rest, '' AS text
    FROM billing.invoice AS i JOIN billing.series AS s ON s.id = i.series
    {WITH_NOTES} {WITH_PAID}
    WHERE s.entity = :entity AND i.kind = 'invoice' AND {OWED} < 0
        AND (CAST(:name AS text) IS NULL OR :name IN (i.public_id, i.number))
    ORDER BY i.id
""")  # noqa: S608 - only constants
# Only what was credited after it was paid is too much: a payment never settles more than is owed.
OF_CUSTOMERS = text(f"""
    SELECT i.customer, i.currency, -sum({OWED}) AS rest
    FROM billing.invoice AS i JOIN billing.series AS s ON s.id = i.series
    JOIN (
        SELECT corrects, sum(gross) AS gross FROM billing.invoice
        WHERE corrects IS NOT NULL AND customer = ANY(:customers) GROUP BY corrects
    ) AS n ON n.corrects = i.id
    {WITH_PAID}
    WHERE s.entity = :entity AND i.kind = 'invoice' AND {OWED} < 0
    GROUP BY i.customer, i.currency ORDER BY i.customer, i.currency
""")  # noqa: S608 - only constants
# What is left of payments that the bank did not take back; below zero what was sent back of those that it did.
RESTS = text("""
    SELECT * FROM (
        SELECT p.id, p.public_id, p.key AS name, CAST(NULL AS int) AS customer, p.payer, p.currency,
            p.received_on AS since, p.text, CASE WHEN t.payment IS NULL
                THEN p.amount - coalesce(s.paid, 0) - coalesce(c.paid, 0) ELSE 0 END - coalesce(r.paid, 0) AS rest
        FROM billing.payment AS p LEFT JOIN billing.payment_return AS t ON t.payment = p.id
        LEFT JOIN LATERAL (SELECT sum(amount) AS paid FROM billing.settlement WHERE payment = p.id) AS s ON true
        LEFT JOIN LATERAL (SELECT sum(amount) AS paid FROM billing.charge_settlement WHERE payment = p.id) AS c ON true
        LEFT JOIN LATERAL (SELECT sum(amount) AS paid FROM billing.refund WHERE payment = p.id) AS r ON true
        WHERE p.entity = :entity AND (CAST(:name AS text) IS NULL OR :name IN (p.public_id, p.key))
    ) AS p WHERE rest > 0 OR (rest < 0 AND CAST(:name AS text) IS NULL) ORDER BY since, id
""")
APPLY = text("""
    INSERT INTO billing.application (source, target, amount, reverses, reason, by, at)
    VALUES (:source, :target, :amount, :reverses, :reason, :by, :at)
""")
APPLIED = text("""
    SELECT a.id, a.source, a.target, a.amount FROM billing.application AS a
    WHERE a.source = ANY(:sources) AND a.reverses IS NULL
        AND NOT EXISTS (SELECT FROM billing.application AS r WHERE r.reverses = a.id)
    ORDER BY a.id
""")
REFUND = text("""
    INSERT INTO billing.refund
        (public_id, entity, invoice, payment, currency, amount, payee, paid_on, entry, reason, by, approved_by, at)
    VALUES (:public_id, :entity, :invoice, :payment, :currency, :amount, :payee, :paid_on, :entry, :reason, :by,
        :approved_by, :at)
""")


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left of a payment, or was paid too much of an invoice. id: its row; name: the bank's key, or the number.

    customer: a party's id; None: of a payment that nobody matched. text: what the payer wrote.
    """

    kind: Literal["payment", "invoice"]
    id: int
    public_id: str
    name: str
    customer: int | None
    payer: str
    since: date
    left: Money
    text: str


def rests(connection: Connection, entity: int, name: str | None = None) -> list[Balance]:
    """Payments of which something is left, the oldest first; name: of this one only, by key or public id.

    Below zero: it was sent back, and then the bank took it back too; not where a name is given.
    """
    rows = connection.execute(RESTS, {"entity": entity, "name": name}).mappings()
    return [_balance("payment", row) for row in rows]


def overpaid(connection: Connection, entity: int, name: str | None = None) -> list[Balance]:
    """Invoices that were credited after they were paid, or paid twice; name: this one only, by number or public id."""
    rows = connection.execute(OVERPAID, {"entity": entity, "name": name}).mappings()
    return [_balance("invoice", row) for row in rows]


def of_customers(connection: Connection, entity: int, customers: Iterable[int]) -> dict[int, tuple[Money, ...]]:
    """What these debtors have paid too much of invoices, by currency; those who have not are missing."""
    found: dict[int, tuple[Money, ...]] = {}
    for row in connection.execute(OF_CUSTOMERS, {"entity": entity, "customers": list(customers)}):
        found[row.customer] = (*found.get(row.customer, ()), Money(row.rest, row.currency))
    return found


def named(connection: Connection, entity: int, name: str) -> Balance | None:
    """What is left of a payment or invoice; None: nothing, or it is unknown."""
    return next(iter(rests(connection, entity, name) or overpaid(connection, entity, name)), None)


def apply(connection: Connection, row: Mapping[str, Any]) -> None:
    """Append that one invoice's money pays another; keys as the columns."""
    connection.execute(APPLY, dict(row))


def unapply(connection: Connection, sources: Sequence[int], said: Mapping[str, Any]) -> int:
    """Take back what money of these invoices pays of others. said: reason, by, at. Returns how many were."""
    rows = connection.execute(APPLIED, {"sources": list(sources)}).all()
    for row in rows:
        back = {"source": row.source, "target": row.target, "amount": -row.amount, "reverses": row.id}
        apply(connection, {**back, **said})
    return len(rows)


def refund(connection: Connection, row: Mapping[str, Any]) -> str:
    """Append money sent back; keys as the columns. Returns its public id."""
    public_id = new_id("rfd")
    connection.execute(REFUND, {**row, "public_id": public_id})
    return public_id


def _balance(kind: Literal["payment", "invoice"], row: Any) -> Balance:
    names = ("id", "public_id", "name", "customer", "payer", "since", "text")
    return Balance(kind, left=Money(row["rest"], row["currency"]), **{name: row[name] for name in names})
