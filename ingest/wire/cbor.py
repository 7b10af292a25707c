"""CBOR (RFC 8949) as far as sensor data needs it: no tag is run, and each float keeps the width in which it was sent.

Tags: 2 and 3 (large integers) and 4 (decimal fractions) become exact numbers; any other is refused.
"""

import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ingest.wire.message import BinaryNumber, shortest

DEEPEST = 8
_BYTES, _CHARACTERS, _ARRAY, _MAP, _SIMPLE = 2, 3, 4, 5, 7
_MOST_DIGITS = 4_000
_MOST_EXPONENT = 10_000
_BREAK = object()
_CONSTANTS: dict[int, Any] = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_LENGTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_INDEFINITE = 31
_LARGE, _LARGE_NEGATIVE, _DECIMAL_FRACTION = 2, 3, 4


class NotCbor(ValueError):
    """The octets are not one CBOR item that we read."""


def loads(payload: bytes) -> Any:
    """One item: dict, list, str, bytes, bool, None, int, Decimal; binary floats as BinaryNumber. Raises NotCbor.

    Memory is bounded by the payload: a length is believed only as far as there are octets.
    """
    reader = _Reader(payload)
    found = reader.item(0)
    if found is _BREAK or reader.at != len(payload):
        raise NotCbor(f"byte {reader.at}: something follows the item")
    return found


def items(payload: bytes) -> Iterator[bytes]:
    """The octets of each item of a sequence (RFC 8742). Raises NotCbor where they end, or begin with an end."""
    reader = _Reader(payload)
    while reader.at < len(payload):
        start = reader.at
        if reader.item(0) is _BREAK:
            raise NotCbor(f"byte {start}: an end where an item is due")
        yield payload[start : reader.at]


class _Reader:
    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.at = 0

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.payload):
            raise NotCbor(f"byte {self.at}: {count} more are announced, {len(self.payload) - self.at} are there")
        taken = self.payload[self.at : end]
        self.at = end
        return taken

    def item(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise NotCbor(f"byte {self.at}: nested deeper than {DEEPEST}")
        start = self.at
        head = self.take(1)[0]
        major, info = head >> 5, head & 31
        if major == _SIMPLE:
            return self._simple(info, start)
        if info == _INDEFINITE and _BYTES <= major <= _MAP:
            return self._indefinite(major, depth)
        return self._definite(major, self._length(info, start), depth)

    def _length(self, info: int, start: int) -> int:
        if info < min(_LENGTHS):
            return info
        if info not in _LENGTHS:
            raise NotCbor(f"byte {start}: a head that RFC 8949 does not have")
        return int.from_bytes(self.take(_LENGTHS[info]))

    def _definite(self, major: int, count: int, depth: int) -> Any:
        if major < _BYTES:
            return -1 - count if major else count
        if major in (_BYTES, _CHARACTERS):
            octets = self.take(count)
            return octets if major == _BYTES else _text(octets, self.at)
        if major == _ARRAY:
            return [self._inner(depth) for _ in range(count)]
        if major == _MAP:
            return self._pairs([(self._inner(depth), self._inner(depth)) for _ in range(count)])
        return _tagged(count, self._inner(depth), self.at)

    def _inner(self, depth: int) -> Any:
        found = self.item(depth + 1)
        if found is _BREAK:
            raise NotCbor(f"byte {self.at - 1}: an end where an item is due")
        return found

    def _indefinite(self, major: int, depth: int) -> Any:
        items: list[Any] = []
        while (found := self.item(depth + 1)) is not _BREAK:
            items.append(found)
        if major == _ARRAY:
            return items
        if major == _MAP:
            if len(items) % 2:
                raise NotCbor(f"byte {self.at}: a map ends after a key")
            return self._pairs(list(zip(items[::2], items[1::2], strict=True)))
        wanted = bytes if major == _BYTES else str
        if not all(isinstance(part, wanted) for part in items):
            raise NotCbor(f"byte {self.at}: a string has a part of another type")
        return wanted().join(items)

    def _pairs(self, pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in pairs:
            if type(key) not in (int, str) or key in found:
                raise NotCbor(f"byte {self.at}: a map has a key twice, or one that is neither a number nor a text")
            found[key] = value
        return found

    def _simple(self, info: int, start: int) -> Any:
        if info in _CONSTANTS:
            return _CONSTANTS[info]
        if info == _INDEFINITE:
            return _BREAK
        if info not in _FLOATS:
            raise NotCbor(f"byte {start}: a simple value that we do not read")
        layout, width = _FLOATS[info]
        return BinaryNumber.of(shortest(struct.unpack(layout, self.take(width))[0], width=width), f"float{8 * width}")


def _text(octets: bytes, end: int) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise NotCbor(f"byte {end - len(octets) + error.start}: the text is not UTF-8") from None


def _tagged(tag: int, inner: Any, end: int) -> Any:
    if tag in (_LARGE, _LARGE_NEGATIVE) and isinstance(inner, bytes) and len(inner) <= _MOST_DIGITS // 4:
        count = int.from_bytes(inner)
        return count if tag == _LARGE else -1 - count
    if tag == _DECIMAL_FRACTION and isinstance(inner, list) and [type(part) for part in inner] == [int, int]:
        exponent, mantissa = inner
        if abs(exponent) > _MOST_EXPONENT:
            raise NotCbor(f"byte {end}: a decimal fraction with the exponent {exponent}")
        return Decimal(mantissa).scaleb(exponent) if mantissa == 0 else Decimal(f"{mantissa}E{exponent}")
    raise NotCbor(f"byte {end}: tag {tag} is not read here, or its content is not what it announces")
