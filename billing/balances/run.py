"""What was paid too much pays other invoices of the same debtor, or is sent back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from billing.camt import payable
from billing.payments.run import UNMATCHED, NothingLeft, NothingSettled, NotOwed, assign, open_day, unmatch
from billing.posting import Transfer
from billing.proposal import Looked
from billing.run import seller_named
from billing.statement import share
from billing.store import balance, ledger, payment
from billing.store import invoice as invoices
from contracts.store import contract as contract_store
from core import canonical, store
from core.database import transaction
from core.money import Money
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from billing.proposal import Proposal
    from billing.statement import Match
    from billing.store.balance import Balance
    from billing.store.entity import Entity


def listed(engine: Engine, *, entity: str) -> tuple[Balance, ...]:
    """What is left of payments, and what was paid too much of invoices. Raises NoSuchEntity."""
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        return (*balance.rests(connection, seller.id), *balance.overpaid(connection, seller.id))


def apply(engine: Engine, source: str, numbers: Sequence[str], *, entity: str, at: datetime, by: str) -> Match:
    """What is left of a payment, or was paid too much of an invoice, pays these documents, each as far as it goes.

    Of an invoice it pays invoices of the same debtor alone; they share an account, so nothing is booked.
    Raises NoSuchEntity, NothingLeft, NotOwed.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        found = _source(connection, seller, source)
        if found.kind == "invoice":
            return _apply(connection, found, numbers, entity=entity, by=by, at=at)
    return assign(engine, source, numbers, entity=entity, at=at, by=by)


def take_back(engine: Engine, source: str, *, entity: str, reason: str, at: datetime, by: str) -> int:
    """What a source was said to pay is open again. Returns how many invoices. Raises NoSuchEntity, NothingSettled."""
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        found = invoices.find(connection, source)
        if found is not None:
            count = balance.unapply(connection, [found["id"]], {"reason": reason, "by": by, "at": at})
            if not count:
                raise NothingSettled(f"nothing that was paid for {source} pays another invoice")
            detail = {"source": source, "reason": reason, "invoices": count}
            store.audit(connection, at, actor=by, action="balance.take_back", subject=entity, detail=detail)
            return count
    return unmatch(engine, source, entity=entity, reason=reason, at=at, by=by)


def look(connection: Connection, seller: Entity, source: str, amount: str | None) -> Looked:
    """What would be sent back: all that is left of a source, or `amount` of it. Raises NothingLeft, Unreadable."""
    found = _source(connection, seller, source)
    wanted = payable(amount if " " in amount else f"{amount} {found.left.currency}") if amount else found.left
    if wanted.currency != found.left.currency or not 0 < wanted.amount <= found.left.amount:
        raise NothingLeft(f"{wanted} cannot be sent back of {source}: {found.left} is left of it")
    detail = {"number": found.name, "amount": str(wanted), "debtor": found.payer}
    return Looked(seller.id, found.public_id, detail, canonical.digest([found.public_id, str(wanted)]))


def refund(connection: Connection, seller: Entity, proposal: Proposal, *, people: Mapping[str, Any]) -> dict[str, str]:
    """Note that it is sent back, and book it: out of the bank. people: by, approved_by, at. Raises NothingLeft."""
    found, at = _source(connection, seller, proposal.subject), people["at"]
    amount = Money.parse(proposal.detail["amount"])
    account = UNMATCHED
    if found.customer is not None:
        account = f"receivable:{contract_store.party_public_ids(connection, {found.customer})[found.customer]}"
    (entry,) = invoices.entries(connection, 1)
    day = open_day(connection, seller, at.astimezone(zone(seller.timezone)).date())
    ledger.add(connection, seller.id, [(entry, day, [Transfer(account, "bank", amount)])], at)
    row: dict[str, Any] = {name: found.id if found.kind == name else None for name in ("invoice", "payment")}
    row |= {"entity": seller.id, "currency": amount.currency, "amount": amount.amount, "payee": found.payer}
    row |= {**people, "paid_on": day, "entry": entry, "reason": proposal.reason}
    return {"refund": balance.refund(connection, row)}


def _apply(
    connection: Connection, found: Balance, numbers: Sequence[str], *, entity: str, by: str, at: datetime
) -> Match:
    seller = seller_named(connection, entity)
    same = [x for x in payment.unpaid(connection, seller.id) if x.customer == found.customer]
    owed = {x.owed.number: x for x in same if x.owed.left.currency == found.left.currency}
    if missing := [number for number in numbers if number not in owed]:
        raise NotOwed(f"{found.payer} owes nothing in {found.left.currency} for {', '.join(missing)}")
    match = share(found.left, [owed[number].owed for number in dict.fromkeys(numbers)], "hand")
    for number, amount in match.paid:
        row = {"source": found.id, "target": owed[number].id, "amount": amount.amount, "reverses": None}
        balance.apply(connection, row | {"reason": "", "by": by, "at": at})
    detail = {"source": found.name, "paid": [f"{number} {amount}" for number, amount in match.paid]}
    store.audit(connection, at, actor=by, action="balance.apply", subject=entity, detail=detail)
    return match


def _source(connection: Connection, seller: Entity, name: str) -> Balance:
    found = balance.named(connection, seller.id, name)
    if found is None:
        raise NothingLeft(f"nothing is left of {name}; `yardstick bill unmatched` lists what is")
    return found
