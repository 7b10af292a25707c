"""Closed periods evaluated again, because more is known: in order, the same versions, set-wise over contracts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts import run
from contracts.store import contract, evaluation, late, period
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from contracts.document import Version
    from contracts.store.evaluation import Saved
    from contracts.store.period import Due


@dataclass(frozen=True, slots=True)
class Billed:
    """A period that a bill was made of. contract, evaluation: ids."""

    contract: int
    label: str
    evaluation: int


@dataclass(frozen=True, slots=True)
class Revised:
    """A billed period whose newest evaluation is not the billed one. versions: those that the bill knew."""

    due: Due
    versions: tuple[Version, ...]
    before: Saved
    after: Saved
    reasons: tuple[str, ...]


def revise(connection: Connection, billed: Sequence[Billed], *, known: int, at: datetime) -> list[Revised]:
    """Evaluate again what late facts touch, each contract's periods in order; append what differs.

    Returns every period whose newest evaluation as of `known` is not the billed one, of each contract in order of time.
    Doing it again changes nothing. Periods beyond the contract's correction_window stay as they are.
    """
    evaluations = {(item.contract, item.label): item.evaluation for item in billed}
    dues = period.labelled(connection, list(evaluations))
    keys = [(due.id, due.contract, evaluations[due.contract, due.label]) for due in dues]
    versions = contract.versions_of(connection, keys)
    dues = [due for due in dues if _within(due, versions[due.id], at)]
    heads = late.heads(connection, [due.id for due in dues], known)
    reasons = late.reasons(connection, list(heads.values()), known)
    for level in run.levels(dues):
        _again(connection, level, versions, reasons=reasons, known=known, at=at)
    late.mark_checked(connection, [due.id for due in dues], known)
    return _revised(connection, dues, evaluations, versions=versions, reasons=reasons, known=known)


def pending(connection: Connection, billed: Sequence[Billed], *, known: int) -> frozenset[int]:
    """Contracts of which a billed period may come to something else as of `known`; evaluates nothing."""
    evaluations = {(item.contract, item.label): item.evaluation for item in billed}
    dues = period.labelled(connection, list(evaluations))
    heads = late.heads(connection, [due.id for due in dues], known)
    reasons = late.reasons(connection, list(heads.values()), known)
    return frozenset(
        due.contract
        for due in dues
        if due.id in reasons or heads[due.id].evaluation != evaluations[due.contract, due.label]
    )


def _within(due: Due, versions: Sequence[Version], at: datetime) -> bool:
    window = versions[-1].billing.correction_window
    return window is None or at <= window.after(due.ends_at, zone(due.timezone))


def _again(
    connection: Connection,
    level: Sequence[Due],
    versions: Mapping[int, tuple[Version, ...]],
    *,
    reasons: dict[int, tuple[str, ...]],
    known: int,
    at: datetime,
) -> None:
    """One period of each contract; what an earlier one newly leaves is a reason of its own."""
    heads = late.heads(connection, [due.id for due in level], known)
    for head in heads.values():
        if head.stale:
            reasons.setdefault(head.period, ("earlier period corrected",))
    dues = [due for due in level if due.id in reasons]
    if not dues:
        return
    ids = [due.id for due in dues]
    found = run.evaluate_dues(
        connection,
        dues,
        known=known,
        until=max(due.ends_at for due in dues),
        carried=evaluation.carries(connection, ids, known),
        versions={due.contract: versions[due.id] for due in dues},
    )
    latest = evaluation.latest(connection, ids, known)
    run.append(connection, [x for x in found if run.differs(latest.get(x.due.id), x.evaluation)], known=known, at=at)


def _revised(
    connection: Connection,
    dues: Sequence[Due],
    evaluations: Mapping[tuple[int, str], int],
    *,
    versions: Mapping[int, tuple[Version, ...]],
    reasons: Mapping[int, tuple[str, ...]],
    known: int,
) -> list[Revised]:
    """Only what changed is loaded whole."""
    heads = late.heads(connection, [due.id for due in dues], known)
    changed = [due for due in dues if heads[due.id].evaluation != evaluations[due.contract, due.label]]
    saved = evaluation.by_id(connection, _both(changed, heads, evaluations))
    return [
        Revised(
            due,
            versions[due.id],
            before=saved[evaluations[due.contract, due.label]],
            after=saved[heads[due.id].evaluation],
            reasons=reasons.get(due.id, ("found in an earlier run",)),
        )
        for due in changed
    ]


def _both(dues: Iterable[Due], heads: Mapping[int, late.Head], evaluations: Mapping[tuple[int, str], int]) -> list[int]:
    return [found for due in dues for found in (heads[due.id].evaluation, evaluations[due.contract, due.label])]
