"""What a gauge's readings say of consumption: falls beyond noise, refills, and where it began anew. Whole ticks.

A gauge holds a reference level. A reading that lies lower by more than the noise band is consumption, one that lies
higher by more than the refill threshold a refill; either becomes the reference, and the rest is noise. So a slow fall
counts in full as soon as it leaves the band, and what floats up and down counts nothing. Consumption is counted when it
is read; over any stretch it is reference before - reference after + refills, so that parts of a stretch sum to it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from ingest.path import Epoch


@dataclass(frozen=True, slots=True)
class Rule:
    """In ticks. refill: rises beyond it are refills; None: beyond the noise band. It is never less than the band."""

    noise: int = 0
    refill: int | None = None

    @property
    def threshold(self) -> int:
        """Rises beyond it are refills."""
        return max(self.noise, self.refill or 0)

    @property
    def certain(self) -> int:
        """A step beyond it, up or down, becomes the reference whatever that was before: nothing earlier matters."""
        return self.noise + self.threshold


class Level(NamedTuple):
    """A level in ticks at an instant, µs since 1970."""

    at: int
    ticks: int


class Change(NamedTuple):
    """What happened at a reading. ticks: how much was used, or came in."""

    at: int
    kind: Literal["used", "refill", "epoch"]
    ticks: int


def runs(levels: Iterable[Level], epochs: Sequence[Epoch], rule: Rule) -> tuple[tuple[Level, ...], ...]:
    """The reference after each reading, apart for each epoch; within one, falls are consumption and rises refills.

    levels: of one device, from a step beyond `rule.certain` on, or from its first reading. Order does not matter.
    """
    cuts = sorted(epochs)
    found: list[list[Level]] = [[] for _ in range(len(cuts) + 1)]
    for at, ticks in sorted(set(levels)):
        found[sum(at >= epoch.at for epoch in cuts)].append(Level(at, ticks))
    for n, epoch in enumerate(cuts):
        if epoch.closing is not None:
            found[n].append(Level(epoch.at, epoch.closing))
        if epoch.opening is not None:
            found[n + 1].insert(0, Level(epoch.at, epoch.opening))
    return tuple(tuple(_settled(run, rule)) for run in found if run)


def _settled(run: Iterable[Level], rule: Rule) -> Iterable[Level]:
    reference: int | None = None
    for at, ticks in run:
        if reference is None or ticks < reference - rule.noise or ticks > reference + rule.threshold:
            reference = ticks
        yield Level(at, reference)


def changes(settled: Iterable[Sequence[Level]], start: int, end: int) -> list[Change]:
    """What was used and what came in over (start, end], by time; an epoch's first level is one without ticks."""
    found = []
    for n, run in enumerate(settled):
        if n and run and start < run[0].at <= end:
            found.append(Change(run[0].at, "epoch", 0))
        for before, after in pairwise(run):
            if before.ticks != after.ticks and start < after.at <= end:
                fell = before.ticks - after.ticks
                found.append(Change(after.at, "used" if fell > 0 else "refill", abs(fell)))
    return sorted(found)


class Refill(NamedTuple):
    """A level rose beyond the refill threshold, or so it was written down: from, to and when, µs since 1970."""

    at: int
    before: int
    after: int


def refills(settled: Iterable[Sequence[Level]], start: int, end: int) -> list[Refill]:
    """The refills over (start, end], by time."""
    return sorted(
        Refill(after.at, before.ticks, after.ticks)
        for run in settled
        for before, after in pairwise(run)
        if before.ticks < after.ticks and start < after.at <= end
    )


def used(settled: Iterable[Sequence[Level]], start: int, end: int) -> int:
    """Ticks used over (start, end]."""
    return sum(one.ticks for one in changes(settled, start, end) if one.kind == "used")
