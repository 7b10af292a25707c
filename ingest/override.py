"""Which value a reading has: the last correction that is known, else what was received.

`ingest.effective` in the database says the same, set-wise; a story holds the two against each other.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Raw(NamedTuple):
    """A reading as received. at: µs since 1970; value: ticks."""

    at: int
    value: int
    known: int


class Override(NamedTuple):
    """A correction of the reading at that instant, or None: it is void."""

    at: int
    value: int | None
    known: int


def effective(readings: Iterable[Raw], overrides: Iterable[Override], *, known: int) -> list[tuple[int, int]]:
    """Instants and values as known at K, by time; no void ones. A correction without a reading says nothing."""
    last = {one.at: one.value for one in sorted(overrides, key=lambda one: one.known) if one.known <= known}
    seen = {one.at: last.get(one.at, one.value) for one in readings if one.known <= known}
    return [(at, value) for at, value in sorted(seen.items()) if value is not None]


class Correction(NamedTuple):
    """One of the corrections of a reading. value: ticks, None: void; reverts: `known` of the one that it takes back."""

    value: int | None
    known: int
    reverts: int | None = None


def in_force(corrections: Iterable[Correction]) -> list[Correction]:
    """Those that nobody took back, oldest first: the last of them holds, and taking it back brings the one before."""
    kept = list[Correction]()
    for one in sorted(corrections, key=lambda correction: correction.known):
        if one.reverts is None:
            kept.append(one)
        else:
            kept = [other for other in kept if other.known != one.reverts]
    return kept
