"""Which periods a contract has, also after its end."""

from datetime import UTC, datetime

from contracts.document import Agreement, read_agreement
from contracts.due import periods

CONTRACT = """
schema: contract/1
contract: D
version: 1
effective_from: "2026-03-01"
recorded_at: "2026-02-01"
ends: "2026-06-01"
parties: {{provider: P, customer: C}}
currency: EUR
timezone: Europe/Berlin
billing: {{period: month, rounding: half_up, decimals: 2}}
coverage:
  - {{asset: T1, from: "2026-03-01"}}
measures:
  - {{measure: distance, kind: counter_delta, register: vehicle/odometer, unit: km, on_reset: hold,
     boundary: interpolate}}
terms:
  - {{clause: "2.1", kind: minimum_commitment, obligated: customer, measure: distance, minimum: "100 km",
     window: {window}, scope: asset, shortfall_price: "0.10 EUR/km", text: "As agreed."}}
"""


def months(window: str) -> list[str]:
    found = read_agreement(CONTRACT.format(window=window))
    assert isinstance(found, Agreement), found
    return [period.label for period, _ in periods(found.versions, after=None, at=datetime(2028, 1, 1, tzinfo=UTC))]


def test_the_last_period_is_that_of_the_end() -> None:
    assert months("period") == ["2026-03", "2026-04", "2026-05"]


def test_a_year_that_runs_as_the_agreement_ends_is_settled_with_its_last_month() -> None:
    found = months("contract_year")
    assert (found[0], found[-1], len(found)) == ("2026-03", "2027-02", 12)
