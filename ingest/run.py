"""Use cases: a batch of messages, or a device file, into the database in one transaction."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from core.database import transaction
from core.store import audit, current_knowledge, draw_knowledge
from core.time import instant, micros
from ingest.batch import Arrival, Batch, Origin, device_of, evidence, examine
from ingest.catalogue import Catalogue
from ingest.reason import Reason, Rejected
from ingest.registry import Registry
from ingest.sequence import Receipt, runs
from ingest.store import alarm, event, quarantine, reading, sequence
from ingest.store import batch as batches
from ingest.store import node as nodes
from ingest.store.batch import Counts
from ingest.store.quarantine import MOST_OF_LARGE, Entry
from ingest.wire.node import Node
from ingest.wire.route import route_of

if TYPE_CHECKING:
    from ingest.store.catalogue import Declared

MOST_REPLAYED = 10_000
"""Messages that one birth brings back at most; the next one brings the next."""
DATA_FAULTS = ("22", "23")
"""SQLSTATE classes that mean: this row, whenever it is tried."""


class Outcome(NamedTuple):
    """What was committed, by transaction; the receipts that may be given for it; why items were quarantined."""

    counts: list[Counts]
    receipts: list[Receipt]
    reasons: Counter[str]


class Share(NamedTuple):
    """The part of a batch that one transaction takes: rows [start, stop), what was refused, how many messages."""

    start: int
    stop: int
    refused: tuple[tuple[int, Rejected], ...]
    messages: int

    @property
    def is_one(self) -> bool:
        """Whether it holds a single item."""
        return self.stop - self.start + len(self.refused) == 1

    def halves(self) -> tuple["Share", "Share"]:
        """Rows apart from refusals, else each in two; to find the item that the database refuses."""
        if self.start < self.stop and self.refused:
            return Share(self.start, self.stop, (), self.messages), Share(self.stop, self.stop, self.refused, 0)
        row, refusal = (self.start + self.stop) // 2, len(self.refused) // 2
        first = Share(self.start, row, self.refused[:refusal], self.messages)
        return first, Share(row, self.stop, self.refused[refusal:], 0)


def write(engine: Engine, batch: Batch, at: datetime, *, client: str, live: bool = False) -> Outcome:
    """Write a batch, in one transaction unless the database refuses a row. live: tell listeners.

    A refused row is found by halving and quarantined as poison. Raises DBAPIError or psycopg.Error when the database
    cannot be used; what was committed until then is a duplicate next time.
    """
    if batch.identities:
        batch = _without_repeated(engine, batch)
    whole = Share(0, len(batch.rows), tuple(batch.refused), len(batch.arrivals))
    outcome = Outcome([], [], Counter())
    if not (batch.rows or batch.refused or batch.numbers or batch.lives or batch.repeated):
        return outcome
    commit = partial(_commit, engine, batch, at, client=client, live=live, outcome=outcome)
    outcome.counts.extend(_write(commit, batch, whole))
    if len(outcome.counts) > 1:
        outcome.receipts.extend(_note(engine, batch, at))
    return outcome


def _note(engine: Engine, batch: Batch, at: datetime) -> list[Receipt]:
    """Message numbers of a batch that took several transactions: after the last, when every message is whole."""
    with transaction(engine) as connection:
        return _note_in(connection, batch, at, known=draw_knowledge(connection))


def _note_in(connection: Connection, batch: Batch, at: datetime, *, known: int) -> list[Receipt]:
    event.add(connection, {identity: _content(batch, n) for n, identity in batch.identities}, known=known)
    nodes.add(connection, [_life(batch.arrivals[n]) for n in batch.lives], known=known)
    noted = sequence.note(connection, at, runs(batch.numbers), known=known)
    if noted.begun and (begins := batch.begins(set(noted.begun))):
        sequence.begin(connection, begins, known=known)
    return noted.receipts


def _life(arrival: Arrival) -> nodes.Life:
    route = route_of(arrival.topic)
    return nodes.Life(
        route.node if route else "", instant(arrival.received_at), arrival.topic.decode(), arrival.payload
    )


def _content(batch: Batch, number: int) -> bytes:
    return quarantine.digest(batch.arrivals[number].payload)


def _without_repeated(engine: Engine, batch: Batch) -> Batch:
    """Without the events that came before. The same again counts as duplicates; another content is refused."""
    with transaction(engine) as connection:
        known = event.contents(connection, {identity for _, identity in batch.identities})
    repeated = set[int]()
    refused: list[tuple[int, Rejected]] = []
    for number, identity in batch.identities:
        content = _content(batch, number)
        if identity not in known:
            known[identity] = content
            continue
        repeated.add(number)
        if known[identity] != content:
            refused.append((number, Rejected(Reason.REUSED_EVENT, "the first content under its source and id stands")))
    return batch.without(repeated, refused) if repeated else batch


def living(engine: Engine) -> dict[str, Node]:
    """The Sparkplug nodes as their births and deaths left them."""
    with transaction(engine) as connection:
        return nodes.living(connection)


def replay(engine: Engine, registry: Registry, name: str, node: Node, at: datetime, *, client: str) -> Outcome:
    """Judge again what waited for a birth of this node (`group/node`); what still waits stays in quarantine."""
    with transaction(engine) as connection:
        waiting = nodes.held(connection, name, most=MOST_REPLAYED)
    batch, understood = Batch(), list[nodes.Held]()
    for one in waiting:
        arrival = Arrival(0, 0, 0, one.topic.encode(), one.payload, micros(one.received_at))
        examined = examine(arrival, registry, {name: node})
        if all(rejected.reason is not Reason.NO_BIRTH for rejected in examined.rejected):
            batch.add(arrival, examined)
            understood.append(one)
    if not understood:
        return Outcome([], [], Counter())
    outcome = write(engine, batch, at, client=client)
    with transaction(engine) as connection:
        nodes.replayed(connection, at, understood, node=name, known=draw_knowledge(connection))
    return outcome


def _write(commit: "partial[Counts]", batch: Batch, share: Share) -> Iterator[Counts]:
    try:
        yield commit(share)
    except (DBAPIError, psycopg.Error) as error:
        if not is_data_fault(error):
            raise
        if share.is_one:
            yield commit(_poisoned(batch, share, str(error).split("\n", 1)[0][:500]))
            return
    else:
        return
    for half in share.halves():
        yield from _write(commit, batch, half)


def _poisoned(batch: Batch, share: Share, detail: str) -> Share:
    """The one item as a refusal that cannot offend: its row left out, its detail our own."""
    if share.start < share.stop:
        origin = batch.origins[share.start]
    else:
        arrival, rejected = share.refused[0]
        origin = Origin(arrival, rejected.item)
    poison = Rejected(Reason.POISON, detail, origin.item)
    return Share(share.stop, share.stop, ((origin.arrival, poison),), share.messages)


def _commit(  # its last three arguments are the same for all shares
    engine: Engine,
    batch: Batch,
    at: datetime,
    share: Share,
    *,
    client: str,
    live: bool,
    outcome: Outcome,
) -> Counts:
    staged = share.stop - share.start
    noted = list[Receipt]()
    with transaction(engine) as connection:
        if staged:
            reading.stage(connection, batch.rows[share.start : share.stop])
        known = draw_knowledge(connection)
        written = reading.accept(connection, staged=staged, known=known) if staged else reading.NOTHING
        entries = [*entries_of(batch, share.refused), *entries_of(batch, conflicts_of(batch, written.conflicts))]
        reasons = quarantine.add(connection, entries, known=known)
        quarantined = reasons.total()
        is_whole = staged + len(share.refused) == len(batch.rows) + len(batch.refused)
        received = staged + len(share.refused) + (batch.repeated if share.messages else 0)
        counts = Counts(share.messages, received, written.stored, received - written.stored - quarantined, quarantined)
        batches.add(connection, at, client=client, known=known, counts=counts, first=written.first)
        if is_whole:
            noted = _note_in(connection, batch, at, known=known)
        if live:
            batches.notify(connection, newest=instant(batch.newest) if batch.newest else None, stored=written.stored)
    outcome.receipts.extend(noted)
    outcome.reasons.update(reasons)
    return counts


def committed_since(engine: Engine, known: int, *, client: str) -> tuple[Counts, Counter[str]]:
    """What this ingester has committed after K by its own accounts: counts, and quarantined items by reason."""
    with transaction(engine) as connection:
        return batches.since(connection, known, client=client), Counter(
            quarantine.reasons_since(connection, known, client=client)
        )


def known_now(engine: Engine) -> int:
    """The last committed knowledge number."""
    with transaction(engine) as connection:
        return current_knowledge(connection)


def session_lost(engine: Engine, at: datetime, *, client: str, surely: bool) -> list[Receipt] | None:
    """Raise an alarm with the gaps as of now; the receipts whose publishing asks devices for what is missing.

    surely: False if the session may be new because this client is; then None is returned unless it ever worked.
    """
    with transaction(engine) as connection:
        if not surely and not alarm.has_worked(connection, client):
            return None
        gaps = [gap._asdict() | {"heard_at": gap.heard_at.isoformat()} for gap in sequence.gaps(connection)]
        alarm.add(connection, at, kind="session_lost", client=client, detail={"gaps": gaps})
        return sequence.holed(connection)


def messages_dropped(engine: Engine, at: datetime, *, client: str, messages: int) -> None:
    """Raise an alarm about messages of QoS 0 that there was no room for."""
    with transaction(engine) as connection:
        alarm.add(connection, at, kind="qos0_dropped", client=client, detail={"messages": messages})


def unsent_receipts(engine: Engine, since: datetime) -> list[Receipt]:
    """Receipts of what changed since then: whoever committed it may have been killed before it could publish them."""
    with transaction(engine) as connection:
        return sequence.since(connection, since)


def is_data_fault(error: DBAPIError | psycopg.Error) -> bool:
    """Whether the same rows would be refused again."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return (getattr(cause, "sqlstate", None) or "")[:2] in DATA_FAULTS


