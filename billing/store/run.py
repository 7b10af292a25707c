"""Billing runs and their drafts, which are the due work of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import IntegrityError

from core.store import packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from billing.state import DraftState, State

_ROWS = msgspec.json.Encoder()
"""Decimals become text, which PostgreSQL casts exactly."""
Lock: TypeAlias = Literal["", "share", "update"]
"""How a run is read: as it is; so that it stays as it is, for several who calculate; so that acts follow each other."""
SHARES, FEWEST = 3, 125
"""One who takes drafts to calculate takes such a part of what is left, or so many where that is less."""
ADD = text("""
    INSERT INTO billing.run (public_id, entity, label, starts_at, ends_at, state, created_at, created_by)
    VALUES (:public_id, :entity, :label, :starts_at, :ends_at, 'created', :at, :by) RETURNING id
""")
READ: dict[Lock, TextClause] = {
    "": text("SELECT * FROM billing.run WHERE public_id = :run"),
    "share": text("SELECT * FROM billing.run WHERE public_id = :run FOR SHARE"),
    "update": text("SELECT * FROM billing.run WHERE public_id = :run FOR UPDATE"),
}
COLLECT = text("""
    UPDATE billing.run SET state = :state, known = :known, revision = revision + 1, hash = NULL, approved_at = NULL,
        approved_by = NULL, approved_hash = NULL
    WHERE id = :run RETURNING revision
""")
MOVE = text("UPDATE billing.run SET state = :state WHERE id = :run")
CALCULATED = text("UPDATE billing.run SET state = :state, hash = :hash WHERE id = :run")
APPROVE = text("""
    UPDATE billing.run SET state = :state, approved_at = :at, approved_by = :by, approved_hash = :hash WHERE id = :run
""")
BEGIN_ISSUE = text("UPDATE billing.run SET state = :state, issue_date = coalesce(issue_date, :day) WHERE id = :run")
ADD_DRAFTS = text("""
    INSERT INTO billing.draft (run, contract, contract_name, period, revision, state, reason, hash, final)
    SELECT :run, contract, contract_name, period, :revision, state, reason, hash, coalesce(final, false)
    FROM json_to_recordset(cast(:rows AS json)) AS r(contract int, contract_name text, period bigint, state text,
        reason text, hash text, final boolean)
""")
# Towards the end ever fewer at once, so that those who share a run come to its end together.
WAITING = text("""
    SELECT contract, period, final FROM billing.draft
    WHERE run = :run AND revision = :revision AND state = 'collected' AND contract > :after
    ORDER BY contract LIMIT least(:most, greatest(:fewest, (
        SELECT count(*) / :shares FROM (
            SELECT FROM billing.draft
            WHERE run = :run AND revision = :revision AND state = 'collected' AND contract > :after
            LIMIT :looked
        ) AS d)))
    FOR UPDATE SKIP LOCKED
""")
AMONG = text("""
    SELECT contract, period, final FROM billing.draft
    WHERE run = :run AND revision = :revision AND state = 'collected' AND contract = ANY(:contracts)
    ORDER BY contract FOR UPDATE SKIP LOCKED
""")
LEFT = text("SELECT count(*) FROM billing.draft WHERE run = :run AND revision = :revision AND state = 'collected'")
# Documents come beside the rows as an array in the binary format, each taken out of it where it is stored: nothing
# reads them before they become jsonb, and no list of them is kept on the way. The array is walked from its beginning
# for each of them, so that many at once take longer than the same in parts.
SAVE_DRAFTS = """
    UPDATE billing.draft AS d SET state = r.state, reason = r.reason, evaluation = r.evaluation,
        document = CAST((CAST(%(documents)b AS text[]))[r.drawn] AS jsonb), net = r.net, tax = r.tax, gross = r.gross,
        currency = r.currency, hash = r.hash,
        corrections = r.corrections, credit_notes = r.credit_notes, findings = r.findings,
        buyer = coalesce(r.buyer, ''), content_hash = coalesce(r.content_hash, ''),
        metering = coalesce(r.metering, '[]'), bundle = coalesce(r.bundle, '')
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS r(contract int, state text, reason text, evaluation bigint,
        net numeric, tax numeric, gross numeric, currency text, hash text, corrections jsonb, credit_notes jsonb,
        findings jsonb, buyer text, content_hash text, metering jsonb, bundle text, drawn int)
    WHERE d.run = %(run)s AND d.revision = %(revision)s AND d.contract = r.contract
        AND d.contract = ANY(CAST(%(among)s AS int[]))  -- looked up, where the planner takes a run for small
