"""Take in payments, match them to invoices, book both; take a payment back; see what is overdue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from billing.posting import Transfer
from billing.run import seller_named
from billing.statement import Credit, match, read_statement, share
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
    from datetime import date, datetime

    from sqlalchemy import Connection, Engine

    from billing.statement import Match
    from billing.store.entity import Entity
    from billing.store.payment import Open, Rest
    from core.problem import Problem


UNMATCHED = "unmatched"
"""The account of money that waits: it is the payers' until somebody says what it pays."""


class NothingLeft(LookupError):
    """A payment that is unknown, or used up, or that the bank took back."""


class NotOwed(LookupError):
    """A document for which nothing is owed in the payment's currency."""


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

    Receivables are invoices and the charges of letters about them. A day whose books are closed is booked on the first
    one that is open; the payment keeps its own.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        (entry,) = invoices.entries(connection, 1)
        number = payment.add(connection, seller.id, credit, entry=entry, by=by, at=at)
        if number is None and payment.is_another(connection, seller.id, credit):
            credit = replace(credit, key=f"{credit.key}/{credit.day}/{credit.amount.amount:f}")
            number = payment.add(connection, seller.id, credit, entry=entry, by=by, at=at)
        if number is None:
            return Taken(credit, None, new=False)
        unpaid = _unpaid(connection, seller)
        found = match(credit, [item.owed for item in unpaid])
        row = {"payment": number, "entry": entry, "by": by, "at": at}
        transfers = _settle(connection, found, unpaid, row=row, source="bank")
        if found.rest:
            transfers.append(Transfer("bank", UNMATCHED, found.rest))
        ledger.add(connection, seller.id, [(entry, _open_day(connection, seller, credit.day), transfers)], at)
        detail = {"key": credit.key, "amount": str(credit.amount), "by": found.by, "rest": str(found.rest)}
        store.audit(connection, at, actor=by, action="payment.record", subject=entity, detail=detail)
        return Taken(credit, found, new=True)


def assign(engine: Engine, key: str, numbers: Sequence[str], *, entity: str, at: datetime, by: str) -> Match:
    """What is left of a payment pays these invoices and letters, in this order, each as far as it goes.

    Raises NoSuchEntity, NothingLeft, NotOwed.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        rest = next(iter(payment.rests(connection, seller.id, key)), None)
        if rest is None:
            raise NothingLeft(f"nothing is left of a payment {key}; `yardstick bill unmatched` lists what is")
        unpaid = _unpaid(connection, seller)
        owed = {item.owed.number: item.owed for item in unpaid if item.owed.left.currency == rest.left.currency}
        if missing := [number for number in numbers if number not in owed]:
            raise NotOwed(f"nothing in {rest.left.currency} is owed for {', '.join(missing)}")
        found = share(rest.left, [owed[number] for number in dict.fromkeys(numbers)], "hand")
        (entry,) = invoices.entries(connection, 1)
        row = {"payment": rest.id, "entry": entry, "by": by, "at": at}
        transfers = _settle(connection, found, unpaid, row=row, source=UNMATCHED)
        ledger.add(connection, seller.id, [(entry, _today(seller, at), transfers)], at)
        detail = {"key": key, "paid": [f"{number} {amount}" for number, amount in found.paid]}
        store.audit(connection, at, actor=by, action="payment.assign", subject=entity, detail=detail)
        return found


def take_back(engine: Engine, key: str, *, entity: str, reason: str, at: datetime, by: str) -> int:
    """The bank took a payment back: what it paid is open again, and what was left of it is gone. Returns how much is.

    What was booked is booked the other way round, on this day. Raises NoSuchEntity, NothingSettled.
    """
    return _undo(engine, key, (entity, "bank"), reason=reason, at=at, by=by)


def unmatch(engine: Engine, key: str, *, entity: str, reason: str, at: datetime, by: str) -> int:
    """A payment was matched wrongly: what it paid is open again, and the money waits. Returns how many are open.

    Raises NoSuchEntity, NothingSettled.
    """
    return _undo(engine, key, (entity, UNMATCHED), reason=reason, at=at, by=by)


def unmatched(engine: Engine, *, entity: str) -> tuple[tuple[Rest, ...], tuple[tuple[str, str, Money], ...]]:
    """Payments of which something is left, and invoices for which too much was paid: number, debtor, how much.

    Raises NoSuchEntity.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        return tuple(payment.rests(connection, seller.id)), tuple(payment.overpaid(connection, seller.id))


def overdue(engine: Engine, *, entity: str, at: datetime) -> tuple[Open, ...]:
    """Invoices that are not paid in full and whose due date is over in the entity's zone, the oldest first."""
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        today = at.astimezone(zone(seller.timezone)).date()
        return tuple(item for item in payment.unpaid(connection, seller.id) if item.due_date < today)


def _undo(engine: Engine, key: str, where: tuple[str, str], *, reason: str, at: datetime, by: str) -> int:
    """Reverse what a payment settles. where: the seller, and the account to which the money goes."""
    entity, account = where
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        rows = payment.settled(connection, seller.id, key)
        charged = dunning.settled(connection, seller.id, key)
        rests = payment.rests(connection, seller.id, key) if account == "bank" else []
        if not rows and not charged and not rests:
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
            Transfer(f"receivable:{names[row.customer]}", account, Money(row.amount, row.currency))
            for row in (*rows, *charged)
        ]
        if account == "bank":
            transfers += [Transfer(UNMATCHED, account, rest.left) for rest in rests]
            given = {"entry": entry, "reason": reason, "by": by, "at": at}
            payment.give_back(connection, seller.id, key, given)
        ledger.add(connection, seller.id, [(entry, _today(seller, at), transfers)], at)
        act = "payment.take_back" if account == "bank" else "payment.unmatch"
        detail = {"key": key, "reason": reason, "invoices": len(rows)}
        store.audit(connection, at, actor=by, action=act, subject=entity, detail=detail)
        return len(rows)


def _unpaid(connection: Connection, seller: Entity) -> list[Open | Charge]:
    return [*payment.unpaid(connection, seller.id), *dunning.charges(connection, seller.id)]


def _today(seller: Entity, at: datetime) -> date:
    return at.astimezone(zone(seller.timezone)).date()


def _open_day(connection: Connection, seller: Entity, day: date) -> date:
    closed = ledger.closed_until(connection, seller.id)
    return day if closed is None else max(day, closed + timedelta(days=1))


def _settle(
    connection: Connection,
    found: Match,
    unpaid: Sequence[Open | Charge],
    *,
    row: dict[str, object],
    source: str,
) -> list[Transfer]:
    """Note what is paid. source: the account from which it is. Returns what is to be booked."""
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
        transfers.append(Transfer(source, f"receivable:{names[item.customer]}", amount))
    return transfers
