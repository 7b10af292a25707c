"""Accounts at the broker. Only hashes are kept; revoking is a fact of its own."""

from datetime import datetime

from sqlalchemy import Connection, text

CREATE = text("""
    INSERT INTO ingest.credential (name, kind, hash, created_at, author)
    SELECT :name, :kind, :hash, :at, :author
    WHERE :kind = 'ingester' OR EXISTS (SELECT FROM ingest.device WHERE name = :name)
    ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at, author = excluded.author,
        revoked_at = NULL
    WHERE credential.kind = excluded.kind
""")
REVOKE = text("UPDATE ingest.credential SET revoked_at = :at WHERE name = :name AND revoked_at IS NULL")
ACTIVE = text("SELECT name, kind, hash FROM ingest.credential WHERE revoked_at IS NULL ORDER BY name")


def create(connection: Connection, at: datetime, *, name: str, kind: str, hashed: str, author: str) -> bool:
    """Give an account its only password; False if no device has this name, or the account is of the other kind."""
    row = {"name": name, "kind": kind, "hash": hashed, "at": at, "author": author}
    return connection.execute(CREATE, row).rowcount == 1


def revoke(connection: Connection, at: datetime, name: str) -> bool:
    """Close an account; False if there is none open."""
    return connection.execute(REVOKE, {"name": name, "at": at}).rowcount == 1


def active(connection: Connection) -> list[tuple[str, str, str]]:
    """Name, kind and hash of every open account."""
    return [(row.name, row.kind, row.hash) for row in connection.execute(ACTIVE)]
