"""SenML: the packs of RFC 8428 resolve to the RFC's resolved form; numbers stay exact; what is wrong is said."""

import contextlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.time import micros
from ingest.reason import Rejected
from ingest.wire import senml
from ingest.wire.cbor import NotCbor, loads
from ingest.wire.message import Binary, BinaryNumber, Message

NOW = micros(datetime(2026, 7, 1, 12, tzinfo=UTC))
OW = "urn:dev:ow:10e2073a01080063"
SHORT = "urn:dev:ow:10e2073a0108006"
CURRENTS = ("1.2", "1.30", "0.14e1", "1.5", "1.6", "1.7")
CURRENT = ",".join(f'{{"n":"current","t":{t},"v":{v}}}' for t, v in zip(range(-5, 1), CURRENTS, strict=True))
PLACE = (
    (0, "%RH", "20.0"), (0, "lon", "24.30621"), (0, "lat", "60.07965"), (60, "%RH", "20.3"), (60, "lon", "24.30622"),
    (60, "lat", "60.07965"), (120, "%RH", "20.7"), (150, "%EL", "98.0"), (180, "%RH", "21.2"),
)  # fmt: skip
PLACES = ",".join(
    f'{{"u":"{unit}","t":{t},"v":{v}}}' if unit != "%RH" else f'{{"t":{t},"v":{v}}}' for t, unit, v in PLACE
)
# The packs of RFC 8428 §5.1 (data points, several, measurements, places, data types, other devices) and what its §5.1
# and §4.6 make of them: name, time, unit, value.
RFC: list[tuple[str, list[tuple[str, str, str, Any]]]] = [
    (f'[{{"n":"{OW}","u":"Cel","v":23.1}}]', [(OW, "now", "Cel", "23.1")]),
    (
        f'[{{"bn":"{OW}:","n":"voltage","t":0,"u":"V","v":120.1}},{{"n":"current","t":0,"u":"A","v":1.2}}]',
        [(f"{OW}:voltage", "now", "V", "120.1"), (f"{OW}:current", "now", "A", "1.2")],
    ),
    (
        f'[{{"bn":"{SHORT}:","bt":1276020076.001,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1}},{CURRENT}]',
        [(f"{SHORT}:voltage", "1276020076.001", "V", "120.1")]
        + [(f"{SHORT}:current", f"{1276020071 + n}.001", "A", f"1.{n + 2}") for n in range(6)],
    ),
    (
        f'[{{"bn":"{OW}","bt":1320067464,"bu":"%RH"}},{PLACES}]',
        [(OW, f"{1320067464 + t}", unit, value) for t, unit, value in PLACE],
    ),
    (
        (
            f'[{{"bn":"{OW}:","n":"temp","u":"Cel","v":23.1}},{{"n":"label","vs":"Machine Room"}},'
            '{"n":"open","vb":false},{"n":"nfc-reader","vd":"aGkgCg"}]'
        ),
        [
            (f"{OW}:temp", "now", "Cel", "23.1"), (f"{OW}:label", "now", "", "Machine Room"),
            (f"{OW}:open", "now", "", False), (f"{OW}:nfc-reader", "now", "", "aGkgCg"),
        ],
    ),
    (
        (
            '[{"bn":"2001:db8::2/","bt":1320078429,"n":"temperature","v":25.2,"u":"Cel"},'
            '{"n":"humidity","v":30,"u":"%RH"},{"bn":"2001:db8::1/","n":"temperature","v":12.3,"u":"Cel"},'
            '{"n":"humidity","v":67,"u":"%RH"}]'
        ),
        [
            ("2001:db8::2/temperature", "1320078429", "Cel", "25.2"),
            ("2001:db8::2/humidity", "1320078429", "%RH", "30"),
            ("2001:db8::1/temperature", "1320078429", "Cel", "12.3"),
            ("2001:db8::1/humidity", "1320078429", "%RH", "67"),
        ],
    ),
]  # fmt: skip
RFC_CBOR = bytes.fromhex(
    "87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b0010622361412005006776"
    "6f6c7461676501615602fb405e066666666666a3006763757272656e74062402fb3ff3333333333333a3006763757272656e"
    "74062302fb3ff4cccccccccccda3006763757272656e74062202fb3ff6666666666666a3006763757272656e74062102f93e"
    "00a3006763757272656e74062002fb3ff999999999999aa3006763757272656e74060002fb3ffb333333333333"
)
"""The third pack as RFC 8428 §6 has it in CBOR: its numbers are binary floats."""
LABELS = {name: label for label, name in senml.LABELS.items()}


