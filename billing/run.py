"""A billing run: freeze what is known, draw up drafts, have a second person approve them, issue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from billing import chain, worker
from billing.bundle import together
from billing.check import NEVER_OVERRIDDEN
from billing.gate import changes, gaps
from billing.person import why_not_two
from billing.setup import Setup, read_setup
from billing.state import Act, DraftState, State, after
from billing.store import correction as corrections
from billing.store import draft as drafts
from billing.store import entity as entities
from billing.store import gate as gates
from billing.store import invoice as invoices
from billing.store import issuable as issuables
from billing.store import issue as issuing
from billing.store import remark
from billing.store import run as runs
from contracts.store import contract as contract_store
from contracts.store import period as periods
from core import canonical, store
from core.database import transaction
from core.time import Period, zone
from core.worker import company

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from billing.gate import Change, Pair
    from billing.invoice import Document
    from billing.store.entity import Entity
    from billing.store.run import Run
    from contracts.store.period import Due
    from core.problem import Problem

CHUNK = 500
CHUNKS_EACH = 3
WORTH = 750
"""So many drafts are worth the start of another process, or so many chunks where these are small."""
SHOWN = 1_000
"""Drafts of a run that are listed at once."""


class NoSuchEntity(LookupError):
    """A seller that is not set up."""


class NoSuchInvoice(LookupError):
    """An invoice that does not exist."""


class SamePerson(PermissionError):
    """Who created a run or proposes a credit note may not approve it."""


class NotReconciled(ValueError):
    """Two numbers that must be equal are not; the message names them."""


class HashChanged(ValueError):
    """The drafts are not those that were looked at."""


class NotReady(ValueError):
    """Drafts of the run are blocked."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A run and its drafts: counts and sums by state and currency."""

    run: Run
    counts: tuple[dict[str, Any], ...] = ()
    drafts: tuple[dict[str, Any], ...] = field(default=(), repr=False)


def seller_named(connection: Connection, name: str) -> Entity:
    """The legal entity of this name. Raises NoSuchEntity."""
    found = entities.entity_named(connection, name)
    if found is None:
        raise NoSuchEntity(f"{name!r} is not set up; do it with `yardstick bill setup FILE`")
    return found


def set_up(engine: Engine, text: str | bytes, *, at: datetime, by: str) -> Setup | tuple[Problem, ...]:
    """Sellers and debtors from a file (see billing/setup.py), created or corrected; or all problems in it."""
    setup = read_setup(text)
    if isinstance(setup, tuple):
        return setup
    names = sorted({item.party for item in setup.entities} | {item.party for item in setup.accounts})
    with transaction(engine) as connection:
        parties = contract_store.ensure_parties(connection, names, at)
        for entity in setup.entities:
            entities.save_entity(connection, parties[entity.party], entity)
        entities.save_accounts(connection, [(parties[account.party], account) for account in setup.accounts])
        store.audit(connection, at, actor=by, action="billing.set_up", subject="billing", detail={"parties": names})
    return setup


def create(engine: Engine, *, entity: str, label: str, at: datetime, by: str) -> str:
    """A run of a seller's contracts for a period, e.g. 2026-06. Returns its public id.

    Raises NoSuchEntity, AlreadyOpen, core.time.NotAPeriod.
    """
    with transaction(engine) as connection:
        seller = seller_named(connection, entity)
        span = Period.parse(label, zone(seller.timezone)).span
        public_id = contract_store.new_id("run")
        row = {"public_id": public_id, "entity": seller.id, "label": label, "at": at, "by": by}
        runs.add(connection, row | {"starts_at": span.start, "ends_at": span.end})
        _audit(connection, at, by, "create", public_id, {"entity": entity, "period": label})
    return public_id


