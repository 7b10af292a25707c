"""Remind late payers: see what letters are due, issue them, take one back; block what is disputed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from billing.contest import too_late
from billing.dunning import Late, Letter, charges, document, remind
from billing.journal import reversed_
from billing.number import following, number
from billing.person import why_not_two
from billing.posting import Transfer
from billing.proposal import Looked
from billing.reference import reference_of
from billing.run import NoSuchInvoice, SamePerson, seller_named
from billing.store import dunning, ledger, payment, receivable
from billing.store import invoice as invoices
from contracts.store import contract as contract_store
from contracts.store.contract import new_id
from core import canonical, store
from core.database import transaction
from core.money import Money
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection, Engine

    from billing.store.entity import Entity
    from billing.store.payment import Open


class NoProcedure(LookupError):
    """A seller that has no dunning procedure."""


class ContestedTooLate(ValueError):
    """The time to contest a line is over; the message says since when."""


class NothingDue(ValueError):
    """No letter calls for being sent."""


class NothingThere(LookupError):
    """A letter or block that is unknown or was taken back already."""


@dataclass(frozen=True, slots=True)
class Due:
    """A letter that is due. customer: a party's id."""

    customer: int
    letter: Letter
    document: dict[str, Any]


def preview(engine: Engine, *, entity: str, at: datetime) -> tuple[Due, ...]:
    """The letters that are due, by debtor and currency; nothing is saved.

    Raises NoSuchEntity, NoProcedure, NoBaseRate.
    """
    with transaction(engine) as connection:
        seller = _with_procedure(seller_named(connection, entity))
        return tuple(_due(connection, seller, at.astimezone(zone(seller.timezone)).date()))


def send(engine: Engine, *, entity: str, at: datetime, by: str, approved_by: str) -> tuple[dict[str, Any], ...]:
    """Issue the letters that are due, and leave a message for each; done again the same day it issues none.

    Each bears a number, and its fee, lump sums and interest are booked: nothing is asked or booked twice.
    Raises NoSuchEntity, NoProcedure, NoBaseRate, SamePerson.
    """
    if problem := why_not_two(by, approved_by):
        raise SamePerson(f"{by} asks for the letters; a second person approves them: {problem}")
    with transaction(engine) as connection:
        seller = _with_procedure(seller_named(connection, entity))
        payment.lock(connection, seller.id)
        return issue(connection, seller, people={"by": by, "approved_by": approved_by, "at": at})


