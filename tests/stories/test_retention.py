"""Readings are sealed, what bills rest on is kept, the rest is gone: issued periods come to the same ever after."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from api.commands import retention
from api.retention import ABOVE
from contracts import run as contracts
from contracts.jobs import fitting, tick
from contracts.store import evaluation, period
from core.database import transaction
from core.problem import Problems
from core.store import current_knowledge
from core.time import micros
from core.units import Quantity
from ingest import catalogue
from ingest import run as ingest
from ingest.batch import Arrival, Batch, examine
from ingest.correction.run import CannotCorrect, Wanted, correct
from ingest.door import judge
from ingest.meter import run as meters
from ingest.reason import Reason
from ingest.retention import run
from ingest.rollup import run as rollups
from ingest.store import counter, register
from ingest.store import retention as retention_store
from ingest.store.counter import Asked, Counted
from tests.stories.story import CASES, SIGNED, Story, case, facts, local, spans

pytestmark = pytest.mark.services
JULY_5, NOVEMBER = datetime(2026, 7, 5, 10, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = local("2026-07-01")
SAVED = text("""
    SELECT e.period, e.known, e.result_hash FROM contracts.evaluation AS e JOIN contracts.period AS p ON p.id = e.period
    WHERE p.label = :label ORDER BY e.id
""")
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
    with transaction(story.engine) as connection:
        return evaluated_again(connection)


def evaluated_again(connection: Connection, label: str = "2026-06") -> list[tuple[str, str]]:
    found = []
    for number, known, result_hash in connection.execute(SAVED, {"label": label}).all():
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


def test_where_the_edition_has_no_columnstore_it_is_said_and_nothing_is_set_up(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction(engine) as connection:
        edition = retention_store.edition(connection)
    if edition.licence != "apache":
        pytest.skip("this TimescaleDB has a columnstore")
    assert run.fit_columnstore(engine, NOVEMBER, days=0).notice == ""
    job = fitting(columnstore_after=90)
    assert tick(engine, job, lambda: NOVEMBER) == 0
    assert "readings are not compressed: TimescaleDB" in caplog.text
    with transaction(engine) as connection:
        assert retention_store.columnstore(connection) is None
    # The database refuses it, too, and what is too young to be compressed anywhere.
    for days, state in ((90, "0A000"), (34, "22023")):
        with pytest.raises(DBAPIError) as refused, transaction(engine) as connection:
            retention_store.set_columnstore(connection, timedelta(days=days))
        assert getattr(refused.value.orig, "sqlstate", None) == state


REGISTERS = """
      - {register: odometer, kind: counter, unit: km, max_rate: 100 km/h, glitch_window: 8 h}
      - {register: fuel, kind: gauge, unit: l, noise_band: 2 l, refill_threshold: 10 l}"""
DEVICES = """
devices:
  - device: K1-unit
    registers: REGISTERS
  - device: K2-unit
    registers: REGISTERS
bindings:
  - {device: K1-unit, asset: K1, position: vehicle, to: "2026-06-12T10:00:00Z"}
  - {device: K2-unit, asset: K1, position: vehicle, from: "2026-06-12T10:00:00Z", opening: {odometer: 0 km}}
""".replace("REGISTERS", REGISTERS)
AGREED = """
schema: contract/1
contract: C-KOLKATA
version: 1
effective_from: "2026-06-01"
recorded_at: "2026-05-01"
parties: {provider: Truck Supplier, customer: Haulier}
currency: EUR
timezone: Asia/Kolkata
billing: {period: month, rounding: half_up, decimals: 2}
coverage:
  - {asset: K1, from: "2026-06-01"}
measures:
  - {measure: distance, kind: counter_delta, register: vehicle/odometer, unit: km, on_reset: hold,
     boundary: interpolate, estimates: bill_flagged}
  - {measure: fuel, kind: gauge_fall, register: vehicle/fuel, unit: l}
terms:
  - {clause: "2.1", kind: usage_charge, measure: distance, model: flat, scope: asset, price: "0.5 EUR/km", text: a km}
  - {clause: "2.2", kind: usage_charge, measure: fuel, model: flat, scope: asset, price: "1 EUR/l", text: a litre}
