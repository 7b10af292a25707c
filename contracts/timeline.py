"""One asset's time, painted: what devices said, what people decided, and how the contract counts each stretch.

Order: paint (strongest statement wins), treat (by category; maintenance needs its notice and stays in its allowance),
merge short gaps between outages, apply the minimum outage, sum. Exact microseconds throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeVar

from contracts.facts import CATEGORIES, Category
from contracts.span import Spans, length
from core.time import Duration, instant, micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from contracts.facts import Attribution, Notice, StateSpan

ZERO, HALF, ONE = Fraction(0), Fraction(1, 2), Fraction(1)
_RANK = {category: n for n, category in enumerate(CATEGORIES)}
_OBSERVED, _SHIFTED, _ACCEPTED, _DETERMINED = range(4)
FAILURES: frozenset[Category] = frozenset({"fault", "unplanned_repair", "derated"})
"""What a breached duty may have caused."""


@dataclass(frozen=True, slots=True)
class Painted:
    """A stretch of one category. performance: what a derated asset still does. stated: how it came to be so."""

    start: int
    end: int
    category: Category
    performance: Fraction | None = None
    cause: str = ""
    attributed: bool = False

    def like(self, other: Painted) -> bool:
        """Whether both say the same, whenever."""
        return (self.category, self.performance, self.cause, self.attributed) == (
            other.category, other.performance, other.cause, other.attributed,
        )  # fmt: skip


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


@dataclass(frozen=True, slots=True)
class Counted:
    """A painted stretch and how it counts: left out, or down by a part of one. outage: down as a whole."""

    start: int
    end: int
    category: str
    excluded: bool = False
    down: Fraction = Fraction(0)
    outage: bool = False
    cause: str = ""

    @property
    def length(self) -> int:
        """Microseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
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

    def with_unknown(self, treatment: str) -> Rules:
        """The same, with unknown time treated otherwise: for bounds."""
        return replace(self, treatments={**self.treatments, "unknown": treatment})


@dataclass(frozen=True)
class Tally:
    """Sums of one window, in microseconds. excluded, down: by category; touched: whole length of partly down time."""

    required: int = 0
    unknown: int = 0
    excluded: Mapping[str, int] = field(default_factory=dict)
    down: Mapping[str, Fraction] = field(default_factory=dict)
    touched: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    outages: int = 0

    @cached_property
    def counted(self) -> int:
        """Required less excluded."""
        return self.required - sum(self.excluded.values())

    @cached_property
    def lost(self) -> Fraction:
        """Down time, with equivalent down time."""
        return sum(self.down.values(), Fraction(0))

    @cached_property
    def availability(self) -> Fraction | None:
        """(counted - down) ÷ counted; None if nothing counts."""
        return (self.counted - self.lost) / self.counted if self.counted else None

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
    said = tuple(states)
    layers = [(_OBSERVED, s.start, s.end, Painted(s.start, s.end, s.category, s.performance, s.cause)) for s in said]
    layers += [
        (_SHIFTED, s.start, s.end, Painted(s.start, s.end, shift.category, cause=s.cause or s.subsystem))
        for shift in shifts
        for s in said
        if shift.takes(s)
    ]
    levels = {"accepted": _ACCEPTED, "determined": _DETERMINED}
    layers += [
        (levels[a.status], a.start, a.end, Painted(a.start, a.end, a.category, cause=a.cause, attributed=True))
        for a in attributions
        if a.status in levels
    ]
    layers.sort(key=lambda layer: layer[1])
    edges = sorted({edge for span in spans for edge in span} | {edge for layer in layers for edge in layer[1:3]})
    found: list[Painted] = []
    active: list[tuple[int, int, int, Painted]] = []
    following, inside = 0, 0
    for start, end in pairwise(edges):
        while following < len(layers) and layers[following][1] <= start:
            active.append(layers[following])
            following += 1
        active = [layer for layer in active if layer[2] > start]
        while inside < len(spans) and spans[inside][1] <= start:
            inside += 1
        if inside < len(spans) and spans[inside][0] <= start:
            _append(found, _strongest(start, end, active, otherwise))
    return found


def _strongest(
    start: int, end: int, active: Sequence[tuple[int, int, int, Painted]], otherwise: Category | None
) -> Painted:
    if not active:
        return Painted(start, end, otherwise or "unknown")
    level = max(layer[0] for layer in active)
    stated = [layer[3] for layer in active if layer[0] == level]
    best = min(stated, key=lambda one: (_RANK[one.category], one.performance is None, one.performance or 0, one.cause))
    observed = [layer[3].performance for layer in active if layer[3].performance is not None]
    performance = best.performance if best.performance is not None else min(observed, default=None)
    return replace(best, start=start, end=end, performance=performance)


def _append(found: list[Painted], piece: Painted) -> None:
    last = found[-1] if found else None
    if last is not None and last.end == piece.start and last.like(piece):
        found[-1] = replace(last, end=piece.end)
    else:
        found.append(piece)


def count(painted: Sequence[Painted], notices: Iterable[Notice], rules: Rules) -> Tally:
    """Sum one asset's painted time by the rules of a term."""
    pieces = _treat(_announced(painted, list(notices), rules), rules)
    groups = _outages(pieces, rules.merge_within)
    outages = 0
    for group in groups:
        kept = _kept(group, pieces, rules)
        outages += kept > 0
        _free(group, pieces, kept)
    return _tally([piece for n in sorted(pieces) for piece in pieces[n]], painted, outages)


