"""Issued documents and what they book: series, invoices, lines, tax totals, transfers, breach reports.

Rows of these tables are under row-level security, where COPY is not possible: they are filled by few statements over
many rows, which is as set-wise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, text

from billing.case import Last
from billing.invoice import total
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

_JSON = msgspec.json.Encoder()
"""Decimals and dates become text, which PostgreSQL casts exactly."""
ENSURE_SERIES = text("""
    INSERT INTO billing.series (entity, kind, year) VALUES (:entity, :kind, :year)
    ON CONFLICT (entity, kind, year) DO NOTHING
""")
LOCK_SERIES = text("""
    SELECT id, issued, last_issued, chain_hash FROM billing.series
    WHERE entity = :entity AND kind = :kind AND year = :year FOR UPDATE
""")
ADVANCE = text("""
    UPDATE billing.series SET issued = :issued, last_issued = :day, chain_hash = :chain_hash WHERE id = :series
""")
LAST_ISSUED = text("SELECT last_issued FROM billing.series WHERE entity = :entity AND kind = :kind AND year = :year")
RESERVE = text("SELECT nextval('billing.invoice_id_seq') FROM generate_series(1, :count)")
# What a document says is that of the draft, or one that is handed over; its lines are read from it where it lies:
# nothing that was approved makes a way out and back.
ADD_CONTENT = text("""
    WITH parts AS (
        INSERT INTO billing.invoice_part (invoice, n, contract, label, bills, revision, evaluation, net)
        SELECT * FROM json_to_recordset(cast(:parts AS json)) AS r(invoice bigint, n int, contract int, label text,
            bills boolean, revision int, evaluation bigint, net numeric)
    ), tax AS (
        INSERT INTO billing.tax_total (invoice, category, rate, base, tax)
        SELECT * FROM json_to_recordset(cast(:tax AS json)) AS r(invoice bigint, category text, rate numeric,
            base numeric, tax numeric)
    )
    INSERT INTO billing.line (invoice, part, n, line_id, clause, kind, asset, text, quantity, unit, amount, currency,
        tax_category, tax_rate, service_start, service_end, steps, label)
    SELECT w.id, coalesce(l.part, 1), l.n, l.id, l.clause, l.kind, l.asset, l.text,
        -- A third of something has no digits that end; the document keeps it as a fraction.
        CASE WHEN strpos(l.quantity, '/') = 0 THEN l.quantity::numeric END, l.unit, l.amount, w.currency,
        l.tax ->> 'category', (l.tax ->> 'rate')::numeric, l."from", l."to", l.steps, l.corrects ->> 'period'
    FROM (
        SELECT g.id, g.currency, coalesce(g.handed, d.document -> 'lines') AS lines
        FROM json_to_recordset(cast(:rows AS json)) AS g(id bigint, contract int, currency text, handed jsonb)
        LEFT JOIN LATERAL (
            SELECT document FROM billing.draft
            WHERE g.handed IS NULL AND run = :run AND revision = :drafted AND contract = g.contract OFFSET 0
        ) AS d ON true OFFSET 0
    ) AS w
    CROSS JOIN LATERAL jsonb_to_recordset(w.lines) AS l(n int, part int, id text, clause text, kind text, asset text,
        text text, quantity text, unit text, amount numeric, tax jsonb, "from" timestamptz, "to" timestamptz,
        steps jsonb, corrects jsonb)
""")
# OFFSET 0: no heap of documents is sorted. One that comes from a draft is copied as it is compressed, unread.
ADD_INVOICES = text("""
    INSERT INTO billing.invoice (id, public_id, series, n, number, kind, contract, customer, run, evaluation, label,
        service_start, service_end, issue_date, due_date, currency, exponent, net, tax, gross, document, issue,
        content_hash, previous_hash, chain_hash, issued_at, corrects, revision) OVERRIDING SYSTEM VALUE
    SELECT g.id, public_id, series, n, number, kind, g.contract, customer, :run, evaluation, label,
        service_start, service_end, issue_date, due_date, currency, exponent, net, tax, gross,
        coalesce(g.handed, d.document), issue, content_hash, previous_hash, chain_hash, :at, corrects, revision
    FROM (
        SELECT * FROM json_to_recordset(cast(:rows AS json)) AS r(id bigint, public_id text, series int, n int,
            number text, kind text, contract int, customer int, evaluation bigint, label text,
            service_start timestamptz, service_end timestamptz, issue_date date, due_date date, currency text,
            exponent smallint, net numeric, tax numeric, gross numeric, issue jsonb, content_hash text,
            previous_hash text, chain_hash text, corrects bigint, revision int, handed jsonb)
        ORDER BY n OFFSET 0
    ) AS g LEFT JOIN LATERAL (
        SELECT document FROM billing.draft
        WHERE g.handed IS NULL AND run = :run AND revision = :drafted AND contract = g.contract OFFSET 0
    ) AS d ON true