def resolved(records: object) -> list[tuple[str, Decimal, str, Any]]:
    assert isinstance(records, list), records
    found = senml.resolve(records, received_at=NOW)
    assert isinstance(found, list), found
    made = []
    for one in found:
        assert isinstance(one, senml.Resolved), one
        made.append((one.name, one.time, one.unit, one.value))
    return made


def expected(rows: list[tuple[str, str, str, Any]]) -> list[tuple[str, Decimal, str, Any]]:
    def number(unit: str, value: Any) -> Any:
        return Decimal(value) if unit else value

    now = Decimal(NOW) / 1_000_000
    return [
        (name, now if time == "now" else Decimal(time), unit, number(unit, value)) for name, time, unit, value in rows
    ]


def as_cbor(text: str) -> bytes:
    """The same pack from an independent encoder, numbers with decimals as decimal fractions (tag 4)."""
    records = json.loads(text, parse_float=Decimal)
    return cbor2.dumps([{LABELS[key]: value for key, value in record.items()} for record in records])


@pytest.mark.parametrize(("text", "rows"), RFC)
def test_a_pack_of_the_rfc_resolves_to_its_resolved_form(text: str, rows: list[tuple[str, str, str, Any]]) -> None:
    assert resolved(senml.parse_json(text.encode())) == expected(rows)
    assert resolved(senml.parse_cbor(as_cbor(text))) == expected(rows)


def test_the_rfcs_own_cbor_resolves_as_its_json_does() -> None:
    assert [row[:1] + row[2:] for row in resolved(senml.parse_cbor(RFC_CBOR))] == [
        row[:1] + row[2:] for row in expected(RFC[2][1])
    ]
    # 1276020076.001 is sent as the binary number nearest to it, whose shortest decimal is the same.
    assert [row[1] for row in resolved(senml.parse_cbor(RFC_CBOR))] == [row[1] for row in expected(RFC[2][1])]


def read(records: object, device: str = "T1") -> Message:
    found = senml.decode_json(json.dumps(records).encode(), device=device, received_at=NOW)
    assert isinstance(found, Message), found
    return found


def test_a_record_becomes_a_candidate_in_our_words() -> None:
    pack = [
        {"bn": "urn:dev:mac:T1:", "bt": 1_782_900_000, "n": "odometer", "u": "m", "v": 412350200},
        {"n": "ink", "u": "/", "v": 0.425},
        {"n": "state", "vs": "running", "t": -0.5},
    ]
    assert read(pack).candidates == [
        (0, "odometer", "2026-07-01T10:00:00+00:00", "412350200", "m", ""),
        (1, "ink", "2026-07-01T10:00:00+00:00", "42.5", "%", ""),
        (2, "state", "2026-07-01T09:59:59.500000+00:00", "running", "", ""),
    ]


@pytest.mark.parametrize(
    ("name", "register"),
    [
        ("odometer", "odometer"),
        ("T1/odometer", "odometer"),
        ("T1:odometer", "odometer"),
        ("urn:dev:mac:T1:odometer", "odometer"),
        ("urn:dev:ow:T1_odometer", "odometer"),
        ("T2/odometer", "T2/odometer"),
        ("urn:dev:mac:T10:odometer", "urn:dev:mac:T10:odometer"),
    ],
)
def test_the_register_is_what_follows_the_device(name: str, register: str) -> None:
    assert senml.register_of(name, "T1") == register


def test_base_values_are_added_exactly_and_hold_until_changed() -> None:
    first = '{"bn":"T1/","bv":412350.1,"n":"odometer","u":"km","v":0.1}'
    pack = f'[{first},{{"n":"odometer","u":"km","t":-1}},{{"bv":7,"n":"x","v":1}}]'
    found = senml.decode_json(pack.encode(), device="T1", received_at=NOW)
    assert isinstance(found, Message)
    assert [candidate[3] for candidate in found.candidates] == ["412350.2", "412350.1", "8"]


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (b"\xfa\x3d\xcc\xcc\xcd", "0.1", "float32"),  # 0.100000001490116… as a binary number
        (b"\xfb\x3f\xb9\x99\x99\x99\x99\x99\x9a", "0.1", "float64"),
        (b"\xf9\x3c\x00", "1", "float16"),
        (b"\xfa\x47\xf1\x20\x5a", "123456.7", "float32"),
    ],
)
def test_a_binary_float_is_the_shortest_decimal_that_reads_back_and_says_so(value: bytes, text: str, kind: str) -> None:
    payload = b"\x81\xa3\x00\x61r\x01\x62km\x02" + value
    found = senml.decode_cbor(payload, device="T1", received_at=NOW)
    assert isinstance(found, Message)
    (candidate,) = found.candidates
    sent = candidate[3]
    assert isinstance(sent, Binary)
    assert (sent, sent.kind) == (text, kind)


