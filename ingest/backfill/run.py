"""Use cases: take an import back, and bring it back."""

from datetime import datetime

from sqlalchemy import Engine

from core.database import transaction
from core.store import audit, draw_knowledge
from ingest.store import backfill, undo
from ingest.store.backfill import Backfill, Step


class NotNow(ValueError):
    """A backfill is not in the state that an action needs."""


def revert(engine: Engine, name: str, at: datetime, *, author: str, reason: str) -> int:
    """Void every reading that a backfill brought, step by step; how many. Killed, it is finished by the next call.

    Raises NotNow if there is no such backfill or it was reverted already, or if the reason is empty.
    """
    there = _state(engine, name, reason, ("open", "closed"))
    with transaction(engine) as connection:
        steps = backfill.steps(connection, there.id, "import")
    said = {"author": author, "reason": f"{name} reverted: {reason}"}
    count = sum(_undo(engine, there, step, void=True, **said) for step in steps)
    _change(engine, there, at, status="reverted", author=author, reason=reason, count=count)
    return count


def restore(engine: Engine, name: str, at: datetime, *, author: str, reason: str) -> int:
    """Take a revert back: what was voided counts as before, except where somebody has decided since; how many.

    Raises NotNow if the backfill is not reverted, or if the reason is empty.
    """
    there = _state(engine, name, reason, ("reverted",))
    with transaction(engine) as connection:
        steps = backfill.steps(connection, there.id, "void")
    said = {"author": author, "reason": f"{name} restored: {reason}"}
    count = sum(_undo(engine, there, step, void=False, **said) for step in steps)
    _change(engine, there, at, status="closed", author=author, reason=reason, count=count)
    return count


def _undo(engine: Engine, there: Backfill, step: Step, *, void: bool, author: str, reason: str) -> int:
    if step.first_at is None:
        return 0
    with transaction(engine) as connection:
        count = undo.find(connection, step, void=void)
        if count:
            known = draw_knowledge(connection)
            undo.write(connection, step, void=void, known=known, author=author, reason=reason)
            done = Step(known, "void" if void else "restore", step.known, count, step.first_at, step.last_at)
            backfill.add_step(connection, there.id, done)
    return count


def _change(  # the change's own facts
    engine: Engine, there: Backfill, at: datetime, *, status: backfill.Status, author: str, reason: str, count: int
) -> None:
    action = "backfill.revert" if status == "reverted" else "backfill.restore"
    with transaction(engine) as connection:
        known = draw_knowledge(connection)
        backfill.change(connection, there.id, at, status=status, author=author, reason=reason, known=known)
        detail = {"reason": reason, "readings": count}
        audit(connection, at, actor=author, action=action, subject=there.public_id, detail=detail)


def _state(engine: Engine, name: str, reason: str, allowed: tuple[backfill.Status, ...]) -> Backfill:
    if not reason.strip():
        raise NotNow("say why: the note is kept with the action")
    with transaction(engine) as connection:
        there = backfill.named(connection, name)
    if there.status not in allowed:
        raise NotNow(f"{name} is {there.status}; this needs one that is {' or '.join(allowed)}")
    return there
