"""Credit an invoice that was issued in error, in full; its period may then be invoiced anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from billing.person import why_not_two
from billing.proposal import Looked
from billing.run import NoSuchInvoice, SamePerson
from billing.store import correction as corrections
from billing.store import entity as entities
from billing.store import invoice as invoices
from billing.store import issue as issuing
from billing.store import run as runs
from core import store
from core.database import transaction
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine


class NotCreditable(ValueError):
    """A document that cannot be credited in full: it is a credit note, was credited, or its period was corrected."""


def credit(engine: Engine, name: str, *, reason: str, at: datetime, by: str, approved_by: str) -> str:
    """A credit note over a whole invoice, where both people are named at once. Returns its number.

    Raises NoSuchInvoice, SamePerson, NotCreditable.
    """
    if problem := why_not_two(by, approved_by):
        raise SamePerson(f"{by} asks for the credit note; a second person approves it: {problem}")
    with transaction(engine) as connection:
        people = {"by": by, "approved_by": approved_by, "at": at}
        return issue(connection, name, reason=reason, people=people)["credit_note"]


def look(connection: Connection, name: str) -> Looked:
    """What would be credited. Raises NoSuchInvoice, NotCreditable."""
    found = _found(connection, name)
    if problem := corrections.why_not_creditable(connection, found):
        raise NotCreditable(problem)
    document = found["document"]
    detail = {"number": found["number"], "debtor": document["buyer"]["name"]}
    detail |= {key: document[key] for key in ("net", "tax_total", "gross", "currency")}
    return Looked(runs.entity_of(connection, found["run"]), found["public_id"], detail, found["chain_hash"])


def issue(connection: Connection, name: str, *, reason: str, people: Mapping[str, Any]) -> dict[str, str]:
    """Issue it: the number of the credit note. people: by, approved_by, at. Raises NoSuchInvoice, NotCreditable."""
    found, at = _found(connection, name), people["at"]
    seller = entities.entity_by_id(connection, runs.entity_of(connection, found["run"]))
    day = at.astimezone(zone(seller.timezone)).date()
    invoices.lock_series(connection, entity=seller.id, kind="invoice", year=day.year)
    if problem := corrections.why_not_creditable(connection, found):
        raise NotCreditable(problem)
    number = issuing.issue_cancellation(connection, seller, found, reason=reason, day=day, at=at)
    detail = {"reason": reason, "approved_by": people["approved_by"], "credit_note": number}
    store.audit(connection, at, actor=people["by"], action="invoice.credit", subject=found["public_id"], detail=detail)
    return {"credit_note": number}


def _found(connection: Connection, name: str) -> dict[str, Any]:
    found = invoices.find(connection, name)
    if found is None:
        raise NoSuchInvoice(f"there is no invoice {name}")
    return found
