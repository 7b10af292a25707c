"""Kilometres follow the tyre: rotation on a truck, a move to another, and what is known when. Ticks are metres."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from contracts import run as contracts
from core.database import transaction
from core.problem import Problems
from core.store import current_knowledge
from ingest.assignment import run as components
from ingest.store import component
from tests.stories.story import Story, local

pytestmark = pytest.mark.services
AFTER = datetime(2026, 7, 5, tzinfo=UTC)
JUNE, JULY = local("2026-06-01"), local("2026-07-01")
ODOMETER = "vehicle/odometer"


@pytest.fixture
def story(engine: Engine) -> Story:
    """T1 drives 100 km a day from 1000 km on, T2 200 km a day from 50,000 km on, read each midnight in June."""
    told = Story(engine)
    told.assets("T1", "T2")
    for asset, first, daily in (("T1", 1000, 100), ("T2", 50_000, 200)):
        days = [(f"2026-06-{day:02}", str(first + (day - 1) * daily)) for day in range(1, 31)]
        told.odometer(asset, *days, ("2026-07-01", str(first + 30 * daily)))
    return told


def mount(story: Story, tyre: str, asset: str, position: str, since: datetime = JUNE) -> None:
    components.mount(story.engine, tyre, (asset, position), since, AFTER, kind="tyre", author="person:test")


def move(story: Story, since: str, **places: tuple[str, str]) -> None:
    components.move(story.engine, places, local(since), AFTER, author="person:test")


def km(story: Story, tyre: str, known: int | None = None) -> list[tuple[str, str, int]]:
    """Asset, position and metres of each stretch in June."""
    with transaction(story.engine) as connection:
        known = current_knowledge(connection) if known is None else known
        found = component.used(connection, tyre, ODOMETER, start=JUNE, end=JULY, known=known)
    return [(one.mounting.asset, one.mounting.position, one.ticks) for one in found]


def test_a_rotation_at_noon_leaves_every_tyre_its_kilometres(story: Story) -> None:
    # Midnight of the 11th: 1000 + 10 * 100 = 2000 km; noon: 2050 km. Up to there 1050 km, then 4000 - 2050 = 1950 km.
    mount(story, "A", "T1", "front-left")
    mount(story, "B", "T1", "front-right")
    move(story, "2026-06-11 12:00", A=("T1", "front-right"), B=("T1", "front-left"))
    assert km(story, "A") == [("T1", "front-left", 1_050_000), ("T1", "front-right", 1_950_000)]
    assert km(story, "B") == [("T1", "front-right", 1_050_000), ("T1", "front-left", 1_950_000)]


def test_a_tyre_that_moves_to_another_truck_counts_there_from_then_on(story: Story) -> None:
    # T1 to the 16th at 06:00: 15 * 100 + 100 * 6/24 = 1525 km. T2 from there: 30 * 200 - (15 * 200 + 50) = 2950 km.
    mount(story, "A", "T1", "front-left")
    move(story, "2026-06-16 06:00", A=("T2", "rear"))
    assert km(story, "A") == [("T1", "front-left", 1_525_000), ("T2", "rear", 2_950_000)]


def test_a_spare_in_the_store_counts_nothing(story: Story) -> None:
    # On T1 ten days, 1000 km; ten days in the store; on T2 from the 21st: 10 * 200 = 2000 km.
    mount(story, "A", "T1", "front-left")
    components.remove(story.engine, "A", local("2026-06-11"), AFTER, author="person:test")
    mount(story, "A", "T2", "rear", local("2026-06-21"))
    assert km(story, "A") == [("T1", "front-left", 1_000_000), ("T2", "rear", 2_000_000)]


def test_what_was_known_before_a_move_stays(story: Story) -> None:
    mount(story, "A", "T1", "front-left")
    with transaction(story.engine) as connection:
        before = current_knowledge(connection)
    move(story, "2026-06-16", A=("T2", "rear"))
    assert km(story, "A", before) == [("T1", "front-left", 3_000_000)]
    assert km(story, "A") == [("T1", "front-left", 1_500_000), ("T2", "rear", 3_000_000)]


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({"A": ("T1", "front-right")}, "holds B"),
        ({"A": ("T9", "rear")}, "is no asset"),
        ({"C": ("T1", "rear")}, "mounted nowhere"),
    ],
)
def test_a_move_that_cannot_be_is_refused_whole(story: Story, places: dict[str, tuple[str, str]], words: str) -> None:
    mount(story, "A", "T1", "front-left")
    mount(story, "B", "T1", "front-right")
    with pytest.raises(Problems, match=words):
        move(story, "2026-06-11", **places)
    assert km(story, "A") == [("T1", "front-left", 3_000_000)]


TYRE = """
schema: contract/1
contract: C-TYRE
version: 1
effective_from: "2026-01-01"
recorded_at: "2025-12-15 10:00"
parties: {provider: Tyre Supplier, customer: Haulier}
currency: EUR
timezone: Europe/Berlin
billing: {period: month, rounding: half_up, decimals: 2}
coverage:
  - {asset: A, from: "2026-01-01"}
measures:
  - {measure: distance, kind: counter_delta, register: vehicle/odometer, unit: km,
     on_reset: hold, boundary: interpolate}
terms:
  - clause: "1"
    kind: usage_charge
    measure: distance
    model: flat
    scope: asset
    price: "0.0100 EUR/km"
    text: "Each kilometre of a tyre costs {price}."
"""


def test_a_tyre_is_billed_for_its_own_kilometres(story: Story) -> None:
    # 1525 km on T1 and 2950 km on T2 are 4475 km at 0.0100: 44.75.
    mount(story, "A", "T1", "front-left", local("2026-05-01"))
    move(story, "2026-06-16 06:00", A=("T2", "rear"))
    story.contract(TYRE)
    contracts.extend_periods(story.engine, at=AFTER)
    found = contracts.evaluate_period(story.engine, "C-TYRE", "2026-06", at=AFTER).evaluation
    assert [str(line.amount) for line in found.lines] == ["44.75 EUR"]
    assert str(found.verdicts[0].values["quantity"]) == "4475 km"
