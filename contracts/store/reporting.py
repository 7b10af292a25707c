"""Taking in what people and other systems report of a contract, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from contracts.facts_document import FactsDocument, lists_for, read_facts, reported
from contracts.reported import Reported, unsound
from contracts.segment import FOREVER
from contracts.store import contract, report
from contracts.store import reported as standing_facts
from contracts.store.report import Said
from contracts.store.reported import Asked
from contracts.text import TextDocument
from contracts.text import read as read_text
from contracts.words import Context
from core import store
from core.problem import Problem, Problems
from core.time import instant, micros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from contracts.document import Version
    from contracts.facts import Attribution
    from contracts.facts_model import Example, FactLists
    from contracts.store.reported import Loaded

    Contests: TypeAlias = Callable[[Connection, int, str, Sequence[Attribution]], Iterable[Problem]]
    """By contract (id, name), what is wrong with contested stretches."""

OF_DEVICES = ("readings", "exchanges", "estimates")


@dataclass(frozen=True, slots=True)
class Stated:
    """What a facts file states of a contract. subsystems: of tickets; devices: what is of devices, beside it."""

    contract: str
    reported: Reported
    subsystems: Mapping[str, str] = field(default_factory=dict)
    devices: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What was new. facts: public ids by kind; left: readings, exchanges and estimates, which are those of devices."""

    contract: str
    facts: Mapping[str, tuple[str, ...]]
    left: int = 0


def read(
    connection: Connection, source: str | bytes | Mapping[str, Any], *, example: str | None, as_of: int | None
) -> Stated | tuple[Problem, ...]:
    """What a facts file (or its content) states of a stored contract, or every problem in it.

    example: with the lists of this example in place of the file's; as_of: only what is recorded by then.
    """
    found = _document(source)
    if not isinstance(found, TextDocument):
        return found
    name = str(found.value.get("contract"))
    versions = contract.stored_versions(connection, name)
    if not versions:
        return (Problem(found.place(("contract",)), f"there is no contract {name}", "import it first"),)
    return read_of(found, versions, example=example, as_of=as_of)


def read_of(
    found: TextDocument, versions: Sequence[Version], *, example: str | None, as_of: int | None
) -> Stated | tuple[Problem, ...]:
    """As `read`, of a contract whose versions are at hand."""
    document = read_facts(found, versions)
    if not isinstance(document, FactsDocument):
        return document
    chosen = next((one for one in document.file.examples if one.name == example), None)
    if example is not None and chosen is None:
        return (Problem("examples", f"there is no example {example!r}", "name one of the file"),)
    return stated(document, versions, chosen, as_of=as_of)


def stated(
    document: FactsDocument, versions: Sequence[Version], example: Example | None, *, as_of: int | None
) -> Stated | tuple[Problem, ...]:
    """As read from a document."""
    try:
        lists = lists_for(document, example, Context(versions[0].zone, versions[0].currency))
    except Problems as error:
        return error.problems
    subsystems = {ticket.ticket: ticket.subsystem or "" for ticket in lists.tickets}
    return Stated(document.file.contract, reported(lists, as_of), subsystems, _of_devices(lists))


def take(
    connection: Connection,
    given: Stated,
    said: tuple[str, str],
    *,
    at: datetime,
    counts_from: datetime | None,
    contests: Contests | None = None,
) -> Taken | tuple[Problem, ...]:
    """Append what does not stand already; or every problem, and nothing is written.

    said: author and reason. counts_from: an instant of the period in which `carried` counts. contests: what is wrong
    with contested stretches that do not stand yet.
    """
    number = contract.find(connection, given.contract)
    if number is None:
        return (Problem("contract", f"there is no contract {given.contract}", "import it first"),)
    contract.lock_import(connection)
    if given.reported.carried and counts_from is None:
        return (Problem("carried", "has no period in which it counts", "say from when it counts"),)
    there = _standing(connection, number)
    problems = [*unsound(given.reported), *_ticket_problems(connection, number, given.reported)]
    contested = disputed(given.reported.attributions, there.reported.attributions)
    if contests is not None and contested:
        problems += contests(connection, number, given.contract, contested)
    if problems:
        return tuple(problems)
    opening = [(micros(counts_from or at), item) for item in given.reported.carried]
    new = report.beyond(report.rows(given.reported, opening), report.rows(there.reported, there.opening))
    new |= _basis(given.reported, there.reported)
    values = [one for one in given.reported.index_values if not report.index_value_stands(connection, one)]
    if not new and not values:
        return Taken(given.contract, {}, given.devices)
    speaker = Said(*said, store.draw_knowledge(connection))
    report.add_tickets(
        connection, number, [(t, given.subsystems.get(t.ticket, "")) for t in given.reported.tickets], speaker
    )
    facts = {table: tuple(report.append(connection, number, table, rows, speaker)) for table, rows in new.items()}
    if values:
        facts["index_value"] = tuple(report.add_index_value(connection, one, speaker) for one in values)
    detail = {"known": speaker.known, "reason": speaker.reason, "facts": {k: list(v) for k, v in facts.items()}}
    store.audit(connection, at, actor=speaker.author, action="contract.report", subject=given.contract, detail=detail)
    return Taken(given.contract, facts, given.devices)


def disputed(given: Iterable[Attribution], standing: Sequence[Attribution] = ()) -> list[Attribution]:
    """Those by which somebody contests a stretch, beside what stands."""
    return [item for item in given if item.status == "disputed" and item not in standing]


def lists(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Lists of facts as the content of a facts file."""
    return {"schema": "facts/1", "contract": name, "facts": dict(found)}


def _document(source: str | bytes | Mapping[str, Any]) -> TextDocument | tuple[Problem, ...]:
    if not isinstance(source, str | bytes):
        return TextDocument(dict(source), {})
    documents, problems = read_text(source)
    if problems or len(documents) != 1 or not isinstance(documents[0].value, dict):
        return tuple(problems) or (Problem("the file", "is not one facts document", "write schema: facts/1"),)
    return documents[0]


def _standing(connection: Connection, number: int) -> Loaded:
    """All that stands of one contract now."""
    known = store.current_knowledge(connection)
    found = standing_facts.load(connection, [Asked(number)], since=instant(0), before=instant(FOREVER), known=known)
    return found[number]


def _basis(new: Reported, there: Reported) -> dict[str, list[dict[str, Any]]]:
    """What evaluations rest on from now on, if it is something else."""
    ready = new.unmet is not None or there.unmet is not None
    wanted = replace(there, otherwise=new.otherwise or there.otherwise, unmet=() if ready else None)
    if wanted.otherwise == there.otherwise and ready == (there.unmet is not None):
        return {}
    return {"basis": [{"otherwise": wanted.otherwise, "duties": "reported" if ready else "measured"}]}


def _ticket_problems(connection: Connection, number: int, new: Reported) -> list[Problem]:
    """Tickets that are on another asset, and pauses of none."""
    named = {item.ticket for item in new.tickets} | {item.ticket for item in new.pauses}
    there = report.assets_of_tickets(connection, number, named) if named else {}
    found = [
        Problem(f"tickets, {item.ticket}", f"is on {there[item.ticket]}, not on {item.asset}", "open another ticket")
        for item in new.tickets
        if there.get(item.ticket, item.asset) != item.asset
    ]
    known = set(there) | {item.ticket for item in new.tickets}
    return found + [
        Problem(f"pauses, {item.ticket}", "there is no such ticket", "open it first")
        for item in new.pauses
        if item.ticket not in known
    ]


def _of_devices(found: FactLists) -> int:
    return sum(len(getattr(found, name)) for name in OF_DEVICES)
