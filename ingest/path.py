"""A register path of an asset: the registers of the devices that served it one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ingest.counter import CounterReading, Doubt, Exchange, Part, Rule, course


@dataclass(frozen=True, slots=True)
class Bound:
    """One device's register on the path over [start, end), µs since 1970; end None: still there.

    opening, closing: ticks that somebody wrote down at its ends. readings: (µs, ticks), at least the neighbours of each
    needed instant, of both ends, and of every difference that may break.
    """

    device: str
    start: int
    end: int | None
    opening: int | None
    closing: int | None
    readings: tuple[tuple[int, int], ...]

    @property
    def first(self) -> int | None:
        """What it showed when it came: as written down, else its first reading."""
        return self.opening if self.opening is not None else self.readings[0][1] if self.readings else None

    @property
    def last(self) -> int | None:
        """What it showed when it went: as written down, else its last reading; else what it showed when it came."""
        if self.closing is not None:
            return self.closing
        return self.readings[-1][1] if self.readings else self.opening


def counted(bounds: Sequence[Bound], instants: Sequence[int], rule: Rule) -> tuple[tuple[Part, ...], tuple[Doubt, ...]]:
    """Parts between the instants, and the doubts that touch them. Without any value there are no parts."""
    known = [bound for bound in sorted(bounds, key=lambda bound: bound.start) if bound.first is not None]
    # A device that comes back must not look like one that never left.
    label = [f"{n}\0{bound.device}" for n, bound in enumerate(known)]
    whole = course(_readings(known, label), _exchanges(known, label), rule)
    parts = tuple(replace(part, device=part.device.partition("\0")[2]) for part in whole.parts(instants))
    first, last = instants[0], instants[-1]
    touching = (one for one in whole.doubts if one.start < last and (one.end > first or one.start >= first))
    return parts, tuple(touching) if parts else ()


def _readings(bounds: Sequence[Bound], label: Sequence[str]) -> Iterator[CounterReading]:
    for bound, device in zip(bounds, label, strict=True):
        for at, ticks in bound.readings:
            yield CounterReading(at, device, (1, 0), ticks)
    if bounds and bounds[0].opening is not None:
        yield CounterReading(bounds[0].start, label[0], (0, 0), bounds[0].opening)
    if bounds and bounds[-1].closing is not None and bounds[-1].end is not None:
        yield CounterReading(bounds[-1].end, label[-1], (0, 0), bounds[-1].closing)


def _exchanges(bounds: Sequence[Bound], label: Sequence[str]) -> Iterator[Exchange]:
    for (old, old_label), (new, new_label) in pairwise(zip(bounds, label, strict=True)):
        if old.last is not None and new.first is not None:
            yield Exchange(new.start, old_label, old.last, new_label, new.first)
