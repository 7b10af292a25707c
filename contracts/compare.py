"""What an evaluation says against what was expected, by the rules of the facts format, in words a person can act on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from contracts.evaluation import CREDITS, Figure
from core.canonical import fraction_text
from core.money import Money, round_fraction
from core.time import NotATime, micros, read_time
from core.units import convertible, factor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from contracts.document import Version
    from contracts.evaluation import Line, Verdict
    from contracts.facts_model import Example
    from core.problem import Problem

_NUMBER = re.compile(r"-?\d+(?:\.(\d+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rows:
    """An evaluation of the clauses asked for, as rows of a facts file."""

    lines: tuple[Line, ...]
    verdicts: tuple[Verdict, ...]
    open_cases: tuple[str, ...]
    delta: tuple[Line, ...]
    total: Money
    tax: Money | None
    problems: tuple[Problem, ...]
    events: tuple[str, ...] = ()

    @property
    def values(self) -> list[tuple[str, str, str, Figure]]:
        """Clause, asset, name and value of what the verdicts say, and what any charge comes to unrounded."""
        found = [(v.clause, v.owner, name, figure) for v in self.verdicts for name, figure in v.values.items()]
        told = {(clause, owner) for clause, owner, name, _ in found if name == "unrounded"}
        sums: dict[tuple[str, str], Fraction] = {}
        for line in self.lines:
            key = line.clause, line.owner
            if key not in told and line.kind not in CREDITS:
                sums[key] = sums.get(key, Fraction(0)) + line.unrounded
        return found + [(*key, "unrounded", Figure(exact, self.total.currency)) for key, exact in sums.items()]


def differences(rows: Rows, example: Example, version: Version) -> Iterable[str]:
    """Every difference between an example and its evaluation; none if they agree."""
    expected = example.expected
    yield from (f"problem: {problem}" for problem in rows.problems)
    yield from _lines("lines", expected.lines, rows.lines)
    if expected.delta is not None:
        yield from _lines("delta", expected.delta, rows.delta)
    tax = rows.tax or Money.zero(rows.total.currency)
    sums = {"total": rows.total, "net": rows.total, "tax": tax, "gross": rows.total + tax}
    for name, money in sums.items():
        wanted = getattr(expected, name)
        if wanted is not None and wanted.amount != money.amount:
            yield f"{name}: expected {wanted}, evaluated {money}"
    yield from _each("values", expected.values, _value(rows))
    yield from _each("bounds", expected.bounds, _bound(rows))
    yield from _each("status", expected.status, _status(rows))
    if expected.events is not None:
        yield from _timed("events", expected.events, rows.events, version)
    if expected.open_cases is not None:
        yield from _timed("open_cases", expected.open_cases, rows.open_cases, version)


def _lines(name: str, expected: Sequence[str], found: Sequence[Line]) -> Iterable[str]:
    """All rows in any order; the text is for the reader. Both lists are shown if they differ."""
    wanted = sorted((_key(row) for row in expected), key=str)
    got = sorted(((line.clause, line.owner, line.amount.amount) for line in found), key=str)
    if [(c, o, a) for c, o, a in wanted] != got:
        yield _both(name, expected, [line.row for line in found])


def _key(row: str) -> tuple[str, str, Decimal]:
    cells = row.split(" | ")
    try:
        return cells[0], cells[1], Money.parse(cells[3]).amount
    except (IndexError, ValueError):
        return row, "is not written as clause | asset | text | amount", Decimal(0)


def _each(name: str, expected: Iterable[str], answer: Callable[[list[str]], str | None]) -> Iterable[str]:
    for row in expected:
        found = answer(row.split(" | "))
        if found is not None:
            yield f"{name}: expected {row}, evaluated {found}"


def _value(rows: Rows) -> Callable[[list[str]], str | None]:
    def answer(cells: list[str]) -> str | None:
        if len(cells) != 4:  # noqa: PLR2004 - clause, asset, name, value
            return "nothing: a value has four columns"
        figures = [figure for *named, figure in rows.values if named == cells[:3]]
        if not figures:
            return "no such value"
        return None if any(_same(cells[3], figure) for figure in figures) else ", ".join(long(f) for f in figures)

    return answer


def _bound(rows: Rows) -> Callable[[list[str]], str | None]:
    def answer(cells: list[str]) -> str | None:
        if len(cells) != 5:  # noqa: PLR2004 - clause, asset, name, low, high
            return "nothing: a bound has five columns"
        pairs = [
            v.bounds[cells[2]]
            for v in rows.verdicts
            if (v.clause, v.owner) == (cells[0], cells[1]) and cells[2] in v.bounds
        ]
        if any(_same(cells[3], low) and _same(cells[4], high) for low, high in pairs):
            return None
        return ", ".join(f"{long(low)} | {long(high)}" for low, high in pairs) or "no bounds"

    return answer


def _status(rows: Rows) -> Callable[[list[str]], str | None]:
    def answer(cells: list[str]) -> str | None:
        found = [[v.clause, v.owner, v.state, v.status] for v in rows.verdicts]
        if cells in found:
            return None
        mine = [" | ".join(row) for row in found if row[:2] == cells[:2]]
        return ", ".join(mine) or "no verdict"

    return answer


def _same(written: str, figure: Figure) -> bool:
    """The exact value, rounded half-up to the digits written."""
    number, _, unit = written.partition(" ")
    match = _NUMBER.fullmatch(number)
    if match is None:
        return False
    value = figure.value
    if unit != figure.unit:
        if not convertible(figure.unit, unit):
            return False
        value *= factor(figure.unit, unit)
    return round_fraction(value, len(match[1] or ""), "half_up") == Decimal(number)


def _timed(name: str, expected: Sequence[str], found: Sequence[str], version: Version) -> Iterable[str]:
    """All rows in any order; times are compared as instants, however they are written."""

    def cell(text: str) -> object:
        try:
            return micros(read_time(text, version.zone))
        except NotATime:
            return text

    def key(row: str) -> str:
        first, *rest = row.split(" | ")
        return str([first, *map(cell, rest)])

    if sorted(map(key, expected)) != sorted(map(key, found)):
        yield _both(name, expected, found)


def _both(name: str, expected: Sequence[str], found: Sequence[str]) -> str:
    rows = (f"{name}, expected:", *(expected or ["none"])), (f"{name}, evaluated:", *(found or ["none"]))
    return "\n".join("\n  ".join(part) for part in rows)


def long(figure: Figure) -> str:
    """Exactly if the digits end, else with twelve decimals."""
    return figure.text(12) if "/" in fraction_text(figure.value) else str(figure)
