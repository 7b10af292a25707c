"""What is owed to a seller, as its finance looks at it: sums by currency, and what is overdue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from billing.store import dunning
from billing.store.paying import OWED, PAID
from core.money import Money, exponent

if TYPE_CHECKING:
    from datetime import date

# Grouped, as all are asked.
OPEN = f"""
    SELECT i.id, i.public_id, i.number, i.currency, i.due_date,
        {OWED} AS owed
    FROM billing.invoice AS i JOIN billing.series AS s ON s.id = i.series
    LEFT JOIN (
        SELECT corrects, sum(gross) AS gross FROM billing.invoice WHERE corrects IS NOT NULL GROUP BY corrects
    ) AS n ON n.corrects = i.id
    LEFT JOIN (SELECT invoice, sum(amount) AS paid FROM ({PAID}) AS q GROUP BY invoice) AS p ON p.invoice = i.id
    WHERE s.entity = :entity AND i.kind = 'invoice' AND {OWED} > 0
"""  # noqa: S608 - only constants
SUMS = text(f"""
    SELECT currency, count(*) AS invoices, sum(owed) AS owed, count(*) FILTER (WHERE due_date < :today) AS late,
        coalesce(sum(owed) FILTER (WHERE due_date < :today), 0) AS overdue
    FROM ({OPEN}) AS o GROUP BY currency ORDER BY currency
""")  # noqa: S608 - only constants
OVERDUE = text(f"""
    SELECT o.*, i.document #>> '{{buyer,name}}' AS debtor
    FROM ({OPEN} AND i.due_date < :today ORDER BY i.due_date, i.id LIMIT :most) AS o
    JOIN billing.invoice AS i ON i.id = o.id ORDER BY o.due_date, o.id
""")  # noqa: S608 - only constants


@dataclass(frozen=True, slots=True)
class Sums:
    """What is owed in one currency, charges of letters left out: in all, and of that what is overdue."""

    invoices: int
    owed: Money
    late: int
    overdue: Money


@dataclass(frozen=True, slots=True)
class Overdue:
    """An invoice whose due date is over. days: since; level: of the last letter about it, 0 without one.

    disputed: so much of it, of which nobody is reminded.
    """

    public_id: str
    number: str
    debtor: str
    due_date: date
    days: int
    owed: Money
    level: int
    disputed: Money


def sums(connection: Connection, entity: int, today: date) -> list[Sums]:
    """By currency; nothing where nothing is owed."""
    rows = connection.execute(SUMS, {"entity": entity, "today": today})
    return [
        Sums(row.invoices, Money(row.owed, row.currency), row.late, Money(row.overdue, row.currency)) for row in rows
    ]


def overdue(connection: Connection, entity: int, today: date, *, most: int) -> list[Overdue]:
    """The oldest first."""
    rows = connection.execute(OVERDUE, {"entity": entity, "today": today, "most": most}).all()
    ids = [row.id for row in rows]
    asked, blocked = dunning.asked(connection, ids), dunning.blocked(connection, ids)
    return [
        Overdue(
            public_id=row.public_id,
            number=row.number,
            debtor=row.debtor,
            due_date=row.due_date,
            days=(today - row.due_date).days,
            owed=Money(row.owed, row.currency),
            level=asked[row.id].level if row.id in asked else 0,
            disputed=disputed(Money(row.owed, row.currency), blocked.get(row.id)),
        )
        for row in rows
    ]


def disputed(left: Money, blocked: dunning.Blocked | None) -> Money:
    """How much of what is left nobody is reminded of: all of it, or what the blocked lines come to with tax."""
    if blocked is None:
        return Money.zero(left.currency)
    part = Money(blocked.amount, left.currency).rounded(exponent(left.currency), "half_up")
    return left if blocked.whole else max(Money.zero(left.currency), min(left, part))
