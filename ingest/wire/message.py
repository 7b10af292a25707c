"""What a decoder makes of a payload, whatever its format."""

import struct
from decimal import Decimal
from typing import NamedTuple, Self, TypeAlias

from ingest.reason import Rejected

LARGEST = 256 * 1024
"""Bytes of a payload that is still read."""

Candidate: TypeAlias = tuple[int, str, str, str, str, str]
"""An item as received: index in the message, register, at, value, unit, status; the last two may be empty."""


class Message(NamedTuple):
    """A decoded payload. Each item of it is either a candidate or rejected."""

    boot: str
    seq: int
    candidates: list[Candidate]
    rejected: list[Rejected]


class Binary(str):
    """A value that was sent as a binary number: the shortest decimal that reads back as the same number.

    The text in `kind` says so beside the reading that is stored, because the device may have meant another decimal.
    """

    __slots__ = ("kind",)

    kind: str

    @classmethod
    def of(cls, text: str, kind: str) -> Self:
        """Mark a text; kind: float16, float32 or float64."""
        made = cls(text)
        made.kind = kind
        return made


class BinaryNumber(Decimal):
    """The same as a number; what is computed with it is an ordinary Decimal again."""

    __slots__ = ("kind",)

    kind: str

    @classmethod
    def of(cls, text: str, kind: str) -> Self:
        """Mark a number; kind: float16, float32 or float64."""
        made = cls(text)
        made.kind = kind
        return made


def shortest(value: float, *, width: int) -> str:
    """The decimal of fewest digits that reads back as the same binary number of 2, 4 or 8 octets; or nan, inf, -inf."""
    if width == _DOUBLE:
        return repr(value)
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if _packed(float(text), width) == _packed(value, width):
            return text
    return repr(value)


_DOUBLE = 8
_FORMATS = {2: struct.Struct(">e"), 4: struct.Struct(">f")}


def _packed(value: float, width: int) -> bytes:
    try:
        return _FORMATS[width].pack(value)
    except OverflowError:  # rounded up beyond the largest
        return b""
