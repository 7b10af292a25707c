"""Closed periods of which more became known since they were evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from ingest.store import late

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

# `seen`: up to which knowledge everything was considered; `stale`: what the period before leaves was found later.
HEADS = text("""
    SELECT DISTINCT ON (e.period) p.id AS period, p.contract, p.starts_at, p.ends_at, p.cutoff_at, e.id AS evaluation,
        greatest(e.known, p.checked) AS seen, e.evaluated_at, e.result ->> 'status' AS status, EXISTS (
            SELECT FROM contracts.period AS q JOIN contracts.evaluation AS b ON b.contract = q.contract
                AND b.period = q.id
            WHERE q.contract = p.contract AND q.ends_at = p.starts_at AND b.until = q.ends_at AND b.known <= :known
                AND b.id > e.id AND b.known >= greatest(e.known, p.checked)
        ) AS stale
    FROM contracts.evaluation AS e JOIN contracts.period AS p ON p.id = e.period AND p.contract = e.contract
    WHERE p.id = ANY(:periods) AND e.known <= :known AND e.until = p.ends_at
    ORDER BY e.period, e.known DESC, e.id DESC
""")
COVERED = text("SELECT contract, asset FROM contracts.coverage WHERE contract = ANY(:contracts)")
STATED = text("""
    SELECT fact, contract, during, known FROM contracts.fact_known
    WHERE contract = ANY(:contracts) AND known > :after AND known <= :known
""")
DECIDED = ("attribution", "notice")
CHECKED = text(
    "UPDATE contracts.period SET checked = :known WHERE id = ANY(:periods) AND coalesce(checked, 0) < :known"
)
FROM_DEVICES = (
    ("late readings", late.readings),
    ("readings corrected", late.overrides),
    ("device or register declared", late.devices),
    ("meter decided", late.decisions),
    ("component moved", late.mountings),
)
"""What ingest may learn late, in words, and which assets it touches."""
MARGIN = timedelta(days=35)
"""A reading before the period may be the neighbour of its first instant, or a state that reaches into it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest evaluation of a whole period. stale: that of the period before is newer still."""

    period: int
    contract: int
    starts_at: datetime
    ends_at: datetime
    cutoff_at: datetime
    evaluation: int
    seen: int
    evaluated_at: datetime
    status: str
    stale: bool


def heads(connection: Connection, periods: Iterable[int], known: int) -> dict[int, Head]:
    """The newest evaluations as of `known`, by period id."""
    rows = connection.execute(HEADS, {"periods": list(periods), "known": known}).mappings()
    return {row["period"]: Head(**row) for row in rows}


def reasons(connection: Connection, found: Sequence[Head], known: int) -> dict[int, tuple[str, ...]]:
    """Why a period may come to something else as of `known`, by period id; those for which nothing speaks are missing.

    A few statements for each different stretch of time, however many contracts share it.
    """
    why: dict[int, set[str]] = {}
    for head in found:
        if head.stale:
            why.setdefault(head.period, set()).add("earlier period corrected")
    _stated(connection, found, known, why)
    assets = covered(connection, {head.contract for head in found})
    for group in _groups(found):
        _late(connection, group, assets, known=known, why=why)
    return {period: tuple(sorted(words)) for period, words in why.items()}


def covered(connection: Connection, contracts: Iterable[int]) -> Mapping[int, set[int]]:
    """Assets that these contracts ever cover."""
    assets: dict[int, set[int]] = {}
    for contract, asset in connection.execute(COVERED, {"contracts": list(contracts)}):
        assets.setdefault(contract, set()).add(asset)
    return assets


def mark_checked(connection: Connection, periods: Sequence[int], known: int) -> None:
    """Everything known by then was considered."""
    connection.execute(CHECKED, {"periods": list(periods), "known": known})


def _stated(connection: Connection, found: Sequence[Head], known: int, why: dict[int, set[str]]) -> None:
    if not found:
        return
    given = {"contracts": list({h.contract for h in found}), "after": min(h.seen for h in found), "known": known}
    rows = list(connection.execute(STATED, given))
    for head in found:
        for row in rows:
            if row.contract == head.contract and row.known > head.seen and _touches(row.during, head):
                word = "decided" if row.fact in DECIDED else "reported"
                why.setdefault(head.period, set()).add(f"{row.fact} {word}")


def _touches(during: object, head: Head) -> bool:
    """A fact without a span of time concerns every period."""
    lower, upper = getattr(during, "lower", None), getattr(during, "upper", None)
    return (lower is None or lower < head.ends_at) and (upper is None or upper > head.starts_at)


def _groups(found: Sequence[Head]) -> Iterable[list[Head]]:
    groups: dict[tuple[datetime, datetime], list[Head]] = {}
    for head in found:
        groups.setdefault((head.starts_at, head.ends_at), []).append(head)
    return groups.values()


def _late(
    connection: Connection,
    group: Sequence[Head],
    assets: Mapping[int, set[int]],
    *,
    known: int,
    why: dict[int, set[str]],
) -> None:
    """Readings up to the evaluation count: one after the period's end may be the neighbour of its last instant.

    Of what was provisional the first reading after its end counts, whenever it is: a silent device may have come back.
    """
    start, after = group[0].starts_at - MARGIN, min(head.seen for head in group)
    end = max(max(head.cutoff_at, head.evaluated_at) for head in group)
    for word, query in FROM_DEVICES:
        newest = query(connection, start=start, end=end, after=after, known=known)
        for head in group:
            if any(newest.get(asset, 0) > head.seen for asset in assets.get(head.contract, ())):
                why.setdefault(head.period, set()).add(word)
    silent = [head for head in group if head.status != "final"]
    asked = {asset for head in silent for asset in assets.get(head.contract, ())}
    ends_at = group[0].ends_at
    newest = late.following(connection, asked, since=ends_at, after=after, known=known) if asked else {}
    for head in silent:
        if any(newest.get(asset, 0) > head.seen for asset in assets.get(head.contract, ())):
            why.setdefault(head.period, set()).add(FROM_DEVICES[0][0])
