"""Until when a line may be contested: by its own clause, else by the contract."""

from pathlib import Path

import pytest

from contracts.contest import contest_until
from contracts.document import Version, from_canonical, read_agreement
from core.time import micros, read_time, zone

BERLIN = zone("Europe/Berlin")
EVIDENCE = Path(__file__).parents[1] / "specs" / "i11-evidence.yaml"


def versions(**billing: str) -> tuple[Version, ...]:
    found = read_agreement(EVIDENCE.read_bytes())
    assert not isinstance(found, tuple)
    source = found.versions[0].canonical
    return from_canonical([{**source, "billing": {**source["billing"], **billing}}])


def at(text: str) -> int:
    return micros(read_time(text, BERLIN))


@pytest.mark.parametrize(
    ("clause", "billing", "until"),
    [
        ("2.1", {}, "2026-04-09 09:00"),
        ("2.1", {"dispute_window": "P14D"}, "2026-04-09 09:00"),
        ("8.1", {"dispute_window": "P14D"}, "2026-03-24 09:00"),
        ("8.1", {}, None),
    ],
)
def test_days_are_counted_on_the_calendar_from_the_issue(
    clause: str, billing: dict[str, str], until: str | None
) -> None:
    assert contest_until(versions(**billing), clause, at("2026-03-10 09:00")) == (until and at(until))
