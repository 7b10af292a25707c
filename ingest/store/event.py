"""Identities of CloudEvents that were taken whole."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, text

KNOWN = text("SELECT identity, content FROM ingest.cloud_event WHERE identity = ANY(:identities)")
ADD = text("""
    INSERT INTO ingest.cloud_event (identity, content, known)
    SELECT u.*, :known FROM unnest(cast(:identities AS bytea[]), cast(:contents AS bytea[])) AS u
    ON CONFLICT DO NOTHING
""")


def contents(connection: Connection, identities: Iterable[bytes]) -> dict[bytes, bytes]:
    """The content of each identity that is known."""
    rows = connection.execute(KNOWN, {"identities": list(identities)})
    return {bytes(row.identity): bytes(row.content) for row in rows}


def add(connection: Connection, events: Mapping[bytes, bytes], *, known: int) -> None:
    """Remember identities with their contents."""
    if events:
        columns = {"identities": list(events), "contents": list(events.values())}
        connection.execute(ADD, {**columns, "known": known})
