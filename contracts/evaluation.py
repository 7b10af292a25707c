"""What an evaluation says: lines, verdicts, steps. A value; nothing in it is computed twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from core import canonical
from core.money import Money, exponent, is_currency, round_fraction
from core.time import HOUR, instant, wall_text, zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.facts import Carried, Case
    from core.problem import Problem

ENGINE_VERSION = "2"
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
        return f"{self._exact()} {self.unit}".rstrip()

    def _exact(self) -> str:
        """The number; money with the decimals of its currency at least."""
        exact = canonical.fraction_text(self.value)
        if not is_currency(self.unit) or "/" in exact:
            return exact
        whole, _, digits = exact.partition(".")
        digits = digits.ljust(exponent(self.unit), "0")
        return f"{whole}.{digits}" if digits else whole


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
    values and bounds: by the names of the contract format.
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
    result_hash: str = ""
    events: tuple[Event, ...] = ()
    known: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    """What `to_json` gives, once it was made to be sealed."""
    text: str = field(default="", compare=False, repr=False)
    """The same as canonical JSON."""

    @property
    def total(self) -> Money:
        """The sum of the lines: net, before tax."""
        return Money.total((line.amount for line in self.lines), self.currency)

    @property
    def status(self) -> Status:
        """Final only if every verdict is."""
        found = {verdict.status for verdict in self.verdicts}
        return "insufficient" if "insufficient" in found else "provisional" if "provisional" in found else "final"

    def sealed(self) -> Evaluation:
        """With the hash over everything else."""
        whole = self._json()
        whole["result_hash"] = ""
        bare = canonical.text_of_json(whole)
        whole["result_hash"] = sealed = canonical.digest_of_text(bare)
        # A quotation mark inside a text is escaped, so that nothing else in it reads like this.
        text = bare.replace('"result_hash":""', f'"result_hash":"{sealed}"', 1)
        return replace(self, result_hash=sealed, known=whole, text=text)

    def to_json(self) -> dict[str, Any]:
        """As JSON types, with the names of the contract format; times in UTC, numbers as text."""
        return self._json() if self.known is None else dict(self.known)

    def _json(self) -> dict[str, Any]:
        where = zone(self.timezone)
        return {
            "contract": self.contract,
            "period": self.period,
            "from": _time(self.start),
            "to": _time(self.end),
            "until": _time(self.until),
            "as_of": self.knowledge,
            "versions": list(self.versions),
            "currency": self.currency,
            "timezone": self.timezone,
            "lines": [_line(line) for line in self.lines],
            "total": str(self.total),
            "status": self.status,
            "verdicts": [_verdict(verdict) for verdict in self.verdicts],
            "open_cases": [
                {
                    "clause": item.clause,
                    "asset": item.case.asset,
                    "register": item.case.register,
                    "from": wall_text(instant(item.case.start), where),
                    "to": wall_text(instant(item.case.end), where),
                    "reason": item.case.reason,
                }
                for item in self.open_cases
            ],
            "events": [
                {
                    "clause": item.clause,
                    "asset": item.owner,
                    "event": item.event,
                    "at": wall_text(instant(item.at), where),
                }
                for item in self.events
            ],
            "delta": [_line(line) for line in self.delta],
            "carry": [canonical.plain(item) for item in self.carry],
            "problems": [canonical.plain([p.place, p.message, p.remedy]) for p in self.problems],
            "engine_version": self.engine_version,
            "tzdata_version": self.tzdata_version,
            "input_hash": self.input_hash,
            "result_hash": self.result_hash,
        }


@lru_cache(maxsize=16384)
def line_id(contract: str, period: str, clause: str, *, owner: str, segment: int) -> str:
    """A name for a line that revisions of the same period keep."""
    known = canonical.text_of_json([contract, clause, owner, segment, period])
    return "l_" + canonical.digest_of_text(known)[:24]


def _line(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "clause": line.clause,
        "kind": line.kind,
        "asset": line.owner,
        "segment": line.segment,
        "from": _time(line.start),
        "to": _time(line.end),
        "text": line.text,
        "quantity": None if line.quantity is None else canonical.fraction_text(line.quantity),
        "unit": line.unit,
        "amount": str(line.amount),
        "unrounded": canonical.fraction_text(line.unrounded),
        "steps": [_step(step) for step in line.steps],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "clause": verdict.clause,
        "kind": verdict.kind,
        "asset": verdict.owner,
        "state": verdict.state,
        "status": verdict.status,
        "certain": verdict.certain,
        "from": _time(verdict.start),
        "to": _time(verdict.end),
        "values": {name: str(figure) for name, figure in verdict.values.items()},
        "bounds": {name: [str(low), str(high)] for name, (low, high) in verdict.bounds.items()},
        "steps": [_step(step) for step in verdict.steps],
        "explanation": verdict.explanation,
    }


def _step(step: Step) -> dict[str, Any]:
    return {"label": step.label, "formula": step.formula, "values": dict(step.values), "result": step.result}


@lru_cache(maxsize=4096)
def _time(microseconds: int) -> str:
    return str(canonical.plain(instant(microseconds)))
