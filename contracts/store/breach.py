"""Breaches: guarantees missed by a final verdict of an appended evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from contracts.store.contract import new_id
from core.store import packed
from core.time import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from decimal import Decimal

    from contracts.breach import Missed

ADD = text("""
    INSERT INTO contracts.breach (public_id, contract, evaluation, period, clause, asset, obligated, measured, target,
        credit, currency, window_start)
    SELECT * FROM json_to_recordset(cast(:rows AS json)) AS r(public_id text, contract int, evaluation bigint,
        period bigint, clause text, asset text, obligated text, measured text, target text, credit numeric,
        currency text, window_start timestamptz)
    ON CONFLICT ON CONSTRAINT breach_once DO NOTHING
""")
OF_EVALUATIONS = text("""
    SELECT id, public_id, contract, evaluation, clause, asset, obligated, measured, target, credit, currency,
        window_start
    FROM contracts.breach WHERE evaluation = ANY(:evaluations) ORDER BY evaluation, clause, asset, window_start
""")


@dataclass(frozen=True, slots=True)
class Saved:
    """A recorded breach. window_start: of the promise; None: recorded before windows were, the first of its period."""

    id: int
    public_id: str
    contract: int
    evaluation: int
    clause: str
    asset: str
    obligated: str
    measured: str
    target: str
    credit: Decimal
    currency: str
    window_start: datetime | None


def append(connection: Connection, missed: Sequence[tuple[int, int, int, Missed]]) -> None:
    """Append breaches, unless they are there. missed: contract id, period id, evaluation id, what was missed."""
    rows = [
        {
            "public_id": new_id("bre"),
            "contract": contract,
            "evaluation": evaluation,
            "period": period,
            "clause": item.clause,
            "asset": item.asset,
            "obligated": item.obligated,
            "measured": item.measured,
            "target": item.target,
            "credit": item.credit.amount,
            "currency": item.credit.currency,
            "window_start": instant(item.start),
        }
        for contract, period, evaluation, item in missed
    ]
    if rows:
        connection.execute(ADD, {"rows": packed(rows)})


def of_evaluations(connection: Connection, evaluations: Iterable[int]) -> list[Saved]:
    """Breaches that these evaluations found, by evaluation, clause, asset and window."""
    rows = connection.execute(OF_EVALUATIONS, {"evaluations": list(evaluations)}).mappings()
    return [Saved(**row) for row in rows]
