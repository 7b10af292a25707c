"""Due work: the billing periods of every contract, open until their final evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Connection, text

from core.store import packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

COLUMNS = """
    p.id, p.contract, c.name AS contract_name, c.public_id AS contract_public_id, c.timezone, p.label,
    p.starts_at, p.ends_at, p.cutoff_at, p.closed_at
"""
ADD = text("""
    INSERT INTO contracts.period (contract, label, starts_at, ends_at, cutoff_at)
    SELECT contract, label, starts_at, ends_at, cutoff_at
    FROM json_to_recordset(cast(:rows AS json))
        AS r(contract int, label text, starts_at timestamptz, ends_at timestamptz, cutoff_at timestamptz)
    ON CONFLICT (contract, label) DO NOTHING
""")
BEHIND = text("""
    SELECT c.id, max(p.ends_at) AS ends_at
    FROM contracts.contract AS c LEFT JOIN contracts.period AS p ON p.contract = c.id
    GROUP BY c.id HAVING max(p.ends_at) IS NULL OR max(p.ends_at) <= :at
    ORDER BY c.id
""")
LAST = text("SELECT max(ends_at) FROM contracts.period WHERE contract = :contract")
# Open periods that have begun, of contracts that have a running one; oldest first.
STANDING = text(f"""
    SELECT {COLUMNS}
    FROM contracts.period AS p JOIN contracts.contract AS c ON c.id = p.contract
    WHERE p.contract = ANY(:contracts) AND p.starts_at <= :at
        AND (p.closed_at IS NULL OR p.ends_at > :at)
    ORDER BY p.contract, p.starts_at
""")  # noqa: S608 - our own column list
# The oldest open period of each contract, if its cut-off has passed. Rows are locked, so that a second closer
# takes others.
DUE = text(f"""
    SELECT {COLUMNS}
    FROM contracts.period AS p JOIN contracts.contract AS c ON c.id = p.contract
    WHERE p.closed_at IS NULL AND p.cutoff_at <= :at AND p.contract <> ALL(:without) AND NOT EXISTS (
        SELECT FROM contracts.period AS earlier
        WHERE earlier.contract = p.contract AND earlier.closed_at IS NULL AND earlier.starts_at < p.starts_at)
    ORDER BY p.id LIMIT :most FOR UPDATE OF p SKIP LOCKED
""")  # noqa: S608 - our own column list
COUNT_DUE = text("SELECT count(*) FROM contracts.period WHERE closed_at IS NULL AND cutoff_at <= :at")
CLOSE = text("""
    UPDATE contracts.period AS p SET closed_at = :at, evaluation = w.evaluation
    FROM unnest(CAST(:periods AS bigint[]), CAST(:evaluations AS bigint[])) AS w (period, evaluation)
    WHERE p.id = w.period
""")
BY_ID = text(f"""
    SELECT {COLUMNS} FROM contracts.period AS p JOIN contracts.contract AS c ON c.id = p.contract
    WHERE p.id = ANY(:ids) ORDER BY p.id
""")  # noqa: S608 - our own column list
NAMED = text(f"""
    SELECT {COLUMNS} FROM contracts.period AS p JOIN contracts.contract AS c ON c.id = p.contract
    WHERE c.name = :name AND p.label = :label
""")  # noqa: S608 - our own column list
LABELLED = text(f"""
    SELECT {COLUMNS}
    FROM unnest(cast(:contracts AS int[]), cast(:labels AS text[])) AS w (contract, label)
    JOIN contracts.period AS p ON p.contract = w.contract AND p.label = w.label
    JOIN contracts.contract AS c ON c.id = p.contract ORDER BY p.contract, p.starts_at
""")  # noqa: S608 - our own column list
TOUCHING = text(f"""
    SELECT {COLUMNS} FROM contracts.period AS p JOIN contracts.contract AS c ON c.id = p.contract
    WHERE p.contract = ANY(:contracts) AND p.starts_at <= :end AND p.ends_at > :start AND p.starts_at <= :at
    ORDER BY p.contract, p.starts_at
""")  # noqa: S608 - our own column list
OF_PROVIDER = text(f"""
    SELECT {COLUMNS}
    FROM contracts.period AS p JOIN contracts.contract AS c ON c.id = p.contract
    JOIN contracts.contract_party AS provider ON provider.contract = c.id AND provider.role = 'provider'
    WHERE provider.party = :party AND p.label = :label AND p.contract > :after ORDER BY p.contract LIMIT :most
""")  # noqa: S608 - our own column list
CLOSED_AFTER = text("""
    SELECT label FROM contracts.period WHERE contract = :contract AND ends_at > :start AND closed_at IS NOT NULL
    ORDER BY starts_at
""")

# The last period of each contract of a provider that has none any more at an instant.
OVER = text(f"""
    SELECT {COLUMNS}
    FROM contracts.contract_party AS provider JOIN contracts.contract AS c ON c.id = provider.contract
    CROSS JOIN LATERAL (
        SELECT * FROM contracts.period AS q WHERE q.contract = c.id ORDER BY q.ends_at DESC LIMIT 1
    ) AS p
    WHERE provider.party = :party AND provider.role = 'provider' AND p.ends_at <= :at AND p.closed_at IS NOT NULL
        AND c.id > :after ORDER BY c.id LIMIT :most
