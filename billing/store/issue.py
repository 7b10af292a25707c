"""A chunk of approved drafts becomes invoices, transfers, breach reports and messages, in the caller's transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from billing import chain
from billing.bundle import together
from billing.contest import limits, until
from billing.correction import cancellation
from billing.invoice import issued
from billing.number import following, number
from billing.store import correction as corrections
from billing.store import invoice as invoices
from billing.store import run as runs
from billing.store import supplement
from billing.store.book import Numbered, Part, Ready, book, save_reports
from contracts.store import contract as contract_store
from core import store
from core.money import Money, exponent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from billing.invoice import Draft
    from billing.store.entity import Entity
    from billing.store.invoice import Series
    from billing.store.run import Issuable, Run
    from contracts.document import Version
    from contracts.store.contract import Side

CHUNK = 500


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
    were = invoices.parts(connection, found["id"])
    parts = tuple(Part(row.contract, row.evaluation, row.label, bills=False, net=-row.net) for row in were)
    ready = Ready("credit_note", parts, note.document, note.hash, corrects=found["id"])
    ids = issue_documents(connection, found["run"], seller, ready=[ready], day=day, at=at)
    counts = corrections.counts(connection, [part.contract for part in parts])
    invoice = ids[parts[0].contract, parts[0].label]
    rows = [
        {
            "contract": part.contract,
            "label": period,
            "n": counts.get((part.contract, period), 0) + 1,
            "kind": "cancellation" if period == part.label else "credit_note",
            "invoice": invoice,
            "corrects": found["public_id"],
            "evaluation": part.evaluation,
            "reason": reason,
            "currency": net.currency,
            "net": net.amount,
        }
        for row, part in zip(were, parts, strict=True)
        for period, net in _by_period(note, row.n, part.label).items()
    ]
    corrections.add(connection, rows, at)
    return invoices.number_of(connection, invoice)


def issue_documents(  # what is issued, by whom, when
    connection: Connection,
    run: int,
    seller: Entity,
    *,
    ready: Sequence[Ready],
    day: date,
    at: datetime,
    drafted: Run | None = None,
) -> dict[tuple[int, str], int]:
    """Number documents of one kind in their series, and save them with all that belongs to them.

    day: the date they bear, or that of the series' last document if it is later, so that numbers follow dates.
    drafted: the run whose drafts hold these very documents, if they do.
    Returns inside keys by contract and period.
    """
    if not ready:
        return {}
    kind = ready[0].kind
    series = invoices.lock_series(connection, entity=seller.id, kind=kind, year=day.year)
    day = max(day, series.last_issued or day)
    payers = contract_store.payers(connection, [item.parts[0].contract for item in ready])
    batch = list(_number(ready, series, payers, seller, day))
    batch = _contestable(connection, batch, at)
    rows = [_invoice_row(item, run, series, day, at) for item in batch]
    rows = [
        row | {"handed": item.ready.head} if drafted is None or len(item.ready.parts) > 1 else row
        for row, item in zip(rows, batch, strict=True)
    ]
    ids = invoices.add_invoices(connection, rows, drafted=drafted.revision if drafted else None)
    book(connection, batch, ids, day=day, at=at)
    save_reports(connection, batch, ids, at=at, drafted=drafted)
    invoices.advance(connection, series, issued=batch[-1].n, day=day, chain_hash=batch[-1].chain_hash)
    return {(part.contract, part.label): ids[item.number] for item in batch for part in item.ready.parts}


def _by_period(note: Draft, part: int, label: str) -> dict[str, Money]:
    """What a credit note takes back of one of its parts, by the period of its lines; its own is always there."""
    sums = {label: note.net - note.net}
    for line in note.lines:
        if line.document.get("part", 1) == part:
            period = line.document["corrects"]["period"]
            sums[period] = sums[period] + line.amount if period in sums else line.amount
    return sums


def _set_aside(connection: Connection, run: Run, drafts: Sequence[Issuable]) -> list[Issuable]:
    """Only what nobody else invoiced or corrected since it was calculated."""
    contracts = [draft.contract for draft in drafts]
    billed = invoices.billed(connection, contracts, label=run.label)
    counts = corrections.counts(connection, contracts)
    corrected = {draft.contract: draft.corrections for draft in drafts if draft.corrections}
    overtaken = corrections.invoiced_since(connection, corrected) if corrected else frozenset()
    sound = []
    for draft in drafts:
        stale = (
            draft.corrections
            if draft.contract in overtaken
            else [x for x in draft.corrections if counts.get((draft.contract, x["label"]), 0) + 1 != x["n"]]
        )
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
    notes = [(draft, note) for draft in drafts for note in draft.credit_notes]
    named = {note["document"]["corrects"]["id"] for _, note in notes}
    named |= {draft.head["corrects"]["id"] for draft in drafts if draft.head["corrects"]}
    credited = invoices.ids(connection, named) if named else {}
    ready = _ready(connection, run, drafts, credited)
    billing: dict[tuple[int, str], int] = {}
    for kind in ("invoice", "credit_note"):
        own = [item for item in ready if item.kind == kind]
        billing |= issue_documents(connection, run.id, seller, ready=own, day=day, at=at, drafted=run)
    ready = [
        Ready(
            "credit_note",
            (Part(draft.contract, note["evaluation"], note["label"], bills=False),),
            note["document"],
            note["hash"],
            corrects=credited[note["document"]["corrects"]["id"]],
        )
        for draft, note in notes
    ]
    note_of = issue_documents(connection, run.id, seller, ready=ready, day=day, at=at)
    _save_corrections(connection, drafts, {contract: key for (contract, _), key in billing.items()}, note_of, at)
    runs.issued(connection, run, [draft.contract for draft in drafts])
    return len(drafts)


def _ready(connection: Connection, run: Run, drafts: Sequence[Issuable], credited: Mapping[str, int]) -> list[Ready]:
    """The documents of these drafts: one for each bundle, and one for each draft that stands alone."""
    revisions = invoices.revisions(connection, [draft.contract for draft in drafts], label=run.label)
    printed = [draft for draft in drafts if draft.head["lines"] or not draft.final]
    groups = [
        sorted(group, key=lambda draft: str(draft.head["contract"]))
        for _, group in groupby(printed, lambda draft: draft.bundle or draft.contract)
    ]
    # Of bundles, and of drafts that are older than their stored hash.
    wanted = [x.contract for group in groups for x in group if len(group) > 1 or not x.content_hash]
    whole = runs.documents(connection, run, wanted) if wanted else {}
    ready = []
    for group in groups:
        parts = tuple(
            Part(x.contract, x.evaluation, run.label, bills=True, revision=revisions.get(x.contract, 0) + 1)
            for x in group
        )
        first = group[0]
        if len(group) > 1:
            document = together([whole[draft.contract] for draft in group])
            nets = [Decimal(part["net"]) for part in document["parts"]]
            parts = tuple(replace(part, net=net) for part, net in zip(parts, nets, strict=True))
            ready.append(Ready("invoice", parts, document, chain.content_hash(document)))
        else:
            content = first.content_hash or chain.content_hash(whole[first.contract])
            corrects = credited[first.head["corrects"]["id"]] if first.head["corrects"] else None
            ready.append(Ready(first.head["kind"], parts, first.head, content, corrects))
    return ready


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
            "invoice": note_of.get((draft.contract, correction["label"])) or own.get(draft.contract),
        }
        for draft in drafts
        for correction in draft.corrections
    ]
    billed = [row for row in rows if row["kind"] != "carried"]
    corrections.add(connection, billed, at)
    names = ("contract", "label", "evaluation", "invoice", "corrects", "reason")
    supplement.add(connection, [supplement.Corrected(**{name: row[name] for name in names}) for row in billed], at)
    corrections.carry(connection, [row for row in rows if row["kind"] == "carried"], at)


def _number(
    ready: Sequence[Ready], series: Series, payers: dict[int, Side], seller: Entity, day: date
) -> Iterator[Numbered]:
    """Each document with its number and its place in the chain."""
    previous = series.chain_hash
    for item, n in zip(ready, following(series.issued, len(ready)), strict=True):
        name = number(seller.prefix, item.kind, year=day.year, n=n)
        public_id = contract_store.new_id("inv" if item.kind == "invoice" else "crn")
        due_date = day + timedelta(days=item.head["payment_days"])
        head = issued(item.head, id=public_id, number=name, issue_date=day, due_date=due_date)
        link = chain.chain_hash(previous, item.content_hash, number=name, issue_date=day)
        yield Numbered(item, payers[item.parts[0].contract], public_id, n, name, head, previous, link, due_date)
        previous = link


def _contestable(connection: Connection, batch: list[Numbered], at: datetime) -> list[Numbered]:
    """With the times until when their lines may be contested, where the contracts agree on any."""
    older = {part.contract for item in batch if item.head.get("contest") is True for part in item.ready.parts}
    known = store.current_knowledge(connection)
    versions = contract_store.versions(connection, older, known) if older else {}
    return [_with_limits(item, versions, at) if item.head.get("contest") else item for item in batch]


def _with_limits(item: Numbered, versions: Mapping[int, Sequence[Version]], at: datetime) -> Numbered:
    agreed = item.head["contest"]
    if agreed is True:
        names = item.head.get("contracts") or [item.head["contract"]]
        parts = zip(names, item.ready.parts, strict=True)
        found = [limit for name, part in parts for limit in limits(name, versions[part.contract], at)]
    else:
        found = until(agreed, at)
    return replace(item, head=item.head | {"issue": item.head["issue"] | {"contest_until": found}})


def _invoice_row(item: Numbered, run: int, series: Series, day: date, at: datetime) -> dict[str, Any]:
    ready = item.ready
    return {
        **{name: getattr(item, name) for name in ("public_id", "n", "number")},
        **{name: getattr(item, name) for name in ("previous_hash", "chain_hash")},
        **{name: getattr(ready.parts[0], name) for name in ("contract", "evaluation", "label", "revision")},
        **{name: getattr(ready, name) for name in ("kind", "corrects")},
        "parts": [
            {"n": n, **{name: getattr(part, name) for name in Part.__slots__}}
            for n, part in enumerate(ready.parts, start=1)
        ],
        "content_hash": ready.content_hash,
        "issue": item.head["issue"],
        "series": series.id,
        "customer": item.payer.party,
        "run": run,
        "issue_date": day.isoformat(),
        "due_date": item.due_date.isoformat(),
        "exponent": exponent(item.head["currency"]),
        "issued_at": at,
    }
