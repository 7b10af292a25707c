"""Messages in a stream: whole ones, begun ones, what is not ours, and what no client could read."""

import struct

import pytest

from ingest.batch import Arrival
from ingest.packet import Malformed, acknowledgements, extent, messages, retained

TOPIC = b"yardstick/T1/readings"
CONTENT_TYPE = b"\x03\x00\x10application/json"


def packet(payload: bytes = b"{}", *, mid: int = 7, qos: int = 1, properties: bytes = b"") -> bytes:
    number = struct.pack(">H", mid) if qos else b""
    body = struct.pack(">H", len(TOPIC)) + TOPIC + number + length(len(properties)) + properties + payload
    return bytes([0x30 | qos << 1]) + length(len(body)) + body


def length(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + length(rest) if rest else bytes([low])


def read(stream: bytes) -> tuple[list[Arrival], int, bool]:
    return messages(stream, generation=3, received_at=12)


def test_messages_are_read_up_to_another_packet() -> None:
    stream = packet(b"one", mid=258) + packet(b"two", mid=65_535) + b"\xd0\x00" + packet()
    found, octets, more = read(stream)
    assert found == [Arrival(3, 258, 1, TOPIC, b"one", 12), Arrival(3, 65_535, 1, TOPIC, b"two", 12)]
    assert (octets, more) == (2 * len(packet(b"one")), False)


@pytest.mark.parametrize("size", [0, 1, 95, 96, 97, 16_384, 300_000])
def test_a_message_is_read_when_it_is_whole_and_not_before(size: int) -> None:
    whole = packet(b"x" * size)
    for cut in {*range(1, 6), len(whole) // 2, len(whole) - 1}:
        assert read(packet(b"first") + whole[:cut]) == (read(packet(b"first"))[0], len(packet(b"first")), True)
    (found,), octets, more = read(whole)
    assert (found.payload, octets, more) == (b"x" * size, len(whole), False)


def test_a_message_at_qos_0_has_no_number() -> None:
    ((found,), _, _) = read(packet(b"x", qos=0))
    assert (found.mid, found.qos, found.payload) == (0, 0, b"x")


def test_what_mqtt_5_tells_of_a_payload_is_kept_and_the_rest_is_passed_over() -> None:
    others = b"\x01\x01" + b"\x02\x00\x00\x00\x09" + b"\x23\x00\x01" + b"\x08\x00\x01r" + b"\x09\x00\x02\xff\xff"
    pairs = b"\x26\x00\x01a\x00\x02\xc3\xa9" + b"\x26\x00\x01a\x00\x00"
    pairs += b"\x26" + 2 * (b"\x00\x64" + b"y" * 100)
    ((found,), _, _) = read(packet(b"x", properties=others + CONTENT_TYPE + pairs))
    assert found.content_type == "application/json"
    assert found.properties == (("a", "é"), ("a", ""), ("y" * 100, "y" * 100))
    assert found.payload == b"x"


@pytest.mark.parametrize(
    "stream",
    [
        b"\x30\xff\xff\xff\xff\x01",  # a length without an end
        b"\x32\x02\x00\x15",  # no room for its topic
        b"\x32\x00",
        packet(qos=2),  # not what we subscribe to
        b"\x32\x05\x00\x01t\x00\x07",  # no properties at all
        packet(properties=b"\x0b\x01"),  # a subscription's number, which we do not ask for
        packet(properties=b"\x03\x00\x64x"),  # a text longer than the properties
        b"\x32\x06\x00\x01t\x00\x07\x09",  # properties longer than the message
    ],
)
def test_what_no_client_can_read_is_malformed(stream: bytes) -> None:
    with pytest.raises(Malformed):
        read(stream)


def test_the_extent_of_a_packet_that_is_not_known_yet_lies_beyond() -> None:
    assert extent(b"\xd0\x00", 0) == (2, 2)
    assert extent(b"xx\x40\x02\x00\x01", 2) == (4, 6)
    assert extent(b"\x40", 0)[1] > 1
    assert extent(b"\x30\x80", 0)[1] > 2


def test_what_we_answer() -> None:
    assert acknowledgements([1, 258, 65_535]) == b"\x40\x02\x00\x01\x40\x02\x01\x02\x40\x02\xff\xff"
    assert acknowledgements([]) == b""
    assert retained("a/b", b"xy") == b"\x31\x08\x00\x03a/b\x00xy"
    assert retained("t", b"x" * 300)[:4] == b"\x31\xb0\x02\x00"  # 2 + 1 + 1 + 300 = 304 = 48 + 2 * 128
    ((found,), _, _) = read(retained("t/é", b"x" * 300))
    assert (found.topic.decode(), found.payload, found.qos) == ("t/é", b"x" * 300, 0)
