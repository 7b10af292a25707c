"""Which standings are due, and which have waited too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from contracts.store.contract import names_by_id
from contracts.store.late import MARGIN, covered
from ingest.store import alarm, late

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

IDLE = timedelta(hours=1)
"""Without news, and where time alone changes nothing, a standing is made anew so often."""
# Running periods whose standing is not of just now, the one that waits longest first. opened: since when periods of the
# contract are open, which carry to the running one.
WAITING = text("""
    SELECT p.contract, coalesce(s.known, 0) AS known, least(p.starts_at, o.starts_at) AS opened,
        coalesce(s.evaluated_at, greatest(p.starts_at, c.created_at)) AS since,
        (s.period IS DISTINCT FROM p.id OR s.moves OR s.evaluated_at <= :idle) AS by_time
    FROM contracts.period AS p
    JOIN contracts.contract AS c ON c.id = p.contract
    LEFT JOIN contracts.standing AS s ON s.contract = p.contract
    LEFT JOIN LATERAL (
        SELECT min(starts_at) AS starts_at FROM contracts.period WHERE contract = p.contract AND closed_at IS NULL
    ) AS o ON true
    WHERE p.starts_at <= :at AND p.ends_at > :at AND (s.evaluated_at IS NULL OR s.evaluated_at <= :before)
    ORDER BY s.evaluated_at NULLS FIRST, p.contract
""")
NEWS = text("""
    SELECT contract, max(known) AS known FROM (
        SELECT contract, known FROM contracts.fact_known WHERE contract = ANY(:contracts) AND known > :after
        UNION ALL
        SELECT contract, known FROM contracts.version WHERE contract = ANY(:contracts) AND known > :after
        UNION ALL
        SELECT contract, known FROM contracts.evaluation WHERE contract = ANY(:contracts) AND known > :after
    ) AS news GROUP BY contract
""")
LAGS = "standing_lags"
UNSAID = timedelta(hours=1)
"""An alarm is not repeated sooner."""
MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """A contract whose standing may be due. since: its last evaluation, or from when there could have been one."""

    contract: int
    known: int
    opened: datetime
    since: datetime
    by_time: bool


def due(connection: Connection, at: datetime, *, before: datetime) -> list[Waiting]:
    """Contracts of which more is known than their standing knows, or whose time runs; who waits longest comes first.

    before: whoever was evaluated later is not due.
    """
    rows = connection.execute(WAITING, {"at": at, "before": before, "idle": at - IDLE}).mappings()
    waiting = [Waiting(**row) for row in rows]
    quiet = [one for one in waiting if not one.by_time]
    news = _news(connection, quiet, at) if quiet else {}
    return [one for one in waiting if one.by_time or news.get(one.contract, 0) > one.known]


def note_lag(connection: Connection, left: Sequence[Waiting], at: datetime, *, longest: timedelta) -> bool:
    """Leave an alarm for the operator, not more than one an hour, if standings wait longer than that."""
    late_ones = [one for one in left if one.since < at - longest]
    if not late_ones or any(one.kind == LAGS and one.at > at - UNSAID for one in alarm.recent(connection)):
        return False
    named = sorted(names_by_id(connection, [one.contract for one in late_ones[:MOST_NAMED]]).values())
    oldest = min(one.since for one in late_ones)
    detail = {"standings": len(late_ones), "since": f"{oldest:%Y-%m-%dT%H:%M:%SZ}", "contracts": named}
    alarm.add(connection, at, kind=LAGS, client="schedule", detail=detail)
    return True


def _news(connection: Connection, quiet: Sequence[Waiting], at: datetime) -> dict[int, int]:
    """The last number by which something became known, by contract; what its devices said included."""
    contracts, after = [one.contract for one in quiet], min(one.known for one in quiet)
    news = {row.contract: row.known for row in connection.execute(NEWS, {"contracts": contracts, "after": after})}
    assets = covered(connection, contracts)
    start = min(one.opened for one in quiet) - MARGIN
    for query in (late.readings, late.overrides, late.devices):
        newest = query(connection, start=start, end=at + IDLE, after=after, known=2**62)
        for contract, mine in assets.items():
            news[contract] = max([news.get(contract, 0), *(newest[asset] for asset in mine if asset in newest)])
    return news
