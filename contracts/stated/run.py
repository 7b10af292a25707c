"""Use cases of stated facts: record, correct and withdraw them, each in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts.facts import Pause, Ticket
from contracts.reported import Reported
from contracts.segment import FOREVER
from contracts.store import contract, report, reporting
from contracts.store.report import Said
from contracts.store.reporting import Stated, Taken
from contracts.text import TextDocument
from core import store
from core.database import transaction
from core.problem import Problem
from core.time import micros

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from contracts.facts import IndexValue
    from contracts.store.reporting import Contests


class NoSuchFact(LookupError):
    """No stated fact has this id, or it is withdrawn already."""


@dataclass(frozen=True, slots=True)
class By:
    """Who says something, why (the evidence), and when."""

    author: str
    reason: str
    at: datetime


def state(
    engine: Engine,
    source: str | bytes | Mapping[str, Any],
    by: By,
    *,
    counts_from: datetime | None = None,
    example: str | None = None,
    as_of: int | None = None,
    contests: Contests | None = None,
) -> Taken | tuple[Problem, ...]:
    """Record what a facts file states of its contract, or every problem and nothing; what stands already stays alone.

    counts_from: an instant of the period in which `carried` counts. example, as_of: as `contract evaluate` takes them.
    contests: as `billing.contests` judges them.
    """
    with transaction(engine) as connection:
        found = reporting.read(connection, source, example=example, as_of=as_of)
        if not isinstance(found, Stated):
            return found
        said = by.author, by.reason
        return reporting.take(connection, found, said, at=by.at, counts_from=counts_from, contests=contests)


def move_ticket(
    engine: Engine, name: str, ticket: str, times: Mapping[str, datetime], by: By, *, asset: str | None = None
) -> Taken | tuple[Problem, ...]:
    """Record when a case reached moments (opened, on_site, closed …). asset: opens it, if it does not exist yet."""
    with transaction(engine) as connection:
        found = _ticket(connection, name, ticket, asset)
        if isinstance(found, Problem):
            return (found,)
        moved = Ticket(ticket, found, {moment: micros(at) for moment, at in times.items()})
        given = Stated(name, Reported(tickets=(moved,)))
        return reporting.take(connection, given, (by.author, by.reason), at=by.at, counts_from=None)


def pause(
    engine: Engine, name: str, ticket: str, cause: str, since: datetime, *, by: By
) -> Taken | tuple[Problem, ...]:
    """Let the clock of a case stand still from an instant on, for a cause that the contract names."""
    with transaction(engine) as connection:
        given = Stated(name, Reported(pauses=(Pause(ticket, micros(since), FOREVER, cause),)))
        return reporting.take(connection, given, (by.author, by.reason), at=by.at, counts_from=None)


def resume(engine: Engine, name: str, ticket: str, until: datetime, *, by: By) -> Taken | tuple[Problem, ...]:
    """Let the clock of a case run again: its open pause is withdrawn, and stands with its end instead."""
    with transaction(engine) as connection:
        number = _number(connection, name)
        opened = report.open_pauses(connection, number, ticket) if number is not None else []
        if number is None or not opened:
            return (Problem(f"tickets, {ticket}", "does not pause", "say which ticket pauses"),)
        if until <= opened[0].since:
            return (Problem("at", "is not after the pause began", f"it began {opened[0].since:%Y-%m-%d %H:%M} UTC"),)
        ended = tuple(Pause(ticket, micros(one.since), micros(until), one.cause) for one in opened)
        given = Stated(name, Reported(pauses=ended))
        taken = reporting.take(connection, given, (by.author, by.reason), at=by.at, counts_from=None)
        if isinstance(taken, Taken):
            said = Said(by.author, by.reason or "goes on", store.current_knowledge(connection))
            for one, instead in zip(opened, taken.facts.get("pause", ()), strict=False):
                report.withdraw(connection, one.public_id, said, contract=number, instead=instead)
        return taken


def publish(engine: Engine, value: IndexValue, by: By) -> str | None:
    """Record a published value of an index, the source as its reason; None: it is the last word already."""
    with transaction(engine) as connection:
        return publish_in(connection, value, by)


def publish_in(connection: Connection, value: IndexValue, by: By) -> str | None:
    """As `publish`, in the caller's transaction."""
    if report.index_value_stands(connection, value):
        return None
    said = Said(by.author, by.reason, store.draw_knowledge(connection))
    fact = report.add_index_value(connection, value, said)
    detail = {"index": value.index, "month": value.month, "value": str(value.value), "known": said.known}
    store.audit(connection, by.at, actor=by.author, action="index.publish", subject=fact, detail=detail)
    return fact


def withdraw(engine: Engine, fact: str, by: By) -> None:
    """Take a fact back by its public id. Raises NoSuchFact."""
    with transaction(engine) as connection:
        withdraw_in(connection, fact, by)


def withdraw_in(connection: Connection, fact: str, by: By) -> None:
    """As `withdraw`, in the caller's transaction."""
    found = report.stands(connection, fact)
    if found is None:
        raise NoSuchFact(f"no stated fact that stands has the id {fact}")
    said = Said(by.author, by.reason, store.draw_knowledge(connection))
    report.withdraw(connection, fact, said, contract=found.contract)
    detail = {"known": said.known, "reason": by.reason}
    store.audit(connection, by.at, actor=by.author, action="contract.withdraw", subject=fact, detail=detail)


def state_in(
    connection: Connection,
    contract_id: int,
    content: Mapping[str, Any],
    by: By,
    *,
    counts_from: datetime,
    contests: Contests | None = None,
) -> Taken | tuple[Problem, ...]:
    """As `state`, in the caller's transaction, of a contract that the caller sees."""
    lists = content.get("facts")
    if isinstance(lists, dict) and any(lists.get(name) for name in reporting.OF_DEVICES):
        return (Problem("readings", "exchanges, estimates are not stated", "deliver or declare them of a device"),)
    versions = contract.versions_for_stating(connection, contract_id)
    found = reporting.read_of(TextDocument(dict(content), {}), versions, example=None, as_of=None)
    if not isinstance(found, Stated):
        return found
    said = by.author, by.reason
    return reporting.take(connection, found, said, at=by.at, counts_from=counts_from, contests=contests)


def _number(connection: Connection, name: str) -> int | None:
    found = contract.covered_assets(connection, name)
    return None if found is None else found[0]


def _ticket(connection: Connection, name: str, ticket: str, asset: str | None) -> str | Problem:
    """The asset that a case is on."""
    found = contract.covered_assets(connection, name)
    if found is None:
        return Problem("contract", f"there is no contract {name}", "import it first")
    number, assets = found
    there = report.assets_of_tickets(connection, number, [ticket]).get(ticket)
    if there is None and asset is None:
        return Problem(f"tickets, {ticket}", "there is no such ticket", "open it first, on an asset")
    if asset is not None and asset not in assets:
        return Problem("asset", f"{asset!r} is not covered by the contract", f"one of {', '.join(sorted(assets))}")
    return asset or str(there)