"""
EXCLUDE = text("""
    UPDATE billing.draft SET state = 'excluded', reason = :reason, hash = :hash
    WHERE run = :run AND revision = :revision AND contract_name = :contract AND state IN ('ok', 'warning', 'blocked')
""")
HASHES = text("""
    SELECT contract_name, hash FROM billing.draft WHERE run = :run AND revision = :revision
    ORDER BY contract_name COLLATE "C"
""")
COUNTS = text("""
    SELECT state, currency, count(*) AS drafts, sum(net) AS net, sum(tax) AS tax, sum(gross) AS gross
    FROM billing.draft WHERE run = :run AND revision = :revision GROUP BY state, currency ORDER BY state, currency
""")
DRAFTS = text("""
    SELECT contract_name, state, reason, net, tax, gross, currency, hash, corrections, findings,
        CASE WHEN :documents THEN document END AS document, CASE WHEN :documents THEN credit_notes END AS credit_notes
    FROM billing.draft
    WHERE run = :run AND revision = :revision AND (CAST(:state AS text) IS NULL OR state = :state)
    ORDER BY contract_name LIMIT :most
""")
BLOCKED = text("""
    SELECT contract_name FROM billing.draft
    WHERE run = :run AND revision = :revision AND state = 'blocked' ORDER BY contract_name LIMIT 20
""")
DOCUMENT = text("""
    SELECT document FROM billing.draft WHERE run = :run AND revision = :revision AND contract_name = :contract
""")
DOCUMENTS = text("""
    SELECT contract, document FROM billing.draft
    WHERE run = :run AND revision = :revision AND contract = ANY(:contracts)
""")
# Documents that share a bundle with a contract's draft, in the order of the chain.
BUNDLED = text("""
    SELECT document FROM billing.draft
    WHERE run = :run AND revision = :revision AND state IN ('ok', 'warning', 'issued')
        AND NOT findings @> '[{"code": "nothing_to_bill"}]' AND bundle <> '' AND bundle = (
        SELECT bundle FROM billing.draft WHERE run = :run AND revision = :revision AND contract_name = :contract)
    ORDER BY contract_name COLLATE "C"
""")
ENTITY_OF = text("SELECT entity FROM billing.run WHERE id = :run")
FINDINGS = text("""
    SELECT contract, document, findings, hash FROM billing.draft
    WHERE run = :run AND revision = :revision AND contract_name = :contract AND state = 'blocked' FOR UPDATE
""")
OVERRIDES = text("""
    SELECT contract, code, by FROM billing.override WHERE run = :run AND revision = :revision
""")
OVERRIDE = text("""
    INSERT INTO billing.override (run, contract, revision, code, reason, by, at)
    VALUES (:run, :contract, :revision, :code, :reason, :by, :at) ON CONFLICT DO NOTHING
""")
RELEASE = text("""
    UPDATE billing.draft SET state = 'warning', hash = :hash
    WHERE run = :run AND revision = :revision AND contract = :contract
""")
# Drafts whose content two revisions do not share; whose hash is not kept is looked at too.
REVISIONS = text("""
    SELECT coalesce(o.contract_name, n.contract_name) AS contract_name, o.document AS before, n.document AS after
    FROM (SELECT * FROM billing.draft WHERE run = :run AND revision = :before) AS o
    FULL JOIN (SELECT * FROM billing.draft WHERE run = :run AND revision = :after) AS n ON n.contract = o.contract
    WHERE o.content_hash IS DISTINCT FROM n.content_hash OR o.content_hash = ''
    ORDER BY coalesce(o.contract_name, n.contract_name) COLLATE "C"
""")
FAIL = text("""
    UPDATE billing.draft SET state = 'failed', reason = :reason
    WHERE run = :run AND revision = :revision AND contract = ANY(:contracts)
""")


class NoSuchRun(LookupError):
    """A run that does not exist."""


class AlreadyOpen(ValueError):
    """A second open run for the same entity and period."""


@dataclass(frozen=True, slots=True)
class Run:
    """A billing run as stored."""

    id: int
    public_id: str
    entity: int
    label: str
    starts_at: datetime
    ends_at: datetime
    known: int | None
    state: State
    revision: int
    hash: str | None
    created_at: datetime
    created_by: str
    approved_at: datetime | None
    approved_by: str | None
    approved_hash: str | None
    issue_date: date | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A draft that is not calculated yet. contract, period: ids; final: the contract is over."""

    contract: int
    period: int
    final: bool


