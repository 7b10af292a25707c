"""Proposals and their decisions, appended; how a proposal stands is derived."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from billing.proposal import Proposal
from contracts.store.contract import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from billing.proposal import Kind, Looked, State

ADD = text("""
    INSERT INTO billing.proposal (public_id, entity, kind, subject, detail, hash, reason, by, at, expires_at)
    VALUES (:public_id, :entity, :kind, :subject, cast(:detail AS jsonb), :hash, :reason, :by, :at, :expires_at)
""")
DECIDE = text("""
    INSERT INTO billing.decision (proposal, proposed_by, approved, reason, outcome, by, at)
    VALUES (:proposal, :proposed_by, :approved, :reason, cast(:outcome AS jsonb), :by, :at)
""")
# A credit note is overtaken where the invoice is credited without it.
STANDING = """
    SELECT p.*, coalesce(d.reason, '') AS answer, coalesce(d.outcome, '{}') AS outcome, d.by AS decided_by,
        d.at AS decided_at, CASE WHEN d.approved THEN 'approved' WHEN NOT d.approved THEN 'declined'
            WHEN EXISTS (
                SELECT FROM billing.invoice AS i JOIN billing.correction AS c ON c.corrects = i.id
                WHERE p.kind = 'credit_note' AND i.public_id = p.subject AND c.kind = 'cancellation') THEN 'overtaken'
            WHEN p.expires_at <= :now THEN 'expired' ELSE 'open' END AS state
    FROM billing.proposal AS p LEFT JOIN billing.decision AS d ON d.proposal = p.id
"""
FIND = text(f"{STANDING} WHERE p.public_id = :name")
LIST = text(f"""
    SELECT * FROM ({STANDING}) AS p
    WHERE (CAST(:entity AS int) IS NULL OR entity = :entity) AND (CAST(:state AS text) IS NULL OR state = :state)
        AND (CAST(:kind AS text) IS NULL OR kind = :kind) AND id < :before ORDER BY id DESC LIMIT :most
""")  # noqa: S608 - only constants
OPEN = text(f"""
    SELECT public_id FROM ({STANDING}) AS p
    WHERE state = 'open' AND (entity, kind, subject) = (:entity, :kind, :subject)
""")  # noqa: S608 - only constants


def add(connection: Connection, kind: Kind, looked: Looked, row: Mapping[str, Any]) -> str:
    """Append a proposal. row: reason, by, at, expires_at. Returns its public id."""
    public_id = new_id("prp")
    about = {"kind": kind, "entity": looked.entity, "subject": looked.subject, "hash": looked.hash}
    connection.execute(ADD, {**row, **about, "public_id": public_id, "detail": json.dumps(looked.detail)})
    return public_id


def decide(connection: Connection, proposal: Proposal, row: Mapping[str, Any]) -> None:
    """Append the decision. row: approved, reason, outcome, by, at. Raises IntegrityError if there is one."""
    about = {"proposal": proposal.id, "proposed_by": proposal.by, "outcome": json.dumps(row["outcome"])}
    connection.execute(DECIDE, {**row, **about})


def find(connection: Connection, name: str, now: datetime) -> Proposal | None:
    """One by its public id, as it stands at an instant."""
    row = connection.execute(FIND, {"name": name, "now": now}).mappings().first()
    return None if row is None else Proposal(**row)


def listed(
    connection: Connection,
    now: datetime,
    *,
    entity: int | None = None,
    state: State | None = None,
    kind: Kind | None = None,
    before: int = 2**62,
    most: int,
) -> list[Proposal]:
    """The newest first, of one seller, state or kind if given."""
    given = {"now": now, "entity": entity, "state": state, "kind": kind, "before": before, "most": most}
    return [Proposal(**row) for row in connection.execute(LIST, given).mappings()]


def open_one(connection: Connection, kind: Kind, looked: Looked, now: datetime) -> str | None:
    """The open proposal about the same, if there is one."""
    given = {"kind": kind, "entity": looked.entity, "subject": looked.subject, "now": now}
    found: str | None = connection.execute(OPEN, given).scalar()
    return found
