"""What is reported of contracts, as rows: loaded for many contracts by one statement, appended list by list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeAlias

from sqlalchemy import Connection, text

from contracts.facts import (
    Attribution,
    Carried,
    History,
    IndexValue,
    MeterTest,
    Notice,
    Pause,
    ReadyQuantity,
    StateSpan,
    Substitute,
    Ticket,
    Unmet,
)
from contracts.reported import NOTHING, Reported
from contracts.segment import FOREVER
from core.money import Money, is_currency
from core.units import Quantity

Row: TypeAlias = Mapping[str, Any]
MICROS = "(extract(epoch FROM {}) * 1000000)::bigint"
SPAN = f'{MICROS.format("lower(f.during)")} AS start, {MICROS.format("upper(f.during)")} AS "end"'


def at(column: str) -> str:
    """An instant as whole microseconds."""
    return f'{MICROS.format(f"f.{column}")} AS "{column}"'


# Of each list what an evaluation reads. Numbers leave as text, so that none becomes a float on the way.
COLUMNS = {
    "quantity": f"f.owner, f.measure, {SPAN}, f.quantity::text, f.unit, f.weight_class, f.dimensions, "
    "f.coverage::text, f.estimated",
    "reported_state": f"f.asset, {SPAN}, f.category, f.subsystem, f.cause, f.performance::text",
    "notice": f"f.kind, {at('given')}, coalesce(f.asset, '') AS asset, coalesce(f.clause, '') AS clause, {SPAN}",
    "unmet": f"f.clause, f.asset, {SPAN}",
    "pause": f"f.ticket, {SPAN}, f.cause",
    "substitute": f"f.asset, {SPAN}",
    "meter_test": f"f.asset, f.register, {at('last_tested')}, {at('tested')}, f.error::text",
    "carried": f"f.clause, f.item, f.owner, f.value::text, f.unit, {at('at')}",
    "history": "f.clause, f.owner, f.period, f.value::text, f.counted, f.down",
}
# What grows over the years is bounded by the stretch that is asked for, or by the cases that still say something.
TOUCHING = "AND f.during && tstzrange(:since, :before)"
SINCE_A_CASE = "AND f.during && tstzrange((SELECT least(:since, min(at)) FROM moment), :before)"
BOUNDED = {
    "quantity": TOUCHING,
    "reported_state": TOUCHING,
    "notice": "AND (f.during IS NULL OR f.during && tstzrange(:since, :before))",
    "meter_test": "AND f.tested >= :since AND f.tested < :before",
    "unmet": SINCE_A_CASE,
    "substitute": SINCE_A_CASE,
    "pause": "AND (f.contract, f.ticket) IN (SELECT contract, ticket FROM alive)",
}
STANDS = (
    "f.known <= :known "
    "AND NOT EXISTS (SELECT FROM contracts.withdrawal AS w WHERE w.fact = f.public_id AND w.known <= :known)"
)
PLAIN = "\nUNION ALL\n".join(
    f"SELECT '{name}' AS fact, f.contract, f.id, to_json(r)::text AS body FROM contracts.{name} AS f "  # noqa: S608
    f"CROSS JOIN LATERAL (SELECT {columns}) AS r "
    f"WHERE f.contract = ANY(:contracts) AND {STANDS} {BOUNDED.get(name, '')}"
    for name, columns in COLUMNS.items()
)
# A decision replaces the attribution that it decides, once it is known. Of each moment of a ticket the last word holds.
# A ticket is alive unless a clock that a clause states had stopped on it before; a moment that was taken back may have
# stopped nothing. `reported.within` says the same exactly, of each contract and period.
LOAD = text(f"""
    WITH clock AS MATERIALIZED (
        SELECT contract, stop FROM json_to_recordset(cast(:clocks AS json)) AS c(contract int, stop text)
    ), alive AS MATERIALIZED (
        SELECT t.contract, t.ticket FROM contracts.ticket AS t JOIN clock AS c ON c.contract = t.contract
        WHERE NOT EXISTS (
            SELECT FROM contracts.ticket_time AS f
            WHERE f.contract = t.contract AND f.ticket = t.ticket AND f.moment = c.stop AND f.at < :since AND {STANDS})
        UNION
        SELECT f.contract, f.ticket FROM contracts.ticket_time AS f
        WHERE f.contract IN (SELECT contract FROM clock) AND (f.at >= :since OR f.at IS NULL)
        UNION
        SELECT t.contract, t.ticket FROM contracts.ticket AS t WHERE t.contract = ANY(:whole)
    ), moment AS MATERIALIZED (
        SELECT DISTINCT ON (f.contract, f.ticket, f.moment) f.contract, f.ticket, f.moment, f.at
        FROM alive AS a JOIN contracts.ticket_time AS f ON f.contract = a.contract AND f.ticket = a.ticket
        WHERE {STANDS}
        ORDER BY f.contract, f.ticket, f.moment, f.known DESC, f.id DESC
    )
    {PLAIN}
    UNION ALL
    SELECT 'attribution', f.contract, f.id, to_json(r)::text FROM contracts.attribution AS f
    CROSS JOIN LATERAL (SELECT f.asset, {SPAN}, f.category, f.party, f.status, f.cause) AS r
    WHERE f.contract = ANY(:contracts) AND {STANDS} {TOUCHING} AND NOT EXISTS (
        SELECT FROM contracts.attribution AS later WHERE later.replaces = f.id AND later.known <= :known)
    UNION ALL
    SELECT 'ticket', t.contract, t.id, json_build_object('ticket', t.ticket, 'asset', t.asset, 'times', m.times)::text
    FROM contracts.ticket AS t JOIN (
        SELECT contract, ticket, json_object_agg(moment, (extract(epoch FROM at) * 1000000)::bigint) AS times
        FROM moment WHERE at IS NOT NULL GROUP BY contract, ticket
    ) AS m ON m.contract = t.contract AND m.ticket = t.ticket
    WHERE t.known <= :known
    UNION ALL
    (SELECT DISTINCT ON (f.contract) 'basis', f.contract, f.id,
        json_build_object('otherwise', f.otherwise, 'duties', f.duties)::text
     FROM contracts.basis AS f WHERE f.contract = ANY(:contracts) AND {STANDS}
     ORDER BY f.contract, f.known DESC, f.id DESC)
    UNION ALL
    (SELECT DISTINCT ON (f."index", f.month) 'index_value', NULL, f.id,
        json_build_object('index', f."index", 'month', f.month, 'value', f.value::text,
            'published', (extract(epoch FROM f.published) * 1000000)::bigint)::text
     FROM contracts.index_value AS f WHERE f."index" = ANY(:indices) AND {STANDS}
     ORDER BY f."index", f.month, f.published DESC, f.known DESC, f.id DESC)
    ORDER BY 1, 3
