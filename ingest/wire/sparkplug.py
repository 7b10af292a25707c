"""Sparkplug B 3.0: the protobuf payload read by hand, and its metrics as exact values.

Only what a reading needs is read; each length is checked against the octets that are there, so memory is bounded by
the payload.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from ingest.reason import Reason, Rejected
from ingest.wire.message import LARGEST, Binary, shortest

MOST_METRICS = 20_000
_VARINT, _FIXED64, _OCTETS, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_WORD, _LONG = 2**32, 2**64
_INTEGER, _LONG_INTEGER, _FLOAT, _DOUBLE, _BOOLEAN, _TEXT = 10, 11, 12, 13, 14, 15
_TYPES = (
    "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double",
    "Boolean", "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet",
    "PropertySetList",
)  # fmt: skip
_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
_UNSIGNED = range(5, 9)
_IS_FLOAT, _IS_BOOLEAN, _IS_TEXT = (9, 10), 11, (12, 14, 15)

Field: TypeAlias = tuple[int, int, int | bytes]
"""Number, wire type, value."""


class NotSparkplug(ValueError):
    """The octets are not a payload."""


class Metric(NamedTuple):
    """A metric as sent. timestamp: ms since 1970; unit: its property engUnit; field: number of the value's field."""

    name: str
    alias: int | None
    timestamp: int | None
    datatype: int
    is_null: bool
    unit: str
    field: int
    value: int | bytes


class Payload(NamedTuple):
    """A payload. timestamp: ms since 1970; seq: 0 to 255."""

    timestamp: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def decode(payload: bytes) -> Payload | Rejected:
    """Read a payload. Never raises."""
    if len(payload) > LARGEST:
        return Rejected(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {LARGEST} are read")
    try:
        return _payload(payload)
    except NotSparkplug as error:
        return Rejected(Reason.NOT_SPARKPLUG, str(error))


def _payload(octets: bytes) -> Payload:
    timestamp: int | None = None
    seq: int | None = None
    metrics: list[Metric] = []
    for number, wire, value in _fields(octets):
        if number == 1 and wire == _VARINT and isinstance(value, int):
            timestamp = value
        elif number == 2 and isinstance(value, bytes) and wire == _OCTETS:  # noqa: PLR2004 - the field's number
            metrics.append(_metric(value))
        elif number == 3 and wire == _VARINT and isinstance(value, int):  # noqa: PLR2004
            seq = value
    if len(metrics) > MOST_METRICS:
        raise NotSparkplug(f"it has {len(metrics)} metrics; at most {MOST_METRICS} are read")
    return Payload(timestamp, seq, tuple(metrics))


def _metric(octets: bytes) -> Metric:
    found: dict[int, int | bytes] = {}
    field = 0
    for number, _, value in _fields(octets):
        found[number] = value
        if _INTEGER <= number <= 19:  # noqa: PLR2004 - the last of oneof value
            field = number
    alias, timestamp, datatype = found.get(2), found.get(3), found.get(4)
    properties = found.get(9)
    return Metric(
        _text(found.get(1, b"")),
        alias if isinstance(alias, int) else None,
        timestamp if isinstance(timestamp, int) else None,
        datatype if isinstance(datatype, int) else 0,
        bool(found.get(7)) or not field,
        _unit(properties) if isinstance(properties, bytes) else "",
        field,
        found.get(field, 0),
    )


def _unit(octets: bytes) -> str:
    """The property engUnit of a property set: keys and values stand in the same order."""
    keys: list[str] = []
    values: list[bytes] = []
    for number, _, value in _fields(octets):
        if number == 1:
            keys.append(_text(value))
        elif isinstance(value, bytes):
            values.append(value)
    for key, value in zip(keys, values, strict=False):
        if key == "engUnit":
            return next((_text(text) for number, _, text in _fields(value) if number == 8), "")  # noqa: PLR2004
    return ""


def _text(value: int | bytes) -> str:
    if isinstance(value, int):
        raise NotSparkplug("a number stands where a text is due")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise NotSparkplug(f"the text {value[:40]!r} is not UTF-8") from None


def _fields(octets: bytes) -> Iterator[Field]:
    at, end = 0, len(octets)
    while at < end:
        key, at = _varint(octets, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(octets, at)
            yield number, wire, value
            continue
        if wire == _OCTETS:
            length, at = _varint(octets, at)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise NotSparkplug(f"byte {at}: wire type {wire} is not one of protobuf's")
        if at + length > end or not number:
            raise NotSparkplug(f"byte {at}: field {number} announces {length} bytes, {end - at} are there")
        yield number, wire, octets[at : at + length]
        at += length


def _varint(octets: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    for octet in octets[at : at + _LONGEST_VARINT]:
        at += 1
        found |= (octet & 127) << shift
        if octet < 128:  # noqa: PLR2004 - no further octet follows
            return found % _LONG, at
        shift += 7
    raise NotSparkplug(f"byte {at}: a number does not end")


def value_of(metric: Metric, datatype: int) -> str | tuple[Reason, str]:
    """A metric's value as text, by the data type of its birth; or why it cannot be read."""
    name = _TYPES[datatype] if datatype < len(_TYPES) else f"type {datatype}"
    field, value = metric.field, metric.value
    if metric.is_null:
        return Reason.UNSUPPORTED_VALUE, f"{name} without a value (null)"
    if isinstance(value, int) and field in (_INTEGER, _LONG_INTEGER):
        if datatype in _BITS:
            return str(_signed(value, _BITS[datatype], _WORD if field == _INTEGER else _LONG))
        if datatype in _UNSIGNED:
            return str(value)
    if datatype == _IS_BOOLEAN and field == _BOOLEAN:
        return "true" if value else "false"
    if isinstance(value, bytes) and (datatype, field) in _READ:
        return _READ[datatype, field](value)
    return Reason.UNSUPPORTED_VALUE, f"{name} in field {field} is no number and no text that a register holds"


def _float(octets: bytes) -> str | tuple[Reason, str]:
    width = len(octets)
    if width not in (4, 8):
        return Reason.BAD_VALUE, f"a float of {width} bytes"
    (value,) = struct.unpack("<f" if width == 4 else "<d", octets)  # noqa: PLR2004
    return Binary.of(shortest(value, width=width), f"float{8 * width}")


def _signed(value: int, bits: int, modulus: int) -> int:
    """Two's complement, whether the encoder filled the type's own bits or the whole field."""
    if value >= modulus >> 1:
        return value - modulus
    return value - (1 << bits) if (1 << bits) > value >= 1 << (bits - 1) else value


def _readable(value: bytes) -> str | tuple[Reason, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return Reason.BAD_VALUE, f"the text {value[:40]!r} is not UTF-8"


_READ = {
    **{(datatype, field): _float for datatype in _IS_FLOAT for field in (_FLOAT, _DOUBLE)},
    **{(datatype, _TEXT): _readable for datatype in _IS_TEXT},
}
