"""SenML (RFC 8428) in JSON and CBOR: packs of records with base fields, resolved to readings.

Numbers are exact: JSON digit by digit, CBOR decimal fractions as they are; a binary float counts as the shortest
decimal that reads back as the same float, and says so.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeAlias

from core.time import instant
from ingest.reason import Reason, Rejected, shown
from ingest.wire.cbor import NotCbor, loads
from ingest.wire.message import LARGEST, Binary, BinaryNumber, Candidate, Message

VERSIONS = (10, *range(1, 10), 26)
"""bver of RFC 8428 and of its drafts, and of RFC 9100 with the feature "secondary units" of RFC 8798."""
RELATIVE = 2**28
"""Times before this second are relative to the receipt."""
LABELS = {
    -1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
    0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd",
}  # fmt: skip
"""CBOR's labels, RFC 8428 table 4."""
IANA = {
    "L": ("l", 0), "cm": ("m", -2), "g": ("kg", -3), "W": ("kW", -3), "Wh": ("kWh", -3), "Pa": ("bar", -5),
    "hPa": ("mbar", 0), "/": ("%", 2), "%EL": ("%", 0),
}  # fmt: skip
"""Units of IANA's registry that are not written as ours: our unit, and the power of ten between them."""
LONGEST_NAME = 255
"""A longer base would be carried by thousands of records."""
COUNT = "count"
"""IANA's unit of a number of things; which things, the register says."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*", re.ASCII)
_VALUES = ("v", "vs", "vb", "vd")
_NUMBERS = ("bt", "bv", "bs", "v", "s", "t", "ut")
_TEXTS = ("bn", "bu", "n", "u", "vs")
_BASES = ("bn", "bt", "bu", "bv", "bs")
_MOST_DIGITS = 60
_EXACT = Context(prec=4 * _MOST_DIGITS)
_MICRO = Decimal(1_000_000)
_LAST = 253_402_300_800
"""The second in which the year 10000 begins."""
_PLAUSIBLE = range(946_684_800, 4_102_444_800)
"""Seconds of the years 2000 to 2099."""

Record: TypeAlias = dict[str, Any]
Value: TypeAlias = Decimal | str | bool | None


@dataclass(frozen=True, slots=True)
class Base:
    """The base fields that hold for the records that follow."""

    bn: str = ""
    bt: Decimal = Decimal(0)
    bu: str = ""
    bv: Decimal | None = None
    bs: Decimal | None = None


class Resolved(NamedTuple):
    """A record by itself, the place-th of its pack. time: seconds since 1970; unit: IANA's; total: its s, in unit·s."""

    place: int
    name: str
    time: Decimal
    unit: str
    value: Value
    field: str
    total: Decimal | None
    until_update: Decimal | None


class _Twice(NamedTuple):
    key: str


def decode_json(payload: bytes, *, device: str, received_at: int) -> Message | Rejected:
    """Read a pack in JSON. received_at: µs since 1970. Never raises."""
    return _decode(payload, parse_json, device, received_at)


def decode_cbor(payload: bytes, *, device: str, received_at: int) -> Message | Rejected:
    """Read a pack in CBOR. received_at: µs since 1970. Never raises."""
    return _decode(payload, parse_cbor, device, received_at)


def _decode(
    payload: bytes, parse: Callable[[bytes], list[Record] | Rejected], device: str, received_at: int
) -> Message | Rejected:
    records = parse(payload)
    found = records if isinstance(records, Rejected) else resolve(records, received_at=received_at)
    if isinstance(found, Rejected):
        return found
    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    for one in found:
        read = one if isinstance(one, Rejected) else _candidate(one, device)
        if isinstance(read, Rejected):
            rejected.append(read)
        else:
            candidates.append(read)
    return Message("", 0, candidates, rejected)


