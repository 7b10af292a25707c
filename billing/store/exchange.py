"""Exchange rates, appended as they are published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from billing.exchange import OLDEST, Rate
from core.store import packed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

# A rate that is there already with the same value is not news.
ADD = text("""
    INSERT INTO billing.exchange_rate (source, day, base, quote, rate, known, by, at)
    SELECT r.source, r.day, r.base, r.quote, r.rate, :known, :by, :at
    FROM json_to_recordset(cast(:rows AS json)) AS r(source text, day date, base text, quote text, rate numeric)
    WHERE r.rate IS DISTINCT FROM (
        SELECT o.rate FROM billing.exchange_rate AS o
        WHERE (o.source, o.day, o.base, o.quote) = (r.source, r.day, r.base, r.quote) ORDER BY o.known DESC LIMIT 1)
""")
HOLDING = text("""
    SELECT DISTINCT ON (base, quote) source, day, base, quote, rate FROM billing.exchange_rate
    WHERE source = :source AND day <= :day AND day > :oldest AND known <= :known
    ORDER BY base, quote, day DESC, known DESC
""")


def add(connection: Connection, rates: Sequence[Rate], *, known: int, by: str, at: datetime) -> int:
    """Append rates that are new or differ. Returns how many."""
    rows = [rate.to_json() for rate in rates]
    return connection.execute(ADD, {"rows": packed(rows), "known": known, "by": by, "at": at}).rowcount


def holding(connection: Connection, source: str, day: date, known: int) -> tuple[Rate, ...]:
    """The newest rate of each pair that held on a day, as far as was known."""
    given = {"source": source, "day": day, "oldest": day - OLDEST, "known": known}
    return tuple(Rate(row.source, row.day, row.base, row.quote, row.rate) for row in connection.execute(HOLDING, given))
