"""What is to be said of a draft beside its document: why it is left out or waits, and why it stands alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, text

from billing.bundle import group_of, why_apart
from billing.store import entity as entities
from contracts.store import contract as contract_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAMED = 5
"""Up to so many contracts are named."""
STANDS = ("ok", "warning", "issued")
"""States in which a draft is, or becomes, a document."""
OWN = text("""
    SELECT contract, contract_name, state, reason, bundle, buyer, document - '{lines,verdicts,clauses}'::text[] AS head
    FROM billing.draft WHERE run = :run AND revision = :revision AND contract_name = ANY(:contracts)
    ORDER BY contract_name COLLATE "C"
""")
# The documents that these buyers' contracts share, each by its first contract.
SHARED = text("""
    SELECT b.buyer, b.bundle, b.contracts, b.first AS contract_name,
        d.document - '{lines,verdicts,clauses}'::text[] AS head
    FROM (
        SELECT buyer, bundle, count(*) AS contracts, min(contract_name COLLATE "C") AS first FROM billing.draft
        WHERE run = :run AND revision = :revision AND buyer = ANY(:buyers) AND state = ANY(:states) AND bundle <> ''
        GROUP BY buyer, bundle
    ) AS b
    JOIN billing.draft AS d ON d.run = :run AND d.revision = :revision AND d.contract_name = b.first
        AND d.bundle = b.bundle AND d.buyer = b.buyer
""")
LEFT_OUT = text("""
    SELECT contract, contract_name, bundle, state, reason FROM (
        SELECT *, row_number() OVER (PARTITION BY bundle ORDER BY contract_name COLLATE "C") AS n FROM billing.draft
        WHERE run = :run AND revision = :revision AND bundle = ANY(:bundles) AND NOT state = ANY(:states)
    ) AS d WHERE n <= :most ORDER BY bundle, contract_name COLLATE "C"
""")


class Reviewed(Protocol):
    """A run at one of its revisions."""

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def revision(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands in a run beside some of its drafts. groups: those of their contracts, by id."""

    groups: dict[int, str]
    shared: Sequence[Any]
    left_out: Sequence[Any]


def remarks(connection: Connection, run: Reviewed, contract: str) -> Iterator[str]:
    """Of the draft of a contract, by its name; nothing for one that is not in the run."""
    key = {"run": run.id, "revision": run.revision, "contracts": [contract]}
    own = connection.execute(OWN, key).one_or_none()
    if own is None:
        return
    if own.state not in ("ok", "issued"):
        yield (
            f"{own.contract_name} is {own.state}: {own.reason}" if own.reason else f"{own.contract_name} is {own.state}"
        )
    yield from beside(connection, run, [contract]).get(contract, ())


def beside(connection: Connection, run: Reviewed, contracts: Sequence[str]) -> dict[str, list[str]]:
    """Who is left out of the documents of these contracts' drafts, and why these stand apart. By name, if anything.

    Few statements for any number of contracts.
    """
    key: dict[str, Any] = {"run": run.id, "revision": run.revision, "states": list(STANDS)}
    own = list(connection.execute(OWN, key | {"contracts": list(contracts)}))
    groups = _groups(connection, {row.contract: row.contract_name for row in own if row.head is not None})
    buyers, bundles = {row.buyer for row in own if row.contract in groups}, {row.bundle for row in own if row.bundle}
    found = _Beside(
        groups,
        connection.execute(SHARED, key | {"buyers": list(buyers)}).all() if buyers else (),
        connection.execute(LEFT_OUT, key | {"bundles": list(bundles), "most": NAMED + 1}).all() if bundles else (),
    )
    said = {row.contract_name: [*_left_out(row, found), *_apart(row, found)] for row in own}
    return {name: words for name, words in said.items() if words}


def _groups(connection: Connection, names: dict[int, str]) -> dict[int, str]:
    """By contract the group with which its debtor wants one document; those without are missing."""
    payers = contract_store.payers(connection, names) if names else {}
    accounts = entities.accounts(connection, {payer.party for payer in payers.values()}) if payers else {}
    found = {
        number: group_of(accounts[payer.party].consolidate, names[number])
        for number, payer in payers.items()
        if payer.party in accounts
    }
    return {number: group for number, group in found.items() if group}


def _left_out(own: Any, found: _Beside) -> Iterator[str]:
    rows = [row for row in found.left_out if row.bundle == own.bundle and row.contract != own.contract]
    for row in rows[:NAMED]:
        yield f"{row.contract_name} is not on it: {row.state}, {row.reason}"


def _apart(own: Any, found: _Beside) -> Iterator[str]:
    """Why it does not share the others' document, or that there are none in a run of its period."""
    group = found.groups.get(own.contract)
    if group is None:
        return
    same = [row for row in found.shared if row.buyer == own.buyer and row.bundle.rpartition(" ")[0] == group]
    others = [row for row in same if row.bundle != own.bundle]
    sharing = sum(row.contracts for row in same if row.bundle == own.bundle) - (own.state in STANDS)
    if own.bundle and sharing > 0:
        others = [row for row in others if row.contracts > 1]
    elif not others and not any(row.bundle == own.bundle for row in found.left_out if row.contract != own.contract):
        period = own.head["period"]
        yield f"alone: no other contract of group {group} is billed for {period}; other cycles have their own runs"
    for row in sorted(others, key=lambda row: (-row.contracts, row.contract_name))[:NAMED]:
        named = row.contract_name if row.contracts == 1 else f"{row.contract_name} and {row.contracts - 1} more"
        yield f"apart from {named} of group {group}: {'; '.join(why_apart(own.head, row.head))}"
