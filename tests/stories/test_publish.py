"""A gateway and a real broker: everything arrives, also over a connection that is cut again and again."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from simulators.fault import FaultPlan
from simulators.publish import BrokerUnreachableError, Publisher
from simulators.run import run_live, upload_history
from simulators.scenario import Scenario, demo
from simulators.wire import Message
from tests.stories.cable import Cable

pytestmark = pytest.mark.services
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


class Subscriber:
    """Everything published under a topic filter, at QoS 1, in order of arrival."""

    def __init__(self, url: str, topics: str) -> None:
        self.messages: list[tuple[str, bytes]] = []
        at = urlsplit(url)
        self.client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self.client.on_message = self._take
        subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.connect(at.hostname or "", at.port or 1883)
        self.client.loop_start()
        self.client.subscribe(topics, qos=1)
        assert subscribed.wait(10)

    def _take(self, _: Client, __: object, message: MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload)))

    def await_(self, enough: Callable[[], bool]) -> None:
        """Wait until a condition on the messages holds, 30 s at most."""
        deadline = time.monotonic() + 30
        while not enough():
            assert time.monotonic() < deadline, f"only {len(self.messages)} messages came"
            time.sleep(0.02)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def subscriber(url: str, topics: str) -> Iterator[Subscriber]:
    made = Subscriber(url, topics)
    yield made
    made.close()


@contextmanager
def cable(url: str) -> Iterator[Cable]:
    made = Cable(url)
    yield made
    made.close()


def messages(word: str, count: int) -> list[Message]:
    return [Message("gw", f"test-{word}/{n % 7}", f"{n} {'x' * 3000}".encode(), 2) for n in range(count)]


def small_demo(word: str, hours: int = 6) -> Scenario:
    """Four trucks and a printer on gateways of this test's own; only the last hours of the past."""
    whole = demo(NOW)
    devices = [
        device for device in whole.devices if device.identity.asset in ("NH-01", "NH-23", "BF-01", "BF-10", "HP-01")
    ]
    for device in devices:
        who = device.identity
        device.identity = replace(who, name=f"{who.name}-{word}", gateway=f"{who.gateway}-{word}")
    month = (whole.until - timedelta(hours=hours), whole.months[3][1])
    return replace(whole, devices=tuple(devices), months=(month,))


def test_everything_arrives_in_order(broker: str, unique: str) -> None:
    seen: list[tuple[int, int]] = []
    with (
        subscriber(broker, f"test-{unique}/#") as there,
        Publisher(broker, f"gw-{unique}", window=16, progress=lambda *now: seen.append(now)) as publisher,
    ):
        for message in messages(unique, 500):
            publisher.publish(message)
            assert publisher.waiting <= 16
        publisher.drain()
        assert (publisher.sent.messages, publisher.sent.readings, publisher.waiting) == (500, 1000, 0)
        there.await_(lambda: len(there.messages) >= 500)
        assert there.messages == [(message.topic, message.payload) for message in messages(unique, 500)]
    assert seen == [(n, 2 * n) for n in range(1, 501)]


def test_a_cut_connection_loses_nothing(broker: str, unique: str) -> None:
    sent = messages(unique, 600)
    with ExitStack() as stack:
        there = stack.enter_context(subscriber(broker, f"test-{unique}/#"))
        wire = stack.enter_context(cable(broker))
        publisher = stack.enter_context(Publisher(wire.url, f"gw-{unique}", window=32))
        for n, message in enumerate(sent):
            publisher.publish(message)
            if n in (100, 350):
                wire.cut()
        publisher.drain()
        assert wire.made >= 3
        assert publisher.sent.messages == 600
        wanted = {message.payload for message in sent}
        there.await_(lambda: {payload for _, payload in there.messages} >= wanted)
        assert {payload for _, payload in there.messages} == wanted
        # What was in flight when the wire broke may come twice, nothing else.
        assert len(there.messages) - 600 <= 2 * 32


