"""What an invoice books: transfers, each with one debit and one credit, so that every entry balances by its shape."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from contracts.evaluation import CREDITS
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from billing.invoice import Document

PROMISES = CREDITS
"""Kinds of term whose credits are a price reduction: they reduce revenue on an account of their own."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A positive amount from `credit` to `debit`."""

    debit: str
    credit: str
    amount: Money


def post(document: Document, customer: str) -> tuple[Transfer, ...]:
    """Receivable against revenue, contra-revenue and tax; together they come to the gross amount.

    customer: the name by which the ledger knows the debtor. Accounts: receivable:<customer>, revenue:<kind of term>,
    revenue_reduction:<kind of term>, vat:<category>:<rate>. Amounts of zero book nothing.
    """
    parts: dict[str, list[Money]] = {}
    for line in document["lines"]:
        amount = _money(line["amount"], document)
        parts.setdefault(_account(line, amount), []).append(amount)
    sums = {account: Money.total(some, document["currency"]) for account, some in parts.items()}
    for part in document["tax"]:
        sums[f"vat:{part['category']}:{part['rate']}"] = _money(part["tax"], document)
    receivable = f"receivable:{customer}"
    return tuple(_transfer(receivable, account, amount) for account, amount in sorted(sums.items()) if amount)


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


def _account(line: Mapping[str, Any], amount: Money) -> str:
    return f"{'revenue_reduction' if reduces(line, amount) else 'revenue'}:{line['kind']}"


def _transfer(receivable: str, account: str, amount: Money) -> Transfer:
    if amount.amount < 0:
        return Transfer(debit=account, credit=receivable, amount=-amount)
    return Transfer(debit=receivable, credit=account, amount=amount)


def _money(text: str, document: Document) -> Money:
    return Money(Decimal(text), document["currency"])
