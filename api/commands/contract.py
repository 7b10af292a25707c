"""Contracts as files: check them, evaluate them, read them. Needs no database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from contracts import check as checking
from contracts import difference, sentence
from contracts import language as dictionary
from contracts.document import Agreement, Version, read_agreement
from contracts.engine import NothingInForce
from contracts.facts_document import FactsDocument, read_facts
from contracts.schema import contract_schema, facts_schema
from contracts.text import TextDocument, read
from core.problem import Problem, Problems
from core.time import NotAPeriod, NotATime, micros, read_time

if TYPE_CHECKING:
    from collections.abc import Iterable

app = typer.Typer(name="contract", help="Check, evaluate and read contracts.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="Contract files, closed by a facts document or beside X.facts.yaml.")]
File = Annotated[Path, typer.Argument(help="The contract file.")]
FactsFile = Annotated[Path | None, typer.Option("--facts", help="The facts file.")]
ExampleName = Annotated[str | None, typer.Option("--example", help="Only the example of this name.")]
PeriodLabel = Annotated[str | None, typer.Option("--period", help="A period instead of the examples: 2026-06.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="With --period: as known then, in the contract's zone.")]
Language = Annotated[str | None, typer.Option("--language", help="en, de or fr; by default the document's.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def check(files: Files) -> None:
    """Check contract files and run their examples; exit 1 if anything is wrong."""
    wrong = sum(_check(path) for path in files if not _is_beside_its_contract(path))
    raise typer.Exit(1 if wrong else 0)


@app.command()
def evaluate(
    contract: File,
    *,
    facts: FactsFile = None,
    example: ExampleName = None,
    period: PeriodLabel = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Evaluate a contract by a facts file: every example, one of them, or a period; exit 1 if an example differs.

    In another language than the document's, lines, steps and explanations are told in it, and so hashes are others.
    """
    agreement = _agreement(contract)
    agreement = agreement if language is None else checking.in_language(agreement, language)
    documents = _facts(agreement, contract, facts)
    if not documents:
        _stop([Problem(str(contract), "there are no facts", "give --facts FILE")])
    spoken = agreement.versions[-1].language
    if period is not None:
        _period(agreement, documents[0], period, as_of=as_of, as_json=as_json)
        return
    outcomes = [
        checking.run_example(agreement, document, one)
        for document in documents
        for one in document.file.examples
        if example in (None, one.name)
    ]
    if not outcomes:
        _stop([Problem(str(facts or contract), f"there is no example {example or ''}", "name one of the facts file")])
    if as_json:
        _print_json([checking.to_json(outcome, spoken) for outcome in outcomes])
    else:
        for outcome in outcomes:
            _print(_example_text(outcome))
    raise typer.Exit(0 if all(outcome.matches for outcome in outcomes) else 1)


@app.command()
def show(contract: File, *, language: Language = None) -> None:
    """Print the agreement as a person would read it, in its own language or another."""
    _print("\n".join(sentence.agreement(_agreement(contract).versions, language)).rstrip())


@app.command()
def schema(*, facts: Annotated[bool, typer.Option("--facts", help="Of facts files.")] = False) -> None:
    """Print the JSON Schema of contract files, for editors."""
    _print(json.dumps(facts_schema() if facts else contract_schema(), ensure_ascii=False, indent=1))


@app.command()
def diff(
    contract: File,
    *,
    before: Annotated[int | None, typer.Option("--before", help="Version; by default the last but one.")] = None,
    after: Annotated[int | None, typer.Option("--after", help="Version; by default the last.")] = None,
    facts: FactsFile = None,
    period: Annotated[list[str] | None, typer.Option("--period", help="On the facts of this period, in money.")] = None,
    language: Language = None,
) -> None:
    """Print what an amendment changes, in words, and in money on past periods."""
    agreement = _agreement(contract)
    old, new = _two(agreement, before, after)
    changes = list(difference.in_words(old, new, language))
    head, none = (dictionary.of(dictionary.PHRASES, key, language or new.language) for key in ("changes", "nothing"))
    _print("\n".join([head.format(old.version, new.version), *(f"  {one}" for one in changes or [none])]))
    documents = _facts(agreement, contract, facts) if period else []
    if period and not documents:
        _stop([Problem(str(contract), "there are no facts", "give --facts FILE")])
    for label in period or ():
        try:
            effects = list(difference.in_money(old, new, documents[0], label))
        except (NotAPeriod, NothingInForce) as error:
            _stop([Problem("", str(error))])
        except Problems as error:
            _stop(error.problems)
        rows = [f"{e.clause} | {e.owner} | {e.before} | {e.after} | {e.change}" for e in effects]
        _print("\n".join([f"{label}: clause | asset | before | after | change", *(f"  {r}" for r in rows or ["none"])]))


