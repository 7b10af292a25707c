"""Appending what is reported, in the caller's transaction; taking it back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, text

from contracts.segment import FOREVER
from contracts.store.contract import new_id
from core import canonical
from core.money import Money
from core.store import packed
from core.time import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contracts.facts import Carried, IndexValue, Ticket
    from contracts.reported import Reported

Row: TypeAlias = "dict[str, Any]"
# Table: the prefix of its public ids, and its own columns with their types; a span is made of two columns.
TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "basis": ("bas", {"otherwise": "text", "duties": "text"}),
    "quantity": (
        "qua",
        {
            "owner": "text", "measure": "text", "during": "span", "quantity": "numeric", "unit": "text",
            "weight_class": "text", "dimensions": "jsonb", "coverage": "numeric", "estimated": "boolean",
        },
    ),
    "reported_state": (
        "sta",
        {
            "asset": "text", "during": "span", "category": "text", "subsystem": "text", "cause": "text",
            "performance": "numeric",
        },
    ),
    "attribution": (
        "att",
        {"asset": "text", "during": "span", "category": "text", "party": "text", "cause": "text", "status": "text"},
    ),
    "notice": ("not", {"kind": "text", "given": "timestamptz", "asset": "text", "clause": "text", "during": "span"}),
    "unmet": ("unm", {"clause": "text", "asset": "text", "during": "span"}),
    "ticket_time": ("tim", {"ticket": "text", "moment": "text", "at": "timestamptz"}),
    "pause": ("pau", {"ticket": "text", "during": "span", "cause": "text"}),
    "substitute": ("sub", {"asset": "text", "during": "span"}),
    "meter_test": (
        "met",
        {
            "asset": "text", "register": "text", "last_tested": "timestamptz", "tested": "timestamptz",
            "error": "numeric",
        },
    ),
    "carried": (
        "ope",
        {"clause": "text", "item": "text", "owner": "text", "value": "numeric", "unit": "text", "at": "timestamptz"},
    ),
    "history": (
        "his",
        {
            "clause": "text", "owner": "text", "period": "text", "value": "numeric", "counted": "bigint",
            "down": "bigint",
        },
    ),
}  # fmt: skip
ADD_TICKETS = text("""
    INSERT INTO contracts.ticket (public_id, contract, ticket, asset, subsystem, author, reason, known)
    SELECT public_id, :contract, ticket, asset, subsystem, :author, :reason, :known
    FROM json_to_recordset(cast(:rows AS json)) AS r(public_id text, ticket text, asset text, subsystem text)
    ON CONFLICT (contract, ticket) DO NOTHING
""")
ADD_INDEX_VALUE = text("""
    INSERT INTO contracts.index_value (public_id, "index", month, value, published, author, reason, known)
    VALUES (:public_id, :index, :month, :value, :published, :author, :reason, :known)
""")
INDEX_VALUE_STANDS = text("""
    SELECT EXISTS (
        SELECT FROM contracts.index_value AS f
        WHERE "index" = :index AND month = :month AND value = :value AND published = :published
            AND NOT EXISTS (SELECT FROM contracts.withdrawal AS w WHERE w.fact = f.public_id)
            AND NOT EXISTS (SELECT FROM contracts.index_value AS later WHERE later."index" = f."index"
                AND later.month = f.month AND later.published = f.published AND later.id > f.id))
""")
OPEN_PAUSES = text("""
    SELECT public_id, lower(during) AS since, cause FROM contracts.pause AS f
    WHERE contract = :contract AND ticket = :ticket AND upper_inf(during)
        AND NOT EXISTS (SELECT FROM contracts.withdrawal AS w WHERE w.fact = f.public_id)
    ORDER BY id
