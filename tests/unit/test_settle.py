"""What caps hand on: base and credits of the months that a cap of the next month still counts, of this clause alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from contracts import engine
from contracts.document import Agreement, read_agreement
from contracts.facts import Carried, Facts, StateSpan
from core.money import Money
from core.time import HOUR, Period, zone

CAPS = Path(__file__).parents[1] / "specs" / "w05-caps.contract.yaml"
JUNE = Period.parse("2026-06", zone("Europe/Berlin"))


def carried(facts: Facts) -> dict[str, str]:
    found = read_agreement(CAPS.read_bytes())
    assert isinstance(found, Agreement)
    evaluation = engine.evaluate(found.versions, facts, JUNE, JUNE.span.end)
    return {f"{item.clause} {item.item}": str(item.value) for item in evaluation.carry}


@pytest.fixture
def facts() -> Facts:
    start = JUNE.span.micros[0]
    states = (StateSpan(start, start + 20 * HOUR, "fault"),)  # 700 of 720 h: 97.22 %, 5 % of 1850.00
    return Facts(states={("T1", "vehicle/state"): states}, otherwise="running")


NOW = {"4.2 base_before of 2026-06": "5550.00 EUR", "4.2 credits_before of 2026-06": "92.50 EUR"}


def test_a_month_hands_on_its_own_base_and_credits(facts: Facts) -> None:
    assert carried(facts) == NOW


@pytest.mark.parametrize(
    ("clause", "item", "kept"),
    [
        ("4.2", "base_before of 2026-05", True),
        ("4.2", "credits_before of 2025-08", True),
        ("4.2", "credits_before of 2025-07", False),
        ("2.1", "base_before of 2026-05", False),
        ("4.2", "base_before", False),
    ],
)
def test_of_what_it_was_handed_only_months_that_still_count_stay(
    facts: Facts, clause: str, item: str, *, kept: bool
) -> None:
    handed = Carried(clause, item, Money.parse("10.00 EUR"), "contract")
    found = carried(replace(facts, carried=(handed,)))
    assert found == NOW | ({f"{clause} {item}": "10.00 EUR"} if kept else {})