""")  # noqa: S608 - our own column lists


@dataclass(frozen=True, slots=True)
class Asked:
    """Of one contract: the indices that its terms name, the times of tickets at which its clocks stop; None: all."""

    contract: int
    indices: frozenset[str] = frozenset()
    stops: frozenset[str] | None = None


@dataclass(slots=True)
class _Found:
    """Items by list, as they are read; `carried` with the instant from which each counts."""

    lists: dict[str, list[Any]] = field(default_factory=dict)
    basis: Row = field(default_factory=dict)
    carried: list[tuple[int, Carried]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is reported of a contract. opening: what is stated of earlier periods, each from an instant on."""

    reported: Reported
    opening: tuple[tuple[int, Carried], ...]


def load(
    connection: Connection, asked: Iterable[Asked], *, since: datetime, before: datetime, known: int
) -> dict[int, Loaded]:
    """What stood as of `known`, by contract; of what grows over the years only what concerns [since, before)."""
    wanted = {item.contract: item for item in asked}
    indices = sorted({name for item in wanted.values() for name in item.indices})
    given = {
        "contracts": list(wanted),
        "indices": indices,
        "clocks": json.dumps([{"contract": i.contract, "stop": s} for i in wanted.values() for s in i.stops or ()]),
        "whole": [item.contract for item in wanted.values() if item.stops is None],
        "since": since,
        "before": before,
        "known": known,
    }
    found: dict[int, _Found] = {contract: _Found() for contract in wanted}
    published: list[IndexValue] = []
    for fact, contract, _, body in connection.execute(LOAD, given):
        row = json.loads(body)
        if fact == "index_value":
            published.append(IndexValue(row["index"], row["month"], Fraction(row["value"]), row["published"]))
        elif fact == "basis":
            found[contract].basis = row
        elif fact == "carried":
            found[contract].carried.append((row["at"], _carried(row)))
        else:
            found[contract].lists.setdefault(fact, []).append(READ[fact](row))
    return {
        contract: _loaded(one, [value for value in published if value.index in wanted[contract].indices])
        for contract, one in found.items()
    }


