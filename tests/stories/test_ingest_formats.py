"""Other wire formats from the broker into the books."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cbor2
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import Engine, text

from core.clock import now
from core.database import transaction
from core.time import micros
from ingest import catalogue, run
from ingest.review import run as review
from ingest.review.item import Ruling
from ingest.store import node as nodes
from ingest.wire import sparkplug
from tests.stories.ingesting import (
    Ending,
    Sent,
    count,
    declare,
    ending,
    eventually,
    ingesting,
    message,
    odometer,
    publish,
    reasons,
)

pytestmark = pytest.mark.services
T = 1_780_272_000_000
"""The golden payloads were made at this ms; here they are an hour old."""
STARTED = micros(now()) // 1000 - 3_600_000


def number(value: int) -> bytes:
    """As protobuf writes it."""
    octets = bytearray()
    while value > 127:
        octets.append(value & 127 | 128)
        value >>= 7
    return bytes([*octets, value])


def recent(payload: bytes) -> bytes:
    for after in (0, 500, 1000, 2000, 3000):
        payload = payload.replace(number(T + after), number(STARTED + after))
    return payload


GOLDEN = {
    name: recent(bytes.fromhex(hexadecimal))
    for name, hexadecimal in json.loads((Path(__file__).parents[1] / "golden/sparkplug.json").read_text()).items()
}


class Speaker:
    """A device that speaks MQTT 5 with content types and user properties, and hears what is sent to it."""

    def __init__(self, url: str, name: str, *, hears: str = "") -> None:
        self.heard: list[bytes] = []
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = self._on_message
        address = urlsplit(url)
        self._client.connect(address.hostname or "", address.port or 1883)
        self._client.loop_start()
        if hears:
            self._client.subscribe(hears)
            time.sleep(0.2)

    def _on_message(self, _: Client, __: object, message: MQTTMessage) -> None:
        self.heard.append(bytes(message.payload))

    def says(self, topic: str, payload: bytes, *, content_type: str = "", **attributes: str) -> None:
        said = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if content_type:
            said.ContentType = content_type
        if attributes:
            said.UserProperty = list(attributes.items())
        self._client.publish(topic, payload, qos=1, properties=said).wait_for_publish(30)

    def leaves(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def values(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT value FROM ingest.reading ORDER BY at, register")).scalars())


def test_senml_in_json_and_cbor_by_topic_and_by_content_type(engine: Engine, broker: str, unique: str) -> None:
    name = f"dev-{unique}"
    declare(engine, [name])
    base = micros(now()) // 1_000_000 - 3600
    pack = [{"bn": f"{name}/", "bt": base, "n": "odometer", "u": "km", "v": 1.25}, {"n": "state", "vs": "idle"}]
    coded = cbor2.dumps([{-2: f"{name}/", -3: base + 60, 0: "odometer", 1: "m", 2: 2500}])
    speaker = Speaker(broker, unique)
    with ingesting(engine, broker, f"in-{unique}"):
        speaker.says(f"yardstick/{name}/senml", json.dumps(pack).encode())
        speaker.says(f"yardstick/{name}/senml", coded)
        speaker.says(f"yardstick/{name}/readings", coded, content_type="application/senml+cbor")
        speaker.says(f"yardstick/{name}/readings", b"<xml/>", content_type="application/xml")
        eventually(lambda: ending(engine).received == 5)
    speaker.leaves()
    assert ending(engine) == Ending(5, 3, 1, 1)
    assert reasons(engine) == {"unknown_format": 1}
    assert values(engine) == [1250, 2, 2500]


def test_an_event_that_comes_again_is_a_duplicate_even_with_relative_times(
    engine: Engine, broker: str, unique: str
) -> None:
    name = f"dev-{unique}"
    declare(engine, [name])
    topic = f"yardstick/{name}/readings"
    pack, other = (json.dumps([{"n": "odometer", "u": "km", "v": v}]).encode() for v in (1, 2))
    attributes = {"specversion": "1.0", "source": "/t", "type": "r"}
    kind = "application/senml+json"
    whole = {
        **attributes,
        "id": "2",
        "datacontenttype": kind,
        "data": [{"n": "odometer", "t": -60, "u": "km", "v": 0.5}],
    }
    speaker = Speaker(broker, unique)
    with ingesting(engine, broker, f"in-{unique}"):
        for payload in (pack, pack, other):  # in one batch, or in several
            speaker.says(topic, payload, content_type=kind, id="1", **attributes)
        eventually(lambda: ending(engine).received == 3)
        speaker.says(topic, pack, content_type=kind, id="1", **attributes)
        speaker.says(f"yardstick/{name}/event", json.dumps(whole).encode())
        speaker.says(topic, b"{}", content_type="application/cloudevents+json")
        eventually(lambda: ending(engine).received == 6)
    speaker.leaves()
    assert ending(engine) == Ending(6, 2, 2, 2)
    assert reasons(engine) == {"reused_event": 1, "bad_event": 1}
    assert sorted(values(engine)) == [500, 1000]


def plant(engine: Engine, group: str) -> None:
    registers: list[dict[str, Any]] = [
        {"register": "odometer", "kind": "counter", "unit": "km", "resolution": "1 m"},
        {"register": "pages", "kind": "counter", "unit": "page", "resolution": "1 page"},
        {"register": "state", "kind": "state"},
    ]
    found = catalogue.of({"devices": [{"device": f"{group}.line4", "registers": registers}]})
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(engine, found, now(), author="test")


def test_a_node_is_asked_for_its_birth_and_what_was_held_is_replayed(engine: Engine, broker: str, unique: str) -> None:
    group = f"plant-{unique}"
    plant(engine, group)
    speaker = Speaker(broker, unique, hears=f"spBv1.0/{group}/NCMD/line4")
    with ingesting(engine, broker, f"in-{unique}"):
        speaker.says(f"spBv1.0/{group}/NDATA/line4", GOLDEN["ndata"])
        eventually(lambda: reasons(engine) == {"no_birth": 1} and len(speaker.heard) == 1)
        assert sparkplug_names(speaker.heard[0]) == ["Node Control/Rebirth"]
        speaker.says(f"spBv1.0/{group}/NBIRTH/line4", GOLDEN["nbirth"])
        eventually(lambda: ending(engine).stored == 5)
    # The message that was held is one item, its two readings are two more; the birth has three.
    assert ending(engine) == Ending(6, 5, 0, 1)
    assert count(engine, "ingest.quarantine_action") == 1
    with ingesting(engine, broker, f"in-{unique}"):  # a new ingester knows the aliases
        speaker.says(f"spBv1.0/{group}/NDATA/line4", GOLDEN["ndata"])
        eventually(lambda: ending(engine).duplicate == 2)
        speaker.says(f"spBv1.0/{group}/NDEATH/line4", GOLDEN["ndeath"])
        eventually(lambda: ending(engine).stored == 6)
        speaker.says(f"spBv1.0/{group}/NDATA/line4", GOLDEN["ndata"])  # held already: the same message
        eventually(lambda: ending(engine).duplicate == 3)
    speaker.leaves()
    with engine.connect() as connection:
        last = connection.execute(text("SELECT value FROM ingest.reading ORDER BY at DESC LIMIT 1")).scalar_one()
        code = connection.execute(text("SELECT name FROM ingest.state_code WHERE id = :last"), {"last": last})
        assert code.scalar_one() == "unknown"


def sparkplug_names(payload: bytes) -> list[str]:
    found = sparkplug.decode(payload)
    assert isinstance(found, sparkplug.Payload)
    return [metric.name for metric in found.metrics]


def test_other_topics_are_subscribed_beside_ours(engine: Engine, broker: str, unique: str) -> None:
    declare(engine, [f"dev-{unique}"])
    with ingesting(engine, broker, f"in-{unique}"):
        publish(
            broker,
            [
                Sent(f"yardstick/dev-{unique}/senml", b"[]"),
                Sent(f"yardstick/dev-{unique}/senml", b"nonsense"),
                Sent(f"yardstick/dev-{unique}/readings", json.dumps(
                    {"v": 1, "boot": "b", "seq": 1, "readings": [odometer(1)]}).encode()),
            ],
            client_id=unique,
        )  # fmt: skip
        eventually(lambda: ending(engine).received == 2)
    assert reasons(engine) == {"not_json": 1}


def test_a_message_that_is_replayed_is_read_as_it_was_meant(engine: Engine, broker: str, unique: str) -> None:
    """Neither its topic nor its looks tell: only the content type and the properties that came with it."""
    name = f"late-{unique}"
    at = micros(now()) // 1_000_000 - 3600
    pack = json.dumps([{"n": "odometer", "bt": at, "u": "m", "v": 2500}]).encode()
    event = {"specversion": "1.0", "source": "/t", "type": "r", "id": "é\u2028"}
    topic = f"yardstick/{name}/readings"
    speaker = Speaker(broker, unique)
    with ingesting(engine, broker, f"in-{unique}"):
        speaker.says(topic, b" " + pack, content_type="application/senml+json; charset=utf-8")
        speaker.says(topic, message(name, odometer(1)).payload, content_type="application/json", **event)
        eventually(lambda: ending(engine).received == 2)
    speaker.leaves()
    assert reasons(engine) == {"unknown_device": 2}
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT content_type, properties FROM ingest.quarantine ORDER BY 1")).all()
    assert [tuple(row) for row in kept] == [
        ("application/json", [list(one) for one in event.items()]),
        ("application/senml+json; charset=utf-8", []),
    ]
    declare(engine, [name])
    ruling = Ruling("replay", "test", "registered", {})
    done = review.replay(engine, now(), ruling=ruling, reason=None, device=None, dry=False)
    assert (done.closed, done.stored, done.refused) == (2, 2, ())
    assert sorted(values(engine)) == [1001, 2500]


def test_births_and_deaths_that_count_no_more_are_forgotten(engine: Engine, broker: str, unique: str) -> None:
    group = f"plant-{unique}"
    plant(engine, group)
    speaker = Speaker(broker, unique)

    def kept() -> list[str]:
        with engine.connect() as connection:
            lives = text("SELECT split_part(topic, '/', 3) FROM ingest.node_life ORDER BY received_at")
            return list(connection.execute(lives).scalars())

    with ingesting(engine, broker, f"in-{unique}"):
        for kind, wanted in (
            ("NBIRTH", ["NBIRTH"]),
            ("NBIRTH", ["NBIRTH"]),
            ("DBIRTH/press", ["NBIRTH", "DBIRTH"]),
            ("DDEATH/press", ["NBIRTH", "DBIRTH", "DDEATH"]),
            ("DBIRTH/press", ["NBIRTH", "DDEATH", "DBIRTH"]),
            ("NDEATH", ["NBIRTH", "DDEATH", "DBIRTH", "NDEATH"]),
            ("NBIRTH", ["NDEATH", "NBIRTH"]),
        ):
            kind_, _, part = kind.partition("/")
            topic = "/".join(filter(None, ("spBv1.0", group, kind_, "line4", part)))
            speaker.says(topic, GOLDEN["nbirth" if "BIRTH" in kind else "ndeath"])
            eventually(lambda wanted=wanted: kept() == wanted, seconds=10)  # type: ignore[misc]
    speaker.leaves()
    with transaction(engine) as connection:
        assert nodes.living(connection)[f"{group}/line4"].is_born
