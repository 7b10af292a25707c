"""Reminders, their withdrawals, and what is disputed: appended; where an invoice stands is derived."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from billing.posting import Transfer
from billing.statement import Owed
from core.money import Money
from core.store import packed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

# What the letters about each invoice say that were not taken back: level and day of the last one.
LEVELS = text("""
    SELECT t.invoice, (array_agg(t.level ORDER BY l.id DESC))[1] AS level, max(l.issued_on) AS last,
        max(t.interest_until) AS interest_until, bool_or(t.lump_sum > 0) AS lump_sum
    FROM billing.dunning_item AS t JOIN billing.dunning_letter AS l ON l.id = t.letter
    WHERE t.invoice = ANY(:invoices)
        AND NOT EXISTS (SELECT FROM billing.dunning_withdrawal AS w WHERE w.letter = l.id)
    GROUP BY t.invoice
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
        lump_sum, document, content_hash, by, approved_by, at, series, n, number, entry)
    VALUES (:public_id, :entity, :customer, :level, :issued_on, :currency, :owed, :fee, :interest, :lump_sum,
        cast(:document AS jsonb), :content_hash, :by, :approved_by, :at, :series, :n, :number, :entry) RETURNING id
""")
ADD_ITEMS = text("""
    INSERT INTO billing.dunning_item (letter, invoice, level, owed, interest, lump_sum, interest_until)
    SELECT :letter, invoice, level, owed, interest, lump_sum, interest_until
    FROM json_to_recordset(cast(:rows AS json)) AS r(invoice bigint, level int, owed numeric, interest numeric,
        lump_sum numeric, interest_until date)
""")
WITHDRAW = text("""
    INSERT INTO billing.dunning_withdrawal (letter, reason, by, at, entry)
    VALUES (:letter, :reason, :by, :at, :entry)
""")
STANDS = text("""
    SELECT l.id, l.entry, e.id AS entity, e.timezone
    FROM billing.dunning_letter AS l JOIN billing.entity AS e ON e.id = l.entity
    WHERE :letter IN (l.public_id, l.number)
        AND NOT EXISTS (SELECT FROM billing.dunning_withdrawal AS w WHERE w.letter = l.id)
""")
LETTER = text("SELECT document FROM billing.dunning_letter WHERE :letter IN (public_id, number)")
# What letters charged, was booked, was not taken back, and is not paid; with the invoices that they are about.
CHARGES = text("""
    SELECT l.id, l.number, l.customer, l.currency, l.document #>> '{buyer,name}' AS payer,
        l.fee + l.interest + l.lump_sum - coalesce(p.paid, 0) AS owed, t.invoices
    FROM billing.dunning_letter AS l
    LEFT JOIN LATERAL (SELECT sum(amount) AS paid FROM billing.charge_settlement WHERE letter = l.id) AS p ON true
    CROSS JOIN LATERAL (
        SELECT array_agg(i.number ORDER BY i.id) AS invoices
        FROM billing.dunning_item AS t JOIN billing.invoice AS i ON i.id = t.invoice WHERE t.letter = l.id
    ) AS t
    WHERE l.entity = :entity AND l.entry IS NOT NULL AND l.fee + l.interest + l.lump_sum > coalesce(p.paid, 0)
        AND NOT EXISTS (SELECT FROM billing.dunning_withdrawal AS w WHERE w.letter = l.id)
    ORDER BY l.id
""")
SETTLE = text("""
    INSERT INTO billing.charge_settlement (payment, letter, amount, reverses, entry, matched, by, at)
    VALUES (:payment, :letter, :amount, :reverses, :entry, :matched, :by, :at)
""")
SETTLED = text("""
    SELECT t.id, t.payment, t.letter, t.amount, l.currency, l.customer
    FROM billing.charge_settlement AS t JOIN billing.payment AS p ON p.id = t.payment
    JOIN billing.dunning_letter AS l ON l.id = t.letter
    WHERE t.reverses IS NULL AND NOT EXISTS (SELECT FROM billing.charge_settlement AS r WHERE r.reverses = t.id)
        AND (p.entity, p.key) = (:entity, :key) ORDER BY t.id
""")
PAID = text("""
    SELECT t.id, t.payment, t.letter, t.amount, l.currency, l.customer
    FROM billing.charge_settlement AS t JOIN billing.dunning_letter AS l ON l.id = t.letter
    WHERE t.reverses IS NULL AND NOT EXISTS (SELECT FROM billing.charge_settlement AS r WHERE r.reverses = t.id)
        AND t.letter = :letter ORDER BY t.id
