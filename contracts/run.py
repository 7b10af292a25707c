"""Use cases of contracts: evaluate what is due. Each loads, computes and saves once, in one transaction a chunk."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import InterfaceError, OperationalError

from contracts import due as calendar
from contracts.breach import missed
from contracts.engine import evaluate, input_hash
from contracts.evidence import gather
from contracts.store import breach, contract, evaluation, failure, gathered, intake, period
from contracts.store.intake import Decided, Imported
from core import store
from core.database import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from contracts.document import Version
    from contracts.evaluation import Evaluation
    from contracts.store.evaluation import Unread
    from contracts.store.intake import Recorded
    from contracts.store.period import Due
    from contracts.store.reporting import Contests
    from core.problem import Problem

LOG = logging.getLogger(__name__)
AWAY = (OperationalError, InterfaceError)
"""The database is not there, or will not now: no contract's fault."""
CHUNK = 300
"""Contracts evaluated in one transaction: enough to load set-wise, few enough to commit within a second or two."""


class NoSuchPeriod(LookupError):
    """A contract that has no such billing period, or is unknown."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation of a due period, not saved, with the facts that it rests on."""

    due: Due
    versions: tuple[Version, ...]
    evaluation: Evaluation
    evidence: dict[str, Any]


def import_documents(
    engine: Engine, sources: Iterable[tuple[str, str | bytes]], *, at: datetime, author: str
) -> tuple[Imported, ...] | tuple[Problem, ...]:
    """Take in contract files (name, text): all of them, or every problem in all of them and nothing is saved."""
    with transaction(engine) as connection:
        found = intake.import_all(connection, [intake.Source(*source) for source in sources], at=at, author=author)
        numbers = [item.id for item in found if isinstance(item, Imported)]
        extend(connection, {number: period.last_end(connection, number) for number in numbers}, at=at)
    return found


def record(
    engine: Engine, decided: Decided | str | bytes, *, at: datetime, author: str, contests: Contests | None = None
) -> Recorded | tuple[Problem, ...]:
    """Append notices and attributions of a contract, given or from a facts file; or every problem and nothing.

    contests: as `billing.contests` judges them.
    """
    with transaction(engine) as connection:
        found = decided if isinstance(decided, Decided) else intake.read_decided(connection, decided)
        if isinstance(found, tuple):
            return found
        return intake.record_all(connection, found, at=at, author=author, contests=contests)


def extend_periods(engine: Engine, *, at: datetime) -> int:
    """Give every contract its billing periods up to the one in which `at` lies. Returns how many were new."""
    with transaction(engine) as connection:
        return extend(connection, period.behind(connection, at), at=at)


def extend(connection: Connection, ends: dict[int, datetime | None], *, at: datetime) -> int:
    """Periods of these contracts from the end of their last one (None: from the first covered one) up to `at`."""
    known, count = store.current_knowledge(connection), 0
    for some in chunks(ends, CHUNK):
        new = [
            (found, of.label, of.span.start, of.span.end, cutoff)
            for found, versions in contract.versions(connection, some, known).items()
            for of, cutoff in calendar.periods(versions, after=ends[found], at=at)
        ]
        period.add(connection, new)
        count += len(new)
    return count


def evaluate_dues(
    connection: Connection,
    dues: Sequence[Due],
    *,
    known: int,
    until: datetime,
    carried: dict[int, list[Any]],
    versions: Mapping[int, tuple[Version, ...]] | None = None,
    unless: Mapping[int, str] | None = None,
) -> list[Evaluated]:
    """Evaluate periods as of `known`, up to `until` where it comes before their end; set-wise, saving nothing.

    At most one period of each contract. carried: what the period before leaves, as JSON, by period id. versions: by
    contract, where others than those known are meant. unless: by period id, the inputs of an evaluation that is there;
    what would rest on the same ones is not evaluated again and left out.
    """
    had = unless or {}
    asked = gathered.load(connection, dues, known=known, until=until, carried=carried, versions=versions)
    versions, facts = asked.versions, asked.facts
    return [
        Evaluated(
            due=due,
            versions=versions[due.contract],
            evaluation=evaluate(versions[due.contract], facts[due.id], asked.periods[due.id], asked.ends[due.id]),
            evidence=gather(item.needs, facts[due.id]),
        )
        for due, item in zip(dues, asked.wanted, strict=True)
        if due.id not in had
        or had[due.id] != input_hash(versions[due.contract], facts[due.id], asked.periods[due.id], asked.ends[due.id])
    ]


def evaluate_period(engine: Engine, name: str, label: str, *, at: datetime) -> Evaluated:
    """One period of one contract as known now, up to `at`; nothing is saved. Raises NoSuchPeriod."""
    with transaction(engine) as connection:
        known = store.current_knowledge(connection)
        found = period.named(connection, name, label)
        if found is None:
            raise NoSuchPeriod(f"contract {name} has no billing period {label} that began by now")
        carried = evaluation.carries(connection, [found.id], known)
        return evaluate_dues(connection, [found], known=known, until=at, carried=carried)[0]