def issue(connection: Connection, seller: Entity, *, people: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """As `send`, in the caller's transaction, which settles nothing else meanwhile. people: by, approved_by, at."""
    today = people["at"].astimezone(zone(seller.timezone)).date()
    due = _due(connection, seller, today)
    return tuple(_save(connection, seller, found, today, people=people) for found in due)


def look(connection: Connection, seller: Entity, at: datetime) -> Looked:
    """The letters that are due, to be decided on until the day ends. Raises NoProcedure, NothingDue, NoBaseRate."""
    where = zone(_with_procedure(seller).timezone)
    today = at.astimezone(where).date()
    due = _due(connection, seller, today)
    if not due:
        raise NothingDue(f"no letter of {seller.seller.name} is due")
    letters = [
        {"debtor": x.document["buyer"]["name"]} | {key: x.document[key] for key in ("level", "total", "currency")}
        for x in due
    ]
    ends = datetime.combine(today + timedelta(days=1), time(), where)
    return Looked(
        seller.id, today.isoformat(), {"letters": letters}, canonical.digest([item.document for item in due]), ends
    )


def withdraw(engine: Engine, letter: str, *, reason: str, at: datetime, by: str) -> None:
    """Take a letter back, by number or id: its invoices stand where they stood before it, what it booked is reversed.

    What was paid of its charges is the payer's credit balance then. Raises NothingThere.
    """
    with transaction(engine) as connection:
        found = dunning.standing(connection, letter)
        if found is None:
            raise NothingThere(f"there is no letter {letter} that stands")
        payment.lock(connection, found.entity)
        entry = _reverse(connection, found, reason=reason, at=at, by=by) if found.entry else None
        dunning.withdraw(connection, found.id, {"reason": reason, "by": by, "at": at, "entry": entry})
        store.audit(connection, at, actor=by, action="dunning.withdraw", subject=letter, detail={"reason": reason})


def letter(engine: Engine, name: str) -> dict[str, Any]:
    """A letter's document, by its number or id. Raises NothingThere."""
    with transaction(engine) as connection:
        found = dunning.letter(connection, name)
    if found is None:
        raise NothingThere(f"there is no letter {name}")
    return found


def block(engine: Engine, name: str, *, line: int | None, reason: str, at: datetime, by: str) -> str:
    """Nobody is reminded of this invoice, or of this line of it, until it is released. Returns the block's id.

    Raises NoSuchInvoice, ContestedTooLate.
    """
    public_id = new_id("blk")
    try:
        with transaction(engine) as connection:
            found = invoices.find(connection, name)
            if found is None:
                raise NoSuchInvoice(f"there is no invoice {name}")
            if problem := too_late(found["document"], line, at):
                raise ContestedTooLate(problem)
            row = {"public_id": public_id, "invoice": found["id"], "line": line, "reason": reason, "by": by, "at": at}
            dunning.block(connection, row)
            detail = {"line": line, "reason": reason, "block": public_id}
            store.audit(connection, at, actor=by, action="dunning.block", subject=found["public_id"], detail=detail)
    except IntegrityError:
        raise NoSuchInvoice(f"invoice {name} has no line {line}") from None
    return public_id


def held(engine: Engine, name: str) -> tuple[str, ...]:
    """What of an invoice is disputed and not released: line, why, since when (UTC) and the block's id.

    Raises NoSuchInvoice.
    """
    with transaction(engine) as connection:
        found = invoices.find(connection, name)
        if found is None:
            raise NoSuchInvoice(f"there is no invoice {name}")
        rows = [row for row in dunning.contested(connection, found["id"]) if row.answered_at is None]
    return tuple(
        f"{f'line {row.line}' if row.line else 'the invoice'} is held since {row.at:%Y-%m-%d}: "
        f"{row.reason} ({row.public_id})"
        for row in reversed(rows)
    )


def release(engine: Engine, name: str, *, reason: str, at: datetime, by: str) -> None:
    """End a block, e.g. because the dispute is decided. Raises NothingThere."""
    with transaction(engine) as connection:
        if not dunning.release(connection, name, {"reason": reason, "by": by, "at": at}):
            raise NothingThere(f"there is no block {name} that holds")
        store.audit(connection, at, actor=by, action="dunning.release", subject=name, detail={"reason": reason})


def _with_procedure(seller: Entity) -> Entity:
    if seller.dunning is None:
        raise NoProcedure(f"{seller.seller.name} has no dunning procedure; add `dunning` in its set-up")
    return seller


def _due(connection: Connection, seller: Entity, today: date) -> list[Due]:
    late = [item for item in payment.unpaid(connection, seller.id) if item.due_date < today]
    groups: dict[tuple[int, str], list[Open]] = {}
    for item in late:
        groups.setdefault((item.customer, item.owed.left.currency), []).append(item)
    ids = [item.id for item in late]
    heads, found = dunning.heads(connection, ids), []
    asked, blocked = dunning.asked(connection, ids), dunning.blocked(connection, ids)
    open_charges = dunning.charges(connection, seller.id)
    if seller.dunning is None:
        return []
    for (customer, currency), items in groups.items():
        reminded = [_late(item, heads[item.id], asked.get(item.id), blocked.get(item.id)) for item in items]
        before = [x.owed for x in open_charges if (x.customer, x.owed.left.currency) == (customer, currency)]
        if letter := remind(reminded, seller.dunning, today, before=[owed.left for owed in before]):
            newest = heads[items[-1].id]
            head = {"id": None, "date": today.isoformat(), "seller": newest.seller, "buyer": newest.buyer}
            head["charged_before"] = [{"number": x.number, "amount": f"{x.left.amount:f}"} for x in before]
            words = document(letter, head | {"language": newest.language}, seller.dunning)
            found.append(Due(customer, letter, words))
    return found


def _late(item: Open, head: Any, asked: dunning.Asked | None, blocked: dunning.Blocked | None) -> Late:
    left = item.owed.left
    return Late(
        id=item.id,
        number=item.owed.number,
        issue_date=head.issue_date,
        due_date=item.due_date,
        owed=left,
        disputed=receivable.disputed(left, blocked),
        level=asked.level if asked else 0,
        last=asked.last if asked else None,
        interest_until=asked.interest_until if asked else None,
        lump_sum=asked is not None and asked.lump_sum,
    )


def _save(
    connection: Connection, seller: Entity, found: Due, today: date, *, people: Mapping[str, Any]
) -> dict[str, Any]:
    """The letter with the next number of its series, and what it charges in the ledger."""
    public_id = new_id("dun")
    series = invoices.lock_series(connection, entity=seller.id, kind="dunning", year=today.year)
    (n,) = following(series.issued, 1)
    name = number(seller.prefix, "dunning", year=today.year, n=n)
    words = found.document | {"id": public_id, "number": name, "payment_reference": reference_of(name)}
    row = {
        "series": series.id,
        "n": n,
        "number": name,
        "entry": _book(connection, seller, found, today, people["at"]),
        "public_id": public_id,
        "entity": seller.id,
        "customer": found.customer,
        "level": found.letter.level,
        "issued_on": today,
        "currency": words["currency"],
        **{name: getattr(found.letter, name).amount for name in ("owed", "fee", "interest", "lump_sum")},
        "document": words,
        "content_hash": canonical.digest(words),
        **people,
    }
    items = [
        {
            "invoice": item.late.id,
            "level": item.level,
            "interest_until": item.interest_until and item.interest_until.isoformat(),
        }
        | {name: getattr(item, name).amount for name in ("owed", "interest", "lump_sum")}
        for item in found.letter.items
    ]
    dunning.add(connection, row, items)
    invoices.advance(connection, series, issued=n, day=today, chain_hash=series.chain_hash)
    _announce(connection, words, items, people=people)
    return words


def _book(connection: Connection, seller: Entity, found: Due, today: date, at: datetime) -> int | None:
    """The entry of a letter's charges; None if it has none."""
    names = contract_store.party_public_ids(connection, {found.customer})
    moved = charges(found.letter, names[found.customer])
    if not moved:
        return None
    (entry,) = invoices.entries(connection, 1)
    ledger.add(connection, seller.id, [(entry, today, moved)], at)
    return entry


def _reverse(connection: Connection, found: Any, *, reason: str, at: datetime, by: str) -> int:
    """An entry that takes back what a letter booked; what was paid of it is the payer's credit balance."""
    (entry,) = invoices.entries(connection, 1)
    moved = list(reversed_(dunning.booked(connection, found.entry)))
    for row in dunning.paid(connection, found.id):
        back = {"payment": row.payment, "letter": row.letter, "amount": -row.amount, "reverses": row.id}
        dunning.settle(connection, back | {"entry": entry, "matched": reason, "by": by, "at": at})
        customer = contract_store.party_public_ids(connection, {row.customer})[row.customer]
        moved.append(Transfer(f"receivable:{customer}", "unmatched", Money(row.amount, row.currency)))
    ledger.add(connection, found.entity, [(entry, at.astimezone(zone(found.timezone)).date(), moved)], at)
    return entry


def _announce(
    connection: Connection, words: dict[str, Any], items: Sequence[dict[str, Any]], *, people: Mapping[str, Any]
) -> None:
    payload = {"letter": words["id"], "level": words["level"], "total": words["total"], "currency": words["currency"]}
    store.post(connection, people["at"], topic="dunning.issued", key=words["id"], payload=payload)
    detail = {"level": words["level"], "invoices": len(items), "approved_by": people["approved_by"]}
    store.audit(
        connection, people["at"], actor=people["by"], action="dunning.issue", subject=words["id"], detail=detail
    )
