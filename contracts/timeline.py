"""One asset's time, painted: what devices said, what people decided, and how the contract counts each stretch.

Order: paint (strongest statement wins), treat (by category; maintenance needs its notice and stays in its allowance),
merge short gaps between outages, apply the minimum outage, sum. Exact microseconds throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeVar

from contracts.facts import CATEGORIES, Category
from contracts.pricing import total
from contracts.span import Spans
from core.time import Duration, instant, micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from contracts.facts import Attribution, Notice, StateSpan

ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)
_RANK = {category: n for n, category in enumerate(CATEGORIES)}
_OBSERVED, _SHIFTED, _ACCEPTED, _DETERMINED = range(4)
_LEVELS = {"accepted": _ACCEPTED, "determined": _DETERMINED}
_Said: TypeAlias = "tuple[Category, Fraction | None, str, bool]"
"""A painted stretch without its ends."""
_Piece: TypeAlias = "tuple[int, int, _Said]"
"""With them."""
_Layer: TypeAlias = "tuple[int, int, int, _Said]"
"""A statement: how much it weighs, from, to, and what it says."""
FAILURES: frozenset[Category] = frozenset({"fault", "unplanned_repair", "derated"})
"""What a breached duty may have caused."""


class Painted(NamedTuple):
    """A stretch of one category. performance: what a derated asset still does. attributed: people decided so."""

    start: int
    end: int
    category: Category
    performance: Fraction | None = None
    cause: str = ""
    attributed: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """While a duty is breached, failures in its scope that begin then become another category."""

    start: int
    end: int
    category: Category
    scope: tuple[str, ...]

    def takes(self, state: StateSpan) -> bool:
        """Whether it is such a failure: causal, never blanket."""
        inside = self.start <= state.start < self.end and state.category in FAILURES
        return inside and (not self.scope or state.subsystem in self.scope or state.cause in self.scope)


class Counted(NamedTuple):
    """A painted stretch and how it counts: left out, or down by a part of one. outage: down as a whole."""

    start: int
    end: int
    category: str
    excluded: bool = False
    down: Fraction = ZERO
    outage: bool = False
    cause: str = ""

    @property
    def length(self) -> int:
        """Microseconds."""
        return self.end - self.start


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
    def effects(self) -> Mapping[str, tuple[bool, Fraction | None, bool]]:
        """By category, whether it is left out, which part counts as down (None: as much as is lost), and as a whole."""
        down: dict[str | Fraction, Fraction | None] = {"down": ONE, "up": ZERO, "exclude": ZERO, "measured": None}
        return {
            category: (
                treatment == "exclude",
                1 - treatment if isinstance(treatment, Fraction) else down[treatment],
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


def paint(
    spans: Spans,
    states: Iterable[StateSpan],
    attributions: Iterable[Attribution],
    otherwise: Category | None,
    *,
    shifts: Iterable[Shift] = (),
) -> list[Painted]:
    """Required time with one category for each moment.

    Determined beats accepted beats the shift of a duty beats observed; among equals the category that stands first in
    CATEGORIES. Time that no state covers is `otherwise`, else unknown.
    """
    given = tuple(states)
    layers: list[_Layer] = [(_OBSERVED, s.start, s.end, (s.category, s.performance, s.cause, False)) for s in given]
    layers += [
        (_SHIFTED, s.start, s.end, (shift.category, None, s.cause or s.subsystem, False))
        for shift in shifts
        for s in given
        if shift.takes(s)
    ]
    layers += [
        (_LEVELS[a.status], a.start, a.end, (a.category, None, a.cause, True))
        for a in attributions
        if a.status in _LEVELS
    ]
    layers.sort(key=itemgetter(1))
    apart = all(before[2] <= after[1] for before, after in pairwise(layers))
    pieces = [layer[1:] for layer in layers] if apart else _flat(layers)
    return _laid(spans, pieces, (otherwise or "unknown", None, "", False))


def _flat(layers: Sequence[_Layer]) -> list[_Piece]:
    """What the strongest statement says at each moment of which something is said."""
    found: list[_Piece] = []
    active: list[_Layer] = []
    following = 0
    for start, end in pairwise(sorted({edge for layer in layers for edge in layer[1:3]})):
        active = [layer for layer in active if layer[2] > start]
        while following < len(layers) and layers[following][1] <= start:
            active.append(layers[following])
            following += 1
        if active:
            found.append((start, end, _strongest(active)))
    return found


def _strongest(active: Sequence[_Layer]) -> _Said:
    level = max(layer[0] for layer in active)
    stated = [layer[3] for layer in active if layer[0] == level]
    category, performance, cause, attributed = min(
        stated, key=lambda one: (_RANK[one[0]], one[1] is None, one[1] or 0, one[2])
    )
    if performance is None:
        performance = min((layer[3][1] for layer in active if layer[3][1] is not None), default=None)
    return category, performance, cause, attributed


def _laid(spans: Spans, pieces: Sequence[_Piece], silence: _Said) -> list[Painted]:
    """Statements that do not overlap laid over spans; silence in between; neighbours that say the same are one."""
    found: list[Painted] = []
    n, most = 0, len(pieces)
    met, before = 0, silence
    for since, until in spans:
        start = since
        while start < until:
            begin, end, said = pieces[n] if n < most else (until, until, silence)
            if end <= start:
                n += 1
                continue
            if begin > start:
                end, said = begin, silence
            end = min(end, until)
            if found and start == met and said == before:
                found[-1] = found[-1]._replace(end=end)
            else:
                found.append(Painted(start, end, *said))
            start, met, before = end, end, said
    return found


def count(painted: Sequence[Painted], notices: Iterable[Notice], rules: Rules) -> Tally:
    """Sum one asset's painted time by the rules of a term."""
    pieces = _treat(painted, list(notices), rules)
    outages = 0
    counted: dict[int, list[Counted]] = {}
    for group in _outages(pieces, rules.merge_within):
        whole = sum([pieces[n].length for n in group])
        kept = _kept(whole, rules)
        outages += kept > 0
        if kept < whole:
            counted |= _freed(group, pieces, whole - kept)
    together = [part for n, piece in enumerate(pieces) for part in counted.get(n, (piece,))] if counted else pieces
    return _tally(together, outages)


