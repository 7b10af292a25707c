"""A period with nothing to bill, and what becomes known of it later: billed once, whoever comes first."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine

from billing import run as billing
from billing.credits import run as credits_
from contracts import run as contracts
from ingest import catalogue
from ingest import run as ingest
from tests.stories.story import SIGNED, Story
from tests.stories.test_billing import charged
from tests.stories.test_cycles import SELLER, agreed, fee, ten

pytestmark = pytest.mark.services
DEVICE = """
devices:
  - device: {asset}-unit
    asset: {asset}
    position: vehicle
    registers:
      - {{register: odometer, kind: counter, unit: km}}
      - {{register: fuel, kind: counter, unit: l}}
"""
FUEL = (
    "  - {measure: fuel, kind: counter_delta, register: vehicle/fuel, unit: l, on_reset: hold, boundary: interpolate}\n"
)
SAVED = """  - clause: "3.1"
    kind: gain_share
    obligated: provider
    measure: fuel
    per_measure: distance
    window: month
    baseline: "28 l/100km"
    drivers: []
    reference_price: "1.50 EUR/l"
    threshold: "0 l/100km"
    share: "40 %"
    share_of: whole_saving
    cap: none
    shortfall: none
    min_coverage: "70 %"
    text: "From {threshold} below {baseline} on, {share} of the {share_of} at {reference_price}."