def _announced(painted: Sequence[Painted], notices: list[Notice], rules: Rules) -> list[tuple[Painted, bool]]:
    """Each stretch, cut where a notice begins or ends; False: maintenance that no notice in time covers."""
    found: list[tuple[Painted, bool]] = []
    for piece in painted:
        if piece.category != "planned_maintenance" or rules.planned_notice is None:
            found.append((piece, True))
            continue
        timely = [span for notice in notices if (span := _covers(notice, piece, rules)) is not None]
        edges = sorted({piece.start, piece.end, *(edge for span in timely for edge in span)})
        for start, end in pairwise(edges):
            covered = any(since <= start and end <= until for since, until in timely)
            found.append((replace(piece, start=start, end=end), covered))
    return found


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


def _treat(painted: list[tuple[Painted, bool]], rules: Rules) -> dict[int, list[Counted]]:
    """Numbered stretches in order of time; each may later fall apart."""
    left = rules.planned_allowance
    found: list[Counted] = []
    for piece, announced in painted:
        if piece.category != "planned_maintenance":
            found.append(_one(piece, rules))
            continue
        allowed = piece.end - piece.start if announced else 0
        if left is not None:
            allowed = min(allowed, left)
            left -= allowed
        middle = piece.start + allowed
        if allowed:
            found.append(_one(replace(piece, end=middle), rules))
        if middle < piece.end:
            found.append(Counted(middle, piece.end, "unannounced", down=Fraction(1), outage=True, cause=piece.cause))
    return {n: [piece] for n, piece in enumerate(found)}


def _one(piece: Painted, rules: Rules) -> Counted:
    treatment = rules.treatments[piece.category]
    excluded, down = treatment == "exclude", ZERO
    if treatment == "down":
        down = ONE
    elif treatment == "measured":
        down = 1 - (HALF if piece.performance is None else piece.performance)
    elif isinstance(treatment, Fraction):
        down = 1 - treatment
    return Counted(piece.start, piece.end, piece.category, excluded, down, treatment == "down", piece.cause)


def _outages(pieces: dict[int, list[Counted]], merge_within: int) -> list[list[int]]:
    """Numbers of the stretches of each outage; time that counts as up in a short gap between two becomes down."""
    groups: list[list[int]] = []
    gap: list[int] = []
    for n in sorted(pieces):
        if not pieces[n][0].outage:
            gap.append(n)
            continue
        if groups and sum(pieces[m][0].length for m in gap) < max(merge_within, 1):
            for m in gap:
                if not pieces[m][0].excluded:
                    pieces[m] = [replace(pieces[m][0], down=Fraction(1), outage=True)]
                    groups[-1].append(m)
            groups[-1].append(n)
        else:
            groups.append([n])
        gap = []
    return groups


def _kept(group: list[int], pieces: dict[int, list[Counted]], rules: Rules) -> int:
    """How much of an outage counts, in microseconds; the rest is up."""
    whole = sum(pieces[n][0].length for n in group)
    if rules.min_outage_mode == "whole_minutes":
        return whole - whole % 60_000_000
    if rules.min_outage_mode == "deductible":
        return max(0, whole - rules.min_outage)
    return whole if whole >= rules.min_outage else 0


def _free(group: list[int], pieces: dict[int, list[Counted]], kept: int) -> None:
    """Turn the first part of an outage up, so that `kept` microseconds of down time are left."""
    free = sum(pieces[n][0].length for n in group) - kept
    for n in group:
        piece = pieces[n][0]
        part = min(free, piece.length)
        free -= part
        middle = piece.start + part
        up = [replace(piece, end=middle, down=Fraction(0), outage=False)] if part else []
        pieces[n] = up + ([replace(piece, start=middle)] if middle < piece.end else [])


def _tally(pieces: Sequence[Counted], painted: Sequence[Painted], outages: int) -> Tally:
    excluded: dict[str, int] = {}
    down: dict[str, Fraction] = {}
    touched: dict[str, int] = {}
    causes: dict[str, dict[tuple[str, int], None]] = {}
    for piece in pieces:
        if piece.excluded:
            excluded[piece.category] = excluded.get(piece.category, 0) + piece.length
        elif piece.down:
            down[piece.category] = down.get(piece.category, Fraction(0)) + piece.length * piece.down
            touched[piece.category] = touched.get(piece.category, 0) + piece.length
        if piece.cause and (piece.excluded or piece.down):
            causes.setdefault(piece.category, {})[(piece.cause, piece.start)] = None
    return Tally(
        length(tuple((p.start, p.end) for p in painted)),
        sum(p.end - p.start for p in painted if p.category == "unknown"),
        excluded,
        down,
        touched,
        {category: tuple(found) for category, found in causes.items()},
        outages,
    )


N = TypeVar("N", int, Fraction)


def _sum(left: Mapping[str, N], right: Mapping[str, N], zero: N) -> dict[str, N]:
    return {key: left.get(key, zero) + right.get(key, zero) for key in {**left, **right}}