def _announced(piece: Painted, notices: Iterable[Notice], rules: Rules) -> Iterator[tuple[Painted, bool]]:
    """A maintenance, cut where a notice begins or ends; False: no notice in time covers it."""
    if rules.planned_notice is None:
        yield piece, True
        return
    timely = [span for notice in notices if (span := _covers(notice, piece, rules)) is not None]
    edges = sorted({piece.start, piece.end, *(edge for span in timely for edge in span)})
    for start, end in pairwise(edges):
        yield piece._replace(start=start, end=end), any(since <= start and end <= until for since, until in timely)


def _covers(notice: Notice, piece: Painted, rules: Rules) -> tuple[int, int] | None:
    """The part of a maintenance that a notice covers and preceded early enough."""
    if (
        notice.kind != "planned_maintenance"
        or notice.start is None
        or notice.end is None
        or rules.planned_notice is None
    ):
        return None
    start, end = max(notice.start, piece.start), min(notice.end, piece.end)
    if start >= end:
        return None
    latest = micros(rules.planned_notice.before(instant(start), rules.zone))
    return (start, end) if notice.given <= latest else None


def _treat(painted: Iterable[Painted], notices: Sequence[Notice], rules: Rules) -> list[Counted]:
    """How each stretch counts; maintenance only as far as it was announced and allowed."""
    left = rules.planned_allowance
    found: list[Counted] = []
    for piece in painted:
        if piece[2] != "planned_maintenance":
            found.append(_one(piece, rules))
            continue
        for part, announced in _announced(piece, notices, rules):
            allowed = part.end - part.start if announced else 0
            if left is not None:
                allowed = min(allowed, left)
                left -= allowed
            middle = part.start + allowed
            if allowed:
                found.append(_one(part._replace(end=middle), rules))
            if middle < part.end:
                found.append(Counted(middle, part.end, "unannounced", False, ONE, True, part.cause))
    return found


def _one(piece: Painted, rules: Rules) -> Counted:
    start, end, category, performance, cause, _ = piece
    excluded, down, outage = rules.effects[category]
    if down is None:
        down = 1 - performance if performance is not None else HALF
    return Counted(start, end, category, excluded, down, outage, cause)


def _outages(pieces: list[Counted], merge_within: int) -> list[list[int]]:
    """Places of the stretches of each outage; time that counts as up in a short gap between two becomes down."""
    groups: list[list[int]] = []
    gap: list[int] = []
    for n, piece in enumerate(pieces):
        if not piece.outage:
            gap.append(n)
            continue
        if groups and sum([pieces[m].length for m in gap]) < max(merge_within, 1):
            for m in gap:
                if not pieces[m].excluded:
                    pieces[m] = pieces[m]._replace(down=ONE, outage=True)
                    groups[-1].append(m)
            groups[-1].append(n)
        else:
            groups.append([n])
        gap = []
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
        piece = pieces[n]
        part = min(free, piece.length)
        free -= part
        middle = piece.start + part
        up = [piece._replace(end=middle, down=ZERO, outage=False)] if part else []
        found[n] = up + ([piece._replace(start=middle)] if middle < piece.end else [])
    return found


def _tally(pieces: Iterable[Counted], outages: int) -> Tally:
    required = unknown = 0
    excluded: dict[str, int] = {}
    parts: dict[str, dict[tuple[int, int], int]] = {}
    touched: dict[str, int] = {}
    causes: dict[str, dict[tuple[str, int], None]] = {}
    for start, end, category, left_out, down, _, cause in pieces:
        time = end - start
        required += time
        if category == "unknown":
            unknown += time
        if left_out:
            excluded[category] = excluded.get(category, 0) + time
        elif down is not ZERO and down:
            share, of = down.as_integer_ratio(), parts.setdefault(category, {})
            of[share] = of.get(share, 0) + time
            touched[category] = touched.get(category, 0) + time
        if cause and (left_out or down):
            causes.setdefault(category, {})[cause, start] = None
    return Tally(
        required,
        unknown,
        excluded,
        {
            category: total([Fraction(time * share, whole) for (share, whole), time in of.items()])
            for category, of in parts.items()
        },
        touched,
        {category: tuple(found) for category, found in causes.items()},
        outages,
    )


N = TypeVar("N", int, Fraction)


def _sum(left: Mapping[str, N], right: Mapping[str, N], zero: N) -> dict[str, N]:
    return {key: left.get(key, zero) + right.get(key, zero) for key in {**left, **right}}
