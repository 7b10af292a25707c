"""What is injected is counted, and is what it says."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from simulators.device import Device, Identity
from simulators.fault import GARBAGE, FaultPlan, Faults
from simulators.printer import Printer
from simulators.truck import Truck
from simulators.wire import Message, history

PRINTER = Identity("prt-p1", "P1", "printer", "PressLink 2", "gw")
START = datetime(2026, 5, 31, 22, tzinfo=UTC)
END = START + timedelta(days=10)


def devices() -> list[Device]:
    names = [f"t{n}" for n in range(4)]
    return [Truck(Identity(f"tcu-{n}", n, "vehicle", "TCU 4", "gw"), date(2026, 6, 1), seed="s") for n in names]


def packs() -> list[Message]:
    return [pack for device in devices() for pack in history(device, START, END, per_pack=6)]


def test_duplicates_are_the_only_difference_in_number() -> None:
    faults = Faults(FaultPlan(duplicates=50, out_of_order=30))
    sent = Counter(faults.disturb(packs()))
    twice = [pack for pack, count in sent.items() if count == 2]
    assert set(sent) == set(packs())
    injected = {one.kind: one for one in faults.report()}
    assert injected["duplicate"].messages == len(twice) > 10
    assert injected["duplicate"].items == sum(pack.readings for pack in twice)
    assert injected["out_of_order"].messages > 5


def test_late_packs_come_behind_the_next_of_their_device() -> None:
    faults = Faults(FaultPlan(duplicates=0, out_of_order=100))
    sent = list(faults.disturb(packs()))
    assert sent != packs()
    assert sorted(sent) == sorted(packs())
    seqs = [json.loads(pack.payload)["seq"] for pack in sent if pack.topic == "yardstick/tcu-t0/readings"]
    assert max(abs(seq - place) for place, seq in enumerate(seqs, start=1)) <= 3


def test_every_kind_of_garbage_comes_once_in_a_dozen() -> None:
    faults = Faults(FaultPlan())
    spoilt = list(faults.garbage(devices(), END))
    assert len(spoilt) == len(GARBAGE) == 12
    assert {one.kind: (one.ending, one.items) for one in faults.report()} == dict.fromkeys(GARBAGE, ("quarantined", 1))


@pytest.mark.parametrize("kind", ["not_json", "not_utf8", "megabyte"])
def test_some_garbage_cannot_be_read(kind: str) -> None:
    payload = GARBAGE[kind](devices()[0], "2026-06-01T00:00:00Z", 1)
    with pytest.raises(ValueError, match=r"Expecting|codec"):
        json.loads(payload)
    assert (len(payload) == 1_000_000) == (kind == "megabyte")


@pytest.mark.parametrize("kind", sorted(set(GARBAGE) - {"not_json", "not_utf8", "megabyte", "not_an_envelope"}))
@pytest.mark.parametrize("device", [devices()[0], Printer(PRINTER, date(2026, 6, 1), seed="s")])
def test_other_garbage_is_one_reading_with_one_flaw(kind: str, device: Device) -> None:
    payload = GARBAGE[kind](device, "2026-06-01T00:00:00Z", 1)
    (reading,) = json.loads(payload, parse_constant=Decimal)["readings"]
    counter = device.registers[0]
    flaws = {
        "unknown_register": reading["register"] != counter.name,
        "wrong_dimension": reading["unit"] == "l",
        "year_1970": reading["at"] == "1970-01-01T00:00:00Z",
        "year_2100": reading["at"] == "2100-01-01T00:00:00Z",
        "not_a_number": reading["value"] == "NaN",
        "bare_nan": not isinstance(reading["value"], str) and reading["value"].is_nan(),
        "forty_digits": len(str(reading["value"])) == 40,
    }
    assert [name for name, there in flaws.items() if there] == [kind] * (kind != "unknown_device")


def test_the_unknown_device_is_in_the_topic() -> None:
    spoilt = list(Faults(FaultPlan()).garbage(devices(), END))
    assert [one.topic for one in spoilt].count("yardstick/ghost-01/readings") == 1


def test_garbage_is_strewn_among_the_packs_and_none_is_lost() -> None:
    faults = Faults(FaultPlan(garbage=5, garbage_every=100))
    sent = list(faults.strew(packs()[:250], faults.garbage(devices(), END)))
    assert len(sent) == 255
    assert [n for n, one in enumerate(sent) if one.readings == 1] == [100, 201, 252, 253, 254]


def test_a_conflict_contradicts_a_reading_that_was_sent() -> None:
    faults = Faults(FaultPlan(conflicts=3))
    fleet = devices()
    said = {
        (pack.topic, reading["register"], reading["at"]): reading["value"]
        for pack in packs()
        for reading in json.loads(pack.payload)["readings"]
    }
    for conflict in faults.conflicts(fleet, START, END):
        (reading,) = json.loads(conflict.payload)["readings"]
        assert said[conflict.topic, reading["register"], reading["at"]] != reading["value"]
    assert [(one.kind, one.items) for one in faults.report()] == [("conflict", 3)]


def test_the_same_plan_injects_the_same() -> None:
    first, second = Faults(FaultPlan()), Faults(FaultPlan())
    assert list(first.disturb(packs())) == list(second.disturb(packs()))
