"""How late payers are reminded: a procedure of levels, and the letter that it calls for on a day."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from billing import wording
from billing.label import Language, labels
from contracts import notation
from core.money import Money, exponent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

DAYS_OF_A_YEAR = 365


def _money(text: str) -> str:
    if Money.parse(text).amount < 0:
        raise ValueError(f"{text!r} is negative")
    return text


Days = Annotated[str, StringConstraints(pattern=r"^\d{1,3}$")]
Percent = Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,4})? %$")]
Amount = Annotated[str, AfterValidator(_money)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=True)]


class Level(BaseModel):
    """One step: so many days after the due date. fee: once a letter; interest: percent a year on what is owed.

    text: for all debtors, or one for each language; English then stands in for one that is missing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Days
    text: Words | dict[Language, Words]
    fee: Amount | None = None
    interest: Percent | None = None

    @field_validator("text")
    @classmethod
    def _english(cls, text: str | dict[Language, str]) -> str | dict[Language, str]:
        if isinstance(text, dict) and "en" not in text:
            raise ValueError("texts by language name en too, which stands in for a language that is missing")
        return text

    def words(self, language: str) -> str:
        """The text in a debtor's language."""
        if isinstance(self.text, str):
            return self.text
        found = {str(key): said for key, said in self.text.items()}
        return found.get(language, found["en"])


class Procedure(BaseModel):
    """Up to nine levels. gap: the least days between two letters about an invoice; minimum: below it no letter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=9)]
    gap: Days = "7"
    minimum: Amount | None = None

    @model_validator(mode="after")
    def _rising(self) -> Procedure:
        days = [int(level.days) for level in self.levels]
        if any(later <= earlier for earlier, later in pairwise(days)):
            raise ValueError("each level comes more days after the due date than the one before")
        return self


@dataclass(frozen=True, slots=True)
class Late:
    """An invoice that is overdue. owed: what is left to pay; disputed: the part of it that is blocked.

    level, last: of the last letter about it that stands; 0 and None: there was none.
    """

    id: int
    number: str
    issue_date: date
    due_date: date
    owed: Money
    disputed: Money
    level: int
    last: date | None


@dataclass(frozen=True, slots=True)
class Item:
    """An invoice in a letter. owed: without what is disputed; days: since it was due."""

    late: Late
    level: int
    owed: Money
    days: int
    interest: Money


@dataclass(frozen=True, slots=True)
class Letter:
    """A reminder to one debtor in one currency. level: the highest that an invoice rises to; its fee is asked once."""

    level: int
    items: tuple[Item, ...]
    owed: Money
    fee: Money
    interest: Money

    @property
    def total(self) -> Money:
        """What the debtor is asked for."""
        return self.owed + self.fee + self.interest


def remind(late: Sequence[Late], procedure: Procedure, today: date) -> Letter | None:
    """The letter about a debtor's late invoices of one currency; None if none of them reaches a new level today.

    An invoice rises by one level at a time, and not before `gap` days after the last letter about it.
    """
    found = [(item, _level(item, procedure, today)) for item in late if (item.owed - item.disputed).amount > 0]
    risen = [level for item, level in found if level > item.level]
    items = tuple(_item(item, level, procedure, today) for item, level in found if level)
    if not risen:
        return None
    zero = Money.zero(items[0].owed.currency)
    owed, interest = zero, zero
    for each in items:
        owed, interest = owed + each.owed, interest + each.interest
    least = Money.parse(procedure.minimum or str(zero))
    if least.currency == zero.currency and owed < least:
        return None
    fee = Money.parse(procedure.levels[max(risen) - 1].fee or str(zero))
    return Letter(max(risen), items, owed, fee if fee.currency == zero.currency else zero, interest)


def document(letter: Letter, head: dict[str, Any], procedure: Procedure) -> dict[str, Any]:
    """The letter as JSON types. head: id, date, seller, buyer, language."""
    zero = Money.zero(letter.owed.currency)
    return {
        "schema": "dunning_letter/1",
        **head,
        "level": letter.level,
        "text": procedure.levels[letter.level - 1].words(head["language"]),
        "currency": zero.currency,
        "items": [
            {
                "number": item.late.number,
                "issue_date": item.late.issue_date.isoformat(),
                "due_date": item.late.due_date.isoformat(),
                "days": item.days,
                "level": item.level,
                "owed": _text(item.owed),
                "disputed": _text(item.late.disputed),
                "interest": _text(item.interest),
            }
            for item in letter.items
        ],
        **{name: _text(getattr(letter, name)) for name in ("owed", "fee", "interest", "total")},
    }


def as_text(letter: dict[str, Any]) -> str:
    """The letter to read, in the debtor's language."""
    language = letter["language"]
    words = labels(language)
    title = words["reminder"] if letter["level"] == 1 else f"{words['dunning']} {letter['level'] - 1}"
    lines = [letter["seller"]["name"], "", letter["buyer"]["name"], letter["buyer"]["address"], ""]
    lines += [f"{title} · {notation.day(letter['date'], language)} · {letter['id']}", "", letter["text"], ""]
    for item in letter["items"]:
        days = wording.say(language, "sum", words["days"], item["days"])
        owed = wording.say(language, "sum", words["owed"], f"{item['owed']} {letter['currency']}")
        due = f"{words['due']} {notation.day(item['due_date'], language)}"
        lines.append(f"{item['number']}  {due}, {days}  {owed}")
    lines.append("")
    for name in ("owed", "interest", "fee", "total"):
        lines.append(wording.say(language, "sum", words[name], f"{letter[name]} {letter['currency']}"))
    return "\n".join(lines) + "\n"


def _level(item: Late, procedure: Procedure, today: date) -> int:
    """The level at which an invoice stands with a letter of today."""
    days = (today - item.due_date).days
    reached = sum(days >= int(level.days) for level in procedure.levels)
    rested = item.last is None or (today - item.last).days >= int(procedure.gap)
    return min(reached, item.level + 1) if rested and reached > item.level else item.level


def _item(item: Late, level: int, procedure: Procedure, today: date) -> Item:
    owed, days = item.owed - item.disputed, (today - item.due_date).days
    percent = procedure.levels[level - 1].interest
    share = Fraction(percent.removesuffix(" %")) / 100 if percent else Fraction(0)
    exact = Fraction(owed.amount) * share * days / DAYS_OF_A_YEAR
    interest = Money.round_of(exact, owed.currency, decimals=exponent(owed.currency), mode="half_up")
    return Item(item, level, owed, days, interest)


def _text(amount: Money) -> str:
    digits = max(exponent(amount.currency), -int(amount.amount.as_tuple().exponent))
    return f"{amount.amount:.{digits}f}"
