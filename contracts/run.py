"""Use cases of contracts: evaluate what is due. Each loads, computes and saves once, in one transaction a chunk."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import InterfaceError, OperationalError

from contracts import due as calendar
from contracts.breach import missed
from contracts.carry import read_carry
from contracts.engine import evaluate, input_hash, needs
from contracts.evidence import gather
from contracts.reported import indices, moves
from contracts.store import breach, contract, evaluation, fact, failure, intake, period, standing, waiting
from contracts.store.fact import Wanted
from contracts.store.intake import Decided, Imported
from core import store
from core.database import transaction
from core.time import Period, zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from contracts.document import Version
    from contracts.evaluation import Evaluation
    from contracts.facts import Facts, Needs
    from contracts.store.evaluation import Unread
    from contracts.store.intake import Recorded
    from contracts.store.period import Due
    from contracts.store.reporting import Contests
    from core.problem import Problem

LOG = logging.getLogger(__name__)
LOOKS = 5
LONGEST = timedelta(minutes=10)
"""A standing lags if it waits for longer than so many looks for due work, and than this."""
AWAY = (OperationalError, InterfaceError)
"""The database is not there, or will not now: no contract's fault."""
MOST_RETRIED = 20
"""Contracts that failed before and are tried again at one look, each by itself."""
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
    asked = gathered(connection, dues, known=known, until=until, carried=carried, versions=versions)
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


@dataclass(frozen=True, slots=True)
class Gathered:
    """What evaluations rest on, in the order of the dues; versions by contract, the others by period id."""

    versions: Mapping[int, tuple[Version, ...]]
    periods: dict[int, Period]
    ends: dict[int, datetime]
    wanted: tuple[Wanted, ...]
    facts: dict[int, Facts]
    more: tuple[Needs, ...]
    """What was asked before duties were known."""


def gathered(
    connection: Connection,
    dues: Sequence[Due],
    *,
    known: int,
    until: datetime,
    carried: dict[int, list[Any]],
    versions: Mapping[int, tuple[Version, ...]] | None = None,
) -> Gathered:
    """What `evaluate_dues` evaluates from."""
    if versions is None:
        versions = contract.versions(connection, {due.contract for due in dues}, known)
    periods = {due.id: _period(due, versions[due.contract]) for due in dues}
    ends = {due.id: min(until, due.ends_at) for due in dues}
    wanted = [
        Wanted(
            key=due.id,
            contract=due.contract,
            needs=needs(versions[due.contract], periods[due.id], ends[due.id]),
            period=periods[due.id],
            where=zone(due.timezone),
            carried=read_carry(carried.get(due.id, [])),
            indices=indices(versions[due.contract]),
        )
        for due in dues
    ]
    first = tuple(item.needs for item in wanted)
    facts = fact.load(connection, wanted, known)
    again = [_once_more(item, versions[item.contract], facts[item.key], periods, ends) for item in wanted]
    facts |= fact.load(connection, [item for item, more in again if more], known)
    return Gathered(versions, periods, ends, tuple(item for item, _ in again), facts, first)


def _once_more(
    item: Wanted, versions: Sequence[Version], facts: Facts, periods: dict[int, Period], ends: dict[int, datetime]
) -> tuple[Wanted, bool]:
    """What to load once duties are known, because they cut what is counted; False: nothing else."""
    if not item.needs.again:
        return item, False
    more = needs(versions, periods[item.key], ends[item.key], facts)
    return replace(item, needs=more), more != item.needs


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


def refresh_standing(
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
    extend_periods(engine, at=at)
    with transaction(engine) as connection:
        due = waiting.due(connection, at, before=at - older_than)
        failed = failure.rests(connection, "standing", at)
    fresh: dict[int, str] = {}
    for chunk in _turns([one.contract for one in due], failed, most):
        if not in_time():
            break
        fresh |= _refresh_alone(engine, chunk, at)
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
    yield from chunks(others if most is None else others[: most - len(again)], CHUNK)


def _refresh_alone(engine: Engine, contracts: Sequence[int], at: datetime) -> dict[int, str]:
    """A chunk in a transaction of its own. If it fails, each contract by itself: one must not stop the others."""
    try:
        with transaction(engine) as connection:
            return _refresh(connection, contracts, at)
    except AWAY:
        raise
    except Exception as error:
        if len(contracts) == 1:
            LOG.exception("contract %d cannot be evaluated", contracts[0])
            _note_failure(engine, contracts[0], "standing", error, at=at)
            return {}
    return {number: name for one in contracts for number, name in _refresh_alone(engine, [one], at).items()}


def _note_failure(engine: Engine, number: int, work: failure.Work, error: Exception, *, at: datetime) -> None:
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
                _note_failure(engine, dues[0].contract, "closing", error, at=at)
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


def _refresh(connection: Connection, contracts: Sequence[int], at: datetime) -> dict[int, str]:
    """Evaluate what is open of each contract in order, as one period carries to the next; keep the running one.

    Returns the public ids of those that have a running period, by id.
    """
    known = store.current_knowledge(connection)
    dues = period.open_until(connection, contracts, at)
    left: dict[int, list[Any]] = {}
    running: dict[int, Evaluated] = {}
    for level in levels(dues):
        carried = evaluation.carries(connection, [due.id for due in level], known)
        carried |= {due.id: left[due.contract] for due in level if due.contract in left}
        for item in evaluate_dues(connection, level, known=known, until=at, carried=carried):
            left[item.due.contract] = item.evaluation.left
            running[item.due.contract] = item
    rows = [
        standing.Row(number, item.due.id, item.evaluation, moves(item.versions)) for number, item in running.items()
    ]
    standing.save(connection, rows, known=known, at=at)
    failure.forget(connection, contracts, "standing")
    return {number: item.due.contract_public_id for number, item in running.items()}


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


def _period(due: Due, versions: Sequence[Version]) -> Period:
    return Period.parse(due.label, zone(due.timezone), anchor_day=versions[-1].billing.anchor_day)
