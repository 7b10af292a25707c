"""What is to be said of a draft beside its document: why it is left out or waits, and why it stands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from billing.bundle import group_of, why_apart
from billing.store import entity as entities
from contracts.store import contract as contract_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from billing.store.run import Run

NAMED = 5
"""Up to so many contracts are named."""
OWN = text("""
    SELECT contract, contract_name, state, reason, bundle, buyer, document - '{lines,verdicts,clauses}'::text[] AS head
    FROM billing.draft WHERE run = :run AND revision = :revision AND contract_name = :contract
""")
# One for each other document of the same buyer, the largest first.
BESIDE = text("""
    SELECT DISTINCT ON (bundle) contract_name, bundle, count(*) OVER (PARTITION BY bundle) AS contracts,
        document - '{lines,verdicts,clauses}'::text[] AS head
    FROM billing.draft
    WHERE run = :run AND revision = :revision AND buyer = :buyer AND state IN ('ok', 'warning', 'issued')
        AND contract <> :contract AND bundle <> '' ORDER BY bundle, contract_name COLLATE "C"
""")
LEFT_OUT = text("""
    SELECT contract_name, state, reason FROM billing.draft
    WHERE run = :run AND revision = :revision AND bundle = :bundle AND contract <> :contract
        AND state NOT IN ('ok', 'warning', 'issued') ORDER BY contract_name COLLATE "C" LIMIT :most
""")


def remarks(connection: Connection, run: Run, contract: str) -> Iterator[str]:
    """Of the draft of a contract, by its name; nothing for one that is not in the run."""
    key: dict[str, object] = {"run": run.id, "revision": run.revision}
    own = connection.execute(OWN, key | {"contract": contract}).one_or_none()
    if own is None:
        return
    if own.state not in ("ok", "issued"):
        yield (
            f"{own.contract_name} is {own.state}: {own.reason}" if own.reason else f"{own.contract_name} is {own.state}"
        )
    if own.bundle:
        given = key | {"bundle": own.bundle, "contract": own.contract, "most": NAMED}
        for row in connection.execute(LEFT_OUT, given):
            yield f"{row.contract_name} is not on it: {row.state}, {row.reason}"
    if own.head is not None and (group := _group(connection, own.contract, contract)):
        yield from _apart(own, group, connection.execute(BESIDE, key | {"buyer": own.buyer, "contract": own.contract}))


def _group(connection: Connection, contract: int, name: str) -> str:
    payer = contract_store.payers(connection, [contract])[contract]
    account = entities.accounts(connection, [payer.party]).get(payer.party)
    return group_of(account.consolidate, name) if account else ""


def _apart(own: Any, group: str, rows: Any) -> Iterator[str]:
    """Why it does not share the others' document, or that there are none in a run of its period."""
    beside = [row for row in rows if row.bundle.rpartition(" ")[0] == group]
    if own.bundle and any(row.bundle == own.bundle for row in beside):
        beside = [row for row in beside if row.bundle != own.bundle and row.contracts > 1]
        shares = True
    else:
        shares = False
    for row in sorted(beside, key=lambda row: (-row.contracts, row.contract_name))[:NAMED]:
        others = row.contract_name if row.contracts == 1 else f"{row.contract_name} and {row.contracts - 1} more"
        yield f"apart from {others} of group {group}: {'; '.join(why_apart(own.head, row.head))}"
    if not beside and not shares:
        period = own.head["period"]
        yield f"alone: no other contract of group {group} is billed for {period}; other cycles have their own runs"
