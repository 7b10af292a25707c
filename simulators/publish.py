"""A gateway's connection: MQTT 5, QoS 1, nothing forgotten before the broker has acknowledged it.

A lost connection is opened again, and what was not acknowledged is sent again: a message may arrive twice, but it does
arrive. So is what the broker acknowledges but keeps for nobody. What it refuses by a reason code is counted for the
report; sending it again would not help.

The broker's acknowledgement is no promise to keep, so a numbered message stays in the buffer until the receipt of its
device says that it is committed.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.buffer import Buffer
from simulators.wire import Message

WINDOW = 64
PATIENCE = 60.0
PAUSE = 0.2
"""Seconds before a message that nobody listened to is sent again."""
NOBODY_LISTENS = 0x10
"""MQTT 5's reason "No matching subscribers": acknowledged, and stored nowhere."""
Progress = Callable[[int, int], None]
"""Called with messages and readings acknowledged so far."""


class Files(NamedTuple):
    """PEM files for `mqtts://`: the broker's authority (None: the system's), and our own certificate and its key."""

    authority: str | None = None
    certificate: str | None = None
    key: str | None = None


class BrokerUnreachableError(Exception):
    """The broker did not answer for the patience given."""


@dataclass
class Sent:
    """What a publisher got rid of; refusals are (topic, reason) in order."""

    messages: int = 0
    readings: int = 0
    octets: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)


