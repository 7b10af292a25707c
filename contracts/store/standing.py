"""The running period of each contract as last evaluated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from core.store import packed
from core.time import instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from contracts.evaluation import Evaluation

UPSERT = text("""
    INSERT INTO contracts.standing (contract, period, until, known, evaluated_at, result)
    SELECT contract, period, until, :known, :at, result
    FROM json_to_recordset(cast(:rows AS json)) AS r(contract int, period bigint, until timestamptz, result jsonb)
    ON CONFLICT (contract) DO UPDATE SET period = excluded.period, until = excluded.until, known = excluded.known,
        evaluated_at = excluded.evaluated_at, result = excluded.result
""")
NOTIFY = text("SELECT pg_notify('yardstick_live', :payload)")
MOST_IN_PAYLOAD = 100


def save(connection: Connection, rows: Sequence[tuple[int, int, Evaluation]], *, known: int, at: datetime) -> None:
    """Overwrite the standings. rows: contract id, period id, evaluation."""
    found = [
        {"contract": contract, "period": period, "until": instant(evaluation.until), "result": evaluation.to_json()}
        for contract, period, evaluation in rows
    ]
    connection.execute(UPSERT, {"rows": packed(found), "known": known, "at": at})


def announce(connection: Connection, contracts: Sequence[str]) -> None:
    """Tell live pages whose standing is new, after commit. contracts: public ids; null in the message means many."""
    named = list(contracts) if len(contracts) <= MOST_IN_PAYLOAD else None
    connection.execute(NOTIFY, {"payload": json.dumps({"kind": "standing", "contracts": named})})
