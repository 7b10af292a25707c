"""What the API and the portal read of billing. The database shows a party its own rows only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from billing.state import DRAFT_STATES, DraftState, State
from billing.store.invoice import WHOLE


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An issued invoice or credit note. Amounts are exact, of `currency`; `document` is everything printed.

    `contract`, `customer` and `evaluation` are inside keys of contracts.
    """

    id: int
    public_id: str
    number: str
    kind: str
    contract: int
    customer: int
    label: str
    service_start: datetime
    service_end: datetime
    issue_date: date
    due_date: date
    currency: str
    net: Decimal
    tax: Decimal
    gross: Decimal
    evaluation: int
    content_hash: str
    previous_hash: str
    chain_hash: str
    issued_at: datetime
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of an invoice; `steps` explain the amount."""

    n: int
    line_id: str
    clause: str
    kind: str
    asset: str
    text: str
    quantity: Decimal | None
    unit: str | None
    amount: Decimal
    currency: str
    tax_category: str
    tax_rate: Decimal
    service_start: datetime
    service_end: datetime
    steps: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TaxTotalView:
    """Base and tax of one category and rate."""

    category: str
    rate: Decimal
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, slots=True)
class BreachReportView:
    """A missed guarantee, as reported; `invoice` is the public id of the one that credits it."""

    id: int
    public_id: str
    contract: int
    invoice: str | None
    content_hash: str
    issued_at: datetime
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RunView:
    """A billing run with the totals of its newest drafts; amounts by currency are exact."""

    id: int
    public_id: str
    label: str
    starts_at: datetime
    ends_at: datetime
    state: State
    revision: int
    known: int | None
    hash: str | None
    created_at: datetime
    created_by: str
    approved_at: datetime | None
    approved_by: str | None
    issue_date: date | None
    drafts: int
    blocked: int
    invoices: int
    net: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class DraftView:
    """A contract in a run, without what would be printed. `id` is the contract's inside key."""

    id: int
    contract: str
    state: str
    reason: str
    net: str | None
    tax: str | None
    gross: str | None
    currency: str | None
    hash: str
    findings: list[dict[str, str]]


INVOICE = """
    SELECT id, public_id, number, kind, contract, customer, label, service_start, service_end, issue_date, due_date,
        currency, net, tax, gross, evaluation, content_hash, previous_hash, chain_hash, issued_at,
        {document} AS document
    FROM billing.invoice WHERE {condition} ORDER BY id DESC LIMIT :most
"""
INVOICES = text(
    INVOICE.format(
        document="'{}'::jsonb",
        condition="id < :before AND (CAST(:contract AS int) IS NULL"
        " OR id IN (SELECT invoice FROM billing.invoice_part WHERE contract = :contract))",
    )
)
ONE_INVOICE = text(INVOICE.format(document=WHOLE, condition="public_id = :public_id"))
LINES = text("""
    SELECT n, line_id, clause, kind, asset, text, quantity, unit, amount, currency, tax_category, tax_rate,
        service_start, service_end, steps
    FROM billing.line WHERE invoice = :invoice AND n > :after ORDER BY n LIMIT :most
""")
TAX_TOTALS = text("""
    SELECT category, rate, base, tax FROM billing.tax_total WHERE invoice = :invoice ORDER BY category, rate
""")
BREACH_REPORT = """
    SELECT r.id, r.public_id, r.contract, i.public_id AS invoice, r.content_hash, r.issued_at, {document} AS document
    FROM billing.breach_report AS r LEFT JOIN billing.invoice AS i ON i.id = r.invoice
    WHERE {condition} ORDER BY r.id DESC LIMIT :most
"""
# Lists need what identifies and sums up a breach, not its evidence.
SUMMARY = "r.document - ARRAY['outages', 'attributions', 'notices', 'steps', 'sentence', 'explanation']"
BREACH_REPORTS = text(
    BREACH_REPORT.format(
        document=SUMMARY,
        condition="""r.id < :before AND (CAST(:contract AS int) IS NULL OR r.contract = :contract)
            AND (CAST(:invoice AS bigint) IS NULL OR r.invoice = :invoice)""",
    )
)
ONE_BREACH_REPORT = text(BREACH_REPORT.format(document="r.document", condition="r.public_id = :public_id"))
RUN = """
    SELECT r.id, r.public_id, r.label, r.starts_at, r.ends_at, r.state, r.revision, r.known, r.hash, r.created_at,
        r.created_by, r.approved_at, r.approved_by, r.issue_date,
        count(d.contract) AS drafts, count(d.contract) FILTER (WHERE d.state IN ('blocked', 'failed')) AS blocked,
        (SELECT count(*) FROM billing.invoice AS i WHERE i.run = r.id) AS invoices,
        CASE WHEN count(DISTINCT d.currency) = 1 THEN sum(d.net) END AS net,
        CASE WHEN count(DISTINCT d.currency) = 1 THEN max(d.currency) END AS currency
    FROM (SELECT * FROM billing.run AS r WHERE {condition} ORDER BY r.id DESC LIMIT :most) AS r
    LEFT JOIN billing.draft AS d ON d.run = r.id AND d.revision = r.revision
    GROUP BY r.id, r.public_id, r.label, r.starts_at, r.ends_at, r.state, r.revision, r.known, r.hash, r.created_at,
        r.created_by, r.approved_at, r.approved_by, r.issue_date
    ORDER BY r.id DESC
"""
RUNS = text(RUN.format(condition="r.id < :before"))
ONE_RUN = text(RUN.format(condition="r.public_id = :public_id"))


