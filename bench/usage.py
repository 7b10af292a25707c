"""What processes used: CPU seconds of their trees, and the most memory that one ever held."""

import os
from pathlib import Path
from typing import NamedTuple

from embedded.services import Services

_TICKS = os.sysconf("SC_CLK_TCK")


class Usage(NamedTuple):
    """CPU seconds so far; `taken - taken_before` by `minus`."""

    ingester: float
    database: float
    broker: float

    def minus(self, before: "Usage") -> "Usage":
        """What was used since then."""
        return Usage(*(now - then for now, then in zip(self, before, strict=True)))

    def each(self, messages: int) -> str:
        """Seconds for ten thousand messages."""
        shares = (f"{name} {seconds / messages * 10_000:.3f}" for name, seconds in self._asdict().items())
        return f"CPU s per 10,000: {', '.join(shares)}, all {sum(self) / messages * 10_000:.3f}"


def usage(services: Services, ingester: int | None) -> Usage:
    """Of the servers, and of an ingester's process and its children."""
    database, broker = services.database.running, services.broker.running
    assert database
    assert broker
    return Usage(cpu(ingester) if ingester else 0.0, cpu(database.pid), cpu(broker.pid))


def cpu(pid: int) -> float:
    """CPU seconds of a process, its living descendants and those that it waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(map(int, fields[11:15])) / _TICKS + sum(map(cpu, children(pid)))
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def children(pid: int) -> list[int]:
    """Processes that it started, by whichever of its threads."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in lists for child in one.read_text().split()]


def high_water(pid: int) -> int:
    """MiB of memory that the largest of a process and its children ever held."""
    return max([_high_water(pid), *map(_high_water, children(pid))])


def _high_water(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))
