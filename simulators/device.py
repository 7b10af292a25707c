"""What trucks and printers share: registers, days of truth made when they are needed, silences."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from threading import Lock
from typing import NamedTuple
from zoneinfo import ZoneInfo

from simulators import grid

MICROS_OF_SLOT = grid.SLOT * 1_000_000


@dataclass(frozen=True)
class Register:
    """What a device declares about one of its registers; quantities are texts such as "1 m"."""

    name: str
    kind: str
    max_gap: str
    unit: str | None = None
    resolution: str | None = None
    max_rate: str | None = None


class Silence(NamedTuple):
    """Seconds [start, end) on the grid in which a device sends nothing, and never will."""

    start: int
    end: int


@dataclass(frozen=True)
class Identity:
    """Who a device is: its name on the wire, the asset it serves and where it sits, its model and gateway."""

    name: str
    asset: str
    position: str
    model: str
    gateway: str


class Device(ABC):
    """A device whose truth is known at every instant from local midnight of `origin` on.

    Truth is made day by day, on demand, for any future day too; days already made never change.
    """

    registers: tuple[Register, ...]

    def __init__(
        self, identity: Identity, origin: date, *, zone: ZoneInfo = grid.BERLIN, silences: Sequence[Silence] = ()
    ) -> None:
        self.identity = identity
        self.zone = zone
        self.origin = grid.local(origin, 0, zone)
        self.silences = _checked(silences, self.origin)
        self._day = origin
        self._end = self.origin
        self._lock = Lock()

    @abstractmethod
    def _make_day(self, day: date, start: int, slots: int) -> None:
        """Append the truth of one local day, which begins at second `start` and has so many slots."""

    @abstractmethod
    def grid_readings(self, start: int, end: int) -> list[str]:
        """Return for each grid second in [start, end), silent or not, the readings of all registers as JSON text."""

    @abstractmethod
    def readings_at(self, second: int) -> str:
        """Return the readings of all registers at any whole second, as JSON text."""

    def sent(self, start: int, end: int) -> list[str]:
        """Return the readings of the grid seconds in [start, end) that the device really sends."""
        texts = self.grid_readings(start, end)
        if not any(silence.start < end and silence.end > start for silence in self.silences):
            return texts
        return [text for second, text in zip(range(start, end, grid.SLOT), texts, strict=True) if self.talks(second)]

    def talks(self, second: int) -> bool:
        """Say whether the device sends at this second."""
        return not any(silence.start <= second < silence.end for silence in self.silences)

    def slot(self, second: int) -> int:
        """Return the number of the slot that holds a second, its truth made. Raises ValueError before the origin."""
        if second < self.origin:
            raise ValueError(f"{self.identity.name} begins {grid.stamp(self.origin)}; {grid.stamp(second)} is earlier")
        if second >= self._end:
            with self._lock:
                while second >= self._end:
                    self._next_day()
        return (second - self.origin) // grid.SLOT

    def _next_day(self) -> None:
        following = self._day + timedelta(days=1)
        end = grid.local(following, 0, self.zone)
        self._make_day(self._day, self._end, (end - self._end) // grid.SLOT)
        self._day, self._end = following, end

    def _counter_at(self, values: Sequence[int], at: datetime) -> int:
        """Return a counter at any instant: even between two grid instants, in whole ticks, rounded down."""
        second = grid.floor_second(at)
        i = self.slot(second)
        past = grid.micros(at) - (self.origin + i * grid.SLOT) * 1_000_000
        return values[i] + (values[i + 1] - values[i]) * past // MICROS_OF_SLOT


def _checked(silences: Sequence[Silence], origin: int) -> tuple[Silence, ...]:
    ordered = tuple(sorted(silences))
    for silence in ordered:
        if silence.start % grid.SLOT or silence.end % grid.SLOT or silence.start >= silence.end:
            raise ValueError(f"{silence} must begin and end on the grid, and begin first")
    if ordered and ordered[0].start <= origin:
        raise ValueError(f"{ordered[0]} leaves the device without a first reading: begin later")
    if any(earlier.end >= later.start for earlier, later in pairwise(ordered)):
        raise ValueError("between two silences there must be a reading: leave a slot between them")
    return ordered
