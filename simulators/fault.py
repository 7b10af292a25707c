"""What goes wrong on the way: sent twice, out of order, contradictory, or never a reading at all.

Everything injected is counted by kind, with the ending that a careful receiver gives it, so that its own counters can
be held against ours. A lost connection may make a gateway send more duplicates than are counted here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from simulators import grid
from simulators.chance import pick
from simulators.device import Device
from simulators.wire import Message, envelope, topic

MEGABYTE = 1_000_000
STRANGER = "ghost-01"
"""A device that nobody registered."""


@dataclass(frozen=True)
class FaultPlan:
    """How much goes wrong: per mille of the packs, and numbers of single messages."""

    duplicates: int = 10
    out_of_order: int = 5
    conflicts: int = 3
    garbage: int = 12
    garbage_every: int = 300
    seed: str = "faults"


@dataclass
class Injected:
    """How many messages and items of one kind were injected, and how each item should end.

    An item is a reading, or a whole message that cannot be read. Endings: `stored`, `duplicate`, `quarantined`.
    """

    kind: str
    ending: str
    messages: int = 0
    items: int = 0

    def add(self, items: int) -> None:
        """Count one message."""
        self.messages += 1
        self.items += items


@dataclass
class Faults:
    """A plan at work on one stream of messages."""

    plan: FaultPlan
    injected: dict[str, Injected] = field(default_factory=dict)

    def disturb(self, packs: Iterable[Message]) -> Iterator[Message]:
        """Yield the packs, some of them twice, some behind the next pack of the same device."""
        late: dict[str, Message] = {}
        for n, pack in enumerate(packs):
            if self._happens(self.plan.out_of_order, "late", n) and pack.topic not in late:
                late[pack.topic] = pack
                self._count("out_of_order", "stored", 0)
                continue
            yield pack
            if pack.topic in late:
                yield late.pop(pack.topic)
            if self._happens(self.plan.duplicates, "twice", n):
                self._count("duplicate", "duplicate", pack.readings)
                yield pack
        yield from late.values()

    def strew(self, packs: Iterable[Message], garbage: Iterable[Message]) -> Iterator[Message]:
        """Yield the packs with a message of garbage after every so many; garbage left over comes last."""
        waiting = iter(garbage)
        for n, pack in enumerate(packs, start=1):
            yield pack
            if n % self.plan.garbage_every == 0:
                yield from islice(waiting, 1)
        yield from waiting

    def garbage(self, devices: Sequence[Device], at: datetime) -> Iterator[Message]:
        """Yield `plan.garbage` messages, of every kind in turn, each with exactly one item, timed around `at`."""
        kinds = list(GARBAGE.items())
        for n in range(self.plan.garbage):
            kind, make = kinds[n % len(kinds)]
            device = devices[pick(len(devices), self.plan.seed, "garbage", n)]
            self._count(kind, "quarantined", 1)
            name = STRANGER if kind == "unknown_device" else device.identity.name
            payload = make(device, grid.stamp(grid.floor_slot(at)), n + 1)
            yield Message(device.identity.gateway, topic(name), payload, 1)

    def conflicts(self, devices: Sequence[Device], start: datetime, end: datetime) -> Iterator[Message]:
        """Yield readings that contradict ones sent before, for grid instants in [start, end): the first ones stand."""
        first = grid.ceil_slot(grid.floor_second(start))
        slots = (grid.floor_slot(end) - first) // grid.SLOT
        for n in range(self.plan.conflicts):
            device = devices[pick(len(devices), self.plan.seed, "conflict", n)]
            second = first + pick(slots, self.plan.seed, "conflict slot", n) * grid.SLOT
            while not device.talks(second):
                second -= grid.SLOT
            register = device.registers[0]
            text = _reading(register.name, grid.stamp(second), '"17"', register.unit)
            self._count("conflict", "quarantined", 1)
            yield Message(device.identity.gateway, topic(device.identity.name), envelope("f0", 900 + n, [text]), 1)

    def report(self) -> list[Injected]:
        """Return what was injected so far, by kind."""
        return sorted(self.injected.values(), key=lambda one: (one.ending, one.kind))

    def _happens(self, per_mille: int, *names: object) -> bool:
        return pick(1000, self.plan.seed, *names) < per_mille

    def _count(self, kind: str, ending: str, items: int) -> None:
        self.injected.setdefault(kind, Injected(kind, ending)).add(items)


def _reading(register: str, at: str, value: str, unit: str | None) -> str:
    """Return a reading as JSON; the value is JSON already."""
    measured = f',"unit":"{unit}"' if unit else ""
    return f'{{"register":"{register}","at":"{at}","value":{value}{measured}}}'


def _counter(device: Device, at: str, seq: int, *, value: str = '"412350"', unit: str | None = None) -> bytes:
    """Return a message with one reading of the device's counter; the value is JSON already."""
    register = device.registers[0]
    return envelope("f0", seq, [_reading(register.name, at, value, unit or register.unit)])


def _unheard_of(_: Device, at: str, seq: int) -> bytes:
    return envelope("f0", seq, [_reading("flux_capacitor", at, '"1.21"', "kW")])


Make = Callable[[Device, str, int], bytes]
"""Makes the payload that a device sends at a wire time under a sequence number."""

GARBAGE: dict[str, Make] = {
    "not_json": lambda _, __, ___: b'{"v":1,"boot":"f0","seq":',
    "not_utf8": lambda _, __, ___: b"\xff\xfe\x00 readings",
    "not_an_envelope": lambda _, __, ___: b'["odometer", 412350]',
    "unknown_device": _counter,
    "unknown_register": _unheard_of,
    "wrong_dimension": lambda device, at, seq: _counter(device, at, seq, unit="l"),
    "not_a_number": lambda device, at, seq: _counter(device, at, seq, value='"NaN"'),
    "bare_nan": lambda device, at, seq: _counter(device, at, seq, value="NaN"),
    "year_1970": lambda device, _, seq: _counter(device, "1970-01-01T00:00:00Z", seq),
    "year_2100": lambda device, _, seq: _counter(device, "2100-01-01T00:00:00Z", seq),
    "forty_digits": lambda device, at, seq: _counter(device, at, seq, value=f'"{"1234567890" * 4}"'),
    "megabyte": lambda _, __, ___: b"x" * MEGABYTE,
}
