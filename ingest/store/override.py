"""Corrections of readings that stand: looked up, appended, listed. None is ever changed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from sqlalchemy import Connection, text

from ingest.override import Correction

RECEIVED = text("SELECT value FROM ingest.reading WHERE register = :register AND at = :at")
HISTORY = text("""
    SELECT value, known, reverts FROM ingest.reading_override WHERE register = :register AND at = :at ORDER BY known
""")
ADD = text("""
    INSERT INTO ingest.reading_override (register, at, value, known, author, reason, reverts)
    VALUES (:register, :at, :value, :known, :author, :reason, :reverts)
""")
NEWEST = """
    SELECT r.at, CASE WHEN o.known IS NULL THEN r.value ELSE o.value END AS value, r.received_at
    FROM ingest.reading AS r
    LEFT JOIN LATERAL (
        SELECT v.known, v.value FROM ingest.reading_override AS v
        WHERE v.register = r.register AND v.at = r.at ORDER BY v.known DESC LIMIT 1
    ) AS o ON true
    WHERE {of} AND (o.known IS NULL OR o.value IS NOT NULL)
    ORDER BY r.at DESC LIMIT 1
"""
"""The newest reading of a register that counts. of: which readings `r`."""
# Where the one at this instant was the newest, or is again.
FOLLOW = text(f"""
    UPDATE ingest.latest AS l SET at = n.at, value = n.value, received_at = n.received_at
    FROM ({NEWEST.format(of="r.register = :register")}) AS n WHERE l.register = :register AND l.at <= :at
""")  # noqa: S608 - our own text
LISTED = text("""
    SELECT o.known, k.at AS recorded_at, o.register AS register_id, d.name AS device, r.name AS register, o.at,
        o.value, r.kind, r.unit, r.resolution, o.author, o.reason, o.reverts
    FROM ingest.reading_override AS o
    JOIN ingest.register AS r ON r.id = o.register
    JOIN ingest.device AS d ON d.id = r.device
    LEFT JOIN core.knowledge_at AS k ON k.n = o.known
    WHERE (cast(:device AS text) IS NULL OR d.name = :device)
        AND (o.known, o.register, o.at) < (:known, :register, cast(:at AS timestamptz))
    ORDER BY o.known DESC, o.register DESC, o.at DESC LIMIT :most
""")


Key: TypeAlias = tuple[int, int, datetime]
FIRST: Key = (2**62, 0, datetime.max.replace(tzinfo=UTC))


class Listed(NamedTuple):
    """A correction as it is shown. value: ticks; None: the reading is void; reverts: `known` of what it takes back."""

    known: int
    recorded_at: datetime | None
    register_id: int
    device: str
    register: str
    at: datetime
    value: int | None
    kind: str
    unit: str
    resolution: Decimal
    author: str
    reason: str
    reverts: int | None


def received(connection: Connection, register: int, at: datetime) -> int | None:
    """The value that stands since its receipt, in ticks; None: there is no such reading."""
    found = connection.execute(RECEIVED, {"register": register, "at": at}).scalar_one_or_none()
    return None if found is None else int(found)


def history(connection: Connection, register: int, at: datetime) -> list[Correction]:
    """All corrections of a reading, oldest first."""
    return [Correction(*row) for row in connection.execute(HISTORY, {"register": register, "at": at})]


def add(  # the row's columns
    connection: Connection, register: int, at: datetime, one: Correction, *, author: str, reason: str
) -> None:
    """Append a correction; it counts for everything that is known from `one.known` on."""
    row = one._asdict() | {"register": register, "at": at, "author": author, "reason": reason}
    connection.execute(ADD, row)


def follow(connection: Connection, register: int, at: datetime) -> None:
    """After a correction at this instant: what is shown as the newest is the newest that counts."""
    connection.execute(FOLLOW, {"register": register, "at": at})


def newest(connection: Connection, *, device: str | None, before: Key = FIRST, most: int) -> Sequence[Listed]:
    """The newest corrections first. before: `known`, register and instant of the last one seen."""
    asked = dict(zip(("known", "register", "at"), before, strict=True))
    rows = connection.execute(LISTED, {**asked, "device": device, "most": most})
    return [Listed(*row) for row in rows]
