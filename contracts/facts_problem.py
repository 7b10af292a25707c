"""What is wrong with the facts of a file, beside the versions of its contract: each problem with its path."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from core.problem import Problem
from core.units import Quantity, convertible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.document import Version
    from contracts.facts_model import FactLists, FactsFile
    from contracts.text import Path

_EXCHANGED = ("end_value", "start_value")
_CLAUSED = ("notices", "unmet", "carried", "history")
_READ = ("readings", "exchanges", "estimates", "meter_tests")
_OWNED = (
    "quantities", "readings", "exchanges", "estimates", "states", "attributions", "notices", "unmet", "tickets",
    "substitutes", "meter_tests", "carried", "history",
)  # fmt: skip


def check(lists: FactLists, versions: Sequence[Version], owners: set[str]) -> Iterator[tuple[Path, Problem]]:
    """What is wrong with a file's lists, or an example's. owners: of the file."""
    return chain(
        _quantity_problems(lists, versions),
        _reading_problems(lists, versions),
        _name_problems(lists, versions),
        _span_problems(lists),
        _owner_problems(lists, owners),
    )


def check_examples(file: FactsFile, versions: Sequence[Version]) -> Iterator[tuple[Path, Problem]]:
    """Clauses, versions and changes of examples that no version knows."""
    clauses = {term.clause for version in versions for term in version.terms}
    targets = clauses | {m.measure for v in versions for m in v.measures} | {"billing", "coverage"}
    numbers = {version.version for version in versions}
    for n, example in enumerate(file.examples):
        for unknown in sorted(set(example.clauses) - clauses):
            yield ("examples", n, "clauses"), Problem("", f"clause {unknown!r} does not exist", "name a clause")
        for unknown in sorted(set(example.changes) - targets):
            remedy = "name a clause, a measure, billing or coverage"
            yield ("examples", n, "with", unknown), Problem("", "is nothing that an example can change", remedy)
        if unknown_versions := sorted(set(example.versions or ()) - numbers):
            yield ("examples", n, "versions"), Problem("", f"there is no version {unknown_versions}", "name one")


def owners_of(file: FactsFile, versions: Sequence[Version]) -> set[str]:
    """Assets and groups of the contract, and those that an example covers instead."""
    found = {owner for version in versions for owner in version.owners}
    for example in file.examples:
        coverage = example.changes.get("coverage")
        for item in coverage if isinstance(coverage, list) else ():
            names = [item.get(field) for field in ("asset", "group")] if isinstance(item, dict) else []
            found |= {name for name in names if isinstance(name, str)}
    return found


def _quantity_problems(lists: FactLists, versions: Sequence[Version]) -> Iterator[tuple[Path, Problem]]:
    units = {m.measure: m.unit for v in versions for m in v.measures}
    for n, q in enumerate(lists.quantities):
        if (q.asset is None) == (q.group is None):
            yield ("quantities", n), Problem("", "needs one of asset and group", "say whose quantity it is")
        if q.measure not in units:
            yield ("quantities", n), Problem("", f"{q.measure!r} is no measure", f"one of {', '.join(sorted(units))}")
        elif q.quantity.unit != units[q.measure]:
            message = f"{q.quantity} is not in {units[q.measure]}"
            yield ("quantities", n), Problem("", message, f"{q.measure} is measured in it")
        for name, level in q.dimensions.items():
            unit = units.get(name)
            if unit is None or not convertible(level.unit, unit):
                message = f"{level} does not convert to {unit}" if unit else f"{name!r} is no measure with a unit"
                remedy = f"{name} is measured in {unit}" if unit else f"one of {', '.join(sorted(units))}"
                yield ("quantities", n, "dimensions", name), Problem("", message, remedy)


def _reading_problems(lists: FactLists, versions: Sequence[Version]) -> Iterator[tuple[Path, Problem]]:
    """Readings and exchanges whose values are in no unit of their register."""
    units = {m.register_path: m.unit for v in versions for m in v.measures}
    values: list[tuple[Path, str, Quantity | str]] = [
        (("readings", n, "value"), reading.path, reading.value) for n, reading in enumerate(lists.readings)
    ]
    for n, exchange in enumerate(lists.exchanges):
        values += [(("exchanges", n, name), exchange.path, getattr(exchange, name)) for name in _EXCHANGED]
    values += [(("estimates", n, "quantity"), one.path, one.quantity) for n, one in enumerate(lists.estimates)]
    for place, path, value in values:
        unit = units.get(path)
        if unit and (not isinstance(value, Quantity) or not convertible(value.unit, unit)):
            yield place, Problem("", f"{value} does not convert to {unit}", f"{path} is measured in {unit}")


def _name_problems(lists: FactLists, versions: Sequence[Version]) -> Iterator[tuple[Path, Problem]]:
    """Clauses and registers that no version knows: such a fact would be left out without a word."""
    clauses = {term.clause for version in versions for term in version.terms}
    registers = {m.register_path for v in versions for m in v.measures if m.register_path}
    named = [(name, "clause", "clause", clauses) for name in _CLAUSED]
    named += [(name, "register", "path", registers) for name in _READ]
    for name, field, attribute, known in named:
        for n, item in enumerate(getattr(lists, name)):
            written = getattr(item, attribute)
            if written is not None and written not in known:
                yield (name, n, field), Problem("", f"{written!r} is no {field} of this contract", _one_of(known))


def _span_problems(lists: FactLists) -> Iterator[tuple[Path, Problem]]:
    for name in ("quantities", "estimates", "states", "attributions", "notices", "unmet", "pauses", "substitutes"):
        for n, item in enumerate(getattr(lists, name)):
            if item.start is not None and item.end is not None and item.end <= item.start:
                yield (name, n), Problem("", "is an empty or inverted span", "to is after from")


def _owner_problems(lists: FactLists, owners: set[str]) -> Iterator[tuple[Path, Problem]]:
    for name in _OWNED:
        for n, item in enumerate(getattr(lists, name)):
            for field in ("asset", "group"):
                owner = getattr(item, field, None)
                if owner is not None and owner not in owners:
                    yield (name, n, field), Problem("", f"{owner!r} is not covered by this contract", _one_of(owners))


def _one_of(known: set[str]) -> str:
    return f"one of {', '.join(sorted(known)[:20])}" if known else "it has none"
