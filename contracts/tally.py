"""How a contract counts painted time: what is left out, what is down, which outages are long enough to matter.

Order: treat (by category; maintenance needs its notice and stays in its allowance), merge short gaps between outages,
apply the minimum outage, sum. Exact microseconds throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from contracts.pricing import total
from core.time import Duration, instant, micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from contracts.facts import Notice
    from contracts.timeline import Piece

Ratio: TypeAlias = "tuple[int, int]"
"""A fraction as its numerator and denominator, which tell whether two are equal without computing."""
NONE, HALF, ALL = (0, 1), (1, 2), (1, 1)
Counted: TypeAlias = "tuple[int, int, str, bool, Ratio, bool, str]"
"""From, to, category; whether it is left out, which part is down, whether as a whole (an outage); cause. A plain tuple,
because spans come by the thousand."""


@dataclass(frozen=True)
class Rules:
    """How a term counts time. treatments: category to up, down, exclude, measured, or the share that counts as up."""

    treatments: Mapping[str, str | Fraction]
    zone: ZoneInfo
    clause: str = ""
    planned_allowance: int | None = None
    planned_notice: Duration | None = None
    min_outage: int = 0
    min_outage_mode: Literal["threshold", "deductible", "whole_minutes"] = "threshold"
    merge_within: int = 0

    @cached_property
    def effects(self) -> Mapping[str, tuple[bool, Ratio | None, bool]]:
        """By category, whether it is left out, which part counts as down (None: as much as is lost), and as a whole."""
        down: dict[str | Fraction, Ratio | None] = {"down": ALL, "up": NONE, "exclude": NONE, "measured": None}
        return {
            category: (
                treatment == "exclude",
                (1 - treatment).as_integer_ratio() if isinstance(treatment, Fraction) else down[treatment],
                treatment == "down",
            )
            for category, treatment in self.treatments.items()
        }

    def with_unknown(self, treatment: str) -> Rules:
        """The same, with unknown time treated otherwise: for bounds."""
        return replace(self, treatments={**self.treatments, "unknown": treatment})


@dataclass(slots=True)
class Tally:
    """Sums of one window, in microseconds. excluded, down: by category; touched: whole length of partly down time.

    counted: required less excluded; lost: down time, with equivalent down time; availability: what is left of the
    counted time, None if nothing counts.
    """

    required: int = 0
    unknown: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    down: Mapping[str, Fraction] = field(default_factory=dict)
    touched: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    outages: int = 0
    counted: int = field(init=False)
    lost: Fraction = field(init=False)
    availability: Fraction | None = field(init=False)

    def __post_init__(self) -> None:
        self.counted = self.required - sum(self.excluded.values())
        self.lost = total([*self.down.values()])
        lost, parts = self.lost.as_integer_ratio()
        whole = self.counted * parts
        self.availability = Fraction(whole - lost, whole) if whole else None

    @property
    def coverage(self) -> Fraction:
        """Time with data ÷ required."""
        return Fraction(self.required - self.unknown, self.required) if self.required else Fraction(1)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.required + other.required,
            self.unknown + other.unknown,
            _sum(self.excluded, other.excluded, 0),
            _sum(self.down, other.down, Fraction(0)),
            _sum(self.touched, other.touched, 0),
            {**self.causes, **other.causes},
            self.outages + other.outages,
        )


def count(painted: Sequence[Piece], notices: Iterable[Notice], rules: Rules) -> Tally:
    """Sum one asset's painted time by the rules of a term."""
    pieces = _treat(painted, list(notices), rules)
    outages = 0
    counted: dict[int, list[Counted]] = {}
    for group in _outages(pieces, rules.merge_within):
        whole = sum([pieces[n][1] - pieces[n][0] for n in group])
        kept = _kept(whole, rules)
        outages += kept > 0
        if kept < whole:
            counted |= _freed(group, pieces, whole - kept)
    together = [part for n, piece in enumerate(pieces) for part in counted.get(n, (piece,))] if counted else pieces
    return _tally(together, outages)


def _treat(painted: Iterable[Piece], notices: Sequence[Notice], rules: Rules) -> list[Counted]:
    """How each stretch counts; maintenance only as far as it was announced and allowed."""
    left, effects = rules.planned_allowance, rules.effects
    found: list[Counted] = []
    for start, end, category, performance, cause, _ in painted:
        excluded, down, outage = effects[category]
        part = _lost(performance) if down is None else down
        if category != "planned_maintenance":
            found.append((start, end, category, excluded, part, outage, cause))
            continue
        for since, until, announced in _announced(start, end, notices, rules):
            allowed = until - since if announced else 0
            if left is not None:
                allowed = min(allowed, left)
                left -= allowed
            middle = since + allowed
            if allowed:
                found.append((since, middle, category, excluded, part, outage, cause))
            if middle < until:
                found.append((middle, until, "unannounced", False, ALL, True, cause))
    return found


