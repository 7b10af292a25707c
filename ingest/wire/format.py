"""Which decoder reads a payload: by the topic, the content type, or, for people, by a look at it."""

import json
from collections.abc import Iterable
from enum import StrEnum

from ingest.reason import Reason, Rejected, shown
from ingest.wire import event, senml, sparkplug, yardstick
from ingest.wire.message import Message


class Format(StrEnum):
    """What a payload may be written in."""

    YARDSTICK = "yardstick"
    SENML_JSON = "senml-json"
    SENML_CBOR = "senml-cbor"
    SPARKPLUG = "sparkplug"
    CLOUDEVENT = "cloudevent"


CONTENT_TYPES = {
    "application/senml+json": Format.SENML_JSON,
    "application/senml+cbor": Format.SENML_CBOR,
    "application/cloudevents+json": Format.CLOUDEVENT,
    "application/vnd.yardstick+json": Format.YARDSTICK,
}
_SAYS_NOTHING = ("", "application/json", "application/octet-stream", "application/cbor", "text/plain")
_ARRAYS_OF_CBOR = range(0x80, 0xA0)


def format_of(kind: str, content_type: str, payload: bytes) -> Format | Rejected:
    """The format of a message on `yardstick/<device>/<kind>`; a content type that names a format decides."""
    named = content_type.partition(";")[0].strip().lower()
    if named in CONTENT_TYPES:
        return CONTENT_TYPES[named]
    if named not in _SAYS_NOTHING:
        return Rejected(Reason.UNKNOWN_FORMAT, f"the content type is {shown(content_type)}")
    if kind == "senml":
        return Format.SENML_CBOR if payload[:1] and payload[0] in _ARRAYS_OF_CBOR else Format.SENML_JSON
    return Format.CLOUDEVENT if kind == "event" else Format.YARDSTICK


def look(payload: bytes) -> Format:
    """The format that a payload seems to have; ours if it looks like none."""
    start = payload.lstrip()[:1]
    if start == b"[":
        return Format.SENML_JSON
    if start == b"{":
        return Format.CLOUDEVENT if b'"specversion"' in payload else Format.YARDSTICK
    if payload[:1] and payload[0] in _ARRAYS_OF_CBOR:
        return Format.SENML_CBOR
    return Format.SPARKPLUG if payload[:1] in (b"\x08", b"\x12", b"\x18") else Format.YARDSTICK


def decode(payload: bytes, written: Format, *, device: str, received_at: int) -> Message | Rejected:
    """Read a payload that stands by itself; neither Sparkplug nor an event. received_at: µs. Never raises."""
    if written is Format.SENML_JSON:
        return senml.decode_json(payload, device=device, received_at=received_at)
    if written is Format.SENML_CBOR:
        return senml.decode_cbor(payload, device=device, received_at=received_at)
    if written is Format.YARDSTICK:
        return yardstick.decode(payload)
    return Rejected(Reason.UNKNOWN_FORMAT, f"{written.value} does not stand by itself here")


def unwrapped(
    payload: bytes, kind: str, content_type: str, properties: Iterable[tuple[str, str]] = ()
) -> tuple[event.Event | None, bytes, Format] | Rejected:
    """The event that a message is, if it is one; the payload of readings in it; and their format."""
    pairs = tuple(properties)
    says = content_type or (f"{event.STRUCTURED}+json" if kind == "event" and not pairs else "")
    if not event.is_event(says, pairs):
        written = format_of(kind, content_type, payload)
        return written if isinstance(written, Rejected) else (None, payload, written)
    found = event.unwrap(payload, says, pairs)
    if isinstance(found, Rejected):
        return found
    inner = format_of("senml" if kind == "senml" else "readings", found.content_type, found.payload)
    return inner if isinstance(inner, Rejected) else (found, found.payload, inner)


def evidence(payload: bytes, written: Format) -> list[bytes]:
    """Each item of a payload as text for people; empty where only the whole message is evidence."""
    if written is Format.YARDSTICK:
        return yardstick.evidence(payload)
    if written is Format.SPARKPLUG:
        metrics = sparkplug.decode(payload)
        return [] if isinstance(metrics, Rejected) else [_shown(metric._asdict()) for metric in metrics.metrics]
    if written not in (Format.SENML_JSON, Format.SENML_CBOR):
        return []
    records = senml.parse_json(payload) if written is Format.SENML_JSON else senml.parse_cbor(payload)
    return [] if isinstance(records, Rejected) else [_shown(record) for record in senml.standing(records)]


def _shown(record: object) -> bytes:
    return json.dumps(record, default=str, ensure_ascii=False).encode("utf-8", "backslashreplace")
