"""The broker's side of the ingester: take messages, and acknowledge them when told that they are committed.

A message's number means something only within one connection, so acknowledgements are fenced by its generation: a late
one could otherwise confirm another message that was never stored.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from queue import SimpleQueue
from time import monotonic
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core.time import micros
from ingest.batch import Arrival
from ingest.sequence import Receipt
from ingest.wire.route import NODE_FILTERS, OWN_FILTERS

SESSION_EXPIRY = 30 * 24 * 3600
"""Seconds for which the broker keeps what waits for us: longer than any outage we mean to survive."""
WINDOW = 4_000
"""Messages that may be unacknowledged: some batches of the largest size."""
KEEPALIVE = 30
MOST_WAITING = 2 * WINDOW
"""Messages that wait to be judged, of which so many can only be there because of QoS 0, for which no window holds."""
LONGEST_BEAT = 60.0
"""Seconds in which a network loop that is well turns round, also while the broker is away."""
PATIENCE = 1.0
"""Seconds until a network loop that broke is started again."""

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
        self.new_sessions = self.connections = self.dropped = 0
        self._clock = clock
        # An edge node's births explain its data, so whoever hears one must hear the other.
        own = tuple(f"$share/{group}/{topic}" for topic in OWN_FILTERS) if group else OWN_FILTERS
        self._filters = own + NODE_FILTERS
        self._generation = 0
        self._fence = threading.Lock()
        self._stopping = threading.Event()
        self._subscribed = threading.Event()
        self._client = _client(url, client_id, files or Files())
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._thread = threading.Thread(target=self._loop, name="mqtt", daemon=True)

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def stop(self) -> None:
        """Say good-bye; what is not acknowledged waits in the session, which stays subscribed."""
        self._stopping.set()
        self._client.disconnect()
        self._thread.join(timeout=5)

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
        silence = monotonic() - self._client.beat
        return [f"the network loop has not turned for {silence:.0f} s"] if silence > LONGEST_BEAT else []

    def acknowledge(self, arrivals: Iterable[Arrival]) -> None:
        """Confirm committed messages, in order of arrival; those of an earlier connection come again."""
        with self._fence:
            for arrival in arrivals:
                if arrival.generation == self._generation:
                    self._client.ack(arrival.mid, arrival.qos)

    def publish(self, receipts: Iterable[Receipt]) -> None:
        """Tell devices what they need not keep; retained, so that one which was away learns it."""
        for receipt in receipts:
            self._client.publish(receipt.topic, receipt.payload, qos=1, retain=True)

    def _loop(self) -> None:
        """Keep the network loop running: an exception in it would end it in silence."""
        while not self._stopping.is_set():
            try:
                self._client.loop_forever(retry_first_connection=True)
            except Exception:  # noqa: BLE001 - whatever it was, messages must go on
                _LOG.exception("The MQTT network loop broke; it starts again.")
            if not self._stopping.wait(PATIENCE):
                self._reconnect()

    def _reconnect(self) -> None:
        try:
            self._client.reconnect()
        except OSError as error:
            _LOG.warning("The broker cannot be reached: %s", error)

    # Called in the network thread. An exception here would end it.

    def _on_connect(
        self, client: Client, _: object, flags: ConnectFlags, reason: ReasonCode, __: Properties | None
    ) -> None:
        if reason.is_failure:
            _LOG.error("The broker refuses the connection: %s", reason)
            return
        with self._fence:
            self._generation += 1
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

    def _on_connect_fail(self, *_: object) -> None:
        self._client.beat = monotonic()

    def _on_disconnect(
        self, _: Client, __: object, ___: DisconnectFlags, reason: ReasonCode, ____: Properties | None
    ) -> None:
        self._subscribed.clear()
        with self._fence:
            self._generation += 1
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

    def _on_message(self, _: Client, __: object, message: MQTTMessage) -> None:
        if not message.qos and self.arrivals.qsize() >= MOST_WAITING:
            self.dropped += 1
            return
        # message.topic would raise for invalid UTF-8; the octets never do.
        topic: bytes = message._topic  # noqa: SLF001
        received_at = micros(self._clock())
        arrival = Arrival(self._generation, message.mid, message.qos, topic, bytes(message.payload), received_at)
        self.arrivals.put(arrival if message.properties is None else _described(arrival, message.properties))

    def send(self, topic: str, payload: bytes) -> None:
        """Publish to a device, without waiting; nothing is promised."""
        try:
            self._client.publish(topic, payload, qos=0)
        except (OSError, ValueError, RuntimeError) as error:
            _LOG.warning("Nothing was sent to %s: %s", topic, error)


def _described(arrival: Arrival, said: Properties) -> Arrival:
    """With what MQTT 5 tells of a payload."""
    known = vars(said)
    content_type, properties = known.get("ContentType", ""), known.get("UserProperty", ())
    if not content_type and not properties:
        return arrival
    return arrival._replace(content_type=content_type, properties=tuple(properties))


class BadBrokerUrl(ValueError):
    """The broker's address is not one we can use."""


class _Client(Client):
    """Tells when its network loop last turned round."""

    def __init__(self, client_id: str) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
        )
        self.beat = monotonic()

    def loop_misc(self) -> MQTTErrorCode:
        """The end of each turn."""
        self.beat = monotonic()
        return super().loop_misc()


def _client(url: str, client_id: str, files: Files) -> _Client:
    address = urlsplit(url)
    if address.scheme not in ("mqtt", "mqtts") or not address.hostname:
        raise BadBrokerUrl(f"{url!r} is no broker's address; write mqtt://host:1883 or mqtts://host:8883")
    client = _Client(client_id)
    if address.username:
        client.username_pw_set(unquote(address.username), unquote(address.password or ""))
    if address.scheme == "mqtts":
        client.tls_set(files.authority, files.certificate, files.key)
    client.reconnect_delay_set(min_delay=1, max_delay=10)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_EXPIRY
    properties.ReceiveMaximum = WINDOW
    port = address.port or (8883 if address.scheme == "mqtts" else 1883)
    client.connect_async(address.hostname, port, keepalive=KEEPALIVE, clean_start=False, properties=properties)
    return client
