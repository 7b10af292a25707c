"""What is left of a contract's revenue: costs as a file names them, and revenue less credits less costs."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING

from core.money import Money
from core.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COLUMNS = ("key", "contract", "asset", "kind", "day", "amount", "text")


@dataclass(frozen=True, slots=True)
class Cost:
    """What serving a contract cost on a day. key: names it once for all; asset: empty: the whole contract."""

    key: str
    contract: str
    asset: str
    kind: str
    day: date
    amount: Money
    text: str


@dataclass(frozen=True, slots=True)
class Margin:
    """Of a contract and asset in one currency. credits: what promises took back, below zero; all net of tax."""

    contract: str
    asset: str
    currency: str
    revenue: Decimal
    credits: Decimal
    costs: Decimal

    @property
    def margin(self) -> Decimal:
        """What is left."""
        return self.revenue + self.credits - self.costs


def read_costs(text: str) -> tuple[Cost, ...] | tuple[Problem, ...]:
    """A CSV file with a head: key,contract,asset,kind,day,amount,text; amounts as `12.50 EUR`, below zero to correct.

    Every problem in it, with its line, or all its costs.
    """
    rows = csv.DictReader(StringIO(text))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        return (Problem("line 1", f"does not name the columns {','.join(COLUMNS)}", "write them in this order"),)
    found = [_cost(row, n) for n, row in enumerate(rows, start=2)]
    problems = [item for item in found if isinstance(item, Problem)]
    costs = [item for item in found if isinstance(item, Cost)]
    seen: dict[str, int] = {}
    for n, cost in enumerate(costs, start=2):
        if cost.key in seen:
            problems.append(Problem(f"line {n}, key", f"{cost.key!r} is in line {seen[cost.key]} too", "use it once"))
        seen.setdefault(cost.key, n)
    return tuple(problems) or tuple(costs)


def margins(
    billed: Mapping[tuple[str, str, str], tuple[Decimal, Decimal]], costs: Mapping[tuple[str, str, str], Decimal]
) -> tuple[Margin, ...]:
    """By contract, asset and currency, in this order. billed: revenue and credits."""
    nothing = Decimal(0), Decimal(0)
    return tuple(
        Margin(*key, *billed.get(key, nothing), costs.get(key, Decimal(0))) for key in sorted({*billed, *costs})
    )


def by_contract(rows: Iterable[Margin]) -> tuple[Margin, ...]:
    """The same for whole contracts."""
    sums: dict[tuple[str, str], tuple[Decimal, Decimal, Decimal]] = {}
    for row in rows:
        revenue, reduced, costs = sums.get((row.contract, row.currency), (Decimal(0), Decimal(0), Decimal(0)))
        sums[row.contract, row.currency] = (revenue + row.revenue, reduced + row.credits, costs + row.costs)
    return tuple(Margin(contract, "", currency, *found) for (contract, currency), found in sorted(sums.items()))


def _cost(row: Mapping[str, str | None], n: int) -> Cost | Problem:
    words = {name: (row.get(name) or "").strip() for name in COLUMNS}
    missing = [name for name in ("key", "contract", "kind", "day", "amount") if not words[name]]
    if missing or None in row:
        return Problem(f"line {n}", f"has no {missing[0]}" if missing else "has too many columns", "complete it")
    try:
        day, amount = date.fromisoformat(words.pop("day")), Money.parse(words.pop("amount"))
    except ValueError as error:
        return Problem(f"line {n}", str(error), "write days as 2026-06-30 and amounts as 12.50 EUR")
    if not amount:
        return Problem(f"line {n}, amount", "is zero", "leave the line out")
    return Cost(**words, day=day, amount=amount)
