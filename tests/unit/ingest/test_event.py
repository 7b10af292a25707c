"""CloudEvents around other formats, the choice of a format, and the examples of the documentation."""

import base64
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.time import micros
from ingest.batch import Arrival, Batch, evidence, examine
from ingest.reason import Reason, Rejected
from ingest.registry import Registry, register
from ingest.wire.event import Event, unwrap
from ingest.wire.format import Format, format_of, look

NOW = micros(datetime(2026, 6, 2, tzinfo=UTC))
DEVICE = "tcu-nh-01"
REGISTRY = Registry(
    {
        DEVICE: {
            "odometer": register(1, "odometer", kind="counter", unit="km", resolution=Decimal("0.001")),
            "state": register(2, "state", kind="state", unit="", resolution=Decimal(1)),
            "black": register(3, "black", kind="gauge", unit="%", resolution=Decimal("0.1"), minimum=0, maximum=1000),
            "pages": register(4, "pages", kind="counter", unit="page", resolution=Decimal(1)),
        }
    },
    {"running": 1},
    0,
)
STRUCTURED = "application/cloudevents+json; charset=utf-8"
HEAD = {"specversion": "1.0", "id": "e-17", "source": "/t", "type": "readings"}
DOCUMENTED = (Path(__file__).parents[3] / "docs/devices.md").read_text()


def arrival(payload: bytes, kind: str = "readings", content_type: str = "", **properties: str) -> Arrival:
    topic = f"yardstick/{DEVICE}/{kind}".encode()
    return Arrival(1, 7, 1, topic, payload, NOW, content_type, tuple(properties.items()))


def example(heading: str) -> bytes:
    section = DOCUMENTED.split(f"### {heading}\n")[1]
    match = re.search(r"```json\n(.*?)```", section, re.DOTALL)
    assert match
    return match[1].encode()


def test_the_documented_senml_is_read() -> None:
    examined = examine(arrival(example("SenML"), "senml"), REGISTRY)
    at = micros(datetime(2026, 6, 1, tzinfo=UTC))
    assert [row[1:4] for row in examined.rows] == [
        (1, at, 412_350_200), (1, at + 600_000_000, 412_361_700), (2, at + 600_000_000, 1),
    ]  # fmt: skip
    assert examined.rejected == []


def test_the_documented_event_is_read() -> None:
    examined = examine(arrival(example("CloudEvents"), "event"), REGISTRY)
    assert [row[1:4] for row in examined.rows] == [(1, micros(datetime(2026, 6, 1, tzinfo=UTC)), 412_350_200)]
    assert examined.event is not None
    assert (examined.event.source, examined.event.id) == ("/trucks/nh-01", "e-17")


@pytest.mark.parametrize(
    ("fields", "kind", "data"),
    [
        ({"data": {"v": 1.50}}, "", b'{"v": 1.5}'),
        ({"data": "text", "datacontenttype": "text/csv"}, "text/csv", b"text"),
        ({"data_base64": base64.b64encode(b"\x81\xa0").decode()}, "", b"\x81\xa0"),
    ],
)
def test_a_structured_event_carries_its_data(fields: dict[str, Any], kind: str, data: bytes) -> None:
    found = unwrap(json.dumps({**HEAD, **fields}).encode(), STRUCTURED, ())
    assert found == Event("/t", "e-17", kind, data)


def test_numbers_in_the_data_keep_their_digits() -> None:
    payload = json.dumps(HEAD)[:-1].encode() + b', "data": {"v": 412350.20000000000000000001e0 }}'
    found = unwrap(payload, STRUCTURED, ())
    assert isinstance(found, Event)
    assert found.payload.strip() == b'{"v": 412350.20000000000000000001e0 }'


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"specversion": "0.3"}, "bad_event"),
        ({"id": ""}, "bad_event"),
        ({"source": 7}, "bad_event"),
        ({"data_base64": "!"}, "bad_event"),
        ({"data": 1, "data_base64": ""}, "bad_event"),
        ({"datacontenttype": 1, "data": 1}, "bad_event"),
        ({}, "bad_event"),
    ],
)
def test_an_incomplete_event_is_rejected(changed: dict[str, Any], reason: str) -> None:
    found = unwrap(json.dumps({**HEAD, **changed}).encode(), STRUCTURED, ())
    assert isinstance(found, Rejected)
    assert found.reason.value == reason