def append(connection: Connection, found: Sequence[Evaluated], *, known: int, at: datetime) -> dict[int, int]:
    """Append evaluations of whole periods and the breaches that they find. Returns evaluation id by period id."""
    new = [evaluation.New(item.due.contract, item.due.id, item.evaluation, item.evidence) for item in found]
    ids = evaluation.append(connection, new, known=known, at=at)
    breach.append(
        connection,
        [
            (item.due.contract, item.due.id, ids[item.due.id], each)
            for item in found
            for each in missed(item.evaluation, item.versions)
        ],
    )
    return ids


def settle(connection: Connection, dues: Sequence[Due], *, known: int, at: datetime) -> dict[int, Unread]:
    """The evaluation of each whole period as of `known`, by period id: what money is billed from.

    Where the newest appended one rests on the same inputs, it is taken; else a new one is appended with its breaches.
    """
    ids = [due.id for due in dues]
    latest = evaluation.latest(connection, ids, known)
    carried = evaluation.carries(connection, ids, known)
    changed = evaluate_dues(
        connection,
        dues,
        known=known,
        until=max(due.ends_at for due in dues),
        carried=carried,
        unless={period_id: saved.input_hash for period_id, saved in latest.items()},
    )
    if changed:
        append(connection, changed, known=known, at=at)
        latest |= evaluation.latest(connection, [item.due.id for item in changed], known)
    return latest


def note_failure(engine: Engine, number: int, work: failure.Work, error: Exception, *, at: datetime) -> None:
    """A contract that cannot be evaluated rests for a while."""
    with transaction(engine) as connection:
        known = store.current_knowledge(connection)
        failure.note(connection, number, work, error, known=known, at=at)


def close_due_periods(engine: Engine, *, at: datetime) -> int:
    """Append the final evaluation of every period whose cut-off has passed, its breaches, and close it.

    A chunk is one transaction, and closing is what takes a period out of the due work: a crash anywhere leaves it due.
    Periods of one contract are closed in order, because each carries to the next. A contract that cannot be evaluated
    rests for a growing while and is then tried alone, after all others. Returns how many were closed.
    """
    extend_periods(engine, at=at)
    with transaction(engine) as connection:
        failed = failure.rests(connection, "closing", at)
    closed = _close_all(engine, at, without=failed, most=CHUNK)
    if all(failed.values()):
        return closed
    with transaction(engine) as connection:
        resting = [number for number, rests in failure.rests(connection, "closing", at).items() if rests]
    return closed + _close_all(engine, at, without=resting, most=1)


def _close_all(engine: Engine, at: datetime, *, without: Iterable[int], most: int) -> int:
    """Periods of all other contracts, at most so many in one transaction. Returns how many were closed."""
    closed, full = 0, most
    broken = list(without)
    while True:
        dues: list[Due] = []
        try:
            with transaction(engine) as connection:
                dues = period.due(connection, at, most, without=broken)
                _close(connection, dues, at)
        except AWAY:
            raise
        except Exception as error:
            if not dues:
                raise
            most = 1
            if len(dues) == 1:
                LOG.exception("%s of %s cannot be closed", dues[0].label, dues[0].contract_name)
                note_failure(engine, dues[0].contract, "closing", error, at=at)
                broken.append(dues[0].contract)
                most = full
            continue
        if not dues:
            return closed
        closed += len(dues)


def chunks(items: Iterable[int], size: int) -> Iterable[list[int]]:
    """Lists of at most `size`, in order."""
    rest = list(items)
    return (rest[start : start + size] for start in range(0, len(rest), size))


def _close(connection: Connection, dues: Sequence[Due], at: datetime) -> None:
    if not dues:
        return
    known = store.current_knowledge(connection)
    carried = evaluation.carries(connection, [due.id for due in dues], known)
    found = evaluate_dues(connection, dues, known=known, until=max(due.ends_at for due in dues), carried=carried)
    ids = append(connection, found, known=known, at=at)
    period.close(connection, ids, at)
    failure.forget(connection, [due.contract for due in dues], "closing")
    details = {
        item.due.contract_public_id: {
            "period": item.due.label,
            "known": known,
            "result_hash": item.evaluation.result_hash,
        }
        for item in found
    }
    store.audit_all(connection, at, actor="schedule", action="period.close", details=details)


def differs(saved: Unread | None, fresh: Evaluation) -> bool:
    """By their inputs: the same inputs give the same result, whatever the knowledge is called."""
    return saved is None or saved.input_hash != fresh.input_hash


def levels(dues: Iterable[Due]) -> Iterable[list[Due]]:
    """First periods of all contracts, then second ones, and so on; `dues` come oldest first."""
    found: list[list[Due]] = []
    depth: dict[int, int] = {}
    for due in dues:
        n = depth.get(due.contract, 0)
        depth[due.contract] = n + 1
        if n == len(found):
            found.append([])
        found[n].append(due)
    return found
