"""Why something was refused: stable codes, each with what is wrong and what would be right."""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """A code never changes its meaning: people filter by it and devices' makers look it up."""

    BAD_TOPIC = "bad_topic"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_CBOR = "not_cbor"
    NOT_SPARKPLUG = "not_sparkplug"
    UNKNOWN_FORMAT = "unknown_format"
    BAD_ENVELOPE = "bad_envelope"
    BAD_PACK = "bad_pack"
    BAD_EVENT = "bad_event"
    REUSED_EVENT = "reused_event"
    NO_BIRTH = "no_birth"
    UNKNOWN_DEVICE = "unknown_device"
    BAD_READING = "bad_reading"
    UNKNOWN_REGISTER = "unknown_register"
    BAD_TIME = "bad_time"
    TIME_IN_MILLISECONDS = "time_in_milliseconds"
    TIME_IN_SECONDS = "time_in_seconds"
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"
    BAD_STATUS = "bad_status"
    BAD_VALUE = "bad_value"
    UNSUPPORTED_VALUE = "unsupported_value"
    SUPPLY_CODE = "supply_code"
    TOO_MANY_DIGITS = "too_many_digits"
    WRONG_UNIT = "wrong_unit"
    OUT_OF_RANGE = "out_of_range"
    UNKNOWN_STATE = "unknown_state"
    CONFLICT = "conflict"
    POISON = "poison"


SENTENCE: dict[Reason, str] = {
    Reason.BAD_TOPIC: "The topic is none that we read; publish to yardstick/<device>/readings, in UTF-8.",
    Reason.TOO_LARGE: "The message is longer than 256 KiB; send the readings in several messages.",
    Reason.NOT_UTF8: "The payload is not UTF-8; encode the JSON text as UTF-8.",
    Reason.NOT_JSON: "The payload is not JSON; check it with a JSON parser.",
    Reason.NOT_CBOR: "The payload is not CBOR as RFC 8949 has it; check it with a CBOR decoder.",
    Reason.NOT_SPARKPLUG: "The payload is not a Sparkplug B payload; check its protobuf encoding.",
    Reason.UNKNOWN_FORMAT: "No format has this content type; send one of those in docs/devices.md, or none.",
    Reason.BAD_ENVELOPE: 'The envelope is wrong; send {"v": 1, "boot": text, "seq": count, "readings": []}, each once.',
    Reason.BAD_PACK: "The SenML pack is wrong as a whole; it is an array of records with known mandatory fields.",
    Reason.BAD_EVENT: "The CloudEvent is wrong; send specversion 1.0, id, source, type and data, each once.",
    Reason.REUSED_EVENT: "Another event had this source and id; the first stands, so give each its own.",
    Reason.NO_BIRTH: "The node's birth is missing, so aliases mean nothing; it is replayed when the birth arrives.",
    Reason.UNKNOWN_DEVICE: "No device has this name; register the device, or correct the topic.",
    Reason.BAD_READING: "The item is wrong; send each field that its format requires once and of its type.",
    Reason.UNKNOWN_REGISTER: "The device declares no register of this name; declare it, or correct the name.",
    Reason.BAD_TIME: "The time is not RFC 3339 with a zone; write it as 2026-06-01T00:00:00Z.",
    Reason.TIME_IN_MILLISECONDS: "The time is in milliseconds where seconds are due; divide it by 1000.",
    Reason.TIME_IN_SECONDS: "The time was in seconds where milliseconds are due; multiply it by 1000.",
    Reason.TOO_OLD: "The time lies too far before its receipt; set the device's clock, or import history by hand.",
    Reason.TOO_NEW: "The time lies after its receipt; set the device's clock.",
    Reason.BAD_STATUS: "The time status is unknown; send U, I, S or R (unknown, informative, synchronised, relative).",
    Reason.BAD_VALUE: 'The value is not an exact decimal number; write it as "412350.2".',
    Reason.UNSUPPORTED_VALUE: "The value is of a kind that no register holds; send a number or a text.",
    Reason.SUPPLY_CODE: "The value is a printer's code for a level that it does not know; send levels only.",
    Reason.TOO_MANY_DIGITS: "The value has more digits than a register can count; send at most 30.",
    Reason.WRONG_UNIT: "The unit does not convert to the register's; send one of its dimension, and none for a state.",
    Reason.OUT_OF_RANGE: "The value lies outside the range that the register declares; check sensor and declaration.",
    Reason.UNKNOWN_STATE: "The value is not the name of a state; use one of the known states.",
    Reason.CONFLICT: "The register already has another value at this instant; the first stands.",
    Reason.POISON: "It met a fault of ours in the decoder or the database; report it, so that we mend it.",
}


class Rejected(NamedTuple):
    """What was refused: an item by its index in the message, or the message as a whole (-1)."""

    reason: Reason
    detail: str
    item: int = -1


def shown(text: object) -> str:
    """A received text fit for a message to people: quoted, escaped, cut."""
    if not isinstance(text, str):
        return f"a {type(text).__name__}"
    return repr(text) if len(text) <= 60 else f"{text[:57]!r}…"  # noqa: PLR2004 - fits a line
