"""A truck's truth: the same everywhere, additive, monotone; and what its readings say of it."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import pytest

from simulators import grid
from simulators.device import Identity, Silence
from simulators.span import Span, totals
from simulators.truck import Stop, Truck, micromiles, miles_text
from simulators.wire import history

WHO = Identity("tcu-t1", "T1", "vehicle", "TCU 4", "gw")
START = datetime(2026, 2, 28, 23, tzinfo=UTC)
APRIL = datetime(2026, 3, 31, 22, tzinfo=UTC)
HOUR = 3_600_000_000


def truck(*, stops: tuple[Stop, ...] = (), silences: tuple[Silence, ...] = (), unit: str = "km") -> Truck:
    return Truck(WHO, date(2026, 3, 1), seed="test", stops=stops, silences=silences, unit=unit)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def second(text: str) -> int:
    return grid.floor_second(at(text))


def readings(device: Truck, start: datetime, end: datetime) -> list[dict[str, str]]:
    packs = history(device, start, end)
    return [reading for pack in packs for reading in json.loads(pack.payload, parse_float=Decimal)["readings"]]


def test_every_reading_says_the_truth_of_its_instant() -> None:
    device = truck()
    for reading in readings(device, START, START + timedelta(days=35)):
        when = datetime.fromisoformat(reading["at"])
        if reading["register"] == "odometer":
            assert Decimal(reading["value"]) * 1000 == device.odometer_at(when)
        else:
            assert reading["value"] == device.state_at(when)


def test_it_drives_on_weekdays_more_than_on_sundays_and_never_backwards() -> None:
    device = truck()
    midnights = [grid.instant(grid.local(date(2026, 3, 1) + timedelta(days=n), 0, grid.BERLIN)) for n in range(92)]
    days = [device.odometer_at(b) - device.odometer_at(a) for a, b in pairwise(midnights)]
    assert min(days) >= 0
    sundays = sum(days[0::7])
    assert sum(days[2::7]) > 5 * sundays
    assert 15_000_000 < sum(days) < 45_000_000


def test_between_two_grid_instants_it_moves_evenly_in_whole_metres() -> None:
    device = truck()
    start = next(
        when
        for when in (at("2026-03-03") + timedelta(minutes=10 * n) for n in range(144))
        if device.state_at(when) == "running"
    )
    first, last = device.odometer_at(start), device.odometer_at(start + timedelta(minutes=10))
    assert last - first > 4000
    assert device.odometer_at(start + timedelta(minutes=5)) == first + (last - first) // 2
    assert device.odometer_at(start + timedelta(minutes=10) - timedelta(microseconds=1)) == last - 1


def test_a_month_with_a_clock_change_has_743_hours_and_months_add_up() -> None:
    device = truck()
    march = totals(device.spans(START, APRIL))
    assert sum(march.values()) == 743 * HOUR
    cut = at("2026-03-29T01:00:00")
    parts = [totals(device.spans(START, cut)), totals(device.spans(cut, APRIL))]
    assert march == {category: sum(part.get(category, 0) for part in parts) for category in march}


def test_a_stop_is_told_from_its_first_to_its_last_instant_and_it_stands_still() -> None:
    start, end = "2026-03-03T06:00:00", "2026-03-03T15:00:00"
    device = truck(stops=(Stop("fault", second(start), second(end)),))
    spans = device.spans(at("2026-03-03"), at("2026-03-04"))
    assert Span("fault", at(start), at(end)) in spans
    assert device.odometer_at(at(start)) == device.odometer_at(at(end))
    assert truck().odometer_at(at(start)) < truck().odometer_at(at(end))
    said = [r["value"] for r in readings(device, at(start), at(end)) if r["register"] == "state"]
    assert said == ["fault"] * 54


def test_a_derated_truck_drives_half_as_far() -> None:
    span = second("2026-03-03T00:00:00"), second("2026-03-04T00:00:00")
    whole, half = truck(), truck(stops=(Stop("derated", *span),))
    day = at("2026-03-03"), at("2026-03-04")
    full = whole.odometer_at(day[1]) - whole.odometer_at(day[0])
    slow = half.odometer_at(day[1]) - half.odometer_at(day[0])
    assert full // 2 - 144 <= slow <= full // 2
    assert totals(half.spans(*day)) == {"derated": 24 * HOUR}


def test_silence_makes_time_unknown_a_quarter_of_an_hour_after_the_last_reading() -> None:
    # Last reading 19:50, so the state holds until 20:05; the next reading is at 22:00.
    quiet = Silence(second("2026-03-03T20:00:00"), second("2026-03-03T22:00:00"))
    device = truck(silences=(quiet,))
    day = at("2026-03-03"), at("2026-03-04")
    said = device.said(*day)
    assert Span("unknown", at("2026-03-03T20:05:00"), at("2026-03-03T22:00:00")) in said
    assert totals(said)["unknown"] == 115 * 60_000_000
    assert sum(totals(said).values()) == 24 * HOUR
    assert totals(device.spans(*day)) == totals(truck().spans(*day))
    assert len(readings(device, *day)) == 2 * (144 - 12)


def test_what_is_said_follows_from_the_readings_one_by_one() -> None:
    # The state changes within the silence: what is said must hold the state from before it.
    stop = Stop("fault", second("2026-03-03T10:00:00"), second("2026-03-03T12:00:00"))
    quiets = (
        Silence(second("2026-03-03T09:50:00"), second("2026-03-03T12:30:00")),
        Silence(second("2026-03-03T14:00:00"), second("2026-03-03T14:10:00")),
    )
    device = truck(stops=(stop,), silences=quiets)
    start, end = at("2026-03-03"), at("2026-03-04")
    heard = [
        (datetime.fromisoformat(r["at"]), r["value"]) for r in readings(device, start, end) if r["register"] == "state"
    ]
    told: dict[str, int] = {}
    for (when, state), following in zip(heard, [when for when, _ in heard[1:]] + [end], strict=True):
        held = min(following - when, timedelta(minutes=15))
        for category, length in ((state, held), ("unknown", following - when - held)):
            told[category] = told.get(category, 0) + length // timedelta(microseconds=1)
    assert totals(device.said(start, end)) == {category: length for category, length in told.items() if length}
    assert told["unknown"] == (155 + 5) * 60_000_000


def test_silences_must_leave_a_reading_between_them() -> None:
    later = second("2026-02-28T23:10:00")
    with pytest.raises(ValueError, match="leave a slot"):
        truck(silences=(Silence(later, later + 600), Silence(later + 600, later + 1200)))
    with pytest.raises(ValueError, match="on the grid"):
        truck(silences=(Silence(later, later + 601),))
    with pytest.raises(ValueError, match="first reading"):
        truck(silences=(Silence(later - 600, later),))


def test_there_is_no_truth_before_the_origin_or_without_a_zone() -> None:
    with pytest.raises(ValueError, match="begins 2026-02-28T23:00:00Z"):
        truck().odometer_at(START - timedelta(seconds=1))
    with pytest.raises(ValueError, match="no zone"):
        truck().odometer_at(datetime(2026, 3, 5))  # noqa: DTZ001 - the point of the test


def test_miles_with_six_decimals_name_one_metre() -> None:
    values = [*range(5000), *range(10**9 - 5000, 10**9), *(n * 7919 + n * n for n in range(30_000))]
    for metres in values:
        whole, rest = divmod(micromiles(metres), 1_000_000)
        back = (Decimal(f"{whole}.{rest:06d}") * Decimal("1609.344")).quantize(Decimal(1), ROUND_HALF_UP)
        assert back == metres


def test_miles_are_rounded_half_up_to_the_last_digit() -> None:
    # 1609344 m are 1000 mi; 1 m is 0.000621371… mi.
    assert json.loads(f"[{miles_text('t', 1_609_344, 'idle')}]")[0]["value"] == "1000.000000"
    assert json.loads(f"[{miles_text('t', 1, 'idle')}]")[0] == {
        "register": "odometer", "at": "t", "value": "0.000621", "unit": "mi",
    }  # fmt: skip


def test_a_truck_that_shows_miles_drives_the_same_metres() -> None:
    assert truck(unit="mi").odometer_at(APRIL) == truck().odometer_at(APRIL)
    assert readings(truck(unit="mi"), START, START + timedelta(minutes=10))[0]["unit"] == "mi"
