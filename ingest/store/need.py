"""Stretches of time wanted of registers, as columns of a statement."""

from collections.abc import Sequence
from typing import Protocol

from core.time import instant


class Need(Protocol):
    """A register over [start, end); `contracts.facts.GaugeNeed` is one. All µs; register: a path, position/register."""

    @property
    def asset(self) -> str: ...  # noqa: D102
    @property
    def register(self) -> str: ...  # noqa: D102
    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102


class StateNeed(Need, Protocol):
    """A state over [start, end); `contracts.facts.StateNeed` is one. max_gap: µs for which a reading holds."""

    @property
    def max_gap(self) -> int: ...  # noqa: D102


def columns(needs: Sequence[Need]) -> dict[str, object]:
    """Arrays, each as long as the needs; `needs`: their numbers."""
    paths = [need.register.partition("/") for need in needs]
    return {
        "needs": list(range(len(needs))),
        "assets": [need.asset for need in needs],
        "positions": [position for position, _, _ in paths],
        "registers": [register for _, _, register in paths],
        "starts": [instant(need.start) for need in needs],
        "ends": [instant(need.end) for need in needs],
    }
