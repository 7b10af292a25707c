"""CloudEvents 1.0.2 over MQTT: the envelope around a payload of another format.

Structured: the content type begins with application/cloudevents, attributes and data are one JSON object. Binary
(MQTT 5): attributes are user properties, the payload is the data, its content type that of the message.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ingest.reason import Reason, Rejected, shown
from ingest.wire.message import LARGEST

STRUCTURED = "application/cloudevents"
REQUIRED = ("specversion", "id", "source", "type")
_LONGEST = 1024
_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Event(NamedTuple):
    """An event's identity and what it carries. content_type: of the data; empty: JSON."""

    source: str
    id: str
    content_type: str
    payload: bytes


def is_event(content_type: str, properties: Sequence[tuple[str, str]]) -> bool:
    """Whether a message says that it is a CloudEvent, in either mode."""
    return content_type.startswith(STRUCTURED) or any(key == "specversion" for key, _ in properties)


def unwrap(payload: bytes, content_type: str, properties: Sequence[tuple[str, str]]) -> Event | Rejected:
    """Take the event off its payload. Never raises."""
    if len(payload) > LARGEST:
        return Rejected(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {LARGEST} are read")
    if not content_type.startswith(STRUCTURED):
        return _event({**dict(properties), "datacontenttype": content_type}, payload)
    if not content_type.removeprefix(STRUCTURED).startswith("+json"):
        return Rejected(Reason.UNKNOWN_FORMAT, f"{shown(content_type)} is no event in JSON, nor a single event")
    try:
        found = json.loads(payload, object_pairs_hook=_unique)
        data = _data(found, payload) if isinstance(found, dict) else Rejected(Reason.BAD_EVENT, "it is no object")
    except UnicodeDecodeError as error:
        return Rejected(Reason.NOT_UTF8, f"byte {error.start} is {payload[error.start]:#04x}")
    except (ValueError, RecursionError) as error:
        return Rejected(Reason.NOT_JSON, str(error) or "nested too deeply")
    return data if isinstance(data, Rejected) else _event(found, data)


def _event(attributes: Mapping[str, Any], data: bytes) -> Event | Rejected:
    for name in REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
            return Rejected(Reason.BAD_EVENT, f"{name} is {shown(value)}, no text of 1 to {_LONGEST} characters")
    if attributes["specversion"] != "1.0":
        return Rejected(Reason.BAD_EVENT, f"specversion is {shown(attributes['specversion'])}, not 1.0")
    content_type = attributes.get("datacontenttype", "")
    if not isinstance(content_type, str):
        return Rejected(Reason.BAD_EVENT, "datacontenttype is no text")
    return Event(attributes["source"], attributes["id"], content_type, data)


def _data(event: Mapping[str, Any], payload: bytes) -> bytes | Rejected:
    """The data as octets; of a JSON value those that were sent, so that numbers keep their digits."""
    if ("data" in event) == ("data_base64" in event):
        return Rejected(Reason.BAD_EVENT, "it has not exactly one of data and data_base64")
    if "data_base64" in event:
        try:
            return base64.b64decode(event["data_base64"], validate=True)
        except (TypeError, ValueError) as error:
            return Rejected(Reason.BAD_EVENT, f"data_base64: {error}")
    data, kind = event["data"], str(event.get("datacontenttype") or "json")
    if isinstance(data, str) and "json" not in kind:
        return data.encode("utf-8", "backslashreplace")
    return bytes(_RAW.decode(payload)["data"])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found
