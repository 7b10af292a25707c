"""A publisher that is no limit: MQTT 5 packets by hand, QoS 1, thousands unacknowledged at a time.

A benchmark must not measure its own publisher, which is four times as slow with an ordinary client.
"""

import socket
import struct
import time
from collections.abc import Iterable
from itertools import islice
from typing import Self
from urllib.parse import urlsplit

WINDOW = 4_000
"""Messages that the broker has not acknowledged; it allows 65,535."""
PATIENCE = 60.0
"""Seconds in which the broker must say something."""
_CONNECT, _PUBACK, _PUBLISH_QOS_1, _DISCONNECT = b"\x10", 0x40, b"\x32", b"\xe0\0"
_REFUSED = 0x80


class Refused(Exception):
    """The broker did not take a message, or the connection."""


class Flood:
    """One clean session. Use it as a context."""

    def __init__(self, url: str, client_id: str) -> None:
        at = urlsplit(url)
        self._wire = socket.create_connection((at.hostname or "", at.port or 1883), timeout=PATIENCE)
        name = client_id.encode()
        body = b"\0\4MQTT\5\2\0\0\0" + struct.pack(">H", len(name)) + name
        self._wire.sendall(_CONNECT + _length(len(body)) + body)
        self._read = bytearray()
        self._mid = 0
        while len(self._read) < 4 or len(self._read) < self._read[1] + 2:  # noqa: PLR2004 - up to the reason code
            self._read += self._some()
        if self._read[0] != 0x20 or self._read[3]:  # noqa: PLR2004 - CONNACK, success
            raise Refused(f"the broker refuses the connection: {self._read.hex()}")
        del self._read[: self._read[1] + 2]

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> int:
        """Send all and return how many when the broker has acknowledged each. Raises Refused."""
        waiting, sent, source = 0, 0, iter(messages)
        while part := list(islice(source, WINDOW // 4)):
            self._wire.sendall(b"".join(self._packet(topic.encode(), payload) for topic, payload in part))
            sent += len(part)
            waiting += len(part)
            while waiting > WINDOW * 3 // 4:
                waiting -= self._acknowledged()
        while waiting:
            waiting -= self._acknowledged()
        return sent

    def close(self) -> None:
        """Say good-bye."""
        self._wire.sendall(_DISCONNECT)
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _packet(self, topic: bytes, payload: bytes) -> bytes:
        self._mid = self._mid % 65_535 + 1
        body = b"%b%b%b\0%b" % (struct.pack(">H", len(topic)), topic, struct.pack(">H", self._mid), payload)
        return _PUBLISH_QOS_1 + _length(len(body)) + body

    def _some(self) -> bytes:
        octets = self._wire.recv(65_536)
        if not octets:
            raise Refused("the broker closed the connection")
        return octets

    def _acknowledged(self) -> int:
        """How many acknowledgements come next; waits for one."""
        read, at, count = self._read, 0, 0
        read += self._some()
        while len(read) >= at + 2 and len(read) >= at + 2 + read[at + 1]:
            length = read[at + 1]
            if read[at] != _PUBACK or (length > 2 and read[at + 4] >= _REFUSED):  # noqa: PLR2004 - reason code
                raise Refused(f"the broker answers {bytes(read[at : at + 2 + length]).hex()}")
            at += 2 + length
            count += 1
        del read[:at]
        return count


def _length(number: int) -> bytes:
    octets = bytearray()
    while number > 127:  # noqa: PLR2004 - seven bits each
        octets.append(number & 127 | 128)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def publish(url: str, messages: Iterable[tuple[str, bytes]], *, client_id: str = "bench-device") -> float:
    """Seconds that it took until the broker had them all."""
    began = time.perf_counter()
    with Flood(url, client_id) as flood:
        flood.publish(messages)
    return time.perf_counter() - began
