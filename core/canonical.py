"""One text for one value, so that a hash means the value."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


_AS_IT_IS = frozenset({str, int, bool, type(None)})


class NotCanonical(TypeError):
    """A value that has no canonical text: a float, a naive time, or a type nobody taught us."""


def decimal_text(value: Decimal) -> str:
    """The plain digits of a finite Decimal: no exponent, zeros kept as written."""
    if not value.is_finite():
        raise NotCanonical(f"{value} is no number")
    return f"{value:f}"


def fraction_text(value: Fraction) -> str:
    """Digits if the fraction is a finite decimal ("97.5"), else numerator and denominator ("1/3")."""
    whole = value.denominator
    if whole == 1:
        return str(value.numerator)
    twos, fives = (whole & -whole).bit_length() - 1, 0
    rest = whole >> twos
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = max(twos, fives)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def plain(value: Any) -> Any:
    """The value as JSON types: Decimals, Fractions and times as text. Raises NotCanonical for floats."""
    kind = type(value)
    if kind in _AS_IT_IS or (isinstance(value, (str, bool, int)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=text)
    if kind is not dict and is_dataclass(value) and not isinstance(value, type) and not _writes_itself(kind):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if kind is dict or hasattr(value, "items"):
        return _mapping(value)
    return _scalar(value)


def text(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, Decimals and Fractions as strings, no floats."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """Sha256 of the canonical JSON, in hexadecimal."""
    return sha256(text(value).encode()).hexdigest()


def digest_of_json(value: Any) -> str:
    """The same of a value that holds JSON types alone, and no floats."""
    known = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(known.encode()).hexdigest()


def _writes_itself(kind: type[Any]) -> bool:
    return any("__str__" in vars(base) for base in kind.__mro__[:-1])


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    # Documents are hashed a thousand at a time: what JSON holds anyway takes the shortest way.
    keyed = {
        (key if type(key) is str else _key(key)): (item if type(item) in _AS_IT_IS else plain(item))
        for key, item in value.items()
    }
    if len(keyed) < len(value):
        raise NotCanonical("two keys have the same text")
    return keyed


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
