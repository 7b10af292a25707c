"""Month end: accrue what is delivered and not invoiced, close the books, hand the journal to accounting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from billing.journal import accrued, delivered, reversed_, to_beancount, to_csv
from billing.posting import PROMISES
from billing.run import seller_named
from billing.store import invoice as invoices
from billing.store import ledger
from contracts import run as contracts
from contracts.store import contract as contract_store
from contracts.store import evaluation as evaluations
from contracts.store import period as periods
from core import store
from core.database import transaction
from core.money import Money
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection, Engine

    from billing.store.entity import Entity
    from contracts.run import Evaluated
    from contracts.store.contract import Side

CHUNK = 300


class NotOver(ValueError):
    """Books are closed after a day, not during it."""


def accrue(engine: Engine, *, entity: str, label: str, at: datetime, by: str) -> int:
    """Book what each period of this label comes to that is over and has no invoice; take it back on the day after.

    Charges and expected credits, net of tax, as known now. Doing it again accrues only contracts that are new.
    Returns how many contracts were accrued. Raises NoSuchEntity.
    """
    count = 0
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        pages = periods.of_provider(connection, seller.party, label)
        dues = [due.id for page in pages for due in page if due.ends_at <= at]
    for chunk in contracts.chunks(dues, CHUNK):
        with transaction(engine) as connection:
            invoices.lock_series(connection, entity=seller.id, kind="invoice", year=at.year)
            count += _accrue(connection, seller, chunk, label=label, at=at, by=by)
    return count


def close_books(engine: Engine, *, entity: str, until: date, at: datetime, by: str) -> None:
    """Close an entity's books up to and including a day: the database refuses postings on it or before.

    Raises NoSuchEntity, NotOver.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        if at.astimezone(zone(seller.timezone)).date() <= until:
            raise NotOver(f"{until} is not over in {seller.timezone}; books are closed afterwards")
        ledger.lock(connection, seller.id, until, by=by, at=at)
        store.audit(connection, at, actor=by, action="books.close", subject=entity, detail={"until": until.isoformat()})


def journal(engine: Engine, *, entity: str, start: date, end: date, form: Literal["csv", "beancount"]) -> str:
    """What an entity booked in [start, end), as text. Raises NoSuchEntity."""
    with transaction(engine) as connection:
        rows = ledger.journal(connection, seller_named(connection, entity).id, start=start, end=end)
    return to_csv(rows) if form == "csv" else to_beancount(rows)


def _accrue(connection: Connection, seller: Entity, ids: Sequence[int], *, label: str, at: datetime, by: str) -> int:
    dues = periods.by_id(connection, ids)
    numbers = [due.contract for due in dues]
    done = invoices.billed(connection, numbers, label=label) | ledger.accrued(connection, seller.id, label)
    dues = [due for due in dues if due.contract not in done]
    if not dues:
        return 0
    known = store.current_knowledge(connection)
    carried = evaluations.carries(connection, [due.id for due in dues], known)
    found = contracts.evaluate_dues(connection, dues, known=known, until=at, carried=carried)
    payers = contract_store.payers(connection, numbers)
    entries = invoices.entries(connection, 2 * len(found))
    head = {"entity": seller.id, "label": label, "known": known, "by": by, "at": at}
    ledger.add_accruals(connection, head, [_row(x, *entries[2 * n : 2 * n + 2]) for n, x in enumerate(found)])
    booked = [entry for n, x in enumerate(found) for entry in _entries(x, payers, seller, entries[2 * n : 2 * n + 2])]
    ledger.add(connection, seller.id, booked, at)
    detail = {"label": label, "contracts": len(found), "known": known}
    store.audit(connection, at, actor=by, action="books.accrue", subject=seller.public_id, detail=detail)
    return len(found)


def _row(found: Evaluated, entry: int, reversal: int) -> dict[str, object]:
    lines, currency = found.evaluation.to_json()["lines"], found.evaluation.total.currency
    where = zone(found.due.timezone)
    net = Money.total((delivered(line, found.due.ends_at, where) for line in lines), currency)
    return {
        "contract": found.due.contract,
        "entry": entry,
        "reversal": reversal,
        "currency": net.currency,
        "net": net.amount,
        "result_hash": found.evaluation.result_hash,
    }


def _entries(found: Evaluated, payers: dict[int, Side], seller: Entity, numbers: Sequence[int]) -> list[ledger.Entry]:
    """On the period's last day, and taken back on the day after."""
    customer = payers[found.due.contract].public_id
    lines, end = found.evaluation.to_json()["lines"], found.due.ends_at
    moved = accrued(lines, customer, PROMISES, end=end, where=zone(found.due.timezone))
    after = found.due.ends_at.astimezone(zone(seller.timezone)).date()
    return [(numbers[0], after - timedelta(days=1), moved), (numbers[1], after, reversed_(moved))]
