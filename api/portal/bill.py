"""A bill as a page shows it: the running period or a closed one, its lines under their clauses."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from api.errors import NotFound
from api.evaluation import Line, Verdict, lines, verdicts
from api.portal.format import figure
from api.sentence import sentences
from api.visit import Visit
from contracts.store import view
from contracts.store.view import ContractView, EvaluationView, PeriodView, StandingView, VersionView
from core.money import Money
from core.time import zone
from ingest.store.view import asset_ids


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause with what it comes to over all assets; `lines` are ordered by amount, largest first."""

    clause: str
    kind: str
    sentence: str
    lines: list[Line]
    amount: Money
    quantity: Fraction | None
    unit: str


@dataclass(frozen=True, slots=True)
class Bill:
    """What a period costs, before tax. `until`: what is known of it; `open` while it may still change.

    assets: outside ids of those that its lines name, as far as the viewer may see them.
    """

    contract: ContractView
    zone: ZoneInfo
    language: str
    label: str
    start: datetime
    end: datetime
    cutoff: datetime
    until: datetime
    known: int
    evaluated_at: datetime
    evaluation: str | None
    result_hash: str
    open: bool
    total: Money
    clauses: list[Clause]
    verdicts: list[Verdict]
    promises: list[Verdict]
    document: Mapping[str, Any]
    earlier: PeriodView | None
    later: PeriodView | None
    assets: Mapping[str, str]

    @property
    def elapsed(self) -> Fraction:
        """The part of the period that is over, from 0 to 1."""
        micro = timedelta(microseconds=1)
        passed = min(max(self.until, self.start), self.end) - self.start
        return Fraction(passed // micro, (self.end - self.start) // micro)

    @property
    def day(self) -> int:
        """Which day of the period it is, from 1."""
        last = min(self.until, self.end - timedelta(microseconds=1))
        return (last.astimezone(self.zone).date() - self.start.astimezone(self.zone).date()).days + 1

    @property
    def days(self) -> int:
        """How many days the period has."""
        last = self.end - timedelta(microseconds=1)
        return (last.astimezone(self.zone).date() - self.start.astimezone(self.zone).date()).days + 1

    @property
    def credit(self) -> Money:
        """What credits take off, as a positive amount."""
        found = [line.amount for clause in self.clauses for line in clause.lines if line.amount.startswith("-")]
        return -sum((Money.parse(one) for one in found), Money.zero(self.contract.currency))

    @property
    def missed(self) -> list[Verdict]:
        """Promises that are not kept so far."""
        return [one for one in self.promises if one.state == "violated"]

    @property
    def address(self) -> str:
        """What the page's links carry so that the next one shows the same contract and period."""
        return f"contract={self.contract.public_id}&period={self.label}"


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is the same for a running and a closed period, and the ids of assets by name."""

    contract: ContractView
    versions: list[VersionView]
    period: PeriodView
    earlier: PeriodView | None
    later: PeriodView | None
    assets: Mapping[str, str]


def load(visit: Visit, contract: ContractView, label: str | None) -> Bill | None:
    """The bill of a period; of the running one, or else the newest, if no label is given. Raises NotFound."""
    periods = view.periods(visit.connection, contract.id)
    standing = view.standings(visit.connection, [contract.id]).get(contract.id)
    running = standing.label if standing else None
    shown = [one for one in periods if one.label == running or one.evaluation]
    wanted = label or running or (shown[0].label if shown else None)
    if wanted is None:
        return None
    place = next((n for n, one in enumerate(shown) if one.label == wanted), None)
    if place is None:
        raise NotFound("this contract has no such period, or it was not evaluated yet")
    earlier = shown[place + 1] if place + 1 < len(shown) else None
    later = shown[place - 1] if place else None
    found = shown[place].evaluation
    closed = view.evaluation(visit.connection, found) if found else None
    known = closed or standing
    if known is None:
        raise NotFound("this period was not evaluated yet")
    ids = asset_ids(visit.connection, (line["asset"] for line in known.result["lines"]))
    frame = _Frame(contract, view.versions(visit.connection, contract.id), shown[place], earlier, later, ids)
    return _bill(frame, known.result, known, evaluation=closed.public_id if closed else None)


def _bill(
    frame: _Frame, result: Mapping[str, Any], known: StandingView | EvaluationView, *, evaluation: str | None
) -> Bill:
    document = json.loads(_in_force(frame.versions, frame.period).document)
    judged = verdicts(result["verdicts"])
    return Bill(
        contract=frame.contract,
        zone=zone(frame.contract.timezone),
        language=document.get("language", "en"),
        label=frame.period.label,
        start=frame.period.starts_at,
        end=frame.period.ends_at,
        cutoff=frame.period.cutoff_at,
        until=known.until,
        known=known.known,
        evaluated_at=known.evaluated_at,
        evaluation=evaluation,
        result_hash=result["result_hash"],
        open=evaluation is None,
        total=Money.parse(result["total"]),
        clauses=clauses(lines(result["lines"]), document, frame.contract.currency),
        verdicts=judged,
        promises=[one for one in judged if one.kind == "availability"],
        document=document,
        earlier=frame.earlier,
        later=frame.later,
        assets=frame.assets,
    )


def clauses(found: Iterable[Line], document: Mapping[str, Any], currency: str) -> list[Clause]:
    """Lines under their clauses, in the contract's order."""
    by_clause: dict[str, list[Line]] = {}
    for line in found:
        by_clause.setdefault(line.clause, []).append(line)
    words = {clause: sentence for clause, _, sentence in sentences(document)}
    order = [*(clause for clause in words if clause in by_clause), *(c for c in by_clause if c not in words)]
    return [_clause(clause, by_clause[clause], words.get(clause, ""), currency) for clause in order]


def _clause(clause: str, found: list[Line], sentence: str, currency: str) -> Clause:
    amounts = {line.id: Decimal(line.amount.partition(" ")[0]) for line in found}
    counted = [Fraction(line.quantity) for line in found if line.quantity is not None]
    return Clause(
        clause=clause,
        kind=found[0].kind,
        sentence=sentence,
        lines=sorted(found, key=lambda line: (-abs(amounts[line.id]), natural(line.asset))),
        amount=sum((Money.parse(line.amount) for line in found), Money.zero(currency)),
        quantity=sum(counted, Fraction(0)) if counted else None,
        unit=found[0].unit,
    )


def _in_force(versions: list[VersionView], period: PeriodView) -> VersionView:
    ruling = [one for one in versions if one.effective_from < period.ends_at]
    if not versions:
        raise NotFound("this contract has no version that you may read")
    return max(ruling or versions, key=lambda one: one.effective_from)


def lowest_first(promises: Iterable[Verdict]) -> list[Verdict]:
    """Promises by how far they are kept: missed ones first, then by availability."""

    def key(one: Verdict) -> tuple[bool, Fraction, list[tuple[int, str]]]:
        share = figure(one.values["availability"]) if "availability" in one.values else Fraction(10**6)
        return one.state != "violated", share, natural(one.asset)

    return sorted(promises, key=key)


def natural(name: str) -> list[tuple[int, str]]:
    """A sorting key that puts T2 before T10."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"(\d+)", name)]
