"""The broker's side of the ingester: take messages, and acknowledge them when told that they are committed.

A message's number means something only within one connection, so acknowledgements are fenced by its generation: a late
one could otherwise confirm another message that was never stored.

paho keeps the session: it connects, subscribes, pings and publishes. Messages and their acknowledgements are taken from
the wire and put on it by `wire/mqtt.py`. One thread does both, so that packets do not mix. What we publish goes at
QoS 0: paho then takes a single packet when told to read.
"""

import logging
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import datetime
from queue import SimpleQueue
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core.time import micros
from ingest.batch import Arrival
from ingest.packet import acknowledgements, retained
from ingest.sequence import Receipt
from ingest.wire.mqtt import Peekable, Stream
from ingest.wire.route import NODE_FILTERS, OWN_FILTERS

SESSION_EXPIRY = 30 * 24 * 3600
"""Seconds for which the broker keeps what waits for us: longer than any outage we mean to survive."""
WINDOW = 12_000
"""Messages that may be unacknowledged: some batches of the largest size."""
MOST_HELD = 32 * 1024 * 1024
"""Octets of messages that may be unacknowledged: while there are more, the wire is not read."""
MOST_WAITING = WINDOW
"""While so many messages wait to be judged, those of QoS 0 are dropped: for them no window holds."""
LONGEST_BEAT = 60.0
"""Seconds in which a network loop that is well turns round, also while the broker is away."""
KEEPALIVE = 30
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds until a connection that broke is tried again."""
FAREWELL = 2.0
"""Seconds to send the last acknowledgements."""

_TICK = 1.0
_RINGS = 4096
_LOG = logging.getLogger(__name__)


class Files(NamedTuple):
    """PEM files for `mqtts://`: the broker's authority (None: the system's), and our own certificate and its key."""

    authority: str | None = None
    certificate: str | None = None
    key: str | None = None


class Source:
    """Messages of all devices, from one session that outlives this process. Start it once.

    group: share the messages with other sources of this group; what waits in a session stays its own.
    """

    def __init__(
        self, url: str, client_id: str, *, clock: Callable[[], datetime], group: str = "", files: Files | None = None
    ) -> None:
        self.arrivals: SimpleQueue[Arrival] = SimpleQueue()
        self.connections = self.new_sessions = self.dropped = 0
        self._clock = clock
        # An edge node's births explain its data, so whoever hears one must hear the other.
        own = tuple(f"$share/{group}/{topic}" for topic in OWN_FILTERS) if group else OWN_FILTERS
        self._filters = own + NODE_FILTERS
        self._generation = 0
        self._came = self._went = 0
        self._beat = time.monotonic()
        self._committed = deque[Collection[Arrival]]()
        self._receipts = deque[bytes]()
        self._stopping = threading.Event()
        self._subscribed = threading.Event()
        self._client = _client(url, client_id, files or Files())
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        # paho then leaves all writing to the thread that calls loop_write.
        self._client.on_socket_register_write = lambda *_: self._wake()
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._thread = threading.Thread(target=self._loop, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def stop(self) -> None:
        """Say good-bye; what is not acknowledged waits in the session, which stays subscribed."""
        self._stopping.set()
        self._wake()
        self._thread.join(timeout=FAREWELL + 3)
        self._bell.close()
        self._ear.close()

    @property
    def is_subscribed(self) -> bool:
        """Whether messages arrive now; paho's own is_connected still says so after its thread died."""
        return self._thread.is_alive() and self._subscribed.is_set()

    @property
    def waiting(self) -> int:
        """Messages that nobody has taken yet."""
        return self.arrivals.qsize()

    def problems(self) -> list[str]:
        """Why a new process would do better; empty if all is well, also while the broker is away."""
        if not self._thread.is_alive():
            return ["the network thread ended"]
        silence = time.monotonic() - self._beat
        return [f"the network loop has not turned for {silence:.0f} s"] if silence > LONGEST_BEAT else []

    def acknowledge(self, arrivals: Collection[Arrival]) -> None:
        """Confirm committed messages, in order of arrival; those of an earlier connection come again."""
        self._went += sum(len(arrival.payload) for arrival in arrivals)
        self._committed.append(arrivals)
        self._wake()

    def publish(self, receipts: Iterable[Receipt]) -> None:
        """Tell devices what they need not keep; retained, so that one which was away learns it.

        What a connection that breaks takes along is to be published again when there is another one.
        """
        if packets := b"".join([retained(receipt.topic, receipt.payload) for receipt in receipts]):
            self._receipts.append(packets)
            self._wake()

    def send(self, topic: str, payload: bytes) -> None:
        """Publish to a device, without waiting; nothing is promised."""
        try:
            self._client.publish(topic, payload, qos=0)
        except (OSError, ValueError, RuntimeError) as error:
            _LOG.warning("Nothing was sent to %s: %s", topic, error)

    def _wake(self) -> None:
        with suppress(OSError):  # full: it will wake; closed: it has ended
            self._bell.send(b"\0")

    # All that follows runs in the network's thread. An exception there must not end it.

    def _loop(self) -> None:
        pause, connections = FIRST_PAUSE, 0
        while not self._stopping.is_set():
            self._beat = time.monotonic()
            try:
                self._generation += 1
                self._client.reconnect()
                self._serve()
            except OSError as error:
                _LOG.warning("The broker cannot be reached: %s", error)
            except Exception:  # noqa: BLE001 - whatever it was, messages must go on
                _LOG.exception("The MQTT network loop broke; it starts again.")
            self._subscribed.clear()
            pause = FIRST_PAUSE if self.connections > connections else min(2 * pause, LONGEST_PAUSE)
            connections = self.connections
            self._stopping.wait(pause)

    def _serve(self) -> None:
        """One connection, until it is lost or we are to stop."""
        wire = self._client.socket()
        if not isinstance(wire, socket.socket):
            return
        stream = Stream(self._client, wire)
        while self._client.socket() is stream.wire and not self._stopping.is_set():
            if self._await(stream):
                for arrival in stream.read(self._generation, lambda: micros(self._clock())):
                    if arrival.qos or self._has_room():
                        self._came += len(arrival.payload)
                        self.arrivals.put(arrival)
                    else:
                        self.dropped += 1
            self._confirm(stream)
            self._client.loop_misc()
            self._beat = time.monotonic()
        if self._client.socket() is stream.wire:
            self._leave(stream)

    def _has_room(self) -> bool:
        """For messages of QoS 0: they must not keep the others from being read."""
        return self.arrivals.qsize() < MOST_WAITING and self._came - self._went < MOST_HELD // 2

    def _await(self, stream: Stream) -> bool:
        """Wait for something to do; whether that is to read."""
        is_full = self._came - self._went > MOST_HELD and self._client.is_connected()
        ears = [self._ear] if is_full else [self._ear, stream.wire]
        is_ahead = stream.is_ahead and not is_full
        readable, _, _ = select.select(ears, [stream.wire] if stream.has_unsent else [], [], 0 if is_ahead else _TICK)
        if self._ear in readable:
            with suppress(BlockingIOError):
                self._ear.recv(_RINGS)
        return is_ahead or stream.wire in readable

    def _confirm(self, stream: Stream) -> None:
        """Send what is to be sent; not what belongs to another connection."""
        while self._committed:
            arrivals = self._committed.popleft()
            mids = [one.mid for one in arrivals if one.generation == self._generation and one.qos]
            stream.put(acknowledgements(mids))
        while self._receipts and self._client.is_connected():
            stream.put(self._receipts.popleft())
        stream.send()

    def _leave(self, stream: Stream) -> None:
        """Send what is left, then take leave: the broker keeps the session."""
        deadline = time.monotonic() + FAREWELL
        self._confirm(stream)
        while stream.has_unsent and self._client.socket() is stream.wire and time.monotonic() < deadline:
            select.select([], [stream.wire], [], _TICK)
            stream.send()
        self._client.disconnect()
        self._client.loop_write()

    def _on_connect(
        self, client: Client, _: object, flags: ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if reason.is_failure:
            _LOG.error("The broker refuses the connection: %s", reason)
            return
        self.connections += 1
        if not flags.session_present:
            self.new_sessions += 1
        _LOG.info("Connected to the broker, session %s.", "resumed" if flags.session_present else "new")
        try:
            # A retained reading counts like any other: its key tells whether it is known.
            options = SubscribeOptions(qos=1, retainAsPublished=True, retainHandling=1)
            client.subscribe([(topic, options) for topic in self._filters])
            if self._filters[: len(OWN_FILTERS)] != OWN_FILTERS:  # its session may be older than the group
                client.unsubscribe(list(OWN_FILTERS))
        except (OSError, ValueError):
            _LOG.exception("Subscribing failed; the connection is tried again.")

    def _on_disconnect(
        self, _: Client, __: object, ___: DisconnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        self._subscribed.clear()
        if not self._stopping.is_set():
            _LOG.warning("Disconnected from the broker: %s", reason)

    def _on_subscribe(
        self, client: Client, _: object, __: int, reasons: list[ReasonCode], ___: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            filters = ", ".join(self._filters)
            _LOG.error("The broker refuses the subscription to %s: %s", filters, ", ".join(map(str, reasons)))
            client.disconnect()
        else:
            self._subscribed.set()
            _LOG.info("Subscribed to %s.", ", ".join(self._filters))


class BadBrokerUrl(ValueError):
    """The broker's address is not one we can use."""


def _client(url: str, client_id: str, files: Files) -> Client:
    address = urlsplit(url)
    if address.scheme not in ("mqtt", "mqtts") or not address.hostname:
        raise BadBrokerUrl(f"{url!r} is no broker's address; write mqtt://host:1883 or mqtts://host:8883")
    client = Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
    )
    if address.username:
        client.username_pw_set(unquote(address.username), unquote(address.password or ""))
    if address.scheme == "mqtts":
        client.tls_set_context(_context(files))
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_EXPIRY
    properties.ReceiveMaximum = WINDOW
    port = address.port or (8883 if address.scheme == "mqtts" else 1883)
    client.connect_async(address.hostname, port, keepalive=KEEPALIVE, clean_start=False, properties=properties)
    return client


def _context(files: Files) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files.authority)
    if files.certificate:
        context.load_cert_chain(files.certificate, files.key)
    context.sslsocket_class = Peekable
    return context
