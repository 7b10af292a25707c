"""The ledger: what was booked, what is accrued at a month's end, and up to when the books are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, text

from billing.journal import Posted
from billing.posting import Transfer
from core.money import Money
from core.store import packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

JOURNAL = text("""
    SELECT t.entry, t.n, t.posted_on, t.debit, t.credit, t.currency, t.amount,
        coalesce(i.number, d.number, '') AS document, coalesce(i.kind || CASE
            WHEN split_part(t.debit, ':', 1) = 'receivable' OR split_part(t.credit, ':', 1) = 'receivable' THEN ''
            ELSE ', released' END, a.text, d.text, p.text, '') AS text
    FROM billing.transfer AS t
    LEFT JOIN billing.invoice AS i ON i.id = t.invoice
    LEFT JOIN billing.series AS s ON s.id = i.series
    LEFT JOIN LATERAL (
        SELECT CASE WHEN entry = t.entry THEN 'accrual ' ELSE 'reversal ' END || label AS text
        FROM billing.accrual WHERE t.entry IN (entry, reversal) LIMIT 1
    ) AS a ON t.invoice IS NULL
    LEFT JOIN LATERAL (
        SELECT number, 'dunning letter' AS text FROM billing.dunning_letter WHERE entry = t.entry
        UNION ALL
        SELECT l.number, 'dunning letter taken back' FROM billing.dunning_withdrawal AS w
        JOIN billing.dunning_letter AS l ON l.id = w.letter WHERE w.entry = t.entry
    ) AS d ON t.invoice IS NULL
    LEFT JOIN LATERAL (
        SELECT 'payment ' || key || why AS text FROM (
            SELECT id, '' AS why FROM billing.payment WHERE entry = t.entry
            UNION ALL SELECT payment, ' returned' FROM billing.payment_return WHERE entry = t.entry
            UNION ALL SELECT payment, ' refunded' FROM billing.refund WHERE entry = t.entry AND payment IS NOT NULL
            UNION ALL SELECT payment, CASE WHEN reverses IS NULL THEN ' matched' ELSE ' unmatched' END
            FROM billing.settlement WHERE entry = t.entry
            UNION ALL SELECT payment, CASE WHEN reverses IS NULL THEN ' matched' ELSE ' unmatched' END
            FROM billing.charge_settlement WHERE entry = t.entry
        ) AS s (payment, why) JOIN billing.payment AS q ON q.id = s.payment
        UNION ALL SELECT 'return ' || key FROM billing.bank_return WHERE entry = t.entry
        UNION ALL SELECT 'refund of ' || i.number FROM billing.refund AS f JOIN billing.invoice AS i ON i.id = f.invoice
        WHERE f.entry = t.entry
        LIMIT 1
    ) AS p ON t.invoice IS NULL
    WHERE coalesce(s.entity, t.entity) = :entity AND t.posted_on >= :start AND t.posted_on < :end
    ORDER BY t.entry, t.n
""")
ADD_TRANSFERS = text("""
    INSERT INTO billing.transfer (entry, n, at, posted_on, debit, credit, currency, amount, entity)
    SELECT entry, n, :at, posted_on, debit, credit, currency, amount, :entity
    FROM json_to_recordset(cast(:rows AS json)) AS r(entry bigint, n int, posted_on date, debit text, credit text,
        currency text, amount numeric)
""")
ADD_ACCRUALS = text("""
    INSERT INTO billing.accrual
        (entity, label, contract, entry, reversal, currency, net, known, result_hash, by, at)
    SELECT :entity, :label, contract, entry, reversal, currency, net, :known, result_hash, :by, :at
    FROM json_to_recordset(cast(:rows AS json)) AS r(contract int, entry bigint, reversal bigint, currency text,
        net numeric, result_hash text)
""")
ACCRUED = text("SELECT contract FROM billing.accrual WHERE entity = :entity AND label = :label")
ACCRUALS = text("""
    SELECT label, currency, count(*) AS contracts, sum(net) AS net, min(at) AS first_at, max(at) AS last_at
    FROM billing.accrual WHERE entity = :entity GROUP BY label, currency ORDER BY max(at) DESC, label, currency
""")
UNTIL = text("SELECT max(until) FROM billing.lock WHERE entity = :entity")
LOCK = text(
    "INSERT INTO billing.lock (entity, until, by, at) VALUES (:entity, :until, :by, :at) ON CONFLICT DO NOTHING"
)


CLOSED = "23001"
"""What the database answers to a posting on a day whose books are closed."""
Entry: TypeAlias = tuple[int, "date", "Sequence[Transfer]"]
"""Number, day, transfers."""


def journal(connection: Connection, entity: int, *, start: date, end: date) -> list[Posted]:
    """Transfers of an entity posted in [start, end), in order of entries."""
    rows = connection.execute(JOURNAL, {"entity": entity, "start": start, "end": end})
    return [
        Posted(
            row.entry,
            row.n,
            row.posted_on,
            Transfer(row.debit, row.credit, Money(row.amount, row.currency)),
            row.document,
            row.text,
        )
        for row in rows
    ]


def add(connection: Connection, entity: int, entries: Iterable[Entry], at: datetime) -> None:
    """Book entries that belong to no document: number, day, transfers. The database refuses days that are closed."""
    rows = [
        {
            "entry": entry,
            "n": n,
            "posted_on": day.isoformat(),
            "debit": transfer.debit,
            "credit": transfer.credit,
            "currency": transfer.amount.currency,
            "amount": transfer.amount.amount,
        }
        for entry, day, transfers in entries
        for n, transfer in enumerate(transfers, start=1)
    ]
    connection.execute(ADD_TRANSFERS, {"entity": entity, "at": at, "rows": packed(rows)})


def add_accruals(connection: Connection, head: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Note what is accrued. head: entity, label, known, by, at; rows: the other columns."""
    connection.execute(ADD_ACCRUALS, {**head, "rows": packed(rows)})


def accrued(connection: Connection, entity: int, label: str) -> frozenset[int]:
    """Contracts whose period is accrued already."""
    return frozenset(connection.execute(ACCRUED, {"entity": entity, "label": label}).scalars())


def accruals(connection: Connection, entity: int) -> list[Any]:
    """What was accrued, the newest first: label, currency, contracts, net, first_at, last_at."""
    return list(connection.execute(ACCRUALS, {"entity": entity}))


def closed_until(connection: Connection, entity: int) -> date | None:
    """The last day of an entity's closed books, if any are."""
    found: date | None = connection.execute(UNTIL, {"entity": entity}).scalar()
    return found


def lock(connection: Connection, entity: int, until: date, *, by: str, at: datetime) -> None:
    """Close the books up to and including a day; nothing opens them again."""
    connection.execute(LOCK, {"entity": entity, "until": until, "by": by, "at": at})