""")
ENTRIES = text("SELECT nextval('billing.entry') FROM generate_series(1, :count)")
ADD_TRANSFERS = text("""
    INSERT INTO billing.transfer (entry, n, at, posted_on, debit, credit, currency, amount, invoice)
    SELECT * FROM json_to_recordset(cast(:rows AS json)) AS r(entry bigint, n int, at timestamptz, posted_on date,
        debit text, credit text, currency text, amount numeric, invoice bigint)
""")
ADD_REPORTS = text("""
    INSERT INTO billing.breach_report (public_id, breach, contract, invoice, document, content_hash, issued_at)
    SELECT * FROM json_to_recordset(cast(:rows AS json)) AS r(public_id text, breach bigint, contract int,
        invoice bigint, document jsonb, content_hash text, issued_at timestamptz)
""")
POST = text("""
    INSERT INTO core.outbox (at, topic, key, payload)
    SELECT * FROM json_to_recordset(cast(:rows AS json)) AS r(at timestamptz, topic text, key text, payload jsonb)
""")
# Periods that had nothing to bill in a run that is issued, and have no invoice since.
SETTLED = """
    SELECT d.contract, r.label, d.period, d.evaluation FROM billing.draft AS d
    JOIN billing.run AS r ON r.id = d.run AND r.revision = d.revision AND r.state IN ('issued', 'exported', 'closed')
    WHERE d.findings @> '[{"code": "nothing_to_bill"}]' AND NOT d.final
        AND (d.state = 'issued' OR (d.state = 'excluded' AND d.document IS NULL))
        AND NOT EXISTS (SELECT FROM billing.invoice_part AS o
            WHERE o.contract = d.contract AND o.label = r.label AND o.bills)
"""
# Parts of invoices that stand; what was credited in full does not, and its period is invoiced anew.
STANDING = """
    SELECT p.contract, p.label, p.invoice FROM billing.invoice_part AS p WHERE p.bills
        AND NOT EXISTS (SELECT FROM billing.correction AS c WHERE c.corrects = p.invoice AND c.kind = 'cancellation')
"""
BILLED = text(f"""
    SELECT contract FROM ({STANDING}) AS s WHERE contract = ANY(:contracts) AND label = :label
    UNION SELECT contract FROM ({SETTLED}) AS n WHERE contract = ANY(:contracts) AND label = :label
""")  # noqa: S608 - only constants
REVISIONS = text("""
    SELECT contract, max(revision) AS revision FROM billing.invoice_part
    WHERE contract = ANY(:contracts) AND label = :label AND bills GROUP BY contract
""")
# The newest invoice of each contract that stands and ended by then; of its lines those of its own period.
LAST = text("""
    SELECT w.contract, i.id, i.number, l.clause, l.asset, l.currency, sum(l.amount) AS amount
    FROM unnest(cast(:contracts AS int[]), cast(:starts AS timestamptz[])) AS w (contract, "start")
    CROSS JOIN LATERAL (
        SELECT j.id, j.number, p.n AS part
        FROM billing.invoice_part AS p JOIN billing.invoice AS j ON j.id = p.invoice
        WHERE p.contract = w.contract AND p.bills AND j.service_end <= w."start"
            AND NOT EXISTS (SELECT FROM billing.correction AS c WHERE c.corrects = j.id AND c.kind = 'cancellation')
        ORDER BY j.service_start DESC LIMIT 1
    ) AS i
    JOIN billing.line AS l ON l.invoice = i.id AND l.part = i.part AND l.label IS NULL
    GROUP BY w.contract, i.id, i.number, l.clause, l.asset, l.currency
""")
# By asset the median of what three standing invoices of a contract bill before an instant; only of those on all three.
USUAL = text("""
    SELECT contract, asset, currency, (array_agg(amount ORDER BY amount))[2] AS amount FROM (
        SELECT w.contract, i.id, l.asset, l.currency, sum(l.amount) AS amount
        FROM unnest(cast(:contracts AS int[]), cast(:starts AS timestamptz[])) AS w (contract, "start")
        CROSS JOIN LATERAL (
            SELECT j.id, p.n AS part FROM billing.invoice_part AS p JOIN billing.invoice AS j ON j.id = p.invoice
            WHERE p.contract = w.contract AND p.bills AND j.service_end <= w."start"
                AND NOT EXISTS (SELECT FROM billing.correction AS c WHERE c.corrects = j.id AND c.kind = 'cancellation')
            ORDER BY j.service_start DESC LIMIT 3
        ) AS i
        JOIN billing.line AS l ON l.invoice = i.id AND l.part = i.part AND l.label IS NULL
        GROUP BY w.contract, i.id, l.asset, l.currency
    ) AS m GROUP BY contract, asset, currency HAVING count(*) = 3
