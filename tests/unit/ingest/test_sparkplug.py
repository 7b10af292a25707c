"""Sparkplug B: payloads of an independent encoder, and a node from birth to death."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.batch import Arrival, Examined, examine
from ingest.reason import Reason, Rejected
from ingest.registry import Registry, register
from ingest.wire import sparkplug
from ingest.wire.message import Binary
from ingest.wire.node import ASK_AGAIN, UNBORN, Node, hear, rebirth_request, rebuilt
from ingest.wire.route import Route, route_of

GOLDEN = {
    name: bytes.fromhex(text)
    for name, text in json.loads((Path(__file__).parents[2] / "golden/sparkplug.json").read_text()).items()
}
T = 1_780_272_000_000
NOW = T * 1000 + 60_000_000
AT = "2026-06-01T00:00:00+00:00"
REGISTRY = Registry(
    {
        "plant.line4": {
            "odometer": register(1, "odometer", kind="counter", unit="km", resolution=Decimal("0.001")),
            "pages": register(2, "pages", kind="counter", unit="page", resolution=Decimal(1)),
            "state": register(3, "state", kind="state", unit="", resolution=Decimal(1)),
        },
        "plant.line4.press": {
            "odometer": register(4, "odometer", kind="counter", unit="m", resolution=Decimal(1)),
            "temperature": register(5, "temperature", kind="gauge", unit="bar", resolution=Decimal(1)),
            "mode": register(6, "mode", kind="state", unit="", resolution=Decimal(1)),
        },
    },
    {"running": 1, "unknown": 10},
    0,
)


def told(kind: str, payload: bytes | None = None, *, at: int = NOW) -> Arrival:
    last = "/press" if kind[0] == "D" else ""
    topic = f"spBv1.0/plant/{kind}/line4{last}".encode()
    return Arrival(1, 0, 0, topic, GOLDEN[kind.lower()] if payload is None else payload, at)


class Line:
    """The node plant/line4 as an ingester hears it."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def hears(self, arrival: Arrival) -> Examined:
        examined = examine(arrival, REGISTRY, self.nodes)
        if examined.node is not None:
            self.nodes["plant/line4"] = examined.node
        return examined


