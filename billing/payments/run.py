"""Take in payments and what the bank returns, match them, book both; take a payment back; see what is late."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from billing.camt import Credit, Return, read_statement
from billing.posting import Transfer
from billing.run import seller_named
from billing.statement import match, share, which
from billing.store import balance, dunning, ledger, payment
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
    from billing.store.payment import Open, Waiting
    from core.problem import Problem


Item = TypeVar("Item", Credit, Return)
UNMATCHED = "unmatched"
"""The account of money that waits: it is the payers' until somebody says what it pays."""
FEE = "bank_fee:return"
"""The account of what a bank asks for returning a payment."""


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


@dataclass(frozen=True, slots=True)
class Returned:
    """What the bank took back. payment: the key of what it returns; None: it waits for a person.

    reopened: how many invoices are open again; new: False where it was taken in before, and nothing was booked.
    """

    item: Return
    payment: str | None
    reopened: int
    new: bool


def take_in(
    engine: Engine, source: bytes, *, entity: str, at: datetime, by: str
) -> tuple[Taken | Returned, ...] | tuple[Problem, ...]:
    """Book what a camt.053 statement says came in or was returned; read twice it books once. Raises NoSuchEntity."""
    found = read_statement(source)
    items = [item for item in found if isinstance(item, Credit | Return)]
    if len(items) < len(found):
        return found  # type: ignore[return-value]
    given: Any = {"entity": entity, "at": at, "by": by}
    return tuple(
        record(engine, item, **given) if isinstance(item, Credit) else record_return(engine, item, **given)
        for item in items
    )


def record(engine: Engine, credit: Credit, *, entity: str, at: datetime, by: str) -> Taken:
    """Book one payment: bank against the receivables that it settles, the rest as the payer's credit balance.

    Receivables are invoices and the charges of letters about them. A day whose books are closed is booked on the first
    one that is open; the payment keeps its own.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        (entry,) = invoices.entries(connection, 1)
        credit, number = _add(connection, seller, credit, {"entry": entry, "by": by, "at": at})
        if number is None:
            return Taken(credit, None, new=False)
        unpaid = _unpaid(connection, seller)
        found = match(credit, [item.owed for item in unpaid])
        row = {"payment": number, "entry": entry, "by": by, "at": at}
        transfers = _settle(connection, found, unpaid, row=row, source="bank")
        if found.rest:
            transfers.append(Transfer("bank", UNMATCHED, found.rest))
        ledger.add(connection, seller.id, [(entry, open_day(connection, seller, credit.day), transfers)], at)
        detail = {"key": credit.key, "amount": str(credit.amount), "by": found.by, "rest": str(found.rest)}
        store.audit(connection, at, actor=by, action="payment.record", subject=entity, detail=detail)
        return Taken(credit, found, new=True)


def record_return(engine: Engine, item: Return, *, entity: str, at: datetime, by: str) -> Returned:
    """What the bank took back reverses the payment that it returns: its invoices are open again, and the money is gone.

    The bank's fee is booked on an account of its own. Where nobody can tell the payment, the money is missing among
    what waits (`unmatched`), until `take_back` says which. A payment that was taken back by hand is not reversed again.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        (entry,) = invoices.entries(connection, 1)
        given: Any = {"entry": entry, "by": by, "at": at}
        item, number = _add(connection, seller, item, given)
        if number is None:
            return Returned(item, None, 0, new=False)
        found = which(item, payment.received(connection, seller.id, item))
        transfers, count = [Transfer(FEE, "bank", item.fee)] if item.fee else [], 0
        if found is None:
            transfers.append(Transfer(UNMATCHED, "bank", item.amount))
        else:
            payment.match_return(connection, {"bank_return": number, "payment": found.id, "by": by, "at": at})
            if not found.taken_back:
                said = given | {"reason": f"returned by the bank {item.reason} {item.text}".strip()}
                moved, count = _reverse(connection, seller, found.key, "bank", said)
                transfers += moved
        ledger.add(connection, seller.id, [(entry, open_day(connection, seller, item.day), transfers)], at)
        key = found.key if found else None
        detail = {
            "key": item.key,
            "amount": str(item.amount),
            "fee": str(item.fee),
            "code": item.reason,
            "payment": key,
        }
        store.audit(connection, at, actor=by, action="payment.return", subject=entity, detail=detail)
        return Returned(item, key, count, new=True)


def assign(engine: Engine, key: str, numbers: Sequence[str], *, entity: str, at: datetime, by: str) -> Match:
    """What is left of a payment pays these invoices and letters, in this order, each as far as it goes.

    Raises NoSuchEntity, NothingLeft, NotOwed.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        rest = next(iter(balance.rests(connection, seller.id, key)), None)
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


def take_back(
    engine: Engine, key: str, *, entity: str, reason: str, at: datetime, by: str, returned: str | None = None
) -> int:
    """The bank took a payment back: what it paid is open again, and what was left of it is gone. Returns how much is.

    What was booked is booked the other way round, on this day. returned: the return of a statement that waits and is
    of this payment; what it takes beyond the payment is the bank's fee. Raises NoSuchEntity, NothingSettled, NotOwed.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        if returned is None:
            return _undo(connection, seller, key, "bank", said={"reason": reason, "by": by, "at": at})
        found = next(iter(payment.waiting(connection, seller.id, returned)), None)
        whole = payment.find(connection, seller.id, key)
        if found is None or whole is None:
            raise NothingSettled(f"there is no return {returned} that waits, or no payment {key}")
        if found.amount.currency != whole.amount.currency or found.amount < whole.amount:
            raise NotOwed(f"{found.key} takes {found.amount}, which is no return of {key} over {whole.amount}")
        count = _undo(connection, seller, key, UNMATCHED, said={"reason": reason, "by": by, "at": at}, gone=True)
        payment.match_return(connection, {"bank_return": found.id, "payment": whole.id, "by": by, "at": at})
        if beyond := found.amount - whole.amount:
            (entry,) = invoices.entries(connection, 1)
            ledger.add(connection, seller.id, [(entry, _today(seller, at), [Transfer(FEE, UNMATCHED, beyond)])], at)
        return count


