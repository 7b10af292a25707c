"""The broker's side: acknowledgements are fenced, and the network loop outlives an exception."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from core.clock import now
from ingest.batch import Arrival
from ingest.mqtt import BadBrokerUrl, Source
from tests.stories.ingesting import eventually, message, publish

pytestmark = pytest.mark.services


@contextmanager
def receiving(url: str, client: str) -> Iterator[Source]:
    source = Source(url, client, clock=now)
    source.start()
    try:
        eventually(lambda: source.is_subscribed)
        yield source
    finally:
        source.stop()


def take(source: Source, device: str) -> Arrival:
    """The next message of a device; other tests' devices may still speak."""
    while True:
        arrival = source.arrivals.get(timeout=10)
        if device in arrival.topic.decode():
            return arrival


def wipe_session(url: str, client_id: str) -> None:
    """Take the session over and end it, as a broker does that loses its memory."""
    address = urlsplit(url)
    other = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
    other.connect(address.hostname or "", address.port or 1883, clean_start=True)
    for _ in range(20):
        other.loop(0.05)
    other.disconnect()
    other.loop(0.05)


def test_what_is_not_acknowledged_comes_again_and_what_is_does_not(broker: str, unique: str) -> None:
    with receiving(broker, f"in-{unique}") as source:
        publish(broker, [message(unique, seq=n) for n in range(2)], client_id=unique)
        first, second = take(source, unique), take(source, unique)
        source.acknowledge([first])
    with receiving(broker, f"in-{unique}") as source:
        assert take(source, unique).payload == second.payload
        assert source.arrivals.empty()


def test_a_late_acknowledgement_does_not_confirm_a_message_of_the_next_session(broker: str, unique: str) -> None:
    with receiving(broker, f"in-{unique}") as source:
        publish(broker, [message(unique, seq=1)], client_id=unique)
        old = take(source, unique)
        wipe_session(broker, f"in-{unique}")
        eventually(lambda: source.new_sessions == 2 and source.is_subscribed)
        publish(broker, [message(unique, seq=2)], client_id=unique)
        new = take(source, unique)
        assert (new.mid, new.generation != old.generation) == (old.mid, True)
        source.acknowledge([old])
    with receiving(broker, f"in-{unique}") as source:
        assert take(source, unique).payload == new.payload


def test_an_exception_in_the_network_loop_does_not_end_it(
    broker: str, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving(broker, f"in-{unique}") as source:

        def broken() -> datetime:
            raise RuntimeError("no clock")

        source._clock = broken
        publish(broker, [message(unique, seq=1)], client_id=unique)
        eventually(lambda: "The MQTT network loop broke" in caplog.text)
        source._clock = now
        assert take(source, unique).payload == message(unique, seq=1).payload


def test_an_address_that_is_none_is_refused_with_what_would_be_right() -> None:
    with pytest.raises(BadBrokerUrl, match="write mqtt://host:1883"):
        Source("localhost:1883", "x", clock=now)
