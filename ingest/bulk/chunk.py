"""Items of a file on their way into one transaction: judged at the same door as messages."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from core.time import instant
from ingest.batch import MOST_ROWS, pack, with_units
from ingest.bulk.item import CannotRead, Item, Record
from ingest.door import Row, judge
from ingest.reason import Reason, Rejected
from ingest.registry import Registry
from ingest.wire.message import Candidate

AT_ONCE = MOST_ROWS
"""Items of one transaction; the last record may exceed it."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class Chunk(NamedTuple):
    """Records [after, upto) of a file; its items."""

    after: int
    upto: int
    items: list[Item]


class Rules(NamedTuple):
    """What items are judged by. received_at, window (first, last): µs since 1970.

    things: a number in SenML's unit `count` is in the register's unit.
    """

    registry: Registry
    received_at: int
    window: tuple[int, int]
    things: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A chunk with its packed rows, row n from items[sources[n]], and what is refused, by item."""

    chunk: Chunk
    registry: Registry
    rows: list[bytes] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    refused: list[tuple[int, Rejected]] = field(default_factory=list)
    first: int = 0
    last: int = 0

    @property
    def extent(self) -> tuple[datetime, datetime] | None:
        """First and last instant of its rows."""
        return (instant(self.first), instant(self.last)) if self.rows else None

    @property
    def is_strange(self) -> bool:
        """Whether every single item names a device that nobody has registered."""
        reasons = {rejected.reason for _, rejected in self.refused}
        return not self.rows and reasons == {Reason.UNKNOWN_DEVICE}

    def clash(self, row: int, *, sent: int, stands: int) -> tuple[int, Rejected]:
        """Row n says another value, in ticks, than the one that stands: its item's refusal, told in the unit."""
        index = self.sources[row]
        item = self.chunk.items[index]
        register = self.registry.devices[item.device][item.register]
        names = {code: name for name, code in self.registry.states.items()} if register.kind == "state" else {}
        said, kept = (
            names.get(ticks) or f"{ticks * register.resolution:f} {register.unit}".strip() for ticks in (sent, stands)
        )
        return index, Rejected(Reason.CONFLICT, f"{said} was sent where {kept} stands; the first stands")


def chunks(records: Iterable[Record], *, after: int = 0, most: int = AT_ONCE) -> Iterator[Chunk]:
    """Records beyond the first `after`, in chunks of about so many items. Raises CannotRead after what is sound."""
    items: list[Item] = []
    start = upto = after
    fault: CannotRead | None = None
    try:
        for number, record in enumerate(records, 1):
            if number <= after:
                continue
            items += record
            upto = number
            if len(items) >= most:
                yield Chunk(start, upto, items)
                items, start = [], upto
    except CannotRead as error:  # what stands before it is sound
        fault = error
    if upto > start:
        yield Chunk(start, upto, items)
    if fault:
        raise fault


def judged(chunk: Chunk, rules: Rules) -> Judged:
    """Judge items; of each device in the order of the file, so that the first of two values is the file's first."""
    by_device: defaultdict[str, list[Candidate]] = defaultdict(list)
    refused: list[tuple[int, Rejected]] = []
    for index, (_, device, register, at, value, unit, status, fault) in enumerate(chunk.items):
        if fault is None:
            by_device[device].append((index, register, at, value, unit, status))
        else:
            refused.append((index, fault))
    rows: list[bytes] = []
    sources: list[int] = []
    instants: list[int] = []
    for device, candidates in by_device.items():
        found, rejected = _of_device(device, candidates, rules)
        rows += pack(found, len(rows), received_at=rules.received_at, seq=0)
        sources += [row[0] for row in found]
        instants += [row[2] for row in found]
        refused += rejected
    first, last = min(instants, default=0), max(instants, default=0)
    return Judged(chunk, rules.registry, rows, sources, sorted(refused), first, last)


def _of_device(
    device: str, candidates: Sequence[Candidate], rules: Rules
) -> tuple[list[Row], list[tuple[int, Rejected]]]:
    registers = rules.registry.devices.get(device)
    if registers is not None and rules.things:
        candidates = with_units(candidates, registers, bare=False)
    rows, rejected = judge(candidates, device, rules.registry, received_at=rules.received_at, window=rules.window)
    if registers is None:
        return [], [(one[0], rejected[0]) for one in candidates]
    return rows, [(one.item, _said(one, rules)) for one in rejected]


def _said(rejected: Rejected, rules: Rules) -> Rejected:
    """A window that somebody set is not that of a device's clock."""
    if rejected.reason is not Reason.TOO_OLD:
        return rejected
    first = instant(rules.window[0]).isoformat(timespec="seconds")
    return rejected._replace(detail=f"it lies before {first}; --since allows an import to go back further")


class Refused(NamedTuple):
    """What the quarantine keeps of an item: the same item is the same entry, in whichever file it stands."""

    topic: str
    payload_hash: bytes
    payload: bytes


def kept(item: Item) -> Refused:
    """The evidence of an item."""
    payload = item.evidence
    of = hashlib.sha256(item.device.encode("utf-8", "backslashreplace") + b"\0" + payload).digest()
    return Refused(f"import/{item.device}" if _NAME.fullmatch(item.device) else "import", of, payload)
