"""How facts files are written: every list, its fields, and examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field

from contracts.facts import CATEGORIES, Category
from contracts.words import (
    Count,
    DurationWord,
    Flag,
    Micros,
    MoneyWord,
    Name,
    Number,
    Part,
    QuantityWord,
    Share,
    Word,
    first_of,
)
from core.money import Money
from core.units import Quantity

Start = Annotated[Micros, Field(alias="from")]
End = Annotated[Micros, Field(alias="to")]


class Fact(Part):
    """Any fact; recorded_at: when it became known, without it always."""

    recorded_at: Micros | None = None


class QuantityFact(Fact):
    """A ready quantity."""

    asset: Name | None = None
    group: Name | None = None
    measure: Name
    start: Start
    end: End
    quantity: QuantityWord
    weight_class: Annotated[Name, Field(alias="class")] = ""
    dimensions: dict[Name, QuantityWord] = Field(default_factory=dict)
    coverage: Share | None = None
    estimated: Flag = False


class ReadingFact(Fact):
    """A raw reading; the value of a state is its category."""

    asset: Name
    device: Name
    path: Annotated[Name, Field(alias="register")]
    at: Micros
    value: Annotated[Quantity | str, first_of("quantity", *CATEGORIES)]
    sequence: Count = 0
    time_status: Name | None = None
    signature: Name | None = None


class ExchangeFact(Fact):
    """A documented change of device."""

    asset: Name
    path: Annotated[Name, Field(alias="register")]
    at: Micros
    old_device: Name
    end_value: QuantityWord
    new_device: Name
    start_value: QuantityWord
    evidence: Word


class EstimateFact(Fact):
    """What a counter probably used where nothing was read; counts where the measure says so, until readings arrive."""

    asset: Name
    path: Annotated[Name, Field(alias="register")]
    start: Start
    end: End
    quantity: QuantityWord
    method: Word


class StateFact(Fact):
    """What a device said about a stretch."""

    asset: Name
    start: Start
    end: End
    state: Category
    subsystem: Word | None = None
    cause: Word | None = None
    performance: Share | None = None


class AttributionFact(Fact):
    """Who or what caused a stretch."""

    asset: Name
    start: Start
    end: End
    category: Category
    party: Literal["provider", "customer", "none"]
    cause: Word | None = None
    status: Literal["proposed", "accepted", "disputed", "determined"]


class NoticeFact(Fact):
    """An announcement."""

    kind: Literal["planned_maintenance", "alert", "force_majeure"]
    given: Micros
    asset: Name | None = None
    clause: Name | None = None
    start: Annotated[Micros | None, Field(alias="from")] = None
    end: Annotated[Micros | None, Field(alias="to")] = None


class UnmetFact(Fact):
    """A duty that was not kept."""

    clause: Name
    asset: Name
    start: Start
    end: End


class TicketFact(Fact):
    """A case and its times."""

    ticket: Name
    asset: Name
    reported: Micros | None = None
    opened: Micros | None = None
    arrived: Micros | None = None
    on_site: Micros | None = None
    fixed: Micros | None = None
    closed: Micros | None = None
    subsystem: Word | None = None


class PauseFact(Fact):
    """When a ticket's clock stood still."""

    ticket: Name
    start: Start
    end: End
    reason: Word


class SubstituteFact(Fact):
    """When a substitute was there."""

    asset: Name
    start: Start
    end: End


class IndexFact(Fact):
    """A published value of a price index."""

    index: Name
    month: Name
    value: Number
    published: Micros


class MeterTestFact(Fact):
    """A test of a meter."""

    asset: Name
    path: Annotated[Name, Field(alias="register")]
    last_tested: Micros
    tested: Micros
    error: Share


class CarriedFact(Fact):
    """What earlier periods leave. period: the one that it comes from, or belongs to."""

    clause: Name
    item: Literal[
        "rollover", "position", "base_before", "credits_before", "shortfall_paid", "balance", "credit_at_risk",
        "advance", "credit",
    ]  # fmt: skip
    period: Name | None = None
    value: Annotated[Quantity | Money, first_of("money", "quantity")]
    asset: Name | None = None
    group: Name | None = None

    @property
    def label(self) -> str:
        """As evaluations carry it."""
        return f"{self.item} of {self.period}" if self.period else self.item


class HistoryFact(Fact):
    """The result of an earlier window."""

    clause: Name
    asset: Name | None = None
    group: Name | None = None
    period: Name
    value: Share | None = None
    counted: DurationWord | None = None
    down: DurationWord | None = None


class FactLists(Part):
    """All lists of a facts file."""

    quantities: tuple[QuantityFact, ...] = ()
    readings: tuple[ReadingFact, ...] = ()
    exchanges: tuple[ExchangeFact, ...] = ()
    estimates: tuple[EstimateFact, ...] = ()
    otherwise: Category | None = None
    states: tuple[StateFact, ...] = ()
    attributions: tuple[AttributionFact, ...] = ()
    notices: tuple[NoticeFact, ...] = ()
    unmet: tuple[UnmetFact, ...] = ()
    tickets: tuple[TicketFact, ...] = ()
    pauses: tuple[PauseFact, ...] = ()
    substitutes: tuple[SubstituteFact, ...] = ()
    index_values: tuple[IndexFact, ...] = ()
    meter_tests: tuple[MeterTestFact, ...] = ()
    carried: tuple[CarriedFact, ...] = ()
    history: tuple[HistoryFact, ...] = ()
    invoiced: tuple[str, ...] = ()


class Expected(Part):
    """What must come out; rows as text."""

    lines: tuple[str, ...]
    total: MoneyWord | None = None
    net: MoneyWord | None = None
    tax: MoneyWord | None = None
    gross: MoneyWord | None = None
    delta: tuple[str, ...] | None = None
    values: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    events: tuple[str, ...] | None = None
    open_cases: tuple[str, ...] | None = None
    explanation: str | None = None


class Example(Part):
    """A period, what is known then, and what must come out."""

    name: Word
    clauses: tuple[Name, ...]
    period: Name
    as_of: Micros | None = None
    versions: tuple[Count, ...] | None = None
    changes: Annotated[dict[Name, Any], Field(alias="with")] = Field(default_factory=dict)
    facts: dict[Name, Any] = Field(default_factory=dict)
    expected: Expected


class FactsFile(Part):
    """The whole document; the lists of facts stay as written until an example asks for them."""

    format: Annotated[Literal["facts/1"], Field(alias="schema")]
    contract: Name
    facts: dict[Name, Any]
    examples: tuple[Example, ...] = ()


T = TypeVar("T", bound=Fact)


def known(facts: Iterable[T], as_of: int | None) -> Iterator[T]:
    """Those that were known at a time; None: all."""
    return (fact for fact in facts if as_of is None or fact.recorded_at is None or fact.recorded_at <= as_of)