""")
BOOKED = text("SELECT debit, credit, currency, amount FROM billing.transfer WHERE entry = :entry ORDER BY n")
CONTESTED = text("""
    SELECT b.public_id, b.line, b.reason, b.by, b.at, r.reason AS answer, r.at AS answered_at
    FROM billing.dunning_block AS b LEFT JOIN billing.dunning_release AS r ON r.block = b.id
    WHERE b.invoice = :invoice ORDER BY b.id DESC
""")
BLOCK = text("""
    INSERT INTO billing.dunning_block (public_id, invoice, line, reason, by, at)
    VALUES (:public_id, :invoice, :line, :reason, :by, :at)
""")
RELEASE = text("""
    INSERT INTO billing.dunning_release (block, reason, by, at)
    SELECT id, :reason, :by, :at FROM billing.dunning_block WHERE public_id = :block ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Asked:
    """What standing letters ask about an invoice: level and day of the last, interest up to when, the lump sum."""

    level: int
    last: date
    interest_until: date | None
    lump_sum: bool


@dataclass(frozen=True, slots=True)
class Charge:
    """What a letter charged and nobody paid yet. customer: a party's id."""

    id: int
    customer: int
    owed: Owed


@dataclass(frozen=True, slots=True)
class Blocked:
    """What of an invoice is disputed. whole: all of it; else so much, with tax, not rounded."""

    whole: bool
    amount: Decimal


def asked(connection: Connection, invoices: Sequence[int]) -> dict[int, Asked]:
    """What the letters about each of these invoices ask; those without one are missing."""
    rows = connection.execute(LEVELS, {"invoices": list(invoices)})
    return {row.invoice: Asked(row.level, row.last, row.interest_until, row.lump_sum) for row in rows}


def charges(connection: Connection, entity: int) -> list[Charge]:
    """What letters charged and nobody paid yet, the oldest first."""
    return [
        Charge(
            row.id, row.customer, Owed(row.number, Money(row.owed, row.currency), row.payer, about=tuple(row.invoices))
        )
        for row in connection.execute(CHARGES, {"entity": entity})
    ]


def settle(connection: Connection, row: Mapping[str, Any]) -> None:
    """Append a settlement of a letter's charges; keys as the columns."""
    connection.execute(SETTLE, dict(row))


def settled(connection: Connection, entity: int, key: str) -> list[Any]:
    """What a payment settles of charges and nobody took back."""
    return list(connection.execute(SETTLED, {"entity": entity, "key": key}))


def paid(connection: Connection, letter: int) -> list[Any]:
    """What was paid of a letter's charges and nobody took back."""
    return list(connection.execute(PAID, {"letter": letter}))


def booked(connection: Connection, entry: int) -> tuple[Transfer, ...]:
    """The transfers of an entry."""
    rows = connection.execute(BOOKED, {"entry": entry})
    return tuple(Transfer(row.debit, row.credit, Money(row.amount, row.currency)) for row in rows)


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


def standing(connection: Connection, name: str) -> Any:
    """id, entry, entity and timezone of a letter that was not taken back, by number or public id; None: none."""
    return connection.execute(STANDS, {"letter": name}).first()


def withdraw(connection: Connection, letter: int, row: Mapping[str, Any]) -> None:
    """Take a letter back."""
    connection.execute(WITHDRAW, {**row, "letter": letter})


def letter(connection: Connection, name: str) -> dict[str, Any] | None:
    """The document of a letter by its number or public id."""
    found: dict[str, Any] | None = connection.execute(LETTER, {"letter": name}).scalar()
    return found


def contested(connection: Connection, invoice: int) -> list[Any]:
    """What of an invoice was contested, the newest first: public_id, line, reason, by, at; answer, answered_at."""
    return list(connection.execute(CONTESTED, {"invoice": invoice}))


def block(connection: Connection, row: Mapping[str, Any]) -> None:
    """Append a block; keys as the columns. Raises IntegrityError for a line that the invoice does not have."""
    connection.execute(BLOCK, dict(row))


def release(connection: Connection, name: str, row: Mapping[str, Any]) -> bool:
    """End a block. Whether it held."""
    return bool(connection.execute(RELEASE, {**row, "block": name}).rowcount)
