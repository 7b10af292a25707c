"""What an operator must look at, because the ingester cannot mend it alone."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

ADD = text("""
    INSERT INTO ingest.alarm (at, kind, client, detail) VALUES (:at, :kind, :client, cast(:detail AS jsonb))
""")
RECENT = text("SELECT at, kind, client, detail FROM ingest.alarm ORDER BY at DESC, id DESC LIMIT :most")
HAS_WORKED = text("SELECT EXISTS (SELECT FROM ingest.batch WHERE client = :client)")


class Alarm(NamedTuple):
    """kind: what happened, e.g. `session_lost`, whose detail holds the gaps known at that moment."""

    at: datetime
    kind: str
    client: str
    detail: dict[str, Any]


def add(connection: Connection, at: datetime, *, kind: str, client: str, detail: Mapping[str, object]) -> None:
    """Append an alarm."""
    connection.execute(ADD, {"at": at, "kind": kind, "client": client, "detail": json.dumps(detail)})


def recent(connection: Connection, *, most: int = 50) -> list[Alarm]:
    """The newest first."""
    return [Alarm(*row) for row in connection.execute(RECENT, {"most": most})]


def has_worked(connection: Connection, client: str) -> bool:
    """Whether this ingester ever committed anything."""
    return bool(connection.execute(HAS_WORKED, {"client": client}).scalar_one())