def test_a_binary_event_has_its_attributes_beside_the_data() -> None:
    pack = b'[{"n":"odometer","u":"km","v":1}]'
    examined = examine(arrival(pack, content_type="application/senml+json", **HEAD), REGISTRY)
    assert [row[1:4] for row in examined.rows] == [(1, NOW, 1000)]
    assert examined.event == Event("/t", "e-17", "application/senml+json", pack)


@pytest.mark.parametrize(
    ("kind", "content_type", "payload", "expected"),
    [
        ("readings", "", b"{}", Format.YARDSTICK),
        ("readings", "application/senml+cbor", b"", Format.SENML_CBOR),
        ("readings", "Application/SenML+JSON; charset=utf-8", b"", Format.SENML_JSON),
        ("senml", "", b"[]", Format.SENML_JSON),
        ("senml", "", b"\x80", Format.SENML_CBOR),
        ("senml", "", b"\x9f\xff", Format.SENML_CBOR),
        ("event", "application/json", b"{}", Format.CLOUDEVENT),
    ],
)
def test_the_content_type_decides_and_else_the_topic(
    kind: str, content_type: str, payload: bytes, expected: Format
) -> None:
    assert format_of(kind, content_type, payload) is expected


def test_an_unknown_content_type_is_refused() -> None:
    (rejected,) = examine(arrival(b"<a/>", content_type="application/xml"), REGISTRY).rejected
    assert rejected.reason is Reason.UNKNOWN_FORMAT


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b' {"v":1}', Format.YARDSTICK),
        (b'{"specversion":"1.0"}', Format.CLOUDEVENT),
        (b" [{}]", Format.SENML_JSON),
        (b"\x81\xa0", Format.SENML_CBOR),
        (b"\x08\x01", Format.SPARKPLUG),
        (b"", Format.YARDSTICK),
    ],
)
def test_a_look_tells_the_format(payload: bytes, expected: Format) -> None:
    assert look(payload) is expected


@pytest.mark.parametrize("code", ["-1", "-2", "-3"])
def test_a_printers_code_for_an_unknown_level_is_told_from_an_amount(code: str) -> None:
    pack = json.dumps([{"n": "black", "u": "%", "v": int(code)}, {"n": "pages", "u": "count", "v": int(code)}])
    examined = examine(arrival(pack.encode(), "senml"), REGISTRY)
    assert [one.reason for one in examined.rejected] == [Reason.SUPPLY_CODE, Reason.OUT_OF_RANGE]


def test_a_count_is_in_the_registers_own_unit() -> None:
    (row,) = examine(arrival(b'[{"n":"pages","u":"count","v":7}]', "senml"), REGISTRY).rows
    assert row[3] == 7


def test_an_item_of_another_format_is_kept_as_ours_so_that_it_can_be_repaired() -> None:
    message = arrival(b'[{"n":"x","u":"km","v":1.50},{"n":"y","v":1,"vs":"a"}]', "senml")
    batch = Batch()
    batch.add(message, examine(message, REGISTRY))
    kept = evidence(batch, 0)
    assert json.loads(kept[0]) == {
        "register": "x", "at": "2026-06-02T00:00:00+00:00", "value": "1.50", "unit": "km",
    }  # fmt: skip
    assert json.loads(kept[1]) == {"n": "y", "v": "1", "vs": "a"}


@given(
    st.binary(max_size=200),
    st.sampled_from(
        ["", STRUCTURED, "application/senml+json", "application/senml+cbor", "application/cloudevents-batch"]
    ),
    st.sampled_from(["readings", "senml", "event"]),
    st.dictionaries(st.sampled_from(["specversion", "id", "source", "type", "x"]), st.text(max_size=4)),
)
def test_no_message_is_a_fault_of_ours(
    payload: bytes, content_type: str, kind: str, attributes: dict[str, str]
) -> None:
    message = arrival(payload, kind, content_type, **attributes)
    examined = examine(message, REGISTRY)
    assert all(one.reason is not Reason.POISON for one in examined.rejected)
    batch = Batch()
    batch.add(message, examined)
    evidence(batch, 0)
