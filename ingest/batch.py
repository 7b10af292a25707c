"""Messages on their way into one transaction: each item is a packed row or refused."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.door import Row, judge
from ingest.reason import Reason, Rejected
from ingest.registry import Registry
from ingest.sequence import Number, is_numbered
from ingest.wire import yardstick

MOST_ROWS = 20_000
"""Some tenths of a second in the database: nobody holds the knowledge number for longer."""
MOST_OCTETS = 16 * 1024 * 1024
MOST_MESSAGES = 1_500

_ROW = struct.Struct(">hiiiiiqiqiqiq")
_COLUMNS = 8
_NULL = b"\xff\xff\xff\xff"
_LENGTH = struct.Struct(">i")
_EPOCH = 946_684_800_000_000
"""PostgreSQL counts microseconds from the year 2000."""


class Arrival(NamedTuple):
    """A message as the broker handed it over. generation: of the connection; received_at: µs since 1970."""

    generation: int
    mid: int
    qos: int
    topic: bytes
    payload: bytes
    received_at: int


class Origin(NamedTuple):
    """Where an item came from: which arrival of the batch, which item of it (-1: the message as a whole)."""

    arrival: int
    item: int


class Examined(NamedTuple):
    """A message decoded and judged. number: the device's own of the message, if it gives one."""

    seq: int
    rows: list[Row]
    rejected: list[Rejected]
    number: Number | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether something was refused only because a device or a register is not known (yet)."""
        unknown = (Reason.UNKNOWN_DEVICE, Reason.UNKNOWN_REGISTER)
        return any(rejected.reason in unknown for rejected in self.rejected)


@dataclass(slots=True)
class Batch:
    """What one transaction takes in. rows: as COPY takes them; row n came from origins[n]."""

    arrivals: list[Arrival] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    refused: list[tuple[int, Rejected]] = field(default_factory=list)
    numbers: list[Number] = field(default_factory=list)
    octets: int = 0
    newest: int = 0

    def add(self, arrival: Arrival, examined: Examined) -> None:
        """Append a message."""
        number = len(self.arrivals)
        self.arrivals.append(arrival)
        self.octets += len(arrival.payload)
        self.refused.extend((number, rejected) for rejected in examined.rejected)
        if examined.number is not None:
            self.numbers.append(examined.number)
        rows = examined.rows
        if rows:
            self.rows += pack(rows, len(self.rows), received_at=arrival.received_at, seq=examined.seq)
            self.origins += [Origin(number, row[0]) for row in rows]
            self.newest = max(self.newest, rows[0][2], rows[-1][2])

    @property
    def is_full(self) -> bool:
        """Whether it should be written before more is added."""
        return (
            len(self.rows) >= MOST_ROWS or self.octets >= MOST_OCTETS or len(self.arrivals) >= MOST_MESSAGES
        )  # fmt: skip


def examine(arrival: Arrival, registry: Registry) -> Examined:
    """Decode and judge a message. Never raises: a fault of our own is a rejection too."""
    try:
        device = device_of(arrival.topic)
        if device is None:
            return Examined(0, [], [Rejected(Reason.BAD_TOPIC, repr(arrival.topic[:200]))])
        message = yardstick.decode(arrival.payload)
        if isinstance(message, Rejected):
            return Examined(0, [], [message])
        rows, rejected = judge(message.candidates, device, registry, received_at=arrival.received_at)
        if device not in registry.devices:
            return Examined(message.seq, [], rejected)
        number = (device, message.boot, message.seq) if is_numbered(message.boot, message.seq) else None
        return Examined(message.seq, rows, message.rejected + rejected, number)
    except Exception as error:  # noqa: BLE001 - one message must not stop the others
        return Examined(0, [], [Rejected(Reason.POISON, f"{type(error).__name__}: {error}")])


def device_of(topic: bytes) -> str | None:
    """The device in `yardstick/<device>/readings`; None for any other topic and for invalid UTF-8."""
    try:
        first, device, last = topic.decode().split("/")
    except ValueError:
        return None
    return device if first == "yardstick" and last == "readings" else None


def pack(rows: Sequence[Row], n: int, *, received_at: int, seq: int) -> list[bytes]:
    """Rows of one message in PostgreSQL's binary COPY format, numbered from n. received_at: µs since 1970.

    Columns: n, register, at, value, received_at, seq, time_status, raw.
    """
    received = received_at - _EPOCH
    row = _ROW.pack
    return [
        row(_COLUMNS, 4, number, 4, register, 8, at - _EPOCH, 8, ticks, 8, received, 8, seq)
        + (_NULL + _NULL if raw is None and not status else _octets(status or None) + _octets(raw))
        for number, (_, register, at, ticks, status, raw) in enumerate(rows, n)
    ]


def _octets(value: str | None) -> bytes:
    if value is None:
        return _NULL
    octets = value.encode()
    return _LENGTH.pack(len(octets)) + octets
