"""Use case: keep what running periods come to by now, for those who look on."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from contracts import run
from contracts.reported import moves
from contracts.store import evaluation, failure, period, standing, waiting
from core import store
from core.database import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

LOG = logging.getLogger(__name__)
LOOKS = 5
LONGEST = timedelta(minutes=10)
"""A standing lags if it waits for longer than so many looks for due work, and than this."""
MOST_RETRIED = 20
"""Contracts that failed before and are tried again at one look, each by itself."""


def refresh(
    engine: Engine,
    *,
    at: datetime,
    older_than: timedelta = timedelta(0),
    most: int | None = None,
    in_time: Callable[[], bool] = lambda: True,
) -> int:
    """Evaluate running periods up to `at` where more is known by now, or time alone moves them; keep what they come to.

    Who waits longest comes first, so that nobody starves; at most so many contracts, in chunks, and none after the time
    is over: the others are due again at the next look. older_than: whoever was evaluated later than so long ago is not
    due. Who failed before rests for a growing while and is then tried alone, so that it holds up no chunk of others.
    Where somebody waits for several looks, or fails, an alarm tells the operator. Returns how many were evaluated.
    """
    run.extend_periods(engine, at=at)
    with transaction(engine) as connection:
        due = waiting.due(connection, at, before=at - older_than)
        failed = failure.rests(connection, "standing", at)
    fresh: dict[int, str] = {}
    for chunk in _turns([one.contract for one in due], failed, most):
        if not in_time():
            break
        fresh |= _alone(engine, chunk, at)
    left = [one for one in due if one.contract not in fresh]
    with transaction(engine) as connection:
        if fresh:
            standing.announce(connection, list(fresh.values()))
        resting = failure.rests(connection, "standing", at)
        failure.tell(connection, at)
        late = [one for one in left if one.contract not in resting]
        waiting.note_lag(connection, late, at, longest=max(LOOKS * older_than, LONGEST))
    return len(fresh)


def _turns(due: Sequence[int], failed: Mapping[int, bool], most: int | None) -> Iterator[list[int]]:
    """At most so many contracts in chunks; first a few of those that failed and may be tried again, each alone."""
    waits = set(due)
    retried = [number for number, rests in failed.items() if not rests and number in waits][:MOST_RETRIED]
    others = [number for number in due if number not in failed]
    again = retried[:most]
    yield from ([number] for number in again)
    yield from run.chunks(others if most is None else others[: most - len(again)], run.CHUNK)


def _alone(engine: Engine, contracts: Sequence[int], at: datetime) -> dict[int, str]:
    """A chunk in a transaction of its own. If it fails, each contract by itself: one must not stop the others."""
    try:
        with transaction(engine) as connection:
            return _refresh(connection, contracts, at)
    except run.AWAY:
        raise
    except Exception as error:
        if len(contracts) == 1:
            LOG.exception("contract %d cannot be evaluated", contracts[0])
            run.note_failure(engine, contracts[0], "standing", error, at=at)
            return {}
    return {number: name for one in contracts for number, name in _alone(engine, [one], at).items()}


def _refresh(connection: Connection, contracts: Sequence[int], at: datetime) -> dict[int, str]:
    """Evaluate what is open of each contract in order, as one period carries to the next; keep the running one.

    Returns the public ids of those that have a running period, by id.
    """
    known = store.current_knowledge(connection)
    dues = period.open_until(connection, contracts, at)
    left: dict[int, list[Any]] = {}
    latest: dict[int, run.Evaluated] = {}
    for level in run.levels(dues):
        carried = evaluation.carries(connection, [due.id for due in level], known)
        carried |= {due.id: left[due.contract] for due in level if due.contract in left}
        for item in run.evaluate_dues(connection, level, known=known, until=at, carried=carried):
            left[item.due.contract] = item.evaluation.left
            latest[item.due.contract] = item
    rows = [standing.Row(number, item.due.id, item.evaluation, moves(item.versions)) for number, item in latest.items()]
    standing.save(connection, rows, known=known, at=at)
    failure.forget(connection, contracts, "standing")
    return {number: item.due.contract_public_id for number, item in latest.items()}
