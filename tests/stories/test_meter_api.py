"""Meters over HTTP as parties see them: newest readings, silence, levels with their mean, refills, money at stake."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from api import main
from contracts.run import extend_periods
from core.database import transaction
from core.time import micros
from ingest import catalogue, run
from ingest.assignment import run as assignment
from ingest.batch import Arrival, Batch, examine
from ingest.store.register import snapshot
from tests.served import AT
from tests.stories.story import SIGNED, Story
from tests.stories.test_hold_api import PASSWORD, SPAN, Call, calling

pytestmark = pytest.mark.services
FIFTH = datetime(2026, 6, 5, tzinfo=UTC)
QUIET = """
devices:
  - device: T1-unit
    asset: T1
    position: vehicle
    registers:
      - {register: state, kind: state, max_gap: 12 h, silence_limit: 1 h}
"""


@pytest.fixture
def call(engine: Engine, database: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    yield from calling(engine, database)


def told(*words: str) -> str:
    """What the command line says."""
    result = CliRunner().invoke(main.load("meters"), list(words))
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def asset(call: Call, name: str = "T1", who: str = "kim") -> str:
    found = call(who, "GET", "/v1/assets").json()["items"]
    return str(next(one["id"] for one in found if one["name"] == name))


def test_a_device_that_went_elsewhere_tells_its_former_party_nothing(call: Call, engine: Engine) -> None:
    here = f"/v1/assets/{asset(call)}"

    def newest(who: str) -> tuple[str | None, str | None, str | None]:
        shown = call(who, "GET", here).json()
        (odometer,) = (one for one in shown["registers"] if one["path"] == "vehicle/odometer")
        return odometer["last_value"], odometer["last_at"], shown["last_reading_at"]

    assert newest("kim") == ("150.000", "2026-06-03T22:00:00Z", "2026-06-03T22:00:00Z")
    assignment.unbind(engine, "T1-unit", FIFTH, SIGNED, closing={}, author="test")
    assert newest("kim") == ("150.000", "2026-06-03T22:00:00Z", "2026-06-03T22:00:00Z")
    assignment.bind(engine, "T1-unit", ("T2", "trailer"), FIFTH, SIGNED, opening={}, author="test")
    Story(engine).odometer("T1", ("2026-06-06", "777"))
    # What T2 drives is T2's.
    assert newest("kim")[:2] == newest("ops")[:2] == (None, None)
    there = call("ops", "GET", f"/v1/assets/{asset(call, 'T2', 'ops')}").json()
    assert {one["last_value"] for one in there["registers"] if one["path"] == "trailer/odometer"} == {"777.000"}
    assert "777" not in call("kim", "GET", here).text + call("kim", "GET", "/v1/assets").text


def test_states_are_unknown_after_the_silence_limit_over_http_too(call: Call, engine: Engine) -> None:
    found = catalogue.read(QUIET)
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(engine, found, SIGNED, author="test")
    Story(engine).states("T1", "2026-06-03 10:00", "2026-06-03 10:00")
    # 10:00 in Berlin; an hour later nobody knows.
    span = {"since": "2026-06-03T08:00:00Z", "before": "2026-06-03T12:00:00Z"}
    here = f"/v1/assets/{asset(call)}"
    (row,) = call("kim", "GET", f"{here}/state-time", params=span).json()["rows"]
    assert row["seconds"] == {"running": "3600", "unknown": "10800"}
    (one,) = call("kim", "GET", f"{here}/states", params=span).json()
    assert (one["from"], one["to"]) == ("2026-06-03T08:00:00Z", "2026-06-03T09:00:00Z")


def test_a_hold_shows_what_it_is_worth_to_whose_contract_prices_it(call: Call, engine: Engine) -> None:
    """0.0400 EUR a km: 100 + 100 km are 8.00 EUR; with the 50 km shown since the fall 10.00, with 60 km 10.40."""
    extend_periods(engine, at=AT)
    first, second = (one["hold"] for one in call("ops", "GET", "/v1/holds", params=SPAN).json()["items"])
    address = f"/v1/holds/{first}/stake"
    assert call("ops", "GET", address).json()["code"] == "role_not_allowed"
    for who in ("kim", "fin"):
        shown = call(who, "GET", address).json()
        (one,) = shown["contracts"]
        assert (shown["quantity"], shown["unit"], one["contract_name"], one["period"]) == (
            "50.000", "km", "C-03", "2026-06",
        )  # fmt: skip
        assert (one["now"], one["then"], one["difference"]) == ("8.00 EUR", "10.00 EUR", "2.00 EUR")
        (line,) = one["lines"]
        assert (line["clause"], line["asset"], line["now"], line["then"]) == ("2.2", "T1", "8.00 EUR", "10.00 EUR")
    wanted = call("kim", "GET", address, params={"quantity": "60000 m"}).json()
    assert (wanted["quantity"], wanted["contracts"][0]["difference"]) == ("60", "2.40 EUR")
    assert call("kim", "GET", address, params={"quantity": "1 l"}).status_code == 422
    # T2 is nobody's: no contract prices it, and neither party finds it.
    assert {call(who, "GET", f"/v1/holds/{second}/stake").status_code for who in ("fin", "kim")} == {404}
    assert "no contract prices this counter" in told("stake", second)
    shows_it_on_the_page(call, first, second)
    # It was only supposed: the hold waits still, and what is decided comes to what was said.
    assert [one["hold"] for one in call("ops", "GET", "/v1/holds", params=SPAN).json()["items"]] == [first, second]
    said = told("stake", first, "--bill", "60 km")
    assert "C-03 2026-06: 8.00 EUR now, 10.40 EUR then, difference 2.40 EUR" in said
    assert "2.2 T1: 8.00 EUR now, 10.40 EUR then" in said
    decided = {"kind": "bill", "quantity": "60 km", "reason": "trip log"}
    assert call("ops", "POST", f"/v1/holds/{first}/decisions", json=decided).status_code == 201
    assert "so nothing is at stake" in call("kim", "GET", address).json()["detail"]


def shows_it_on_the_page(call: Call, first: str, second: str) -> None:
    """To a customer, who decides nothing; an operator decides, and reads no money."""
    client: httpx.Client = call.client  # type: ignore[attr-defined]
    for name, worth, decides in (("kim", True, False), ("ops", False, True)):
        assert client.post("/portal/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303
        assert "at stake" in client.get("/portal/holds").text.lower()
        plain = client.get(f"/portal/holds/{first}").text
        asked = client.get(f"/portal/holds/{first}?worth=true").text
        assert ("What it is worth" in plain, "€" in plain, "\u20ac2.00" in asked) == (worth, False, worth)
        assert ("<textarea" in plain) == decides
        assert client.get(f"/portal/holds/{second}").status_code == (404 if name == "kim" else 200)
        client.cookies.clear()


TANK = """
devices:
  - device: T1-unit
    asset: T1
    position: vehicle
    registers:
      - {register: tank, kind: gauge, unit: l, resolution: 0.1 l, noise_band: 2 l, refill_threshold: 20 l}
      - {register: urea, kind: gauge, unit: l, resolution: 0.1 l, refill_threshold: 10 l}
