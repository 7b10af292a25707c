"""Duties over time: when each fails, and from when to when that is a breach. Instants are microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.quantity import levels
from contracts.segment import FOREVER, covered, in_force, version_at
from contracts.span import intersect, normal
from contracts.terms.obligation import OBSERVABLE, Obligation
from core.time import instant, micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from contracts.document import Version
    from contracts.facts import Facts
    from contracts.segment import Lineage
    from contracts.span import Spans


@dataclass(frozen=True, slots=True)
class Breach:
    """A duty that was breached by an asset's side, until it was kept again. restored: that is known to have happened.

    version: in force when it began to fail.
    """

    clause: str
    asset: str
    term: Obligation
    version: Version
    start: int
    end: int
    restored: bool


def breaches(versions: Sequence[Version], known: Iterable[Lineage], facts: Facts, until: int) -> tuple[Breach, ...]:
    """Every breach that the facts show, in order of time: after the cure, counted from an alert that arrived."""
    found = [
        breach
        for lineage in known
        if any(isinstance(term, Obligation) for term in lineage.values())
        for breach in _of_duty(versions, lineage, facts, until)
    ]
    return tuple(sorted(found, key=lambda b: (b.start, b.clause, b.asset)))


def _of_duty(versions: Sequence[Version], lineage: Lineage, facts: Facts, until: int) -> Iterator[Breach]:
    assets = {asset for term in lineage.values() for asset in covered(versions, term.applies_to, 0, FOREVER)}
    for asset in sorted(assets):
        for version, term, start, end in _failures(versions, lineage, facts, asset, until):
            alert = _alert(facts, term, asset, start, end)
            if alert is None:
                continue
            begins = micros(term.cure.after(instant(alert), version.zone))
            if term.for_ is not None:
                begins = max(begins, micros(term.for_.after(instant(start), version.zone)))
            stops = min(end, until)
            if begins < stops:
                yield Breach(term.clause, asset, term, version, begins, stops, end <= until)


def _failures(
    versions: Sequence[Version], lineage: Lineage, facts: Facts, asset: str, until: int
) -> Iterator[tuple[Version, Obligation, int, int]]:
    """When the duty was not kept, with the version in force when it began to fail; an open end lies after `until`."""
    clauses = {term.clause for term in lineage.values()}
    for item in facts.unmet or ():
        version = version_at(versions, item.start)
        term = lineage.get(version.version) if version else None
        if item.clause in clauses and item.asset == asset and version and isinstance(term, Obligation):
            yield version, term, item.start, item.end
    counted: Spans = ()
    for version, since, to in in_force(versions, 0, FOREVER):
        term = lineage.get(version.version)
        if not isinstance(term, Obligation):
            continue
        for start, end in _below(version, term, facts, asset, until):
            begins = max(start, since)
            before = any(a <= begins < b for a, b in counted)
            allowed = micros(term.for_.after(instant(begins), version.zone)) if term.for_ else begins
            if begins < min(end, to) and not before and end > allowed:
                counted = normal((*counted, (begins, end)))
                yield version, term, begins, end


def _below(version: Version, term: Obligation, facts: Facts, asset: str, until: int) -> Spans:
    """When the gauge, or a ready quantity of it, breaks the limit; a stretch that goes on ends after `until`."""
    measure = version.measure_by_name[term.measure]
    if measure.kind not in OBSERVABLE:
        return ()
    unit = measure.unit or ""
    ready = facts.quantities_of.get((asset, measure.measure), [])
    failing = [(q.start, q.end) for q in ready if not term.kept(q.quantity, unit)]
    gauge = facts.gauges.get((asset, measure.register_path or ""))
    for start, end, value in levels(gauge, measure, until) if gauge else ():
        if not term.kept(value, unit):
            failing.append((start, end + (end == until)))
    under = covered((version,), term.applies_to, 0, FOREVER).get(asset, ())
    return intersect(normal(failing), under)


def _alert(facts: Facts, term: Obligation, asset: str, start: int, end: int) -> int | None:
    """When the first alert of this failure arrived."""
    given = [
        notice.given
        for notice in facts.notices
        if notice.kind == "alert"
        and notice.clause in (term.clause, "")
        and notice.asset in (asset, "")
        and start <= notice.given < end
    ]
    return min(given, default=None)