DRAFTS = text("""
    SELECT contract AS id, contract_name AS contract, state, reason, net::text AS net, tax::text AS tax,
        gross::text AS gross, currency, hash, findings
    FROM billing.draft
    WHERE run = :run AND revision = :revision AND contract > :after
        AND (CAST(:state AS text) IS NULL OR state = :state)
    ORDER BY contract LIMIT :most
""")
ISSUED = text("""
    SELECT p.contract, i.public_id, i.number FROM billing.invoice AS i
    JOIN billing.invoice_part AS p ON p.invoice = i.id
    WHERE i.run = :run AND p.contract = ANY (:contracts) ORDER BY i.id, p.n
""")
ACCOUNT_LANGUAGE = text("SELECT language FROM billing.account WHERE party = :party")
STATES = text("""
    SELECT state, count(*) AS drafts FROM billing.draft WHERE run = :run AND revision = :revision GROUP BY state
""")


def invoices(
    connection: Connection, *, contract: int | None = None, before: int = 2**62, most: int = 50
) -> list[InvoiceView]:
    """Newest first, without their documents; `contract` is an inside key."""
    bound = {"contract": contract, "before": before, "most": most}
    return [InvoiceView(**row) for row in connection.execute(INVOICES, bound).mappings()]


def invoice(connection: Connection, public_id: str) -> InvoiceView | None:
    """One invoice with its document, or None if absent or not visible."""
    row = connection.execute(ONE_INVOICE, {"public_id": public_id, "most": 1}).mappings().first()
    return InvoiceView(**row) if row else None


def lines(connection: Connection, invoice_id: int, *, after: int = 0, most: int = 50) -> list[LineView]:
    """Lines with a number above `after`, in print order."""
    bound: Mapping[str, int] = {"invoice": invoice_id, "after": after, "most": most}
    return [LineView(**row) for row in connection.execute(LINES, bound).mappings()]


def tax_totals(connection: Connection, invoice_id: int) -> list[TaxTotalView]:
    """One for each tax category and rate."""
    return [TaxTotalView(**row) for row in connection.execute(TAX_TOTALS, {"invoice": invoice_id}).mappings()]


def breach_reports(
    connection: Connection,
    *,
    contract: int | None = None,
    invoice: int | None = None,
    before: int = 2**62,
    most: int = 50,
) -> list[BreachReportView]:
    """Newest first, documents without their evidence; `contract` and `invoice` are inside keys."""
    bound = {"contract": contract, "invoice": invoice, "before": before, "most": most}
    return [BreachReportView(**row) for row in connection.execute(BREACH_REPORTS, bound).mappings()]


def breach_report(connection: Connection, public_id: str) -> BreachReportView | None:
    """One report with its document, or None if absent or not visible."""
    row = connection.execute(ONE_BREACH_REPORT, {"public_id": public_id, "most": 1}).mappings().first()
    return BreachReportView(**row) if row else None


def runs(connection: Connection, *, before: int = 2**62, most: int = 50) -> list[RunView]:
    """Billing runs, newest first."""
    return [RunView(**row) for row in connection.execute(RUNS, {"before": before, "most": most}).mappings()]


def run(connection: Connection, public_id: str) -> RunView | None:
    """One billing run, or None if absent or not visible."""
    row = connection.execute(ONE_RUN, {"public_id": public_id, "most": 1}).mappings().first()
    return RunView(**row) if row else None


def drafts(
    connection: Connection, run: RunView, *, state: DraftState | None = None, after: int = 0, most: int = 50
) -> list[DraftView]:
    """The drafts of a run's newest revision, those of contracts with an inside key above `after`; state: only these."""
    given = {"run": run.id, "revision": run.revision, "state": state, "after": after, "most": most}
    return [DraftView(**row) for row in connection.execute(DRAFTS, given).mappings()]


def issued(connection: Connection, run: RunView, contracts: Sequence[int]) -> dict[int, dict[str, str]]:
    """The documents of a run, public ids by number, by the inside key of each of these contracts that is in them."""
    found: dict[int, dict[str, str]] = {}
    for row in connection.execute(ISSUED, {"run": run.id, "contracts": list(contracts)}):
        found.setdefault(row.contract, {})[row.number] = row.public_id
    return found


def draft_states(connection: Connection, run: RunView) -> dict[DraftState, int]:
    """How many drafts of a run's newest revision are in each state that any is in, the most urgent first."""
    given = {"run": run.id, "revision": run.revision}
    counted = {row.state: int(row.drafts) for row in connection.execute(STATES, given)}
    return {state: counted[state] for state in DRAFT_STATES if state in counted}


def account_language(connection: Connection, party: int) -> str | None:
    """In which language a debtor is billed; None for a party that is not one."""
    found: str | None = connection.execute(ACCOUNT_LANGUAGE, {"party": party}).scalar()
    return found
