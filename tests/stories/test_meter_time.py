"""Meters by stretches of time on the command line, and how spans and sealed readings are told."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from api.commands import meter_time, meter_word, meters
from tests.stories.story import Story, case

pytestmark = pytest.mark.services
DAY = ("--from", "2026-06-03", "--to", "2026-06-04", "--zone", "Europe/Berlin")


@pytest.fixture
def story(environment: dict[str, str], engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Story:
    """T1 drives 24 km on 3 June in Berlin; its tyres are watched for two hours, its state until noon."""
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    told = Story(engine)
    told.assets("T1")
    told.contract(case("w03-counters")[0])
    told.odometer("T1", ("2026-06-03", "1000"), ("2026-06-04", "1024"))
    told.gauge("T1", "pressure", "bar", ("2026-06-03 10:20", "8.5"), ("2026-06-03 10:40", "7.9"),
               ("2026-06-03 11:10", "8.1"))  # fmt: skip
    told.states("T1", "2026-06-03", "2026-06-03 12:00", ("2026-06-03 06:30", "2026-06-03 08:00", "fault"))
    return told


def run(*words: str) -> Result:
    apps = {"usage": meter_time, "levels": meter_time, "states": meter_time, "show": meters, "holds": meters}
    return CliRunner().invoke(apps[words[0]].app, list(words))


def rows(*words: str) -> list[dict[str, Any]]:
    result = run(*words, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


@pytest.mark.usefixtures("story")
def test_use_levels_and_states_by_hour(admin_engine: Engine) -> None:
    used = rows("usage", "T1", *DAY, "--grain", "hour")
    assert [one["quantity"] for one in used] == ["1"] * 24
    assert used[0]["from"] == "2026-06-02T22:00:00Z"
    covered = rows("usage", "--contract", "C-03", *DAY, "--grain", "day", "--group-by", "customer")
    assert [(one["key"], one["quantity"], one["estimated"]) for one in covered] == [("Haulier", "24", "0")]
    said = run("usage", "--contract", "C-03", *DAY, "--grain", "period").output
    assert "2026-06-03 00:00+02:00 to 2026-06-04 00:00+02:00  T1: 24 km" in said
    # From 10:20, 10:40 and 11:10.
    levels = {one["from"][11:13]: one for one in rows("levels", "T1", *DAY)}
    assert [levels[hour]["readings"] for hour in ("07", "08", "09", "10")] == [0, 2, 1, 0]
    assert (levels["08"]["lowest"], levels["08"]["highest"], levels["08"]["last"]) == ("7.900", "8.500", "7.900")
    # 8.5 over 20 minutes and 7.9 over as many; then 7.9 over 10, 8.1 over 50; 8.1 holds on.
    assert [(levels[hour]["mean"], levels[hour]["coverage"]) for hour in ("07", "08", "09", "10")] == [
        (None, "0.000000"), ("8.2", "0.666666"), ("121/15", "1.000000"), ("8.1", "1.000000"),
    ]  # fmt: skip
    shown = run("levels", "T1", *DAY).output
    assert "no reading" in shown
    assert "7.900 to 8.500 bar, last 7.900, 2 readings, mean 8.2 bar over 66.67 % of the time" in shown
    states = {one["from"][11:13]: one["seconds"] for one in rows("states", "T1", *DAY, "--grain", "hour")}
    assert (states["04"], states["05"]) == ({"fault": "1800", "running": "1800"}, {"fault": "3600"})
    for words, says in (
        (("usage",), "needs an asset"),
        (("usage", "T1", "--grain", "period"), "no billing periods"),
        (("usage", "T1", "--register", "vehicle/fuel", *DAY), "it has vehicle/odometer"),
        (("usage", "--contract", "C-99"), "is no contract"),
        (("usage", "T1", "--grain", "hour", "--from", "2020-01-01"), "too many for one answer"),
    ):
        assert says in str(run(*words).exception), words
    shows_what_is_left_of_sealed_time(admin_engine)


def shows_what_is_left_of_sealed_time(admin_engine: Engine) -> None:
    """In the same database, at its end: what is sealed stays so."""
    before = run("show", "T1", *DAY)
    assert "sealed" not in before.output
    assert "2026-06-03T04:30:00Z to 2026-06-03T06:00:00Z fault" in before.output
    with admin_engine.begin() as connection:
        sealed = "INSERT INTO ingest.sealed VALUES ('reading', :until, :until, :until)"
        connection.execute(text(sealed), {"until": "2026-06-03T12:00:00Z"})
    told = run("show", "T1", *DAY).output
    assert "readings before 2026-06-03T12:00:00Z are sealed" in told
    assert "raw readings before 2026-06-03T12:00:00Z are dropped" in told
    found = json.loads(run("show", "T1", *DAY, "--json").output)["sealed"]
    assert found == {"until": "2026-06-03T12:00:00Z", "dropped_before": "2026-06-03T12:00:00Z"}
    later = ("--from", "2026-06-03T12:00Z", "--to", "2026-06-04")
    assert json.loads(run("show", "T1", *later, "--json").output)["sealed"] is None


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [
        ("2026-06-03T10:00:00.123456Z", "2026-06-03T11:00:00.5Z", "2026-06-03T10:00:00Z to 2026-06-03T11:00:00Z"),
        ("2026-06-03T10:00:00.1Z", "2026-06-03T10:00:00.5Z", "2026-06-03T10:00:00.1Z to 2026-06-03T10:00:00.5Z"),
    ],
)
def test_spans_are_told_to_the_second_unless_that_says_nothing(first: str, last: str, shown: str) -> None:
    assert meter_word.span_words({"from": first, "to": last}) == shown
    assert [meter_word.took_words(took) for took in ("1 day, 0:01:00.250000", "0:00:00.250000", "0:00:02")] == [
        "1 day, 0:01:00", "0:00:00.250000", "0:00:02",
    ]  # fmt: skip
