"""Parties, contracts, versions and what is derived from them: coverage and who sees which asset."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from contracts.document import Version
from contracts.segment import FOREVER, covered
from contracts.stored import from_stored
from core import canonical
from core.identifier import RANDOM_BYTES, public_id
from core.store import packed
from core.time import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

OF_PROVIDER = text("""
    SELECT c.id, c.name FROM contracts.contract AS c
    JOIN contracts.contract_party AS p ON p.contract = c.id AND p.role = 'provider' AND p.party = :party
    WHERE c.name = ANY(:names)
""")
NAMED = text("SELECT id, name FROM contracts.contract WHERE id = ANY(:contracts)")
PARTIES = text("SELECT name, id FROM contracts.party WHERE name = ANY(:names)")
PUBLIC_IDS = text("SELECT id, public_id FROM contracts.party WHERE id = ANY(:parties)")
ADD_PARTY = text("""
    INSERT INTO contracts.party (public_id, name, created_at) VALUES (:public_id, :name, :at)
    ON CONFLICT (name) DO NOTHING
""")
CONTRACTS = text("SELECT name, id FROM contracts.contract WHERE name = ANY(:names)")
ADD_CONTRACT = text("""
    INSERT INTO contracts.contract (public_id, name, currency, timezone, created_at)
    VALUES (:public_id, :name, :currency, :timezone, :at) RETURNING id
""")
ADD_CONTRACT_PARTY = text("""
    INSERT INTO contracts.contract_party (contract, role, party) VALUES (:contract, :role, :party)
    ON CONFLICT (contract, role) DO NOTHING
""")
ADD_VERSION = text("""
    INSERT INTO contracts.version
        (contract, version, effective_from, recorded_at, document, source, content_hash, known)
    VALUES (:contract, :version, :effective_from, :recorded_at, :document, :source, :content_hash, :known)
""")
VERSIONS = text("""
    SELECT contract, document FROM contracts.version
    WHERE contract = ANY(:contracts) AND known <= :known ORDER BY contract, version
""")
VERSIONS_AS_OF = text("""
    SELECT w.key, v.document
    FROM unnest(cast(:keys AS bigint[]), cast(:contracts AS int[]), cast(:evaluations AS bigint[]))
        AS w (key, contract, evaluation)
    JOIN contracts.evaluation AS e ON e.id = w.evaluation
    JOIN contracts.version AS v ON v.contract = w.contract AND v.known <= e.known ORDER BY w.key, v.version
""")
STORED = text("""
    SELECT v.document FROM contracts.version AS v JOIN contracts.contract AS c ON c.id = v.contract
    WHERE c.name = :name ORDER BY v.version
""")
# One import at a time: two of the same contract would both find that it is new.
LOCK = text("SELECT pg_advisory_xact_lock(7269302412)")
FORGET_COVERAGE = text("DELETE FROM contracts.coverage WHERE contract = :contract")
FORGET_PARTY_ASSET = text("DELETE FROM contracts.party_asset WHERE contract = :contract")
ADD_COVERAGE = text("""
    INSERT INTO contracts.coverage (contract, asset, asset_name, "group", during)
    SELECT :contract, asset, asset_name, "group", tstzrange(starts_at, ends_at)
    FROM json_to_recordset(cast(:rows AS json))
        AS r(asset int, asset_name text, "group" text, starts_at timestamptz, ends_at timestamptz)
""")
ADD_PARTY_ASSET = text("""
    INSERT INTO contracts.party_asset (party, asset, contract, during)
    SELECT DISTINCT p.party, c.asset, c.contract, c.during
    FROM contracts.coverage AS c JOIN contracts.contract_party AS p ON p.contract = c.contract
    WHERE c.contract = :contract
""")
COVERED = text("""
    SELECT c.id, v.asset_name FROM contracts.contract AS c JOIN contracts.coverage AS v ON v.contract = c.id
    WHERE c.name = :name
""")
# Who is billed: the payer if there is one, else the customer.
SHOWN = text("SELECT visible.stated_versions(:contract)")
PAYERS = text("""
    SELECT DISTINCT ON (c.contract) c.contract, c.party, p.public_id, p.name
    FROM contracts.contract_party AS c JOIN contracts.party AS p ON p.id = c.party
    WHERE c.contract = ANY(:contracts) AND c.role IN ('customer', 'payer') ORDER BY c.contract, c.role DESC
""")


@dataclass(frozen=True, slots=True)
class Side:
    """A party to a contract. party: its id."""

    party: int
    public_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A contract to be written: its versions in order, those of them that are new, and the text handed in."""

    versions: tuple[Version, ...]
    new: tuple[Version, ...]
    source: str


def lock_import(connection: Connection) -> None:
    """Wait until no other import runs; held to the end of the transaction."""
    connection.execute(LOCK)


def stored_versions(connection: Connection, name: str) -> tuple[Version, ...]:
    """The versions of a contract by its name, in order; none if it is unknown."""
    return parse(tuple(connection.execute(STORED, {"name": name}).scalars()))


def versions_for_stating(connection: Connection, contract: int) -> tuple[Version, ...]:
    """The versions of a contract, for the API: what is stated is judged by them, whoever states it."""
    return parse(tuple(connection.execute(SHOWN, {"contract": contract}).scalars()))


def versions(connection: Connection, contracts: Iterable[int], known: int) -> dict[int, tuple[Version, ...]]:
    """The versions of many contracts that were known, in order."""
    texts: dict[int, list[str]] = {}
    for contract, document in connection.execute(VERSIONS, {"contracts": list(contracts), "known": known}):
        texts.setdefault(contract, []).append(document)
    return {contract: parse(tuple(found)) for contract, found in texts.items()}


