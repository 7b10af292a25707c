"""Take in payments, match them to invoices, book both; take a payment back; see what is overdue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from billing.posting import Transfer
from billing.run import seller_named
from billing.statement import Credit, match, read_statement
from billing.store import dunning, ledger, payment
from billing.store import invoice as invoices
from billing.store.dunning import Charge
from contracts.store import contract as contract_store
from core import store
from core.database import transaction
from core.money import Money
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from billing.statement import Match
    from billing.store.payment import Open
    from core.problem import Problem


class NothingSettled(LookupError):
    """A payment that settles nothing, or is unknown."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A credit and what it pays; new: False where it was taken in before, and nothing was booked."""

    credit: Credit
    match: Match | None
    new: bool


def take_in(
    engine: Engine, source: bytes, *, entity: str, at: datetime, by: str
) -> tuple[Taken, ...] | tuple[Problem, ...]:
    """Book the credits of a camt.053 statement; read twice it books once. Raises NoSuchEntity."""
    credits_ = read_statement(source)
    if not all(isinstance(item, Credit) for item in credits_):
        return credits_  # type: ignore[return-value]
    return tuple(record(engine, item, entity=entity, at=at, by=by) for item in credits_ if isinstance(item, Credit))


def record(engine: Engine, credit: Credit, *, entity: str, at: datetime, by: str) -> Taken:
    """Book one payment: bank against the receivables that it settles, the rest as the payer's credit balance.

    Receivables are invoices and the charges of letters about them.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        number = payment.add(connection, seller.id, credit, by=by, at=at)
        if number is None:
            return Taken(credit, None, new=False)
        unpaid: list[Open | Charge] = [*payment.unpaid(connection, seller.id), *dunning.charges(connection, seller.id)]
        found = match(credit, [item.owed for item in unpaid])
        (entry,) = invoices.entries(connection, 1)
        transfers = _settle(connection, found, unpaid, row={"payment": number, "entry": entry, "by": by, "at": at})
        if found.rest:
            transfers.append(Transfer("bank", "unmatched", found.rest))
        ledger.add(connection, seller.id, [(entry, credit.day, transfers)], at)
        detail = {"key": credit.key, "amount": str(credit.amount), "by": found.by, "rest": str(found.rest)}
        store.audit(connection, at, actor=by, action="payment.record", subject=entity, detail=detail)
        return Taken(credit, found, new=True)


def take_back(engine: Engine, key: str, *, entity: str, reason: str, at: datetime, by: str) -> int:
    """The bank took a payment back, or it was matched wrongly: its invoices are open again. Returns how many.

    What was booked is booked the other way round, on this day. Raises NoSuchEntity, NothingSettled.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        rows = payment.settled(connection, seller.id, key)
        charged = dunning.settled(connection, seller.id, key)
        if not rows and not charged:
            raise NothingSettled(f"payment {key} settles no invoice of {entity}")
        (entry,) = invoices.entries(connection, 1)
        names = contract_store.party_public_ids(connection, {row.customer for row in (*rows, *charged)})
        said = {"entry": entry, "matched": reason, "by": by, "at": at}
        for row in rows:
            back = {"payment": row.payment, "invoice": row.invoice, "amount": -row.amount, "reverses": row.id}
            payment.settle(connection, back | said)
        for row in charged:
            back = {"payment": row.payment, "letter": row.letter, "amount": -row.amount, "reverses": row.id}
            dunning.settle(connection, back | said)
        transfers = [
            Transfer(f"receivable:{names[row.customer]}", "bank", Money(row.amount, row.currency))
            for row in (*rows, *charged)
        ]
        ledger.add(connection, seller.id, [(entry, at.astimezone(zone(seller.timezone)).date(), transfers)], at)
        detail = {"key": key, "reason": reason, "invoices": len(rows)}
        store.audit(connection, at, actor=by, action="payment.take_back", subject=entity, detail=detail)
        return len(rows)


def overdue(engine: Engine, *, entity: str, at: datetime) -> tuple[Open, ...]:
    """Invoices that are not paid in full and whose due date is over in the entity's zone, the oldest first."""
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        today = at.astimezone(zone(seller.timezone)).date()
        return tuple(item for item in payment.unpaid(connection, seller.id) if item.due_date < today)


def _settle(
    connection: Connection, found: Match, unpaid: Sequence[Open | Charge], *, row: dict[str, object]
) -> list[Transfer]:
    by_number = {item.owed.number: item for item in unpaid}
    names = contract_store.party_public_ids(connection, {by_number[number].customer for number, _ in found.paid})
    transfers = []
    for number, amount in found.paid:
        item = by_number[number]
        settled = row | {"amount": amount.amount, "reverses": None, "matched": found.by}
        if isinstance(item, Charge):
            dunning.settle(connection, settled | {"letter": item.id})
        else:
            payment.settle(connection, settled | {"invoice": item.id})
        transfers.append(Transfer("bank", f"receivable:{names[item.customer]}", amount))
    return transfers
