"""Until when a line may be contested: by its own clause, else by the contract."""

from pathlib import Path
from typing import Any

import pytest

from contracts.contest import contest_until, counts_for
from contracts.document import Version, from_canonical, read_agreement
from core.time import micros, read_time, zone

BERLIN = zone("Europe/Berlin")
EVIDENCE = Path(__file__).parents[1] / "specs" / "i11-evidence.yaml"
ROW = EVIDENCE.with_name("k02-in-a-row.yaml")


def versions(**billing: str) -> tuple[Version, ...]:
    found = read_agreement(EVIDENCE.read_bytes())
    assert not isinstance(found, tuple)
    source = found.versions[0].canonical
    return from_canonical([{**source, "billing": {**source["billing"], **billing}}])


def at(text: str) -> int:
    return micros(read_time(text, BERLIN))


@pytest.mark.parametrize(
    ("window", "period", "instant", "label"),
    [
        ("month", "month", "2026-06-30 23:59", "2026-06"),
        ("month", "quarter", "2026-04-01 00:00", "2026-Q2"),
        ("quarter", "month", "2026-04-01 00:00", "2026-06"),
        # Twelve months that hold June 2026 end with May 2027 at the latest.
        ("rolling_12_months", "month", "2026-06-15 12:00", "2027-05"),
        # Contract years begin on 1 January 2025.
        ("contract_year", "month", "2026-06-15 12:00", "2026-12"),
        ("contract_year", "month", "2026-12-31 23:59", "2026-12"),
    ],
)
def test_an_assets_time_counts_last_on_the_bill_of_the_last_window_that_holds_it(
    window: str, period: str, instant: str, label: str
) -> None:
    source = uptime(window, billing={"period": period})
    found = [(clause, bill.label) for clause, bill in counts_for(from_canonical([source]), "T1", at(instant))]
    assert found == [("4.1", label)]


def test_of_an_agreement_that_ended_it_counts_on_the_last_bill() -> None:
    source = uptime("contract_year", billing={"period": "month"}) | {"ends": "2026-09-16"}
    found = [bill.label for _, bill in counts_for(from_canonical([source]), "T1", at("2026-06-15 12:00"))]
    assert found == ["2026-09"]
    assert list(counts_for(from_canonical([source]), "T1", at("2026-09-16"))) == []


def uptime(window: str, billing: dict[str, str]) -> dict[str, Any]:
    """With the one promise 4.1 on T1, and the fee that it is a share of."""
    found = read_agreement(ROW.read_bytes())
    assert not isinstance(found, tuple)
    source = found.versions[0].canonical
    terms = [term for term in source["terms"] if term["clause"] in ("2.1", "4.1")]
    terms[1] = {**terms[1], "window": window}
    return {**source, "terms": terms, "billing": {**source["billing"], **billing}}


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