def collect(engine: Engine, run: str, *, at: datetime, by: str) -> None:
    """Freeze what is known and which contracts are due; a new revision, which voids an approval.

    Due are the seller's contracts with a closed period of this label that has no invoice yet; those whose period is
    still open are excluded with the reason. Contracts that ended before come in where an earlier bill may change.
    """
    with transaction(engine) as connection:
        found, state = _act(connection, run, "collect")
        seller = entities.entity_by_id(connection, found.entity)
        known = store.current_knowledge(connection)
        revision, count = runs.collect(connection, found, state=state, known=known), 0
        for dues in periods.of_provider(connection, seller.party, found.label):
            billed = invoices.billed(connection, [due.contract for due in dues], label=found.label)
            rows = [drafts.due_row(due) for due in dues if due.contract not in billed]
            runs.add_drafts(connection, found, revision, rows)
            count += len(rows)
        for ended in periods.over(connection, seller.party, found.starts_at):
            rows = _finals(connection, ended, found, known)
            runs.add_drafts(connection, found, revision, rows)
            count += len(rows)
        _audit(connection, at, by, "collect", run, {"revision": revision, "known": known, "contracts": count})


def _finals(connection: Connection, ended: Sequence[Due], run: Run, known: int) -> list[dict[str, object]]:
    """Contracts whose agreement ended, of which a bill may change; the same run never bills it twice."""
    versions = contract_store.versions(connection, {due.contract for due in ended}, known)
    over = [due for due in ended if due.contract in versions and versions[due.contract][-1].ends is not None]
    numbers = [due.contract for due in over]
    changed = corrections.unsettled(connection, numbers, before=run.starts_at, known=known)
    billed = invoices.billed(connection, numbers, label=run.label)
    return [drafts.final_row(due) for due in over if due.contract in changed - billed]


def calculate(  # what, when, by whom, and how
    engine: Engine, run: str, *, at: datetime, by: str, most: int = CHUNK, workers: int = 1
) -> Summary:
    """Evaluate as of the frozen knowledge and draw up drafts, at most so many at once, until the run is in review.

    Interrupted, it goes on with the drafts that are left; the hash is the same. workers: how many processes share a
    run that is large enough, this one included. Raises NoSuchRun, NotPossible.
    """
    others = _worth(engine, run, most, workers)
    while True:
        with company(engine, others, worker.take_part, (run, at, most)):
            worker.calculate(engine, run, at=at, most=most)
        if _calculated(engine, run, at, by):
            return summary(engine, run, documents=False)
        others = 0


