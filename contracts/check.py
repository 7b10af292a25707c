"""Runs the examples of a contract: evaluates each, compares by the rules of the facts format, words the difference."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from contracts import engine
from contracts.document import from_canonical
from contracts.evaluation import Figure
from contracts.facts_document import facts_for, lists_for
from contracts.words import Context
from core.canonical import fraction_text
from core.money import Money, round_fraction
from core.problem import Problem, Problems
from core.time import NotAPeriod, NotATime, Period, instant, micros, read_time, wall_text
from core.units import convertible, factor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from contracts.document import Agreement, Version
    from contracts.evaluation import Evaluation, Line, Verdict
    from contracts.facts_document import Example, FactsDocument

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


@dataclass(frozen=True, slots=True)
class Outcome:
    """One example: what came out, and what differs from what was expected. evaluation is None if it failed."""

    name: str
    clauses: tuple[str, ...]
    evaluation: Evaluation | None
    rows: Rows | None
    differences: tuple[str, ...]

    @property
    def matches(self) -> bool:
        """Whether all that was expected came out."""
        return not self.differences


def unanswered(agreement: Agreement, document: FactsDocument) -> list[Problem]:
    """Clauses that no example shows and that are not left to people."""
    shown = {clause for example in document.file.examples for clause in example.clauses}
    clauses = {t.clause: t.kind for version in agreement.versions for t in version.terms}
    return [
        Problem(f"clause {clause}", "is shown by no example", "add one, or mark the clause not_computed")
        for clause, kind in clauses.items()
        if clause not in shown and kind != "not_computed"
    ]


def run(agreement: Agreement, document: FactsDocument) -> list[Outcome]:
    """Every example of the facts file."""
    return [run_example(agreement, document, example) for example in document.file.examples]


def run_example(agreement: Agreement, document: FactsDocument, example: Example) -> Outcome:
    """One example: with its versions, other parameters and facts, as of its time."""
    try:
        versions = _versions(agreement.versions, example)
        evaluation = evaluate(versions, document, example, example.period, as_of=example.as_of)
    except (Problems, engine.NothingInForce, NotAPeriod) as error:
        return Outcome(example.name, example.clauses, None, None, (str(error),))
    rows = rows_of(evaluation, versions, example.clauses)
    return Outcome(example.name, example.clauses, evaluation, rows, tuple(_differences(rows, example, versions[-1])))


def evaluate(
    versions: Sequence[Version], document: FactsDocument, example: Example | None, period: str, *, as_of: int | None
) -> Evaluation:
    """A period by the facts of a file. as_of: what became known later is left out, versions too. Raises Problems,
    NothingInForce, NotAPeriod.
    """
    known = [version for version in versions if as_of is None or version.recorded_at <= as_of]
    if not known:
        raise engine.NothingInForce("no version of the contract was known then")
    first = known[0]
    asked = Period.parse(period, first.zone, anchor_day=first.billing.anchor_day)
    lists = lists_for(document, example, Context(first.zone, first.currency))
    wanted = engine.needs(known, asked, asked.span.end)
    return engine.evaluate(known, facts_for(lists, wanted, known, as_of=as_of), asked, asked.span.end)


def _versions(versions: Sequence[Version], example: Example) -> tuple[Version, ...]:
    chosen = [v for v in versions if example.versions is None or v.version in example.versions]
    if not example.changes:
        return tuple(chosen)
    return from_canonical([_changed(version.canonical, example.changes) for version in chosen])


def _changed(source: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """A version with other parameters: of a clause, a measure, `billing`, or `coverage` whole."""
    changed = deepcopy(source)
    targets = {term["clause"]: term for term in changed["terms"]}
    targets |= {measure["measure"]: measure for measure in changed.get("measures", [])} | {
        "billing": changed["billing"]
    }
    for name, values in changes.items():
        if name == "coverage":
            changed["coverage"] = values
            continue
        if name not in targets or not isinstance(values, dict):
            continue
        for path, value in values.items():
            group, _, last = path.rpartition(".")
            place = targets[name].setdefault(group, {}) if group else targets[name]
            place[last] = value
    return changed


def rows_of(evaluation: Evaluation, versions: Sequence[Version], clauses: Iterable[str] | None) -> Rows:
    """What an evaluation says of some clauses; None: of all."""
    wanted = None if clauses is None else set(clauses)

    def asked(clause: str) -> bool:
        return wanted is None or clause in wanted

    lines = tuple(line for line in evaluation.lines if asked(line.clause))
    problems = tuple(p for p in evaluation.problems if wanted is None or any(f"clause {c}," in p.place for c in wanted))
    total = sum((line.amount for line in lines), Money.zero(evaluation.currency))
    zone = versions[0].zone
    cases = tuple(
        f"{i.clause} | {i.case.asset} | {wall_text(instant(i.case.start), zone)} | "
        f"{wall_text(instant(i.case.end), zone)} | {i.case.reason}"
        for i in evaluation.open_cases
        if asked(i.clause)
    )
    return Rows(
        lines,
        tuple(verdict for verdict in evaluation.verdicts if asked(verdict.clause)),
        cases,
        tuple(line for line in evaluation.delta if asked(line.clause)),
        total,
        _tax(lines, versions[-1]),
        problems,
    )


def _tax(lines: Iterable[Line], version: Version) -> Money | None:
    """Tax once on the sum, where a rate is agreed; credits outside its scope leave it alone."""
    billing = version.billing
    if billing.tax_rate is None:
        return None
    outside = billing.tax_of_credits == "outside_scope"
    taxed = sum((Fraction(line.amount.amount) for line in lines if line.amount.amount >= 0 or not outside), Fraction(0))
    return Money.round_of(taxed * billing.tax_rate, version.currency, decimals=billing.decimals, mode=billing.rounding)


def to_json(outcome: Outcome) -> dict[str, Any]:
    """An example's result with the names of the facts format; rows as text."""
    if outcome.rows is None or outcome.evaluation is None:
        return {"name": outcome.name, "error": list(outcome.differences), "matches": False}
    return {
        "name": outcome.name,
        "matches": outcome.matches,
        "differences": list(outcome.differences),
        **rows_json(outcome.evaluation, outcome.rows),
    }


