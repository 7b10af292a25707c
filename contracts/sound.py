"""What is wrong with a version as a whole, or with versions together: what no single field shows."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from core.money import NotMoney, exponent
from core.problem import Problem
from core.units import convertible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.document import Coverage, Version
    from contracts.text import Path


def check(version: Version) -> Iterator[tuple[Path, Problem]]:
    """What no single field shows; each with the path to its place."""
    yield from _check_head(version)
    yield from _check_coverage(version)
    yield from _check_measures(version)
    for name, keys in (
        ("measures", [m.measure for m in version.measures]),
        ("terms", [t.clause for t in version.terms]),
    ):
        for n, key in enumerate(keys):
            if key in keys[:n]:
                yield (name, n), Problem("", f"{key!r} occurs twice", "give each its own name")
    for n, term in enumerate(version.terms):
        for problem in term.check(version):
            yield ("terms", n, *_split(problem.place)), problem


def _split(place: str) -> Path:
    parts: list[str | int] = []
    for word in place.replace("[", ".").replace("]", "").split("."):
        parts += [int(word) if word.isdecimal() else word] if word else []
    return tuple(parts)


def _check_head(version: Version) -> Iterator[tuple[Path, Problem]]:
    for role in ("provider", "customer"):
        if role not in version.parties:
            yield ("parties",), Problem("", f"{role} is missing", "a contract has a provider and a customer")
    if version.ends is not None and version.ends <= version.effective_from:
        yield ("ends",), Problem("", "is not after effective_from", "an agreement ends after it begins")
    try:
        most = exponent(version.currency)
    except NotMoney as error:
        yield ("currency",), Problem("", str(error))
        return
    if version.billing.decimals > most:
        remedy = f"at most {most}: nobody can pay less than the smallest unit"
        yield (
            ("billing", "decimals"),
            Problem("", f"{version.billing.decimals} are more than {version.currency} has", remedy),
        )
    if not 1 <= version.billing.anchor_day <= 31:  # noqa: PLR2004 - days of a month
        yield ("billing", "anchor_day"), Problem("", "is no day of a month", "write 1 to 31")
    if not version.terms:
        yield ("terms",), Problem("", "is empty", "a contract promises or charges something")
    for n, calendar in enumerate(version.calendars):
        if calendar.calendar == "24x7" or not calendar.days:
            yield ("calendars", n), Problem("", "is named 24x7 or has no days", "24x7 is always there; name days")


def _check_coverage(version: Version) -> Iterator[tuple[Path, Problem]]:
    groups = {c.group for c in version.coverage if c.group}
    if not version.coverage:
        yield ("coverage",), Problem("", "is empty", "name the assets under the contract")
    seen: dict[tuple[str, str | None], list[Coverage]] = {}
    for n, item in enumerate(version.coverage):
        if item.end is not None and item.end <= item.start:
            yield ("coverage", n), Problem("", "is empty or inverted", "to is after from")
        if item.asset in groups or "contract" in (item.asset, item.group):
            yield (
                ("coverage", n),
                Problem("", f"{item.asset!r} or its group has a name that is taken", "choose another"),
            )
        others = seen.setdefault((item.asset, item.group), [])
        if any((o.end is None or item.start < o.end) and (item.end is None or o.start < item.end) for o in others):
            yield ("coverage", n), Problem("", f"{item.asset} is covered twice at one time", "cut one of the spans")
        others.append(item)


_NEEDS = {
    "counter_delta": ("register", "unit", "on_reset", "boundary"),
    "state_time": ("register", "max_gap"),
    "ratio": ("of", "per", "unit"),
}


def _check_measures(version: Version) -> Iterator[tuple[Path, Problem]]:
    for n, measure in enumerate(version.measures):
        for name in _NEEDS.get(measure.kind, ("register", "unit")):
            if getattr(measure, "register_path" if name == "register" else name) is None:
                yield ("measures", n), Problem("", f"{measure.measure} states no {name}", f"a {measure.kind} needs it")
        if measure.unit and measure.modulus and not convertible(measure.modulus.unit, measure.unit):
            yield ("measures", n, "modulus"), Problem("", f"{measure.modulus} is no {measure.unit}", "use its unit")
        if measure.unit and measure.max_rate and not convertible(measure.max_rate.unit, f"{measure.unit}/h"):
            remedy = f"write it as 130 {measure.unit}/h"
            yield ("measures", n, "max_rate"), Problem("", f"{measure.max_rate} is no rate of {measure.unit}", remedy)
        if measure.max_gap and (measure.max_gap.months or measure.max_gap.days):
            yield ("measures", n, "max_gap"), Problem("", "is a step of the calendar", "write elapsed time: 15 min")
        if measure.bills_estimates and (measure.kind != "counter_delta" or measure.require_signature):
            which = "of signed readings" if measure.require_signature else measure.kind
            remedy = "write exclude, or leave it out: only counters of unsigned readings are estimated"
            yield ("measures", n, "estimates"), Problem("", f"has no meaning for a measure {which}", remedy)
        for other in (measure.of, measure.per):
            if other is not None and other not in version.measure_by_name:
                yield ("measures", n), Problem("", f"{other!r} is no measure", "name two measures of this version")


def check_together(versions: Sequence[Version], *, whole: bool) -> Iterator[Problem]:
    """What does not fit between the versions of one contract; whole: all of them are there, from the first."""
    numbers = [version.version for version in versions]
    if whole and numbers != list(range(1, len(versions) + 1)):
        yield Problem("version", f"the versions are numbered {numbers}", "count 1, 2, 3 in order of effective_from")
    for before, after in pairwise(versions):
        where = f"version {after.version}"
        if after.effective_from <= before.effective_from:
            yield Problem(f"{where}, effective_from", "does not rise", "a version begins after the one before")
        for name in ("contract", "currency", "timezone"):
            if getattr(after, name) != getattr(before, name):
                yield Problem(f"{where}, {name}", "differs from the version before", "it is the same in every version")
        for term in after.terms:
            if term.continues and term.continues not in before.term_by_clause:
                place = f"{where}, clause {term.clause}, continues"
                yield Problem(place, f"clause {term.continues!r} is not in the version before", "name a clause of it")
