"""A chunk of approved drafts becomes invoices, transfers, breach reports and messages, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from billing import chain
from billing.breach import Breach, report
from billing.invoice import Evaluated, issued
from billing.number import following, number
from billing.posting import post
from billing.store import invoice as invoices
from billing.store import run as runs
from contracts.store import breach as breach_store
from contracts.store import contract as contract_store
from contracts.store import evaluation as evaluation_store
from core.money import Money, exponent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from billing.store.entity import Entity
    from billing.store.invoice import Series
    from billing.store.run import Issuable, Run
    from contracts.store.contract import Side

CHUNK = 500


@dataclass(frozen=True, slots=True)
class _Issue:
    """One invoice to be. id: in the database, 0 until it is there."""

    draft: Issuable
    payer: Side
    public_id: str
    n: int
    number: str
    document: dict[str, Any]
    content_hash: str
    previous_hash: str
    chain_hash: str
    due_date: date


def issue_chunk(connection: Connection, run: Run, seller: Entity, *, at: datetime, most: int) -> int:
    """Issue the next drafts of a run, at most so many. Returns how many; 0: none is left.

    The series row is locked first: whoever comes second sees what the first one issued, and takes the drafts after.
    The date is the run's, or that of the series' last document if it is later, so that numbers follow dates.
    """
    if run.issue_date is None:
        raise ValueError(f"run {run.public_id} has no issue date")
    series = invoices.lock_series(connection, entity=seller.id, kind="invoice", year=run.issue_date.year)
    drafts = runs.issuable(connection, run, most)
    if not drafts:
        return 0
    day = max(run.issue_date, series.last_issued or run.issue_date)
    payers = contract_store.payers(connection, [draft.contract for draft in drafts])
    batch = list(_number(drafts, series, payers, seller, day))
    ids = invoices.add_invoices(connection, [_invoice_row(item, run, series, day, at) for item in batch])
    _save_parts(connection, batch, ids, day=day, at=at)
    _save_reports(connection, batch, ids, at)
    invoices.advance(connection, series, issued=batch[-1].n, day=day, chain_hash=batch[-1].chain_hash)
    runs.issued(connection, run, [draft.contract for draft in drafts])
    return len(batch)


def _number(
    drafts: Sequence[Issuable], series: Series, payers: dict[int, Side], seller: Entity, day: date
) -> Iterator[_Issue]:
    """Each draft with its number and its place in the chain."""
    previous = series.chain_hash
    for draft, n in zip(drafts, following(series.issued, len(drafts)), strict=True):
        name = number(seller.prefix, "invoice", year=day.year, n=n)
        public_id = contract_store.new_id("inv")
        due_date = day + timedelta(days=draft.document["payment_days"])
        document = issued(draft.document, id=public_id, number=name, issue_date=day, due_date=due_date)
        content = chain.content_hash(document)
        link = chain.chain_hash(previous, content, number=name, issue_date=day)
        payer = payers[draft.contract]
        yield _Issue(draft, payer, public_id, n, name, document, content, previous, link, due_date)
        previous = link


def _invoice_row(item: _Issue, run: Run, series: Series, day: date, at: datetime) -> dict[str, Any]:
    draft = item.draft
    return {
        **{name: getattr(item, name) for name in ("public_id", "n", "number", "document")},
        **{name: getattr(item, name) for name in ("content_hash", "previous_hash", "chain_hash")},
        **{name: getattr(draft, name) for name in ("contract", "evaluation", "currency", "net", "tax", "gross")},
        "series": series.id,
        "kind": "invoice",
        "customer": item.payer.party,
        "run": run.id,
        "label": run.label,
        "service_start": item.document["service"]["from"],
        "service_end": item.document["service"]["to"],
        "issue_date": day.isoformat(),
        "due_date": item.due_date.isoformat(),
        "exponent": exponent(draft.currency),
        "issued_at": at,
    }


def _save_parts(
    connection: Connection, batch: Sequence[_Issue], ids: dict[str, int], *, day: date, at: datetime
) -> None:
    """Lines, tax totals, transfers and the message of each invoice."""
    invoices.add_lines(connection, [row for item in batch for row in _line_rows(item, ids[item.number])])
    invoices.add_tax_totals(
        connection,
        [{"invoice": ids[item.number], **part} for item in batch for part in item.document["tax"]],
    )
    entries = invoices.entries(connection, len(batch))
    invoices.add_transfers(
        connection,
        [
            {
                "entry": entry,
                "n": n,
                "at": at,
                "posted_on": day.isoformat(),
                "debit": transfer.debit,
                "credit": transfer.credit,
                "currency": transfer.amount.currency,
                "amount": transfer.amount.amount,
                "invoice": ids[item.number],
            }
            for item, entry in zip(batch, entries, strict=True)
            for n, transfer in enumerate(post(item.document, item.payer.public_id), start=1)
        ],
    )
    invoices.post(connection, [_message(at, "invoice.issued", item.public_id, item) for item in batch])


def _line_rows(item: _Issue, invoice: int) -> Iterator[dict[str, Any]]:
    for line in item.document["lines"]:
        quantity = line["quantity"]
        yield {
            **{name: line[name] for name in ("n", "clause", "kind", "asset", "text", "unit", "amount", "steps")},
            "invoice": invoice,
            "line_id": line["id"],
            # A third of something has no digits that end; the document keeps it as a fraction.
            "quantity": None if quantity is None or "/" in quantity else quantity,
            "currency": item.draft.currency,
            "tax_category": line["tax"]["category"],
            "tax_rate": line["tax"]["rate"],
            "service_start": line["from"],
            "service_end": line["to"],
        }


def _save_reports(connection: Connection, batch: Sequence[_Issue], ids: dict[str, int], at: datetime) -> None:
    """A report for each breach that the invoiced evaluations found."""
    by_evaluation = {item.draft.evaluation: item for item in batch}
    breaches = breach_store.of_evaluations(connection, by_evaluation)
    saved = evaluation_store.by_id(connection, {breach.evaluation for breach in breaches})
    rows, messages = [], []
    for found in breaches:
        item, origin = by_evaluation[found.evaluation], saved[found.evaluation]
        public_id = contract_store.new_id("rep")
        evaluated = Evaluated(origin.public_id, origin.result, origin.evidence)
        document = report(public_id, _breach(found), evaluated, item.document)
        rows.append(
            {
                "public_id": public_id,
                "breach": found.id,
                "contract": found.contract,
                "invoice": ids[item.number],
                "document": document,
                "content_hash": chain.report_hash(document),
                "issued_at": at,
            }
        )
        messages.append(_message(at, "breach.reported", public_id, item, clause=found.clause, asset=found.asset))
    invoices.add_reports(connection, rows)
    invoices.post(connection, messages)


def _breach(found: breach_store.Saved) -> Breach:
    words = {name: getattr(found, name) for name in ("clause", "asset", "obligated", "target", "measured")}
    return Breach(id=found.public_id, credit=Money(Decimal(found.credit), found.currency), **words)


def _message(at: datetime, topic: str, key: str, item: _Issue, **more: str) -> dict[str, Any]:
    document = item.document
    payload = {"invoice": item.public_id, "number": item.number, "contract": document["contract"]}
    payload |= {"period": document["period"], "gross": document["gross"], "currency": document["currency"]}
    return {"at": at, "topic": topic, "key": key, "payload": payload | more}
