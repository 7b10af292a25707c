"""Standings: due when more is known or time moves them, bounded at each look, fair over contracts."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from api.commands import contract_store
from contracts import run
from contracts.facts import IndexValue
from contracts.standing import run as standings
from contracts.stated.run import By, publish, state
from contracts.store import failure
from contracts.store.reporting import Taken
from core.database import transaction
from core.time import micros
from ingest import catalogue
from ingest import run as ingesting
from ingest.store import alarm
from tests.stories.story import SIGNED, Story, case, local

pytestmark = pytest.mark.services
JUNE_10 = local("2026-06-10")
MINUTE = timedelta(minutes=1)
BY = By("person:test", "test", JUNE_10)


def told(engine: Engine, *names: str) -> Story:
    """Contracts of trucks that count kilometres: C-A of A and so on."""
    story = Story(engine)
    story.assets(*names)
    source = case("w01-km-amended")[0]
    story.contract(*(source.replace("C-01", f"C-{name}").replace("T1", name) for name in names), at=JUNE_10)
    for name in names:
        story.odometer(name, ("2026-06-01", "1000"))
    return story


def evaluated(story: Story) -> dict[str, int]:
    """Minutes after the first look at which each standing was evaluated."""
    rows = story.rows("""
        SELECT c.name, s.evaluated_at FROM contracts.standing AS s JOIN contracts.contract AS c ON c.id = s.contract
    """)
    return {name.removeprefix("C-"): (at - JUNE_10) // MINUTE for name, at in rows}


def look(story: Story, minute: int, **bounds: object) -> int:
    return standings.refresh(story.engine, at=JUNE_10 + minute * MINUTE, **bounds)  # type: ignore[arg-type]


def test_without_news_a_counter_is_not_evaluated_again_until_an_hour_is_over(engine: Engine) -> None:
    story = told(engine, "A", "B")
    assert look(story, 0) == 2
    assert look(story, 1) == 0
    story.odometer("A", ("2026-06-09", "2000"))
    assert look(story, 2) == 1
    assert evaluated(story) == {"A": 2, "B": 0}
    # 1000 km at 0.0420
    assert story.rows("SELECT max(result ->> 'total') FROM contracts.standing")[0][0] == "42.00 EUR"
    assert look(story, 3) == 0
    assert look(story, 61) == 1
    assert evaluated(story) == {"A": 2, "B": 61}


def test_where_states_last_time_alone_makes_a_standing_due(engine: Engine) -> None:
    story = Story(engine)
    story.assets("T1")
    story.contract(case("w04-uptime")[0], at=JUNE_10)
    assert look(story, 0) == 1
    assert look(story, 1) == 1
    assert look(story, 2, older_than=2 * MINUTE) == 0, "it was evaluated a minute ago"


def test_what_people_report_makes_the_contracts_due_that_it_touches(engine: Engine) -> None:
    story = told(engine, "A", "B")
    look(story, 0)
    lists = {"quantities": [{"asset": "B", "measure": "distance", "from": "2026-06-02", "to": "2026-06-03",
                             "quantity": "7 km"}]}  # fmt: skip
    taken = state(engine, {"schema": "facts/1", "contract": "C-B", "facts": lists}, BY)
    assert isinstance(taken, Taken)
    assert look(story, 1) == 1
    assert evaluated(story) == {"A": 0, "B": 1}
    publish(engine, IndexValue("electricity", "2026-01", 110, micros(JUNE_10)), BY)  # type: ignore[arg-type]
    assert look(story, 2) == 0, "no contract follows this index"


def test_an_amendment_makes_a_standing_due(engine: Engine) -> None:
    story = told(engine, "A")
    look(story, 0)
    both = "\n---\n".join(case("w01-km-amended")).replace("C-01", "C-A").replace("T1", "A")
    story.contract(both, at=JUNE_10 + MINUTE)
    assert look(story, 2) == 1


def test_a_flood_of_facts_of_one_contract_starves_no_other(engine: Engine) -> None:
    names = ["A", "B", "C", "D"]
    story = told(engine, *names)
    look(story, 0)
    for name in names[1:]:
        story.odometer(name, ("2026-06-08", "1500"))
    for minute in range(1, 5):
        for n in range(20):
            story.odometer("A", (f"2026-06-09 {minute:02}:{n:02}", f"{2000 + 100 * minute + n}"))
        assert look(story, minute, most=1) == 1, "the bound holds"
    assert sorted(evaluated(story).values()) == [1, 2, 3, 4], "everybody had a turn"
    story.odometer("A", ("2026-06-09 10:00", "3000"))
    story.odometer("B", ("2026-06-09 10:00", "3000"))
    look(story, 5, most=1)
    look(story, 6, most=1)
    assert {evaluated(story)[name] for name in ("A", "B")} == {5, 6}


def test_when_the_time_of_a_look_is_over_the_rest_waits_for_the_next(engine: Engine) -> None:
    story = told(engine, "A", "B")
    assert look(story, 0, in_time=lambda: False) == 0
    assert look(story, 1) == 2


UNLIKE = """
devices:
  - {device: old, registers: [{register: odometer, kind: counter, unit: km, resolution: 1 km}]}
  - {device: new, registers: [{register: odometer, kind: counter, unit: km, resolution: 0.001 km}]}
