"""The three tables that everyone writes in the caller's transaction: knowledge, audit, outbox."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from core import canonical

DRAW = text("SELECT core.draw_knowledge()")
CURRENT = text("SELECT n FROM core.knowledge")
AS_OF = text("SELECT coalesce(max(n), 0) FROM core.knowledge_at WHERE at <= :at")
AUDIT = text("""
    INSERT INTO core.audit (at, actor, action, object, detail)
    VALUES (:at, :actor, :action, :object, cast(:detail AS jsonb))
""")
AUDIT_ALL = text("""
    INSERT INTO core.audit (at, actor, action, object, detail)
    SELECT :at, :actor, :action, object, detail
    FROM json_to_recordset(cast(:rows AS json)) AS r(object text, detail jsonb)
""")
POST = text("INSERT INTO core.outbox (at, topic, key, payload) VALUES (:at, :topic, :key, cast(:payload AS jsonb))")


def draw_knowledge(connection: Connection) -> int:
    """The next knowledge number; facts written in this transaction carry it.

    Holds a row lock until the transaction ends, which makes number order commit order: draw it last, commit soon.
    """
    return int(connection.execute(DRAW).scalar_one())


def current_knowledge(connection: Connection) -> int:
    """The last committed knowledge number."""
    return int(connection.execute(CURRENT).scalar_one())


def knowledge_as_of(connection: Connection, at: datetime) -> int:
    """The greatest knowledge number drawn at or before `at`; 0 if there was none."""
    return int(connection.execute(AS_OF, {"at": at}).scalar_one())


def audit(
    connection: Connection,
    at: datetime,
    *,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
) -> None:
    """Append who did what to which subject, e.g. actor `person:anna`, action `run.approve`, subject `run_…`."""
    row = {"at": at, "actor": actor, "action": action, "object": subject, "detail": json.dumps(detail)}
    connection.execute(AUDIT, row)


def audit_all(
    connection: Connection, at: datetime, *, actor: str, action: str, details: Mapping[str, Mapping[str, object]]
) -> None:
    """Append that somebody did the same to many subjects. details: by subject."""
    rows = packed([{"object": subject, "detail": detail} for subject, detail in details.items()])
    connection.execute(AUDIT_ALL, {"at": at, "actor": actor, "action": action, "rows": rows})


def post(connection: Connection, at: datetime, *, topic: str, key: str, payload: Mapping[str, object]) -> None:
    """Leave a message for delivery after commit, e.g. topic `invoice.issued`, key the invoice's public id."""
    connection.execute(POST, {"at": at, "topic": topic, "key": key, "payload": json.dumps(payload)})


def packed(rows: Sequence[Mapping[str, object]]) -> str:
    """Many rows as one JSON text for `json_to_recordset`, which is set-wise also where row-level security forbids COPY.

    Decimals, times and the like become text, which PostgreSQL casts exactly.
    """
    return json.dumps(rows, default=canonical.plain, ensure_ascii=False, allow_nan=False)
