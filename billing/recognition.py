"""When an amount is earned: what is delivered by the end of a document's period, and what is deferred until later."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from core.money import Money, allocate, exponent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

Later: TypeAlias = "Mapping[date, Money]"
"""What is earned later, by the last day of the month in which it is delivered."""
MICROSECOND = timedelta(microseconds=1)
DECEMBER = 12


def earned(amount: Money, span: tuple[datetime, datetime], end: datetime, where: ZoneInfo) -> tuple[Money, Later]:
    """What of an amount for `span` is delivered before `end`, and what in each month after it; together the amount.

    Shares go by the contract's calendar (`where`), so that each day counts the same and no clock change does. The
    negative of an amount is shared as its exact negative.
    """
    if span[1] <= end:
        return amount, {}
    start, until, cut = (at.astimezone(where).replace(tzinfo=None) for at in (*span, end))
    decimals = max(exponent(amount.currency), -int(amount.amount.as_tuple().exponent))
    share = Fraction((max(cut, start) - start) // MICROSECOND, (until - start) // MICROSECOND)
    now = Money.round_of(Fraction(amount.amount) * share, amount.currency, decimals=decimals, mode="half_up")
    months = allocate(amount - now, _months(max(cut, start), until), decimals)
    return now, {date.fromisoformat(day): part for day, part in months.items() if part}


def _months(start: datetime, until: datetime) -> dict[str, int]:
    """Microseconds of a stretch of wall clock in each calendar month, by its last day."""
    found = {}
    while start < until:
        first = datetime(start.year + start.month // DECEMBER, start.month % DECEMBER + 1, 1)  # noqa: DTZ001 - wall clock
        found[(first - MICROSECOND).date().isoformat()] = (min(first, until) - start) // MICROSECOND
        start = first
    return found
