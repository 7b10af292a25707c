"""What the API and the portal read of contracts. The database shows a party its own rows only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class ContractView:
    """A contract with the names of its parties; `assets` counts those ever covered."""

    id: int
    public_id: str
    name: str
    currency: str
    timezone: str
    created_at: datetime
    provider: str
    customer: str
    partner: str | None
    assets: int


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version as recorded; `document` is its canonical JSON text."""

    version: int
    effective_from: datetime
    recorded_at: datetime
    document: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class PeriodView:
    """A billing period; `evaluation` is the public id of the one it was closed with, as of knowledge `known`."""

    contract: int
    label: str
    starts_at: datetime
    ends_at: datetime
    cutoff_at: datetime
    closed_at: datetime | None
    evaluation: str | None
    known: int | None


@dataclass(frozen=True, slots=True)
class StandingView:
    """The running period as last evaluated. `result` has the JSON shape of contracts.evaluation."""

    contract: int
    label: str
    starts_at: datetime
    ends_at: datetime
    cutoff_at: datetime
    until: datetime
    known: int
    evaluated_at: datetime
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StatusView:
    """How a contract stands, without money: what a partner and an operator may know."""

    contract: int
    label: str
    starts_at: datetime
    ends_at: datetime
    until: datetime
    evaluated_at: datetime
    verdicts: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """An appended evaluation; `contract` is the contract's public id, `contract_id` its inside key."""

    id: int
    public_id: str
    contract_id: int
    contract: str
    contract_name: str
    label: str
    until: datetime
    known: int
    evaluated_at: datetime
    engine_version: str
    input_hash: str
    result_hash: str
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CoverageView:
    """An asset under a contract over `[starts_at, ends_at)`; None is open."""

    contract: int
    asset: int
    name: str
    group: str | None
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttributionView:
    """Who or what a stretch `[starts_at, ends_at)` of an asset's time is put down to."""

    public_id: str
    asset: str
    starts_at: datetime
    ends_at: datetime
    category: str
    party: str
    cause: str
    status: str
    author: str


