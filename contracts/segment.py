"""When which version and term rules, and when which asset is covered. Instants are microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from contracts.span import Spans, normal
from core.time import Period, instant, micros, step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from contracts.document import Measure, Version
    from contracts.terms.base import Term

FOREVER = micros(instant(0)) + 10**17
"""Later than any contract, in microseconds."""
_OF_LINES = ("period", "anchor_day", "rounding", "decimals", "tax_category", "tax_rate")
"""What of a version's billing makes a line another one; when it is to be paid or corrected does not."""
Lineage: TypeAlias = "dict[int, Term]"
"""One promise or charge through the versions: version number to its term there."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch in which one term is unchanged. version: where the term came to be so; number: its number."""

    term: Term
    version: Version
    start: int
    end: int

    @property
    def measure(self) -> Measure | None:
        """The first measure that the term reads."""
        return self.version.measure_by_name[self.term.measures[0]] if self.term.measures else None


def in_force(versions: Sequence[Version], start: int, end: int) -> list[tuple[Version, int, int]]:
    """Which version rules when, within a stretch."""
    found = []
    for n, version in enumerate(versions):
        following = versions[n + 1].effective_from if n + 1 < len(versions) else FOREVER
        until = min(following, version.ends if version.ends is not None else FOREVER, end)
        since = max(version.effective_from, start)
        if since < until:
            found.append((version, since, until))
    return found


def settling(versions: Sequence[Version], start: int, end: int) -> list[tuple[Version, int, int]]:
    """As `in_force`; after the agreement's end its last version, for what is left to settle."""
    return in_force(versions, start, end) or [(versions[-1], start, end)]


def version_at(versions: Sequence[Version], at: int) -> Version | None:
    """The version in force at an instant."""
    return next((version for version, _, _ in in_force(versions, at, at + 1)), None)


def lineages(versions: Sequence[Version]) -> list[Lineage]:
    """Terms followed through the versions, by clause or by what they say they continue; in order of appearance."""
    found: list[Lineage] = []
    before: dict[str, Lineage] = {}
    for version in versions:
        now: dict[str, Lineage] = {}
        for term in version.terms:
            line = before.pop(term.continues or term.clause, None)
            if line is None:
                line = {}
                found.append(line)
            line[version.version] = term
            now[term.clause] = line
        before = now
    return found


def segments(versions: Sequence[Version], lineage: Lineage, start: int, end: int) -> list[Segment]:
    """The stretches in which this term rules; an amendment that leaves its rule and measure alone cuts nothing."""
    found: list[Segment] = []
    for version, since, until in in_force(versions, start, end):
        term = lineage.get(version.version)
        if term is None:
            continue
        last = found[-1] if found else None
        if last is not None and last.end == since and _same(last, term, version):
            found[-1] = Segment(last.term, last.version, last.start, until)
        else:
            found.append(Segment(term, version, since, until))
    return found


def _same(segment: Segment, term: Term, version: Version) -> bool:
    measures = [version.measure_by_name[name] for name in term.measures]
    earlier = [segment.version.measure_by_name[name] for name in segment.term.measures]
    billing = [[getattr(one.billing, name) for name in _OF_LINES] for one in (segment.version, version)]
    return (
        type(term) is type(segment.term)
        and term.rule == segment.term.rule
        and measures == earlier
        and billing[0] == billing[1]
    )


def covered(versions: Sequence[Version], applies_to: str | None, start: int, end: int) -> dict[str, Spans]:
    """Each asset (named itself, by its group, or all) with the time under the contract; only assets that have some."""
    found: dict[str, list[tuple[int, int]]] = {}
    for version, since, until in in_force(versions, start, end):
        for item in version.coverage:
            if applies_to in (None, item.asset, item.group):
                span = max(item.start, since), until if item.end is None else min(item.end, until)
                if span[0] < span[1]:
                    found.setdefault(item.asset, []).append(span)
    return {asset: normal(spans) if len(spans) > 1 else tuple(spans) for asset, spans in found.items()}


def pool_owner(versions: Sequence[Version], applies_to: str | None) -> str:
    """What a pool is called: its group or asset, else `contract`."""
    del versions
    return applies_to or "contract"


def contract_years(versions: Sequence[Version], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Contract years that touch a stretch, counted from the first version's effective_from."""
    first = versions[0]
    begin = instant(first.effective_from)
    n = max(0, (instant(start).year - begin.year) - 1)
    while True:
        since, until = (micros(step(begin, first.zone, months=12 * (n + k))) for k in (0, 1))
        if since >= end:
            return
        if until > start:
            yield since, until
        n += 1


def periods(version: Version, start: int, end: int, *, kind: str | None = None) -> Iterator[Period]:
    """Billing periods (or months, quarters, years from the anchor day) that touch a stretch."""
    chosen = kind or version.billing.period
    period = Period.containing(instant(start), chosen, version.zone, anchor_day=version.billing.anchor_day)
    while micros(period.span.start) < end:
        yield period
        period = period.next()


@lru_cache(maxsize=1024)
def days_touched(spans: Spans, where: ZoneInfo) -> frozenset[date]:
    """Calendar days of which some time lies in the spans."""
    found: set[date] = set()
    for start, end in spans:
        day, last = (instant(at).astimezone(where).date() for at in (start, end - 1))
        while day <= last:
            found.add(day)
            day += timedelta(days=1)
    return frozenset(found)
