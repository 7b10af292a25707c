"""Billing periods and the readings that they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from datetime import datetime

BEGUN = text("""
    SELECT p.id, c.name AS contract, p.label, p.closed_at IS NOT NULL AS closed, provider.party AS provider
    FROM contracts.period AS p JOIN contracts.contract AS c ON c.id = p.contract
    LEFT JOIN contracts.contract_party AS provider ON provider.contract = c.id AND provider.role = 'provider'
    WHERE p.starts_at < :until ORDER BY p.closed_at IS NOT NULL, p.starts_at, c.name
""")
# Each period that reaches beyond an instant, at every knowledge that it was evaluated at, and now.
ASKED = text("""
    SELECT DISTINCT known, period FROM (
        SELECT e.known, p.id AS period FROM contracts.period AS p JOIN contracts.evaluation AS e ON e.period = p.id
        WHERE cast(:since AS timestamptz) IS NULL OR p.ends_at >= :since
        UNION ALL
        SELECT :known, p.id FROM contracts.period AS p WHERE cast(:since AS timestamptz) IS NULL OR p.ends_at >= :since
    ) AS e ORDER BY known, period
""")


class Begun(NamedTuple):
    """A billing period. provider: the party that bills it."""

    id: int
    contract: str
    label: str
    closed: bool
    provider: int | None


def begun(connection: Connection, until: datetime) -> list[Begun]:
    """Periods that begin before an instant, open ones first."""
    return [Begun(*row) for row in connection.execute(BEGUN, {"until": until})]


def asked(connection: Connection, since: datetime | None, known: int) -> dict[int, list[int]]:
    """Periods by the knowledge that they were evaluated at, those that end at `since` or later."""
    found: dict[int, list[int]] = {}
    for at, period in connection.execute(ASKED, {"since": since, "known": known}):
        found.setdefault(at, []).append(period)
    return found
