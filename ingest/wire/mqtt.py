"""What flows on one connection to a broker: messages out of it and acknowledgements into it, many at a time.

The client library takes a packet in four calls and sends each acknowledgement by itself, which is most of what an
ingester did. It keeps the session and every other packet; this works on the socket that it gives for waiting on it.
"""

import socket
import ssl
import time
from collections.abc import Callable

from paho.mqtt.client import Client

from ingest.batch import Arrival
from ingest.packet import extent, messages

CHUNK = 64 * 1024
"""Octets that are looked at together: some hundred messages."""
_MOMENT = 0.001


class Stream:
    """What flows on one connection. Messages and acknowledgements pass here; every other packet is paho's.

    Only whole packets are taken from the wire or put on it between two calls of paho.
    """

    def __init__(self, client: Client, wire: socket.socket) -> None:
        self._client = client
        self.wire = wire
        self._begun = b""  # of a message whose rest has not come
        self._unsent = b""
        self._is_within = False

    @property
    def is_ahead(self) -> bool:
        """Whether TLS has read more than was taken."""
        return isinstance(self.wire, ssl.SSLSocket) and self.wire.pending() > 0

    @property
    def has_unsent(self) -> bool:
        """Whether something waits for room on the wire."""
        return bool(self._unsent) or self._client.want_write()

    def read(self, generation: int, received_at: Callable[[], int]) -> list[Arrival]:
        """Messages that have come; at most one other packet, given to paho."""
        try:
            seen = self.wire.recv(CHUNK, socket.MSG_PEEK)
        except (BlockingIOError, ssl.SSLWantReadError):
            return []
        except OSError:
            seen = b""
        stream = self._begun + seen
        head = messages(stream, generation=generation, received_at=received_at())
        taken = len(stream) if head.more else head.octets
        self._take(taken - len(self._begun))
        self._begun = stream[head.octets : taken]
        if not seen:
            self._client.loop_read()  # which notices that the connection ended
        elif taken < len(stream):
            if extent(stream, taken)[1] <= len(stream):
                self._client.loop_read()
            else:
                time.sleep(_MOMENT)
        return head.arrivals

    def _take(self, octets: int) -> None:
        while octets > 0:
            octets -= len(self.wire.recv(octets))

    def put(self, packets: bytes) -> None:
        """Whole packets behind what waits."""
        self._unsent += packets

    def send(self) -> None:
        """Write what the wire takes: whole packets of paho's, and ours, never one within another."""
        if self._client.want_write() and not self._is_within:
            self._client.loop_write()
        if self._unsent and not self._client.want_write():
            try:
                sent = self.wire.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantWriteError):
                sent = 0
            except OSError:
                sent = len(self._unsent)  # reading notices it
            self._unsent = self._unsent[sent:]
            self._is_within = bool(self._unsent)


class Peekable(ssl.SSLSocket):
    """TLS that can be looked at before it is taken, as other sockets can."""

    _ahead = b""

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As socket.recv; MSG_PEEK is understood."""
        looks = flags & socket.MSG_PEEK
        if not self._ahead or (looks and len(self._ahead) < buflen):
            try:
                self._ahead += super().recv(CHUNK)
            except ssl.SSLWantReadError:
                if not self._ahead:
                    raise
        found = self._ahead[:buflen]
        if not looks:
            self._ahead = self._ahead[len(found) :]
        return found

    def pending(self) -> int:
        """Octets that need no waiting for the wire."""
        return len(self._ahead) + super().pending()
