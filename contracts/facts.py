"""All that an evaluation may know. Instants are whole microseconds since 1970 in UTC; spans are half-open.

A fact belongs here only if it was known: whoever builds Facts leaves out what was recorded later than asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal
    from fractions import Fraction

    from core.money import Money
    from core.units import Quantity

Item = TypeVar("Item")
Key = TypeVar("Key")
Category: TypeAlias = Literal[
    "force_majeure",
    "customer_cause",
    "external",
    "fault",
    "unplanned_repair",
    "planned_maintenance",
    "derated",
    "running",
    "idle",
    "unknown",
]
CATEGORIES: tuple[Category, ...] = Category.__args__  # type: ignore[attr-defined]
"""Categories of time; among equals the earlier wins."""

Quality: TypeAlias = Literal["reading", "interpolated", "carried", "start", "last", "estimated"]
"""How a boundary value was found. reading: taken at that instant · interpolated between two readings · carried: the
earlier one holds, because the gap is too long or the measure says at_reading · start: before the first reading ·
last: nothing later is known yet, so that what rests on it is provisional · estimated: a person's estimate after the
last value that is known; a piece that closes so is estimated from its start."""

Reason: TypeAlias = Literal["counter_fell", "above_max_rate", "conflict", "missing"]
Register: TypeAlias = tuple[str, str]
"""(asset, register path), e.g. ("T1", "vehicle/odometer")."""


@dataclass(frozen=True, slots=True, order=True)
class Piece:
    """What one device's counter did between two consecutive needed instants; cut further where the device changed.

    opening, closing: the counter's value V(start), V(end) in ticks, as the device shows it. removed: ticks that breaks
    take out, so that use = closing - opening - removed; a rollover removes minus its modulus, a held stretch its whole
    difference.
    """

    start: int
    end: int
    device: str
    opening: int
    closing: int
    removed: int = 0
    opening_quality: Quality = "reading"
    closing_quality: Quality = "reading"


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """A stretch that waits for a person."""

    asset: str
    register: str
    start: int
    end: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Counter:
    """One asset's counter over the needed instants. resolution: one tick, in unit. Without pieces: nothing is known."""

    unit: str
    resolution: Decimal
    pieces: tuple[Piece, ...]
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class StateSpan:
    """What a device said about a stretch of time. Time that no span covers is `otherwise`, or unknown."""

    start: int
    end: int
    category: Category
    subsystem: str = ""
    cause: str = ""
    performance: Fraction | None = None


@dataclass(frozen=True, slots=True)
class ReadyQuantity:
    """A quantity that was counted elsewhere, in the measure's unit; they add up."""

    owner: str
    measure: str
    start: int
    end: int
    quantity: Fraction
    unit: str
    weight_class: str = ""
    dimensions: Mapping[str, Quantity] = field(default_factory=lambda: MappingProxyType({}))
    coverage: Fraction | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who or what caused a stretch; decides only if accepted or determined."""

    asset: str
    start: int
    end: int
    category: Category
    party: Literal["provider", "customer", "none"]
    status: Literal["proposed", "accepted", "disputed", "determined"]
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """An announcement; given: when it arrived. An empty asset or clause means any."""

    kind: Literal["planned_maintenance", "alert", "force_majeure"]
    given: int
    asset: str = ""
    clause: str = ""
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Level:
    """What a gauge showed, in the unit of its Gauge; it holds until the next."""

    at: int
    value: Fraction


@dataclass(frozen=True, slots=True)
class Gauge:
    """One asset's gauge over the needed stretch, with the last reading before it. levels: in order of time.

    settled: where the register's noise or a change of device matters, the levels freed of noise, apart for each device
    and cartridge; what falls within one of these was used.
    """

    unit: str
    levels: tuple[Level, ...]
    settled: tuple[tuple[Level, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Unmet:
    """When a duty was not kept, as found elsewhere."""

    clause: str
    asset: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """A case. times: instant by its name: reported, opened, arrived, on_site, fixed, closed."""

    ticket: str
    asset: str
    times: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pause:
    """When a ticket's clock stood still, and why."""

    ticket: str
    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Substitute:
    """When an asset was replaced by another."""

    asset: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class IndexValue:
    """A published value of a price index. month: such as 2026-01."""

    index: str
    month: str
    value: Fraction
    published: int