def unmatch(engine: Engine, key: str, *, entity: str, reason: str, at: datetime, by: str) -> int:
    """A payment was matched wrongly: what it paid is open again, and the money waits. Returns how many are open.

    Raises NoSuchEntity, NothingSettled.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        payment.lock(connection, seller.id)
        return _undo(connection, seller, key, UNMATCHED, said={"reason": reason, "by": by, "at": at})


def waiting(engine: Engine, *, entity: str) -> tuple[Waiting, ...]:
    """What the bank took back and nobody knows the payment of. Raises NoSuchEntity."""
    with transaction(engine) as connection:
        return tuple(payment.waiting(connection, seller_named(connection, entity).id))


def overdue(engine: Engine, *, entity: str, at: datetime) -> tuple[Open, ...]:
    """Invoices that are not paid in full and whose due date is over in the entity's zone, the oldest first."""
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        today = at.astimezone(zone(seller.timezone)).date()
        return tuple(item for item in payment.unpaid(connection, seller.id) if item.due_date < today)


def _undo(
    connection: Connection, seller: Entity, key: str, account: str, *, said: dict[str, Any], gone: bool = False
) -> int:
    """Reverse what a payment settles. account: to which the money goes; gone: it is not there to pay anything else."""
    (entry,) = invoices.entries(connection, 1)
    transfers, count = _reverse(connection, seller, key, account, said | {"entry": entry}, gone=gone)
    ledger.add(connection, seller.id, [(entry, _today(seller, said["at"]), transfers)], said["at"])
    act = "payment.take_back" if gone or account == "bank" else "payment.unmatch"
    detail = {"key": key, "reason": said["reason"], "invoices": count}
    store.audit(connection, said["at"], actor=said["by"], action=act, subject=seller.seller.name, detail=detail)
    return count


def _reverse(
    connection: Connection, seller: Entity, key: str, account: str, said: dict[str, Any], *, gone: bool = False
) -> tuple[list[Transfer], int]:
    """Rows that reverse what a payment settles, and what its invoices pay of others. said: entry, reason, by, at.

    Returns what is to be booked, and how many invoices are open again. Raises NothingSettled.
    """
    rows = payment.settled(connection, seller.id, key)
    charged = dunning.settled(connection, seller.id, key)
    whole = payment.find(connection, seller.id, key) if gone or account == "bank" else None
    gone = whole is not None and not whole.taken_back
    if not rows and not charged and not gone:
        raise NothingSettled(f"payment {key} settles no invoice of {seller.seller.name}")
    names = contract_store.party_public_ids(connection, {row.customer for row in (*rows, *charged)})
    back = {"entry": said["entry"], "matched": said["reason"], "by": said["by"], "at": said["at"]}
    for row in rows:
        own = {"payment": row.payment, "invoice": row.invoice, "amount": -row.amount, "reverses": row.id}
        payment.settle(connection, own | back)
    for row in charged:
        own = {"payment": row.payment, "letter": row.letter, "amount": -row.amount, "reverses": row.id}
        dunning.settle(connection, own | back)
    balance.unapply(connection, [row.invoice for row in rows], {key: said[key] for key in ("reason", "by", "at")})
    moved = [
        Transfer(f"receivable:{names[row.customer]}", account, Money(row.amount, row.currency))
        for row in (*rows, *charged)
    ]
    if gone and whole is not None:
        payment.give_back(connection, seller.id, key, said)
        left = whole.amount - Money.total((x.amount for x in moved), whole.amount.currency)
        if left and account != UNMATCHED:
            moved.append(Transfer(UNMATCHED, account, left))
    return moved, len(rows)


def _add(connection: Connection, seller: Entity, item: Item, given: dict[str, Any]) -> tuple[Item, int | None]:
    """Append it; under another key where the bank gave two the same name. None: it is known. given: entry, by, at."""
    number = payment.add(connection, seller.id, item, **given)
    if number is None and payment.is_another(connection, seller.id, item):
        item = replace(item, key=f"{item.key}/{item.day}/{item.amount.amount:f}")
        number = payment.add(connection, seller.id, item, **given)
    return item, number


def _unpaid(connection: Connection, seller: Entity) -> list[Open | Charge]:
    return [*payment.unpaid(connection, seller.id), *dunning.charges(connection, seller.id)]


def _today(seller: Entity, at: datetime) -> date:
    return at.astimezone(zone(seller.timezone)).date()


def open_day(connection: Connection, seller: Entity, day: date) -> date:
    """The day, or the first one after it whose books are open."""
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
