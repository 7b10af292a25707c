"""What an evaluation may know, loaded for many contracts at once: one statement for each kind of fact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection, text

from contracts.facts import Attribution, Case, Counter, Facts, Gauge, Level, Notice, Piece, StateSpan
from contracts.store.contract import new_id
from core.store import packed
from core.time import instant, micros
from core.units import factor
from ingest.store import counter, gauge, state

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contracts.facts import Carried, Category, Needs
    from ingest.store.counter import Counted

NOTICES = text("""
    SELECT contract, kind, given, coalesce(asset, '') AS asset, coalesce(clause, '') AS clause,
        lower(during) AS starts_at, upper(during) AS ends_at
    FROM contracts.notice WHERE contract = ANY(:contracts) AND known <= :known ORDER BY id
""")
# A decision replaces what it decides, once it is known.
ATTRIBUTIONS = text("""
    SELECT contract, asset, lower(during) AS starts_at, upper(during) AS ends_at, category, party, status, cause
    FROM contracts.attribution AS a
    WHERE contract = ANY(:contracts) AND known <= :known AND NOT EXISTS (
        SELECT FROM contracts.attribution AS later WHERE later.replaces = a.id AND later.known <= :known)
    ORDER BY id
""")
ADD_NOTICE = text("""
    INSERT INTO contracts.notice (public_id, contract, kind, given, asset, clause, during, author, known)
    SELECT public_id, :contract, kind, given, nullif(asset, ''), nullif(clause, ''),
        CASE WHEN starts_at IS NOT NULL OR ends_at IS NOT NULL THEN tstzrange(starts_at, ends_at) END, :author, :known
    FROM json_to_recordset(cast(:rows AS json)) AS r(public_id text, kind text, given timestamptz, asset text,
        clause text, starts_at timestamptz, ends_at timestamptz)
""")
ADD_ATTRIBUTION = text("""
    INSERT INTO contracts.attribution
        (public_id, contract, asset, during, category, party, cause, status, author, known)
    SELECT public_id, :contract, asset, tstzrange(starts_at, ends_at), category, party, cause, status, :author, :known
    FROM json_to_recordset(cast(:rows AS json)) AS r(public_id text, asset text, starts_at timestamptz,
        ends_at timestamptz, category text, party text, cause text, status text)
""")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one evaluation asks for. key: however the caller finds it again, e.g. the period's id."""

    key: int
    contract: int
    needs: Needs
    carried: tuple[Carried, ...] = ()


def load(connection: Connection, wanted: Sequence[Wanted], known: int) -> dict[int, Facts]:
    """Everything known for each of these evaluations, by key."""
    contracts = {item.contract for item in wanted}
    notices, attributions = _notices(connection, contracts, known), _attributions(connection, contracts, known)
    counters, states = _counters(connection, wanted, known), _states(connection, wanted, known)
    gauges = _gauges(connection, wanted, known)
    return {
        item.key: Facts(
            knowledge=f"K {known}",
            counters={(n.asset, n.register): counters[item.key, n.asset, n.register] for n in item.needs.counters},
            states={(n.asset, n.register): states[item.key, n.asset, n.register] for n in item.needs.states},
            attributions=tuple(a for a in attributions.get(item.contract, []) if _touches(a, item.needs)),
            notices=tuple(n for n in notices.get(item.contract, []) if _touches(n, item.needs)),
            carried=item.carried,
            gauges={(n.asset, n.register): gauges[item.key, n.asset, n.register] for n in item.needs.gauges},
        )
        for item in wanted
    }


def save_notices(connection: Connection, contract: int, notices: Sequence[Notice], *, author: str, known: int) -> None:
    """Append notices of a contract."""
    rows = [
        {
            "public_id": new_id("not"),
            "kind": item.kind,
            "given": instant(item.given),
            "asset": item.asset,
            "clause": item.clause,
            "starts_at": None if item.start is None else instant(item.start),
            "ends_at": None if item.end is None else instant(item.end),
        }
        for item in notices
    ]
    given = {"contract": contract, "author": author, "known": known, "rows": packed(rows)}
    connection.execute(ADD_NOTICE, given)


