"""Until when lines of an issued document may be contested, as it says itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from billing.label import labels
from contracts.contest import contest_until, contest_within, counts_for
from contracts.segment import in_force, periods
from core.problem import Problem
from core.time import Duration, instant, micros, wall_text, zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from billing.invoice import Document
    from contracts.document import Version
    from contracts.facts import Attribution


def agreed(contract: str, version: Version, language: str) -> Document | None:
    """What is agreed about contesting lines, as the content of a document: clauses with their time, and the way.

    version: in force when the period ends. None where no time is agreed. The same whenever it is issued: until when a
    line may be contested follows from it and the issue (`until`).
    """
    terms = [
        {"contract": contract, "clause": clause, "within": str(within)}
        for clause in sorted({term.clause for term in version.terms})
        if (within := contest_within(version, clause)) is not None
    ]
    if not terms:
        return None
    return {
        "counted_from": "issue",
        "timezone": version.zone.key,
        "terms": terms,
        "how": labels(language)["contest_how"],
    }


def until(contest: Document, issued: datetime) -> list[dict[str, str]]:
    """Contract, clause and until when, for each clause that `agreed` names; `until` as UTC text."""
    where = zone(contest["timezone"])
    return [
        {name: term[name] for name in ("contract", "clause")}
        | {"until": Duration.parse(term["within"]).after(issued, where).astimezone(UTC).isoformat()}
        for term in contest["terms"]
    ]


def limits(contract: str, versions: Sequence[Version], issued: datetime) -> Iterator[dict[str, str]]:
    """As `until`, of a draft that was drawn up before documents said what is agreed."""
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


@dataclass(frozen=True, slots=True)
class Piece:
    """What of a contested stretch lies in one billing period. bills: where it counts last, by clause."""

    start: int
    label: str
    bills: Mapping[str, str]


def pieces(versions: Sequence[Version], item: Attribution) -> list[Piece]:
    """The billing periods of a contested stretch, in order of time; without those for which it does not matter."""
    found = []
    for version, since, until in in_force(versions, item.start, item.end):
        for period in periods(version, since, until):
            start = max(period.span.micros[0], since)
            bills = {clause: bill.label for clause, bill in counts_for(versions, item.asset, start)}
            if bills:
                found.append(Piece(start, period.label, bills))
    return found


def refused(
    item: Attribution,
    found: Iterable[Piece],
    limits: Mapping[tuple[str, str], datetime],
    *,
    at: datetime,
    where: ZoneInfo,
) -> Iterator[Problem]:
    """A problem if part of a contested stretch counts only on bills that may no longer be contested.

    limits: until when, by period and clause; a bill without one may still be issued, or be contested at any time.
    """
    late: dict[str, datetime] = {}
    still = None
    for piece in found:
        ends = [limits.get((label, clause)) for clause, label in piece.bills.items()]
        known = [end for end in ends if end is not None]
        if len(known) == len(ends) and max(known) <= at:
            late[piece.label] = max(known)
        else:
            still = still or wall_text(instant(piece.start), where)
    if late:
        label, end = max(late.items(), key=lambda one: one[1])
        place = f"attributions, {item.asset} from {wall_text(instant(item.start), where)}"
        message = f"{label} could be contested until {wall_text(end, where)} ({where.key})"
        other = f"contest the time from {still} on" if still else "ask the provider"
        yield Problem(place, message, f"{other}; a decision is stated as accepted or determined")
