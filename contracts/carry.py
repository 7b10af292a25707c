"""What a period leaves to the next: read back from a saved evaluation, and as somebody states it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.facts import Carried
from core.money import Money, NotMoney
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PAID_IN_ADVANCE = "balance"


def read_carry(rows: Iterable[Mapping[str, str]]) -> tuple[Carried, ...]:
    """From the `carry` of `Evaluation.to_json()`."""
    return tuple(Carried(row["clause"], row["item"], _value(row["value"]), row.get("owner", "")) for row in rows)


def joined(left: Sequence[Carried], stated: Sequence[Carried]) -> tuple[Carried, ...]:
    """What is stated stands in place of what the evaluation before left; a payment in advance adds to it.

    "rollover" stands for "rollover of 2026-05" as well; stated without an owner, it is for all of them.
    """
    instead = {(item.clause, _family(item), item.owner) for item in stated if item.item != PAID_IN_ADVANCE}
    kept = [item for item in left if not {(item.clause, _family(item), owner) for owner in (item.owner, "")} & instead]
    return (*kept, *stated)


def _family(item: Carried) -> str:
    return item.item.partition(" of ")[0]


def _value(text: str) -> Quantity | Money:
    try:
        return Money.parse(text)
    except NotMoney:
        return Quantity.parse(text)
