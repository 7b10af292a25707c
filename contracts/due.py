"""Which billing periods a contract has up to an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.segment import contract_years
from core.time import Period, instant, micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from contracts.document import Version

WINDOWED = frozenset({"availability", "performance", "gain_share", "minimum_commitment"})
"""Kinds of term that come to something when their window is over."""


def periods(versions: Sequence[Version], *, after: datetime | None, at: datetime) -> Iterator[tuple[Period, datetime]]:
    """Each period that began by `at`, with its cut-off, from the first covered one on, or from `after` on.

    After the agreement's end they go on until the windows of its promises are over: what these come to is settled then.
    The cut-off steps on the contract's calendar from the period's end, as the newest version says.
    """
    newest = versions[-1]
    starts = after or instant(_first_covered(versions))
    ends = None if newest.ends is None else instant(_settled(versions, newest.ends))
    billing = newest.billing
    period = Period.containing(starts, billing.period, newest.zone, anchor_day=billing.anchor_day)
    while period.span.start <= at and (ends is None or period.span.start < ends):
        yield period, billing.cutoff.after(period.span.end, newest.zone)
        period = period.next()


def _first_covered(versions: Sequence[Version]) -> int:
    covered = min(item.start for version in versions for item in version.coverage)
    return max(covered, versions[0].effective_from)


def _settled(versions: Sequence[Version], ends: int) -> int:
    """When the last window is over that runs as the agreement ends."""
    newest = versions[-1]
    kinds = {getattr(term, "window", None) for version in versions for term in version.terms if term.kind in WINDOWED}
    found = [ends]
    if "quarter" in kinds:
        last = instant(ends - 1)
        quarter = Period.containing(last, "quarter", newest.zone, anchor_day=newest.billing.anchor_day)
        found.append(micros(quarter.span.end))
    if "contract_year" in kinds:
        found += [end for _, end in contract_years(versions, ends - 1, ends)]
    return max(found)
