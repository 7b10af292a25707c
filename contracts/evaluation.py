"""What an evaluation says: lines, verdicts, steps. A value; nothing in it is computed twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from core import canonical
from core.money import Money, exponent, is_currency, round_fraction
from core.time import HOUR, instant, wall_text, zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.facts import Carried, Case
    from core.problem import Problem

ENGINE_VERSION = "3"
"""Rises whenever any amount, value or text of an evaluation may change."""

State: TypeAlias = Literal["fulfilled", "violated", "not_determined", "not_applicable", "-"]
Status: TypeAlias = Literal["final", "provisional", "insufficient"]


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
        return cls(Fraction(amount.amount), amount.currency)

    def text(self, decimals: int | None = None) -> str:
        """With so many decimals, half-up; without: exactly if the digits end, else with four."""
        exact = self._exact()
        if decimals is None and "/" in exact:
            decimals = 4
        number = exact if decimals is None else f"{round_fraction(self.value, decimals, 'half_up'):f}"
        return f"{number} {self.unit}".rstrip()

    def __str__(self) -> str:
        return f"{self._exact()} {self.unit}" if self.unit else self._exact()

    def _exact(self) -> str:
        """The number; money with the decimals of its currency at least."""
        exact = canonical.fraction_text(self.value)
        least = _least_decimals(self.unit)
        if not least or "/" in exact:
            return exact
        whole, _, digits = exact.partition(".")
        digits = digits.ljust(least, "0")
        return f"{whole}.{digits}" if digits else whole


@cache
def _least_decimals(unit: str) -> int:
    return exponent(unit) if is_currency(unit) else 0


class Step(NamedTuple):
    """One step of a calculation. values: the formula's names, each with its number as text."""

    label: str
    formula: str
    values: Mapping[str, str]
    result: str


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
    known: Mapping[str, Any] = field(init=False, compare=False, repr=False)
    """What `to_json` gives."""
    text: str = field(init=False, compare=False, repr=False)
    """The same as canonical JSON."""

    def __post_init__(self) -> None:
        whole = self._json()
        bare = canonical.written(whole)
        whole["result_hash"] = sealed = sha256(bare).hexdigest()
        # A quotation mark inside a text is escaped, so that nothing else in it reads like this.
        text = bare.replace(b'"result_hash":""', f'"result_hash":"{sealed}"'.encode(), 1).decode()
        for name, value in (("result_hash", sealed), ("known", whole), ("text", text)):
            object.__setattr__(self, name, value)

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
        return dict(self.known)

    def _json(self) -> dict[str, Any]:
        where = zone(self.timezone)
        # A verdict tells the steps of its line again: each is written once.
        told = (*(line.steps for line in (*self.lines, *self.delta)), *(verdict.steps for verdict in self.verdicts))
        written = {name: _step(step) for name, step in {id(one): one for some in told for one in some}.items()}
        return {
            "as_of": self.knowledge,
            "carry": [canonical.plain(item) for item in self.carry],
            "contract": self.contract,
            "currency": self.currency,
            "delta": [_line(line, written) for line in self.delta],
            "engine_version": self.engine_version,
            "events": [
                {
                    "asset": item.owner,
                    "at": wall_text(instant(item.at), where),
                    "clause": item.clause,
                    "event": item.event,
                }
                for item in self.events
            ],
            "from": _time(self.start),
            "input_hash": self.input_hash,
            "lines": [_line(line, written) for line in self.lines],
            "open_cases": [
                {
                    "asset": item.case.asset,
                    "clause": item.clause,
                    "from": wall_text(instant(item.case.start), where),
                    "reason": item.case.reason,
                    "register": item.case.register,
                    "to": wall_text(instant(item.case.end), where),
                }
                for item in self.open_cases
            ],
            "period": self.period,
            "problems": [[p.place, p.message, p.remedy] for p in self.problems],
            "result_hash": "",
            "status": self.status,
            "timezone": self.timezone,
            "to": _time(self.end),
            "total": str(self.total),
            "tzdata_version": self.tzdata_version,
            "until": _time(self.until),
            "verdicts": [_verdict(verdict, written) for verdict in self.verdicts],
            "versions": list(self.versions),
        }


@lru_cache(maxsize=16384)
def line_id(contract: str, period: str, clause: str, *, owner: str, segment: int) -> str:
    """A name for a line that revisions of the same period keep."""
    known = canonical.written([contract, clause, owner, segment, period])
    return "l_" + sha256(known).hexdigest()[:24]


# Maps are written in the order of their keys here, so that nothing has to be sorted for the hash.


def _line(line: Line, steps: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    return {
        "amount": str(line.amount),
        "asset": line.owner,
        "clause": line.clause,
        "from": _time(line.start),
        "id": line.id,
        "kind": line.kind,
        "quantity": None if line.quantity is None else canonical.fraction_text(line.quantity),
        "segment": line.segment,
        "steps": [steps[id(step)] for step in line.steps],
        "text": line.text,
        "to": _time(line.end),
        "unit": line.unit,
        "unrounded": canonical.fraction_text(line.unrounded),
    }


def _verdict(verdict: Verdict, steps: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    return {
        "asset": verdict.owner,
        "bounds": _bounds(verdict.bounds) if verdict.bounds else {},
        "certain": verdict.certain,
        "clause": verdict.clause,
        "explanation": verdict.explanation,
        "from": _time(verdict.start),
        "kind": verdict.kind,
        "state": verdict.state,
        "status": verdict.status,
        "steps": [steps[id(step)] for step in verdict.steps],
        "to": _time(verdict.end),
        "values": {name: str(figure) for name, figure in sorted(verdict.values.items())},
    }


def _bounds(bounds: Mapping[str, tuple[Figure, Figure]]) -> dict[str, list[str]]:
    return {
        name: [text := str(low), text if high is low else str(high)] for name, (low, high) in sorted(bounds.items())
    }


def _step(step: Step) -> dict[str, Any]:
    label, formula, values, result = step
    ordered = dict(sorted(values.items())) if len(values) > 1 else values
    return {"formula": formula, "label": label, "result": result, "values": ordered}


@lru_cache(maxsize=4096)
def _time(microseconds: int) -> str:
    return str(canonical.plain(instant(microseconds)))
