"""A chunk of approved drafts becomes invoices, transfers, breach reports and messages, in the caller's transaction.

What does not depend on numbers is made ready first; from then on until the commit nobody else numbers documents.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from billing.store import issuable as issuables
from billing.store import run as runs
from billing.store import supplement
from billing.store.book import Laid, Numbered, Part, Ready, announce, book, save_reports
from contracts.store import contract as contract_store
from core import store
from core.money import Money, exponent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from billing.invoice import Draft
    from billing.number import Kind
    from billing.store.entity import Entity
    from billing.store.invoice import Series
    from billing.store.issuable import Issuable
    from billing.store.run import Run
    from contracts.document import Version

CHUNK = 250


@dataclass(frozen=True, slots=True)
class Occasion:
    """For which run (inside key) documents are issued, by whom, when, and the date they bear."""

    run: int
    seller: Entity
    at: datetime
    day: date


class Overtaken(RuntimeError):
    """What was laid down cannot be numbered: look anew what is left, after whoever has these `contracts`."""

    def __init__(self, why: str, contracts: Sequence[int] = ()) -> None:
        super().__init__(why)
        self.contracts = contracts


def issue_chunk(  # what, by whom, when, and how
    connection: Connection,
    run: Run,
    seller: Entity,
    *,
    chunk: Sequence[int],
    before: Sequence[int],
    at: datetime,
    alone: bool = False,
) -> int:
    """Issue the drafts of these contracts, which come next after those `before`, and their credit notes.

    Returns how many; 0 too where they are issued, or somebody else has them. Content is laid down at once; documents
    are numbered once those before are issued and while the series row is locked, so that numbers are the same whoever
    issues what. A draft whose period was invoiced or corrected meanwhile is set aside as failed; it waits for another
    run. alone: the series is locked first, so that nothing changes meanwhile. Raises Overtaken.
    """
    if run.issue_date is None:
        raise ValueError(f"run {run.public_id} has no issue date")
    occasion = Occasion(run.id, seller, at, run.issue_date)
    keys = issuables.take(connection, run, chunk)
    if not keys:
        return 0
    if len(keys) < len(chunk):
        raise Overtaken(f"{len(chunk) - len(keys)} of {len(chunk)} drafts are issued elsewhere", chunk)
    if alone:
        _wait_for_turn(connection, run, occasion, before)
    sound, own, notes = _lay_down_drafts(connection, run, occasion, chunk=chunk, keys=keys)
    if not alone:
        _wait_for_turn(connection, run, occasion, before)
        if _corrected(connection, sound):
            raise Overtaken("a period was corrected by another run")
    _number_drafts(connection, run, occasion, drafts=sound, own=own, notes=notes)
    return len(sound)


def _wait_for_turn(connection: Connection, run: Run, occasion: Occasion, before: Sequence[int]) -> None:
    """Nobody else numbers documents of the seller from here to the commit. Raises Overtaken."""
    issuables.wait_for(connection, run, before[-1:])
    invoices.lock_series(connection, entity=occasion.seller.id, kind="invoice", year=occasion.day.year)
    if before and issuables.unissued(connection, run, before):
        raise Overtaken("drafts before these are not issued", before)


def issue_cancellation(
    connection: Connection, seller: Entity, found: Mapping[str, Any], *, reason: str, day: date, at: datetime
) -> str:
    """A credit note over a whole invoice, as `invoices.find` gives it. Returns its number."""
    note = cancellation(found["document"], reason)
    were = invoices.parts(connection, found["id"])
    parts = tuple(Part(row.contract, row.evaluation, row.label, bills=False, net=-row.net) for row in were)
    ready = Ready("credit_note", parts, note.document, note.hash, corrects=found["id"])
    occasion = Occasion(found["run"], seller, at, day)
    laid = _lay_down(connection, occasion, [ready])
    _issue(connection, occasion, laid)
    counts = corrections.counts(connection, [part.contract for part in parts])
    invoice = laid[0].id
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


def _lay_down(
    connection: Connection,
    occasion: Occasion,
    ready: Sequence[Ready],
    *,
    keys: Sequence[int] = (),
    drafted: Run | None = None,
) -> list[Laid]:
    """Insert all that belongs to documents and does not depend on their numbers.

    They bear the date of the occasion, or that of their series' last document if it is later: numbers follow dates.
    keys: inside keys of at least so many documents, if they are reserved. drafted: the run whose drafts hold these very
    documents, if they do.
    """
    if not ready:
        return []
    payers = contract_store.payers(connection, [item.parts[0].contract for item in ready])
    keys = keys or invoices.reserve(connection, len(ready))
    days = {kind: _day(connection, occasion, kind) for kind in {item.kind for item in ready}}
    laid = [
        Laid(key, item, payers[item.parts[0].contract], days[item.kind]) for key, item in zip(keys, ready, strict=False)
    ]
    invoices.add_content(
        connection,
        _source(occasion, drafted),
        [_content_row(item, drafted) for item in laid],
        parts=[row for item in laid for row in _part_rows(item)],
        tax=[part | {"invoice": item.id} for item in laid for part in item.ready.head["tax"]],
    )
    book(connection, laid, occasion.at)
    return laid


def _day(connection: Connection, occasion: Occasion, kind: Kind) -> date:
    day = occasion.day
    return max(day, invoices.last_issued(connection, entity=occasion.seller.id, kind=kind, year=day.year) or day)


def _source(occasion: Occasion, drafted: Run | None) -> dict[str, int | None]:
    return {"run": occasion.run, "drafted": drafted.revision if drafted else None}


def _issue(connection: Connection, occasion: Occasion, laid: Sequence[Laid], *, drafted: Run | None = None) -> None:
    """Number documents of one kind, whose content is laid down, in their series, and say so.

    drafted: the run whose drafts hold these very documents, if they do. Raises Overtaken if they cannot bear the date.
    """
    if not laid:
        return
    kind, day = laid[0].ready.kind, laid[0].day
    series = invoices.lock_series(connection, entity=occasion.seller.id, kind=kind, year=day.year)
    if series.last_issued and series.last_issued > day:
        raise Overtaken(f"a document of {series.last_issued} was issued")
    batch = _contestable(connection, list(_number(laid, series, occasion.seller)), occasion.at)
    rows = [_invoice_row(item, series, drafted) for item in batch]
    invoices.add_invoices(connection, _source(occasion, drafted), rows, occasion.at)
    announce(connection, batch, occasion.at)
    save_reports(connection, batch, at=occasion.at, drafted=drafted)
    invoices.advance(connection, series, issued=batch[-1].n, day=day, chain_hash=batch[-1].chain_hash)


def _by_period(note: Draft, part: int, label: str) -> dict[str, Money]:
    """What a credit note takes back of one of its parts, by the period of its lines; its own is always there."""
    sums = {label: note.net - note.net}
    for line in note.lines:
        if line.document.get("part", 1) == part:
            period = line.document["corrects"]["period"]
            sums[period] = sums[period] + line.amount if period in sums else line.amount
    return sums


def _lay_down_drafts(
    connection: Connection, run: Run, occasion: Occasion, *, chunk: Sequence[int], keys: Sequence[int]
) -> tuple[list[Issuable], list[Laid], list[Laid]]:
    """What of a chunk is issued, its documents, and the credit notes beside them."""
    drafts = issuables.issuable(connection, run, chunk)
    # First the revisions: a period that is invoiced after that is refused, as two documents cannot have the same one.
    revisions = invoices.revisions(connection, chunk, label=run.label)
    sound = _set_aside(connection, run, drafts)
    credited = _credited(connection, sound)
    own = _ready(connection, run, sound, revisions, credited)
    laid = _lay_down(connection, occasion, own, keys=keys, drafted=run)
    return sound, laid, _lay_down(connection, occasion, _notes(sound, credited))


def _number_drafts(  # drafts, and their documents
    connection: Connection,
    run: Run,
    occasion: Occasion,
    *,
    drafts: Sequence[Issuable],
    own: Sequence[Laid],
    notes: Sequence[Laid],
) -> None:
    for kind in ("invoice", "credit_note"):
        some = [item for item in own if item.ready.kind == kind]
        _issue(connection, occasion, some, drafted=run)
    _issue(connection, occasion, notes)
    billing = {part.contract: item.id for item in own for part in item.ready.parts}
    note_of = {(part.contract, part.label): item.id for item in notes for part in item.ready.parts}
    _save_corrections(connection, drafts, billing, note_of, occasion.at)


def _set_aside(connection: Connection, run: Run, drafts: Sequence[Issuable]) -> list[Issuable]:
    """Only what nobody else invoiced or corrected since it was calculated."""
    billed = invoices.billed(connection, [draft.contract for draft in drafts], label=run.label)
    corrected = _corrected(connection, drafts)
    for draft in drafts:
        if draft.contract in billed:
            runs.fail(connection, run, [draft.contract], f"period {run.label} was invoiced by another run")
        elif label := corrected.get(draft.contract):
            runs.fail(connection, run, [draft.contract], f"period {label} was corrected by another run")
    return [draft for draft in drafts if draft.contract not in billed and draft.contract not in corrected]


def _corrected(connection: Connection, drafts: Sequence[Issuable]) -> dict[int, str]:
    """By contract, a period that a draft corrects and that somebody else corrected or invoiced since."""
    corrected = {draft.contract: draft.corrections for draft in drafts if draft.corrections}
    if not corrected:
        return {}
    counts = corrections.counts(connection, corrected)
    overtaken = corrections.invoiced_since(connection, corrected)
    return {
        contract: stale[0]["label"]
        for contract, items in corrected.items()
        if (stale := [x for x in items if contract in overtaken or counts.get((contract, x["label"]), 0) + 1 != x["n"]])
    }


def _credited(connection: Connection, drafts: Sequence[Issuable]) -> dict[str, int]:
    """Inside keys of the invoices that drafts and their credit notes correct."""
    named = {note["document"]["corrects"]["id"] for draft in drafts for note in draft.credit_notes}
    named |= {draft.head["corrects"]["id"] for draft in drafts if draft.head["corrects"]}
    return invoices.ids(connection, named) if named else {}


def _notes(drafts: Sequence[Issuable], credited: Mapping[str, int]) -> list[Ready]:
    return [
        Ready(
            "credit_note",
            (Part(draft.contract, note["evaluation"], note["label"], bills=False),),
            note["document"],
            note["hash"],
            corrects=credited[note["document"]["corrects"]["id"]],
        )
        for draft in drafts
        for note in draft.credit_notes
    ]


def _ready(  # whose drafts, and what is known of them
    connection: Connection,
    run: Run,
    drafts: Sequence[Issuable],
    revisions: Mapping[int, int],
    credited: Mapping[str, int],
) -> list[Ready]:
    """The documents of these drafts: one for each bundle, and one for each draft that stands alone."""
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


def _number(laid: Sequence[Laid], series: Series, seller: Entity) -> Iterator[Numbered]:
    """Each document with its number and its place in the chain."""
    previous = series.chain_hash
    for known, n in zip(laid, following(series.issued, len(laid)), strict=True):
        item, day = known.ready, known.day
        name = number(seller.prefix, item.kind, year=day.year, n=n)
        public_id = contract_store.new_id("inv" if item.kind == "invoice" else "crn")
        due_date = day + timedelta(days=item.head["payment_days"])
        head = issued(item.head, id=public_id, number=name, issue_date=day, due_date=due_date)
        link = chain.chain_hash(previous, item.content_hash, number=name, issue_date=day)
        yield Numbered(known, item, public_id, n, name, head, previous, link, due_date)
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


def _content_row(item: Laid, drafted: Run | None) -> dict[str, Any]:
    head = item.ready.head
    row = {"id": item.id, "contract": item.ready.parts[0].contract, "currency": head["currency"]}
    return row if _is_drafted(item.ready, drafted) else row | {"handed": head["lines"]}


def _is_drafted(ready: Ready, drafted: Run | None) -> bool:
    """Whether a draft holds this very document; a shared one is no draft's."""
    return drafted is not None and len(ready.parts) == 1


