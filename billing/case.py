"""What the rules see of a draft, and what they say about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from billing.invoice import Document

Severity: TypeAlias = Literal["blocking", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a draft. at_risk: the amount that it concerns, as text; empty: none. fix: what would mend it."""

    code: str
    severity: Severity
    message: str
    at_risk: str
    fix: str

    def to_json(self) -> dict[str, str]:
        """As stored and shown."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "at_risk": self.at_risk,
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True)
class Material:
    """From which difference on something is looked at: the larger of a share of what it was, and an amount."""

    share: Decimal
    amount: Money

    def least(self, before: Decimal, currency: str) -> Decimal:
        """For what was so much; an amount in another currency says nothing."""
        amount = self.amount.amount if self.amount.currency == currency else Decimal(0)
        return max(abs(before) * self.share, amount)


@dataclass(frozen=True, slots=True)
class Demands:
    """What must not be missing, and what is worth a look. order: the buyer pays nothing without a purchase order.

    mandate: it pays by direct debit, and none is set up; leitweg: it is a public buyer without a Leitweg-ID.
    balance: what it has paid too much, by currency. material: None: the seller does not say.
    """

    order: bool = False
    mandate: bool = False
    leitweg: bool = False
    balance: tuple[Money, ...] = ()
    material: Material | None = None


@dataclass(frozen=True, slots=True)
class Last:
    """The contract's invoice before: its own lines only. lines: by clause and asset, what was billed.

    printed: its `seller`, `buyer` and `purchase_order`, as they stand on it.
    usual: by asset the median of the last three invoices; without those that are not on all three.
    """

    number: str
    net: Money
    lines: Mapping[tuple[str, str], Money]
    printed: Mapping[str, Any]
    usual: Mapping[str, Money] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """What the rules see of a draft. result: the evaluation; taxed: did anybody decide on tax; last: None: none.

    tax_point: the day whose exchange rates it takes, where the seller's tax is shown in another currency.
    """

    document: Document
    result: Mapping[str, Any]
    taxed: bool
    last: Last | None
    tax_point: date | None = None
    demands: Demands = Demands()

    @property
    def net(self) -> Money:
        """The sum of the lines."""
        return self.money(self.document["net"])

    def money(self, text: str) -> Money:
        """In the document's currency."""
        return Money(Decimal(text), self.document["currency"])

    @cached_property
    def own(self) -> tuple[Document, ...]:
        """Lines that belong to the period itself."""
        return tuple([line for line in self.document["lines"] if not line["corrects"]])

    @cached_property
    def amounts(self) -> tuple[Decimal, ...]:
        """Theirs, in the same order."""
        return tuple([Decimal(line["amount"]) for line in self.own])


Rule: TypeAlias = Callable[[Case], Iterable[Finding]]


def finding(case: Case, code: str, message: str, fix: str) -> Finding:
    """One that blocks; the whole document is at risk."""
    return Finding(code, "blocking", message, case.document["gross"].lstrip("-"), fix)


def warning(_: Case, code: str, message: str, fix: str, at_risk: str = "") -> Finding:
    """One to look at."""
    return Finding(code, "warning", message, at_risk, fix)
