"""The running period of each contract as last evaluated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from core.store import packed
from core.time import instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from contracts.evaluation import Evaluation

UPSERT = text("""
    INSERT INTO contracts.standing (contract, period, until, known, evaluated_at, result, moves)
    SELECT contract, period, until, :known, :at, result, moves
    FROM json_to_recordset(cast(:rows AS json))
        AS r(contract int, period bigint, until timestamptz, result jsonb, moves boolean)
    ON CONFLICT (contract) DO UPDATE SET period = excluded.period, until = excluded.until, known = excluded.known,
        evaluated_at = excluded.evaluated_at, result = excluded.result, moves = excluded.moves
""")
NOTIFY = text("SELECT pg_notify('yardstick_live', :payload)")
MOST_IN_PAYLOAD = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A contract's running period (ids) as evaluated. moves: whether time alone changes it."""

    contract: int
    period: int
    evaluation: Evaluation
    moves: bool


def save(connection: Connection, rows: Sequence[Row], *, known: int, at: datetime) -> None:
    """Overwrite the standings."""
    found = [
        {
            "contract": row.contract,
            "period": row.period,
            "until": instant(row.evaluation.until),
            "moves": row.moves,
        }
        for row in rows
    ]
    # An evaluation is JSON already: it is put in where it belongs, not written once more.
    texts = (f'{packed([one])[1:-2]},"result":{row.evaluation.text}}}' for one, row in zip(found, rows, strict=True))
    connection.execute(UPSERT, {"rows": f"[{','.join(texts)}]", "known": known, "at": at})


def announce(connection: Connection, contracts: Sequence[str]) -> None:
    """Tell live pages whose standing is new, after commit. contracts: public ids; null in the message means many."""
    named = list(contracts) if len(contracts) <= MOST_IN_PAYLOAD else None
    connection.execute(NOTIFY, {"payload": json.dumps({"kind": "standing", "contracts": named})})
