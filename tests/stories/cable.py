"""A wire that can be cut."""

import socket
import ssl
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class Cable:
    """A wire to the broker that can be cut: a TCP relay on a port of its own. tls: spoken on the near side."""

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None) -> None:
        at = urlsplit(url)
        self.broker = (at.hostname or "", at.port or 1883)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'mqtts' if tls else 'mqtt'}://localhost:{self.listener.getsockname()[1]}"
        self.tls = tls
        self.ends: list[socket.socket] = []
        self.made = 0
        self.relays: list[threading.Thread] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                near = self.tls.wrap_socket(near, server_side=True) if self.tls else near
                far = socket.create_connection(self.broker)
                self.made += 1
                self.ends += [near, far]
                for source, sink in ((near, far), (far, near)):
                    self.relays.append(threading.Thread(target=self._relay, args=(source, sink), daemon=True))
                    self.relays[-1].start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        """Until the source ends; what goes the other way goes on, as on a real wire."""
        with suppress(OSError):
            while octets := _received(source):
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Break every connection, in the middle of whatever is on it."""
        ends, self.ends = self.ends, []
        self._end(*ends)

    def drain(self) -> None:
        """Wait until what an end sent before it left has arrived at the other."""
        for relay in self.relays:
            relay.join(10)

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # else a thread that waits in accept takes one more
        self.listener.close()
        self.cut()

    @staticmethod
    def _end(*ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _received(source: socket.socket) -> bytes:
    """What comes next; nothing if it ended, or was reset."""
    with suppress(OSError):
        return source.recv(65_536)
    return b""
