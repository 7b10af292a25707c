"""Runs the examples of a contract: evaluates each, compares by the rules of the facts format, words the difference."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from contracts import engine
from contracts.compare import Rows, differences, long
from contracts.document import from_canonical
from contracts.evaluation import CREDITS
from contracts.facts_document import facts_for, lists_for
from contracts.told import told_of
from contracts.words import Context
from core.money import Money
from core.problem import Problem, Problems
from core.time import NotAPeriod, Period, instant, micros, wall_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contracts.document import Agreement, Version
    from contracts.evaluation import Evaluation, Line, Step
    from contracts.facts_document import FactsDocument
    from contracts.facts_model import Example


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


def in_language(agreement: Agreement, language: str) -> Agreement:
    """The same agreement with lines and explanations in another language; its hashes are others for that."""
    versions = from_canonical([{**version.canonical, "language": language} for version in agreement.versions])
    return replace(agreement, versions=versions)


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
    rows = rows_of(evaluation, versions, example.clauses, as_of=example.as_of)
    return Outcome(example.name, example.clauses, evaluation, rows, tuple(differences(rows, example, versions[-1])))


def evaluate(
    versions: Sequence[Version], document: FactsDocument, example: Example | None, period: str, *, as_of: int | None
) -> Evaluation:
    """A period by the facts of a file. as_of: what became known later is left out, versions too.

    Raises Problems, NothingInForce, NotAPeriod.
    """
    known = [version for version in versions if as_of is None or version.recorded_at <= as_of]
    if not known:
        raise engine.NothingInForce("no version of the contract was known then")
    first = known[0]
    asked = Period.parse(period, first.zone, anchor_day=first.billing.anchor_day)
    lists = lists_for(document, example, Context(first.zone, first.currency))
    facts = facts_for(lists, engine.needs(known, asked, asked.span.end), known, as_of=as_of)
    wanted = engine.needs(known, asked, asked.span.end, facts)
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


def rows_of(
    evaluation: Evaluation, versions: Sequence[Version], clauses: Iterable[str] | None, *, as_of: int | None
) -> Rows:
    """What an evaluation says of some clauses; None: of all. as_of: before the cut-off nothing is final yet."""
    newest = next(version for version in versions if version.version == evaluation.versions[-1])
    awaited = as_of is not None and as_of < micros(newest.billing.cutoff.after(instant(evaluation.end), newest.zone))
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
        tuple(
            verdict._replace(status="provisional") if awaited and verdict.status == "final" else verdict
            for verdict in evaluation.verdicts
            if asked(verdict.clause)
        ),
        cases,
        tuple(line for line in evaluation.delta if asked(line.clause)),
        total,
        _tax(lines, newest),
        problems,
        tuple(
            f"{e.clause} | {e.owner} | {e.event} | {wall_text(instant(e.at), zone)}"
            for e in evaluation.events
            if asked(e.clause)
        ),
    )


def _tax(lines: Iterable[Line], version: Version) -> Money | None:
    """Tax once on the sum, where a rate is agreed; credits of promises leave it alone if they are outside its scope."""
    billing = version.billing
    if billing.tax_rate is None:
        return None
    outside = CREDITS if billing.tax_of_credits == "outside_scope" else frozenset[str]()
    taxed = sum(
        (Fraction(line.amount.amount) for line in lines if line.amount.amount >= 0 or line.kind not in outside),
        Fraction(0),
    )
    return Money.round_of(taxed * billing.tax_rate, version.currency, decimals=billing.decimals, mode=billing.rounding)


def to_json(outcome: Outcome, language: str = "en") -> dict[str, Any]:
    """An example's result with the names of the facts format; rows as text. language: of its steps."""
    if outcome.rows is None or outcome.evaluation is None:
        return {"name": outcome.name, "error": list(outcome.differences), "matches": False}
    return {
        "name": outcome.name,
        "matches": outcome.matches,
        "differences": list(outcome.differences),
        **rows_json(outcome.evaluation, outcome.rows, language),
    }


def rows_json(evaluation: Evaluation, rows: Rows, language: str = "en") -> dict[str, Any]:
    """Rows as text: numbers exactly if their digits end, else with twelve decimals. language: of the steps."""
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
        "values": [f"{clause} | {owner} | {name} | {long(figure)}" for clause, owner, name, figure in rows.values],
        "bounds": [
            f"{v.clause} | {v.owner} | {name} | {long(low)} | {long(high)}"
            for v in rows.verdicts
            for name, (low, high) in v.bounds.items()
        ],
        "status": [f"{v.clause} | {v.owner} | {v.state} | {v.status}" for v in rows.verdicts],
        "events": list(rows.events),
        "open_cases": list(rows.open_cases),
        "explanation": "\n".join(v.explanation for v in rows.verdicts if v.explanation),
        "steps": {line.id: [_step_text(step, language) for step in line.steps] for line in rows.lines},
        "problems": [str(problem) for problem in rows.problems],
        "versions": list(evaluation.versions),
        "engine_version": evaluation.engine_version,
        "tzdata_version": evaluation.tzdata_version,
        "input_hash": evaluation.input_hash,
        "result_hash": evaluation.result_hash,
    }


def _step_text(step: Step, language: str) -> str:
    shown = told_of(step, language)
    values = ", ".join(f"{name} {value}" for name, value in shown.values.items())
    return f"{shown.label}: {shown.formula} ({values}) = {shown.result}"
