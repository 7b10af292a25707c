"""Our wire format: what is read, and what is said of what cannot be read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.reason import Rejected
from ingest.wire.message import LARGEST, Message
from ingest.wire.yardstick import decode, evidence

GOOD = {"register": "odometer", "at": "2026-06-01T00:00:00Z", "value": "412350.2", "unit": "km"}
CANDIDATE = (0, "odometer", "2026-06-01T00:00:00Z", "412350.2", "km", "")


def envelope(*readings: object, **changed: object) -> bytes:
    return json.dumps({"v": 1, "boot": "a7", "seq": 17, "readings": list(readings), **changed}).encode()


def raw(reading: str, head: str = '"v":1,"boot":"a7","seq":17') -> bytes:
    return f'{{{head},"readings":[{reading}]}}'.encode()


def refused(payload: bytes) -> list[tuple[str, int]]:
    found = decode(payload)
    many = [found] if isinstance(found, Rejected) else found.rejected
    return [(one.reason.value, one.item) for one in many]


def test_a_message_becomes_candidates_in_their_order() -> None:
    state = {"register": "state", "at": "2026-06-01T00:00:00Z", "value": "running", "status": "S"}
    found = decode(envelope(GOOD, state))
    assert found == Message("a7", 17, [CANDIDATE, (1, "state", "2026-06-01T00:00:00Z", "running", "", "S")], [])


@pytest.mark.parametrize(
    "number", ["412350.2", "-3", "0", "1e5", "412350.20", "123456789012345678901234567890.000000000000000001"]
)
def test_a_json_number_keeps_every_digit(number: str) -> None:
    found = decode(raw(f'{{"register":"r","at":"t","value":{number},"unit":"km"}}'))
    assert isinstance(found, Message)
    assert found.candidates == [(0, "r", "t", number, "km", "")]


def test_white_space_escapes_order_and_unknown_keys_change_nothing() -> None:
    text = '{"unit": "km", "value" : "4\\u0031.2", "extra": {"at": [1]}, "at": "t", "register": "odo\\u006deter"}'
    found = decode(raw(text, head='"more": null, "seq": 17, "boot": "a7", "v": 1'))
    assert found == Message("a7", 17, [(0, "odometer", "t", "41.2", "km", "")], [])


def test_no_readings_are_no_items() -> None:
    assert decode(envelope()) == Message("a7", 17, [], [])


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_json"),
        (b"hello", "not_json"),
        (b'{"v":1,"boot":"a7","seq":', "not_json"),
        (envelope(GOOD) + b"x", "not_json"),
        (b"[" * 200_000, "not_json"),
        (b'{"a":' * 40_000, "not_json"),
        (b"\xff\xfe", "not_utf8"),
        (raw('{"register":"\xff"}').replace(b"\xc3\xbf", b"\xff"), "not_utf8"),
        (b" " * (LARGEST + 1), "too_large"),
        (b"17", "bad_envelope"),
        (b"[]", "bad_envelope"),
        (b"{}", "bad_envelope"),
        (envelope(v=2), "bad_envelope"),
        (envelope(v="1"), "bad_envelope"),
        (envelope(v=True), "bad_envelope"),
        (envelope(boot=7), "bad_envelope"),
        (envelope(seq=-1), "bad_envelope"),
        (envelope(seq="17"), "bad_envelope"),
        (envelope(seq=1.5), "bad_envelope"),
        (envelope(seq=2**63), "bad_envelope"),
        (envelope(readings=None), "bad_envelope"),
        (envelope(readings={"0": GOOD}), "bad_envelope"),
        (raw("", head='"v":1,"v":1,"boot":"a7","seq":17'), "bad_envelope"),
    ],
)
def test_a_message_that_cannot_be_read_is_rejected_as_a_whole(payload: bytes, reason: str) -> None:
    assert refused(payload) == [(reason, -1)]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("17", "bad_reading"),
        ('["odometer"]', "bad_reading"),
        ("{}", "bad_reading"),
        ('{"register":"r","at":"t","unit":"km"}', "bad_reading"),
        ('{"register":7,"at":"t","value":"1","unit":"km"}', "bad_reading"),
        ('{"register":"r","at":"t","value":"1","unit":null}', "bad_reading"),
        ('{"register":"r","at":"t","value":"1","unit":"km","status":1}', "bad_reading"),
        ('{"register":"r","at":"t","value":"1","value":"2","unit":"km"}', "bad_reading"),
        ('{"register":"r","at":"t","value":"1","v\\u0061lue":"2","unit":"km"}', "bad_reading"),
        ('{"register":"r","at":"t","value":"1","value" :"2","unit":"km"}', "bad_reading"),
        ('{"register":"r","at":"t","value":"1","value"\n:"2","unit":"km"}', "bad_reading"),
        ('{"register":"r","at":"t","value":"1","value":2,"unit":"km"}', "bad_reading"),
        ('{"register":"r","at":"t","value":1,"value" : 2,"unit":"km"}', "bad_reading"),
        ('{"register":"r","at":1780272000,"value":"1","unit":"km"}', "bad_time"),
        ('{"register":"r","at":"t","value":true,"unit":"km"}', "bad_value"),
        ('{"register":"r","at":"t","value":null,"unit":"km"}', "bad_value"),
        ('{"register":"r","at":"t","value":[1],"unit":"km"}', "bad_value"),
        ('{"register":"r","at":"t","value":{"n":1},"unit":"km"}', "bad_value"),
    ],
)
def test_one_bad_item_does_not_take_its_neighbours_along(item: str, reason: str) -> None:
    good = json.dumps(GOOD)
    found = decode(raw(f"{good},{item},{good}"))
    assert isinstance(found, Message)
    assert [candidate[0] for candidate in found.candidates] == [0, 2]
    assert [(one.reason.value, one.item) for one in found.rejected] == [(reason, 1)]


def test_a_bare_nan_is_a_value_to_be_judged_not_the_end_of_the_message() -> None:
    found = decode(raw(f'{json.dumps(GOOD)},{{"register":"r","at":"t","value":NaN,"unit":"km"}}'))
    assert isinstance(found, Message)
    assert [candidate[3] for candidate in found.candidates] == ["412350.2", "NaN"]


def test_evidence_keeps_the_item_as_it_was_written() -> None:
    item = '{"register":"r","at":"t","value":1.50e3,"unit":"km"}'
    assert evidence(raw(f"{json.dumps(GOOD)},{item}"))[1] == item.encode()
    assert evidence(b"no json") == []
    assert evidence(raw('"\\ud800"')) == [b"'\\ud800'"]


@given(st.binary(max_size=300))
def test_any_octets_are_decoded_or_rejected(payload: bytes) -> None:
    assert isinstance(decode(payload), Message | Rejected)
    evidence(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ("register", "at", "value", "unit", "status")


@given(st.lists(JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, JSON)), max_size=4))
def test_every_item_of_any_json_is_a_candidate_or_rejected_once(items: list[object]) -> None:
    payload = json.dumps({"v": 1, "boot": "b", "seq": 0, "readings": items}).encode()
    found = decode(payload)
    assert isinstance(found, Message)
    indexes = [candidate[0] for candidate in found.candidates] + [one.item for one in found.rejected]
    assert sorted(indexes) == list(range(len(items)))
    assert len(evidence(payload)) == len(items)