def add(connection: Connection, row: Mapping[str, object]) -> int:
    """Create a run. Raises AlreadyOpen if the entity has an open one for this period."""
    try:
        return int(connection.execute(ADD, dict(row)).scalar_one())
    except IntegrityError as error:
        if "run_open" in str(error.orig):
            raise AlreadyOpen(f"a run for {row['label']} is open already; finish or cancel it first") from None
        raise


def read(connection: Connection, run: str, *, lock: Lock = "") -> Run:
    """A run by its public id. Raises NoSuchRun."""
    row = connection.execute(READ[lock], {"run": run}).mappings().first()
    if row is None:
        raise NoSuchRun(f"there is no run {run}")
    return Run(**row)


def entity_of(connection: Connection, run: int) -> int:
    """Whose run it is."""
    return int(connection.execute(ENTITY_OF, {"run": run}).scalar_one())


def collect(connection: Connection, run: Run, *, state: State, known: int) -> int:
    """Freeze what is known and begin a new revision, which voids an approval. Returns the revision."""
    given = {"run": run.id, "state": state, "known": known}
    return int(connection.execute(COLLECT, given).scalar_one())


def move(connection: Connection, run: Run, state: State) -> None:
    """Into another state."""
    connection.execute(MOVE, {"run": run.id, "state": state})


def calculated(connection: Connection, run: Run, *, state: State, hash: str) -> None:  # noqa: A002
    """Into another state, with the hash over its drafts."""
    connection.execute(CALCULATED, {"run": run.id, "state": state, "hash": hash})


def approve(connection: Connection, run: Run, *, state: State, at: datetime, by: str) -> None:
    """Approved as it is now."""
    connection.execute(APPROVE, {"run": run.id, "state": state, "at": at, "by": by, "hash": run.hash})


def begin_issue(connection: Connection, run: Run, *, state: State, day: date) -> None:
    """Issuing has begun; a date once set stays."""
    connection.execute(BEGIN_ISSUE, {"run": run.id, "state": state, "day": day})


def add_drafts(connection: Connection, run: Run, revision: int, rows: Sequence[Mapping[str, object]]) -> None:
    """The contracts of a revision: `collected` ones are calculated next.

    Keys: contract, contract_name, period, state, reason, hash.
    """
    connection.execute(ADD_DRAFTS, {"run": run.id, "revision": revision, "rows": packed(rows)})


def waiting(connection: Connection, run: Run, most: int, *, after: int) -> tuple[Waiting, ...]:
    """The next drafts that are not calculated yet and that nobody else works on, locked, by contract.

    after: a contract's id; no draft up to it is looked at again.
    """
    given = {"run": run.id, "revision": run.revision, "most": most, "after": after}
    given |= {"fewest": FEWEST, "shares": SHARES, "looked": most * SHARES}
    return tuple(Waiting(*row) for row in connection.execute(WAITING, given))


def still_waiting(connection: Connection, run: Run, contracts: Sequence[int]) -> tuple[Waiting, ...]:
    """Those of these contracts' drafts that are not calculated yet and that nobody else works on, locked."""
    given = {"run": run.id, "revision": run.revision, "contracts": list(contracts)}
    return tuple(Waiting(*row) for row in connection.execute(AMONG, given))


def left(connection: Connection, run: Run) -> int:
    """How many drafts are not calculated yet, whoever works on them."""
    return int(connection.execute(LEFT, {"run": run.id, "revision": run.revision}).scalar_one())


def save_drafts(connection: Connection, run: Run, rows: Sequence[Mapping[str, object]]) -> None:
    """What was calculated, by contract. document: as JSON text, if there is one."""
    if not rows:
        return
    documents: list[object] = []
    packing: list[dict[str, object]] = []
    for row in rows:
        words = dict(row)
        if "document" in words:
            documents.append(words.pop("document"))
            words["drawn"] = len(documents)
        packing.append(words)
    given = {
        "run": run.id,
        "revision": run.revision,
        "rows": _ROWS.encode(packing).decode(),
        "among": [row["contract"] for row in rows],
        "documents": documents,
    }
    connection.exec_driver_sql(SAVE_DRAFTS, given)


