"""Readings are sealed, what bills rest on is kept, the rest is gone: issued periods come to the same ever after."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from api.commands import retention
from api.retention import ABOVE
from contracts import run as contracts
from contracts.store import evaluation, period
from core.database import transaction
from core.problem import Problems
from core.store import current_knowledge
from core.time import micros
from ingest import run as ingest
from ingest.batch import Arrival, Batch, examine
from ingest.correction.run import CannotCorrect, Wanted, correct
from ingest.door import judge
from ingest.reason import Reason
from ingest.retention import run
from ingest.rollup import run as rollups
from ingest.store import counter, register
from ingest.store.counter import Asked, Counted
from tests.stories.story import CASES, Story, case, facts, local, spans

pytestmark = pytest.mark.services
JULY_5, NOVEMBER = datetime(2026, 7, 5, 10, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = local("2026-07-01")
TRUCKS, TYRES = "Truck Supplier GmbH", "Tyre Supplier GmbH"
PATH = "vehicle/odometer"


@pytest.fixture
def story(engine: Engine) -> Story:
    told = Story(engine)
    told.set_up()
    told.assets("T1")
    return told


def uptime(story: Story) -> None:
    """W04 and kilometres from June on; the odometer falls in its middle, and is read each day; closed on 5 July."""
    distance = case("w03-counters")[0].replace("on_reset: hold", "on_reset: assume_zero")
    texts = (case("w04-uptime")[0], distance)
    story.contract(*(one.replace('from: "2026-01-01"}', 'from: "2026-06-01"}') for one in texts))
    story.states("T1", "2026-05-31 23:00", "2026-07-02 01:00", *spans(facts("w04-uptime")["facts"]["states"]))
    days = [
        (f"2026-06-{day:02} {hour}", f"{day * 100 - (900 if day > 15 else 0) + more}.0")
        for day in range(1, 31)
        for hour, more in (("00:00", 0), ("05:17", 3), ("12:40", 41), ("21:05", 77))
        if day % 2 or more
    ]
    story.odometer("T1", *days, ("2026-07-01", "2200.0"), ("2026-07-03", "2400.0"))
    contracts.record(story.engine, (CASES / "w04-uptime.facts.yaml").read_text(), at=JULY_5, author="person:anna")
    contracts.close_due_periods(story.engine, at=JULY_5)
    rollups.roll_up(story.engine, NOVEMBER)


def issue(story: Story) -> None:
    for entity in (TRUCKS, TYRES):
        story.issue(story.bill(entity, "2026-06", JULY_5).run.public_id, JULY_5)


def hashes(story: Story) -> list[tuple[str, str]]:
    """Of each evaluation of a whole period: as it was saved, and evaluated again at its knowledge."""
    found = []
    saved = story.rows("SELECT period, known, result_hash FROM contracts.evaluation ORDER BY id")
    with transaction(story.engine) as connection:
        for number, known, result_hash in saved:
            (due,) = period.by_id(connection, [number])
            carried = evaluation.carries(connection, [number], known)
            (again,) = contracts.evaluate_dues(connection, [due], known=known, until=due.ends_at, carried=carried)
            found.append((result_hash, again.evaluation.result_hash))
    return found


def counted(story: Story, start: str, end: str) -> Counted:
    with transaction(story.engine) as connection:
        need = Asked("T1", PATH, (micros(local(start)), micros(local(end))), "km")
        return counter.load(connection, [need], known=current_knowledge(connection))[0]


def readings(story: Story) -> int:
    ((found,),) = story.rows("SELECT count(*) FROM ingest.reading WHERE at < :until", until=UNTIL)
    return int(found)


def test_an_issued_period_comes_to_the_same_when_its_readings_are_gone(story: Story) -> None:
    uptime(story)
    issue(story)
    # 1577.0 - 100.0 until the 15th, 703.0 from zero, 2200.0 - 703.0 from then on: 3677.0 km at 0.0400
    assert [one["net"] for one in story.invoices() if one["issue"]["number"].startswith("TY")] == ["147.08"]
    before, all_of_june = readings(story), counted(story, "2026-06-01", "2026-07-01")
    days = [f"2026-06-{day:02}" for day in range(1, 31)]
    by_day = [counted(story, a, b) for a, b in pairwise(days)]
    done = run.seal(story.engine, UNTIL, NOVEMBER, above=ABOVE, by="person:olga")
    assert done.chunks >= 4
    assert readings(story) < before / 2
    assert 0 < done.kept < before / 2
    again = hashes(story)
    assert len(again) == 2
    assert [b for _, b in again] == [a for a, _ in again]
    assert counted(story, "2026-06-01", "2026-07-01") == all_of_june
    assert [counted(story, a, b) for a, b in pairwise(days)] == by_day
    # 1 June 100.0 km, 1 July 2200.0 km; on 16 June it fell from 1577.0 to 703.0, which is taken out
    (part,) = all_of_june.parts
    assert (part.closing - part.opening, part.removed) == (2_200_000 - 100_000, 703_000 - 1_577_000)
    actions = [row[0] for row in story.rows("SELECT action FROM core.audit WHERE actor = 'person:olga' ORDER BY 1")]
    assert actions == ["reading.drop", "reading.seal"]


def test_sealing_again_further_on_keeps_what_was_kept(story: Story) -> None:
    uptime(story)
    issue(story)
    whole = counted(story, "2026-06-01", "2026-07-01")
    run.seal(story.engine, local("2026-06-15").replace(minute=0), NOVEMBER, above=ABOVE, by="person:olga")
    run.seal(story.engine, UNTIL, NOVEMBER, above=ABOVE, by="person:olga")
    assert counted(story, "2026-06-01", "2026-07-01") == whole
    assert all(a == b for a, b in hashes(story))
    with pytest.raises(Problems, match="sealed up to 2026-06-30T22:00Z already"):
        run.seal(story.engine, local("2026-06-20"), NOVEMBER, above=ABOVE, by="person:olga")


def test_a_period_that_is_open_or_not_issued_stands_in_the_way(story: Story) -> None:
    uptime(story)
    before = readings(story)
    plan = run.plan(story.engine, UNTIL, NOVEMBER, above=ABOVE)
    assert [(one.contract, one.period, one.reason) for one in plan.obstacles] == [
        (contract, "2026-06", "is closed, and neither issued nor left out") for contract in ("C-03", "C-04")
    ]
    with pytest.raises(Problems, match="C-04 2026-06"):
        run.seal(story.engine, UNTIL, NOVEMBER, above=ABOVE, by="person:olga")
    issue(story)
    with pytest.raises(Problems, match=r"C-04 2026-07.*is not closed yet"):
        run.seal(story.engine, local("2026-07-02"), NOVEMBER, above=ABOVE, by="person:olga")
    plan = run.plan(story.engine, UNTIL, NOVEMBER, above=ABOVE)
    assert (plan.obstacles, readings(story)) == ((), before), "a plan changes nothing"
    assert story.rows("SELECT until FROM ingest.sealed") == []
    done = run.seal(story.engine, UNTIL, NOVEMBER, above=ABOVE, by="person:olga")
    assert plan == done


def test_the_door_refuses_what_is_sealed(story: Story) -> None:
    uptime(story)
    issue(story)
    with transaction(story.engine) as connection:
        stale = register.snapshot(connection, JULY_5)
    run.seal(story.engine, UNTIL, NOVEMBER, above=ABOVE, by="person:olga")
    with transaction(story.engine) as connection:
        registry = register.snapshot(connection, JULY_5, stale)
    item = (0, "odometer", "2026-06-30T21:59:59Z", "2200.0", "km", "")
    last = (1, "odometer", "2026-06-30T22:00:00.000001Z", "2200.0", "km", "")
    found = judge([item, last], "T1-unit", registry, received_at=micros(JULY_5))
    assert [one[0] for one in found.rows] == [1]
    assert [(one.reason, one.detail) for one in found.rejected] == [
        (Reason.TOO_OLD, "readings before 2026-06-30T22:00:00Z are sealed, and this one is of 2026-06-30T21:59:59Z")
    ]
    # An ingester that has not heard of it yet puts the reading aside, too, and stores the others.
    body = (
        b'{"v":1,"boot":"b","seq":0,"readings":[{"register":"odometer","at":"2026-06-20T10:00:00Z","value":"1","unit":"km"},'
        b'{"register":"odometer","at":"2026-07-02T10:00:00Z","value":"2300","unit":"km"}]}'
    )
    arrival = Arrival(1, 1, 1, b"yardstick/T1-unit/readings", body, micros(JULY_5))
    batch = Batch()
    batch.add(arrival, examine(arrival, stale))
    outcome = ingest.write(story.engine, batch, JULY_5, client="test")
    assert sum(one.stored for one in outcome.counts) == 1
    assert outcome.reasons == {"poison": 1}


def test_corrections_of_sealed_readings_are_refused(story: Story) -> None:
    uptime(story)
    issue(story)
    run.seal(story.engine, UNTIL, NOVEMBER, above=ABOVE, by="person:olga")
    wanted = Wanted("T1-unit/odometer", "2026-06-19T22:00:00Z", None, "test")
    with pytest.raises(CannotCorrect, match="sealed"), transaction(story.engine) as connection:
        correct(connection, NOVEMBER, wanted, by="person:anna")
    with pytest.raises(DBAPIError, match="sealed"):
        story.rows(
            """INSERT INTO ingest.reading_override (register, at, value, known, author, reason)
            SELECT register, at, value, core.draw_knowledge(), 'person:x', 'x' FROM ingest.kept_reading LIMIT 1
            RETURNING 1"""
        )


def test_what_is_not_rolled_up_or_too_young_is_not_sealed(story: Story) -> None:
    uptime(story)
    issue(story)
    with pytest.raises(Problems, match="less than 35 days ago"):
        run.seal(story.engine, UNTIL, JULY_5, above=ABOVE, by="person:olga")
    with pytest.raises(Problems, match="whole one"):
        run.seal(story.engine, local("2026-06-30 10:30"), NOVEMBER, above=ABOVE, by="person:olga")


def test_sealed_hours_are_not_compared(story: Story) -> None:
    uptime(story)
    issue(story)
    run.seal(story.engine, UNTIL, NOVEMBER, above=ABOVE, by="person:olga")
    assert rollups.verify(story.engine) == []
    rollups.roll_up(story.engine, NOVEMBER)
    ((hours,),) = story.rows(
        "SELECT count(*) FROM ingest.usage_hour WHERE hour < :until AND superseded IS NULL", until=UNTIL
    )
    assert hours == 15 * 4 + 15 * 3


def test_the_command_says_what_would_go_and_what_stands_in_the_way(
    story: Story, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    uptime(story)
    words = ["--until", "2026-07-01", "--zone", "Europe/Berlin", "--dry-run"]
    blocked = CliRunner().invoke(retention.app, words)
    assert (blocked.exit_code, "in the way: C-03 2026-06 is closed, and neither" in blocked.output) == (1, True)
    issue(story)
    found = CliRunner().invoke(retention.app, words)
    assert (found.exit_code, "readings before 2026-06-30T22:00Z would be sealed" in found.output) == (0, True)
