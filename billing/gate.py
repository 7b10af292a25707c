"""Whether the books agree: pairs of numbers that must be equal before money leaves the house."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Pair:
    """Two numbers that are the same thing counted twice. name: what they are, and where to look if they differ."""

    name: str
    left: Decimal
    right: Decimal

    @property
    def agrees(self) -> bool:
        """Exactly; there is no tolerance."""
        return self.left == self.right

    def __str__(self) -> str:
        sign = "=" if self.agrees else "is not"
        return f"{self.name}: {self.left:f} {sign} {self.right:f}"


def gaps(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """Those that do not agree."""
    return tuple(pair for pair in pairs if not pair.agrees)


@dataclass(frozen=True, slots=True)
class Change:
    """What a line came to in two revisions of a draft; None: it was not there."""

    contract: str
    line: str
    text: str
    before: Decimal | None
    after: Decimal | None


def changes(contract: str, before: dict[str, object] | None, after: dict[str, object] | None) -> tuple[Change, ...]:
    """The lines of a contract's draft that two revisions do not share, by their stable ids."""
    old, new = _lines(before), _lines(after)
    return tuple(
        Change(contract, key, (new.get(key) or old[key])[0], _amount(old.get(key)), _amount(new.get(key)))
        for key in [*old, *(key for key in new if key not in old)]
        if _amount(old.get(key)) != _amount(new.get(key))
    )


def _lines(document: dict[str, object] | None) -> dict[str, tuple[str, Decimal]]:
    rows: list[dict[str, str]] = (document or {}).get("lines", [])  # type: ignore[assignment]
    return {
        row["id"]: (f"clause {row['clause']}, {row['asset']}: {row['text']}", Decimal(row["amount"])) for row in rows
    }


def _amount(row: tuple[str, Decimal] | None) -> Decimal | None:
    return None if row is None else row[1]
