"""Evaluations, appended: one for each contract, period, state of knowledge, `until` and inputs; the last one counts.

As of the same knowledge the inputs change where the period before was evaluated again: what it leaves is one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from contracts.store.contract import new_id
from core.database import read_exact_json
from core.store import packed
from core.time import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from contracts.evaluation import Evaluation

AT_ONCE = 50
"""Evaluations in one statement: they are large, and pass through memory several times."""
# Results come beside the rows as an array in the binary format: nothing reads them before they become jsonb.
ADD = """
    INSERT INTO contracts.evaluation (public_id, contract, period, until, known, evaluated_at, engine_version,
        input_hash, result_hash, result, evidence)
    SELECT r.public_id, r.contract, r.period, r.until, %(known)s, %(at)s, r.engine_version, r.input_hash,
        r.result_hash, CAST(w.result AS jsonb), r.evidence
    FROM json_to_recordset(CAST(%(rows)s AS json)) AS r(public_id text, contract int, period bigint,
        until timestamptz, engine_version text, input_hash text, result_hash text, evidence jsonb)
    JOIN unnest(CAST(%(periods)b AS bigint[]), CAST(%(results)b AS text[])) AS w (period, result)
        ON w.period = r.period
    ON CONFLICT (contract, period, known, until, input_hash) DO NOTHING
"""
# Evaluations are found by contract and period, as their index is ordered; by the period alone all would be looked at.
IDS = text("""
    SELECT e.period, max(e.id) AS id
    FROM contracts.period AS p JOIN contracts.evaluation AS e
        ON e.contract = p.contract AND e.period = p.id AND e.known = :known AND e.until = p.ends_at
    WHERE p.id = ANY(:periods) GROUP BY e.period
""")
LATEST = text("""
    SELECT p.id AS period, e.id, e.input_hash
    FROM contracts.period AS p CROSS JOIN LATERAL (
        SELECT id, input_hash FROM contracts.evaluation
        WHERE contract = p.contract AND period = p.id AND known <= :known AND until = p.ends_at
        ORDER BY known DESC, id DESC LIMIT 1
    ) AS e
    WHERE p.id = ANY(:periods)
""")
BY_ID = text("""
    SELECT period, id, public_id, CAST(result AS text) AS result, CAST(evidence AS text) AS evidence
    FROM contracts.evaluation WHERE id = ANY(:ids)
""")
# What the period before left, as of `known`.
CARRY = text("""
    SELECT p.id, latest.result -> 'carry' AS carry
    FROM contracts.period AS p
    JOIN contracts.period AS before ON before.contract = p.contract AND before.ends_at = p.starts_at
    CROSS JOIN LATERAL (
        SELECT e.result FROM contracts.evaluation AS e
        WHERE e.contract = before.contract AND e.period = before.id AND e.known <= :known AND e.until = before.ends_at
        ORDER BY e.known DESC, e.id DESC LIMIT 1
    ) AS latest
    WHERE p.id = ANY(:periods)
""")


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved evaluation: its result as JSON types and the facts that it rests on."""

    period: int
    id: int
    public_id: str
    result: dict[str, Any]
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Latest:
    """Which evaluation of a period is the newest, and what it rests on."""

    period: int
    id: int
    input_hash: str


@dataclass(frozen=True, slots=True)
class New:
    """An evaluation to append. contract, period: ids."""

    contract: int
    period: int
    evaluation: Evaluation
    evidence: Mapping[str, Any]


def append(connection: Connection, new: Sequence[New], *, known: int, at: datetime) -> dict[int, int]:
    """Append whole periods' evaluations, unless they are there already. Returns evaluation id by period id."""
    for first in range(0, len(new), AT_ONCE):
        _add(connection, new[first : first + AT_ONCE], known=known, at=at)
    found = connection.execute(IDS, {"periods": [item.period for item in new], "known": known})
    return {row.period: row.id for row in found}


def _add(connection: Connection, new: Sequence[New], *, known: int, at: datetime) -> None:
    rows = [
        {
            "public_id": new_id("eva"),
            "contract": item.contract,
            "period": item.period,
            "until": instant(item.evaluation.until),
            "engine_version": item.evaluation.engine_version,
            "input_hash": item.evaluation.input_hash,
            "result_hash": item.evaluation.result_hash,
            "evidence": item.evidence,
        }
        for item in new
    ]
    given = {
        "rows": packed(rows),
        "periods": [item.period for item in new],
        "results": [item.evaluation.text for item in new],
        "known": known,
        "at": at,
    }
    connection.exec_driver_sql(ADD, given)


def latest(connection: Connection, periods: Iterable[int], known: int) -> dict[int, Latest]:
    """The newest evaluation of each whole period as of `known`, by period id."""
    rows = connection.execute(LATEST, {"periods": list(periods), "known": known})
    return {row.period: Latest(*row) for row in rows}


def by_id(connection: Connection, ids: Iterable[int]) -> dict[int, Saved]:
    """Evaluations by their ids. Raises core.database.InexactNumber if a float was written into one."""
    return {
        number: Saved(period, number, public_id, read_exact_json(result), read_exact_json(evidence))
        for period, number, public_id, result, evidence in connection.execute(BY_ID, {"ids": list(ids)})
    }


def carries(connection: Connection, periods: Iterable[int], known: int) -> dict[int, list[dict[str, str]]]:
    """What the newest evaluation of the period before leaves to each of these periods, by period id."""
    rows = connection.execute(CARRY, {"periods": list(periods), "known": known})
    return {row.id: row.carry for row in rows}
