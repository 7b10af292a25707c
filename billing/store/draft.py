"""What a run draws up for each due contract: an invoice as it would be, or why there is none."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from billing.agreement import agreement
from billing.invoice import Draft, Evaluated, draw_up
from billing.store import entity as entities
from billing.tax import NotATax
from contracts import run as contracts
from contracts.store import contract as contract_store
from contracts.store import period as periods
from core import canonical
from core.time import micros

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from billing.store.entity import Account, Entity
    from billing.store.run import Run
    from contracts.document import Version
    from contracts.store.evaluation import Saved
    from contracts.store.period import Due


def due_row(due: Due) -> dict[str, object]:
    """A contract as it enters a run: to be calculated, or left out because its period is still open."""
    row = {"contract": due.contract, "contract_name": due.contract_name, "period": due.id}
    if due.closed_at is not None:
        return row | {"state": "collected", "reason": "", "hash": ""}
    reason = f"period {due.label} is open; its cut-off is {due.cutoff_at:%Y-%m-%d %H:%M} UTC"
    return row | {"state": "excluded", "reason": reason, "hash": excluded_hash(due.contract_name, "open")}


def excluded_hash(contract: str, reason: str) -> str:
    """Stands for a contract that is left out."""
    return canonical.digest(["excluded", contract, reason])


def calculate(connection: Connection, run: Run, ids: Sequence[int], at: datetime) -> list[dict[str, Any]]:
    """Rows of drafts for these periods, evaluated as of the run's knowledge."""
    if run.known is None:
        raise ValueError(f"run {run.public_id} has not frozen what is known")
    dues = periods.by_id(connection, ids)
    settled = contracts.settle(connection, dues, known=run.known, at=at)
    numbers = [due.contract for due in dues]
    versions = contract_store.versions(connection, numbers, run.known)
    payers = contract_store.payers(connection, numbers)
    accounts = entities.accounts(connection, [payer.party for payer in payers.values()])
    seller = entities.entity_by_id(connection, run.entity)
    rows = []
    for due in dues:
        saved, account = settled[due.id], accounts.get(payers[due.contract].party)
        found = f"{payers[due.contract].name} has no account; set it up with `yardstick bill setup FILE`"
        drawn = _draw_up(due, saved, versions[due.contract], seller, account) if account else found
        rows.append(_blocked(due, saved, drawn) if isinstance(drawn, str) else _row(due, saved, drawn))
    return rows


def _draw_up(due: Due, saved: Saved, versions: Sequence[Version], seller: Entity, account: Account) -> Draft | str:
    """The draft, or why there is none."""
    try:
        terms = agreement(versions, saved.result["versions"], end=micros(due.ends_at), default=seller.tax)
    except NotATax as error:
        return str(error)
    return draw_up(
        Evaluated(saved.public_id, saved.result, saved.evidence),
        terms,
        seller=seller.seller,
        buyer=account.buyer,
        payment_days=account.payment_days,
    )


def _row(due: Due, saved: Saved, draft: Draft) -> dict[str, Any]:
    state = "blocked" if draft.blocked else "warning" if draft.warnings else "ok"
    return {
        "contract": due.contract,
        "state": state,
        "reason": "; ".join(draft.blocked or draft.warnings),
        "evaluation": saved.id,
        "document": draft.document,
        "net": Decimal(draft.document["net"]),
        "tax": Decimal(draft.document["tax_total"]),
        "gross": Decimal(draft.document["gross"]),
        "currency": draft.net.currency,
        "hash": canonical.digest([state, draft.hash]),
    }


def _blocked(due: Due, saved: Saved, reason: str) -> dict[str, Any]:
    digest = canonical.digest(["blocked", due.contract_name, reason])
    return {"contract": due.contract, "state": "blocked", "reason": reason, "evaluation": saved.id, "hash": digest}