CONTRACT = """
    SELECT c.id, c.public_id, c.name, c.currency, c.timezone, c.created_at,
        coalesce(max(p.name) FILTER (WHERE cp.role = 'provider'), '') AS provider,
        coalesce(max(p.name) FILTER (WHERE cp.role = 'customer'), '') AS customer,
        max(p.name) FILTER (WHERE cp.role = 'partner') AS partner,
        (SELECT count(DISTINCT v.asset) FROM contracts.coverage AS v WHERE v.contract = c.id) AS assets
    FROM contracts.contract AS c
    LEFT JOIN contracts.contract_party AS cp ON cp.contract = c.id
    LEFT JOIN contracts.party AS p ON p.id = cp.party
    WHERE {condition}
    GROUP BY c.id ORDER BY c.id LIMIT :most
"""
CONTRACTS = text(CONTRACT.format(condition="c.id > :after"))
CONTRACTS_BY_KEY = text(CONTRACT.format(condition="c.id = ANY (:keys)"))
ONE_CONTRACT = text(CONTRACT.format(condition="c.public_id = :public_id"))
VERSIONS = text("""
    SELECT version, effective_from, recorded_at, document, content_hash
    FROM contracts.version WHERE contract = :contract ORDER BY version
""")
PERIODS = text("""
    SELECT p.contract, p.label, p.starts_at, p.ends_at, p.cutoff_at, p.closed_at, e.public_id AS evaluation, e.known
    FROM contracts.period AS p LEFT JOIN contracts.evaluation AS e ON e.id = p.evaluation
    WHERE p.contract = :contract ORDER BY p.starts_at DESC LIMIT :most
""")
STANDINGS = text("""
    SELECT s.contract, p.label, p.starts_at, p.ends_at, p.cutoff_at, s.until, s.known, s.evaluated_at, s.result
    FROM contracts.standing AS s JOIN contracts.period AS p ON p.id = s.period
    WHERE s.contract = ANY (:contracts)
""")
PROVIDED = text("SELECT count(*) FROM contracts.contract_party WHERE role = 'provider' AND party = :party")
RUNNING = text("""
    SELECT count(*) AS contracts, split_part(total, ' ', 2) AS currency,
        sum(split_part(total, ' ', 1)::numeric) AS total
    FROM (
        SELECT s.result ->> 'total' AS total FROM contracts.standing AS s
        JOIN contracts.contract_party AS cp ON cp.contract = s.contract AND cp.role = 'provider' AND cp.party = :party
        JOIN contracts.period AS p ON p.id = s.period AND p.closed_at IS NULL
    ) AS s GROUP BY 2 ORDER BY 2
""")
STATUSES = text("""
    SELECT contract, label, starts_at, ends_at, until, evaluated_at, verdicts
    FROM visible.statuses() WHERE contract = ANY (:contracts)
""")
EVALUATION = """
    SELECT e.id, e.public_id, e.contract AS contract_id, c.public_id AS contract, c.name AS contract_name, p.label,
        e.until, e.known, e.evaluated_at, e.engine_version, e.input_hash, e.result_hash, {result} AS result
    FROM contracts.evaluation AS e
    JOIN contracts.contract AS c ON c.id = e.contract
    JOIN contracts.period AS p ON p.id = e.period
    WHERE {condition} ORDER BY e.id DESC LIMIT :most
"""
HEAD = "jsonb_build_object('total', e.result -> 'total', 'status', e.result -> 'status')"
EVALUATIONS = text(
    EVALUATION.format(
        result=HEAD,
        condition="e.id < :before AND (CAST(:contract AS int) IS NULL OR e.contract = :contract)",
    )
)
ONE_EVALUATION = text(EVALUATION.format(result="e.result", condition="e.public_id = :public_id"))
EVALUATION_BY_ID = text(EVALUATION.format(result="e.result", condition="e.id = :id"))
COVERAGE = text("""
    SELECT contract, asset, asset_name AS name, "group", lower(during) AS starts_at, upper(during) AS ends_at
    FROM contracts.coverage
    WHERE contract = ANY (:contracts) AND during && tstzrange(:start, :end)
    ORDER BY contract, asset_name, lower(during)
""")
COVERED_BY = text("""
    SELECT contract, asset, asset_name AS name, "group", lower(during) AS starts_at, upper(during) AS ends_at
    FROM contracts.coverage WHERE asset = :asset ORDER BY lower(during), contract
""")
# A decision replaces the row that it decides, so only rows that nobody replaces stand.
ATTRIBUTIONS = text("""
    SELECT a.public_id, a.asset, lower(a.during) AS starts_at, upper(a.during) AS ends_at, a.category, a.party,
        a.cause, a.status, a.author
    FROM contracts.attribution AS a
    WHERE a.contract = :contract AND a.during && tstzrange(:start, :end)
        AND NOT EXISTS (SELECT FROM contracts.attribution AS later WHERE later.replaces = a.id)
    ORDER BY lower(a.during)
""")
PARTIES = text("SELECT name, id FROM contracts.party")
PARTY_NAME = text("SELECT name FROM contracts.party WHERE id = :id")


def contracts(connection: Connection, *, after: int = 0, most: int = 50) -> list[ContractView]:
    """Visible contracts with an inside key above `after`, oldest first."""
    rows = connection.execute(CONTRACTS, {"after": after, "most": most}).mappings()
    return [ContractView(**row) for row in rows]


def contracts_by_key(connection: Connection, keys: Iterable[int]) -> dict[int, ContractView]:
    """The visible ones of these inside keys."""
    wanted = sorted(set(keys))
    rows = connection.execute(CONTRACTS_BY_KEY, {"keys": wanted, "most": len(wanted)}).mappings()
    return {row["id"]: ContractView(**row) for row in rows}


