"""One text for one value, so that a hash means the value."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache, lru_cache
from hashlib import sha256
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


_AS_IT_IS = frozenset({str, int, bool, type(None)})
_ORDERS: dict[tuple[str, ...], tuple[str, ...]] = {}
_KINDS, _NAMES = 1024, 32
"""Of so many kinds of maps, with so many names, the order is kept."""
_SORTED = msgspec.json.Encoder(order="sorted")


class NotCanonical(TypeError):
    """A value that has no canonical text: a float, a naive time, or a type nobody taught us."""


def decimal_text(value: Decimal) -> str:
    """The plain digits of a finite Decimal: no exponent, zeros kept as written."""
    if not value.is_finite():
        raise NotCanonical(f"{value} is no number")
    return f"{value:f}"


def fraction_text(value: Fraction) -> str:
    """Digits if the fraction is a finite decimal ("97.5"), else numerator and denominator ("1/3")."""
    numerator, whole = value.as_integer_ratio()
    return _digits(numerator, whole) if whole != 1 else str(numerator)


@lru_cache(maxsize=2048)
def _digits(numerator: int, whole: int) -> str:
    """Of a fraction that is not whole. An evaluation names the same numbers again and again."""
    decimal = _decimal(whole)
    if decimal is None:
        return f"{numerator}/{whole}"
    places, times = decimal
    digits = str(abs(numerator) * times).rjust(places + 1, "0")
    return f"{'-' if numerator < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def is_decimal(value: Fraction) -> bool:
    """Whether its digits end."""
    return _decimal(value.denominator) is not None


@lru_cache(maxsize=4096)
def _decimal(whole: int) -> tuple[int, int] | None:
    """How many decimals a fraction of so many parts has, and how many units of the last are one part; None: no end."""
    twos, fives = (whole & -whole).bit_length() - 1, 0
    rest = whole >> twos
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    return (places, 10**places // whole) if rest == 1 else None


def plain(value: Any) -> Any:
    """The value as JSON types, maps in the order of their keys: Decimals, Fractions and times as text.

    Raises NotCanonical for floats.
    """
    kind: Any = type(value)
    return value if kind in _AS_IT_IS else _writer(kind)(value)


def text(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, Decimals and Fractions as strings, no floats."""
    return written(plain(value)).decode()


def digest(value: Any) -> str:
    """Sha256 of the canonical JSON, in hexadecimal."""
    return sha256(written(plain(value))).hexdigest()


def written(ordered: Any) -> bytes:
    """The canonical JSON of what `plain` gives, or of JSON types whose maps are in the order of their keys already."""
    return to_json(ordered)


def written_of_json(value: Mapping[str, Any]) -> bytes:
    """As `written(plain(value))` of texts, whole numbers, truth values, lists and maps in any order; faster.

    Nothing else may be in it, and nobody looks here: it is for what was made of these. Who reads them from JSON does it
    by `core.database.read_exact_json`, which refuses floats.
    """
    return _SORTED.encode(value)


@cache
def _writer(kind: type[Any]) -> Callable[[Any], Any]:
    """What makes JSON types of a type's values. Facts come by the thousand, and each is asked once."""
    if issubclass(kind, (str, bool, int)) and not issubclass(kind, Enum):
        return lambda value: value
    if issubclass(kind, (list, tuple)):
        return _sequence
    if issubclass(kind, (set, frozenset)):
        return lambda value: sorted((plain(item) for item in value), key=text)
    if is_dataclass(kind) and not any("__str__" in vars(base) for base in kind.__mro__[:-1]):
        return _fields(tuple(sorted(field.name for field in fields(kind))))
    return _mapping if hasattr(kind, "items") else _scalar


def _fields(names: tuple[str, ...]) -> Callable[[Any], dict[str, Any]]:
    if len(names) == 1:
        return lambda value: {names[0]: plain(getattr(value, names[0]))}
    take = attrgetter(*names)

    def write(value: Any) -> dict[str, Any]:
        items = take(value)
        if not _AS_IT_IS.issuperset(map(type, items)):
            items = tuple([plain(item) for item in items])
        return dict(zip(names, items, strict=True))

    return write


def _sequence(value: Sequence[Any]) -> list[Any]:
    """Facts are long lists of one type: what writes it is found once."""
    kinds = set(map(type, value))
    if len(kinds) == 1 and not kinds <= _AS_IT_IS:
        return list(map(_writer(kinds.pop()), value))
    return [plain(item) for item in value]


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Maps of one kind have the same names: their order is found once."""
    names = tuple(value)
    order = _ORDERS.get(names)
    if order is None:
        order = _ordered(names)
    if order is None:
        return _keyed(value)
    found = {}
    for name in order:
        item = value[name]
        kind = type(item)
        if kind not in _AS_IT_IS:
            item = _mapping(item) if kind is dict else _items(item) if kind is list else plain(item)
        found[name] = item
    return found


def _items(value: list[Any]) -> list[Any]:
    """Of JSON types mostly."""
    return [
        item if (kind := type(item)) in _AS_IT_IS else _mapping(item) if kind is dict else plain(item) for item in value
    ]


def _ordered(names: tuple[Any, ...]) -> tuple[str, ...] | None:
    if not all(type(name) is str for name in names):
        return None
    order = tuple(sorted(names))
    if len(names) <= _NAMES and len(_ORDERS) < _KINDS:
        _ORDERS[names] = order
    return order


def _keyed(value: Mapping[Any, Any]) -> dict[str, Any]:
    keyed = {
        (key if type(key) is str else _key(key)): (item if type(item) in _AS_IT_IS else plain(item))
        for key, item in value.items()
    }
    if len(keyed) < len(value):
        raise NotCanonical("two keys have the same text")
    return dict(sorted(keyed.items())) if len(keyed) > 1 else keyed


def _key(key: Any) -> str:
    return " | ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _scalar(value: Any) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, Fraction):
        return fraction_text(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise NotCanonical(f"{value} has no zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        return str(value)
    raise NotCanonical(f"{type(value).__name__} {value!r} has no canonical text")
