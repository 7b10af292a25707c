"""The ledger as text that accounting programs read: transfers as entries with two sides."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from billing.posting import Transfer, account_of
from billing.recognition import earned
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

ROOTS = {
    "receivable": "Assets:Receivable",
    "unbilled": "Assets:Unbilled",
    "bank": "Assets:Bank",
    "unmatched": "Liabilities:Unmatched",
    "deferred": "Liabilities:Deferred",
    "revenue": "Income:Revenue",
    "revenue_reduction": "Income:Reduction",
    "vat": "Liabilities:VAT",
    "late_payment": "Income:LatePayment",
    "bank_fee": "Expenses:BankFee",
}
COLUMNS = ("entry", "n", "posted_on", "debit", "credit", "currency", "amount", "document", "text")


@dataclass(frozen=True, slots=True)
class Posted:
    """A transfer as booked. document: the number of the invoice, credit note or letter; empty for others."""

    entry: int
    n: int
    posted_on: date
    transfer: Transfer
    document: str
    text: str


def delivered(line: Mapping[str, str], end: datetime, where: ZoneInfo) -> Money:
    """What of a line's amount belongs to the time before `end`: nothing of a fee ahead, a share of one that goes on."""
    since, until = (datetime.fromisoformat(line[name]) for name in ("from", "to"))
    return earned(Money.parse(line["amount"]), (since, until), end, where)[0]


def accrued(
    lines: Iterable[Mapping[str, str]], customer: str, reduces: frozenset[str], *, end: datetime, where: ZoneInfo
) -> tuple[Transfer, ...]:
    """What lines of an evaluation come to as unbilled revenue, by kind of term; credits lower it on their own account.

    reduces: kinds whose credits are price reductions. end: of the period; what is delivered later is no revenue yet.
    where: the contract's zone, by whose days a line is shared. Amounts of zero book nothing.
    """
    sums: dict[str, Money] = {}
    for line in lines:
        amount = delivered(line, end, where)
        account = account_of(line["kind"], reduction=amount.amount < 0 and line["kind"] in reduces)
        sums[account] = sums[account] + amount if account in sums else amount
    unbilled = f"unbilled:{customer}"
    return tuple(
        Transfer(unbilled, account, amount) if amount.amount > 0 else Transfer(account, unbilled, -amount)
        for account, amount in sorted(sums.items())
        if amount
    )


def reversed_(transfers: Iterable[Transfer]) -> tuple[Transfer, ...]:
    """The same with sides exchanged: together they come to nothing on every account."""
    return tuple(Transfer(x.credit, x.debit, x.amount) for x in transfers)


def to_csv(rows: Sequence[Posted]) -> str:
    """One row for each transfer, in order of entries."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        moved = row.transfer
        sides = moved.debit, moved.credit, moved.amount.currency, f"{moved.amount.amount:f}"
        writer.writerow([row.entry, row.n, row.posted_on, *sides, row.document, row.text])
    return out.getvalue()


def to_beancount(rows: Sequence[Posted]) -> str:
    """In the plain-text format of beancount: accounts opened on the first day, one transaction for each entry."""
    if not rows:
        return ""
    accounts = sorted({account(side) for row in rows for side in (row.transfer.debit, row.transfer.credit)})
    first = min(row.posted_on for row in rows)
    lines = [f"{first} open {name}" for name in accounts]
    entries: dict[int, list[Posted]] = {}
    for row in rows:
        entries.setdefault(row.entry, []).append(row)
    for entry, moved in sorted(entries.items()):
        head = moved[0]
        text = " ".join(part for part in (head.document, head.text) if part).replace('"', "'")
        lines.append(f'\n{head.posted_on} * "{text}"\n  entry: {entry}')
        for row in moved:
            amount = row.transfer.amount
            lines.append(f"  {account(row.transfer.debit)}  {amount}")
            lines.append(f"  {account(row.transfer.credit)}  {-amount}")
    return "\n".join(lines) + "\n"


def account(name: str) -> str:
    """receivable:par_7x as Assets:Receivable:Par-7x."""
    root, *parts = name.split(":")
    return ":".join([ROOTS[root], *(_part(part) for part in parts)])


def _part(text: str) -> str:
    found = re.sub(r"[^A-Za-z0-9]+", "-", text)
    return found[:1].upper() + found[1:]
