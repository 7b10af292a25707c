"""What an invoice books: transfers, each with one debit and one credit, so that every entry balances by its shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from billing.recognition import earned
from contracts.evaluation import CREDITS
from core.money import Money
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from billing.invoice import Document
    from billing.recognition import Later

PROMISES = CREDITS
"""Kinds of term whose credits are a price reduction: they reduce revenue on an account of their own."""

SETTLES = frozenset({"prepaid"})
"""Kinds of term that settle what was paid before: no revenue, but less that is owed to the customer."""
Sums: TypeAlias = dict[str, Money]
"""Amounts by account."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A positive amount from `credit` to `debit`."""

    debit: str
    credit: str
    amount: Money


def post(document: Document, customer: str) -> tuple[Transfer, ...]:
    """Receivable against revenue, contra-revenue, what is deferred, and tax; together they come to the gross amount.

    customer: the name by which the ledger knows the debtor. Accounts: receivable:<customer>, revenue:<kind of term>,
    revenue_reduction:<kind of term>, deferred:<kind of term>, vat:<category>:<rate>. Amounts of zero book nothing.
    """
    parts: dict[str, list[Money]] = {}
    for account, kind, now, later in _earned(document):
        parts.setdefault(account, []).append(now)
        if later:
            parts.setdefault(f"deferred:{kind}", []).extend(later.values())
    sums = {account: Money.total(some, document["currency"]) for account, some in parts.items()}
    for part in document["tax"]:
        sums[f"vat:{part['category']}:{part['rate']}"] = _money(part["tax"], document)
    receivable = f"receivable:{customer}"
    return tuple(_transfer(receivable, account, amount) for account, amount in sorted(sums.items()) if amount)


def releases(document: Document) -> tuple[tuple[date, tuple[Transfer, ...]], ...]:
    """What `post` defers becomes revenue on the last day of each month in which it is delivered; in order of days."""
    end = document["service"]["to"]
    if not any(_is_later(line, end) for line in document["lines"]):
        return ()
    days: dict[date, dict[tuple[str, str], Money]] = {}
    for account, kind, _, later in _earned(document):
        for day, amount in later.items():
            sums, key = days.setdefault(day, {}), (f"deferred:{kind}", account)
            sums[key] = sums[key] + amount if key in sums else amount
    moved = (
        (day, tuple(_transfer(*key, amount) for key, amount in sorted(sums.items()) if amount))
        for day, sums in sorted(days.items())
    )
    return tuple((day, transfers) for day, transfers in moved if transfers)


def balance(transfers: tuple[Transfer, ...], account: str, zero: Money) -> Money:
    """Debits less credits of an account."""
    for transfer in transfers:
        if transfer.debit == account:
            zero = zero + transfer.amount
        if transfer.credit == account:
            zero = zero - transfer.amount
    return zero


def reduces(line: Mapping[str, Any], amount: Money) -> bool:
    """Whether a line belongs on the account of price reductions: a promise's credit, or what corrects one."""
    corrects = line.get("corrects")
    return bool(corrects["reduction"]) if corrects else amount.amount < 0 and line["kind"] in PROMISES


def account_of(kind: str, *, reduction: bool) -> str:
    """Where the ledger keeps what a kind of term comes to."""
    return f"deferred:{kind}" if kind in SETTLES else f"{'revenue_reduction' if reduction else 'revenue'}:{kind}"


def _earned(document: Document) -> Iterator[tuple[str, str, Money, Later]]:
    """Of each line its account, its kind, what is delivered by the end of the document's period, and what later.

    A line without times is delivered.
    """
    end = document["service"]["to"]
    for line in document["lines"]:
        amount, kind = _money(line["amount"], document), line["kind"]
        account = account_of(kind, reduction=reduces(line, amount))
        if _is_later(line, end):
            span = datetime.fromisoformat(line["from"]), datetime.fromisoformat(line["to"])
            yield account, kind, *earned(amount, span, datetime.fromisoformat(end), zone(document["timezone"]))
        else:
            yield account, kind, amount, {}


def _is_later(line: Mapping[str, Any], end: str) -> bool:
    """Whether something of a line is delivered after an instant; texts of instants sort as these do."""
    until: str | None = line.get("to")
    return until is not None and until > end and line["kind"] not in SETTLES


def _transfer(debit: str, account: str, amount: Money) -> Transfer:
    if amount.amount < 0:
        return Transfer(debit=account, credit=debit, amount=-amount)
    return Transfer(debit=debit, credit=account, amount=amount)


def _money(text: str, document: Document) -> Money:
    return Money(Decimal(text), document["currency"])