def conflicts_of(batch: Batch, conflicts: Iterable[reading.Conflict]) -> Iterator[tuple[int, Rejected]]:
    """Rows that say something else than what stands, as refusals."""
    for conflict in conflicts:
        origin = batch.origins[conflict.n]
        detail = f"{conflict.sent} ticks were sent where {conflict.stored} ticks stand; the first stands"
        yield origin.arrival, Rejected(Reason.CONFLICT, detail, origin.item)


def entries_of(batch: Batch, refused: Iterable[tuple[int, Rejected]]) -> Iterator[Entry]:
    """Refused items with their evidence; a message is read again only once for all its items."""
    number, items = -1, dict[int, bytes]()
    for arrival_number, rejected in refused:
        arrival = batch.arrivals[arrival_number]
        if rejected.item >= 0 and number != arrival_number:
            number, items = arrival_number, evidence(batch, arrival_number)
        kept = items[rejected.item] if rejected.item in items else _whole(arrival, rejected)
        yield _entry(arrival, rejected, kept)


def _whole(arrival: Arrival, rejected: Rejected) -> bytes:
    return arrival.payload[:MOST_OF_LARGE] if rejected.reason is Reason.TOO_LARGE else arrival.payload


def _entry(arrival: Arrival, rejected: Rejected, kept: bytes) -> Entry:
    return Entry(
        topic=storable(arrival.topic.decode("utf-8", "backslashreplace")),
        payload_hash=quarantine.digest(arrival.payload),
        item=rejected.item,
        reason=rejected.reason.value,
        detail=storable(rejected.detail),
        payload=kept,
        size=len(arrival.payload),
        device=device_of(arrival.topic),
        received_at=instant(arrival.received_at),
        content_type=storable(arrival.content_type),
        properties=json.dumps([list(map(storable, pair)) for pair in arrival.properties]),
    )


def storable(text: str) -> str:
    """PostgreSQL's text knows no zero character and no lone surrogate."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def declare(engine: Engine, catalogue: Catalogue, at: datetime, *, author: str) -> "Declared":
    """Put a device file into the database. Raises core.problem.Problems and saves nothing if it contradicts."""
    from ingest.store import catalogue as catalogues  # an ingester that starts again need not wait for mapped classes

    with transaction(engine) as connection:
        declared = catalogues.declare(connection, at, catalogue)
        audit(connection, at, actor=author, action="device.declare", subject="device file", detail=declared._asdict())
    return declared
