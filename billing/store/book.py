"""What belongs to issued documents: their transfers, messages and breach reports."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from billing import chain
from billing.breach import report
from billing.bundle import part_of
from billing.invoice import Evaluated
from billing.posting import post, releases
from billing.store import invoice as invoices
from billing.store import run as runs
from billing.store import supplement
from contracts.store import breach as breach_store
from contracts.store import contract as contract_store
from contracts.store import evaluation as evaluation_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from billing.number import Kind
    from billing.store.run import Run
    from contracts.store.contract import Side


@dataclass(frozen=True, slots=True)
class Part:
    """A contract's period on a document. contract, evaluation: ids; net: None where it is the document's.

    bills: it is what the period costs, and no correction of it.
    """

    contract: int
    evaluation: int
    label: str
    bills: bool
    revision: int = 1
    net: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A document that may be issued. corrects: the id of the invoice that it credits, if it does.

    head: the document, or of it what is booked (`billing.store.run.ISSUABLE`). content_hash: of the whole.
    """

    kind: Kind
    parts: tuple[Part, ...]
    head: dict[str, Any]
    content_hash: str
    corrects: int | None = None


@dataclass(frozen=True, slots=True)
class Laid:
    """A document whose parts, lines, tax totals and transfers are laid down under its key; it has no number yet.

    day: the date it is to bear.
    """

    id: int
    ready: Ready
    payer: Side
    day: date


@dataclass(frozen=True, slots=True)
class Numbered:
    """A document with its number and its place in the chain."""

    laid: Laid
    ready: Ready
    public_id: str
    n: int
    number: str
    head: dict[str, Any]
    previous_hash: str
    chain_hash: str
    due_date: date


def book(connection: Connection, laid: Sequence[Laid], at: datetime) -> None:
    """Transfers of each document; what it defers is released at month ends that are not over."""
    booked = [
        (item, on, transfers)
        for item in laid
        for on, transfers in ((item.day, post(item.ready.head, item.payer.public_id)), *releases(item.ready.head))
    ]
    entries = invoices.entries(connection, len(booked))
    invoices.add_transfers(
        connection,
        [
            {
                "entry": entry,
                "n": n,
                "at": at,
                "posted_on": max(on, item.day),
                "debit": transfer.debit,
                "credit": transfer.credit,
                "currency": transfer.amount.currency,
                "amount": transfer.amount.amount,
                "invoice": item.id,
            }
            for (item, on, transfers), entry in zip(booked, entries, strict=True)
            for n, transfer in enumerate(transfers, start=1)
        ],
    )


def announce(connection: Connection, batch: Sequence[Numbered], at: datetime) -> None:
    """The message of each document."""
    invoices.post(connection, [_message(at, f"{item.ready.kind}.issued", item.public_id, item) for item in batch])


def save_reports(connection: Connection, batch: Sequence[Numbered], *, at: datetime, drafted: Run | None) -> None:
    """A report for each breach that the invoiced evaluations found; one that stands since an earlier invoice stays."""
    by_evaluation = {part.evaluation: item for item in batch for part in item.ready.parts if part.bills}
    if not by_evaluation:
        return
    found_there = breach_store.of_evaluations(connection, by_evaluation)
    reported = invoices.reported(connection, [breach.id for breach in found_there])
    breaches = [breach for breach in found_there if breach.id not in reported]
    if not breaches:
        return
    saved = evaluation_store.by_id(connection, {breach.evaluation for breach in breaches})
    whole = runs.documents(connection, drafted, [breach.contract for breach in breaches]) if drafted else {}
    rows, messages = [], []
    for found in breaches:
        item, origin = by_evaluation[found.evaluation], saved[found.evaluation]
        public_id = contract_store.new_id("rep")
        evaluated = Evaluated(origin.public_id, origin.result, origin.evidence)
        alone = len(item.ready.parts) == 1
        printed = (whole.get(found.contract, item.head) if alone else item.head) | {"issue": item.head["issue"]}
        printed = part_of(printed, origin.result["contract"])
        document = report(public_id, supplement.breach_of(found), evaluated, printed)
        rows.append(
            {
                "public_id": public_id,
                "breach": found.id,
                "contract": found.contract,
                "invoice": item.laid.id,
                "document": document,
                "content_hash": chain.report_hash(document),
                "issued_at": at,
            }
        )
        words = {"clause": found.clause, "asset": found.asset, "contract": document["contract"]}
        messages.append(_message(at, "breach.reported", public_id, item, **words))
    invoices.add_reports(connection, rows)
    invoices.post(connection, messages)


def _message(at: datetime, topic: str, key: str, item: Numbered, **more: str) -> dict[str, Any]:
    document = item.head
    payload = {"invoice": item.public_id, "number": item.number, "contract": document["contract"]}
    payload |= {"period": document["period"], "gross": document["gross"], "currency": document["currency"]}
    return {"at": at, "topic": topic, "key": key, "payload": payload | more}