""")  # noqa: S608 - our own column list


@dataclass(frozen=True, slots=True)
class Due:
    """A billing period of a contract, with what work on it needs to know."""

    id: int
    contract: int
    contract_name: str
    contract_public_id: str
    timezone: str
    label: str
    starts_at: datetime
    ends_at: datetime
    cutoff_at: datetime
    closed_at: datetime | None


NewPeriod: TypeAlias = tuple[int, str, "datetime", "datetime", "datetime"]
"""contract, label, start, end, cut-off."""


def add(connection: Connection, periods: Sequence[NewPeriod]) -> None:
    """Append periods; those that exist stay as they are."""
    names = ("contract", "label", "starts_at", "ends_at", "cutoff_at")
    rows = [dict(zip(names, period, strict=True)) for period in periods]
    if rows:
        connection.execute(ADD, {"rows": packed(rows)})


def behind(connection: Connection, at: datetime) -> dict[int, datetime | None]:
    """Contracts whose periods do not reach `at` yet, with the end of their last one."""
    return {row.id: row.ends_at for row in connection.execute(BEHIND, {"at": at})}


def last_end(connection: Connection, contract: int) -> datetime | None:
    """Where a contract's periods end so far."""
    found: datetime | None = connection.execute(LAST, {"contract": contract}).scalar_one()
    return found


def open_until(connection: Connection, contracts: Iterable[int], at: datetime) -> list[Due]:
    """The running period of each contract and every earlier one that is still open, oldest first."""
    return [Due(**row) for row in connection.execute(STANDING, {"contracts": list(contracts), "at": at}).mappings()]


def touching(
    connection: Connection, contracts: Sequence[int], start: datetime, end: datetime, *, at: datetime
) -> list[Due]:
    """Periods of these contracts that touch [start, end] and have begun by `at`, by contract and time."""
    given = {"contracts": list(contracts), "start": start, "end": end, "at": at}
    return [Due(**row) for row in connection.execute(TOUCHING, given).mappings()]


def closed_after(connection: Connection, contract: int, start: datetime) -> tuple[str, ...]:
    """Labels of closed periods that last longer than until `start`, oldest first."""
    return tuple(connection.execute(CLOSED_AFTER, {"contract": contract, "start": start}).scalars())


def due(connection: Connection, at: datetime, most: int, *, without: Sequence[int] = ()) -> list[Due]:
    """Periods to close, locked: at most one of each contract, its oldest open one, after its cut-off."""
    given = {"at": at, "most": most, "without": list(without)}
    return [Due(**row) for row in connection.execute(DUE, given).mappings()]


def count_due(connection: Connection, at: datetime) -> int:
    """How many periods are to be closed, whoever works on them."""
    return int(connection.execute(COUNT_DUE, {"at": at}).scalar_one())


def close(connection: Connection, evaluations: dict[int, int], at: datetime) -> None:
    """Mark periods as closed. evaluations: id of the final evaluation by period id."""
    given = {"periods": list(evaluations), "evaluations": list(evaluations.values()), "at": at}
    connection.execute(CLOSE, given)


def by_id(connection: Connection, ids: Iterable[int]) -> list[Due]:
    """Periods by their ids."""
    return [Due(**row) for row in connection.execute(BY_ID, {"ids": list(ids)}).mappings()]


def of_provider(connection: Connection, party: int, label: str, *, most: int = 1_000) -> Iterator[list[Due]]:
    """Periods of this label in all contracts of a provider, at most so many at a time, by contract id."""
    given: dict[str, object] = {"party": party, "label": label, "after": 0, "most": most}
    while found := [Due(**row) for row in connection.execute(OF_PROVIDER, given).mappings()]:
        yield found
        given["after"] = found[-1].contract


def over(connection: Connection, party: int, at: datetime, *, most: int = 1_000) -> Iterator[list[Due]]:
    """The last, closed period of contracts of a provider that have none after an instant, at most so many at a time."""
    given: dict[str, object] = {"party": party, "at": at, "after": 0, "most": most}
    while found := [Due(**row) for row in connection.execute(OVER, given).mappings()]:
        yield found
        given["after"] = found[-1].contract


def labelled(connection: Connection, wanted: Sequence[tuple[int, str]]) -> list[Due]:
    """Periods by contract id and label; of each contract in order of time."""
    given = {"contracts": [contract for contract, _ in wanted], "labels": [label for _, label in wanted]}
    return [Due(**row) for row in connection.execute(LABELLED, given).mappings()]


def named(connection: Connection, name: str, label: str) -> Due | None:
    """The period of this label in the contract of this name."""
    row = connection.execute(NAMED, {"name": name, "label": label}).mappings().first()
    return None if row is None else Due(**row)
