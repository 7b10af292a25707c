"""Messages in what a broker sends, and what we answer: MQTT 5's PUBLISH and PUBACK packets, many at a time.

The client library reads a packet in four calls and describes each with objects that we do not need; that took most of
an ingester's time. Every packet but these stays the library's.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from ingest.batch import Arrival

PUBLISH = 0x30
_RETAIN = 0x01
_PUBACK = struct.Struct(">HH")
_PUBACK_HEAD = 0x4002
_TYPE = 0xF0
_MOST_LENGTH_OCTETS = 4
_CONTENT_TYPE, _USER_PROPERTY = 0x03, 0x26
_SIZES = {0x01: 1, 0x02: 4, 0x23: 2}
"""Properties of a fixed size: payload format, message expiry, topic alias."""
_TEXTS = (_CONTENT_TYPE, 0x08, 0x09)
"""Properties that state their length: also response topic and correlation data."""


class Malformed(ValueError):
    """The broker sent what no MQTT 5 client can read."""


class Head(NamedTuple):
    """What lies at the head of a stream: whole messages in so many octets; `more`: the next begins there too."""

    arrivals: list[Arrival]
    octets: int
    more: bool


def messages(stream: bytes, *, generation: int, received_at: int) -> Head:
    """The messages at the head of a stream, up to the first other packet. Raises Malformed."""
    found: list[Arrival] = []
    at, end = 0, len(stream)
    while at < end and stream[at] & _TYPE == PUBLISH:
        body, stop = extent(stream, at)
        if stop > end:
            return Head(found, at, more=True)
        found.append(_message(stream, at, (body, stop), (generation, received_at)))
        at = stop
    return Head(found, at, more=False)


def extent(stream: bytes, at: int) -> tuple[int, int]:
    """Where the body of the packet at `at` begins and ends; the end lies beyond the stream if that is not known yet."""
    length, shift, body = 0, 0, at + 1
    for octet in stream[body : body + _MOST_LENGTH_OCTETS]:
        body += 1
        length |= (octet & 127) << shift
        if octet < 128:  # noqa: PLR2004 - the last of them
            return body, body + length
        shift += 7
    if body - at > _MOST_LENGTH_OCTETS:
        raise Malformed("a packet's length has no end")
    return body, len(stream) + 1


def _message(stream: bytes, at: int, extent: tuple[int, int], context: tuple[int, int]) -> Arrival:
    body, stop = extent
    start = body + 2
    topic_end = start + (stream[body] << 8 | stream[body + 1]) if start <= stop else stop + 1
    qos = stream[at] >> 1 & 3
    properties = topic_end + 2 if qos else topic_end
    if properties >= stop or qos > 1:
        raise Malformed(f"a message of {stop - body} octets at QoS {qos} has no place for its topic")
    mid = stream[topic_end] << 8 | stream[topic_end + 1] if qos else 0
    topic = stream[start:topic_end]
    if not stream[properties]:
        return Arrival(context[0], mid, qos, topic, stream[properties + 1 : stop], context[1])
    content_type, pairs, payload = _described(stream, properties, stop)
    return Arrival(context[0], mid, qos, topic, stream[payload:stop], context[1], content_type, pairs)


def _described(stream: bytes, at: int, stop: int) -> tuple[str, tuple[tuple[str, str], ...], int]:
    """Content type and user properties from the properties at `at`; where the payload begins."""
    # Their length is written like a packet's, behind one octet that does not matter here.
    at, end = extent(stream, at - 1)
    if end > stop:
        raise Malformed("properties are longer than their message")
    content_type, pairs = "", list[tuple[str, str]]()
    while at < end:
        kind, at = stream[at], at + 1
        if kind in _TEXTS:
            value, at = _text(stream, at, end)
            content_type = value if kind == _CONTENT_TYPE else content_type
        elif kind == _USER_PROPERTY:
            name, at = _text(stream, at, end)
            value, at = _text(stream, at, end)
            pairs.append((name, value))
        elif kind in _SIZES:
            at += _SIZES[kind]
        else:
            raise Malformed(f"a message has the property {kind:#04x}")
    return content_type, tuple(pairs), end


def _text(stream: bytes, at: int, end: int) -> tuple[str, int]:
    start = at + 2
    stop = start + int.from_bytes(stream[at:start])
    if stop > end:
        raise Malformed("a property is longer than its message")
    return stream[start:stop].decode("utf-8", "replace"), stop


def acknowledgements(mids: Iterable[int]) -> bytes:
    """That these messages are safe."""
    return b"".join([_PUBACK.pack(_PUBACK_HEAD, mid) for mid in mids])


def retained(topic: str, payload: bytes) -> bytes:
    """A message at QoS 0 that the broker keeps for whoever subscribes later."""
    name = topic.encode()
    body = len(name).to_bytes(2) + name + b"\0" + payload
    length, rest = bytearray(), len(body)
    while rest > 127:  # noqa: PLR2004 - seven bits each
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes([PUBLISH | _RETAIN, *length, rest]) + body
