"""Messages on their way into one transaction: each item is a packed row or refused."""

import hashlib
import json
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ingest.door import Row, judge
from ingest.reason import Reason, Rejected
from ingest.registry import Register, Registry
from ingest.sequence import Begin, Boot, Number, is_numbered
from ingest.wire import format as formats
from ingest.wire import senml, yardstick
from ingest.wire.event import Event
from ingest.wire.format import Format
from ingest.wire.message import Candidate
from ingest.wire.node import UNBORN, Node, hear
from ingest.wire.route import BIRTHS, LIVES, Route, route_of

MOST_ROWS = 20_000
"""Some tenths of a second in the database: nobody holds the knowledge number for longer."""
MOST_OCTETS = 16 * 1024 * 1024
MOST_MESSAGES = 4_000

NO_NODES: Mapping[str, Node] = {}
THINGS = ("page", "click", "event")
"""Units of registers that count things."""

_ROW = struct.Struct(">hiiiiiqiqiqiq")
_PLAIN = struct.Struct(">hiiiiiqiqiqiqii")
"""With the last two columns NULL, as they nearly always are."""
_NUMBER_AT, _TIME_AT = 6, 22
_COLUMNS = 8
_NULL = b"\xff\xff\xff\xff"
_LENGTH = struct.Struct(">i")
_UNKNOWN = (Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_REGISTER)
_OURS = Format.YARDSTICK
_EPOCH = 946_684_800_000_000
"""PostgreSQL counts microseconds from the year 2000."""


