"""Meters over HTTP as parties see them: newest readings, silence, levels with their mean, refills, money at stake."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from ingest import catalogue, run
from ingest.assignment import run as assignment
from tests.stories.story import SIGNED, Story
from tests.stories.test_hold_api import Call, calling

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
def call(engine: Engine, database: str) -> Iterator[Call]:
    yield from calling(engine, database)


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