class Publisher:
    """One connection. Use it as a context, from one thread; leaving the context waits for every acknowledgement.

    `url` is `mqtt://[user:password@]host[:port]` or `mqtts://…`. `window` bounds the messages in flight; the broker's
    own Receive Maximum bounds them further. Raises BrokerUnreachableError when nothing moves for `patience` seconds.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        *,
        window: int = WINDOW,
        patience: float = PATIENCE,
        progress: Progress | None = None,
        files: Files | None = None,
    ) -> None:
        self._files = files or Files()
        self.sent = Sent()
        self._url = url
        self._patience = patience
        self._progress = progress
        self._window = window
        self._largest: int | None = None
        self._connected = Event()
        self._answers: SimpleQueue[tuple[int, ReasonCode]] = SimpleQueue()
        self._in_flight: dict[int, Message] = {}
        self._receipts: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
        self._buffer = Buffer()
        self._heard = time.monotonic()
        self._client = self._make_client(client_id)

    def __enter__(self) -> Self:
        self._client.loop_start()
        try:
            self._await_connection()
        except BrokerUnreachableError:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.drain()
        finally:
            self._close()

    def publish(self, message: Message) -> None:
        """Send a message as soon as the window has room; returns before it is acknowledged."""
        self._await_connection()
        self._collect(self._window - 1)
        if self._largest is not None and len(message.payload) + len(message.topic) + 16 > self._largest:
            self.sent.refused.append((message.topic, f"larger than the broker's {self._largest} bytes"))
            return
        if self._buffer.keep(message, time.monotonic()):
            self._client.subscribe(_receipt_topic(message.topic), qos=1)
        info = self._client.publish(message.topic, message.payload, qos=1)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise BrokerUnreachableError(f"{self._url}: the client cannot take {message.topic}: {info.rc.name}")
        self._in_flight[info.mid] = message

    def drain(self) -> None:
        """Wait until every message is acknowledged or refused."""
        self._collect(0)

    def poll(self) -> None:
        """Take in acknowledgements and receipts, without waiting; send again what is missed or overdue."""
        self._collect(self._window)
        while not self._receipts.empty():
            self._buffer.receipt(*self._receipts.get())
        for message in self._buffer.overdue(time.monotonic()):
            self.publish(message)

    @property
    def connected(self) -> bool:
        """Whether the connection stands."""
        return self._connected.is_set()

    @property
    def waiting(self) -> int:
        """Messages not yet acknowledged."""
        return len(self._in_flight)

    @property
    def unreceipted(self) -> int:
        """Messages kept because no receipt covers them yet."""
        return len(self._buffer)

    def _collect(self, allowed: int) -> None:
        """Take in acknowledgements; wait for more while over `allowed` messages are in flight."""
        moved = time.monotonic()
        while True:
            try:
                answer = (
                    self._answers.get(timeout=0.5) if len(self._in_flight) > allowed else self._answers.get_nowait()
                )
            except Empty:
                if len(self._in_flight) <= allowed:
                    return
                if time.monotonic() - moved > self._patience:
                    raise self._unreachable(f"{len(self._in_flight)} messages are not acknowledged") from None
            else:
                moved = time.monotonic()
                self._settle(*answer)

    def _settle(self, mid: int, reason: ReasonCode) -> None:
        message = self._in_flight.pop(mid)
        if reason.value == NOBODY_LISTENS:
            self._again(message)
            return
        self._heard = time.monotonic()
        if reason.is_failure:
            self.sent.refused.append((message.topic, str(reason)))
            return
        self.sent.messages += 1
        self.sent.readings += message.readings
        self.sent.octets += len(message.payload)
        if self._progress:
            self._progress(self.sent.messages, self.sent.readings)

    def _again(self, message: Message) -> None:
        """Send what the broker took but kept for nobody: no ingester has subscribed yet."""
        if time.monotonic() - self._heard > self._patience:
            raise BrokerUnreachableError(f"{self._url}: nobody subscribes to {message.topic}; is an ingester running?")
        time.sleep(PAUSE)
        self._in_flight[self._client.publish(message.topic, message.payload, qos=1).mid] = message

    def _close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _await_connection(self) -> None:
        if not self._connected.wait(self._patience):
            raise self._unreachable("no connection")

    def _unreachable(self, what: str) -> BrokerUnreachableError:
        return BrokerUnreachableError(
            f"{self._url}: {what} after {self._patience:.0f} s. Is a broker running there that allows MQTT 5?"
        )

    def _make_client(self, client_id: str) -> Client:
        at = urlsplit(self._url)
        if at.scheme not in ("mqtt", "mqtts") or not at.hostname:
            raise ValueError(f"{self._url!r} is no broker address: write mqtt://host:1883 or mqtts://host:8883")
        client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5)
        if at.username:
            client.username_pw_set(unquote(at.username), unquote(at.password or ""))
        if at.scheme == "mqtts":
            client.tls_set(*self._files)
        client.max_inflight_messages_set(0)  # the window is ours
        client.reconnect_delay_set(1, 8)
        client.on_connect, client.on_disconnect, client.on_publish = (
            self._on_connect,
            self._on_disconnect,
            self._on_publish,
        )
        client.on_message = lambda _, __, message: self._receipts.put((message.topic, bytes(message.payload)))
        client.connect_async(at.hostname, at.port or (8883 if at.scheme == "mqtts" else 1883), keepalive=30)
        return client

    # These three run in the network thread: they only leave a note for the publishing one.

    def _on_connect(
        self, _: Client, __: object, ___: ConnectFlags, reason: ReasonCode, offer: Properties | None
    ) -> None:
        if reason.is_failure:
            return
        self._largest = getattr(offer, "MaximumPacketSize", None)
        self._window = min(self._window, getattr(offer, "ReceiveMaximum", self._window))
        for topic in self._buffer.topics():
            self._client.subscribe(_receipt_topic(topic), qos=1)
        self._connected.set()

    def _on_disconnect(
        self, _: Client, __: object, ___: DisconnectFlags, ____: ReasonCode, _____: Properties | None
    ) -> None:
        self._connected.clear()

    def _on_publish(self, _: Client, __: object, mid: int, reason: ReasonCode, ___: Properties) -> None:
        self._answers.put((mid, reason))


def _receipt_topic(topic: str) -> str:
    return topic.rpartition("/")[0] + "/receipt"
