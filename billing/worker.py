"""Drafts of a run are calculated and issued here, chunk by chunk, by any number of processes at once.

A chunk is one transaction. Its drafts are locked, and others skip them; the run is locked so that nothing but
calculating happens to it meanwhile. A draft depends on its contract and the run's knowledge alone, so who calculates
which makes no difference. Issuing has an order: chunks are made ready at once, and numbered one after the other.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from billing.state import NotPossible, after
from billing.store import draft as drafts
from billing.store import entity as entities
from billing.store import issuable as issuables
from billing.store import issue as issuing
from billing.store import run as runs
from core import store
from core.database import transaction
from core.worker import Orphaned, go_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from billing.store.run import Run, Waiting

LOG = logging.getLogger("yardstick.billing")
# Nobody waits for the disk: the commit that moves the run into review does, and what a crash undoes is due again.
LAZILY = text("SET LOCAL synchronous_commit = off")
OF_CONTENT = (DataError, IntegrityError)
"""Errors of the database that come from what a contract holds; all others concern everybody."""


def take_part(engine: Engine, run: str, at: datetime, most: int) -> int:
    """Calculate beside others until nothing is left, or nobody wants it any more. Returns how many."""
    try:
        return calculate(engine, run, at=at, most=most, between=go_on)
    except (NotPossible, Orphaned) as error:
        LOG.info("run %s is not calculated here any more: %s", run, error)
        return 0


def calculate(engine: Engine, run: str, *, at: datetime, most: int, between: Callable[[], None] = lambda: None) -> int:
    """Calculate what is left and nobody else works on, at most so many drafts in one transaction. Returns how many.

    between: asked after each transaction; raises where no more is wanted. Raises NoSuchRun, NotPossible.
    """
    count = after = 0
    while done := _calculate_next(engine, run, at=at, most=most, after=after):
        count, after = count + len(done), done[-1].contract
        between()
    return count


def take_part_in_issuing(engine: Engine, run: str, at: datetime, by: str, most: int) -> int:
    """Issue beside others until nothing is left. Returns how many."""
    try:
        return issue(engine, run, at=at, by=by, most=most, between=go_on)
    except Orphaned as error:
        LOG.info("run %s is not issued here any more: %s", run, error)
        return 0


def issue(  # what, when, by whom, and how
    engine: Engine, run: str, *, at: datetime, by: str, most: int, between: Callable[[], None] = lambda: None
) -> int:
    """Issue what is left and nobody else has in hand, about so many drafts in one transaction. Returns how many.

    between: asked after each transaction; raises where no more is wanted. Raises NoSuchRun.
    """
    count, alone = 0, False
    while True:
        with transaction(engine) as connection:
            chunks = issuables.chunks(connection, runs.read(connection, run), most)
        try:
            for issued in _issue_chunks(engine, run, chunks, at=at, by=by, alone=alone):
                count, alone = count + issued, False
                between()
        except (issuing.Overtaken, IntegrityError) as error:
            if alone and isinstance(error, IntegrityError):
                raise
            _overtaken(engine, run, error)
            alone = True
            between()
        else:
            return count


def _issue_chunks(  # what, when, by whom, and how
    engine: Engine, run: str, chunks: Sequence[Sequence[int]], *, at: datetime, by: str, alone: bool
) -> Iterator[int]:
    """How many drafts were issued of each chunk that nobody else has in hand."""
    for before, chunk in zip([(), *chunks], chunks, strict=False):
        with transaction(engine) as connection:
            found = runs.read(connection, run, lock="share")
            if found.state != "issuing":
                return
            count = issue_chunk(connection, found, chunk=chunk, before=before, at=at, by=by, alone=alone)
        if count:
            yield count
            alone = False


def issue_chunk(  # what, when, by whom, and how
    connection: Connection,
    run: Run,
    *,
    chunk: Sequence[int],
    before: Sequence[int],
    at: datetime,
    by: str,
    alone: bool,
) -> int:
    """Issue the drafts of these contracts, and say so in the audit. Returns how many. Raises Overtaken."""
    seller = entities.entity_by_id(connection, run.entity)
    count = issuing.issue_chunk(connection, run, seller, chunk=chunk, before=before, at=at, alone=alone)
    if count:
        detail = {"invoices": count, "hash": run.hash}
        store.audit(connection, at, actor=by, action="run.issue", subject=run.public_id, detail=detail)
    return count


def _overtaken(engine: Engine, run: str, error: issuing.Overtaken | IntegrityError) -> None:
    """Whoever had the chunk before died, another run was first, or others go by chunks of another size: after them."""
    LOG.info("a chunk of run %s is laid down anew: %s", run, error)
    if isinstance(error, issuing.Overtaken) and error.contracts:
        with transaction(engine) as connection:
            issuables.wait_for(connection, runs.read(connection, run), error.contracts)


def _calculate_next(engine: Engine, run: str, *, at: datetime, most: int, after: int) -> Sequence[Waiting]:
    """Evaluate as of the frozen knowledge and draw up the next drafts that nobody else works on.

    What cannot be calculated blocks its own contract, and no other.
    """
    waiting: Sequence[Waiting] = ()
    try:
        with transaction(engine) as connection:
            found = _read(connection, run)
            waiting = runs.waiting(connection, found, most, after=after)
            _calculate(connection, found, waiting, at)
    except Exception as error:
        if not waiting or (isinstance(error, DBAPIError) and not isinstance(error, OF_CONTENT)):
            raise
        _alone(engine, run, waiting, at)
    return waiting


def _alone(engine: Engine, run: str, waiting: Sequence[Waiting], at: datetime) -> None:
    """After a failure: halves, and halves of what fails, until the contract is found that is to blame."""
    half = len(waiting) // 2
    for part in (waiting[:half], waiting[half:]) if half else (waiting,):
        try:
            with transaction(engine) as connection:
                _calculate(connection, *_still(connection, run, part), at)
        except Exception as error:
            if isinstance(error, DBAPIError) and not isinstance(error, OF_CONTENT):
                raise
            if half:
                _alone(engine, run, part, at)
            else:
                _block(engine, run, part[0], error)


def _block(engine: Engine, run: str, one: Waiting, error: Exception) -> None:
    """A draft that says why there is none."""
    LOG.error("contract %d of run %s cannot be calculated", one.contract, run, exc_info=error)
    reason = str(error.orig).partition("\n")[0] if isinstance(error, DBAPIError) else str(error)
    with transaction(engine) as connection:
        found, still = _still(connection, run, [one])
        for each in still:
            runs.save_drafts(connection, found, [drafts.failed(connection, each.period, reason)])


def _calculate(connection: Connection, found: Run, waiting: Sequence[Waiting], at: datetime) -> None:
    connection.execute(LAZILY)
    for final, draw_up in ((False, drafts.calculate), (True, drafts.final)):
        ids = [one.period for one in waiting if one.final is final]
        if ids:
            for rows in draw_up(connection, found, ids, at):
                runs.save_drafts(connection, found, rows)


def _still(connection: Connection, run: str, part: Sequence[Waiting]) -> tuple[Run, Sequence[Waiting]]:
    """Those of them that nobody else calculated since."""
    found = _read(connection, run)
    return found, runs.still_waiting(connection, found, [one.contract for one in part])


def _read(connection: Connection, run: str) -> Run:
    """The run, which stays as it is meanwhile. Raises NoSuchRun, NotPossible."""
    found = runs.read(connection, run, lock="share")
    after(found.state, "calculate")
    return found
