"""The demonstration: its size, its calendar, and that its truth adds up."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from simulators.scenario import Scenario, demo
from simulators.span import totals
from simulators.truck import Truck

NOW = datetime(2026, 11, 21, 20, 23, 45, tzinfo=UTC)
HOUR = 3_600_000_000


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return demo(NOW)


def test_three_whole_local_months_and_the_running_one(scenario: Scenario) -> None:
    # Berlin leaves summer time on 25 October 2026.
    assert [start.isoformat() for start, _ in scenario.months] == [
        "2026-07-31T22:00:00+00:00",
        "2026-08-31T22:00:00+00:00",
        "2026-09-30T22:00:00+00:00",
        "2026-10-31T23:00:00+00:00",
    ]
    assert scenario.months[3][1] == datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert scenario.until == datetime(2026, 11, 21, 20, 20, tzinfo=UTC)


def test_fleets(scenario: Scenario) -> None:
    names = [asset.name for asset in scenario.assets]
    assert names[:1] + names[23:25] + names[39:41] + names[-1:] == [
        "NH-01",
        "NH-24",
        "BF-01",
        "BF-16",
        "HP-01",
        "HP-12",
    ]
    assert len(names) == len({asset.device for asset in scenario.assets}) == 52
    assert [asset.customer for asset in scenario.assets].count("Baltic Freight") == 16


def test_as_many_readings_as_counted(scenario: Scenario) -> None:
    # 31 + 30 + 31 days and one hour of October make 13,254 slots; November to 20:20 UTC, its own reading included,
    # has 20 days and 21 h 20 min local = 3,009 slots. 40 × 2 + 12 × 3 registers; four trucks are silent for 33 slots.
    slots = (92 * 144 + 6) + (20 * 144 + 128 + 1)
    assert scenario.readings() == slots * 116 - 4 * 33 * 2
    assert sum(pack.readings for pack in scenario.history()) == scenario.readings()


def test_boundaries_have_readings_of_their_own_that_say_the_truth(scenario: Scenario) -> None:
    boundaries = {start.isoformat()[:19] + "Z": start for start, _ in scenario.months}
    found = set()
    for pack in scenario.history():
        for reading in (
            json.loads(pack.payload)["readings"] if any(b.encode() in pack.payload for b in boundaries) else ()
        ):
            if reading["at"] in boundaries:
                found.add((pack.topic, reading["register"], reading["at"]))
    assert len(found) == 4 * (40 * 2 + 12 * 3)


def test_months_add_up_to_the_quarter_exactly(scenario: Scenario) -> None:
    months = scenario.months[:3]
    for asset in scenario.assets:
        quarter = scenario.truth(asset.name, months[0][0], months[2][1])
        parts = [scenario.truth(asset.name, *month) for month in months]
        assert quarter.metres == (None if quarter.metres is None else sum(part.metres or 0 for part in parts))
        assert quarter.pages == (None if quarter.pages is None else sum(part.pages or 0 for part in parts))
        for kind in ("states", "said", "settled"):
            whole = getattr(quarter, kind)
            assert whole == {word: sum(getattr(part, kind).get(word, 0) for part in parts) for word in whole}
        assert sum(quarter.said.values()) == (92 * 24 + 1) * HOUR * (asset.kind == "truck")


def test_several_trucks_stand_still_for_more_than_two_per_cent_of_a_month(scenario: Scenario) -> None:
    late = set()
    for number, month in enumerate(scenario.months[:3]):
        for asset in scenario.assets:
            times = scenario.truth(asset.name, *month).settled
            down = times.get("fault", 0) + times.get("unplanned_repair", 0)
            if down * 50 > sum(times.values()):
                late.add((number, asset.name))
    assert late == {
        (0, "BF-05"), (0, "NH-03"), (1, "BF-02"), (1, "NH-07"), (1, "NH-18"),
        (2, "BF-09"), (2, "NH-01"), (2, "NH-02"), (2, "NH-15"),
    }  # fmt: skip


def test_what_was_agreed_moves_time_out_of_faults(scenario: Scenario) -> None:
    september = scenario.truth("BF-04", *scenario.months[1])
    assert september.settled["customer_cause"] == 8 * HOUR
    assert september.said["fault"] - september.settled.get("fault", 0) == 8 * HOUR
    proposed = scenario.truth("NH-02", *scenario.months[2])
    assert proposed.settled == proposed.said
    assert scenario.truth("BF-06", *scenario.months[1]).settled["force_majeure"] == 18 * HOUR


def test_one_gateway_is_silent_for_some_hours(scenario: Scenario) -> None:
    # 20:00 to 01:30 local; the state holds for five more minutes: 5 h 25 min are unknown.
    october = scenario.truth("BF-10", *scenario.months[2])
    assert october.said["unknown"] == 325 * 60_000_000
    assert "unknown" not in october.states


def test_no_silence_touches_a_boundary(scenario: Scenario) -> None:
    for device in scenario.devices:
        for start, _ in scenario.months:
            assert device.talks(int(start.timestamp()))


def test_workshop_visits_are_announced_a_week_ahead_and_none_from_the_future(scenario: Scenario) -> None:
    planned = [notice for notice in scenario.notices if notice.kind == "planned_maintenance"]
    assert len(planned) >= 40
    for notice in planned:
        assert timedelta(days=6) < notice.start - notice.given < timedelta(days=8)
        assert notice.given <= scenario.until
    assert all(claim.end <= scenario.until for claim in scenario.attributions)


def test_one_truck_stands_still_right_now(scenario: Scenario) -> None:
    device = scenario.device("NH-09")
    assert isinstance(device, Truck)
    assert device.state_at(scenario.until) == "fault"
    assert device.state_at(scenario.until + timedelta(hours=6)) != "fault"


def test_two_trucks_show_miles(scenario: Scenario) -> None:
    miles = {pack.topic for pack in islice(scenario.history(), 52) if b'"mi"' in pack.payload}
    assert miles == {"yardstick/tcu-nh-23/readings", "yardstick/tcu-nh-24/readings"}


def test_declarations_name_each_register(scenario: Scenario) -> None:
    first, last = scenario.declarations()[0], scenario.declarations()[-1]
    assert first["registers"] == [
        {
            "register": "odometer", "kind": "counter", "unit": "km", "resolution": "1 m", "max_gap": "1 h",
            "max_rate": "150 km/h",
        },
        {"register": "state", "kind": "state", "max_gap": "15 min"},
    ]  # fmt: skip
    assert (last["device"], last["asset"], last["position"]) == ("prt-hp-12", "HP-12", "printer")


def test_the_first_packs_are_the_same_on_every_machine(scenario: Scenario) -> None:
    digest = hashlib.sha256()
    for pack in islice(scenario.history(), 260):
        digest.update(pack.topic.encode() + pack.payload)
    assert digest.hexdigest() == "eca017775d74dd5a4425ec7e629816f1772f37105249a0fda6a86b11a2bfe5b7"


def test_the_past_does_not_depend_on_when_it_is_looked_at(scenario: Scenario) -> None:
    later = demo(NOW + timedelta(days=7))
    for asset in scenario.assets:
        for month in scenario.months[:3]:
            assert later.truth(asset.name, *month) == scenario.truth(asset.name, *month)


@pytest.mark.parametrize("now", ["2026-01-01T00:00:00+01:00", "2026-03-29T03:00:00+02:00", "2028-02-29T23:59:59+01:00"])
def test_any_day_will_do(now: str) -> None:
    made = demo(datetime.fromisoformat(now))
    device = made.devices[0]
    assert made.months[3][0] <= made.until
    assert device.sent(int(made.until.timestamp()), int(made.after.timestamp()))
    asset = made.assets[0].name
    said = made.said(asset, made.start, made.months[2][1])
    assert sum(totals(said).values()) == (made.months[2][1] - made.start) // timedelta(microseconds=1)