def test_no_broker_is_said_with_its_address(unique: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"mqtt://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(BrokerUnreachableError, match=url), Publisher(url, unique, patience=0.3):
        pass


@pytest.mark.parametrize("url", ["127.0.0.1:1883", "http://127.0.0.1", "mqtt://"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no broker address"):
        Publisher(url, "gw")


def test_what_the_broker_refuses_is_counted_and_the_rest_arrives(broker: str, unique: str) -> None:
    huge = Message("gw", f"test-{unique}/huge", b"x" * 3_000_000, 1)
    with (
        subscriber(broker, f"test-{unique}/#") as there,
        Publisher(broker, f"gw-{unique}") as publisher,
    ):
        for message in (huge, *messages(unique, 3)):
            publisher.publish(message)
        publisher.drain()
        assert [topic for topic, _ in publisher.sent.refused] == [huge.topic]
        assert publisher.sent.messages == 3
        there.await_(lambda: len(there.messages) >= 3)


def test_the_past_is_uploaded_with_what_was_injected(broker: str, unique: str) -> None:
    scenario = small_demo(unique)
    counted: list[tuple[int, int]] = []
    plan = FaultPlan(duplicates=200, out_of_order=100, conflicts=2, garbage=12, garbage_every=5)
    with subscriber(broker, "yardstick/#") as there:
        upload = upload_history(scenario, broker, per_pack=2, faults=plan, progress=lambda *now: counted.append(now))
        assert upload.refused == []
        assert counted[-1] == (upload.messages, upload.readings)
        injected = {one.kind: one for one in upload.injected}
        extra = injected["duplicate"].items + 12 + 2
        assert injected["duplicate"].messages > 5
        assert upload.readings == scenario.readings() + extra == 37 * (4 * 2 + 3) + extra
        ours = [(t, p) for t, p in there.messages if unique in t or "ghost" in t]
        there.await_(lambda: len([1 for t, _ in there.messages if unique in t or "ghost" in t]) >= upload.messages)
        ours = [(t, p) for t, p in there.messages if unique in t or "ghost" in t]
    expected = {(pack.topic, pack.payload) for pack in scenario.history(per_pack=2)}
    assert expected <= set(ours)
    assert len(ours) == upload.messages
    assert sum(count - 1 for count in Counter(ours).values()) == injected["duplicate"].messages
    assert all(b'"17"' in payload for _, payload in ours[-2:])


def test_live_goes_on_where_the_past_ended(broker: str, unique: str) -> None:
    scenario = small_demo(unique)
    stop = threading.Event()
    # Asked once for the boot's name, then once a round.
    offsets = iter([0, 9, 603, 613, 1205])

    def clock() -> datetime:
        offset = next(offsets)
        if offset == 1205:
            stop.set()
        return NOW + timedelta(seconds=offset)

    with subscriber(broker, "yardstick/#") as there:
        upload = run_live(scenario, broker, stop=stop, interval=0.01, clock=clock)
        there.await_(lambda: len([1 for t, _ in there.messages if unique in t]) >= upload.messages)
        told = [json.loads(p) for t, p in there.messages if t == f"yardstick/tcu-nh-23-{unique}/readings"]
    assert upload.messages == 5 * 4
    assert [one["seq"] for one in told] == [1, 2, 3, 4]
    instants = [[reading["at"][11:19] for reading in one["readings"][::2]] for one in told]
    assert instants == [["12:00:09"], ["12:10:00", "12:10:03"], ["12:10:13"], ["12:20:00", "12:20:05"]]


def test_live_outlives_a_broken_wire(broker: str, unique: str) -> None:
    scenario = small_demo(unique)
    stop = threading.Event()
    rounds = iter(range(10_000))
    with subscriber(broker, "yardstick/#") as there, cable(broker) as wire:
        # Each round is ten minutes later: each must tell its grid instant.
        live = threading.Thread(
            target=run_live,
            args=(scenario, wire.url),
            kwargs={"stop": stop, "interval": 0.01, "clock": lambda: NOW + timedelta(minutes=10 * next(rounds))},
        )
        live.start()

        def told() -> list[str]:
            mine = [json.loads(p) for t, p in there.messages if t == f"yardstick/prt-hp-01-{unique}/readings"]
            return sorted({reading["at"] for one in mine for reading in one["readings"]})

        there.await_(lambda: len(told()) > 10)
        wire.cut()
        broken_at = len(told())
        there.await_(lambda: len(told()) > broken_at + 100)
        stop.set()
        live.join(30)
        assert not live.is_alive()
        assert wire.made > 2
        last = NOW + timedelta(minutes=10 * (next(rounds) - 1))
        expected = [NOW + timedelta(minutes=10 * n) for n in range(1, (last - NOW) // timedelta(minutes=10) + 1)]
        there.await_(lambda: len(told()) >= len(expected))
        assert told() == [f"{when.isoformat()[:19]}Z" for when in expected]


def test_what_nobody_listens_to_is_sent_again_until_somebody_does(broker: str, unique: str) -> None:
    topic = f"early/{unique}"
    late: list[Subscriber] = []
    timer = threading.Timer(1, lambda: late.append(Subscriber(broker, topic)))
    timer.start()
    with Publisher(broker, f"early-{unique}", window=4) as publisher:
        for n in range(10):
            publisher.publish(Message("gw", topic, str(n).encode(), 1))
    timer.join()
    late[0].await_(lambda: len(late[0].messages) == 10)
    assert {payload for _, payload in late[0].messages} == {str(n).encode() for n in range(10)}
    late[0].close()


def test_a_publisher_says_when_nobody_listens_for_too_long(broker: str, unique: str) -> None:
    with (
        pytest.raises(BrokerUnreachableError, match=r"nobody subscribes to .*is an ingester running"),
        Publisher(broker, f"lonely-{unique}", patience=1) as publisher,
    ):
        publisher.publish(Message("gw", f"lonely/{unique}", b"{}", 1))