@dataclass(frozen=True, slots=True)
class MeterTest:
    """A test of a meter. error: part of one, positive if it counts too much."""

    asset: str
    register: str
    last_tested: int
    tested: int
    error: Fraction


@dataclass(frozen=True, slots=True)
class Carried:
    """What earlier periods leave. owner: asset or group; empty for the term as a whole."""

    clause: str
    item: str
    value: Quantity | Money
    owner: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """The result of an earlier window. value: a share as a part of one; counted and down in microseconds."""

    clause: str
    owner: str
    period: str
    value: Fraction | None = None
    counted: int | None = None
    down: int | None = None


@dataclass(frozen=True, slots=True)
class InvoicedLine:
    """A line invoiced for this period so far."""

    clause: str
    owner: str
    text: str
    amount: Money


@dataclass(frozen=True)
class Facts:
    """Everything known, for one contract and the spans that `engine.needs` names. knowledge: K or the as-of text."""

    knowledge: str = "all"
    counters: Mapping[Register, Counter] = field(default_factory=dict)
    states: Mapping[Register, tuple[StateSpan, ...]] = field(default_factory=dict)
    quantities: tuple[ReadyQuantity, ...] = ()
    otherwise: Category | None = None
    attributions: tuple[Attribution, ...] = ()
    notices: tuple[Notice, ...] = ()
    carried: tuple[Carried, ...] = ()
    history: tuple[History, ...] = ()
    invoiced: tuple[InvoicedLine, ...] = ()
    gauges: Mapping[Register, Gauge] = field(default_factory=dict)
    unmet: tuple[Unmet, ...] | None = None
    """None: duties are not given ready, but follow from what gauges showed."""
    tickets: tuple[Ticket, ...] = ()
    pauses: tuple[Pause, ...] = ()
    substitutes: tuple[Substitute, ...] = ()
    index_values: tuple[IndexValue, ...] = ()
    meter_tests: tuple[MeterTest, ...] = ()

    @cached_property
    def attributions_of(self) -> Mapping[str, list[Attribution]]:
        """Attributions by asset."""
        return _grouped(self.attributions, lambda item: item.asset)

    @cached_property
    def quantities_of(self) -> Mapping[tuple[str, str], list[ReadyQuantity]]:
        """Ready quantities by owner and measure."""
        return _grouped(self.quantities, lambda item: (item.owner, item.measure))


@dataclass(frozen=True, slots=True, order=True)
class CounterNeed:
    """Boundary values wanted: Facts.counters[(asset, register)] has pieces from the first to the last instant.

    instants: sorted; none is later than `until`. on_reset, boundary, max_gap (microseconds): how the measure reads it.
    estimates: whether estimates count.
    """

    asset: str
    register: str
    instants: tuple[int, ...]
    unit: str
    on_reset: str
    boundary: str
    modulus: Quantity | None = field(default=None, compare=False)
    max_rate: Quantity | None = field(default=None, compare=False)
    max_gap: int | None = field(default=None, compare=False)
    estimates: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, order=True)
class StateNeed:
    """States wanted. max_gap: silence in microseconds after which the state is unknown (leave that time out)."""

    asset: str
    register: str
    start: int
    end: int
    max_gap: int


@dataclass(frozen=True, slots=True, order=True)
class GaugeNeed:
    """A gauge's readings wanted from start to end, both included, and the last one before."""

    asset: str
    register: str
    start: int
    end: int
    unit: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What to load. start, end: the whole stretch for attributions and notices of these assets.

    clocks: the times of tickets from which and to which clocks run; since: when the period begins, in which one that
    has stopped before is of no interest.
    """

    start: int
    end: int
    assets: tuple[str, ...]
    counters: tuple[CounterNeed, ...]
    states: tuple[StateNeed, ...]
    gauges: tuple[GaugeNeed, ...] = ()
    again: bool = False
    """Duties cut what is counted: once they are known, `engine.needs` may name more instants."""
    clocks: frozenset[tuple[str, str]] = frozenset()
    since: int = 0


def _grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    found: dict[Key, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found
