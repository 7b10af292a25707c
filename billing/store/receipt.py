"""Payments, returns and letters as finance reads them: the database shows a seller its own rows only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

State: TypeAlias = Literal["matched", "unmatched", "returned"]
# paid: what stands of it by document; left: what pays nothing and was not sent back.
PAYMENT = """
    SELECT * FROM (SELECT *, CASE WHEN returned IS NOT NULL THEN 'returned' WHEN "left" > 0 THEN 'unmatched'
        ELSE 'matched' END AS state FROM (
        SELECT p.id, p.public_id, p.key, e.name AS entity, p.received_on, p.currency, p.amount, p.payer, p.text,
            p.end_to_end, p.by, p.at, b.reason AS returned, coalesce(d.paid, '[]') AS paid,
            CASE WHEN b.payment IS NOT NULL THEN 0
                ELSE p.amount - coalesce(d.amount, 0) - coalesce(f.amount, 0) END AS "left"
        FROM billing.payment AS p JOIN billing.entity AS e ON e.id = p.entity
        LEFT JOIN billing.payment_return AS b ON b.payment = p.id
        LEFT JOIN LATERAL (SELECT sum(amount) AS amount FROM billing.refund WHERE payment = p.id) AS f ON true
        LEFT JOIN LATERAL (
            SELECT sum(amount) AS amount,
                jsonb_agg(jsonb_build_object('document', number, 'amount', amount::text) ORDER BY n) AS paid
            FROM (
                SELECT i.number, sum(s.amount) AS amount, min(s.id) AS n
                FROM billing.settlement AS s JOIN billing.invoice AS i ON i.id = s.invoice
                WHERE s.payment = p.id GROUP BY i.number HAVING sum(s.amount) <> 0
                UNION ALL
                SELECT l.number, sum(s.amount), max(s.id)
                FROM billing.charge_settlement AS s JOIN billing.dunning_letter AS l ON l.id = s.letter
                WHERE s.payment = p.id GROUP BY l.number HAVING sum(s.amount) <> 0
            ) AS q
        ) AS d ON true
    ) AS p) AS p
"""
LIST = text(f"""
    {PAYMENT} WHERE entity = :entity AND id < :before AND (CAST(:state AS text) IS NULL OR state = :state)
    ORDER BY id DESC LIMIT :most
""")
ONE = text(f"{PAYMENT} WHERE public_id = :name")
RETURNS = text("""
    SELECT r.id, r.public_id, r.key, r.returned_on, r.currency, r.amount, r.fee, r.end_to_end, r.reason, r.text,
        p.public_id AS payment
    FROM billing.bank_return AS r JOIN billing.entity AS e ON e.id = r.entity
    LEFT JOIN billing.bank_return_match AS m ON m.bank_return = r.id
    LEFT JOIN billing.payment AS p ON p.id = m.payment
    WHERE e.name = :entity AND r.id < :before ORDER BY r.id DESC LIMIT :most
""")
# Debtors see their letters too: party is the seller's.
LETTER = """
    SELECT l.id, l.public_id, l.number, l.level, l.issued_on, l.document, l.by, l.approved_by, w.reason AS withdrawn
    FROM billing.dunning_letter AS l JOIN billing.entity AS e ON e.id = l.entity
    LEFT JOIN billing.dunning_withdrawal AS w ON w.letter = l.id WHERE e.party = :party
"""
LETTERS = text(f"{LETTER} AND l.id < :before ORDER BY l.id DESC LIMIT :most")
ONE_LETTER = text(f"{LETTER} AND l.public_id = :name")
BLOCK = text("""
    SELECT b.public_id, i.id AS invoice, b.line, b.reason, b.by, b.at FROM billing.dunning_block AS b
    JOIN billing.invoice AS i ON i.id = b.invoice WHERE b.public_id = :name
""")


@dataclass(frozen=True, slots=True)
class PaymentView:
    """A payment: what it pays by document, and what is left of it. returned: why the bank took it back, if it did."""

    id: int
    public_id: str
    key: str
    entity: str
    received_on: date
    currency: str
    amount: Decimal
    payer: str
    text: str
    end_to_end: str
    by: str
    at: datetime
    returned: str | None
    paid: list[dict[str, str]]
    left: Decimal
    state: State


def payments(connection: Connection, entity: str, *, state: State | None, before: int, most: int) -> list[PaymentView]:
    """A seller's payments, the newest first, all or in one state."""
    given = {"entity": entity, "state": state, "before": before, "most": most}
    return [PaymentView(**row) for row in connection.execute(LIST, given).mappings()]


def payment(connection: Connection, name: str) -> PaymentView | None:
    """One by its public id, as far as the connection may see it."""
    row = connection.execute(ONE, {"name": name}).mappings().first()
    return None if row is None else PaymentView(**row)


def returns(connection: Connection, entity: str, *, before: int, most: int) -> list[Any]:
    """What banks took back, the newest first; payment: its public id, None while it waits."""
    return list(connection.execute(RETURNS, {"entity": entity, "before": before, "most": most}))


def letters(connection: Connection, party: int, *, before: int, most: int) -> list[Any]:
    """A seller's letters, the newest first."""
    return list(connection.execute(LETTERS, {"party": party, "before": before, "most": most}))


def letter(connection: Connection, party: int, name: str) -> Any:
    """One of a seller's letters by its public id, or None."""
    return connection.execute(ONE_LETTER, {"party": party, "name": name}).first()


def block(connection: Connection, name: str) -> Any:
    """A block as it was made, or None; invoice: the inside key of what it is about."""
    return connection.execute(BLOCK, {"name": name}).first()
