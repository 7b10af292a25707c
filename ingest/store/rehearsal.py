"""What storing readings would do, found out in temporary tables of one transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from ingest.store.reading import EXTENT, Conflict, Written, stage

REHEARSAL = text("""
    CREATE TEMPORARY TABLE rehearsal (register int, at timestamptz, value bigint, PRIMARY KEY (register, at))
    ON COMMIT DROP
""")
STANDING = text("""
    INSERT INTO rehearsal (register, at, value)
    SELECT s.register, s.at, r.value FROM staging AS s
    CROSS JOIN LATERAL (
        SELECT r.value FROM ingest.reading AS r
        WHERE r.register = s.register AND r.at = s.at AND r.at BETWEEN :first AND :last LIMIT 1
    ) AS r
    ON CONFLICT DO NOTHING
""")
NEW = text("""
    INSERT INTO rehearsal (register, at, value) SELECT register, at, value FROM staging ORDER BY register, at, n
    ON CONFLICT DO NOTHING
""")
CLASHES = text("""
    SELECT s.n, r.value, s.value FROM staging AS s JOIN rehearsal AS r ON r.register = s.register AND r.at = s.at
    WHERE r.value <> s.value ORDER BY s.n
""")
CLEAR = text("DELETE FROM staging")
REFUSALS = text("CREATE TEMPORARY TABLE refusal (payload_hash bytea PRIMARY KEY) ON COMMIT DROP")
REFUSE = text("""
    INSERT INTO refusal SELECT u.payload_hash
    FROM unnest(cast(:topics AS text[]), cast(:hashes AS bytea[])) AS u (topic, payload_hash)
    WHERE NOT EXISTS (
        SELECT FROM ingest.quarantine AS q
        WHERE q.topic = u.topic AND q.payload_hash = u.payload_hash AND q.item = 0)
    ON CONFLICT DO NOTHING
""")


def begin(connection: Connection) -> None:
    """Begin to find out, in this transaction, what would be stored; it is to be rolled back."""
    connection.execute(REHEARSAL)
    connection.execute(REFUSALS)


def accept(connection: Connection, rows: Sequence[bytes]) -> Written:
    """What reading.accept would say of these rows after those rehearsed before."""
    stage(connection, rows)
    connection.execute(STANDING, connection.execute(EXTENT).one()._asdict())
    stored = connection.execute(NEW).rowcount
    conflicts = tuple(Conflict(*row) for row in connection.execute(CLASHES))
    connection.execute(CLEAR)
    return Written(stored, conflicts)


def refuse(connection: Connection, entries: Sequence[tuple[str, bytes]]) -> int:
    """How many of these entries (topic, hash) the quarantine would not know yet."""
    topics, hashes = zip(*entries, strict=True) if entries else ((), ())
    return connection.execute(REFUSE, {"topics": list(topics), "hashes": list(hashes)}).rowcount
