"""What an evaluation says: lines, verdicts, steps. A value; nothing in it is computed twice."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from pydantic_core import from_json

from contracts.written import evaluation_text, step_text
from core import canonical
from core.canonical import is_decimal
from core.money import Money, exponent, is_currency, round_fraction
from core.time import HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.facts import Carried, Case
    from contracts.written import Prepared
    from core.problem import Problem

ENGINE_VERSION = "3"
"""Rises whenever any amount, value or text of an evaluation may change."""

State: TypeAlias = Literal["fulfilled", "violated", "not_determined", "not_applicable", "-"]
Status: TypeAlias = Literal["final", "provisional", "insufficient"]
CREDITS = frozenset({"availability", "event_guarantee", "performance"})
"""Kinds of term whose lines below zero are credits: a price reduction, or compensation outside the scope of tax."""


class Figure(NamedTuple):
    """An exact number and its unit: a unit of measure, `%` (then the value is in percent), a currency, or none."""

    value: Fraction
    unit: str = ""

    @classmethod
    def share(cls, part: Fraction) -> Figure:
        """A part of one, in percent."""
        return cls(Fraction(part.numerator * 100, part.denominator), "%")

    @classmethod
    def hours(cls, microseconds: Fraction | int) -> Figure:
        """Elapsed time, in hours."""
        return cls(Fraction(microseconds.numerator, microseconds.denominator * HOUR), "h")

    @classmethod
    def money(cls, amount: Money) -> Figure:
        """An amount of money."""
        return cls(amount.fraction, amount.currency)

    def text(self, decimals: int | None = None) -> str:
        """With so many decimals, half-up; without: exactly if the digits end, else with four."""
        if decimals is None and is_decimal(self.value):
            return str(self)
        return f"{round_fraction(self.value, 4 if decimals is None else decimals, 'half_up'):f} {self.unit}".rstrip()

    def __str__(self) -> str:
        value, unit = self
        exact = canonical.fraction_text(value)
        if not unit:
            return exact
        least = _least_decimals(unit)
        return f"{_padded(exact, least) if least else exact} {unit}"


def _padded(number: str, least: int) -> str:
    """With so many decimals at least, if its digits end."""
    whole, _, digits = number.partition(".")
    return number if "/" in number else f"{whole}.{digits.ljust(least, '0')}"


@cache
def _least_decimals(unit: str) -> int:
    return exponent(unit) if is_currency(unit) else 0


@dataclass(slots=True)
class Step:
    """One step of a calculation. values: the formula's names, each with its number as text. Nobody changes it."""

    label: str
    formula: str
    values: Mapping[str, str]
    result: str
    _written: str = field(default="", init=False, compare=False, repr=False)

    @property
    def written(self) -> str:
        """As canonical JSON; made once, though a line and its verdict tell the same step."""
        if not self._written:
            self._written = step_text(self)
        return self._written


class Line(NamedTuple):
    """A row for an invoice: a charge above zero, a credit below.

    id: stable over revisions. owner: asset, group or `contract`. segment: number of the version with which the term
    came to be as it is. start, end: the service span in microseconds. unrounded: before the only rounding.
    """

    id: str
    clause: str
    kind: str
    owner: str
    segment: int
    start: int
    end: int
    text: str
    amount: Money
    unrounded: Fraction
    quantity: Fraction | None = None
    unit: str = ""
    steps: tuple[Step, ...] = ()

    @property
    def row(self) -> str:
        """As facts files write it."""
        return f"{self.clause} | {self.owner} | {self.text} | {self.amount}"


class Verdict(NamedTuple):
    """What came out for one clause and asset (or group, or `contract`).

    state: `-` for a charge. status: final if coverage and facts suffice. certain: both bounds give the same state.
    values and bounds: by the names of the contract format. credit: what the lines give for this window of a promise; it
    is in them, and no part of the JSON.
    """

    clause: str
    kind: str
    owner: str
    state: State
    status: Status
    certain: bool
    start: int
    end: int
    values: Mapping[str, Figure] = MappingProxyType({})
    bounds: Mapping[str, tuple[Figure, Figure]] = MappingProxyType({})
    steps: tuple[Step, ...] = ()
    explanation: str = ""
    credit: Money | None = None


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case of a fact, seen from the clause that waits for it."""

    clause: str
    case: Case


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that happened under a clause at an instant: a breach, an order, the last day of a right."""

    clause: str
    owner: str
    event: str
    at: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result for one contract and period as of one state of knowledge. period: its label; until: microseconds."""

    contract: str
    period: str
    timezone: str
    currency: str
    start: int
    end: int
    until: int
    knowledge: str
    versions: tuple[int, ...]
    lines: tuple[Line, ...]
    verdicts: tuple[Verdict, ...]
    open_cases: tuple[OpenCase, ...]
    carry: tuple[Carried, ...]
    delta: tuple[Line, ...]
    problems: tuple[Problem, ...]
    engine_version: str
    tzdata_version: str
    input_hash: str
    events: tuple[Event, ...] = ()
    result_hash: str = field(init=False)
    """Over everything else."""
    text: str = field(init=False, compare=False, repr=False)
    """What `to_json` gives, as canonical JSON."""
    prepared: InitVar[Prepared] = MappingProxyType({})

    def __post_init__(self, prepared: Prepared) -> None:
        before, after = evaluation_text(self, prepared)
        bare = sha256(before.encode())
        bare.update(f'""{after}'.encode())
        sealed = bare.hexdigest()
        object.__setattr__(self, "result_hash", sealed)
        object.__setattr__(self, "text", f'{before}"{sealed}"{after}')

    @property
    def total(self) -> Money:
        """The sum of the lines: net, before tax."""
        return Money.total((line.amount for line in self.lines), self.currency)

    @property
    def status(self) -> Status:
        """Final only if every verdict is."""
        found = {verdict.status for verdict in self.verdicts}
        return "insufficient" if "insufficient" in found else "provisional" if "provisional" in found else "final"

    def to_json(self) -> dict[str, Any]:
        """As JSON types, with the names of the contract format in their order; times in UTC, numbers as text."""
        whole: dict[str, Any] = from_json(self.text)
        return whole

    @property
    def left(self) -> list[dict[str, str]]:
        """The `carry` of `to_json`, for the evaluation of the next period."""
        return [canonical.plain(item) for item in self.carry]


@lru_cache(maxsize=2048)
def line_id(contract: str, period: str, clause: str, *, owner: str, segment: int) -> str:
    """A name for a line that revisions of the same period keep."""
    known = canonical.written([contract, clause, owner, segment, period])
    return "l_" + sha256(known).hexdigest()[:24]
