"""Which invoices and letters a payment pays, and which payment a bank returned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from billing.reference import reference_of
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from billing.camt import Credit, Return

By: TypeAlias = Literal["reference", "number", "amount", "hand", "none"]


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice that is not paid in full, or a letter's charges. left: what is missing; payer: the debtor's name.

    about: of a letter, the numbers of its invoices.
    """

    number: str
    left: Money
    payer: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """What a credit pays. rest: what is left of it when every named invoice is paid."""

    by: By
    paid: tuple[tuple[str, Money], ...]
    rest: Money


@dataclass(frozen=True, slots=True)
class Received:
    """A payment that may be returned. id: its row; taken_back: by hand, before the bank said so.

    end_to_end: as its statement gave it; empty for payments of before it was kept, which have it in their text.
    """

    id: int
    key: str
    amount: Money
    end_to_end: str
    text: str
    taken_back: bool


def which(item: Return, received: Iterable[Received]) -> Received | None:
    """The payment that a bank returned: that of its end-to-end id and amount; None where none is, or several are.

    One that was taken back by hand is meant only where no other is.
    """
    if not item.end_to_end:
        return None
    same = [x for x in received if x.amount == item.amount and _is_of(item.end_to_end, x)]
    for taken_back in (False, True):
        found = [x for x in same if x.taken_back == taken_back]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _is_of(end_to_end: str, payment: Received) -> bool:
    if payment.end_to_end:
        return payment.end_to_end == end_to_end
    return _written(end_to_end, payment.text.upper())


def match(credit: Credit, owed: Sequence[Owed]) -> Match:
    """The invoices that the payer names, by structured reference before number; else the only one of payer and amount.

    Less than owed pays in part, in the order given: invoices before charges. Who names a letter pays its invoices too;
    who names an invoice, the charges of letters about it last. What nobody can tell stays unmatched, for a person, and
    so does money of ours that came back.
    """
    if credit.bounced:
        return Match("none", (), credit.amount)
    written = credit.text.upper()
    same = [item for item in owed if item.left.currency == credit.amount.currency]
    ways: tuple[tuple[By, frozenset[str]], ...] = (
        ("reference", _named(same, lambda number: _written(reference_of(number), written))),
        ("number", _named(same, lambda number: _written(number, written))),
    )
    for by, named in ways:
        if named:
            return share(credit.amount, [item for item in same if named & {item.number, *item.about}], by)
    same = [item for item in owed if item.left == credit.amount and _name(item.payer) == _name(credit.payer)]
    return share(credit.amount, same, "amount") if len(same) == 1 else Match("none", (), credit.amount)


def _named(owed: Iterable[Owed], is_written: Callable[[str], bool]) -> frozenset[str]:
    """Numbers that a payer wrote; with a letter's, those of its invoices."""
    found: set[str] = set()
    for item in owed:
        if is_written(item.number):
            found |= {item.number, *item.about}
        found |= {number for number in item.about if is_written(number)}
    return frozenset(found)


def share(amount: Money, named: Iterable[Owed], by: By) -> Match:
    """An amount over what is owed, in this order, each as far as it goes. All in one currency."""
    rest, paid = amount, []
    for item in named:
        part = min(rest, item.left)
        if part.amount > 0:
            paid.append((item.number, part))
            rest = rest - part
    return Match(by, tuple(paid), rest)


def _written(number: str, text: str) -> bool:
    """The number as a whole, also broken by spaces: TS-2026-00001 does not stand in TS-2026-000012."""
    letters = r"\s*".join(map(re.escape, number.upper()))
    return bool(number) and bool(re.search(rf"(?<![A-Z0-9]){letters}(?!\d)", text))


def _name(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
