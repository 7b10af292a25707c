"""Reminders, their withdrawals, and what is disputed: appended; where an invoice stands is derived."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from core.store import packed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

# The last letter about each invoice that was not taken back.
LEVELS = text("""
    SELECT DISTINCT ON (t.invoice) t.invoice, t.level, l.issued_on
    FROM billing.dunning_item AS t JOIN billing.dunning_letter AS l ON l.id = t.letter
    WHERE t.invoice = ANY(:invoices)
        AND NOT EXISTS (SELECT FROM billing.dunning_withdrawal AS w WHERE w.letter = l.id)
    ORDER BY t.invoice, l.issued_on DESC, l.id DESC
""")
# Of a line what it comes to with its tax, of an invoice all of it (null); a line that two people block counts once.
BLOCKED = text("""
    SELECT b.invoice, bool_or(b.line IS NULL) AS whole, sum(b.amount) AS amount
    FROM (
        SELECT DISTINCT b.invoice, b.line, l.amount * (1 + l.tax_rate / 100) AS amount
        FROM billing.dunning_block AS b
        LEFT JOIN billing.line AS l ON l.invoice = b.invoice AND l.n = b.line
        WHERE b.invoice = ANY(:invoices)
            AND NOT EXISTS (SELECT FROM billing.dunning_release AS r WHERE r.block = b.id)
    ) AS b GROUP BY b.invoice
""")
HEADS = text("""
    SELECT id, issue_date, document -> 'seller' AS seller, document -> 'buyer' AS buyer,
        coalesce(document ->> 'language', 'en') AS language
    FROM billing.invoice WHERE id = ANY(:invoices)
""")
ADD_LETTER = text("""
    INSERT INTO billing.dunning_letter (public_id, entity, customer, level, issued_on, currency, owed, fee, interest,
        document, content_hash, by, approved_by, at)
    VALUES (:public_id, :entity, :customer, :level, :issued_on, :currency, :owed, :fee, :interest,
        cast(:document AS jsonb), :content_hash, :by, :approved_by, :at) RETURNING id
""")
ADD_ITEMS = text("""
    INSERT INTO billing.dunning_item (letter, invoice, level, owed, interest)
    SELECT :letter, invoice, level, owed, interest
    FROM json_to_recordset(cast(:rows AS json)) AS r(invoice bigint, level int, owed numeric, interest numeric)
""")
WITHDRAW = text("""
    INSERT INTO billing.dunning_withdrawal (letter, reason, by, at)
    SELECT id, :reason, :by, :at FROM billing.dunning_letter WHERE public_id = :letter ON CONFLICT DO NOTHING
""")
LETTER = text("SELECT document FROM billing.dunning_letter WHERE public_id = :letter")
BLOCK = text("""
    INSERT INTO billing.dunning_block (public_id, invoice, line, reason, by, at)
    VALUES (:public_id, :invoice, :line, :reason, :by, :at)
""")
RELEASE = text("""
    INSERT INTO billing.dunning_release (block, reason, by, at)
    SELECT id, :reason, :by, :at FROM billing.dunning_block WHERE public_id = :block ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Blocked:
    """What of an invoice is disputed. whole: all of it; else so much, with tax, not rounded."""

    whole: bool
    amount: Decimal


def levels(connection: Connection, invoices: Sequence[int]) -> dict[int, tuple[int, date]]:
    """Level and day of the last letter about each of these invoices; those without one are missing."""
    rows = connection.execute(LEVELS, {"invoices": list(invoices)})
    return {row.invoice: (row.level, row.issued_on) for row in rows}


def blocked(connection: Connection, invoices: Sequence[int]) -> dict[int, Blocked]:
    """What is disputed of these invoices; those of which nothing is are missing."""
    rows = connection.execute(BLOCKED, {"invoices": list(invoices)})
    return {row.invoice: Blocked(row.whole, row.amount or Decimal(0)) for row in rows}


def heads(connection: Connection, invoices: Sequence[int]) -> dict[int, Any]:
    """Date, seller, buyer and language of invoices, as printed."""
    return {row.id: row for row in connection.execute(HEADS, {"invoices": list(invoices)})}


def add(connection: Connection, row: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> None:
    """Append a letter and the invoices that it is about; keys as the columns."""
    letter = connection.execute(ADD_LETTER, {**row, "document": packed_one(row["document"])}).scalar_one()
    connection.execute(ADD_ITEMS, {"letter": letter, "rows": packed(items)})


def packed_one(document: Mapping[str, Any]) -> str:
    """One JSON text."""
    return packed([document])[1:-1]


def withdraw(connection: Connection, letter: str, row: Mapping[str, Any]) -> bool:
    """Take a letter back. Whether it stood."""
    return bool(connection.execute(WITHDRAW, {**row, "letter": letter}).rowcount)


def letter(connection: Connection, name: str) -> dict[str, Any] | None:
    """The document of a letter by its public id."""
    found: dict[str, Any] | None = connection.execute(LETTER, {"letter": name}).scalar()
    return found


def block(connection: Connection, row: Mapping[str, Any]) -> None:
    """Append a block; keys as the columns. Raises IntegrityError for a line that the invoice does not have."""
    connection.execute(BLOCK, dict(row))


def release(connection: Connection, name: str, row: Mapping[str, Any]) -> bool:
    """End a block. Whether it held."""
    return bool(connection.execute(RELEASE, {**row, "block": name}).rowcount)