class Arrival(NamedTuple):
    """A message as the broker handed it over. generation: of the connection; received_at: µs since 1970.

    content_type, properties: of MQTT 5; empty if there are none.
    """

    generation: int
    mid: int
    qos: int
    topic: bytes
    payload: bytes
    received_at: int
    content_type: str = ""
    properties: tuple[tuple[str, str], ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether only the topic says what it is."""
        return not self.content_type and not self.properties


class Origin(NamedTuple):
    """Where an item came from: which arrival of the batch, which item of it (-1: the message as a whole)."""

    arrival: int
    item: int


class Examined(NamedTuple):
    """A message decoded and judged.

    number: the device's own of the message; event: its identity, if it is one; node: as it is afterwards; asks: its
    birth is needed; candidates: its items, where their format is not ours.
    """

    seq: int
    rows: list[Row]
    rejected: list[Rejected]
    number: Number | None = None
    event: Event | None = None
    node: Node | None = None
    asks: bool = False
    candidates: Sequence[Candidate] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether something was refused only because a device or a register is not known (yet)."""
        return bool(self.rejected) and any(rejected.reason in _UNKNOWN for rejected in self.rejected)


@dataclass(slots=True)
class Batch:
    """What one transaction takes in. rows: as COPY takes them; row n came from origins[n]."""

    arrivals: list[Arrival] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    refused: list[tuple[int, Rejected]] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    numbered: list[int] = field(default_factory=list)
    """Arrivals that these numbers are of."""
    identities: list[tuple[int, bytes]] = field(default_factory=list)
    """Arrivals that are events taken whole, and what identifies them."""
    lives: list[int] = field(default_factory=list)
    """Arrivals that are births and deaths."""
    born: dict[str, Node] = field(default_factory=dict)
    candidates: dict[int, Sequence[Candidate]] = field(default_factory=dict)
    """Items of arrivals whose format is not ours."""
    repeated: int = 0
    """Items of events that came before."""
    octets: int = 0
    newest: int = 0

    def add(self, arrival: Arrival, examined: Examined) -> None:
        """Append a message."""
        number = len(self.arrivals)
        seq, rows, refused, numbered, event, node, _, candidates = examined
        self.arrivals.append(arrival)
        self.octets += len(arrival.payload)
        if refused:
            self.refused += [(number, rejected) for rejected in refused]
        if numbered is not None:
            self.numbers.append(numbered)
            self.numbered.append(number)
        if event is not None and rows and not refused:
            self.identities.append((number, _identity(arrival, event)))
        if candidates:
            self.candidates[number] = candidates
        if node is not None:
            self._add_life(number, arrival, node)
        if rows:
            self.rows += pack(rows, len(self.rows), received_at=arrival.received_at, seq=seq)
            self.origins += [Origin(number, row[0]) for row in rows]
            self.newest = max(self.newest, rows[0][2], rows[-1][2])

    def _add_life(self, number: int, arrival: Arrival, node: Node) -> None:
        route = route_of(arrival.topic)
        if route is not None and route.kind in LIVES:
            self.lives.append(number)
            if route.kind in BIRTHS:
                self.born[route.node] = node

    def without(self, repeated: Collection[int], refused: Sequence[tuple[int, Rejected]]) -> "Batch":
        """The same without the rows of these arrivals; and with these refusals."""
        kept = [n for n, origin in enumerate(self.origins) if origin.arrival not in repeated]
        rows = [
            self.rows[n][:_NUMBER_AT] + n_new.to_bytes(4) + self.rows[n][_NUMBER_AT + 4 :]
            for n_new, n in enumerate(kept)
        ]
        gone = len(self.rows) - len(rows)
        origins = [self.origins[n] for n in kept]
        identities = [one for one in self.identities if one[0] not in repeated]
        return replace(
            self, rows=rows, origins=origins, refused=[*self.refused, *refused], identities=identities,
            repeated=gone - sum(1 for _, origin in enumerate(self.origins) if origin.arrival in dict(refused)),
        )  # fmt: skip

    def begins(self, boots: Collection[Boot]) -> dict[Boot, Begin]:
        """The lowest message with readings of each of these boots; those without any are missing."""
        of_arrival = {n: one for n, one in zip(self.numbered, self.numbers, strict=True) if one[:2] in boots}
        found: dict[Boot, Begin] = {}
        for row, origin in zip(self.rows, self.origins, strict=True):
            number = of_arrival.get(origin.arrival)
            if number is not None:
                at = int.from_bytes(row[_TIME_AT : _TIME_AT + 8], signed=True) + _EPOCH
                one = Begin(number[2], at)
                found[number[:2]] = min(one, found.get(number[:2], one))
        return found

    @property
    def is_full(self) -> bool:
        """Whether it should be written before more is added."""
        return (
            len(self.rows) >= MOST_ROWS or self.octets >= MOST_OCTETS or len(self.arrivals) >= MOST_MESSAGES
        )  # fmt: skip


def _identity(arrival: Arrival, event: Event) -> bytes:
    """Of an event of one device: nobody else can use up its identities."""
    return hashlib.sha256(
        "\0".join((str(device_of(arrival.topic)), event.source, event.id)).encode("utf-8", "replace")
    ).digest()


def examine(arrival: Arrival, registry: Registry, nodes: Mapping[str, Node] = NO_NODES) -> Examined:
    """Decode and judge a message. nodes: Sparkplug's, by `group/node`. Never raises: a fault of ours is a rejection."""
    try:
        route = route_of(arrival.topic)
        if route is None:
            return Examined(0, [], [Rejected(Reason.BAD_TOPIC, repr(arrival.topic[:200]))])
        if route.node:
            return _of_node(arrival, route, registry, nodes.get(route.node, UNBORN))
        return _of_device(arrival, route, registry)
    except Exception as error:  # noqa: BLE001 - one message must not stop the others
        return Examined(0, [], [Rejected(Reason.POISON, f"{type(error).__name__}: {error}")])


def _of_device(arrival: Arrival, route: Route, registry: Registry) -> Examined:
    payload, written = arrival.payload, _OURS
    event: Event | None = None
    if route.kind != "readings" or not arrival.is_plain:
        found = formats.unwrapped(payload, route.kind, arrival.content_type, arrival.properties)
        if isinstance(found, Rejected):
            return Examined(0, [], [found])
        event, payload, written = found
    if written is _OURS:
        message = yardstick.decode(payload)
    else:
        message = formats.decode(payload, written, device=route.device, received_at=arrival.received_at)
    if isinstance(message, Rejected):
        return Examined(0, [], [message], event=event)
    candidates, registers = message.candidates, registry.devices.get(route.device)
    if written is not _OURS and registers is not None:
        candidates = with_units(candidates, registers, bare=False)
    rows, rejected = judge(candidates, route.device, registry, received_at=arrival.received_at)
    if registers is None:
        return Examined(message.seq, [], rejected, event=event)
    numbered = written is _OURS and is_numbered(message.boot, message.seq)
    number = (route.device, message.boot, message.seq) if numbered else None
    foreign = () if written is _OURS else candidates
    return Examined(message.seq, rows, message.rejected + rejected, number, event, candidates=foreign)


def _of_node(arrival: Arrival, route: Route, registry: Registry, node: Node) -> Examined:
    heard = hear(route, arrival.payload, node, received_at=arrival.received_at)
    rows: list[Row] = []
    rejected = list(heard.rejected)
    candidates: list[Candidate] = []
    registers = registry.devices.get(route.device)
    if heard.candidates or (rejected and registers is None):
        candidates = with_units(heard.candidates, registers or {}, bare=True)
        rows, refused = judge(candidates, route.device, registry, received_at=arrival.received_at)
        rejected = refused if registers is None else rejected + refused
    for device in heard.dead:
        states = _unknown_states(registry.devices.get(device, {}), heard.died_at, len(rows) + len(rejected))
        if states:
            candidates += states
            judged = judge(states, device, registry, received_at=arrival.received_at)
            rows += judged.rows
            rejected += judged.rejected
    return Examined(0, rows, rejected, node=heard.node, asks=heard.ask, candidates=candidates)


def with_units(candidates: Sequence[Candidate], registers: Mapping[str, Register], *, bare: bool) -> list[Candidate]:
    """A count of things is in the register's unit; so is a bare number, where the format need not have units."""
    found: list[Candidate] = []
    for candidate in candidates:
        index, name, at, value, unit, status = candidate
        register = registers.get(name)
        if register is not None and register.kind != "state":
            of_things = unit == senml.COUNT and register.unit in THINGS
            unit = register.unit if of_things or (bare and not unit) else unit
        found.append((index, name, at, value, unit, status))
    return found


def _unknown_states(registers: Mapping[str, Register], at: str, first: int) -> list[Candidate]:
    """A dead device is not known to stand still: its states are unknown."""
    names = sorted(name for name, register in registers.items() if register.kind == "state")
    return [(index, name, at, "unknown", "", "") for index, name in enumerate(names, first)]


def evidence(batch: Batch, number: int) -> dict[int, bytes]:
    """Items of an arrival as our own format writes them, so that they can be repaired; others as they can be shown."""
    arrival = batch.arrivals[number]
    found = dict(enumerate(_shown(arrival)))
    for index, name, at, value, unit, status in batch.candidates.get(number, ()):
        item = {"register": name, "at": at, "value": value, "unit": unit, "status": status}
        found[index] = json.dumps({key: text for key, text in item.items() if text}).encode()
    return found


def _shown(arrival: Arrival) -> list[bytes]:
    route = route_of(arrival.topic)
    if route is None or (route.kind == "readings" and arrival.is_plain):
        return yardstick.evidence(arrival.payload)
    if route.node:
        return formats.evidence(arrival.payload, Format.SPARKPLUG)
    found = formats.unwrapped(arrival.payload, route.kind, arrival.content_type, arrival.properties)
    return [] if isinstance(found, Rejected) else formats.evidence(found[1], found[2])


def device_of(topic: bytes) -> str | None:
    """The device that a topic names; None for a topic that is not ours and for invalid UTF-8."""
    route = route_of(topic)
    return route and route.device


def pack(rows: Sequence[Row], n: int, *, received_at: int, seq: int) -> list[bytes]:
    """Rows of one message in PostgreSQL's binary COPY format, numbered from n. received_at: µs since 1970.

    Columns: n, register, at, value, received_at, seq, time_status, raw.
    """
    received = received_at - _EPOCH
    plain, row = _PLAIN.pack, _ROW.pack
    return [
        plain(_COLUMNS, 4, number, 4, register, 8, at - _EPOCH, 8, ticks, 8, received, 8, seq, -1, -1)
        if raw is None and not status
        else row(_COLUMNS, 4, number, 4, register, 8, at - _EPOCH, 8, ticks, 8, received, 8, seq)
        + _octets(status or None)
        + _octets(raw)
        for number, (_, register, at, ticks, status, raw) in enumerate(rows, n)
    ]


def _octets(value: str | None) -> bytes:
    if value is None:
        return _NULL
    octets = value.encode()
    return _LENGTH.pack(len(octets)) + octets