def _announced(start: int, end: int, notices: Iterable[Notice], rules: Rules) -> Iterator[tuple[int, int, bool]]:
    """A maintenance, cut where a notice begins or ends; False: no notice in time covers it."""
    if rules.planned_notice is None:
        yield start, end, True
        return
    timely = [span for notice in notices if (span := _covers(notice, start, end, rules)) is not None]
    edges = sorted({start, end, *(edge for span in timely for edge in span)})
    for one, other in pairwise(edges):
        yield one, other, any(since <= one and other <= until for since, until in timely)


def _covers(notice: Notice, since: int, until: int, rules: Rules) -> tuple[int, int] | None:
    """The part of a maintenance that a notice covers and preceded early enough."""
    if (
        notice.kind != "planned_maintenance"
        or notice.start is None
        or notice.end is None
        or rules.planned_notice is None
    ):
        return None
    start, end = max(notice.start, since), min(notice.end, until)
    if start >= end:
        return None
    latest = micros(rules.planned_notice.before(instant(start), rules.zone))
    return (start, end) if notice.given <= latest else None


def _lost(performance: Fraction | None) -> Ratio:
    """The part that is lost of what an asset does."""
    return HALF if performance is None else (1 - performance).as_integer_ratio()


def _outages(pieces: list[Counted], merge_within: int) -> list[list[int]]:
    """Places of the stretches of each outage; time that counts as up in a short gap between two becomes down."""
    groups: list[list[int]] = []
    for n in [n for n, piece in enumerate(pieces) if piece[5]]:
        gap = range(groups[-1][-1] + 1, n) if groups else range(0)
        if groups and (not gap or (merge_within and sum([pieces[m][1] - pieces[m][0] for m in gap]) < merge_within)):
            for m in gap:
                start, end, category, excluded, _, _, cause = pieces[m]
                if not excluded:
                    pieces[m] = (start, end, category, excluded, ALL, True, cause)
                    groups[-1].append(m)
            groups[-1].append(n)
        else:
            groups.append([n])
    return groups


def _kept(whole: int, rules: Rules) -> int:
    """How much of an outage of so many microseconds counts; the rest is up."""
    if rules.min_outage_mode == "whole_minutes":
        return whole - whole % 60_000_000
    if rules.min_outage_mode == "deductible":
        return max(0, whole - rules.min_outage)
    return whole if whole >= rules.min_outage else 0


def _freed(group: list[int], pieces: list[Counted], free: int) -> dict[int, list[Counted]]:
    """By place, an outage's stretches with so many microseconds of its beginning turned up."""
    found: dict[int, list[Counted]] = {}
    for n in group:
        start, end, category, excluded, down, outage, cause = pieces[n]
        part = min(free, end - start)
        free -= part
        middle = start + part
        found[n] = [(start, middle, category, excluded, NONE, False, cause)] if part else []
        if middle < end:
            found[n].append((middle, end, category, excluded, down, outage, cause))
    return found


def _tally(pieces: Iterable[Counted], outages: int) -> Tally:
    required = unknown = 0
    excluded: dict[str, int] = {}
    parts: dict[str, dict[Ratio, int]] = {}
    causes: dict[str, dict[tuple[str, int], None]] = {}
    for start, end, category, left_out, down, _, cause in pieces:
        time = end - start
        required += time
        if category == "unknown":
            unknown += time
        if left_out:
            excluded[category] = excluded.get(category, 0) + time
        elif down == NONE:
            continue
        elif category in parts:
            parts[category][down] = parts[category].get(down, 0) + time
        else:
            parts[category] = {down: time}
        if cause:
            causes.setdefault(category, {})[cause, start] = None
    return Tally(
        required,
        unknown,
        excluded,
        {
            category: total([Fraction(time * share, whole) for (share, whole), time in of.items()])
            for category, of in parts.items()
        },
        {category: sum(of.values()) for category, of in parts.items()},
        {category: tuple(found) for category, found in causes.items()},
        outages,
    )


N = TypeVar("N", int, Fraction)


def _sum(left: Mapping[str, N], right: Mapping[str, N], zero: N) -> dict[str, N]:
    return {key: left.get(key, zero) + right.get(key, zero) for key in {**left, **right}}