def _two(agreement: Agreement, before: int | None, after: int | None) -> tuple[Version, Version]:
    last = agreement.versions[-1].version if after is None else after
    wanted = (last - 1 if before is None else before, last)
    known = {version.version: version for version in agreement.versions}
    for number in wanted:
        if number not in known:
            _stop([Problem("", f"there is no version {number}", f"one of {', '.join(map(str, known))}")])
    return known[wanted[0]], known[wanted[1]]


def _check(path: Path) -> bool:
    """Print what is wrong with one file; True if anything is."""
    found = read_agreement(_bytes(path))
    if not isinstance(found, Agreement):
        _print("\n".join([f"{path}: {len(found)} problems", *(f"  {problem}" for problem in found)]))
        return True
    beside = _beside(path)
    sources = [*found.facts, *(_documents(beside) if beside else [])]
    failed, shown = [], 0
    for source in sources:
        document = read_facts(source, found.versions)
        if not isinstance(document, FactsDocument):
            failed += [str(problem) for problem in document]
            continue
        failed += [str(problem) for problem in checking.unanswered(found, document)]
        outcomes = checking.run(found, document)
        shown += len(outcomes)
        failed += [f"{o.name}\n{_indent(o.differences)}" for o in outcomes if not o.matches]
    terms = sum(len(version.terms) for version in found.versions)
    summary = f"{len(found.versions)} versions, {terms} terms, {shown} examples"
    _print("\n".join([f"{path}: {'wrong' if failed else 'sound'}, {summary}", *(f"  {one}" for one in failed)]))
    return bool(failed)


def _period(agreement: Agreement, document: FactsDocument, period: str, *, as_of: str | None, as_json: bool) -> None:
    try:
        known = None if as_of is None else micros(read_time(as_of, agreement.versions[0].zone))
        evaluation = checking.evaluate(agreement.versions, document, None, period, as_of=known)
    except (NotATime, NotAPeriod, NothingInForce) as error:
        _stop([Problem("", str(error))])
    except Problems as error:
        _stop(error.problems)
    rows = checking.rows_of(evaluation, agreement.versions, None, as_of=known)
    whole = {"name": period, **checking.rows_json(evaluation, rows, agreement.versions[-1].language)}
    if as_json:
        _print_json([whole])
    else:
        _print(_rows_text(whole))
    raise typer.Exit(1 if rows.problems else 0)


def _example_text(outcome: checking.Outcome) -> str:
    verdict = "matches" if outcome.matches else "DIFFERS"
    parts = [f"{verdict}: {outcome.name}"]
    if outcome.evaluation is not None and outcome.rows is not None:
        parts.append(_rows_text(checking.rows_json(outcome.evaluation, outcome.rows)))
    if not outcome.matches:
        parts.append(_indent(outcome.differences))
    return "\n".join(parts) + "\n"


def _rows_text(whole: dict[str, object]) -> str:
    parts: list[str] = []
    for name in ("lines", "delta", "values", "bounds", "status", "events", "open_cases", "explanation", "problems"):
        rows = str(whole[name]).splitlines() if name == "explanation" else whole[name]
        if isinstance(rows, list) and (rows or name == "lines"):
            parts += [f"  {name}", *(f"    {row}" for row in rows or ["none"])]
        if name == "lines":
            parts += [f"  {sum_} {whole[sum_]}" for sum_ in ("total", "tax", "gross") if sum_ in whole]
    return "\n".join(parts)


def _agreement(path: Path) -> Agreement:
    found = read_agreement(_bytes(path))
    if not isinstance(found, Agreement):
        _stop(found)
    return found


def _facts(agreement: Agreement, contract: Path, facts: Path | None) -> list[FactsDocument]:
    beside = facts or _beside(contract)
    sources = _documents(beside) if beside else list(agreement.facts)
    found = []
    for source in sources:
        document = read_facts(source, agreement.versions)
        if not isinstance(document, FactsDocument):
            _stop(document)
        found.append(document)
    return found


def _documents(path: Path) -> list[TextDocument]:
    documents, problems = read(_bytes(path))
    if problems:
        _stop(problems)
    return documents


def _beside(path: Path) -> Path | None:
    """X.facts.yaml for X.contract.yaml, if it is there."""
    other = path.with_name(path.name.replace(".contract.", ".facts."))
    return other if other != path and other.is_file() else None


def _is_beside_its_contract(path: Path) -> bool:
    other = path.with_name(path.name.replace(".facts.", ".contract."))
    return other != path and other.is_file()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        _stop([Problem(str(path), f"cannot be read: {error.strerror}", "name a file that exists")])


def _stop(problems: Iterable[Problem]) -> NoReturn:
    for problem in problems:
        typer.echo(str(problem), err=True)
    raise typer.Exit(1)


def _print(text: str) -> None:
    typer.echo(text)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


def _indent(texts: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for text in texts for line in text.split("\n"))
