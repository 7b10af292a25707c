"""Meters and assignments on the command line, over what devices really sent."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from api.commands import assignment
from api.commands import meters as commands
from core.database import transaction
from core.store import current_knowledge
from core.time import micros
from ingest import catalogue, run
from ingest.meter import run as meters
from ingest.store import counter
from ingest.store.counter import Asked
from tests.stories.story import SIGNED, Story, local

pytestmark = pytest.mark.services
ODOMETER = {
    "register": "odometer", "kind": "counter", "unit": "km", "silence_limit": "26 h", "every": "24 h",
    "cross_checks": [{"against": ["vehicle/gps"], "tolerance": "5 %"}],
}  # fmt: skip
GPS = {"register": "gps", "kind": "counter", "unit": "km"}
HOURS = {
    "register": "hours", "kind": "counter", "unit": "h",
    "cross_checks": [{"against": ["vehicle/state"], "tolerance": "10 %"}],
}  # fmt: skip
STATE = {"register": "state", "kind": "state", "silence_limit": "15 min"}
FUEL = {"register": "fuel", "kind": "gauge", "unit": "l", "noise_band": "2 l", "refill_threshold": "20 l"}
REGISTERS = [ODOMETER, GPS, HOURS, STATE, FUEL]


@pytest.fixture
def story(environment: dict[str, str], engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Story:
    """T1 with one device, and a spare device."""
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    devices = [
        {"device": "T1-unit", "asset": "T1", "position": "vehicle", "registers": REGISTERS},
        {"device": "S-unit", "registers": REGISTERS},
        {"device": "T2-unit", "asset": "T2", "position": "trailer", "registers": [ODOMETER | {"cross_checks": []}]},
    ]
    read = catalogue.of({"devices": devices})
    assert isinstance(read, catalogue.Catalogue), read
    run.declare(engine, read, SIGNED, author="person:test")
    return Story(engine)


def command(*words: str) -> Result:
    apps = {"meters": commands.app, "device": assignment.device, "asset": assignment.asset}
    return CliRunner().invoke(apps[words[0]], list(words[1:]))


def shown(*more: str, asset: str = "T1") -> dict[str, Any]:
    span = ("--from", "2026-06-01", "--to", "2026-06-11", "--zone", "Europe/Berlin")
    result = command("meters", "show", asset, "--json", *span, *more)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def used(found: dict[str, Any]) -> str:
    return next(str(one["quantity"]) for one in found["quantities"] if one["path"] == "vehicle/odometer")


def daily(story: Story, register: str, *values: str, first: int = 1, unit: str = "km", device: str = "T1") -> None:
    story.gauge(device, register, unit, *((f"2026-06-{first + n:02}", value) for n, value in enumerate(values)))


def test_coverage_says_what_came_and_what_is_missing(story: Story) -> None:
    # Ten days, a reading at each midnight, but none on the 4th and 5th: three days without, 7 of 10; 8 of 10 came.
    daily(story, "odometer", "0", "100", "200")
    daily(story, "odometer", "500", "600", "700", "800", "900", "1000", first=6)
    (odometer,) = [one for one in shown()["registers"] if one["path"] == "vehicle/odometer"]
    assert (odometer["received"], odometer["expected"], odometer["coverage"]) == (8, 10, "0.700000")
    assert odometer["gaps"] == [{"from": "2026-06-02T22:00:00Z", "to": "2026-06-05T22:00:00Z"}]


@pytest.mark.parametrize(
    ("gps", "finding"),
    [
        (("0", "1000"), "agrees"),
        (("0", "953"), "agrees"),  # 1000 is 4.9 % more
        (("0", "952"), "disagrees"),  # 48 of 952 are more than 5 %
    ],
)
def test_the_odometer_is_checked_against_gps(story: Story, gps: tuple[str, ...], finding: str) -> None:
    daily(story, "odometer", "0", *("500",) * 9, "1000")
    for day, value in zip((1, 11), gps, strict=True):
        daily(story, "gps", value, first=day)
    (check,) = [one for one in shown()["checks"] if one["path"] == "vehicle/odometer"]
    assert (check["finding"], check["use"], check["of_others"]) == (finding, "1000", gps[1])


def test_a_counter_that_stands_still_while_the_other_moves_is_frozen(story: Story) -> None:
    daily(story, "odometer", "500", "500")
    daily(story, "gps", "0", "10")
    assert [one["finding"] for one in shown()["checks"] if one["path"] == "vehicle/odometer"] == ["frozen"]


def test_engine_hours_are_checked_against_working_time(story: Story) -> None:
    # Running six hours and the last quarter, seven counted: 7 h against 6.25 h is more than 10 %.
    story.states("T1", "2026-06-01", "2026-06-02", ("2026-06-01 06:00", "2026-06-02", "fault"))
    daily(story, "hours", "100", "107", unit="h")
    (check,) = [one for one in shown()["checks"] if one["path"] == "vehicle/hours"]
    assert (check["finding"], check["use"], check["of_others"]) == ("disagrees", "25200", "22500")


def test_silence_is_unknown_and_the_timeline_has_no_hole(story: Story) -> None:
    story.states("T1", "2026-06-01", "2026-06-02")
    (state,) = shown()["states"]
    assert [(one["from"], one["to"], one["state"]) for one in state["spans"]] == [
        ("2026-05-31T22:00:00Z", "2026-06-01T22:15:00Z", "running"),
        ("2026-06-01T22:15:00Z", "2026-06-10T22:00:00Z", "unknown"),
    ]


def test_a_tank_uses_what_falls_beyond_noise_and_a_cartridge_is_none_of_it(story: Story) -> None:
    # 100, 99 (noise), 97: 3; refilled to 150; 149, 140: 10; exchanged at noon of the 6th, the new one shows 80: not 60.
    daily(story, "fuel", "100", "99", "97", "150", "149", "140", "80", "70", unit="l")
    (fuel,) = shown()["levels"]
    assert (fuel["used"], fuel["refilled"]) == ("83.00000", "53.00000")
    said = command(
        "meters", "reset", "T1", "vehicle/fuel", "--at", "2026-06-06T10:00Z", "--reason", "cartridge changed"
    )
    assert said.exit_code == 0, said.output
    (fuel,) = shown()["levels"]
    assert fuel["used"] == "23.00000", "3 + 10 + 10"


def test_holds_are_listed_and_decided_by_command(story: Story) -> None:
    daily(story, "odometer", "1000", "1100", "50", "150")
    listed = command("meters", "holds", "--from", "2026-06-01", "--to", "2026-06-11")
    assert "1 open" in listed.output
    (held,) = shown()["holds"]
    assert held["hold"] in listed.output
    assert (held["before"], held["after"], held["reason"]) == ("1100.000", "50.000", "counter_fell")
    before = shown()["known"]
    decided = command(
        "meters", "release", held["hold"], "--bill", "60 km", "--reason", "trip log", "--by", "person:anna"
    )
    assert decided.exit_code == 0, decided.output
    now = shown()
    # 100 + 60 + 100.
    assert (used(now), now["holds"]) == ("260.000", [])
    assert [(one["author"], one["reason"]) for one in now["decisions"]] == [("person:anna", "trip log")]
    then = shown("--as-of", str(before))
    assert (used(then), len(then["holds"])) == ("200.000", 1)
    text = command("meters", "show", "T1", "--from", "2026-06-01", "--to", "2026-06-11").output
    assert "released 2026-06-01T22:00:00Z to 2026-06-02T22:00:00Z: 1100.000 to 50.000 km" in text
    both = command("meters", "release", held["hold"], "--void", "--from-zero", "--reason", "?")
    assert "exactly one decision" in str(both.exception)


def test_a_silent_device_raises_one_alarm_for_each_silence(story: Story) -> None:
    daily(story, "odometer", "0", "100")
    last = local("2026-06-02")
    assert meters.watch(story.engine, last + timedelta(hours=26)) == 2, "the state never spoke, T2's odometer neither"
    assert meters.watch(story.engine, last + timedelta(hours=26, seconds=1)) == 1
    assert meters.watch(story.engine, last + timedelta(hours=30)) == 0
    rows = story.rows("SELECT client, detail ->> 'register' FROM ingest.alarm WHERE kind = 'silent' ORDER BY id")
    assert rows[-1] == ("T1-unit", "vehicle/odometer")
    assert story.rows("SELECT count(*) FROM core.outbox WHERE topic = 'device.silent'") == [(3,)]
    listed = command("meters", "silent")
    assert (listed.exit_code, "T1-unit  T1 vehicle/odometer: last 2026-06-01T22:00:00+00:00" in listed.output) == (
        1,
        True,
    )


def metres(
    story: Story, asset: str, path: str, start: str, end: str, known: int | None = None
) -> tuple[int, list[str]]:
    need = Asked(asset, path, (micros(local(start)), micros(local(end))), "km")
    with transaction(story.engine) as connection:
        known = current_knowledge(connection) if known is None else known
        (found,) = counter.load(connection, [need], known=known)
    used = sum(part.closing - part.opening - part.removed for part in found.parts)
    return used, [quality for part in found.parts for quality in (part.opening_quality, part.closing_quality)]


def test_a_device_that_moves_mid_month_counts_for_each_asset_its_own_part(story: Story) -> None:
    """T2's hubodometer moves to T1's trailer on the 4th at noon, between two readings; nobody wrote anything down."""
    daily(story, "odometer", "1000", "1100", "1200", "1300", "1500", "1700", device="T2")
    with transaction(story.engine) as connection:
        before = current_knowledge(connection)
    at = ("--at", "2026-06-04T10:00Z", "--evidence", "work order 7")
    for words in (("unbind", "T2-unit"), ("bind", "T2-unit", "T1/trailer")):
        result = command("device", *words, *at)
        assert result.exit_code == 0, result.output
    # Midnight of the 4th in Berlin 1300 km, of the 5th 1500 km; 12 of 24 hours: 1400 km. 400 km and 300 km.
    path = "trailer/odometer"
    assert metres(story, "T2", path, "2026-06-01", "2026-06-06") == (
        400_000, ["reading", "last"],
    )  # fmt: skip
    assert metres(story, "T1", path, "2026-06-01", "2026-06-06") == (300_000, ["start", "reading"])
    assert metres(story, "T2", path, "2026-06-01", "2026-06-06", before)[0] == 700_000, "as it was known then"


def test_an_exchange_without_written_values_takes_what_is_known_and_says_so(story: Story) -> None:
    # The old one's last reading is 1200 km on the 3rd; the spare begins at its first, 20 km on the 5th: 200 + 50 km.
    daily(story, "odometer", "1000", "1100", "1200")
    daily(story, "odometer", "20", "70", first=5, device="S")
    done = command("device", "exchange", "T1-unit", "S-unit", "--at", "2026-06-04T00:00Z")
    assert done.exit_code == 0, done.output
    counted, flags = metres(story, "T1", "vehicle/odometer", "2026-06-01", "2026-06-06")
    assert (counted, flags) == (250_000, ["reading", "carried", "start", "reading"])
    again = command("device", "exchange", "S-unit", "T1-unit", "--at", "2026-06-03T00:00Z")
    assert "only from" in str(again.exception)
    span = ("--from", "2026-06-01", "--to", "2026-06-11", "--zone", "Europe/Berlin")
    text = command("meters", "show", "T1", *span).output
    assert "  T1-unit until 2026-06-04T00:00:00Z: 1000.000 (reading) to 1200.000 (carried)" in text
    assert "  S-unit from 2026-06-04T00:00:00Z: 20.000 (start) to 70.000 (last)" in text


def test_a_spare_that_ran_before_it_came_begins_between_its_own_readings(story: Story) -> None:
    """At noon of the 3rd in Berlin the old one is half way from 1200 to 1300 km, the spare from 20 to 44 km."""
    daily(story, "odometer", "1000", "1100", "1200", "1300")
    daily(story, "odometer", "20", "44", "70", first=3, device="S")
    done = command("device", "exchange", "T1-unit", "S-unit", "--at", "2026-06-03T10:00Z")
    assert done.exit_code == 0, done.output
    # 1250 - 1000 and 70 - 32.
    assert metres(story, "T1", "vehicle/odometer", "2026-06-01", "2026-06-05") == (
        288_000, ["reading", "interpolated", "interpolated", "reading"],
    )  # fmt: skip
    # What it showed after it went is not the asset's.
    gone, came = [one for one in shown()["registers"] if one["path"] == "vehicle/odometer"]
    assert [(one["device"], one["last"], one["last_at"]) for one in (gone, came)] == [
        ("T1-unit", "1200.000", "2026-06-02T22:00:00Z"), ("S-unit", "70.000", "2026-06-04T22:00:00Z"),
    ]  # fmt: skip


def test_written_values_of_an_exchange_count(story: Story) -> None:
    daily(story, "odometer", "1000", "1100", "1200")
    daily(story, "odometer", "20", "70", first=5, device="S")
    written = ("--closing", "odometer=1250 km", "--opening", "odometer=0 km", "--evidence", "order 4711")
    done = command("device", "exchange", "T1-unit", "S-unit", "--at", "2026-06-04T00:00Z", *written)
    assert done.exit_code == 0, done.output
    # 1000 to 1250, and 0 to 70.
    assert metres(story, "T1", "vehicle/odometer", "2026-06-01", "2026-06-06")[0] == 320_000


def test_tyres_are_rotated_by_command(story: Story) -> None:
    daily(story, "odometer", "1000", "1100", "1200", "1300", "1400")
    at = ("--at", "2026-06-01", "--zone", "Europe/Berlin")
    for tyre, place in (("A", "T1/front-left"), ("B", "T1/front-right")):
        assert command("asset", "component", "mount", tyre, place, "--kind", "tyre", *at).exit_code == 0
    rotated = command("asset", "component", "move", "A=T1/front-right", "B=T1/front-left", "--at", "2026-06-03T10:00Z")
    assert rotated.exit_code == 0, rotated.output
    # Noon of the 3rd: 1250 km.
    told = command("asset", "component", "show", "A", "--from", "2026-05-31T22:00Z", "--to", "2026-06-04T22:00Z").output
    assert "T1/front-left 2026-05-31T22:00:00Z to 2026-06-03T10:00:00Z: 250.000 km" in told
    assert "T1/front-right 2026-06-03T10:00:00Z to 2026-06-04T22:00:00Z: 150.000 km" in told
    assert "together: 400.000 km" in told
    assert [one["component"] for one in shown()["components"]] == ["A", "A", "B", "B"]


def test_the_clocks_of_devices_are_shown(story: Story) -> None:
    daily(story, "odometer", "0", "100")
    (clock,) = shown()["clocks"]
    # Both arrived together, one minute after the later one.
    assert (clock["device"], clock["readings"], clock["least"], clock["most"]) == (
        "T1-unit", 2, "0:01:00", "1 day, 0:01:00",
    )  # fmt: skip
    assert clock["status"] == "not said"


def test_an_unknown_asset_is_refused(story: Story) -> None:
    refused = command("meters", "show", "T9")
    assert "T9: is no asset" in str(refused.exception)
    assert Decimal(len(story.rows("SELECT 1 FROM ingest.asset"))) == 2
    assert datetime.now(UTC) > SIGNED


def test_an_estimate_is_shown_never_counted_and_gives_way_to_readings(story: Story) -> None:
    daily(story, "odometer", "1000", "1100")
    span = ("--from", "2026-06-01T22:00Z", "--to", "2026-06-03T22:00Z")
    noted = command(
        "meters", "estimate", "T1", "vehicle/odometer", *span, "--quantity", "210 km", "--reason", "antenna broken"
    )
    assert noted.exit_code == 0, noted.output
    (one,) = shown()["estimates"]
    assert (one["estimated"], one["quantity"], one["actual"]) == (True, "210.000", None)
    assert used(shown()) == "100.000"
    daily(story, "odometer", "1290", "1400", first=4)
    (one,) = shown()["estimates"]
    assert (one["quantity"], one["actual"], used(shown())) == ("210.000", "190.000", "400.000")
    command("meters", "estimate", "T1", "vehicle/odometer", *span, "--reason", "readings came")
    assert shown()["estimates"] == []
