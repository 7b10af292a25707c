"""Until when a line may be contested, and on which bill an asset's time counts last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.segment import contract_years, covered, version_at
from contracts.terms.availability import Availability
from contracts.terms.evidence_dispute import EvidenceDispute
from contracts.terms.minimum_commitment import MinimumCommitment
from core.time import Period, instant, micros, step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.document import Version
    from contracts.window import WindowKind
    from core.time import Duration


def contest_until(versions: Sequence[Version], clause: str, issued: int) -> int | None:
    """When the time to contest a clause's line is over, counted from the issue of its invoice; None: no time is agreed.

    By the version in force when it was issued; a clause without an evidence_dispute has the contract's dispute_window.
    Instants in microseconds.
    """
    version = version_at(versions, issued) or versions[-1]
    within = contest_within(version, clause)
    return None if within is None else micros(within.after(instant(issued), version.zone))


def contest_within(version: Version, clause: str) -> Duration | None:
    """How long a clause's line may be contested; None: no time is agreed."""
    return next(
        (term.contest_within for term in version.terms if isinstance(term, EvidenceDispute) and term.of == clause),
        version.billing.dispute_window,
    )


def counts_for(versions: Sequence[Version], asset: str, at: int) -> Iterator[tuple[str, Period]]:
    """Clauses for which it matters what an asset did at an instant, each with the billing period where it last does."""
    version = version_at(versions, at)
    if version is None:
        return
    for term in version.terms:
        judged = isinstance(term, Availability) or (isinstance(term, MinimumCommitment) and term.relief)
        if judged and asset in covered((version,), term.applies_to, at, at + 1):
            yield term.clause, _last_bill(versions, version, getattr(term, "window"), at)  # noqa: B009 - both have one


def _last_bill(versions: Sequence[Version], version: Version, window: WindowKind, at: int) -> Period:
    """The billing period in which the last window that holds an instant ends."""
    day, where = version.billing.anchor_day, version.zone
    end = at + 1
    if window == "contract_year":
        end = next(until for _, until in contract_years(versions, at, at + 1))
    elif window == "rolling_12_months":
        month = Period.containing(instant(at), "month", where, anchor_day=day)
        end = micros(step(month.span.end, where, months=11))
    elif window != "period":
        end = Period.containing(instant(at), window, where, anchor_day=day).span.micros[1]
    over = versions[-1].ends
    end = end if over is None else max(at + 1, min(end, over))
    return Period.containing(instant(end - 1), version.billing.period, where, anchor_day=day)