def short(examined: Examined) -> list[tuple[int, int, int]]:
    """Register, ms after T, ticks."""
    return [(row[1], row[2] // 1000 - T, row[3]) for row in examined.rows]


def test_every_data_type_of_an_independent_encoder_is_read_equal_or_refused() -> None:
    found = sparkplug.decode(GOLDEN["types"])
    assert isinstance(found, sparkplug.Payload)
    assert (found.timestamp, found.seq) == (T, 5)
    read = {metric.name: sparkplug.value_of(metric, metric.datatype) for metric in found.metrics}
    refused = {name for name, value in read.items() if isinstance(value, tuple)}
    assert refused == {"when", "raw", "table", "template", "nothing"}
    assert {value[0] for value in read.values() if isinstance(value, tuple)} == {Reason.UNSUPPORTED_VALUE}
    assert {name: value for name, value in read.items() if name not in refused} == {
        "i8": "-1", "i16": "-300", "i32": "-2147483648", "i64": "-9007199254740991",
        "u8": "255", "u16": "65535", "u32": "4294967295", "u64": "9007199254740991",
        "f": "0.1", "d": "-0.1", "b": "true", "s": "läuft", "text": "long",
    }  # fmt: skip
    floats = [value for value in read.values() if isinstance(value, Binary)]
    assert [value.kind for value in floats] == ["float32", "float64"]


def test_births_are_readings_and_explain_the_aliases_of_what_follows() -> None:
    line = Line()
    assert short(line.hears(told("NBIRTH"))) == [(1, 0, 412_350_200), (3, 0, 1), (2, 0, 4_000_000_000)]
    assert short(line.hears(told("NDATA"))) == [(1, 1000, 412_351_700), (2, 500, 4_000_000_007)]
    assert short(line.hears(told("DBIRTH"))) == [(5, 0, -12), (4, 0, 123_456_789)]
    data = line.hears(told("DDATA"))
    assert short(data) == [(5, 2000, -13), (4, 2000, 123_456_800)]
    assert not data.asks


def test_a_binary_float_says_so_beside_the_reading() -> None:
    (odometer, *_) = Line().hears(told("NBIRTH")).rows
    assert odometer[5] == "412350.2 km as float64"


def test_an_alias_before_its_birth_is_held_as_a_whole_and_the_birth_asked_for_once_a_minute() -> None:
    line = Line()
    first, second = line.hears(told("NDATA")), line.hears(told("NDATA", at=NOW + ASK_AGAIN - 1))
    assert (first.rows, first.asks, second.asks) == ([], True, False)
    assert first.rejected == [Rejected(Reason.NO_BIRTH, "no birth says what alias 1 is", -1)]
    assert line.hears(told("NDATA", at=NOW + ASK_AGAIN)).asks


def test_a_device_does_not_use_another_ones_alias() -> None:
    line = Line()
    line.hears(told("NBIRTH"))
    (rejected,) = line.hears(told("DDATA", GOLDEN["ndata"])).rejected
    assert rejected.reason is Reason.NO_BIRTH


def test_a_gap_in_seq_asks_for_a_birth_and_loses_no_reading() -> None:
    line = Line()
    line.hears(told("NBIRTH"))  # seq 0
    line.hears(told("DBIRTH"))  # seq 2: 1 is missing
    assert line.nodes["plant/line4"].asked_at == NOW
    assert len(line.hears(told("NDATA")).rows) == 2


def test_seq_wraps_from_255_to_0() -> None:
    node = Node(is_born=True, seq=255)
    payload = sparkplug_payload(0)
    assert not hear(Route("NDATA", "plant.line4", "plant/line4"), payload, node, received_at=NOW).ask


def sparkplug_payload(seq: int) -> bytes:
    return b"\x18" + bytes([seq])


def test_a_dead_node_leaves_all_its_states_unknown_when_it_is_heard() -> None:
    line = Line()
    for kind in ("NBIRTH", "NDATA", "DBIRTH"):
        line.hears(told(kind))
    death = line.hears(told("NDEATH", at=NOW + 5_000_000))
    assert short(death) == [(3, 65_000, 10), (6, 65_000, 10)]
    assert line.hears(told("NDATA")).rejected[0].reason is Reason.NO_BIRTH


def test_a_testament_of_an_earlier_life_is_void() -> None:
    line = Line()
    line.hears(told("NBIRTH"))
    old = GOLDEN["ndeath"][:-1] + b"\x06"  # bdSeq 6; the birth had 7
    assert line.hears(told("NDEATH", old)).rows == []
    assert len(line.hears(told("NDATA")).rows) == 2


def test_a_dead_device_leaves_its_state_unknown_from_the_time_its_node_says() -> None:
    line = Line()
    for kind in ("NBIRTH", "NDATA", "DBIRTH", "DDATA"):
        line.hears(told(kind))
    assert short(line.hears(told("DDEATH"))) == [(6, 3000, 10)]


def test_births_heard_again_make_the_same_node() -> None:
    line = Line()
    route = [(route_of(one.topic), one.payload, NOW) for one in map(told, ("NBIRTH", "DBIRTH"))]
    for kind in ("NBIRTH", "DBIRTH"):
        line.hears(told(kind))
    again = rebuilt((where, payload, at) for where, payload, at in route if where is not None)
    heard = line.nodes["plant/line4"]
    assert (again.aliases, again.names, again.devices) == (heard.aliases, heard.names, heard.devices)
    assert (again.is_born, again.bd_seq, again.seq) == (True, 7, None)


def test_times_in_seconds_are_recognised() -> None:
    metric = b"\x0a\x08odometer\x20\x08\x58\x05"
    at = sparkplug_number(T // 1000)
    payload = b"\x08" + at + b"\x12" + bytes([len(metric)]) + metric
    (rejected,) = Line().hears(told("DDATA", payload)).rejected
    assert rejected.reason is Reason.TIME_IN_SECONDS


def sparkplug_number(value: int) -> bytes:
    octets = bytearray()
    while value > 127:
        octets.append(value & 127 | 128)
        value >>= 7
    return bytes([*octets, value])


def test_a_rebirth_request_is_a_payload_with_the_one_metric() -> None:
    topic, payload = rebirth_request("plant/line4", at=NOW)
    found = sparkplug.decode(payload)
    assert topic == "spBv1.0/plant/NCMD/line4"
    assert isinstance(found, sparkplug.Payload)
    (metric,) = found.metrics
    assert (metric.name, sparkplug.value_of(metric, metric.datatype)) == ("Node Control/Rebirth", "true")
    assert (found.timestamp, metric.timestamp) == (NOW // 1000, NOW // 1000)


@pytest.mark.parametrize(
    ("topic", "route"),
    [
        (b"spBv1.0/plant/NDATA/line4", Route("NDATA", "plant.line4", "plant/line4")),
        (b"spBv1.0/plant/DDATA/line4/press.2", Route("DDATA", "plant.line4.press.2", "plant/line4")),
        (b"spBv1.0/plant/NDATA/line.4", None),
        (b"spBv1.0/pl.ant/NDATA/line4", None),
        (b"spBv1.0/plant/NCMD/line4", None),
        (b"spBv1.0/STATE/host", None),
        (b"spBv1.0/plant/DDATA/line4", None),
        (b"spBv1.0/plant/NDATA/line4/press", None),
        (b"yardstick/T1/senml", Route("senml", "T1")),
    ],
)
def test_a_topic_names_one_device(topic: bytes, route: Route | None) -> None:
    assert route_of(topic) == route


@given(st.binary(max_size=300), st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"]))
def test_any_octets_are_heard_or_refused(payload: bytes, kind: str) -> None:
    heard = hear(Route(kind, "g.n", "g/n"), payload, UNBORN, received_at=NOW)
    assert all(isinstance(one, Rejected) for one in heard.rejected)


@given(st.data(), st.sampled_from(sorted(GOLDEN)))
def test_a_damaged_payload_is_heard_or_refused(data: st.DataObject, name: str) -> None:
    payload = bytearray(GOLDEN[name])
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    examined = examine(told("NBIRTH", bytes(payload)), REGISTRY)
    assert all(one.reason is not Reason.POISON for one in examined.rejected)
