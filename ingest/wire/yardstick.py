"""Our own wire format: `{"v":1,"boot":"a7","seq":17,"readings":[{"register","at","value","unit","status"?}]}`.

Values are exact decimal numbers, as text or as JSON numbers; neither ever becomes a float. A perfect message is decoded
at once; anything else a second time, slowly, to say of each item what is wrong with it.
"""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

import msgspec

from ingest.reason import Reason, Rejected, shown
from ingest.wire.message import LARGEST, Candidate, Message

_MOST_SEQ = 2**63 - 1
_SEQ_DIGITS = 20
_ENVELOPE_KEYS = ("v", "boot", "seq", "readings")
_REQUIRED = 3
_SPACES = (b" ", b"\t", b"\n", b"\r")
_SPACED_COLON = re.compile(rb"\s:")
_OPTIONAL = {"unit": "", "status": ""}


class _Reading(msgspec.Struct, gc=False):
    register: str
    at: str
    value: msgspec.Raw
    unit: str = ""
    status: str = ""


class _Envelope(msgspec.Struct, gc=False):
    v: Literal[1]
    boot: str
    seq: int
    readings: list[_Reading]


class _Repeated(NamedTuple):
    """A JSON object in which a key occurs twice."""

    key: str
    pairs: list[tuple[str, Any]]


class _TextReading(msgspec.Struct, gc=False):
    register: str
    at: str
    value: str
    unit: str = ""
    status: str = ""


class _TextEnvelope(msgspec.Struct, gc=False):
    v: Literal[1]
    boot: str
    seq: int
    readings: list[_TextReading]


_FAST = msgspec.json.Decoder(_Envelope)
_FASTEST = msgspec.json.Decoder(_TextEnvelope)
"""For values that are texts, as most are."""