"""


def saving(name: str, *terms: str, **more: Any) -> str:
    """A contract that costs nothing but a part of the fuel that is saved, from February on."""
    return agreed(name, name, SAVED, *terms, rules="2026-02-01", **more).replace("terms:\n", FUEL + "terms:\n")


def then_a_fee(name: str, day: str) -> str:
    second = saving(name, fee("100.00"), version=2, covered="2026-02-01")
    later = second.replace('effective_from: "2026-02-01"', f'effective_from: "{day}"')
    return f"{saving(name)}\n---\n{later}"


MORE_FUEL = [(f"2026-0{n}-01", str(5100 + 2800 * (n - 4))) for n in (5, 6, 7)]
MORE_KM = [(f"2026-0{n}-01", f"{20000 + 10000 * (n - 4)}.0") for n in (5, 6, 7)]


@pytest.fixture
def story(engine: Engine) -> Story:
    return Story(engine)


def february(story: Story, *names: str) -> None:
    """10000 km at 28 l/100km, as far as one can tell on 5 March: nothing is saved, nothing stands on a bill."""
    for name in names:
        declared = catalogue.read(DEVICE.format(asset=name))
        assert isinstance(declared, catalogue.Catalogue), declared
        ingest.declare(story.engine, declared, SIGNED, author="person:test")
        story.odometer(name, ("2026-02-01", "0.0"), ("2026-03-01", "10000.0"), ("2026-03-02", "10000.0"))
        # Between 0 l and 2900 l on 2 March February has 28 of 29 days: 2800 l.
        story.gauge(name, "fuel", "l", ("2026-02-01", "0"), ("2026-03-02", "2900"))


def late(story: Story, *names: str) -> None:
    """On 1 March it was 2300 l: 500 l saved, 40 % of 750.00 are 300.00. March saves nothing: 2800 l for 10000 km."""
    for name in names:
        story.gauge(name, "fuel", "l", ("2026-03-01", "2300"), ("2026-04-01", "5100"), *MORE_FUEL)
        story.odometer(name, ("2026-04-01", "20000.0"), *MORE_KM)


def bill(story: Story, label: str, day: str) -> billing.Summary:
    contracts.close_due_periods(story.engine, at=ten(day))
    done = story.bill(SELLER, label, ten(day))
    assert not [x for x in done.drafts if x["state"] == "blocked"], done.drafts
    return done


def issue(story: Story, done: billing.Summary, day: str) -> None:
    story.issue(done.run.public_id, ten(day))
    assert all(pair.agrees for pair in billing.reconcile(story.engine, done.run.public_id))


def documents(story: Story, name: str) -> list[Any]:
    return [x for x in story.invoices() if x["contract"] == name]


def test_what_comes_late_of_it_is_billed_although_the_contract_has_no_invoice(story: Story) -> None:
    story.set_up()
    names = ("GOES-ON", "QUIET", "ENDS")
    february(story, *names)
    story.contract(then_a_fee("GOES-ON", "2026-03-01"), saving("QUIET"), saving("ENDS", ends="2026-03-01"))
    done = bill(story, "2026-02", "2026-03-05")
    assert {x["contract_name"]: x["reason"] for x in done.drafts} == dict.fromkeys(names, "nothing to bill for 2026-02")
    issue(story, done, "2026-03-05")
    assert story.invoices() == []
    late(story, *names)
    again = bill(story, "2026-02", "2026-04-05")
    assert again.drafts == (), "settled"
    issue(story, again, "2026-04-05")
    issue(story, bill(story, "2026-03", "2026-04-05"), "2026-04-05")
    own = [("2.1", "GOES-ON", "100.00")]
    for name in names:
        (invoice,) = documents(story, name)
        assert charged(invoice) == [*(own if name == "GOES-ON" else []), ("3.1", "contract", "300.00")], name
        line = invoice["lines"][-1]
        # Midnight in Berlin is 23:00 UTC of the day before.
        assert (line["from"][:10], line["to"][:10]) == ("2026-01-31", "2026-02-28")
        assert line["text"] == "2026-02: 300.00 instead of 0.00"
        assert (line["corrects"]["invoice"], line["corrects"]["reason"]) == (None, "late readings")
    rows = story.rows("SELECT kind, corrects, net::text FROM billing.correction ORDER BY contract")
    assert [tuple(row) for row in rows] == [("delta_line", None, "300.00")] * 3
    issue(story, bill(story, "2026-04", "2026-05-05"), "2026-05-05")
    assert [len(documents(story, name)) for name in names] == [2, 1, 1], "April: one fee, and nothing twice"
    # A credit note over the invoice takes the line back with it; the period is billed anew by the next run.
    number = documents(story, "QUIET")[0]["issue"]["number"]
    said = {"reason": "wrong", "by": "person:anna", "approved_by": "person:bert"}
    credits_.credit(story.engine, number, at=ten("2026-05-06"), **said)
    issue(story, bill(story, "2026-03", "2026-05-07"), "2026-05-07")
    assert [x["net"] for x in documents(story, "QUIET")] == ["300.00", "300.00", "-300.00"]


def test_two_open_runs_that_both_bill_it_race_and_one_wins(story: Story) -> None:
    story.set_up()
    names = ("R1", "R2", "R3")
    february(story, *names)
    story.contract(*(then_a_fee(name, "2026-05-01") for name in names))
    nothing = bill(story, "2026-02", "2026-03-05")
    late(story, *names)
    # February is not settled while its run is open, so that March's run cannot know whether it has a bill.
    before = bill(story, "2026-03", "2026-04-05")
    issue(story, nothing, "2026-04-05")
    issue(story, before, "2026-04-05")
    assert {x["reason"] for x in before.drafts} == {"nothing to bill for 2026-03"}
    assert story.invoices() == []
    # Two later runs find the same difference, and are approved and issued at once.
    runs = [bill(story, label, "2026-07-05").run.public_id for label in ("2026-05", "2026-06")]
    for run in runs:
        billing.approve(story.engine, run, at=ten("2026-07-05"), by="person:bert")
    start = Barrier(2)

    def go(run: str) -> int:
        start.wait()
        return billing.issue(story.engine, run, at=ten("2026-07-05"), by="person:bert", most=1)

    with ThreadPoolExecutor(2) as pool:
        issued = list(pool.map(go, runs))
    assert sum(issued) == 3, "each contract by one of the two"
    failed = story.rows("SELECT contract_name, reason FROM billing.draft WHERE state = 'failed' ORDER BY contract_name")
    assert [tuple(row) for row in failed] == [(name, "period 2026-02 was corrected by another run") for name in names]
    for label in ("2026-05", "2026-06"):
        issue(story, bill(story, label, "2026-07-06"), "2026-07-06")
    for name in names:
        assert sorted(x["net"] for x in documents(story, name)) == ["100.00", "400.00"], "two fees, and February once"
    numbers = sorted(x["issue"]["number"] for x in story.invoices())
    assert numbers == [f"TS-2026-{n:05}" for n in range(1, 7)]
