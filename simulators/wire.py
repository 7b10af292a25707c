"""The wire format: readings packed into messages on topic `yardstick/<device>/readings`."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from simulators import grid
from simulators.device import Device

SLOTS_OF_DAY = 144


class Message(NamedTuple):
    """What a gateway sends: topic, payload, how many readings that holds; boot and seq if it is to be receipted."""

    gateway: str
    topic: str
    payload: bytes
    readings: int
    boot: str = ""
    seq: int = 0


def topic(device: str) -> str:
    """Return the topic of a device's readings."""
    return f"yardstick/{device}/readings"


def envelope(boot: str, seq: int, texts: Sequence[str]) -> bytes:
    """Return the payload around readings that are JSON texts already."""
    return f'{{"v":1,"boot":"{boot}","seq":{seq},"readings":[{",".join(texts)}]}}'.encode()


def message(device: Device, texts: Sequence[str], *, boot: str, seq: int) -> Message:
    """Pack the readings of some instants, all registers each."""
    who = device.identity
    payload = envelope(boot, seq, texts)
    return Message(who.gateway, topic(who.name), payload, len(texts) * len(device.registers), boot, seq)


def history(
    device: Device, start: datetime, end: datetime, *, per_pack: int = SLOTS_OF_DAY, boot: str = "a7"
) -> Iterator[Message]:
    """Yield late uploads: the readings of the grid instants in [start, end), `per_pack` instants in a message.

    `seq` counts from 1; a pack that falls wholly into a silence is not sent and takes no number.
    """
    last = grid.ceil_slot(grid.floor_second(end))
    seq = 0
    for first in range(grid.ceil_slot(grid.floor_second(start)), last, per_pack * grid.SLOT):
        texts = device.sent(first, min(first + per_pack * grid.SLOT, last))
        if texts:
            seq += 1
            yield message(device, texts, boot=boot, seq=seq)


class Live:
    """One device from now on. Each message says how things are, and any grid instant passed since the last one.

    Without the grid instants a change of state, or a boundary, would be told seconds late, and truth and bill would
    differ.
    """

    def __init__(self, device: Device, since: datetime, *, boot: str, per_pack: int = SLOTS_OF_DAY) -> None:
        self.device = device
        self.boot = boot
        self.per_pack = per_pack
        self.seq = 0
        self._told = grid.floor_second(since)

    def tell(self, now: datetime) -> Iterator[Message]:
        """Yield the messages due at `now`: usually one; more after a pause; none in the same second or a silence."""
        second = grid.floor_second(now)
        texts = self.device.sent(grid.ceil_slot(self._told + 1), grid.ceil_slot(second)) if second > self._told else []
        if second > self._told and self.device.talks(second):
            texts.append(self.device.readings_at(second))
        self._told = max(self._told, second)
        for first in range(0, len(texts), self.per_pack):
            self.seq += 1
            yield message(self.device, texts[first : first + self.per_pack], boot=self.boot, seq=self.seq)