def decode(payload: bytes) -> Message | Rejected:
    """Read a payload. Never raises: what cannot be read is a Rejected."""
    if len(payload) > LARGEST:
        return Rejected(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {LARGEST} are read")
    try:
        return _read_fast(payload) or _read_slowly(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _read_slowly(payload)


def _read_fast(payload: bytes) -> Message | None:
    if b'"value":"' in payload or b'"value": "' in payload:
        with suppress(msgspec.ValidationError):
            return _read_texts(_FASTEST.decode(payload), payload)
    envelope = _FAST.decode(payload)
    if not _is_sound(envelope, payload):
        return None
    candidates: list[Candidate] = []
    for index, reading in enumerate(envelope.readings):
        value = str(reading.value, "utf-8")
        if value[0] == '"':
            value = value[1:-1]
        elif value[0] not in "-0123456789":
            return None
        candidates.append((index, reading.register, reading.at, value, reading.unit, reading.status))
    return Message(envelope.boot, envelope.seq, candidates, [])


def _read_texts(envelope: _TextEnvelope, payload: bytes) -> Message | None:
    if not _is_sound(envelope, payload):
        return None
    found = enumerate(envelope.readings)
    return Message(
        envelope.boot, envelope.seq, [(n, r.register, r.at, r.value, r.unit, r.status) for n, r in found], []
    )


def _is_sound(envelope: _Envelope | _TextEnvelope, payload: bytes) -> bool:
    return 0 <= envelope.seq <= _MOST_SEQ and _keys_are_unique(payload, envelope.readings)


def _keys_are_unique(payload: bytes, readings: Sequence[_Reading | _TextReading]) -> bool:
    """Whether surely no key occurs twice: the decoder keeps the last of them in silence.

    Without a backslash each key is written as it is, so as many occurrences as readings means one in each. A text that
    looks like a key makes this False, and the slow way decides.
    """
    if b"\\" in payload:
        return False
    keys = len(_ENVELOPE_KEYS)
    for reading in readings:
        keys += _REQUIRED + bool(reading.unit) + bool(reading.status)
    return _keys_are(keys, payload) or _each_key_is_unique(payload, readings)


def _keys_are(count: int, payload: bytes) -> bool:
    """Whether there are surely no more keys than these, all of them found: a colon behind a quote ends a key."""
    has_space = any(space in payload for space in _SPACES)
    return payload.count(b'":') == count and not (has_space and _SPACED_COLON.search(payload))


def _each_key_is_unique(payload: bytes, readings: Sequence[_Reading | _TextReading]) -> bool:
    count = payload.count
    return (
        all(count(key) == 1 for key in (b'"v"', b'"boot"', b'"seq"', b'"readings"'))
        and all(count(key) == len(readings) for key in (b'"register"', b'"at"', b'"value"'))
        and count(b'"unit"') == sum(1 for reading in readings if reading.unit)
        and count(b'"status"') == sum(1 for reading in readings if reading.status)
    )


def evidence(payload: bytes) -> list[bytes]:
    """Each item of a payload as JSON, numbers as they were written; empty if it cannot be read at all."""
    found = _parse(payload)
    readings = found.get("readings") if isinstance(found, dict) else None
    return [_text_of(item) for item in readings] if isinstance(readings, list) else []


def _text_of(item: object) -> bytes:
    try:
        return msgspec.json.encode(item)
    except UnicodeEncodeError:  # a lone surrogate
        return repr(item).encode("utf-8", "backslashreplace")


def _parse(payload: bytes) -> Any:
    """JSON with every number as msgspec.Raw and every object with a repeated key as _Repeated; or Rejected."""
    try:
        return _SLOW.decode(payload.decode())
    except UnicodeDecodeError as error:
        return Rejected(Reason.NOT_UTF8, f"byte {error.start} is {payload[error.start]:#04x}")
    except (ValueError, RecursionError) as error:
        return Rejected(Reason.NOT_JSON, str(error) or "nested too deeply")


def _number(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Repeated:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    keys = [key for key, _ in pairs]
    return _Repeated(next(key for key in keys if keys.count(key) > 1), pairs)


# NaN and Infinity are no JSON, but one bad reading must not take its neighbours along.
_SLOW = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_int=_number, parse_constant=_number)


def _read_slowly(payload: bytes) -> Message | Rejected:
    found = _parse(payload)
    if isinstance(found, Rejected):
        return found
    if wrong := _fault_of_envelope(found):
        return Rejected(Reason.BAD_ENVELOPE, wrong)
    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    for index, item in enumerate(found["readings"]):
        read = _read_item(index, item)
        if isinstance(read, Rejected):
            rejected.append(read)
        else:
            candidates.append(read)
    return Message(found["boot"], int(bytes(found["seq"])), candidates, rejected)


def _fault_of_envelope(found: Any) -> str:
    if isinstance(found, _Repeated):
        return f"the key {shown(found.key)} occurs twice"
    if not isinstance(found, dict):
        return f"it is {_kind(found)}, no object"
    if missing := [key for key in _ENVELOPE_KEYS if key not in found]:
        return f"{missing[0]} is missing"
    seq = _digits(found["seq"])
    sound = {
        "v is not 1, the only version there is": _digits(found["v"]) == "1",
        f"boot is {_kind(found['boot'])}, no text": isinstance(found["boot"], str),
        "seq is no count from 0 to 2^63 - 1": seq.isdecimal() and len(seq) < _SEQ_DIGITS and int(seq) <= _MOST_SEQ,
        f"readings is {_kind(found['readings'])}, no list": isinstance(found["readings"], list),
    }
    return next((fault for fault, holds in sound.items() if not holds), "")


def _digits(value: object) -> str:
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else ""


def _read_item(index: int, item: Any) -> Candidate | Rejected:
    if isinstance(item, _Repeated):
        return Rejected(Reason.BAD_READING, f"the key {shown(item.key)} occurs twice", index)
    if not isinstance(item, dict):
        return Rejected(Reason.BAD_READING, f"it is {_kind(item)}, no object", index)
    texts = {**_OPTIONAL, **item}
    for key in ("register", "at", "unit", "status"):
        if not isinstance(texts.get(key), str):
            wrong = f"{key} is {_kind(texts[key])}, no text" if key in texts else f"{key} is missing"
            return Rejected(Reason.BAD_TIME if key == "at" and key in texts else Reason.BAD_READING, wrong, index)
    if "value" not in texts:
        return Rejected(Reason.BAD_READING, "value is missing", index)
    value = texts["value"] if isinstance(texts["value"], str) else _digits(texts["value"])
    if not isinstance(texts["value"], str | msgspec.Raw):
        return Rejected(Reason.BAD_VALUE, f"value is {_kind(texts['value'])}", index)
    return (index, texts["register"], texts["at"], value, texts["unit"], texts["status"])


def _kind(value: object) -> str:
    if isinstance(value, msgspec.Raw):
        return f"the number {shown(bytes(value).decode())}"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "a text" if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"