"""
AUGUST_5 = datetime(2026, 8, 5, 10, tzinfo=UTC)
EDGE = datetime(2026, 6, 30, 18, tzinfo=UTC)
"""Half an hour before June ends in Kolkata."""


def six_hourly(first: str, count: int, value: int) -> list[tuple[str, str]]:
    """About fifty kilometres in every six hours, unevenly: no value lies on the line between its neighbours."""
    at = datetime.fromisoformat(first)
    return [(f"{at + n * timedelta(hours=6):%Y-%m-%dT%H:%MZ}", f"{value + 50 * n + n % 5 * 3}") for n in range(count)]


def kolkata(story: Story) -> None:
    """June in a zone of half hours: a spike, a fall that is held, an exchange, silence that is estimated, and noise."""
    declared = catalogue.read(DEVICES)
    assert isinstance(declared, catalogue.Catalogue), declared
    ingest.declare(story.engine, declared, SIGNED, author="person:test")
    story.contract(AGREED)
    counter_of_k1 = dict(six_hourly("2026-05-28T00:00+00:00", 60, 10_000))
    counter_of_k1["2026-06-05T06:00Z"] = "3"
    for at in [at for at in counter_of_k1 if at >= "2026-06-08T06:00Z"]:
        counter_of_k1[at] = str(int(counter_of_k1[at]) - 7_000)
    story.odometer("K1", *((at, km) for at, km in counter_of_k1.items() if at < "2026-06-11T12:00Z"))
    story.odometer("K2", *six_hourly("2026-06-12T12:00+00:00", 40, 20))
    # 100 l since 20 May; what moves by up to 2 l is noise, until 6 June: 100 - 90; refilled; 140 - 125 by 20 June
    levels = [("2026-05-20T00:00Z", "140"), ("2026-05-20T06:00Z", "100")]
    levels += [(f"2026-05-{day}T06:00Z", str(100 + (-1) ** day)) for day in range(21, 32)]
    levels += [("2026-06-02T06:00Z", "99"), ("2026-06-06T06:00Z", "90"), ("2026-06-07T06:00Z", "91.5")]
    story.gauge("K1", "fuel", "l", *levels, ("2026-06-09T06:00Z", "140"), ("2026-06-10T06:00Z", "139"))
    story.gauge("K2", "fuel", "l", ("2026-06-13T06:00Z", "140"), ("2026-06-20T06:00Z", "125"))
    days = (datetime(2026, 6, 23, tzinfo=UTC), datetime(2026, 6, 29, tzinfo=UTC))
    said = {"method": "mean", "author": "person:olga", "reason": "antenna broken"}
    meters.estimate(story.engine, ("K1", PATH), days, JULY_5, quantity=Quantity.parse("900 km"), **said)
    contracts.close_due_periods(story.engine, at=JULY_5)
    story.issue(story.bill(TRUCKS, "2026-06", JULY_5).run.public_id, JULY_5)
    # Back on 2 July, and the last kilometres of the first device come with it: June is evaluated again.
    story.odometer("K2", ("2026-07-02T06:00Z", "3000"), ("2026-08-01T06:00Z", "3100"))
    story.odometer("K1", *((at, km) for at, km in counter_of_k1.items() if "2026-06-11T12:00Z" <= at < "2026-06-12"))
    contracts.close_due_periods(story.engine, at=AUGUST_5)
    story.issue(story.bill(TRUCKS, "2026-07", AUGUST_5).run.public_id, AUGUST_5)
    rollups.roll_up(story.engine, NOVEMBER)


NEEDED = {
    "the neighbour of June's first instant": ("K1-unit", "odometer", "2026-05-31T18:00Z"),
    "the value after the spike": ("K1-unit", "odometer", "2026-06-05T12:00Z"),
    "the value before the fall that is held": ("K1-unit", "odometer", "2026-06-08T00:00Z"),
    "the value after it": ("K1-unit", "odometer", "2026-06-08T06:00Z"),
    "the last of the old device as known first": ("K1-unit", "odometer", "2026-06-11T06:00Z"),
    "the last of the old device as known later": ("K1-unit", "odometer", "2026-06-11T18:00Z"),
    "the last before the silence": ("K2-unit", "odometer", "2026-06-22T06:00Z"),
    "the level that noise is measured from": ("K1-unit", "fuel", "2026-05-20T06:00Z"),
    "the level after a fall": ("K1-unit", "fuel", "2026-06-06T06:00Z"),
    "the first level of the new device": ("K2-unit", "fuel", "2026-06-13T06:00Z"),
}
FORGET = text("""
    DELETE FROM ingest.kept_reading WHERE at = :at AND register = (
        SELECT g.id FROM ingest.register AS g JOIN ingest.device AS d ON d.id = g.device
        WHERE d.name = :device AND g.name = :register)
""")


def test_noise_glitches_exchanges_holds_and_estimates_in_a_zone_of_half_hours_come_to_the_same(
    story: Story, admin_engine: Engine
) -> None:
    kolkata(story)
    saved = hashes(story)
    assert len({a for a, _ in saved}) == len(saved) == 2, "June as billed, and as corrected"
    days = [datetime(2026, 6, day, 18, 30, tzinfo=UTC) for day in range(1, 31)]
    by_day = each(story, days)
    done = run.seal(story.engine, EDGE, NOVEMBER, above=ABOVE, by="person:olga")
    assert done.chunks >= 5
    assert hashes(story) == saved
    assert [a for a, _ in saved] == [b for _, b in saved]
    assert each(story, days) == by_day
    # The same comparison sees it if one of these had not been kept.
    for why, (device, name, at) in NEEDED.items():
        with admin_engine.connect() as connection, connection.begin() as trial:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            gone = connection.execute(FORGET, {"device": device, "register": name, "at": at}).rowcount
            assert gone == 1, f"{why} is kept"
            assert evaluated_again(connection) != saved, f"without {why} nothing differs"
            trial.rollback()
    assert hashes(story) == saved


def each(story: Story, instants: list[datetime]) -> tuple[Counted, ...]:
    """What was counted from each instant to the next, as known now."""
    needs = [Asked("K1", PATH, (micros(a), micros(b)), "km", estimates=True) for a, b in pairwise(instants)]
    with transaction(story.engine) as connection:
        return counter.load(connection, needs, known=current_knowledge(connection))