def versions_of(connection: Connection, wanted: Sequence[tuple[int, int, int]]) -> dict[int, tuple[Version, ...]]:
    """The versions that were known to an evaluation. wanted: a key of the caller's, contract id, evaluation id."""
    columns = [list(column) for column in zip(*wanted, strict=True)] or [[]] * 3
    texts: dict[int, list[str]] = {}
    for key, document in connection.execute(
        VERSIONS_AS_OF, dict(zip(("keys", "contracts", "evaluations"), columns, strict=True))
    ):
        texts.setdefault(key, []).append(document)
    return {key: parse(tuple(found)) for key, found in texts.items()}


@lru_cache(maxsize=600)
def parse(documents: tuple[str, ...]) -> tuple[Version, ...]:
    """Canonical texts as versions; kept, because one chunk of work asks for them several times.

    A chunk or two, not all: 20 KiB each, and read again within 0.3 ms, so that memory does not grow with contracts.
    """
    return from_stored(documents)


def save(connection: Connection, incoming: Incoming, assets: Mapping[str, int], *, known: int, at: datetime) -> int:
    """Append the new versions, create what is missing, derive coverage anew. Returns the contract's id.

    assets: id of every covered asset by its name.
    """
    newest = incoming.versions[-1]
    parties = ensure_parties(connection, sorted(set(newest.parties.values())), at)
    contract = _contract(connection, newest, at)
    for role, name in newest.parties.items():
        connection.execute(ADD_CONTRACT_PARTY, {"contract": contract, "role": role, "party": parties[name]})
    connection.execute(ADD_VERSION, [_version_row(v, contract, incoming.source, known, at) for v in incoming.new])
    _cover(connection, contract, incoming.versions, assets)
    return contract


def find(connection: Connection, name: str) -> int | None:
    """The id of a contract; None if there is none."""
    row = connection.execute(CONTRACTS, {"names": [name]}).first()
    return None if row is None else int(row.id)


def contract_id(connection: Connection, name: str) -> int:
    """The id of a contract that exists."""
    return int(connection.execute(CONTRACTS, {"names": [name]}).one().id)


def covered_assets(connection: Connection, name: str) -> tuple[int, frozenset[str]] | None:
    """Id of a contract and the names of its assets; None if the contract is unknown."""
    rows = connection.execute(COVERED, {"name": name}).all()
    return (rows[0][0], frozenset(row[1] for row in rows)) if rows else None


def payers(connection: Connection, contracts: Iterable[int]) -> dict[int, Side]:
    """Who is billed for each contract."""
    rows = connection.execute(PAYERS, {"contracts": list(contracts)})
    return {row.contract: Side(row.party, row.public_id, row.name) for row in rows}


def ids_of_provider(connection: Connection, party: int, names: Iterable[str]) -> dict[str, int]:
    """Which of these contracts a party provides, by name."""
    rows = connection.execute(OF_PROVIDER, {"party": party, "names": list(names)})
    return {row.name: row.id for row in rows}


def names_by_id(connection: Connection, contracts: Iterable[int]) -> dict[int, str]:
    """What contracts are called."""
    rows = connection.execute(NAMED, {"contracts": list(contracts)})
    return {row.id: row.name for row in rows}


def party_ids(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Parties that exist, by name."""
    return {row.name: row.id for row in connection.execute(PARTIES, {"names": list(names)})}


def party_public_ids(connection: Connection, parties: Iterable[int]) -> dict[int, str]:
    """What the outside knows parties by."""
    return {row.id: row.public_id for row in connection.execute(PUBLIC_IDS, {"parties": list(parties)})}


def ensure_parties(connection: Connection, names: Sequence[str], at: datetime) -> dict[str, int]:
    """Parties by name, created where they are new."""
    if names:
        connection.execute(ADD_PARTY, [{"public_id": new_id("par"), "name": name, "at": at} for name in names])
    return party_ids(connection, names)


def new_id(prefix: str) -> str:
    """A random identifier for the outside."""
    return public_id(prefix, secrets.token_bytes(RANDOM_BYTES))


def _contract(connection: Connection, version: Version, at: datetime) -> int:
    found = connection.execute(CONTRACTS, {"names": [version.contract]}).first()
    if found:
        return int(found.id)
    row = {"public_id": new_id("con"), "name": version.contract, "currency": version.currency}
    return int(connection.execute(ADD_CONTRACT, row | {"timezone": version.timezone, "at": at}).scalar_one())


def _version_row(version: Version, contract: int, source: str, known: int, at: datetime) -> dict[str, object]:
    return {
        "contract": contract,
        "version": version.version,
        "effective_from": instant(version.effective_from),
        "recorded_at": at,
        "document": canonical.text(version.canonical),
        "source": source,
        "content_hash": version.hash,
        "known": known,
    }


def _cover(connection: Connection, contract: int, versions: Sequence[Version], assets: Mapping[str, int]) -> None:
    groups = {item.asset: item.group for item in versions[-1].coverage}
    rows = [
        {
            "asset": assets[asset],
            "asset_name": asset,
            "group": groups.get(asset),
            "starts_at": instant(start),
            "ends_at": None if end >= FOREVER else instant(end),
        }
        for asset, spans in covered(versions, None, versions[0].effective_from, FOREVER).items()
        for start, end in spans
    ]
    for statement in (FORGET_COVERAGE, FORGET_PARTY_ASSET):
        connection.execute(statement, {"contract": contract})
    connection.execute(ADD_COVERAGE, {"contract": contract, "rows": packed(rows)})
    connection.execute(ADD_PARTY_ASSET, {"contract": contract})
