"""Backfills: who imported which file, what each step of it wrote, and what was taken back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import Connection, text

Status: TypeAlias = Literal["open", "closed", "reverted"]
Kind: TypeAlias = Literal["import", "void", "restore"]

SELECT = """
    SELECT b.id, b.public_id, b.opened_at, b.author, b.reason, b.since, b.file, coalesce(c.status, 'open') AS status,
        coalesce((SELECT max(s.upto) FROM ingest.backfill_step AS s WHERE s.backfill = b.id AND s.kind = 'import'), 0)
            AS records
    FROM ingest.backfill AS b
    LEFT JOIN LATERAL (
        SELECT status FROM ingest.backfill_change WHERE backfill = b.id ORDER BY known DESC LIMIT 1
    ) AS c ON true
"""
ALL = text(f"{SELECT} ORDER BY b.id DESC LIMIT :most")
ONE = text(f"{SELECT} WHERE b.public_id = :public_id")
UNFINISHED = text(f"{SELECT} WHERE b.identity = :identity AND c.status IS NULL ORDER BY b.id DESC LIMIT 1")
OPEN = text("""
    INSERT INTO ingest.backfill (public_id, opened_at, author, reason, since, file, identity)
    VALUES (:public_id, :opened_at, :author, :reason, :since, :file, :identity)
""")
STEP = text("""
    INSERT INTO ingest.backfill_step (known, backfill, kind, after, upto, first_at, last_at)
    VALUES (:known, :backfill, :kind, :after, :upto, :first_at, :last_at)
""")
CHANGE = text("""
    INSERT INTO ingest.backfill_change (backfill, known, at, status, author, reason)
    VALUES (:backfill, :known, :at, :status, :author, :reason)
""")
STEPS = text("""
    SELECT known, kind, after, upto, first_at, last_at FROM ingest.backfill_step
    WHERE backfill = :backfill AND kind = :kind ORDER BY known
""")
COUNTS = text("""
    SELECT coalesce(sum(received), 0), coalesce(sum(stored), 0), coalesce(sum(duplicate), 0),
        coalesce(sum(quarantined), 0)
    FROM ingest.batch WHERE known IN (
        SELECT known FROM ingest.backfill_step WHERE backfill = :backfill AND kind = 'import')
""")


class UnknownBackfill(LookupError):
    """No backfill has this name."""


class Backfill(NamedTuple):
    """An import. since: readings from here on are allowed; records: of its file that are committed."""

    id: int
    public_id: str
    opened_at: datetime
    author: str
    reason: str
    since: datetime | None
    file: str
    status: Status
    records: int


class Step(NamedTuple):
    """One commit: of records [after, upto) of the file; or of `upto` corrections that undo the step `after`."""

    known: int
    kind: Kind
    after: int
    upto: int
    first_at: datetime | None
    last_at: datetime | None


class Opening(NamedTuple):
    """What is said of a backfill when it is opened."""

    public_id: str
    opened_at: datetime
    author: str
    reason: str
    since: datetime | None
    file: str
    identity: bytes


class Sums(NamedTuple):
    """Items of all its commits: received = stored + duplicate + quarantined."""

    received: int
    stored: int
    duplicate: int
    quarantined: int


def open_(connection: Connection, opening: Opening) -> None:
    """Append a backfill; it is open until a change says something else."""
    connection.execute(OPEN, opening._asdict())


def unfinished(connection: Connection, identity: bytes) -> Backfill | None:
    """The open backfill of the same file, read alike: what an interrupted import left."""
    row = connection.execute(UNFINISHED, {"identity": identity}).first()
    return Backfill(*row) if row else None


def named(connection: Connection, public_id: str) -> Backfill:
    """A backfill as it stands. Raises UnknownBackfill."""
    row = connection.execute(ONE, {"public_id": public_id}).first()
    if row is None:
        raise UnknownBackfill(f"no backfill is called {public_id}; `yardstick readings backfill list` shows them")
    return Backfill(*row)


def newest(connection: Connection, *, most: int) -> list[Backfill]:
    """The newest first."""
    return [Backfill(*row) for row in connection.execute(ALL, {"most": most})]


def add_step(connection: Connection, backfill: int, step: Step) -> None:
    """Append a step. The database refuses a second import of the same records."""
    connection.execute(STEP, {"backfill": backfill, **step._asdict()})


def change(  # the change's own facts
    connection: Connection, backfill: int, at: datetime, *, status: Status, author: str, reason: str, known: int
) -> None:
    """Append a change of status."""
    said = {"backfill": backfill, "at": at, "status": status, "author": author, "reason": reason, "known": known}
    connection.execute(CHANGE, said)


def steps(connection: Connection, backfill: int, kind: Kind) -> Sequence[Step]:
    """Steps of a kind, in the order in which they were committed."""
    return [Step(*row) for row in connection.execute(STEPS, {"backfill": backfill, "kind": kind})]


def sums(connection: Connection, backfill: int) -> Sums:
    """What became of its items."""
    return Sums(*map(int, connection.execute(COUNTS, {"backfill": backfill}).one()))
