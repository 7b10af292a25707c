"""Taking in documents: contract files with all their versions, and what people decided, in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.acceptance import check_assets, check_registers, new_versions
from contracts.document import Agreement, Version, read_agreement
from contracts.facts_document import lists_for, read_facts, reported
from contracts.reported import Reported
from contracts.store import contract, period, report
from contracts.store.contract import Incoming
from contracts.store.report import Said
from contracts.store.reporting import disputed
from contracts.text import read as read_text
from contracts.words import Context
from core import store
from core.problem import Problem
from core.time import instant
from ingest.store import declared

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from contracts.facts import Attribution, Notice
    from contracts.store.reporting import Contests


@dataclass(frozen=True, slots=True)
class Source:
    """A file as handed in."""

    name: str
    text: str | bytes


@dataclass(frozen=True, slots=True)
class Imported:
    """A contract that is stored now. versions: those that were new; id: in the database.

    kept: closed periods that a new version reaches back into; they keep the versions that they were closed with.
    """

    contract: str
    versions: tuple[int, ...]
    id: int
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """What a facts file says that people decided or announced."""

    contract: str
    notices: tuple[Notice, ...]
    attributions: tuple[Attribution, ...]

    def named(self) -> list[tuple[str, str]]:
        """Place and asset of each."""
        notices = [(f"notices[{n}].asset", item.asset) for n, item in enumerate(self.notices)]
        return notices + [(f"attributions[{n}].asset", item.asset) for n, item in enumerate(self.attributions)]


@dataclass(frozen=True, slots=True)
class Recorded:
    """How much was recorded of a contract."""

    contract: str
    notices: int
    attributions: int


def import_all(
    connection: Connection, sources: Sequence[Source], *, at: datetime, author: str
) -> tuple[Imported, ...] | tuple[Problem, ...]:
    """Append what is new in these files; or every problem in all of them, and nothing is written.

    Importing the same content again changes nothing.
    """
    contract.lock_import(connection)
    read = [(source, read_agreement(source.text)) for source in sources]
    problems = [_in(source, problem) for source, found in read if isinstance(found, tuple) for problem in found]
    sound = [(source, found) for source, found in read if isinstance(found, Agreement)]
    problems += _repeated(sound)
    incoming = []
    for source, agreement in sound:
        item, found = _judge(connection, source, agreement)
        problems += [_in(source, problem) for problem in found]
        incoming += [item] if item else []
    if problems:
        return tuple(problems)
    return _save(connection, incoming, at=at, author=author)


def read_decided(connection: Connection, text: str | bytes) -> Decided | tuple[Problem, ...]:
    """The notices and attributions of a facts file of a stored contract, or every problem in it."""
    documents, problems = read_text(text)
    if problems or len(documents) != 1 or not isinstance(documents[0].value, dict):
        return tuple(problems) or (Problem("the file", "is not one facts document", "write schema: facts/1"),)
    name = str(documents[0].value.get("contract"))
    versions = contract.stored_versions(connection, name)
    if not versions:
        return (Problem(documents[0].place(("contract",)), f"there is no contract {name}", "import it first"),)
    document = read_facts(documents[0], versions)
    if isinstance(document, tuple):
        return document
    newest = versions[-1]
    lists = lists_for(document, None, Context(newest.zone, newest.currency))
    found = reported(lists, None)
    return Decided(name, found.notices, found.attributions)


def record_all(
    connection: Connection, decided: Decided, *, at: datetime, author: str, contests: Contests | None = None
) -> Recorded | tuple[Problem, ...]:
    """Append notices and attributions of one contract; or every problem, and nothing is written."""
    found = contract.covered_assets(connection, decided.contract)
    if found is None:
        return (Problem("contract", f"there is no contract {decided.contract}", "import it first"),)
    number, assets = found
    problems = [problem for item in decided.named() for problem in _unknown(item, assets)]
    contested = disputed(decided.attributions)
    if contests is not None and contested and not problems:
        problems += contests(connection, number, decided.contract, contested)
    if problems:
        return tuple(problems)
    known = store.draw_knowledge(connection)
    said = Reported(notices=decided.notices, attributions=decided.attributions)
    for table, rows in report.rows(said, ()).items():
        report.append(connection, number, table, rows, Said(author, "", known))
    counts = {"notices": len(decided.notices), "attributions": len(decided.attributions), "known": known}
    store.audit(connection, at, actor=author, action="contract.record", subject=decided.contract, detail=counts)
    return Recorded(decided.contract, len(decided.notices), len(decided.attributions))


def _judge(connection: Connection, source: Source, agreement: Agreement) -> tuple[Incoming | None, list[Problem]]:
    """What to write of a sound file, or what does not fit here."""
    versions = agreement.versions
    new = new_versions(versions, contract.stored_versions(connection, agreement.contract))
    problems = [item for item in new if isinstance(item, Problem)]
    names = sorted({item.asset for version in versions for item in version.coverage})
    problems += check_assets(versions, frozenset(declared.asset_ids(connection, names)))
    problems += check_registers(versions, _registers(connection, names))
    fresh = tuple(item for item in new if isinstance(item, Version))
    return (None, problems) if problems else (Incoming(versions, fresh, _plain(source.text)), [])


def _registers(connection: Connection, names: Sequence[str]) -> dict[str, dict[str, list[declared.Declared]]]:
    found: dict[str, dict[str, list[declared.Declared]]] = {name: {} for name in names}
    for register in declared.registers(connection, names):
        found[register.asset].setdefault(register.path, []).append(register)
    return found


def _repeated(sound: Sequence[tuple[Source, Agreement]]) -> list[Problem]:
    seen: dict[str, Source] = {}
    problems = []
    for source, agreement in sound:
        if agreement.contract in seen:
            message = f"contract {agreement.contract} is in {seen[agreement.contract].name} too"
            problems.append(Problem(source.name, message, "hand in each contract once"))
        seen[agreement.contract] = source
    return problems


def _save(connection: Connection, incoming: Sequence[Incoming], *, at: datetime, author: str) -> tuple[Imported, ...]:
    """Drawn once, and only if there is something new: knowledge rises with facts."""
    known = store.draw_knowledge(connection) if any(item.new for item in incoming) else 0
    imported = []
    for item in incoming:
        name = item.versions[-1].contract
        if not item.new:
            imported.append(Imported(name, (), contract.contract_id(connection, name)))
            continue
        assets = declared.asset_ids(connection, {c.asset for version in item.versions for c in version.coverage})
        number = contract.save(connection, item, assets, known=known, at=at)
        numbers = tuple(version.version for version in item.new)
        detail = {"versions": list(numbers), "hashes": [version.hash for version in item.new], "known": known}
        store.audit(connection, at, actor=author, action="contract.import", subject=name, detail=detail)
        since = instant(min(version.effective_from for version in item.new))
        imported.append(Imported(name, numbers, number, period.closed_after(connection, number, since)))
    return tuple(imported)


def _in(source: Source, problem: Problem) -> Problem:
    return Problem(f"{source.name}: {problem.place}", problem.message, problem.remedy)


def _unknown(item: tuple[str, str], assets: frozenset[str]) -> list[Problem]:
    place, asset = item
    if not asset or asset in assets:
        return []
    return [Problem(place, f"{asset!r} is not covered by the contract", f"one of {', '.join(sorted(assets))}")]


def _plain(text: str | bytes) -> str:
    return text.decode() if isinstance(text, bytes) else text