def exclude(connection: Connection, run: Run, contract: str, *, reason: str, hash: str) -> bool:  # noqa: A002
    """Leave a contract out of this run. Whether it was in it."""
    given = {"run": run.id, "revision": run.revision, "contract": contract, "reason": reason, "hash": hash}
    return bool(connection.execute(EXCLUDE, given).rowcount)


def hashes(connection: Connection, run: Run) -> Iterator[tuple[str, str]]:
    """Contract and hash of every draft of the revision, by contract; a thousand are held at a time."""
    given = {"run": run.id, "revision": run.revision}
    rows = connection.execute(HASHES, given, execution_options={"yield_per": 1_000})
    return ((row.contract_name, row.hash) for row in rows)


def counts(connection: Connection, run: Run) -> list[dict[str, Any]]:
    """Drafts and sums by state and currency."""
    rows = connection.execute(COUNTS, {"run": run.id, "revision": run.revision}).mappings()
    return [dict(row) for row in rows]


def blocked(connection: Connection, run: Run) -> list[str]:
    """Contracts whose drafts are blocked, the first 20."""
    rows = connection.execute(BLOCKED, {"run": run.id, "revision": run.revision})
    return list(rows.scalars())


def drafts(
    connection: Connection, run: Run, *, documents: bool, most: int, state: DraftState | None = None
) -> list[dict[str, Any]]:
    """The first drafts of the revision, by contract; with or without what would be printed. state: only these."""
    given = {"run": run.id, "revision": run.revision, "documents": documents, "most": most, "state": state}
    rows = connection.execute(DRAFTS, given).mappings()
    return [dict(row) for row in rows]


def document(connection: Connection, run: Run, contract: str) -> dict[str, Any] | None:
    """The document of one draft, by the contract's name."""
    given = {"run": run.id, "revision": run.revision, "contract": contract}
    found: dict[str, Any] | None = connection.execute(DOCUMENT, given).scalar()
    return found


def bundled(connection: Connection, run: Run, contract: str) -> list[dict[str, Any]]:
    """Documents that would share one with that of a contract, itself among them; empty where it stands alone."""
    given = {"run": run.id, "revision": run.revision, "contract": contract}
    return list(connection.execute(BUNDLED, given).scalars())


def documents(connection: Connection, run: Run, contracts: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Whole documents of drafts, by contract."""
    given = {"run": run.id, "revision": run.revision, "contracts": list(contracts)}
    return {row.contract: row.document for row in connection.execute(DOCUMENTS, given)}


def fail(connection: Connection, run: Run, contracts: Sequence[int], reason: str) -> None:
    """These drafts cannot be issued as they were approved; they wait for another run."""
    given = {"run": run.id, "revision": run.revision, "contracts": list(contracts), "reason": reason}
    connection.execute(FAIL, given)


def revisions(
    connection: Connection, run: Run, *, before: int, after: int
) -> Iterator[tuple[str, dict[str, Any] | None, dict[str, Any] | None]]:
    """Contract and its document in two revisions of a run, where they may differ; few are held at a time."""
    given = {"run": run.id, "before": before, "after": after}
    rows = connection.execute(REVISIONS, given, execution_options={"yield_per": 50})
    return ((row.contract_name, row.before, row.after) for row in rows)


def findings(connection: Connection, run: Run, contract: str) -> Any:
    """Contract id, findings and hash of a blocked draft, locked; None if there is none."""
    given = {"run": run.id, "revision": run.revision, "contract": contract}
    return connection.execute(FINDINGS, given).first()


def overrides(connection: Connection, run: Run) -> list[Any]:
    """Contract id, code and author of each override of the revision."""
    return list(connection.execute(OVERRIDES, {"run": run.id, "revision": run.revision}))


def override(connection: Connection, run: Run, row: Mapping[str, object]) -> None:
    """Append an override. Keys: contract, code, reason, by, at."""
    connection.execute(OVERRIDE, {"run": run.id, "revision": run.revision, **row})


def release(connection: Connection, run: Run, contract: int, hash: str) -> None:  # noqa: A002
    """A blocked draft may be issued now."""
    given = {"run": run.id, "revision": run.revision, "contract": contract, "hash": hash}
    connection.execute(RELEASE, given)
