"""What of issued invoices is still owed and contested: derived from what was appended, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

# What was paid of invoices: by payments and out of what others have too much; less what pays others or was sent back.
PAID = """
    SELECT invoice, amount FROM billing.settlement
    UNION ALL SELECT target, amount FROM billing.application
    UNION ALL SELECT source, -amount FROM billing.application
    UNION ALL SELECT invoice, -amount FROM billing.refund WHERE invoice IS NOT NULL
"""
# Of an invoice i, with the credit notes n that refer to it, and what was paid p; below zero if that is too much.
OWED = "i.gross + coalesce(n.gross, 0) - coalesce(p.paid, 0)"
WITH_NOTES = "LEFT JOIN LATERAL (SELECT sum(gross) AS gross FROM billing.invoice WHERE corrects = i.id) AS n ON true"
WITH_PAID = f"""
    LEFT JOIN LATERAL (SELECT sum(amount) AS paid FROM ({PAID}) AS q WHERE invoice = i.id) AS p ON true
"""  # noqa: S608 - only constants
PAYING = text(f"""
    SELECT i.id, {OWED} AS owed, EXISTS (
            SELECT FROM billing.dunning_block AS b LEFT JOIN billing.dunning_release AS r ON r.block = b.id
            WHERE b.invoice = i.id AND r.block IS NULL) AS contested
    FROM billing.invoice AS i
    {WITH_NOTES} {WITH_PAID}
    WHERE i.id = ANY (:ids)
""")  # noqa: S608 - only constants


@dataclass(frozen=True, slots=True)
class Paying:
    """owed: in the invoice's currency, below zero if too much was paid; contested: something waits for an answer."""

    owed: Decimal
    contested: bool


def paying(connection: Connection, invoices: Iterable[int]) -> dict[int, Paying]:
    """By inside key, of those that the connection may see."""
    rows = connection.execute(PAYING, {"ids": sorted(set(invoices))})
    return {row.id: Paying(row.owed, row.contested) for row in rows}
