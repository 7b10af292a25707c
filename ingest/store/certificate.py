"""Certificates that accounts were given. Their keys are not kept; revoking is a fact of its own."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from ingest.broker import Account

ADD = text("""
    INSERT INTO ingest.certificate (serial, name, kind, issuer, not_after, created_at, author)
    SELECT :serial, :name, :kind, :issuer, :not_after, :at, :author
    WHERE (:kind = 'ingester' OR EXISTS (SELECT FROM ingest.device WHERE name = :name))
        AND NOT EXISTS (SELECT FROM ingest.certificate WHERE name = :name AND kind <> :kind)
        AND NOT EXISTS (SELECT FROM ingest.credential WHERE name = :name AND kind <> :kind)
""")
REVOKE = text(
    "UPDATE ingest.certificate SET revoked_at = :at WHERE name = :name AND revoked_at IS NULL RETURNING serial"
)
ALL = text("""
    SELECT serial, name, kind, not_after, created_at, author, revoked_at FROM ingest.certificate
    ORDER BY name, created_at
""")
# What has expired is refused for that; the list stays short.
REVOKED = text("""
    SELECT serial, revoked_at FROM ingest.certificate
    WHERE issuer = :issuer AND revoked_at IS NOT NULL AND not_after > :at ORDER BY revoked_at, serial
""")
ACCOUNTS = text("""
    SELECT name, kind, bool_or(is_open) AS is_open FROM (
        SELECT name, kind, revoked_at IS NULL AND not_after > :at AS is_open FROM ingest.certificate
        UNION ALL
        SELECT name, kind, revoked_at IS NULL FROM ingest.credential
    ) AS a GROUP BY name, kind ORDER BY name
""")
ADD_LIST = text("INSERT INTO ingest.revocation_list (issuer, exported_at, good_until) VALUES (:issuer, :at, :until)")
# A certificate that another one of the same account outlives needs nobody's attention.
ENDING = text("""
    INSERT INTO ingest.alarm (at, kind, client, detail)
    SELECT :at, e.kind, e.client, e.detail FROM (
        SELECT 'certificate_ends' AS kind, c.name AS client,
            jsonb_build_object('serial', c.serial, 'good_until', c.not_after) AS detail
        FROM ingest.certificate AS c
        WHERE c.revoked_at IS NULL AND c.not_after < :soon AND NOT EXISTS (
            SELECT FROM ingest.certificate AS o
            WHERE o.name = c.name AND o.revoked_at IS NULL AND (o.not_after, o.serial) > (c.not_after, c.serial))
        UNION ALL
        SELECT 'revocation_list_ends', 'broker', jsonb_build_object('authority', l.issuer, 'good_until', l.good_until)
        FROM (SELECT DISTINCT ON (issuer) * FROM ingest.revocation_list ORDER BY issuer, id DESC) AS l
        WHERE l.good_until < :soon
    ) AS e
    WHERE NOT EXISTS (
        SELECT FROM ingest.alarm AS a WHERE a.kind = e.kind AND a.client = e.client AND a.detail = e.detail)
""")


class Certificate(NamedTuple):
    """serial: in hexadecimal; not_after: the instant at which it ends by itself."""

    serial: str
    name: str
    kind: str
    not_after: datetime
    created_at: datetime
    author: str
    revoked_at: datetime | None


def add(connection: Connection, at: datetime, one: Certificate, *, issuer: str) -> bool:
    """Keep what was issued; False if no device has this name, or the account is of the other kind."""
    row = one._asdict() | {"issuer": issuer, "at": at}
    return connection.execute(ADD, row).rowcount == 1


def revoke(connection: Connection, at: datetime, name: str) -> list[str]:
    """Revoke all certificates of a name; their serials."""
    return list(connection.execute(REVOKE, {"name": name, "at": at}).scalars())


def everything(connection: Connection) -> list[Certificate]:
    """Every certificate by name and age."""
    return [Certificate(*row) for row in connection.execute(ALL)]


def revoked(connection: Connection, at: datetime, *, issuer: str) -> list[tuple[str, datetime]]:
    """What a revocation list of this authority must name: serials and since when."""
    return [(row.serial, row.revoked_at) for row in connection.execute(REVOKED, {"issuer": issuer, "at": at})]


def add_list(connection: Connection, at: datetime, *, issuer: str, until: datetime) -> None:
    """Note until when a revocation list, signed now, is good."""
    connection.execute(ADD_LIST, {"issuer": issuer, "at": at, "until": until})


def raise_alarms(connection: Connection, at: datetime, *, within: timedelta) -> int:
    """One alarm for each certificate or revocation list that ends soon or has ended; how many are new."""
    return connection.execute(ENDING, {"at": at, "soon": at + within}).rowcount


def accounts(connection: Connection, at: datetime) -> list[Account]:
    """Everybody who has or had a password or a certificate."""
    return [Account(*row) for row in connection.execute(ACCOUNTS, {"at": at})]