def _worth(engine: Engine, run: str, most: int, workers: int) -> int:
    """How many other processes are worth their start."""
    with transaction(engine) as connection:
        left = runs.left(connection, runs.read(connection, run))
    return max(0, min(workers - 1, left // min(most * CHUNKS_EACH, WORTH)))


def _calculated(engine: Engine, run: str, at: datetime, by: str) -> bool:
    """Move the run into review, if nothing is left to calculate: nobody is at it any more while it is locked."""
    with transaction(engine) as connection:
        found, state = _act(connection, run, "calculate")
        if runs.left(connection, found):
            return False
        digest = _hash(connection, found)
        runs.calculated(connection, found, state=after(state, "review"), hash=digest)
        _audit(connection, at, by, "calculate", run, {"revision": found.revision, "hash": digest})
    return True


def bill_period(engine: Engine, *, entity: str, label: str, at: datetime, by: str, workers: int = 1) -> Summary:
    """Create, collect and calculate: a run ready for review."""
    run = create(engine, entity=entity, label=label, at=at, by=by)
    collect(engine, run, at=at, by=by)
    return calculate(engine, run, at=at, by=by, workers=workers)


def exclude(engine: Engine, run: str, contract: str, *, reason: str, at: datetime, by: str) -> None:
    """Leave a contract out of a run in review, with the reason; it waits for the next run. Changes the hash."""
    with transaction(engine) as connection:
        found, state = _act(connection, run, "exclude")
        digest = drafts.excluded_hash(contract, reason)
        if not runs.exclude(connection, found, contract, reason=reason, hash=digest):
            raise NotReady(f"run {run} has no draft for contract {contract} that could be left out")
        runs.calculated(connection, found, state=state, hash=_hash(connection, found))
        _audit(connection, at, by, "exclude", run, {"contract": contract, "reason": reason})


def override(engine: Engine, run: str, contract: str, *, code: str, reason: str, at: datetime, by: str) -> None:
    """Say that a blocking finding of a draft does not stand in its way, and why; somebody else must approve the run.

    Raises NotReady if the draft is not blocked by it or the finding makes the document wrong in itself.
    """
    with transaction(engine) as connection:
        found, state = _act(connection, run, "override")
        draft = runs.findings(connection, found, contract)
        codes = {x["code"] for x in draft.findings if x["severity"] == "blocking"} if draft else set()
        if code not in codes or code in NEVER_OVERRIDDEN or not draft.document:
            raise NotReady(f"{contract} is not blocked by a finding {code} that may be overridden")
        runs.override(
            connection, found, {"contract": draft.contract, "code": code, "reason": reason, "by": by, "at": at}
        )
        said = {row.code for row in runs.overrides(connection, found) if row.contract == draft.contract}
        if codes <= said:
            runs.release(connection, found, draft.contract, canonical.digest([draft.hash, sorted(said)]))
            runs.calculated(connection, found, state=state, hash=_hash(connection, found))
        _audit(connection, at, by, "override", run, {"contract": contract, "code": code, "reason": reason})


def reconcile(engine: Engine, run: str) -> tuple[Pair, ...]:
    """The gate: numbers that must be equal before a run is approved, and those of what it issued. Raises NoSuchRun."""
    with transaction(engine) as connection:
        found = runs.read(connection, run)
        seller = entities.entity_by_id(connection, found.entity)
        return gates.before_issuing(connection, found, seller) + gates.after_issuing(connection, found)


def diff(engine: Engine, run: str, before: int, after: int) -> tuple[Change, ...]:
    """What changed between two revisions of a run, line by line. Raises NoSuchRun."""
    with transaction(engine) as connection:
        found = runs.read(connection, run)
        drafts = runs.revisions(connection, found, before=before, after=after)
        return tuple(change for draft in drafts for change in changes(*draft))


def approve(engine: Engine, run: str, *, at: datetime, by: str, hash: str | None = None) -> None:  # noqa: A002
    """Approve the drafts as they are. hash: of the drafts that were looked at; None takes the present ones.

    Raises SamePerson, HashChanged, NotReady, NotReconciled, billing.state.NotPossible.
    """
    with transaction(engine) as connection:
        found, state = _act(connection, run, "approve")
        if problem := why_not_two(found.created_by, by):
            raise SamePerson(f"{found.created_by} created run {run}; a second person approves it: {problem}")
        if hash is not None and hash != found.hash:
            raise HashChanged(f"run {run} has hash {found.hash}, not {hash}; look at it again")
        blocked = runs.blocked(connection, found)
        if blocked:
            raise NotReady(f"blocked: {', '.join(blocked)}; mend the facts and collect again, or exclude them")
        for other in sorted({row.by for row in runs.overrides(connection, found)}):
            if problem := why_not_two(other, by):
                raise SamePerson(f"{other} overrode a finding of run {run}; a second person approves it: {problem}")
        seller = entities.entity_by_id(connection, found.entity)
        _reconciled(run, gates.before_issuing(connection, found, seller))
        runs.approve(connection, found, state=state, at=at, by=by)
        _audit(connection, at, by, "approve", run, {"hash": found.hash, "revision": found.revision})


def issue(  # what, when, by whom, and how
    engine: Engine, run: str, *, at: datetime, by: str, most: int = issuing.CHUNK, workers: int = 1
) -> int:
    """Make invoices of the approved drafts, in chunks of about `most`. Returns how many this call issued.

    Interrupted, it goes on with the drafts that are left; nothing is issued twice and no number is skipped. workers:
    how many processes share a run that is large enough, this one included; numbers are the same for any number.
    Raises NoSuchRun, NotPossible, NotReconciled, HashChanged if the drafts are not the approved ones.
    """
    count, left = _begin_issue(engine, run, at=at, by=by, most=most)
    others = max(0, min(workers - 1, left // (most * CHUNKS_EACH)))
    while True:
        with company(engine, others, worker.take_part_in_issuing, (run, at, by, most)) as told:
            count += worker.issue(engine, run, at=at, by=by, most=most)
        count += sum(told)
        if _issued(engine, run, at, by):
            return count
        others = 0


def _begin_issue(engine: Engine, run: str, *, at: datetime, by: str, most: int) -> tuple[int, int]:
    """How many drafts were issued, and how many are left; the database keeps those of a run that is issuing.

    The first chunk is issued at once, so that a run of which nothing can be issued stays approved, and has no date.
    """
    with transaction(engine) as connection:
        found = runs.read(connection, run, lock="update")
        if found.state == "issued":
            return 0, 0
        state = after(found.state, "issue")
        _check_approval(connection, found)
        seller = entities.entity_by_id(connection, found.entity)
        runs.begin_issue(connection, found, state=state, day=at.astimezone(zone(seller.timezone)).date())
        begun = runs.read(connection, run)
        count = 0
        if found.state == "approved" and (chunks := issuables.chunks(connection, begun, most)):
            count = worker.issue_chunk(connection, begun, chunk=chunks[0], before=(), at=at, by=by, alone=True)
        return count, issuables.unissued(connection, begun)


def _issued(engine: Engine, run: str, at: datetime, by: str) -> bool:
    """End the run, if nothing is left to issue: nobody is at it any more while it is locked."""
    with transaction(engine) as connection:
        found = runs.read(connection, run, lock="update")
        if found.state != "issuing":
            return True
        if issuables.unissued(connection, found):
            return False
        _reconciled(run, gates.after_issuing(connection, found))
        runs.move(connection, found, after(found.state, "finish"))
        _audit(connection, at, by, "finish", run, {"invoices": 0, "hash": found.hash})
    return True


def cancel(engine: Engine, run: str, *, at: datetime, by: str) -> None:
    """Give a run up before anything of it is issued."""
    with transaction(engine) as connection:
        found, state = _act(connection, run, "cancel")
        runs.move(connection, found, state)
        _audit(connection, at, by, "cancel", run, {})


def summary(
    engine: Engine, run: str, *, documents: bool = True, most: int = SHOWN, state: DraftState | None = None
) -> Summary:
    """A run with its first drafts by contract, in one state if it is given; the counts are of all.

    Small for any number of contracts.

    Raises NoSuchRun.
    """
    with transaction(engine) as connection:
        found = runs.read(connection, run)
        rows = runs.drafts(connection, found, documents=documents, most=most, state=state)
        return Summary(found, tuple(runs.counts(connection, found)), tuple(rows))


def preview(engine: Engine, run: str, contract: str) -> Document | None:
    """What would be printed for one draft of a run, with those that share its document; None if there is none.

    Raises NoSuchRun.
    """
    with transaction(engine) as connection:
        found = runs.read(connection, run)
        alone, shared = runs.document(connection, found, contract), runs.bundled(connection, found, contract)
        whole = len(shared) > 1 and contract in {document["contract"] for document in shared}
        return together(shared) if whole else alone


def remarks(engine: Engine, run: str, contract: str) -> tuple[str, ...]:
    """Beside the preview of a draft: why it is left out or waits, who is left out of its document, why it stands alone.

    Raises NoSuchRun.
    """
    with transaction(engine) as connection:
        return tuple(remark.remarks(connection, runs.read(connection, run), contract))


def invoice(engine: Engine, name: str) -> Document:
    """An issued document by its number or public id. Raises NoSuchInvoice."""
    with transaction(engine) as connection:
        found = invoices.find(connection, name)
    if found is None:
        raise NoSuchInvoice(f"there is no invoice {name}")
    document: Document = found["document"]
    return document


def _act(connection: Connection, run: str, act: Act) -> tuple[Run, State]:
    """The run, locked, and the state to which the act leads. Raises NoSuchRun, NotPossible."""
    found = runs.read(connection, run, lock="update")
    return found, after(found.state, act)


def _hash(connection: Connection, run: Run) -> str:
    return chain.digest_of_sorted(runs.hashes(connection, run))


def _check_approval(connection: Connection, run: Run) -> None:
    if run.approved_hash != _hash(connection, run):
        raise HashChanged(f"run {run.public_id}: its drafts are not those that {run.approved_by} approved")


def _reconciled(run: str, pairs: tuple[Pair, ...]) -> None:
    if found := gaps(pairs):
        raise NotReconciled(f"run {run} does not reconcile: {'; '.join(map(str, found))}")


def _audit(connection: Connection, at: datetime, by: str, act: str, run: str, detail: Mapping[str, object]) -> None:
    store.audit(connection, at, actor=by, action=f"run.{act}", subject=run, detail=detail)
