"""Propose, and decide as another person: credit notes, letters to late payers, refunds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from billing.balances import run as balances
from billing.credits import run as credits_
from billing.payments.run import NothingLeft
from billing.person import why_not_two
from billing.proposal import LASTS
from billing.reminders import run as reminders
from billing.run import SamePerson, seller_named
from billing.store import entity as entities
from billing.store import payment
from billing.store import proposal as proposals
from core import store
from core.database import transaction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from billing.proposal import Kind, Looked, Proposal, State

MOST = 1_000
GONE = (credits_.NotCreditable, reminders.NothingDue, NothingLeft)
"""What was there when it was proposed, and is not any more."""


class NoSuchProposal(LookupError):
    """A proposal that does not exist."""


class AlreadyProposed(ValueError):
    """The same waits for a decision already."""


class NotOpen(ValueError):
    """A proposal that was decided, is too old, or was overtaken."""


def propose_credit(engine: Engine, name: str, *, reason: str, at: datetime, by: str) -> Proposal:
    """To credit an invoice in full. Raises NoSuchInvoice, NotCreditable, AlreadyProposed."""
    return _propose(engine, "credit_note", {"subject": name}, reason=reason, at=at, by=by)


def propose_letters(engine: Engine, *, entity: str, reason: str, at: datetime, by: str) -> Proposal:
    """To issue the letters that are due; to be decided on the same day, as interest and days go on.

    Raises NoSuchEntity, NoProcedure, NoBaseRate, NothingDue, AlreadyProposed.
    """
    return _propose(engine, "dunning", {"entity": entity}, reason=reason, at=at, by=by)


def propose_refund(
    engine: Engine, source: str, amount: str | None, *, entity: str, reason: str, at: datetime, by: str
) -> Proposal:
    """To send back what was paid too much: all of a source, or so much of it.

    Raises NoSuchEntity, NothingLeft, AlreadyProposed.
    """
    given = {"subject": source, "amount": amount, "entity": entity}
    return _propose(engine, "refund", given, reason=reason, at=at, by=by)


def approve(engine: Engine, name: str, *, at: datetime, by: str) -> Proposal:
    """Do it, as another person than who proposed it, if what it rests on is as it was. Returns it, with its outcome.

    Raises NoSuchProposal, NotOpen, SamePerson.
    """
    with transaction(engine) as connection:
        found = _locked(connection, name, at)
        if problem := why_not_two(found.by, by):
            raise SamePerson(f"{found.by} proposed {name}; a second person approves it: {problem}")
        _as_it_was(connection, found, at)
        outcome = _do(connection, found, {"by": found.by, "approved_by": by, "at": at})
        _decide(connection, found, approved=True, reason="", outcome=outcome, by=by, at=at)
        return _read(connection, name, at)


def decline(engine: Engine, name: str, *, reason: str, at: datetime, by: str) -> Proposal:
    """Say no, or take one's own proposal back. Raises NoSuchProposal, NotOpen."""
    with transaction(engine) as connection:
        found = _locked(connection, name, at)
        _decide(connection, found, approved=False, reason=reason, outcome={}, by=by, at=at)
        return _read(connection, name, at)


def listed(engine: Engine, *, entity: str, at: datetime, state: State | None = None) -> list[Proposal]:
    """A seller's proposals, the newest first. Raises NoSuchEntity."""
    with transaction(engine) as connection:
        return proposals.listed(connection, at, entity=seller_named(connection, entity).id, state=state, most=MOST)


def _propose(engine: Engine, kind: Kind, given: Mapping[str, Any], *, reason: str, at: datetime, by: str) -> Proposal:
    with transaction(engine) as connection:
        looked = _look(connection, kind, given, at)
        payment.lock(connection, looked.entity)
        if other := proposals.open_one(connection, kind, looked, at):
            raise AlreadyProposed(f"{other} proposes the same; it waits for a second person")
        until = min(at + LASTS, looked.until or at + LASTS)
        name = proposals.add(connection, kind, looked, {"reason": reason, "by": by, "at": at, "expires_at": until})
        detail = {"kind": kind, "subject": looked.subject, "reason": reason, **looked.detail}
        store.audit(connection, at, actor=by, action="proposal.make", subject=name, detail=detail)
        return _read(connection, name, at)


def _look(connection: Connection, kind: Kind, given: Mapping[str, Any], at: datetime) -> Looked:
    if kind == "credit_note":
        return credits_.look(connection, given["subject"])
    seller = seller_named(connection, given["entity"])
    if kind == "dunning":
        return reminders.look(connection, seller, at)
    return balances.look(connection, seller, given["subject"], given["amount"])


def _do(connection: Connection, found: Proposal, people: Mapping[str, Any]) -> Mapping[str, Any]:
    """What came of it. people: by, approved_by, at."""
    if found.kind == "credit_note":
        return credits_.issue(connection, found.subject, reason=found.reason, people=people)
    seller = entities.entity_by_id(connection, found.entity)
    if found.kind == "dunning":
        return {"letters": [letter["number"] for letter in reminders.issue(connection, seller, people=people)]}
    return balances.refund(connection, seller, found, people=people)


def _as_it_was(connection: Connection, found: Proposal, at: datetime) -> None:
    """What a proposal rests on has not changed since. Raises NotOpen."""
    seller = entities.entity_by_id(connection, found.entity).seller.name
    given = {"subject": found.subject, "entity": seller, "amount": found.detail.get("amount")}
    try:
        looked = _look(connection, found.kind, given, at)
    except GONE as error:
        raise NotOpen(f"{found.public_id} was overtaken: {error}") from None
    if looked.hash != found.hash:
        raise NotOpen(f"{found.public_id} was overtaken: what it rests on changed since; propose it anew")


def _locked(connection: Connection, name: str, at: datetime) -> Proposal:
    """Read once nobody else decides it. Raises NoSuchProposal, NotOpen."""
    payment.lock(connection, _read(connection, name, at).entity)
    found = _read(connection, name, at)
    if problem := found.refusal():
        raise NotOpen(problem)
    return found


def _read(connection: Connection, name: str, at: datetime) -> Proposal:
    found = proposals.find(connection, name, at)
    if found is None:
        raise NoSuchProposal(f"there is no proposal {name}")
    return found


def _decide(
    connection: Connection,
    found: Proposal,
    *,
    approved: bool,
    reason: str,
    outcome: Mapping[str, Any],
    by: str,
    at: datetime,
) -> None:
    row = {"approved": approved, "reason": reason, "outcome": dict(outcome), "by": by, "at": at}
    proposals.decide(connection, found, row)
    detail = {"kind": found.kind, "proposed_by": found.by, "reason": reason, **outcome}
    action = f"proposal.{'approve' if approved else 'decline'}"
    store.audit(connection, at, actor=by, action=action, subject=found.public_id, detail=detail)
