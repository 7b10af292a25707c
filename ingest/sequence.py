"""Message numbers of devices: which are accounted for, which are missing, and the receipt that says so.

A device numbers the messages of one start (`boot`) from 1. Number 0 or no boot means that it does not number them.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

LONGEST_BOOT = 64
LARGEST_SEQ = 2**63 - 2
"""The database writes a range's end one above it."""

Number: TypeAlias = tuple[str, str, int]
"""Device, boot, seq of one message."""
Boot: TypeAlias = tuple[str, str]
"""Device, boot."""


class Begin(NamedTuple):
    """The lowest message of a boot that holds readings, and the first of these, us since 1970."""

    seq: int
    at: int


class Run(NamedTuple):
    """Consecutive numbers `first`..`last`, both included."""

    device: str
    boot: str
    first: int
    last: int


class Receipt(NamedTuple):
    """Every message up to `seq` is committed (0: none); `missing`: holes above it, both ends included, lowest first."""

    device: str
    boot: str
    seq: int
    missing: tuple[tuple[int, int], ...]

    @property
    def topic(self) -> str:
        """Where it is published, retained."""
        return f"yardstick/{self.device}/receipt"

    @property
    def payload(self) -> bytes:
        """`{"v":1,"boot":"a7","seq":17,"missing":[[19,20]]}`."""
        said = {"v": 1, "boot": self.boot, "seq": self.seq, "missing": self.missing}
        return json.dumps(said, separators=(",", ":")).encode()


def is_numbered(boot: str, seq: int) -> bool:
    """Whether a message takes part: a short printable boot, and a number from 1."""
    return 1 <= seq <= LARGEST_SEQ and 0 < len(boot) <= LONGEST_BOOT and boot.isprintable()


def runs(numbers: Iterable[Number]) -> Iterator[Run]:
    """The numbers as runs, sorted, each number once."""
    by_boot = defaultdict[tuple[str, str], list[int]](list)
    for device, boot, seq in numbers:
        by_boot[device, boot].append(seq)
    for (device, boot), seqs in sorted(by_boot.items()):
        first = last = 0
        for seq in sorted(seqs):
            if first and seq > last + 1:
                yield Run(device, boot, first, last)
                first = 0
            first, last = first or seq, seq
        yield Run(device, boot, first, last)