def contract(connection: Connection, public_id: str) -> ContractView | None:
    """One contract, or None if it is absent or not visible."""
    row = connection.execute(ONE_CONTRACT, {"public_id": public_id, "most": 1}).mappings().first()
    return ContractView(**row) if row else None


def versions(connection: Connection, contract_id: int) -> list[VersionView]:
    """All versions of a contract, ascending."""
    return [VersionView(**row) for row in connection.execute(VERSIONS, {"contract": contract_id}).mappings()]


def periods(connection: Connection, contract_id: int, *, most: int = 24) -> list[PeriodView]:
    """Billing periods, newest first."""
    rows = connection.execute(PERIODS, {"contract": contract_id, "most": most}).mappings()
    return [PeriodView(**row) for row in rows]


def standings(connection: Connection, contract_ids: Sequence[int]) -> dict[int, StandingView]:
    """The running period of each contract that has one."""
    rows = connection.execute(STANDINGS, {"contracts": list(contract_ids)}).mappings()
    return {row["contract"]: StandingView(**row) for row in rows}


def provided(connection: Connection, provider: int) -> int:
    """How many contracts a party provides."""
    return int(connection.execute(PROVIDED, {"party": provider}).scalar_one())


def running(connection: Connection, provider: int) -> list[Any]:
    """What a provider's open periods come to before tax, by currency: contracts, currency, total.

    Each result is read whole for its total: ask `provided` first.
    """
    return list(connection.execute(RUNNING, {"party": provider}))


def statuses(connection: Connection, contract_ids: Sequence[int]) -> dict[int, StatusView]:
    """As `standings`, without money."""
    rows = connection.execute(STATUSES, {"contracts": list(contract_ids)}).mappings()
    return {row["contract"]: StatusView(**row) for row in rows}


def evaluations(
    connection: Connection, *, contract: int | None, before: int = 2**62, most: int = 50
) -> list[EvaluationView]:
    """Newest first; `contract` is an inside key; `result` holds total and status only."""
    bound = {"contract": contract, "before": before, "most": most}
    return [EvaluationView(**row) for row in connection.execute(EVALUATIONS, bound).mappings()]


def evaluation(connection: Connection, public_id: str) -> EvaluationView | None:
    """One evaluation with its whole result, or None if absent or not visible."""
    row = connection.execute(ONE_EVALUATION, {"public_id": public_id, "most": 1}).mappings().first()
    return EvaluationView(**row) if row else None


def evaluation_by_key(connection: Connection, key: int) -> EvaluationView | None:
    """As `evaluation`, by the inside key that invoices carry."""
    row = connection.execute(EVALUATION_BY_ID, {"id": key, "most": 1}).mappings().first()
    return EvaluationView(**row) if row else None


def coverage(
    connection: Connection, contract_ids: Sequence[int], *, start: datetime, end: datetime
) -> list[CoverageView]:
    """What the contracts cover at some time in `[start, end)`, by contract and asset name."""
    bound = {"contracts": list(contract_ids), "start": start, "end": end}
    return [CoverageView(**row) for row in connection.execute(COVERAGE, bound).mappings()]


def covered_by(connection: Connection, asset_id: int) -> list[CoverageView]:
    """The visible contracts that an asset is or was under."""
    return [CoverageView(**row) for row in connection.execute(COVERED_BY, {"asset": asset_id}).mappings()]


def attributions(connection: Connection, contract_id: int, *, start: datetime, end: datetime) -> list[AttributionView]:
    """What stands in `[start, end)`: attributions that no later one replaces."""
    bound = {"contract": contract_id, "start": start, "end": end}
    return [AttributionView(**row) for row in connection.execute(ATTRIBUTIONS, bound).mappings()]


def party_name(connection: Connection, party_id: int) -> str:
    """A party's name; empty if it is not visible."""
    return str(connection.execute(PARTY_NAME, {"id": party_id}).scalar() or "")


def parties(connection: Connection) -> dict[str, int]:
    """Name to inside key of all visible parties."""
    return {str(row.name): int(row.id) for row in connection.execute(PARTIES)}