def _part_rows(item: Laid) -> list[dict[str, Any]]:
    net = item.ready.head["net"]
    return [
        {name: getattr(part, name) for name in Part.__slots__}
        | {"invoice": item.id, "n": n, "net": net if part.net is None else part.net}
        for n, part in enumerate(item.ready.parts, start=1)
    ]


def _invoice_row(item: Numbered, series: Series, drafted: Run | None) -> dict[str, Any]:
    laid, ready, head = item.laid, item.ready, item.ready.head
    row = {
        **{name: getattr(item, name) for name in ("public_id", "n", "number", "due_date")},
        **{name: getattr(item, name) for name in ("previous_hash", "chain_hash")},
        **{name: getattr(ready.parts[0], name) for name in ("contract", "evaluation", "label", "revision")},
        **{name: getattr(ready, name) for name in ("kind", "corrects", "content_hash")},
        **{name: head[name] for name in ("currency", "net", "gross")},
        "id": laid.id,
        "tax": head["tax_total"],
        "service_start": head["service"]["from"],
        "service_end": head["service"]["to"],
        "issue": item.head["issue"],
        "series": series.id,
        "customer": laid.payer.party,
        "issue_date": laid.day,
        "exponent": exponent(head["currency"]),
    }
    return row if _is_drafted(ready, drafted) else row | {"handed": head}
