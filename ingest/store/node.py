"""Births and deaths of Sparkplug nodes, and what waits for a birth."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from sqlalchemy import Connection, text

from core.time import micros
from ingest.wire.node import Node, rebuilt
from ingest.wire.route import Route, route_of

ADD = text("""
    INSERT INTO ingest.node_life (node, received_at, topic, payload, known)
    SELECT u.*, :known FROM unnest(
        cast(:node AS text[]), cast(:received_at AS timestamptz[]), cast(:topic AS text[]),
        cast(:payload AS bytea[])) AS u
    ON CONFLICT DO NOTHING
""")
# Of each topic the last one counts, and none from before the node's own birth; but messages that were held before its
# death are not replayed, so its last death stays.
FORGET = text("""
    DELETE FROM ingest.node_life AS l
    USING (
        SELECT node, topic, max(received_at) AS last,
            max(max(received_at)) FILTER (WHERE split_part(topic, '/', 3) = 'NBIRTH') OVER (PARTITION BY node) AS born
        FROM ingest.node_life WHERE node = ANY(:nodes) GROUP BY node, topic
    ) AS t
    WHERE l.node = t.node AND l.topic = t.topic
        AND (l.received_at < t.last OR (l.received_at < t.born AND split_part(l.topic, '/', 3) <> 'NDEATH'))
""")
# A birth or a death of the node itself ends whatever was before.
LIVES = text("""
    SELECT l.node, l.topic, l.payload, l.received_at FROM ingest.node_life AS l
    WHERE l.received_at >= coalesce((
        SELECT max(b.received_at) FROM ingest.node_life AS b
        WHERE b.node = l.node AND split_part(b.topic, '/', 3) = 'NBIRTH'), '-infinity')
    ORDER BY l.node, l.received_at, l.topic
""")
HELD = text("""
    SELECT q.topic, q.payload_hash, q.payload, q.received_at FROM ingest.quarantine AS q
    WHERE q.reason = 'no_birth' AND q.item = -1 AND (q.device = :device OR starts_with(q.device, :device || '.'))
        AND q.received_at > coalesce((
            SELECT max(l.received_at) FROM ingest.node_life AS l
            WHERE l.node = :node AND split_part(l.topic, '/', 3) = 'NDEATH'), '-infinity')
        AND NOT EXISTS (
            SELECT FROM ingest.quarantine_action AS a
            WHERE (a.topic, a.payload_hash, a.item) = (q.topic, q.payload_hash, q.item))
    ORDER BY q.received_at LIMIT :most
""")
REPLAYED = text("""
    INSERT INTO ingest.quarantine_action (topic, payload_hash, item, action, actor, note, at, known)
    SELECT u.topic, u.payload_hash, -1, 'replay', 'ingester', :note, :at, :known
    FROM unnest(cast(:topic AS text[]), cast(:payload_hash AS bytea[])) AS u (topic, payload_hash)
    ON CONFLICT DO NOTHING
""")


class Life(NamedTuple):
    """A birth or a death of a node (`group/node`) or of one of its devices."""

    node: str
    received_at: datetime
    topic: str
    payload: bytes


class Held(NamedTuple):
    """A message that waits for a birth."""

    topic: str
    payload_hash: bytes
    payload: bytes
    received_at: datetime


def add(connection: Connection, lives: Sequence[Life], *, known: int) -> None:
    """Remember births and deaths, and forget those that they make void."""
    if lives:
        columns = {name: [getattr(life, name) for life in lives] for name in Life._fields}
        connection.execute(ADD, {**columns, "known": known})
        connection.execute(FORGET, {"nodes": sorted({life.node for life in lives})})


def living(connection: Connection) -> dict[str, Node]:
    """Every node as its births and deaths left it."""
    found = connection.execute(LIVES).all()
    return {
        name: rebuilt(_told((row.topic, row.payload, row.received_at) for row in rows))
        for name, rows in groupby(found, key=lambda row: str(row.node))
    }


def _told(rows: Iterable[tuple[str, bytes, datetime]]) -> Iterator[tuple[Route, bytes, int]]:
    for topic, payload, received_at in rows:
        route = route_of(topic.encode())
        if route is not None:
            yield route, bytes(payload), micros(received_at)


def held(connection: Connection, node: str, *, most: int) -> list[Held]:
    """What was received since the node's last death and could not be understood, oldest first."""
    rows = connection.execute(HELD, {"node": node, "device": node.replace("/", "."), "most": most})
    return [Held(row.topic, bytes(row.payload_hash), bytes(row.payload), row.received_at) for row in rows]


def replayed(connection: Connection, at: datetime, messages: Sequence[Held], *, node: str, known: int) -> None:
    """Take messages off the work list."""
    columns = {"topic": [one.topic for one in messages], "payload_hash": [one.payload_hash for one in messages]}
    connection.execute(REPLAYED, {**columns, "note": f"birth of {node}", "at": at, "known": known})
