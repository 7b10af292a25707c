"""Which billing periods a contract has up to an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.time import Period, instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from contracts.document import Version


def periods(versions: Sequence[Version], *, after: datetime | None, at: datetime) -> Iterator[tuple[Period, datetime]]:
    """Each period that began by `at`, with its cut-off, from the first covered one on, or from `after` on.

    The cut-off steps on the contract's calendar from the period's end, as the newest version says.
    """
    newest = versions[-1]
    starts = after or instant(_first_covered(versions))
    ends = None if newest.ends is None else instant(newest.ends)
    billing = newest.billing
    period = Period.containing(starts, billing.period, newest.zone, anchor_day=billing.anchor_day)
    while period.span.start <= at and (ends is None or period.span.start < ends):
        yield period, billing.cutoff.after(period.span.end, newest.zone)
        period = period.next()


def _first_covered(versions: Sequence[Version]) -> int:
    covered = min(item.start for version in versions for item in version.coverage)
    return max(covered, versions[0].effective_from)
