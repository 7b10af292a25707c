"""What meters go through, from readings in the database to quantities: the worked case, holds, resets, exchanges."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypedDict

import pytest
from sqlalchemy import Engine

from contracts import run as contracts
from core.database import transaction
from core.problem import Problems
from core.store import current_knowledge
from core.time import micros
from core.units import Quantity
from ingest import catalogue, run
from ingest.meter import run as meters
from ingest.store import hold
from tests.stories.story import SIGNED, Story, case, facts, local

pytestmark = pytest.mark.services
AFTER = datetime(2026, 7, 5, tzinfo=UTC)
CASE = facts("w03-counters")


class Decided(TypedDict):
    author: str
    reason: str


BY: Decided = {"author": "person:test", "reason": "work order 4711"}


@pytest.fixture
def story(engine: Engine) -> Story:
    return Story(engine)


def declare(story: Story, found: object) -> None:
    read = catalogue.of(found)
    assert isinstance(read, catalogue.Catalogue), read
    run.declare(story.engine, read, SIGNED, author="person:test")


def utc(wall: str) -> str:
    return local(wall).strftime("%Y-%m-%dT%H:%M:%SZ") if "Z" not in wall else wall.replace("Z", ":00Z")


def bindings(exchanges: Iterable[dict[str, str]]) -> list[dict[str, Any]]:
    """Device A, and from a documented exchange on device B."""
    at = list(exchanges)
    if not at:
        return [{"device": "A-unit", "asset": "T1", "position": "vehicle"}]
    (one,) = at
    where = {"asset": "T1", "position": "vehicle", "evidence": one["evidence"]}
    return [
        {"device": "A-unit", "to": utc(one["at"]), "closing": {"odometer": one["end_value"]}, **where},
        {"device": "B-unit", "from": utc(one["at"]), "opening": {"odometer": one["start_value"]}, **where},
    ]


def tell(story: Story, example: dict[str, Any]) -> None:
    """The example's facts into the database, and its contract with its changes."""
    given = {**CASE["facts"], **example.get("facts", {})}
    odometer = {"register": "odometer", "kind": "counter", "unit": "km"}
    devices = [{"device": f"{name}-unit", "registers": [odometer]} for name in "AB"]
    declare(story, {"devices": devices, "bindings": bindings(given["exchanges"])})
    for device in "AB":
        values = [(r["at"], r["value"].split()[0]) for r in given["readings"] if r["device"] == device]
        if values:
            story.odometer(device, *values)
    text = case("w03-counters")[0]
    changes = example.get("with", {}).get("distance", {})
    if "on_reset" in changes:
        text = text.replace("on_reset: hold", f"on_reset: {changes['on_reset']}")
    if "modulus" in changes:
        text = text.replace("boundary:", f'modulus: "{changes["modulus"]}", boundary:')
    story.contract(text)
    contracts.extend_periods(story.engine, at=AFTER)


def result(story: Story, period: str = "2026-06") -> tuple[str, list[str]]:
    """The quantity of the period, and its lines' amounts."""
    found = contracts.evaluate_period(story.engine, "C-03", period, at=AFTER).evaluation
    (verdict,) = found.verdicts
    return str(verdict.values["quantity"]), [str(line.amount) for line in found.lines]


@pytest.mark.parametrize("example", CASE["examples"], ids=lambda one: one["name"].split(":")[0])
def test_w03_through_the_database(story: Story, example: dict[str, Any]) -> None:
    tell(story, example)
    found = contracts.evaluate_period(story.engine, "C-03", example["period"], at=AFTER).evaluation
    expected = example["expected"]
    assert [f"{line.clause} | {line.owner} | {line.amount}" for line in found.lines] == [
        " | ".join([*row.split(" | ")[:2], row.split(" | ")[3]]) for row in expected["lines"]
    ]
    (verdict,) = found.verdicts
    assert {(row.split(" | ")[2], Quantity.parse(row.split(" | ")[3])) for row in expected["values"]} <= {
        (name, Quantity.parse(str(value))) for name, value in verdict.values.items() if name != "unrounded"
    }
    assert [(one.case.start, one.case.end) for one in found.open_cases] == [
        tuple(micros(local(at)) for at in row.split(" | ")[2:4]) for row in expected.get("open_cases", [])
    ]


def open_holds(story: Story, known: int | None = None) -> list[hold.Hold]:
    with transaction(story.engine) as connection:
        known = current_knowledge(connection) if known is None else known
        return hold.find(connection, start=local("2026-06-01"), end=local("2026-07-01"), known=known)


def test_a_hold_is_on_the_work_list_until_somebody_decides(story: Story) -> None:
    tell(story, CASE["examples"][0])
    (found,) = open_holds(story)
    assert (found.asset, found.path, found.device) == ("T1", "vehicle/odometer", "B-unit")
    assert (found.start, found.end, found.reason) == (local("2026-06-20"), local("2026-06-25"), "counter_fell")
    assert (found.before, found.after) == (2_345_600, 120_300), "metres"


@pytest.mark.parametrize(
    ("kind", "bill", "quantity", "amount"),
    [
        ("bill", "100.0 km", "7396.4 km", "295.86 EUR"),  # 7296.4 + 100.0, at 0.0400: 295.856
        ("from_zero", None, "7416.7 km", "296.67 EUR"),  # 7296.4 + 120.3: 296.668
        ("void", None, "7296.4 km", "291.86 EUR"),
    ],
)
def test_a_released_hold_counts_from_then_on_and_can_be_reopened(
    story: Story, kind: str, bill: str | None, quantity: str, amount: str
) -> None:
    tell(story, CASE["examples"][0])
    (found,) = open_holds(story)
    with transaction(story.engine) as connection:
        before = current_knowledge(connection)
    asked = None if bill is None else Quantity.parse(bill)
    meters.release(story.engine, found.reference, AFTER, kind=kind, bill=asked, **BY)
    assert result(story) == (quantity, [amount])
    assert open_holds(story) == []
    assert open_holds(story, before) == [found], "what was known before stays as it was"
    with pytest.raises(Problems, match="is no open hold"):
        meters.release(story.engine, found.reference, AFTER, kind="void", **BY)
    meters.release(story.engine, found.reference, AFTER, kind="reopened", **BY)
    assert result(story) == ("7296.4 km", ["291.86 EUR"])
    assert open_holds(story) == [found]


def test_a_decision_lapses_when_readings_cut_the_stretch_otherwise(story: Story) -> None:
    tell(story, CASE["examples"][0])
    (found,) = open_holds(story)
    meters.release(story.engine, found.reference, AFTER, kind="void", **BY)
    story.odometer("B", ("2026-06-22", "2400.0"))
    (again,) = open_holds(story)
    assert (again.start, again.before) == (local("2026-06-22"), 2_400_000)


def test_a_declared_reset_is_no_hold(story: Story) -> None:
    # Written down at the reset: 2400.0 km; 54.4 more than on the 20th, and then 120.3 from zero: 7296.4 + 54.4 + 120.3.
    tell(story, CASE["examples"][0])
    closing = Quantity.parse("2400.0 km")
    since = local("2026-06-21")
    meters.begin_anew(story.engine, ("T1", "vehicle/odometer"), since, AFTER, closing=closing, **BY)
    assert result(story)[0] == "7471.1 km"
    assert open_holds(story) == []
    meters.begin_anew(story.engine, ("T1", "vehicle/odometer"), since, AFTER, void=True, **BY)
    assert result(story)[0] == "7296.4 km"