def parse_json(payload: bytes) -> list[Record] | Rejected:
    """The records of a pack in JSON, numbers exact."""
    if len(payload) > LARGEST:
        return Rejected(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {LARGEST} are read")
    try:
        return _records(_JSON.decode(payload.decode()))
    except UnicodeDecodeError as error:
        return Rejected(Reason.NOT_UTF8, f"byte {error.start} is {payload[error.start]:#04x}")
    except (ValueError, RecursionError, InvalidOperation) as error:
        return Rejected(Reason.NOT_JSON, str(error) or "nested too deeply")


def parse_cbor(payload: bytes) -> list[Record] | Rejected:
    """The records of a pack in CBOR, under the labels of JSON."""
    if len(payload) > LARGEST:
        return Rejected(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {LARGEST} are read")
    try:
        found = loads(payload)
    except (NotCbor, InvalidOperation) as error:
        return Rejected(Reason.NOT_CBOR, str(error))
    return _records([_labelled(one) for one in found] if isinstance(found, list) else found)


def _labelled(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    named = {LABELS.get(key, key) if isinstance(key, int) else key: value for key, value in record.items()}
    return named if len(named) == len(record) else _Twice("a label, as a number and as a text,")


def _unique(pairs: list[tuple[str, Any]]) -> Record | _Twice:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    keys = [key for key, _ in pairs]
    return _Twice(shown(next(key for key in keys if keys.count(key) > 1)))


_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)


def _records(found: Any) -> list[Record] | Rejected:
    if not isinstance(found, list):
        return Rejected(Reason.BAD_PACK, "it is no array of records")
    for index, record in enumerate(found):
        if wrong := _fault_of_record(record):
            return Rejected(Reason.BAD_PACK, f"record {index}: {wrong}")
    return found


def _fault_of_record(record: Any) -> str:
    """What makes the whole pack unusable, because records after this one rest on it."""
    if isinstance(record, _Twice):
        return f"{record.key} occurs twice"
    if not isinstance(record, dict):
        return "it is no object"
    for key in record:
        if isinstance(key, str) and key.endswith("_"):
            return f"the field {shown(key)} must be understood, and is not"
    for key in _BASES:
        if key in record and not (_is_text if key in _TEXTS else _is_number)(record[key]):
            return f"{key} is of the wrong type, or has more than {_MOST_DIGITS} digits"
    if max(len(record.get(key, "")) for key in ("bn", "bu")) > LONGEST_NAME:
        return f"bn or bu is longer than {LONGEST_NAME} characters"
    version = record.get("bver", VERSIONS[0])
    return (
        "" if _is_number(version) and version in VERSIONS else f"bver is {shown(str(version))}, neither up to 10 nor 26"
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    """Whether it is a number that can be added exactly."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    number = Decimal(value)
    if not number.is_finite():
        return False
    _, digits, exponent = number.as_tuple()
    return len(digits) <= _MOST_DIGITS and abs(int(exponent)) <= _MOST_DIGITS


def resolve(records: Sequence[Record], *, received_at: int) -> list[Resolved | Rejected] | Rejected:
    """Records without base fields and relative times (RFC 8428 §4.6), in the pack's order. received_at: µs since 1970.

    All records of a pack have one version (§4.4). A record of base fields alone is none.
    """
    later = {int(record["bver"]) for record in records[1:] if "bver" in record}
    if later and later != {int(records[0].get("bver", VERSIONS[0]))}:
        return Rejected(Reason.BAD_PACK, "records differ in bver")
    base = Base()
    found: list[Resolved | Rejected] = []
    for index, record in enumerate(records):
        base = _rebased(base, record)
        if any(key in record for key in ("n", "u", "t", "ut", "s", *_VALUES)):
            found.append(_resolved(index, record, base, Decimal(received_at) / _MICRO))
    return found


def standing(records: Sequence[Record]) -> Iterator[Record]:
    """Each record with the base fields that hold for it, as evidence."""
    base: Record = {}
    for record in records:
        base = {**base, **{key: record[key] for key in _BASES if key in record}}
        yield {**base, **record}


def _rebased(base: Base, record: Record) -> Base:
    changed = {key: record[key] for key in _BASES if key in record}
    if not changed:
        return base
    numbers = {key: _number(value) for key, value in changed.items() if key in _NUMBERS}
    return replace(base, **{**changed, **numbers})


def _number(value: int | Decimal) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(value)


def _resolved(index: int, record: Record, base: Base, now: Decimal) -> Resolved | Rejected:
    for key in ("n", "u", "t", "ut", "s", "v", "vs"):
        if key in record and not (_is_text if key in _TEXTS else _is_number)(record[key]):
            reason = Reason.BAD_TIME if key == "t" else Reason.BAD_VALUE if key in _VALUES else Reason.BAD_READING
            return Rejected(reason, f"{key} is of the wrong type, or has more than {_MOST_DIGITS} digits", index)
    if not isinstance(record.get("vb", False), bool):
        return Rejected(Reason.BAD_VALUE, "vb is neither true nor false", index)
    values = [key for key in _VALUES if key in record]
    implied = base.bv is not None and not values
    summed = record.get("s", base.bs)
    if len(values) > 1 or (not values and summed is None and not implied):
        return Rejected(Reason.BAD_READING, f"it has {len(values)} of v, vs, vb and vd, not one", index)
    name = base.bn + record.get("n", "")
    if not _NAME.fullmatch(name):
        return Rejected(Reason.BAD_READING, f"the name {shown(name)} is none that RFC 8428 allows", index)
    time = _EXACT.add(base.bt, _number(record.get("t", 0)))
    kind = values[0] if values else "v" if implied else "s"
    return Resolved(
        index, name, _EXACT.add(now, time) if time < RELATIVE else time, record.get("u", base.bu),
        _value(kind, record, base), kind, _total(record, base), _optional(record.get("ut")),
    )  # fmt: skip


def _value(kind: str, record: Record, base: Base) -> Value:
    if kind != "v":
        value: Value = record.get(kind) if kind != "s" else None
        return value
    value = _number(record.get("v", 0))
    return value if base.bv is None else _sum_of(base.bv, value)


def _sum_of(base: Decimal, value: Decimal) -> Decimal:
    total = _EXACT.add(base, value)
    inexact = next((part for part in (base, value) if isinstance(part, BinaryNumber)), None)
    return total if inexact is None else BinaryNumber.of(str(total), inexact.kind)


def _total(record: Record, base: Base) -> Decimal | None:
    if base.bs is None and "s" not in record:
        return None
    return _EXACT.add(base.bs or Decimal(0), _number(record.get("s", 0)))


def _optional(value: Any) -> Decimal | None:
    return None if value is None else _number(value)


def _candidate(one: Resolved, device: str) -> Candidate | Rejected:
    if one.field in ("s", "vd"):
        kind = "a sum over time (s)" if one.field == "s" else "octets (vd)"
        return Rejected(Reason.UNSUPPORTED_VALUE, f"{shown(one.name)} is {kind}; send v or vs", one.place)
    at = _written(one.time)
    if isinstance(at, tuple):
        return Rejected(*at, one.place)
    unit, power = IANA.get(one.unit, (one.unit, 0))
    return one.place, register_of(one.name, device), at, _value_text(one.value, power), unit, ""


def _value_text(value: Value, power: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, Decimal):
        return str(value)
    text = f"{value.scaleb(power, _EXACT) if power else value}"
    return Binary.of(text, value.kind) if isinstance(value, BinaryNumber) else text


def _written(time: Decimal) -> str | tuple[Reason, str]:
    """A time as RFC 3339, cut to µs; or why it is none."""
    if int(time) // 1000 in _PLAUSIBLE and time >= _LAST:
        return Reason.TIME_IN_MILLISECONDS, f"{shown(f'{time:f}')} seconds lie after the year 9999"
    if not 0 <= time < _LAST:
        return Reason.BAD_TIME, f"{shown(f'{time:f}')} seconds since 1970 lie in no year from 1970 to 9999"
    return instant(int(time * _MICRO)).isoformat()


def register_of(name: str, device: str) -> str:
    """The register in a name: what follows the device in `<device>/R`, `<device>:R`, `urn:dev:…:<device>:R` or `…_R`.

    Any other name is the register's own.
    """
    if name.startswith("urn:"):
        head, found, register = name.partition(f":{device}")
        return register[1:] if found and head and register[:1] in (":", "_", "/") else name
    head, rest = name[: len(device)], name[len(device) :]
    return rest[1:] if head == device and rest[:1] in ("/", ":") and rest[1:] else name
