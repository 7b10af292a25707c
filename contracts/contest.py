"""Until when a line may be contested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.segment import version_at
from contracts.terms.evidence_dispute import EvidenceDispute
from core.time import instant, micros

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contracts.document import Version
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