"""


def test_refills_are_told_one_by_one_behind_what_came_in(call: Call, engine: Engine) -> None:
    found = catalogue.read(TANK)
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(engine, found, SIGNED, author="test")
    story = Story(engine)
    # 300, noise, 280 (20 used), 400 (refilled 120), 390 (10 used); the next day 375 (15 used) and 415 (refilled 40).
    story.gauge("T1", "tank", "l", ("2026-06-03 06:00", "300"), ("2026-06-03 08:00", "301.5"),
                ("2026-06-03 10:00", "280"), ("2026-06-03 11:00", "400"), ("2026-06-03 23:00", "390"),
                ("2026-06-04 01:00", "375"), ("2026-06-04 02:00", "415"))  # fmt: skip
    span = {"since": "2026-06-02T22:00:00Z", "before": "2026-06-04T22:00:00Z", "register": "vehicle/tank"}
    for who in ("kim", "ops"):
        rows = call(who, "GET", f"/v1/assets/{asset(call)}/refills", params=span).json()["rows"]
        assert [(one["used"], one["refilled"]) for one in rows] == [("30", "120"), ("15", "40")], who
        assert rows[0]["refills"] == [
            {"at": "2026-06-03T09:00:00Z", "before": "280", "after": "400", "quantity": "120"}
        ]  # fmt: skip
    # A stretch that begins in noise goes on from the level that counted before it.
    later = {**span, "since": "2026-06-03T07:00:00Z", "before": "2026-06-03T08:30:00Z"}
    rows = call("kim", "GET", f"/v1/assets/{asset(call)}/refills", params=later).json()["rows"]
    assert [one["used"] for one in rows] == ["20"]
    said = told("refills", "T1", "--register", "vehicle/tank", "--from", "2026-06-03", "--to", "2026-06-05",
                "--zone", "Europe/Berlin")  # fmt: skip
    assert "used 30, refilled 120 l\n  2026-06-03 11:00+02:00  280 to 400 l\n" in said
    # Without a band a rise below the threshold is no refill, and the fall back from it no consumption.
    story.gauge("T1", "urea", "l", ("2026-06-03 06:00", "50"), ("2026-06-03 07:00", "55"), ("2026-06-03 08:00", "50"),
                ("2026-06-03 09:00", "48"))  # fmt: skip
    rows = call("kim", "GET", f"/v1/assets/{asset(call)}/refills", params={**span, "register": "vehicle/urea"}).json()
    assert [(one["used"], one["refilled"]) for one in rows["rows"]] == [("2", "0"), ("0", "0")]
    # Before the contract, and of what nobody covers, a customer sees nothing.
    early = {**span, "since": "2025-12-01T00:00:00Z", "before": "2025-12-02T00:00:00Z"}
    rows = call("kim", "GET", f"/v1/assets/{asset(call)}/refills", params=early).json()
    assert {(one["used"], one["refilled"]) for one in rows["rows"]} == {("0", "0")}


def test_what_was_known_then_is_answered_for_ever(call: Call) -> None:
    """100 km, the fall is held, 100 km; then 60 km are decided for it."""
    here = f"/v1/assets/{asset(call)}"
    span = {"since": "2026-05-31T22:00:00Z", "before": "2026-06-03T22:00:00Z", "register": "vehicle/odometer"}

    def used(**more: str) -> tuple[int, list[str]]:
        found = call("kim", "GET", f"{here}/usage", params={**span, **more}).json()
        return found["known"], [one["quantity"] for one in found["rows"]]

    then, before = used()
    (hold,) = (one["hold"] for one in call("kim", "GET", "/v1/holds", params=SPAN).json()["items"])
    decided = {"kind": "bill", "quantity": "60 km", "reason": "trip log"}
    assert call("ops", "POST", f"/v1/holds/{hold}/decisions", json=decided).status_code == 201
    now, after = used()
    assert (before, after) == (["100", "0", "100"], ["100", "60", "100"])
    assert used(as_of=str(then)) == used(as_of=f"K {then}") == (then, before)
    assert used(as_of=str(now)) == (now, after)
    held = {name: span[name] for name in ("since", "before")}
    assert call("kim", "GET", f"{here}/holds", params=held).json() == []
    assert [one["hold"] for one in call("kim", "GET", f"{here}/holds", params={**held, "as_of": then}).json()] == [hold]
    days = {"first": "2026-06-01", "last": "2026-06-03", "measure": "distance"}
    for as_of, sums in ((None, ["100", "60", "100"]), (then, ["100", "0", "100"])):
        rows = call("kim", "GET", "/v1/usage", params={**days, "as_of": as_of} if as_of else days).json()["rows"]
        assert [one["quantity"] for one in rows] == sums
    for wrong in ("yesterday", "2026-06-03T00:00:00", str(now + 1), "2036-06-03T00:00:00Z"):
        answer = call("kim", "GET", f"{here}/usage", params={**span, "as_of": wrong})
        assert (answer.status_code, "as_of" in answer.json()["detail"]) == (422, True), wrong


def clocked(engine: Engine, received: datetime, *readings: tuple[str, str, str]) -> None:
    """Kilometres of T1 at instants, with what its device says of its clock."""
    items = [{"register": "odometer", "at": at, "value": km, "unit": "km", "status": s} for at, km, s in readings]
    payload = json.dumps({"v": 1, "boot": "c", "seq": 1, "readings": items}).encode()
    batch = Batch()
    with transaction(engine) as connection:
        registry = snapshot(connection, received)
    arrival = Arrival(1, 1, 1, b"yardstick/T1-unit/readings", payload, micros(received))
    batch.add(arrival, examine(arrival, registry))
    assert not batch.refused, batch.refused
    run.write(engine, batch, received, client="test")


def test_clocks_are_told_with_each_reading_and_by_device(call: Call, engine: Engine) -> None:
    """Taken at 6:00 and 6:01 and received at 6:00:58: 58 s late, and 2 s before it was taken. Others say nothing."""
    here = f"/v1/assets/{asset(call)}"
    known = call("kim", "GET", f"{here}/usage", params={**SPAN, "register": "vehicle/odometer"}).json()["known"]
    clocked(engine, datetime(2026, 6, 5, 6, 0, 58, tzinfo=UTC),
            ("2026-06-05T06:00:00Z", "160", "S"), ("2026-06-05T06:01:00Z", "161", "S"))  # fmt: skip
    clocked(engine, datetime(2025, 12, 21, tzinfo=UTC), ("2025-12-20T00:00:00Z", "900", "I"))
    span = {"since": "2026-06-05T00:00:00Z", "before": "2026-06-06T00:00:00Z"}
    for who in ("kim", "ops", "fin"):
        shown = call(who, "GET", f"{here}/readings", params={**span, "register": "vehicle/odometer"}).json()["items"]
        assert [(one["value"], one["time_status"]) for one in shown] == [("160.000", "S"), ("161.000", "S")], who
        assert call(who, "GET", f"{here}/clocks", params=span).json() == [
            {"device": "T1-unit", "time_status": "S", "readings": 2, "least": "-2", "middle": "-2", "most": "58"}
        ]
    early = call("kim", "GET", f"{here}/readings", params={**SPAN, "register": "vehicle/odometer"}).json()["items"]
    assert [one["time_status"] for one in early] == [None] * 3 + ["S"] * 2
    # Two days, one and none, each and a minute; the pressures after 1, 31 and 51 minutes.
    assert call("kim", "GET", f"{here}/clocks", params={**SPAN, "as_of": str(known)}).json() == [
        {"device": "T1-unit", "time_status": None, "readings": 6, "least": "60", "middle": "1860", "most": "172860"}
    ]
    both = call("kim", "GET", f"{here}/clocks", params=SPAN).json()
    assert [(one["time_status"], one["readings"]) for one in both] == [(None, 6), ("S", 2)]
    # What came before the contract is the operator's to know.
    prior = {"since": "2025-12-19T00:00:00Z", "before": "2025-12-30T00:00:00Z"}
    assert call("kim", "GET", f"{here}/clocks", params=prior).json() == []
    assert [one["most"] for one in call("ops", "GET", f"{here}/clocks", params=prior).json()] == ["86400"]
    other = f"/v1/assets/{asset(call, 'T2', 'ops')}/clocks"
    assert (call("kim", "GET", other, params=SPAN).status_code, call("ops", "GET", other, params=SPAN).status_code) == (
        404, 200,
    )  # fmt: skip
    assert call("kim", "GET", f"{here}/clocks", params={**SPAN, "since": "2026-01-01T00:00:00Z"}).status_code == 422
