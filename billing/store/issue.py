"""A chunk of approved drafts becomes invoices, transfers, breach reports and messages, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from billing import chain
from billing.breach import Breach, report
from billing.correction import cancellation
from billing.invoice import Evaluated, issued
from billing.number import Kind, following, number
from billing.posting import post
from billing.store import correction as corrections
from billing.store import invoice as invoices
from billing.store import run as runs
from contracts.store import breach as breach_store
from contracts.store import contract as contract_store
from contracts.store import evaluation as evaluation_store
from core.money import Money, exponent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from billing.store.entity import Entity
    from billing.store.invoice import Series
    from billing.store.run import Issuable, Run
    from contracts.store.contract import Side

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Ready:
    """A document that may be issued. contract, evaluation, corrects: ids; label: the period that it is about."""

    kind: Kind
    contract: int
    evaluation: int
    label: str
    document: dict[str, Any]
    revision: int = 1
    corrects: int | None = None


@dataclass(frozen=True, slots=True)
class _Issue:
    """A document with its number and its place in the chain."""

    ready: Ready
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
    """Issue the next drafts of a run, at most so many, and their credit notes. Returns how many; 0: none left.

    The series row is locked first: whoever comes second sees what the first one issued, and takes the drafts after.
    A draft whose period was invoiced or corrected meanwhile is set aside as failed; it waits for another run.
    """
    if run.issue_date is None:
        raise ValueError(f"run {run.public_id} has no issue date")
    invoices.lock_series(connection, entity=seller.id, kind="invoice", year=run.issue_date.year)
    while drafts := runs.issuable(connection, run, most):
        sound = _set_aside(connection, run, drafts)
        if sound:
            return _issue_drafts(connection, run, seller, drafts=sound, day=run.issue_date, at=at)
    return 0


def issue_cancellation(
    connection: Connection, seller: Entity, found: Mapping[str, Any], *, reason: str, day: date, at: datetime
) -> str:
    """A credit note over a whole invoice, as `invoices.find` gives it. Returns its number."""
    note = cancellation(found["document"], reason)
    contract, label = found["contract"], found["label"]
    ready = Ready("credit_note", contract, found["evaluation"], label, note.document, corrects=found["id"])
    ids = issue_documents(connection, found["run"], seller, ready=[ready], day=day, at=at)
    counts = corrections.counts(connection, [contract])
    sums = {label: note.net - note.net}
    for line in note.lines:
        period = line.document["corrects"]["period"]
        sums[period] = sums[period] + line.amount if period in sums else line.amount
    rows = [
        {
            "contract": contract,
            "label": period,
            "n": counts.get((contract, period), 0) + 1,
            "kind": "cancellation" if period == label else "credit_note",
            "invoice": ids[contract, label],
            "corrects": found["public_id"],
            "evaluation": found["evaluation"],
            "reason": reason,
            "currency": net.currency,
            "net": net.amount,
        }
        for period, net in sums.items()
    ]
    corrections.add(connection, rows, at)
    return invoices.number_of(connection, ids[contract, label])


def issue_documents(
    connection: Connection, run: int, seller: Entity, *, ready: Sequence[Ready], day: date, at: datetime
) -> dict[tuple[int, str], int]:
    """Number documents of one kind in their series, and save them with all that belongs to them.

    day: the date they bear, or that of the series' last document if it is later, so that numbers follow dates.
    Returns inside keys by contract and period.
    """
    if not ready:
        return {}
    kind = ready[0].kind
    series = invoices.lock_series(connection, entity=seller.id, kind=kind, year=day.year)
    day = max(day, series.last_issued or day)
    payers = contract_store.payers(connection, [item.contract for item in ready])
    batch = list(_number(ready, series, payers, seller, day))
    ids = invoices.add_invoices(connection, [_invoice_row(item, run, series, day, at) for item in batch])
    _save_parts(connection, batch, ids, day=day, at=at)
    if kind == "invoice":
        _save_reports(connection, batch, ids, at)
    invoices.advance(connection, series, issued=batch[-1].n, day=day, chain_hash=batch[-1].chain_hash)
    return {(item.ready.contract, item.ready.label): ids[item.number] for item in batch}


def _set_aside(connection: Connection, run: Run, drafts: Sequence[Issuable]) -> list[Issuable]:
    """Only what nobody else invoiced or corrected since it was calculated."""
    contracts = [draft.contract for draft in drafts]
    billed = invoices.billed(connection, contracts, label=run.label)
    counts = corrections.counts(connection, contracts)
    sound = []
    for draft in drafts:
        stale = [x for x in draft.corrections if counts.get((draft.contract, x["label"]), 0) + 1 != x["n"]]
        if draft.contract in billed:
            runs.fail(connection, run, [draft.contract], f"period {run.label} was invoiced by another run")
        elif stale:
            runs.fail(connection, run, [draft.contract], f"period {stale[0]['label']} was corrected by another run")
        else:
            sound.append(draft)
    return sound


def _issue_drafts(  # a run's drafts, by whom, when
    connection: Connection, run: Run, seller: Entity, *, drafts: Sequence[Issuable], day: date, at: datetime
) -> int:
    contracts = [draft.contract for draft in drafts]
    revisions = invoices.revisions(connection, contracts, label=run.label)
    ready = [
        Ready("invoice", x.contract, x.evaluation, run.label, x.document, revisions.get(x.contract, 0) + 1)
        for x in drafts
    ]
    invoice_of = issue_documents(connection, run.id, seller, ready=ready, day=day, at=at)
    notes = [(draft, note) for draft in drafts for note in draft.credit_notes]
    named = invoices.ids(connection, {note["document"]["corrects"]["id"] for _, note in notes})
    ready = [
        Ready(
            "credit_note",
            draft.contract,
            note["evaluation"],
            note["label"],
            note["document"],
            corrects=named[note["document"]["corrects"]["id"]],
        )
        for draft, note in notes
    ]
    note_of = issue_documents(connection, run.id, seller, ready=ready, day=day, at=at)
    _save_corrections(connection, drafts, {contract: key for (contract, _), key in invoice_of.items()}, note_of, at)
    runs.issued(connection, run, contracts)
    return len(drafts)


def _save_corrections(
    connection: Connection,
    drafts: Sequence[Issuable],
    own: dict[int, int],
    note_of: dict[tuple[int, str], int],
    at: datetime,
) -> None:
    rows = [
        correction
        | {
            "contract": draft.contract,
            "invoice": note_of.get((draft.contract, correction["label"]), own[draft.contract]),
        }
        for draft in drafts
        for correction in draft.corrections
    ]
    corrections.add(connection, [row for row in rows if row["kind"] != "carried"], at)
    corrections.carry(connection, [row for row in rows if row["kind"] == "carried"], at)


def _number(
    ready: Sequence[Ready], series: Series, payers: dict[int, Side], seller: Entity, day: date
) -> Iterator[_Issue]:
    """Each document with its number and its place in the chain."""
    previous = series.chain_hash
    for item, n in zip(ready, following(series.issued, len(ready)), strict=True):
        name = number(seller.prefix, item.kind, year=day.year, n=n)
        public_id = contract_store.new_id("inv" if item.kind == "invoice" else "crn")
        due_date = day + timedelta(days=item.document["payment_days"])
        document = issued(item.document, id=public_id, number=name, issue_date=day, due_date=due_date)
        content = chain.content_hash(document)
        link = chain.chain_hash(previous, content, number=name, issue_date=day)
        yield _Issue(item, payers[item.contract], public_id, n, name, document, content, previous, link, due_date)
        previous = link


def _invoice_row(item: _Issue, run: int, series: Series, day: date, at: datetime) -> dict[str, Any]:
    ready, document = item.ready, item.document
    return {
        **{name: getattr(item, name) for name in ("public_id", "n", "number", "document")},
        **{name: getattr(item, name) for name in ("content_hash", "previous_hash", "chain_hash")},
        **{name: getattr(ready, name) for name in ("kind", "contract", "evaluation", "label", "revision", "corrects")},
        **{name: document[name] for name in ("currency", "net", "gross")},
        "tax": document["tax_total"],
        "series": series.id,
        "customer": item.payer.party,
        "run": run,
        "service_start": document["service"]["from"],
        "service_end": document["service"]["to"],
        "issue_date": day.isoformat(),
        "due_date": item.due_date.isoformat(),
        "exponent": exponent(document["currency"]),
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
    invoices.post(connection, [_message(at, f"{item.ready.kind}.issued", item.public_id, item) for item in batch])


def _line_rows(item: _Issue, invoice: int) -> Iterator[dict[str, Any]]:
    for line in item.document["lines"]:
        quantity = line["quantity"]
        yield {
            **{name: line[name] for name in ("n", "clause", "kind", "asset", "text", "unit", "amount", "steps")},
            "invoice": invoice,
            "line_id": line["id"],
            "label": line["corrects"]["period"] if line.get("corrects") else None,
            # A third of something has no digits that end; the document keeps it as a fraction.
            "quantity": None if quantity is None or "/" in quantity else quantity,
            "currency": item.document["currency"],
            "tax_category": line["tax"]["category"],
            "tax_rate": line["tax"]["rate"],
            "service_start": line["from"],
            "service_end": line["to"],
        }


def _save_reports(connection: Connection, batch: Sequence[_Issue], ids: dict[str, int], at: datetime) -> None:
    """A report for each breach that the invoiced evaluations found; one that stands since an earlier invoice stays."""
    by_evaluation = {item.ready.evaluation: item for item in batch}
    found_there = breach_store.of_evaluations(connection, by_evaluation)
    reported = invoices.reported(connection, [breach.id for breach in found_there])
    breaches = [breach for breach in found_there if breach.id not in reported]
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
