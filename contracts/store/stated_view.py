"""Stated facts for reading: with their ids, who says them and why. The database shows a party its own rows only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from contracts.store.report import TABLES
from core.time import zone

RANGE = re.compile(r'\["?([^",]*)"?,"?([^",]*)"?\)')
"""A half-open range as PostgreSQL writes it; an end that is open is empty."""
OUTER = "'{id,public_id,contract,author,reason,known,replaces}'::text[]"


def _select(table: str) -> str:
    return f"""
        SELECT f.public_id, '{table}' AS fact, (to_jsonb(f) - {OUTER})::text AS body, f.author, f.reason, f.known,
            w.reason AS withdrawn
        FROM contracts.{table} AS f LEFT JOIN contracts.withdrawal AS w ON w.fact = f.public_id
    """  # noqa: S608 - our own table names


OF = "WHERE f.contract = (SELECT id FROM contracts.contract WHERE name = :name OR public_id = :name)"
WITHIN = f"{OF} AND f.known > :after ORDER BY f.known, f.id LIMIT :most"
WITHIN_NEWEST = f"{OF} ORDER BY f.known DESC, f.id DESC LIMIT :most"
OF_CONTRACT = text(
    "\nUNION ALL\n".join(f"({_select(table)} {WITHIN})" for table in TABLES) + "\nORDER BY known, public_id LIMIT :most"
)
NEWEST = text(
    "\nUNION ALL\n".join(f"({_select(table)} {WITHIN_NEWEST})" for table in TABLES)
    + "\nORDER BY known DESC, public_id DESC LIMIT :most"
)
ZONE = text("SELECT timezone FROM contracts.contract WHERE name = :name OR public_id = :name")
INDEX_VALUES = text(
    f"""{_select("index_value")} WHERE cast(:index AS text) IS NULL OR f."index" = :index
    ORDER BY f."index", f.month, f.published, f.id"""
)


@dataclass(frozen=True, slots=True)
class FactView:
    """A stated fact. body: its fields as JSON; withdrawn: why it was taken back; None: it stands."""

    public_id: str
    fact: str
    body: str
    author: str
    reason: str
    known: int
    withdrawn: str | None

    @property
    def fields(self) -> dict[str, Any]:
        """What is there of its fields, as facts files name them: numbers as text, a span as `from` and `to` in UTC."""
        found = json.loads(self.body, parse_float=str, parse_int=str)
        told = {name: value for name, value in found.items() if value not in (None, "", {})}
        return dict(pair for name, value in told.items() for pair in _field(name, value))


def timezone(connection: Connection, name: str) -> ZoneInfo | None:
    """The zone of a contract (its name or public id); None if there is no such contract."""
    found = connection.execute(ZONE, {"name": name}).scalar_one_or_none()
    return None if found is None else zone(found)


def of_contract(connection: Connection, name: str, *, after: int = 0, most: int = 1000) -> list[FactView]:
    """What is stated of a contract (its name or public id), in the order in which it became known."""
    rows = connection.execute(OF_CONTRACT, {"name": name, "after": after, "most": most}).mappings()
    return [FactView(**row) for row in rows]


def newest(connection: Connection, name: str, *, most: int) -> list[FactView]:
    """What was stated last of a contract, the newest first."""
    return [FactView(**row) for row in connection.execute(NEWEST, {"name": name, "most": most}).mappings()]


def index_values(connection: Connection, index: str | None) -> list[FactView]:
    """Published values of one index or of all, by month."""
    return [FactView(**row) for row in connection.execute(INDEX_VALUES, {"index": index}).mappings()]


def _field(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    ends = RANGE.fullmatch(value) if isinstance(value, str) else None
    if ends is None:
        yield name, value
    else:
        yield from ((key, _iso(at)) for key, at in zip(("from", "to"), ends.groups(), strict=True) if at)


def _iso(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(UTC).isoformat()