def test_a_decimal_fraction_keeps_every_digit() -> None:
    payload = cbor2.dumps([{0: "r", 1: "km", 2: Decimal("123456789012345678.123456789")}])
    found = senml.decode_cbor(payload, device="T1", received_at=NOW)
    assert isinstance(found, Message)
    assert found.candidates[0][3] == "123456789012345678.123456789"


@pytest.mark.parametrize(
    ("pack", "reason"),
    [
        ("{}", "bad_pack"),
        ("[1]", "bad_pack"),
        ("", "not_json"),
        ('[{"n":"r","v":1,"must_":2}]', "bad_pack"),
        ('[{"bver":11,"n":"r","v":1}]', "bad_pack"),
        ('[{"n":"r","v":1},{"bver":26,"n":"r","v":1}]', "bad_pack"),
        ('[{"bn":7,"v":1}]', "bad_pack"),
        ('[{"bt":1e99,"n":"r","v":1}]', "bad_pack"),
        ('[{"bn":"' + "a" * 256 + '","v":1}]', "bad_pack"),
        ('[{"n":"r","v":1,"v":2}]', "bad_pack"),
        (" " * (256 * 1024 + 1), "too_large"),
    ],
)
def test_a_pack_that_must_not_be_used_is_rejected_as_a_whole(pack: str, reason: str) -> None:
    found = senml.decode_json(pack.encode(), device="T1", received_at=NOW)
    assert isinstance(found, Rejected)
    assert found.reason.value == reason


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"n": "r"}, "bad_reading"),
        ({"n": "r", "v": 1, "vs": "a"}, "bad_reading"),
        ({"v": 1}, "bad_reading"),
        ({"n": "-r", "v": 1}, "bad_reading"),
        ({"n": "r", "v": "1"}, "bad_value"),
        ({"n": "r", "vb": 1}, "bad_value"),
        ({"n": "r", "v": 1, "t": "now"}, "bad_time"),
        ({"n": "r", "v": 1, "t": 10**14}, "bad_time"),
        ({"n": "r", "v": 1, "t": 1_782_900_000_000}, "time_in_milliseconds"),
        ({"n": "r", "s": 5}, "unsupported_value"),
        ({"n": "r", "vd": "aGkgCg"}, "unsupported_value"),
    ],
)
def test_one_bad_record_does_not_take_its_neighbours_along(record: dict[str, object], reason: str) -> None:
    found = read([{"n": "a", "v": 1}, record, {"n": "b", "v": 2}])
    assert [candidate[0] for candidate in found.candidates] == [0, 2]
    assert [(one.reason.value, one.item) for one in found.rejected] == [(reason, 1)]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.binary(max_size=20) | st.text(max_size=20)
    | st.floats(allow_nan=False) | st.decimals(allow_nan=False, allow_infinity=False, places=3),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.integers(-8, 8) | st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(PLAIN)
def test_what_another_encoder_writes_is_read_as_it_was(value: object) -> None:
    assert plain(loads(cbor2.dumps(value))) == plain(value)


def plain(value: object) -> object:
    if isinstance(value, BinaryNumber):
        return float(value)
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


@given(st.binary(max_size=200))
def test_any_octets_are_cbor_or_refused(payload: bytes) -> None:
    with contextlib.suppress(NotCbor):
        loads(payload)
    assert isinstance(senml.decode_cbor(payload, device="d", received_at=NOW), Message | Rejected)
    assert isinstance(senml.decode_json(payload, device="d", received_at=NOW), Message | Rejected)


ANY = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = ("bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut")


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, ANY)), max_size=4))
def test_every_record_of_any_pack_is_decoded_or_rejected(records: list[dict[str, object]]) -> None:
    for payload in (json.dumps(records).encode(), cbor2.dumps([{LABELS[k]: v for k, v in r.items()} for r in records])):
        for read_as in (senml.decode_json, senml.decode_cbor):
            found = read_as(payload, device="d", received_at=NOW)
            assert isinstance(found, Message | Rejected)
