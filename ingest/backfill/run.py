"""Use cases: take an import back, bring it back, and close one that was interrupted."""

from datetime import datetime

from sqlalchemy import Engine

from core.database import transaction
from core.store import audit, current_knowledge, draw_knowledge
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
    _change(engine, there, at, action="revert", author=author, reason=reason, count=count)
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
    _change(engine, there, at, action="restore", author=author, reason=reason, count=count)
    return count


def close(engine: Engine, name: str, at: datetime, *, author: str, reason: str) -> int:
    """Say that an interrupted import will not go on; what it brought stays, and is counted. Its file begins anew.

    Raises NotNow if the backfill is not open, or if the reason is empty.
    """
    there = _state(engine, name, reason, ("open",))
    with transaction(engine) as connection:
        count = backfill.sums(connection, there.id).stored
    _change(engine, there, at, action="close", author=author, reason=reason, count=count)
    return count


def _undo(engine: Engine, there: Backfill, step: Step, *, void: bool, author: str, reason: str) -> int:
    if step.first_at is None:
        return 0
    with transaction(engine) as connection:
        before = current_knowledge(connection)
        count = undo.find(connection, step, void=void)
        if count:
            known = draw_knowledge(connection)
            if undo.decided_since(connection, before):  # while it was found; nobody decides any more
                count = undo.find(connection, step, void=void)
            undo.write(connection, step, void=void, known=known, author=author, reason=reason)
            done = Step(known, "void" if void else "restore", step.known, count, step.first_at, step.last_at)
            backfill.add_step(connection, there.id, done)
    return count


def _change(  # the change's own facts
    engine: Engine, there: Backfill, at: datetime, *, action: str, author: str, reason: str, count: int
) -> None:
    status: backfill.Status = "reverted" if action == "revert" else "closed"
    with transaction(engine) as connection:
        known = draw_knowledge(connection)
        backfill.change(connection, there.id, at, status=status, author=author, reason=reason, known=known)
        detail = {"reason": reason, "readings": count}
        audit(connection, at, actor=author, action=f"backfill.{action}", subject=there.public_id, detail=detail)


def _state(engine: Engine, name: str, reason: str, allowed: tuple[backfill.Status, ...]) -> Backfill:
    if not reason.strip():
        raise NotNow("say why: the note is kept with the action")
    with transaction(engine) as connection:
        there = backfill.named(connection, name)
    if there.status not in allowed:
        raise NotNow(f"{name} is {there.status}; this needs one that is {' or '.join(allowed)}")
    return there
