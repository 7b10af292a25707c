"""How late payers are reminded: a procedure of levels, and the letter that it calls for on a day."""

from __future__ import annotations

from dataclasses import dataclass
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
from billing.late_interest import BaseRate, Interest, Points, Stretch, interest_on, rising, stretches
from billing.posting import Transfer
from billing.reference import printed
from contracts import notation
from core.money import Money, exponent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

AMOUNTS = ("owed", "interest", "fee", "lump_sum", "before", "total")
REQUIRED = ("owed", "interest", "fee", "total")
"""Printed also where they are zero."""


def _money(text: str) -> str:
    if Money.parse(text).amount < 0:
        raise ValueError(f"{text!r} is negative")
    return text


Days = Annotated[str, StringConstraints(pattern=r"^\d{1,3}$")]
Amount = Annotated[str, AfterValidator(_money)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=True)]


class Level(BaseModel):
    """One step: so many days after the due date. fee: once a letter; interest: percent a year on what is owed.

    lump_sum: once for each invoice, with the first letter at such a level (Directive 2011/7/EU, article 6: 40 euros).
    text: for all debtors, or one for each language; English then stands in for one that is missing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Days
    text: Words | dict[Language, Words]
    fee: Amount | None = None
    interest: Interest | None = None
    lump_sum: Amount | None = None

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
    """Up to nine levels. gap: the least days between two letters about an invoice; minimum: below it no letter.

    points, base_rates: what `statutory` interest is made of, each rate with its source and the day from which it holds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=9)]
    gap: Days = "7"
    minimum: Amount | None = None
    points: Points = "8"
    base_rates: tuple[BaseRate, ...] = ()

    @model_validator(mode="after")
    def _rising(self) -> Procedure:
        days = [int(level.days) for level in self.levels]
        if any(later <= earlier for earlier, later in pairwise(days)):
            raise ValueError("each level comes more days after the due date than the one before")
        if not rising(self.base_rates):
            raise ValueError("each base rate holds from a later day than the one before")
        if not self.base_rates and any(level.interest == "statutory" for level in self.levels):
            raise ValueError("statutory interest needs base_rates: since, rate, source")
        return self


@dataclass(frozen=True, slots=True)
class Late:
    """An invoice that is overdue. owed: what is left to pay; disputed: the part of it that is blocked.

    level, last: of the last letter about it that stands; 0 and None: there was none. interest_until: interest is
    asked for up to then; None: of no day yet. lump_sum: whether it was asked for.
    """

    id: int
    number: str
    issue_date: date
    due_date: date
    owed: Money
    disputed: Money
    level: int
    last: date | None
    interest_until: date | None = None
    lump_sum: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """An invoice in a letter. owed: without what is disputed; days: since it was due.

    stretches: the days of which interest is asked for here, so that no day is asked for twice.
    """

    late: Late
    level: int
    owed: Money
    days: int
    interest: Money
    lump_sum: Money
    stretches: tuple[Stretch, ...]

    @property
    def interest_until(self) -> date | None:
        """The last day of which interest is asked for here."""
        return self.stretches[-1].last if self.stretches else None


@dataclass(frozen=True, slots=True)
class Letter:
    """A reminder to one debtor in one currency. level: the highest that an invoice rises to; its fee is asked once.

    before: what earlier letters charged and nobody paid.
    """

    level: int
    items: tuple[Item, ...]
    owed: Money
    fee: Money
    interest: Money
    lump_sum: Money
    before: Money

    @property
    def total(self) -> Money:
        """What the debtor is asked for."""
        return self.owed + self.fee + self.interest + self.lump_sum + self.before


def remind(late: Sequence[Late], procedure: Procedure, today: date, *, before: Iterable[Money] = ()) -> Letter | None:
    """The letter about a debtor's late invoices of one currency; None if none of them reaches a new level today.

    An invoice rises by one level at a time, and not before `gap` days after the last letter about it. before: charges
    of earlier letters that are open, of this currency. Raises billing.late_interest.NoBaseRate.
    """
    found = [(item, _level(item, procedure, today)) for item in late if (item.owed - item.disputed).amount > 0]
    risen = [level for item, level in found if level > item.level]
    items = tuple(_item(item, level, procedure, today) for item, level in found if level)
    if not risen:
        return None
    currency = items[0].owed.currency
    owed = Money.total((item.owed for item in items), currency)
    least = Money.parse(procedure.minimum or str(Money.zero(currency)))
    if least.currency == currency and owed < least:
        return None
    return Letter(
        level=max(risen),
        items=items,
        owed=owed,
        fee=_charge(procedure.levels[max(risen) - 1].fee, currency),
        interest=Money.total((item.interest for item in items), currency),
        lump_sum=Money.total((item.lump_sum for item in items), currency),
        before=Money.total(before, currency),
    )