""")
TICKETS = text("SELECT ticket, asset FROM contracts.ticket WHERE contract = :contract AND ticket = ANY(:tickets)")
STANDING = "\nUNION ALL\n".join(
    f"SELECT f.public_id, {column} AS contract, '{table}' AS fact FROM contracts.{table} AS f "  # noqa: S608
    "WHERE f.public_id = :fact AND NOT EXISTS (SELECT FROM contracts.withdrawal AS w WHERE w.fact = f.public_id)"
    for table, column in (*((table, "f.contract") for table in TABLES), ("index_value", "NULL::int"))
)
WITHDRAW = text("""
    INSERT INTO contracts.withdrawal (fact, contract, instead, author, reason, known)
    VALUES (:fact, :contract, :instead, :author, :reason, :known) ON CONFLICT (fact) DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Said:
    """Who says it and why, and the knowledge number that it becomes."""

    author: str
    reason: str
    known: int


@dataclass(frozen=True, slots=True)
class Open:
    """A pause that goes on."""

    public_id: str
    since: Any
    cause: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A fact that nobody has taken back. contract: None for what holds for all contracts."""

    public_id: str
    contract: int | None
    fact: str


def rows(found: Reported, opening: Iterable[tuple[int, Carried]]) -> dict[str, list[Row]]:
    """What is reported, as rows by table; tickets by their moments."""
    made: dict[str, list[Row]] = {
        "quantity": [
            {
                **_named(item, "owner", "measure", "unit", "weight_class", "coverage", "estimated"),
                "quantity": item.quantity,
                "dimensions": {name: str(value) for name, value in item.dimensions.items()},
                **_span(item),
            }
            for item in found.quantities
        ],
        "reported_state": [
            {"asset": asset, **_named(item, "category", "subsystem", "cause", "performance"), **_span(item)}
            for asset, item in found.states
        ],
        "attribution": [
            {**_named(item, "asset", "category", "party", "cause", "status"), **_span(item)}
            for item in found.attributions
        ],
        "notice": [
            {
                **_named(item, "kind"),
                "asset": item.asset or None,
                "clause": item.clause or None,
                "given": instant(item.given),
                **_span(item),
            }
            for item in found.notices
        ],
        "unmet": [{**_named(item, "clause", "asset"), **_span(item)} for item in found.unmet or ()],
        "ticket_time": [
            {"ticket": item.ticket, "moment": moment, "at": instant(at)}
            for item in found.tickets
            for moment, at in item.times.items()
        ],
        "pause": [{"ticket": item.ticket, "cause": item.reason, **_span(item)} for item in found.pauses],
        "substitute": [{"asset": item.asset, **_span(item)} for item in found.substitutes],
        "meter_test": [
            {
                **_named(item, "asset", "register", "error"),
                "last_tested": instant(item.last_tested),
                "tested": instant(item.tested),
            }
            for item in found.meter_tests
        ],
        "carried": [
            {**_named(item, "clause", "item", "owner"), **_amount(item), "at": instant(at)} for at, item in opening
        ],
        "history": [_named(item, "clause", "owner", "period", "value", "counted", "down") for item in found.history],
    }
    return {table: _plain(each) for table, each in made.items() if each}


def beyond(new: dict[str, list[Row]], standing: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """What does not stand already, so that the same file recorded twice counts once."""
    left: dict[str, list[Row]] = {}
    for table, items in new.items():
        there = Counter(canonical.text(item) for item in standing.get(table, ()))
        for item in items:
            key = canonical.text(item)
            if there[key]:
                there[key] -= 1
            else:
                left.setdefault(table, []).append(item)
    return left


def append(connection: Connection, contract: int, table: str, items: Sequence[Row], said: Said) -> list[str]:
    """Append rows of one table. Returns their public ids."""
    prefix, columns = TABLES[table]
    named = [{"public_id": new_id(prefix), **item} for item in items]
    given = {"contract": contract, "author": said.author, "reason": said.reason, "known": said.known}
    connection.execute(_insert(table, columns), given | {"rows": packed(named)})
    return [row["public_id"] for row in named]


def add_tickets(connection: Connection, contract: int, tickets: Iterable[tuple[Ticket, str]], said: Said) -> None:
    """Create tickets that do not exist yet, each with its subsystem; their moments are rows of their own."""
    made = [
        {"public_id": new_id("tic"), "ticket": ticket.ticket, "asset": ticket.asset, "subsystem": subsystem}
        for ticket, subsystem in tickets
    ]
    given = {"contract": contract, "author": said.author, "reason": said.reason, "known": said.known}
    connection.execute(ADD_TICKETS, given | {"rows": packed(made)})


def assets_of_tickets(connection: Connection, contract: int, tickets: Iterable[str]) -> dict[str, str]:
    """The asset of each ticket that exists."""
    found = connection.execute(TICKETS, {"contract": contract, "tickets": list(tickets)})
    return {row.ticket: row.asset for row in found}


def index_value_stands(connection: Connection, value: IndexValue) -> bool:
    """Whether it is the last word on its month as published then."""
    return bool(connection.execute(INDEX_VALUE_STANDS, _index_row(value)).scalar_one())


def add_index_value(connection: Connection, value: IndexValue, said: Said) -> str:
    """Append a published value; `said.reason` is its source. Returns its public id."""
    row = _index_row(value) | {"public_id": new_id("idx"), "author": said.author, "reason": said.reason}
    connection.execute(ADD_INDEX_VALUE, row | {"known": said.known})
    return str(row["public_id"])


def open_pauses(connection: Connection, contract: int, ticket: str) -> list[Open]:
    """Pauses of a ticket that go on."""
    return [Open(*row) for row in connection.execute(OPEN_PAUSES, {"contract": contract, "ticket": ticket})]


def stands(connection: Connection, fact: str) -> Standing | None:
    """A fact by its public id; None if there is none, or it is withdrawn."""
    row = connection.execute(text(STANDING), {"fact": fact}).first()
    return None if row is None else Standing(*row)


def withdraw(
    connection: Connection, fact: str, said: Said, *, contract: int | None, instead: str | None = None
) -> None:
    """Take a fact back by its public id; what is withdrawn stays so."""
    given = {"fact": fact, "contract": contract, "instead": instead, "author": said.author, "reason": said.reason}
    connection.execute(WITHDRAW, given | {"known": said.known})


def _insert(table: str, columns: Mapping[str, str]) -> Any:
    typed = {name: kind for name, kind in columns.items() if kind != "span"}
    spanned = any(kind == "span" for kind in columns.values())
    if spanned:
        typed |= {"starts_at": "timestamptz", "ends_at": "timestamptz"}
    made = ["CASE WHEN starts_at IS NOT NULL OR ends_at IS NOT NULL THEN tstzrange(starts_at, ends_at) END"] * spanned
    plain = [name for name, kind in columns.items() if kind != "span"]
    into = ", ".join([*plain, *["during"] * spanned])
    return text(f"""
        INSERT INTO contracts.{table} (public_id, contract, {into}, author, reason, known)
        SELECT public_id, :contract, {", ".join([*plain, *made])}, :author, :reason, :known
        FROM json_to_recordset(cast(:rows AS json))
            AS r(public_id text, {", ".join(f"{name} {kind}" for name, kind in typed.items())})
    """)  # noqa: S608 - our own column lists


def _named(item: object, *names: str) -> Row:
    return {name: getattr(item, name) for name in names}


def _span(item: Any) -> Row:
    end = None if item.end is None or item.end >= FOREVER else instant(item.end)
    return {"starts_at": None if item.start is None else instant(item.start), "ends_at": end}


def _amount(item: Carried) -> Row:
    if isinstance(item.value, Money):
        return {"value": item.value.amount, "unit": item.value.currency}
    return {"value": item.value.magnitude, "unit": item.value.unit}


def _index_row(value: IndexValue) -> Row:
    return {
        "index": value.index,
        "month": value.month,
        "value": canonical.plain(value.value),
        "published": instant(value.published),
    }


def _plain(items: Iterable[Row]) -> list[Row]:
    """As JSON types: rows of what is new and of what stands are compared as text."""
    return [{name: canonical.plain(value) for name, value in item.items()} for item in items]
