"""Until when lines of an issued document may be contested, as it says itself."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from contracts.contest import contest_until
from contracts.terms.evidence_dispute import EvidenceDispute
from core.time import instant, micros, zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from billing.invoice import Document
    from contracts.document import Version


def limited(versions: Sequence[Version]) -> bool:
    """Whether any time to contest a line is agreed."""
    return any(
        version.billing.dispute_window is not None or any(isinstance(term, EvidenceDispute) for term in version.terms)
        for version in versions
    )


def limits(contract: str, versions: Sequence[Version], issued: datetime) -> Iterator[dict[str, str]]:
    """Contract, clause and until when, for each clause with such a time; `until` as UTC text."""
    for clause in sorted({term.clause for version in versions for term in version.terms}):
        until = contest_until(versions, clause, micros(issued))
        if until is not None:
            yield {"contract": contract, "clause": clause, "until": instant(until).isoformat()}


def too_late(document: Document, line: int | None, at: datetime) -> str:
    """Why a line (None: the whole document) can no longer be contested; empty if it can.

    The whole can be as long as any of its lines can.
    """
    limits = {(x["contract"], x["clause"]): x["until"] for x in document["issue"].get("contest_until", ())}
    names = {part["n"]: part["contract"] for part in document.get("parts", ())}
    lines = [one for one in document["lines"] if line in (None, one["n"])]
    ends = [limits.get((_contract(document, names, one), one["clause"])) for one in lines]
    known = [datetime.fromisoformat(end) for end in ends if end is not None]
    if len(known) < len(ends) or not known or at < max(known):
        return ""
    day = max(known).astimezone(zone(document["timezone"]))
    what = document["issue"]["number"] if line is None else f"line {line} of {document['issue']['number']}"
    return f"{what} could be contested until {day:%Y-%m-%d %H:%M} ({document['timezone']})"


def _contract(document: Document, names: dict[int, str], line: dict[str, Any]) -> str:
    return names[line["part"]] if names else str(document["contract"])