""")
# Who stands on these documents; one that several contracts share is unpacked once.
PRINTED = text("""
    SELECT i.id, r.seller, r.buyer, r.purchase_order FROM billing.invoice AS i
    CROSS JOIN LATERAL jsonb_to_record(i.document) AS r(seller jsonb, buyer jsonb, purchase_order text)
    WHERE i.id = ANY(:invoices)
""")
# An invoice of each contract that stands, on which credits can be given: of those before, the last one.
CREDITABLE = text("""
    SELECT DISTINCT ON (w.contract) w.contract, i.public_id AS id, i.number, i.issue_date
    FROM unnest(cast(:contracts AS int[]), cast(:starts AS timestamptz[])) AS w (contract, "start")
    JOIN billing.invoice_part AS p ON p.contract = w.contract AND p.bills
    JOIN billing.invoice AS i ON i.id = p.invoice AND i.kind = 'invoice'
    WHERE NOT EXISTS (SELECT FROM billing.correction AS c WHERE c.corrects = i.id AND c.kind = 'cancellation')
    ORDER BY w.contract, i.service_end <= w."start" DESC, i.service_start DESC
""")
PARTS = text("""
    SELECT n, contract, label, evaluation, net FROM billing.invoice_part WHERE invoice = :invoice ORDER BY n
""")
REPORTED = text("SELECT breach FROM billing.breach_report WHERE breach = ANY(:breaches)")
NUMBER = text("SELECT number FROM billing.invoice WHERE id = :id")
IDS = text("SELECT public_id, id FROM billing.invoice WHERE public_id = ANY(:public_ids)")
WHOLE = "document || jsonb_build_object('issue', issue)"
"""A document as it was issued: that of its draft, with its number and dates."""
BY_NAME = text(f"""
    SELECT id, run, contract, evaluation, label, public_id, kind, number, {WHOLE} AS document, content_hash, chain_hash
    FROM billing.invoice
    WHERE number = :name OR public_id = :name
""")  # noqa: S608 - only constants
CHAIN = text(f"""
    SELECT i.n, i.number, i.issue_date, {WHOLE} AS document, i.content_hash, i.previous_hash, i.chain_hash
    FROM billing.invoice AS i JOIN billing.series AS s ON s.id = i.series
    WHERE s.entity = :entity AND s.kind = :kind AND s.year = :year ORDER BY i.n
""")  # noqa: S608 - only constants


@dataclass(frozen=True, slots=True)
class Series:
    """A run of numbers, locked. issued: how many so far; chain_hash: of the last one."""

    id: int
    issued: int
    last_issued: date | None
    chain_hash: str


def lock_series(connection: Connection, *, entity: int, kind: str, year: int) -> Series:
    """The series, created where it is new; nobody else numbers from it until this transaction ends."""
    key = {"entity": entity, "kind": kind, "year": year}
    connection.execute(ENSURE_SERIES, key)
    return Series(**connection.execute(LOCK_SERIES, key).mappings().one())


def advance(connection: Connection, series: Series, *, issued: int, day: date, chain_hash: str) -> None:
    """The series after these numbers were given."""
    row = {"series": series.id, "issued": issued, "day": day, "chain_hash": chain_hash}
    connection.execute(ADVANCE, row)


def last_issued(connection: Connection, *, entity: int, kind: str, year: int) -> date | None:
    """The date of a series' last document so far; None: there is none."""
    found: date | None = connection.execute(LAST_ISSUED, {"entity": entity, "kind": kind, "year": year}).scalar()
    return found


def reserve(connection: Connection, count: int) -> list[int]:
    """So many inside keys for documents to come."""
    return [int(n) for n in connection.execute(RESERVE, {"count": count}).scalars()]


def add_content(  # whose, and what there is of each kind
    connection: Connection,
    source: Mapping[str, int | None],
    rows: Sequence[Mapping[str, Any]],
    *,
    parts: Sequence[Mapping[str, Any]],
    tax: Sequence[Mapping[str, Any]],
) -> None:
    """Append parts, tax totals and lines of documents that are inserted later in the transaction.

    source: the run, and as `drafted` the revision of its drafts whose documents these are; None: they bring their own.
    rows: id, contract, currency; handed: its lines, if it brings its own. parts, tax: keys as the columns.
    """
    given = _rows(rows) | {"parts": _packed(parts), "tax": _packed(tax)}
    connection.execute(ADD_CONTENT, given | dict(source))


