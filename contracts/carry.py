"""What a period leaves to the next, read back from a saved evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.facts import Carried
from core.money import Money, NotMoney
from core.units import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def read_carry(rows: Iterable[Mapping[str, str]]) -> tuple[Carried, ...]:
    """From the `carry` of `Evaluation.to_json()`."""
    return tuple(Carried(row["clause"], row["item"], _value(row["value"]), row.get("owner", "")) for row in rows)


def _value(text: str) -> Quantity | Money:
    try:
        return Money.parse(text)
    except NotMoney:
        return Quantity.parse(text)