def charges(letter: Letter, customer: str) -> tuple[Transfer, ...]:
    """What a letter books: its own charges, each on an account of its own; no tax, for they pay for damage.

    customer: the name by which the ledger knows the debtor. Amounts of zero book nothing.
    """
    return tuple(
        Transfer(f"receivable:{customer}", f"late_payment:{name}", amount)
        for name in ("fee", "interest", "lump_sum")
        if (amount := getattr(letter, name))
    )


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
                "lump_sum": _text(item.lump_sum),
                "rates": [stretch.to_json() for stretch in item.stretches],
            }
            for item in letter.items
        ],
        **{name: _text(getattr(letter, name)) for name in AMOUNTS},
    }


def as_text(letter: dict[str, Any]) -> str:
    """The letter to read, in the debtor's language."""
    language = letter["language"]
    words = labels(language)
    title = words["reminder"] if letter["level"] == 1 else f"{words['dunning']} {letter['level'] - 1}"
    lines = [letter["seller"]["name"], "", letter["buyer"]["name"], letter["buyer"]["address"], ""]
    number = letter.get("number") or letter["id"]
    lines += [f"{title} · {notation.day(letter['date'], language)} · {number}", "", letter["text"], ""]
    for item in letter["items"]:
        days = wording.say(language, "sum", words["days"], item["days"])
        owed = wording.say(language, "sum", words["owed"], f"{item['owed']} {letter['currency']}")
        due = f"{words['due']} {notation.day(item['due_date'], language)}"
        lines.append(f"{item['number']}  {due}, {days}  {owed}")
        lines += [f"  {words['interest']} {_rate_text(one, language)}" for one in item.get("rates", ())]
    lines.append("")
    for name in AMOUNTS:
        if name in REQUIRED or letter.get(name, "0.00").strip("0."):
            lines.append(wording.say(language, "sum", words[name], f"{letter[name]} {letter['currency']}"))
    if letter.get("payment_reference"):
        lines.append(wording.say(language, "labelled", words["reference"], printed(letter["payment_reference"])))
    return "\n".join(lines) + "\n"


def _level(item: Late, procedure: Procedure, today: date) -> int:
    """The level at which an invoice stands with a letter of today."""
    days = (today - item.due_date).days
    reached = sum(days >= int(level.days) for level in procedure.levels)
    rested = item.last is None or (today - item.last).days >= int(procedure.gap)
    return min(reached, item.level + 1) if rested and reached > item.level else item.level


def _item(item: Late, level: int, procedure: Procedure, today: date) -> Item:
    owed, asked = item.owed - item.disputed, procedure.levels[level - 1]
    days = (
        stretches(
            asked.interest,
            item.interest_until or item.due_date,
            today,
            points=procedure.points,
            base_rates=procedure.base_rates,
        )
        if asked.interest
        else ()
    )
    once = None if item.lump_sum else asked.lump_sum
    return Item(
        late=item,
        level=level,
        owed=owed,
        days=(today - item.due_date).days,
        interest=interest_on(owed, days),
        lump_sum=_charge(once, owed.currency),
        stretches=days,
    )


def _charge(written: str | None, currency: str) -> Money:
    """An amount of the procedure; nothing in a letter of another currency."""
    amount = Money.parse(written) if written else Money.zero(currency)
    return amount if amount.currency == currency else Money.zero(currency)


def _rate_text(stretch: dict[str, Any], language: str) -> str:
    base = stretch.get("base")
    since = notation.day(base["since"], language) if base else ""
    made_of = f" ({notation.figures(base['rate'], language)} {base['source']}, {since})" if base else ""
    first, last = (notation.day(stretch[name], language) for name in ("first", "last"))
    share = notation.figures(f"{stretch['days']} x {stretch['rate']}", language)
    return wording.say(language, "labelled", f"{first} – {last}", f"{share}{made_of}")


def _text(amount: Money) -> str:
    digits = max(exponent(amount.currency), -int(amount.amount.as_tuple().exponent))
    return f"{amount.amount:.{digits}f}"