bindings:
  - {device: old, asset: A, position: vehicle, to: "2026-06-05T00:00:00Z"}
  - {device: new, asset: A, position: vehicle, from: "2026-06-05T00:00:00Z"}
"""


def failing(engine: Engine) -> Story:
    """Contract C-B, and C-A, whose devices followed each other in different ticks and cannot be counted."""
    story = Story(engine)
    found = catalogue.read(UNLIKE)
    assert isinstance(found, catalogue.Catalogue), found
    ingesting.declare(engine, found, SIGNED, author="person:test")
    story.assets("B")
    source = case("w01-km-amended")[0]
    story.contract(*(source.replace("C-01", f"C-{name}").replace("T1", name) for name in ("A", "B")), at=JUNE_10)
    return story


def failures(story: Story, work: str = "standing") -> list[tuple[int, int]]:
    """Of C-A: how often it failed in a row, and at which minute it is tried again."""
    found = story.rows("SELECT failures, retry_at, error FROM contracts.failure WHERE work = :work", work=work)
    assert all("different resolutions" in error or "tick" in error for _, _, error in found), found
    return [(times, (at - JUNE_10) // MINUTE) for times, at, _ in found]


def test_a_contract_that_fails_is_tried_again_after_a_pause_that_doubles(
    engine: Engine, admin_engine: Engine, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    monkeypatch.setenv("COLUMNS", "200")
    story = failing(engine)
    tried = {}
    for minute in range(8):
        story.odometer("B", (f"2026-06-09 10:{minute:02}", str(2000 + minute)))
        assert look(story, minute, most=3) == 1, "B has its turn at each look"
        tried[minute] = failures(story)[0]
    assert tried == {0: (1, 1), 1: (2, 3), 2: (2, 3), 3: (3, 7), 4: (3, 7), 5: (3, 7), 6: (3, 7), 7: (4, 15)}
    listed = CliRunner().invoke(contract_store.app, ["failing"])
    assert (listed.exit_code, listed.output.count("C-A"), listed.output.count("C-B")) == (1, 1, 0)
    with engine.begin() as connection:
        (said,) = alarm.recent(connection)
    assert (said.kind, said.detail["failing"], said.detail["contracts"]) == ("evaluation_fails", 1, ["C-A"])
    lists = {"quantities": [{"asset": "A", "measure": "distance", "from": "2026-06-02", "to": "2026-06-03",
                             "quantity": "7 km"}]}  # fmt: skip
    assert isinstance(state(engine, {"schema": "facts/1", "contract": "C-A", "facts": lists}, BY), Taken)
    look(story, 8)
    assert failures(story) == [(5, 24)], "what somebody states is a reason to try at once"
    with admin_engine.begin() as connection:
        connection.execute(text("UPDATE ingest.register SET resolution = 1"))
    look(story, 23)
    assert failures(story) == [(5, 24)]
    assert look(story, 24) == 1
    assert failures(story) == []
    assert CliRunner().invoke(contract_store.app, ["failing"]).exit_code == 0


def test_no_pause_is_longer_than_six_hours(engine: Engine) -> None:
    story = failing(engine)
    for n in range(12):
        with transaction(engine) as connection:
            failure.note(
                connection, 1, "standing", ValueError("different resolutions"), known=0, at=JUNE_10 + n * MINUTE
            )
    assert failures(story) == [(12, 11 + 360)]


def test_a_contract_that_cannot_be_evaluated_stops_no_other(engine: Engine) -> None:
    story = failing(engine)
    assert look(story, 0) == 1
    assert evaluated(story) == {"B": 0}
    july_5 = local("2026-07-05")
    assert run.close_due_periods(engine, at=july_5) == 6, "B's January to June"
    closed = """
        SELECT count(p.closed_at) FROM contracts.period AS p JOIN contracts.contract AS c ON c.id = p.contract
        GROUP BY c.name ORDER BY c.name
    """
    assert [row[0] for row in story.rows(closed)] == [0, 6]
    minute = (july_5 - JUNE_10) // MINUTE
    assert failures(story, "closing") == [(1, minute + 1)]
    run.close_due_periods(engine, at=july_5 + MINUTE / 2)
    assert failures(story, "closing") == [(1, minute + 1)]
    run.close_due_periods(engine, at=july_5 + MINUTE)
    assert failures(story, "closing") == [(2, minute + 3)]


def test_an_operator_is_told_when_standings_lag(engine: Engine) -> None:
    story = told(engine, "A", "B")
    look(story, 0)
    for name in ("A", "B"):
        story.odometer(name, ("2026-06-08", "1500"))
    look(story, 5, most=1)
    with engine.begin() as connection:
        assert alarm.recent(connection) == []
    story.odometer("A", ("2026-06-09", "1600"))
    look(story, 11, in_time=lambda: False)
    look(story, 12, in_time=lambda: False)
    with engine.begin() as connection:
        (told_once,) = alarm.recent(connection)
    assert (told_once.kind, told_once.client) == ("standing_lags", "schedule")
    assert told_once.detail == {"standings": 1, "since": "2026-06-09T22:00:00Z", "contracts": ["C-B"]}
