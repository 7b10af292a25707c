"""Until when lines of a period's documents may be contested, as they say themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

LIMITS = text("""
    SELECT p.label, c ->> 'clause' AS clause, max((c ->> 'until')::timestamptz) AS until
    FROM billing.invoice_part AS p JOIN billing.invoice AS i ON i.id = p.invoice
    CROSS JOIN LATERAL jsonb_array_elements(i.issue -> 'contest_until') AS c
    WHERE p.contract = :contract AND p.label = ANY(:labels) AND c ->> 'contract' = :name
    GROUP BY p.label, c ->> 'clause'
""")
# Whoever states a fact need not see the invoice.
SHOWN = text("SELECT label, clause, until FROM visible.contest_limits(:contract, :labels)")


def limits(
    connection: Connection, contract: tuple[int, str], labels: Iterable[str], *, viewed: bool
) -> dict[tuple[str, str], datetime]:
    """By period and clause of a contract (id, name); of several documents the latest. viewed: for the API's viewer."""
    number, name = contract
    given = {"contract": number, "labels": sorted(labels)} | ({} if viewed else {"name": name})
    rows = connection.execute(SHOWN if viewed else LIMITS, given)
    return {(row.label, row.clause): row.until for row in rows}
