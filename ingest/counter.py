"""A counter in words: what is known of it goes in, and what it did between instants comes out.

Everything here is whole ticks and whole microseconds. `ingest.course` makes the one of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from fractions import Fraction

Quality: TypeAlias = Literal["reading", "interpolated", "carried", "start", "last", "estimated"]
Reason: TypeAlias = Literal["counter_fell", "above_max_rate", "conflict"]
Kind: TypeAlias = Literal["correction", "rollover", "exchange", "reset", "spike", "hold", "released"]


class CounterReading(NamedTuple):
    """A value in ticks at an instant. order: which of two at one instant came first.

    apart: the readings just before it are not among those given, so that a fall to it says nothing about spikes.
    written: a person wrote it down; it tells no spike either.
    """

    at: int
    device: str
    order: tuple[int, int]
    ticks: int
    quality: Quality = "reading"
    apart: bool = False
    written: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Exchange:
    """A documented change of device: the old one ended at end_ticks, the new one starts at start_ticks.

    The same device on both sides: a declared reset. A value that nobody wrote down has another quality than `reading`.
    """

    at: int
    old_device: str
    end_ticks: int
    new_device: str
    start_ticks: int
    end_quality: Quality = "reading"
    start_quality: Quality = "reading"


@dataclass(frozen=True, slots=True)
class Release:
    """What somebody decided about the held stretch between two readings.

    bill: so many ticks were used, evenly; from_zero: the counter began again at zero; void: nothing was used. It holds
    for that very stretch: if later readings cut it otherwise, the decision is void and the stretch waits again.
    """

    start: int
    end: int
    kind: Literal["bill", "from_zero", "void"]
    device: str = ""
    ticks: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Estimate:
    """So many ticks were probably used over [start, end), evenly. device: empty for whichever served then.

    It counts only after the last value that is known of the device, and only until it went (`until`): a later reading
    takes its place. Of two that overlap the one that begins first counts where they do.
    """

    start: int
    end: int
    ticks: int
    device: str = ""
    until: int | None = None

    def between(self, start: int, end: int) -> int:
        """Its ticks in a part of it; parts add up to the whole."""
        took = self.end - self.start
        return self.ticks * (end - self.start) // took - self.ticks * (start - self.start) // took


@dataclass(frozen=True, slots=True)
class Rule:
    """How a counter is read. modulus: ticks at which it overflows. max_rate: ticks per microsecond. max_gap: µs.

    tolerance: ticks that it may fall as a correction. glitch: µs after a fall in which a spike must be over; it needs a
    max_rate, because nothing else says what fits.
    """

    on_reset: Literal["hold", "assume_zero", "documented_only"] = "hold"
    boundary: Literal["interpolate", "at_reading"] = "interpolate"
    modulus: int | None = None
    max_rate: Fraction | None = None
    max_gap: int | None = None
    tolerance: int = 0
    glitch: int | None = None


class Part(NamedTuple):
    """One device's counter between two instants: use = closing - opening - removed."""

    start: int
    end: int
    device: str
    opening: int
    closing: int
    removed: int
    opening_quality: Quality
    closing_quality: Quality


@dataclass(frozen=True, slots=True)
class Doubt:
    """A stretch that waits for a person. before, after: what the counter showed at its ends, in ticks."""

    start: int
    end: int
    reason: Reason
    device: str = ""
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """Where a counter is no plain integral, and what it was taken for. A spike lasts until the next good value."""

    start: int
    end: int
    kind: Kind
    device: str
    before: int
    after: int
