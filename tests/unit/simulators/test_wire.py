"""Messages: packs of the past, then live ones that tell what was missed."""

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from simulators.device import Identity, Silence
from simulators.truck import Truck
from simulators.wire import Live, Message, history

WHO = Identity("tcu-t1", "T1", "vehicle", "TCU 4", "gw")
START = datetime(2026, 5, 31, 22, tzinfo=UTC)


def truck(*silences: Silence) -> Truck:
    return Truck(WHO, date(2026, 6, 1), seed="test", silences=silences)


def body(message: Message) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(message.payload)
    return content


def instants(message: Message) -> list[str]:
    return [reading["at"] for reading in body(message)["readings"] if reading["register"] == "state"]


def test_a_pack_is_one_day_of_a_device() -> None:
    packs = list(history(truck(), START, START + timedelta(days=2, minutes=10)))
    assert [pack.readings for pack in packs] == [288, 288, 2]
    assert [body(pack)["seq"] for pack in packs] == [1, 2, 3]
    assert packs[0].topic == "yardstick/tcu-t1/readings"
    assert (body(packs[0])["v"], body(packs[0])["boot"]) == (1, "a7")
    assert instants(packs[1])[0] == "2026-06-01T22:00:00Z"
    assert max(len(pack.payload) for pack in packs) < 65_536


def test_a_pack_may_be_smaller() -> None:
    packs = list(history(truck(), START, START + timedelta(hours=1), per_pack=4))
    assert [pack.readings for pack in packs] == [8, 4]


def test_an_odd_start_begins_at_the_next_grid_instant() -> None:
    pack = next(history(truck(), START + timedelta(seconds=1), START + timedelta(minutes=31)))
    assert instants(pack) == ["2026-05-31T22:10:00Z", "2026-05-31T22:20:00Z", "2026-05-31T22:30:00Z"]


def test_a_silent_day_takes_no_sequence_number() -> None:
    day = int(START.timestamp()) + 86_400
    packs = list(history(truck(Silence(day, day + 86_400)), START, START + timedelta(days=3)))
    assert [body(pack)["seq"] for pack in packs] == [1, 2]
    assert instants(packs[1])[0] == "2026-06-02T22:00:00Z"


def test_the_first_pack_is_the_same_on_every_machine() -> None:
    pack = next(history(truck(), START, START + timedelta(days=1)))
    assert (
        hashlib.sha256(pack.payload).hexdigest() == "576125f5b01f6973d41d8412742090d445322593593f248e4e81d3e7d0251c2f"
    )


def test_a_live_message_tells_the_present_second_and_the_grid_instant_before() -> None:
    live = Live(truck(), START, boot="b1")
    assert [instants(m) for m in live.tell(START + timedelta(minutes=9, seconds=57))] == [["2026-05-31T22:09:57Z"]]
    assert [instants(m) for m in live.tell(START + timedelta(minutes=10, seconds=7))] == [
        ["2026-05-31T22:10:00Z", "2026-05-31T22:10:07Z"]
    ]
    assert list(live.tell(START + timedelta(minutes=10, seconds=7, milliseconds=900))) == []
    assert [instants(m) for m in live.tell(START + timedelta(minutes=20))] == [["2026-05-31T22:20:00Z"]]
    assert live.seq == 3


def test_after_a_pause_every_grid_instant_is_told() -> None:
    live = Live(truck(), START, boot="b1")
    told = list(live.tell(START + timedelta(days=1, hours=1, seconds=5)))
    assert [message.readings for message in told] == [288, 14]
    assert [body(message)["seq"] for message in told] == [1, 2]
    assert instants(told[0])[0] == "2026-05-31T22:10:00Z"
    assert instants(told[1])[-2:] == ["2026-06-01T23:00:00Z", "2026-06-01T23:00:05Z"]


def test_a_silent_device_tells_nothing_live() -> None:
    begin = int(START.timestamp()) + 600
    live = Live(truck(Silence(begin, begin + 600)), START, boot="b1")
    assert list(live.tell(START + timedelta(minutes=15))) == []
    assert [instants(m) for m in live.tell(START + timedelta(minutes=21))] == [
        ["2026-05-31T22:20:00Z", "2026-05-31T22:21:00Z"]
    ]