def save_attributions(
    connection: Connection, contract: int, attributions: Sequence[Attribution], *, author: str, known: int
) -> None:
    """Append attributions of a contract."""
    rows = [
        {
            "public_id": new_id("att"),
            **{name: getattr(item, name) for name in ("asset", "category", "party", "cause", "status")},
            "starts_at": instant(item.start),
            "ends_at": instant(item.end),
        }
        for item in attributions
    ]
    given = {"contract": contract, "author": author, "known": known, "rows": packed(rows)}
    connection.execute(ADD_ATTRIBUTION, given)


def _notices(connection: Connection, contracts: Iterable[int], known: int) -> dict[int, list[Notice]]:
    found: dict[int, list[Notice]] = {}
    for row in connection.execute(NOTICES, {"contracts": list(contracts), "known": known}):
        notice = Notice(
            kind=row.kind,
            given=micros(row.given),
            asset=row.asset,
            clause=row.clause,
            start=None if row.starts_at is None else micros(row.starts_at),
            end=None if row.ends_at is None else micros(row.ends_at),
        )
        found.setdefault(row.contract, []).append(notice)
    return found


def _attributions(connection: Connection, contracts: Iterable[int], known: int) -> dict[int, list[Attribution]]:
    found: dict[int, list[Attribution]] = {}
    for row in connection.execute(ATTRIBUTIONS, {"contracts": list(contracts), "known": known}):
        item = Attribution(
            asset=row.asset,
            start=micros(row.starts_at),
            end=micros(row.ends_at),
            category=row.category,
            party=row.party,
            status=row.status,
            cause=row.cause,
        )
        found.setdefault(row.contract, []).append(item)
    return found


def _touches(item: Attribution | Notice, needs: Needs) -> bool:
    """Whether it concerns the stretch; a notice without a span of time always does."""
    return (item.start is None or item.start < needs.end) and (item.end is None or item.end > needs.start)


def _counters(connection: Connection, wanted: Sequence[Wanted], known: int) -> dict[tuple[int, str, str], Counter]:
    needs = [(item.key, need) for item in wanted for need in item.needs.counters]
    found = counter.load(connection, [need for _, need in needs], known=known)
    return {
        (key, need.asset, need.register): _counter(need.asset, need.register, counted)
        for (key, need), counted in zip(needs, found, strict=True)
    }


def _counter(asset: str, register: str, counted: Counted) -> Counter:
    """As the engine takes it; a counter of which nothing is known is a case of its own."""
    pieces = tuple(
        Piece(**{name: getattr(part, name) for name in Piece.__dataclass_fields__}) for part in counted.parts
    )
    cases = tuple(Case(asset, register, doubt.start, doubt.end, doubt.reason) for doubt in counted.doubts)
    return Counter(counted.unit, counted.resolution, pieces, cases)


def _states(
    connection: Connection, wanted: Sequence[Wanted], known: int
) -> dict[tuple[int, str, str], tuple[StateSpan, ...]]:
    needs = [(item.key, need) for item in wanted for need in item.needs.states]
    found = state.load(connection, [need for _, need in needs], known=known)
    return {
        (key, need.asset, need.register): tuple(
            StateSpan(span.start, span.end, cast("Category", span.category)) for span in spans
        )
        for (key, need), spans in zip(needs, found, strict=True)
    }


def _gauges(connection: Connection, wanted: Sequence[Wanted], known: int) -> dict[tuple[int, str, str], Gauge]:
    needs = [(item.key, need) for item in wanted for need in item.needs.gauges]
    found = gauge.load(connection, [need for _, need in needs], known=known)
    return {
        (key, need.asset, need.register): Gauge(
            need.unit,
            tuple(_level(one, need.unit) for one in shown.levels),
            tuple(tuple(_level(one, need.unit) for one in run) for run in shown.settled),
        )
        for (key, need), shown in zip(needs, found, strict=True)
    }


def _level(shown: gauge.Shown, unit: str) -> Level:
    return Level(shown.at, shown.ticks * Fraction(shown.resolution) * factor(shown.unit, unit))