def add_invoices(
    connection: Connection, source: Mapping[str, int | None], rows: Sequence[Mapping[str, Any]], at: datetime
) -> None:
    """Append documents whose content is there. Keys as the columns; handed: the document, if it brings its own.

    source: as of `add_content`.
    """
    connection.execute(ADD_INVOICES, _rows(rows) | dict(source) | {"at": at})


def entries(connection: Connection, count: int) -> list[int]:
    """So many new entry numbers of the ledger."""
    return [int(n) for n in connection.execute(ENTRIES, {"count": count}).scalars()]


def add_transfers(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append transfers; keys as the columns."""
    connection.execute(ADD_TRANSFERS, _rows(rows))


def add_reports(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append breach reports; keys as the columns."""
    connection.execute(ADD_REPORTS, _rows(rows))


def last(connection: Connection, wanted: Sequence[tuple[int, datetime]]) -> dict[int, Last]:
    """The invoice before an instant, by contract; contracts without one are missing."""
    given = {"contracts": [contract for contract, _ in wanted], "starts": [start for _, start in wanted]}
    lines: dict[tuple[int, int, str], dict[tuple[str, str], Money]] = {}
    for row in connection.execute(LAST, given):
        key = row.contract, row.id, row.number
        lines.setdefault(key, {})[row.clause, row.asset] = Money(row.amount, row.currency)
    invoices = list({invoice for _, invoice, _ in lines})
    usual: dict[int, dict[str, Money]] = {}
    for row in connection.execute(USUAL, given) if invoices else ():
        usual.setdefault(row.contract, {})[row.asset] = Money(row.amount, row.currency)
    rows = connection.execute(PRINTED, {"invoices": invoices}).mappings() if invoices else ()
    printed = {row["id"]: {name: row[name] for name in ("seller", "buyer", "purchase_order")} for row in rows}
    return {
        contract: Last(
            number,
            total(found.values(), Money.zero(next(iter(found.values())).currency)),
            found,
            printed[invoice],
            usual.get(contract, {}),
        )
        for (contract, invoice, number), found in lines.items()
    }


def creditable(connection: Connection, wanted: Sequence[tuple[int, datetime]]) -> dict[int, dict[str, str]]:
    """By contract, id, number and date of an invoice on which credits can be given; those without one are missing."""
    given = {"contracts": [contract for contract, _ in wanted], "starts": [start for _, start in wanted]}
    return {
        row.contract: {"id": row.id, "number": row.number, "issue_date": row.issue_date.isoformat()}
        for row in connection.execute(CREDITABLE, given)
    }


def parts(connection: Connection, invoice: int) -> list[Any]:
    """n, contract, label, evaluation and net of each part of a document."""
    return list(connection.execute(PARTS, {"invoice": invoice}))


def reported(connection: Connection, breaches: Iterable[int]) -> frozenset[int]:
    """Which of these breaches have a report."""
    return frozenset(connection.execute(REPORTED, {"breaches": list(breaches)}).scalars())


def post(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Leave many messages for delivery after commit. Keys: at, topic, key, payload."""
    connection.execute(POST, _rows(rows))


def billed(connection: Connection, contracts: Iterable[int], *, label: str) -> frozenset[int]:
    """Which of these contracts have an invoice for the period that stands, or had nothing to bill in it."""
    given = {"contracts": list(contracts), "label": label}
    return frozenset(connection.execute(BILLED, given).scalars())


def revisions(connection: Connection, contracts: Iterable[int], *, label: str) -> dict[int, int]:
    """How many invoices there were for the period of each contract; those without are missing."""
    rows = connection.execute(REVISIONS, {"contracts": list(contracts), "label": label})
    return {row.contract: row.revision for row in rows}


def ids(connection: Connection, public_ids: Iterable[str]) -> dict[str, int]:
    """Inside keys of documents."""
    rows = connection.execute(IDS, {"public_ids": list(public_ids)})
    return {row.public_id: row.id for row in rows}


def number_of(connection: Connection, id: int) -> str:  # noqa: A002
    """As printed."""
    return str(connection.execute(NUMBER, {"id": id}).scalar_one())


def find(connection: Connection, name: str) -> dict[str, Any] | None:
    """An issued document by its number or public id."""
    row = connection.execute(BY_NAME, {"name": name}).mappings().first()
    return None if row is None else dict(row)


def chain_of(connection: Connection, *, entity: int, kind: str, year: int) -> list[dict[str, Any]]:
    """Every document of a series in order, for who verifies it."""
    rows = connection.execute(CHAIN, {"entity": entity, "kind": kind, "year": year}).mappings()
    return [dict(row) for row in rows]


def _rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"rows": _packed(rows)}


def _packed(rows: Sequence[Mapping[str, Any]]) -> str:
    """As `core.store.packed`, faster."""
    return _JSON.encode(rows).decode()