_NOTHING = Loaded(NOTHING, ())


def _loaded(found: _Found, published: Sequence[IndexValue]) -> Loaded:
    lists = found.lists
    if not lists and not found.basis and not found.carried and not published:
        return _NOTHING
    unmet = lists.get("unmet", [])
    return Loaded(
        Reported(
            otherwise=found.basis.get("otherwise"),
            quantities=tuple(lists.get("quantity", ())),
            states=tuple(lists.get("reported_state", ())),
            attributions=tuple(lists.get("attribution", ())),
            notices=tuple(lists.get("notice", ())),
            unmet=tuple(unmet) if unmet or found.basis.get("duties") == "reported" else None,
            tickets=tuple(lists.get("ticket", ())),
            pauses=tuple(lists.get("pause", ())),
            substitutes=tuple(lists.get("substitute", ())),
            index_values=tuple(published),
            meter_tests=tuple(lists.get("meter_test", ())),
            history=tuple(lists.get("history", ())),
        ),
        tuple(found.carried),
    )


def _quantity(row: Row) -> ReadyQuantity:
    return ReadyQuantity(
        row["owner"],
        row["measure"],
        row["start"],
        row["end"],
        Fraction(row["quantity"]),
        row["unit"],
        row["weight_class"],
        MappingProxyType({name: Quantity.parse(value) for name, value in row["dimensions"].items()}),
        _fraction(row["coverage"]),
        row["estimated"],
    )


def _state(row: Row) -> tuple[str, StateSpan]:
    words = (row["category"], row["subsystem"], row["cause"])
    return row["asset"], StateSpan(row["start"], row["end"], *words, _fraction(row["performance"]))


def _attribution(row: Row) -> Attribution:
    words = (row["category"], row["party"], row["status"], row["cause"])
    return Attribution(row["asset"], row["start"], row["end"], *words)


def _notice(row: Row) -> Notice:
    return Notice(row["kind"], row["given"], row["asset"], row["clause"], row["start"], row["end"])


def _carried(row: Row) -> Carried:
    amount, unit = Decimal(row["value"]), row["unit"]
    value = Money(amount, unit) if is_currency(unit) else Quantity(amount, unit)
    return Carried(row["clause"], row["item"], value, row["owner"])


def _history(row: Row) -> History:
    return History(row["clause"], row["owner"], row["period"], _fraction(row["value"]), row["counted"], row["down"])


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


READ: Mapping[str, Callable[[Row], Any]] = {
    "quantity": _quantity,
    "reported_state": _state,
    "attribution": _attribution,
    "notice": _notice,
    "unmet": lambda row: Unmet(row["clause"], row["asset"], row["start"], row["end"]),
    "ticket": lambda row: Ticket(row["ticket"], row["asset"], row["times"]),
    "pause": lambda row: Pause(row["ticket"], row["start"], row["end"] or FOREVER, row["cause"]),
    "substitute": lambda row: Substitute(row["asset"], row["start"], row["end"]),
    "meter_test": lambda row: MeterTest(
        row["asset"], row["register"], row["last_tested"], row["tested"], Fraction(row["error"])
    ),
    "history": _history,
}
