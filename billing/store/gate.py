"""The same amounts counted twice: what devices sent, what contracts are due, lines, documents, ledger."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from billing.gate import Pair
from billing.store.invoice import SETTLED
from contracts.store import period as periods
from ingest.store import batch

if TYPE_CHECKING:
    from billing.store.entity import Entity
    from billing.store.run import Run

DRAFTS = text("""
    SELECT d.currency, sum(d.net) AS net, sum(d.gross) AS gross, sum(l.lines) AS lines, sum(t.base) AS base,
        sum(t.tax) AS tax
    FROM billing.draft AS d
    CROSS JOIN LATERAL (
        SELECT sum((x ->> 'amount')::numeric) AS lines FROM jsonb_array_elements(d.document -> 'lines') AS x
    ) AS l
    CROSS JOIN LATERAL (
        SELECT sum((x ->> 'base')::numeric) AS base, sum((x ->> 'tax')::numeric) AS tax
        FROM jsonb_array_elements(d.document -> 'tax') AS x
    ) AS t
    WHERE d.run = :run AND d.revision = :revision AND d.state IN ('ok', 'warning', 'issued')
    GROUP BY d.currency ORDER BY d.currency
""")
BUCKETS = text("SELECT count(*) FROM billing.draft WHERE run = :run AND revision = :revision AND NOT final")
# Contracts whose period another run of the seller invoiced, or settled without an invoice: they are not in this one.
ELSEWHERE = text(f"""
    SELECT count(*) FROM (
        SELECT contract FROM billing.invoice_part WHERE contract = ANY(:contracts) AND label = :label AND bills
        UNION SELECT contract FROM ({SETTLED}) AS n WHERE contract = ANY(:contracts) AND label = :label
    ) AS i
    WHERE NOT EXISTS (SELECT FROM billing.draft AS d
            WHERE d.run = :run AND d.revision = :revision AND d.contract = i.contract)
""")  # noqa: S608 - only constants
# What is blocked is pending as a whole, and what somebody left out is excluded. where: the first units that are lost.
METERED = text("""
    SELECT m.unit, sum(m.metered) AS metered, sum(CASE d.state
            WHEN 'blocked' THEN m.metered WHEN 'excluded' THEN m.metered ELSE m.rated + m.excluded + m.pending
        END) AS found, (array_agg(concat_ws(', ', d.contract_name, m.asset, m.register) ORDER BY d.contract)
            FILTER (WHERE d.state IN ('ok', 'warning', 'issued') AND m.metered <> m.rated + m.excluded + m.pending)
        )[1:3] AS places
    FROM billing.draft AS d CROSS JOIN LATERAL jsonb_to_recordset(d.metering) AS m(asset text, register text,
        unit text, metered numeric, rated numeric, excluded numeric, pending numeric)
    WHERE d.run = :run AND d.revision = :revision GROUP BY m.unit ORDER BY m.unit
""")
ISSUED = text("""
    SELECT i.currency, sum(i.net) AS net, sum(i.gross) AS gross, sum(l.amount) AS lines, sum(t.base) AS base,
        sum(p.net) AS parts, sum(m.receivable) AS receivable, sum(m.booked) AS booked, sum(m.deferred) AS deferred,
        sum(m.released) AS released
    FROM billing.invoice AS i
    CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS amount FROM billing.line WHERE invoice = i.id) AS l
    CROSS JOIN LATERAL (SELECT coalesce(sum(net), 0) AS net FROM billing.invoice_part WHERE invoice = i.id) AS p
    CROSS JOIN LATERAL (SELECT coalesce(sum(base), 0) AS base FROM billing.tax_total WHERE invoice = i.id) AS t
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(CASE WHEN debit LIKE 'receivable:%' THEN amount WHEN credit LIKE 'receivable:%'
                THEN -amount ELSE 0 END), 0) AS receivable,
            coalesce(sum(CASE WHEN credit LIKE 'receivable:%' THEN -amount WHEN debit LIKE 'receivable:%'
                THEN amount ELSE 0 END) FILTER (WHERE 'vat' NOT IN (split_part(debit, ':', 1),
                split_part(credit, ':', 1))), 0) AS booked,
            coalesce(sum(CASE WHEN debit LIKE 'receivable:%' AND credit LIKE 'deferred:%' THEN amount
                WHEN credit LIKE 'receivable:%' AND debit LIKE 'deferred:%' THEN -amount END)
                FILTER (WHERE 'deferred:prepaid' NOT IN (debit, credit)), 0) AS deferred,
            coalesce(sum(CASE WHEN debit LIKE 'deferred:%' AND credit LIKE 'revenue%' THEN amount
                WHEN credit LIKE 'deferred:%' AND debit LIKE 'revenue%' THEN -amount END), 0) AS released
        FROM billing.transfer WHERE invoice = i.id
    ) AS m
    WHERE i.run = :run GROUP BY i.currency ORDER BY i.currency
""")


def before_issuing(connection: Connection, run: Run, seller: Entity) -> tuple[Pair, ...]:
    """Of a run in review. Readings: everything known to the run; contracts: each due one is in exactly one bucket."""
    received = batch.totals(connection, known=run.known or 0)
    given = {"run": run.id, "revision": run.revision}
    drafts = connection.execute(BUCKETS, given).scalar_one()
    due, elsewhere = 0, 0
    for dues in periods.of_provider(connection, seller.party, run.label):
        due += len(dues)
        asked = given | {"contracts": [item.contract for item in dues], "label": run.label}
        elsewhere += connection.execute(ELSEWHERE, asked).scalar_one()
    pairs = [
        Pair("readings received, and stored + duplicate + quarantined", *map(Decimal, received)),
        Pair("contracts with this period, and drafts + invoiced before", Decimal(due), Decimal(drafts + elsewhere)),
    ]
    for row in connection.execute(METERED, given):
        where = f" (look at {'; '.join(row.places)})" if row.places else ""
        pairs.append(Pair(f"{row.unit} metered, and rated + excluded + pending{where}", row.metered, row.found))
    for row in connection.execute(DRAFTS, given):
        lines, base, tax = (value or Decimal(0) for value in (row.lines, row.base, row.tax))
        pairs += [
            Pair(f"{row.currency}: lines of drafts, and their net totals", lines, row.net),
            Pair(f"{row.currency}: tax bases of drafts, and their net totals", base, row.net),
            Pair(f"{row.currency}: net totals of drafts with tax, and their gross totals", row.net + tax, row.gross),
        ]
    return tuple(pairs)


def after_issuing(connection: Connection, run: Run) -> tuple[Pair, ...]:
    """Of the documents that a run issued: lines, totals, tax bases, ledger."""
    return tuple(
        Pair(f"{row.currency}: {name}", left, right)
        for row in connection.execute(ISSUED, {"run": run.id})
        for name, left, right in (
            ("lines, and net totals of documents", row.lines, row.net),
            ("parts of documents, and their net totals", row.parts, row.net),
            ("tax bases, and net totals of documents", row.base, row.net),
            ("booked receivables, and gross totals of documents", row.receivable, row.gross),
            ("booked revenue, its reductions and what is deferred, and lines", row.booked, row.lines),
            ("what is deferred, and released by month", row.deferred, row.released),
        )
    )
