"""The broker's side: acknowledgements are fenced, and the network loop outlives an exception."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Thread
from time import sleep
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import Engine

from core.clock import now
from ingest import mqtt
from ingest.batch import Arrival
from ingest.mqtt import BadBrokerUrl, Files, Source
from ingest.wire.mqtt import Peekable
from ingest.worker import Ingester
from tests.stories.cable import Cable
from tests.stories.ingesting import Sent, count, declare, eventually, message, packs, publish

pytestmark = pytest.mark.services
TLS = Path(__file__).parent / "tls"
"""A certificate for localhost and its key, good for tests alone."""


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


def test_over_tls_it_takes_and_acknowledges_the_same(engine: Engine, broker: str, unique: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    names = [f"dev{n}-{unique}" for n in range(10)]
    declare(engine, names)
    cable = Cable(broker, tls=context)
    source = Source(cable.url, f"in-{unique}", clock=now, files=Files(str(TLS / "certificate.pem")))
    worker = Ingester(engine, source, client=f"in-{unique}", clock=now)
    thread = Thread(target=worker.run)
    thread.start()
    try:
        eventually(lambda: source.is_subscribed)
        publish(broker, [*packs(names, 400, per_pack=5), *packs(names, 2000, per_pack=1000)], client_id=unique)
        eventually(lambda: count(engine, "ingest.reading") == 20_000)
    finally:
        worker.stop()
        thread.join(30)
        cable.drain()
        cable.close()
    with receiving(broker, f"in-{unique}") as source:
        eventually(lambda: source.is_subscribed)
        assert source.arrivals.empty()  # everything was acknowledged
    assert source.new_sessions == 0


def test_tls_can_be_looked_at_before_it_is_taken() -> None:
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=TLS / "certificate.pem")
    server.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    client.sslsocket_class = Peekable
    one, other = socket.socketpair()
    far = server.wrap_socket(one, server_side=True, do_handshake_on_connect=False)
    shaking = Thread(target=far.do_handshake)
    shaking.start()
    near = client.wrap_socket(other, server_hostname="localhost")
    shaking.join()
    near.setblocking(False)
    with far, near:
        with pytest.raises(ssl.SSLWantReadError):
            near.recv(9, socket.MSG_PEEK)
        far.sendall(b"ab")
        assert (near.recv(9, socket.MSG_PEEK), near.pending()) == (b"ab", 2)
        far.sendall(b"cd")  # the rest of a packet
        assert near.recv(9, socket.MSG_PEEK) == b"abcd"
        assert (near.recv(3), near.recv(9), near.pending()) == (b"abc", b"d", 0)


def test_more_than_may_be_held_waits_on_the_wire(broker: str, unique: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "MOST_HELD", 1_000_000)
    large = [Sent(f"yardstick/{unique}/readings", bytes([n]) * 200_000) for n in range(30)]
    with receiving(broker, f"in-{unique}") as source:
        publish(broker, large, client_id=unique)
        held = [take(source, unique)]
        sleep(1)
        held += [take(source, unique) for _ in range(source.arrivals.qsize())]
        assert 5 <= len(held) <= 8  # a chunk may complete some more
        source.acknowledge(held)
        while len(held) < 30:
            held.append(take(source, unique))
            source.acknowledge(held[-1:])
        assert [one.payload[:1] for one in held] == [one.payload[:1] for one in large]


def test_an_address_that_is_none_is_refused_with_what_would_be_right() -> None:
    with pytest.raises(BadBrokerUrl, match="write mqtt://host:1883"):
        Source("localhost:1883", "x", clock=now)