def rows_json(evaluation: Evaluation, rows: Rows) -> dict[str, Any]:
    """Rows as text: numbers exactly if their digits end, else with twelve decimals."""
    tax = (
        {} if rows.tax is None else {"net": str(rows.total), "tax": str(rows.tax), "gross": str(rows.total + rows.tax)}
    )
    return {
        "period": evaluation.period,
        "as_of": evaluation.knowledge,
        "lines": [line.row for line in rows.lines],
        "total": str(rows.total),
        **tax,
        "delta": [line.row for line in rows.delta],
        "values": [
            f"{v.clause} | {v.owner} | {name} | {_long(f)}" for v in rows.verdicts for name, f in v.values.items()
        ],
        "bounds": [
            f"{v.clause} | {v.owner} | {name} | {_long(low)} | {_long(high)}"
            for v in rows.verdicts
            for name, (low, high) in v.bounds.items()
        ],
        "status": [f"{v.clause} | {v.owner} | {v.state} | {v.status}" for v in rows.verdicts],
        "events": [],
        "open_cases": list(rows.open_cases),
        "explanations": [v.explanation for v in rows.verdicts if v.explanation],
        "steps": {line.id: [_step_text(step) for step in line.steps] for line in rows.lines},
        "problems": [str(problem) for problem in rows.problems],
        "versions": list(evaluation.versions),
        "engine_version": evaluation.engine_version,
        "tzdata_version": evaluation.tzdata_version,
        "input_hash": evaluation.input_hash,
        "result_hash": evaluation.result_hash,
    }


def _step_text(step: Any) -> str:
    values = ", ".join(f"{name} {value}" for name, value in step.values.items())
    return f"{step.label}: {step.formula} ({values}) = {step.result}"


def _long(figure: Figure) -> str:
    exact = fraction_text(figure.value)
    return figure.text(12) if "/" in exact else f"{exact} {figure.unit}".rstrip()


def _differences(rows: Rows, example: Example, version: Version) -> Iterable[str]:
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
    if expected.events:
        yield f"events: expected {list(expected.events)}, and no clause of this version has events"
    if expected.open_cases is not None:
        yield from _cases(expected.open_cases, rows.open_cases, version)


def _lines(name: str, expected: Sequence[str], found: Sequence[Line]) -> Iterable[str]:
    """All rows in any order; the text is for the reader. Both lists are shown if they differ."""
    wanted = sorted((_key(row) for row in expected), key=str)
    got = sorted(((line.clause, line.owner, line.amount.amount) for line in found), key=str)
    if [(c, o, a) for c, o, a in wanted] != got:
        yield "\n".join(
            [f"{name}, expected:", *(f"  {row}" for row in expected or ["none"])]
            + [f"{name}, evaluated:", *(f"  {line.row}" for line in found), *(["  none"] if not found else [])]
        )


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
        figures = [
            v.values[cells[2]]
            for v in rows.verdicts
            if (v.clause, v.owner) == (cells[0], cells[1]) and cells[2] in v.values
        ]
        if not figures:
            return "no such value"
        return None if any(_same(cells[3], figure) for figure in figures) else ", ".join(_long(f) for f in figures)

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
        return ", ".join(f"{_long(low)} | {_long(high)}" for low, high in pairs) or "no bounds"

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


def _cases(expected: Sequence[str], found: Sequence[str], version: Version) -> Iterable[str]:
    def key(row: str) -> tuple[object, ...]:
        cells = row.split(" | ")
        try:
            return (*cells[:2], *(micros(read_time(cell, version.zone)) for cell in cells[2:4]), *cells[4:])
        except NotATime:
            return tuple(cells)

    if sorted(map(key, expected), key=str) != sorted(map(key, found), key=str):
        yield "\n".join(
            ["open_cases, expected:", *(f"  {row}" for row in expected or ["none"])]
            + ["open_cases, evaluated:", *(f"  {row}" for row in found or ["none"])]
        )
