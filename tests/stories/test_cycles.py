"""Every cycle of the format, from the contract file to the issued document: anchor days, quarters, years, fees in
advance, agreements that end, and who shares a document. Told once; each test reads the amounts that it is about.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from billing import run as billing
from billing.books import run as books
from billing.store.invoice import WHOLE
from contracts import run as contracts
from core.database import connect
from tests.conftest import Given, administration, drop, url_of
from tests.stories.story import PARTIES, Story, case
from tests.stories.test_billing import charged

pytestmark = pytest.mark.services
SELLER = "Truck Supplier GmbH"
SHARING = """
  - {party: Shipper, name: Shipper BV, address: "Kade 3, Rotterdam", country: NL, vat_id: NL123456782B01,
     consolidate: true}
"""
HEAD = """schema: contract/1
contract: {name}
version: {version}
effective_from: "{rules}"
recorded_at: "{recorded}"
{ends}parties: {{provider: Truck Supplier, customer: {customer}}}
currency: EUR
timezone: Europe/Berlin
billing: {{period: {period}, rounding: half_up, decimals: 2{more}}}
coverage:
  - {{asset: {asset}, from: "{covered}"}}
{measures}terms:
{terms}"""
DISTANCE = """  - {measure: distance, kind: counter_delta, register: vehicle/odometer, unit: km, on_reset: hold,
     boundary: interpolate}
"""
STATE = "  - {measure: state, kind: state_time, register: vehicle/state, max_gap: 10 min}\n"
FEE = """  - clause: "{clause}"
    kind: fixed_fee
    amount: "{amount} EUR"
    every: {every}
    per: asset
    proration: calendar_days
    advance: {advance}
    text: "{{amount}} a {{every}}, shared by {{proration}}."
"""
USE = """  - clause: "2.2"
    kind: usage_charge
    measure: distance
    model: flat
    scope: asset
    price: "0.0420 EUR/km"
    text: "Each kilometre costs {price}."
"""
MADE = """  - clause: "4.4"
    kind: performance
    obligated: provider
    measure: distance
    target: "1000 km"
    better: higher
    tolerance: "0 %"
    window: month
    remedy: per_point
    base: ["2.1"]
    rate: "10.00 EUR"
    text: "{target} a {window}, {tolerance} less are kept; for each point below, {rate}."
"""
UPTIME = case("w04-uptime")[0]
UPTIME = UPTIME[UPTIME.index('  - clause: "4.2"') :]


def fee(amount: str, every: str = "month", *, advance: bool = False, clause: str = "2.1") -> str:
    return FEE.format(amount=amount, every=every, advance=str(advance).lower(), clause=clause)


def agreed(
    name: str,
    asset: str,
    *terms: str,
    rules: str = "2026-01-01",
    covered: str = "",
    version: int = 1,
    recorded: str = "2025-12-15",
    ends: str = "",
    period: str = "month",
    more: str = "",
    customer: str = "Haulier",
) -> str:
    """A version of a contract over one truck."""
    whole = "".join(terms)
    measures = DISTANCE * ("distance" in whole) + STATE * ("measure: state" in whole)
    return HEAD.format(
        name=name, asset=asset, terms=whole, rules=rules, covered=covered or rules, version=version,
        recorded=recorded, ends=f'ends: "{ends}"\n' if ends else "", period=period, more=more, customer=customer,
        measures=f"measures:\n{measures}" if measures else "",
    )  # fmt: skip


def ten(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=UTC)


ANCHOR_17, ANCHOR_31 = ", anchor_day: 17", ", anchor_day: 31"
AHEAD, AHEAD_310 = fee("1850.00", advance=True), fee("310.00", advance=True)
# Each on a truck of its own, named after the contract.
FIRST: dict[str, str] = {
    "17TH": agreed("17TH", "17TH", fee("1850.00"), USE, rules="2026-01-17", more=ANCHOR_17),
    "31ST": agreed("31ST", "31ST", fee("1850.00"), rules="2026-01-31", more=ANCHOR_31),
    "QUARTER": agreed("QUARTER", "QUARTER", fee("1850.00"), USE, period="quarter"),
    "QUARTER-UP": agreed("QUARTER-UP", "QUARTER-UP", fee("1850.00"), UPTIME, period="quarter"),
    "QUARTER-17": agreed("QUARTER-17", "QUARTER-17", fee("1850.00"), period="quarter", more=ANCHOR_17),
    "YEAR": agreed("YEAR", "YEAR", fee("1850.00"), fee("365.00", "year", clause="2.3"), period="year",
                   rules="2026-03-17"),
    "ENDS": agreed("ENDS", "ENDS", fee("1850.00"), USE, UPTIME, ends="2026-02-11"),
    "AHEAD": agreed("AHEAD", "AHEAD", fee("1000.00", advance=True)),
    "AHEAD-17": agreed("AHEAD-17", "AHEAD-17", AHEAD, rules="2026-01-10", more=ANCHOR_17),
    "AHEAD-QUARTER": agreed("AHEAD-QUARTER", "AHEAD-QUARTER", fee("3000.00", "quarter", advance=True)),
    "AHEAD-LATE": agreed("AHEAD-LATE", "AHEAD-LATE", fee("3000.00", "quarter", advance=True), MADE),
    "AHEAD-ENDS": agreed("AHEAD-ENDS", "AHEAD-ENDS", AHEAD, ends="2026-03-11"),
    "AHEAD-CUT": agreed("AHEAD-CUT", "AHEAD-CUT", AHEAD),
    "AHEAD-NET": agreed("AHEAD-NET", "AHEAD-NET", AHEAD_310, USE),
    "AHEAD-OVER": agreed("AHEAD-OVER", "AHEAD-OVER", AHEAD),
    "AHEAD-DROPPED": agreed("AHEAD-DROPPED", "AHEAD-DROPPED", AHEAD),
    "OVER": agreed("OVER", "OVER", fee("1850.00")),
    "SHARED-1": agreed("SHARED-1", "SHARED-1", fee("100.00"), customer="Shipper"),
    "SHARED-2": agreed("SHARED-2", "SHARED-2", fee("200.00"), customer="Shipper"),
    "SHARED-17": agreed("SHARED-17", "SHARED-17", fee("310.00"), customer="Shipper", more=ANCHOR_17),
    "SHARED-Q": agreed("SHARED-Q", "SHARED-Q", fee("400.00"), customer="Shipper", period="quarter"),
}  # fmt: skip
LATER: dict[str, Any] = {"version": 2, "recorded": "2026-03-06", "covered": "2026-01-01"}
# Known on 6 March, when February is invoiced and March with it where it is paid ahead.
SECOND: dict[str, str] = {
    "AHEAD": agreed("AHEAD", "AHEAD", fee("1620.00", advance=True), rules="2026-03-17", **LATER),
    "AHEAD-QUARTER": agreed("AHEAD-QUARTER", "AHEAD-QUARTER", fee("3000.00", "quarter", advance=True),
                            rules="2026-03-02", ends="2026-03-11", **LATER),
    "AHEAD-CUT": agreed("AHEAD-CUT", "AHEAD-CUT", AHEAD, rules="2026-03-02", ends="2026-03-11", **LATER),
    "AHEAD-NET": agreed("AHEAD-NET", "AHEAD-NET", AHEAD_310, USE, rules="2026-03-02", ends="2026-03-11", **LATER),
    "AHEAD-OVER": agreed("AHEAD-OVER", "AHEAD-OVER", AHEAD, rules="2026-02-20", ends="2026-03-01", **LATER),
    "AHEAD-DROPPED": agreed("AHEAD-DROPPED", "AHEAD-DROPPED", fee("99.00", clause="2.4"), rules="2026-03-01", **LATER),
    "OVER": agreed("OVER", "OVER", fee("1850.00"), rules="2026-02-20", ends="2026-03-01", **LATER),
}  # fmt: skip


class Told:
    """What was issued: documents by contract and label, and why a contract was left out of a run."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.left: dict[tuple[str, str], str] = {}
        self.runs: dict[str, str] = {}

    def bill(self, label: str, day: str) -> None:
        """Close what is due, draw up, let somebody else approve, issue; both gates agree."""
        at = ten(day)
        contracts.close_due_periods(self.story.engine, at=at)
        done = self.story.bill(SELLER, label, at)
        self.runs.setdefault(label, done.run.public_id)
        self.left |= {(x["contract_name"], label): x["reason"] for x in done.drafts if x["state"] == "excluded"}
        assert not [x for x in done.drafts if x["state"] == "blocked"], done.drafts
        self.story.issue(done.run.public_id, at)
        pairs = billing.reconcile(self.story.engine, done.run.public_id)
        assert all(pair.agrees for pair in pairs), [str(pair) for pair in pairs if not pair.agrees]

    def amend(self, day: str) -> None:
        for name, version in SECOND.items():
            self.story.contract(f"{FIRST[name]}\n---\n{version}", at=ten(day))

    def documents(self, contract: str) -> list[dict[str, Any]]:
        """Those of one contract, in the order in which they were issued."""
        rows = self.story.rows(f"SELECT {WHOLE} FROM billing.invoice ORDER BY id")  # noqa: S608
        return [row[0] for row in rows if contract in row[0].get("contracts", [row[0]["contract"]])]

    def amounts(self, contract: str) -> list[tuple[str, list[tuple[str, str, str]], str]]:
        """Period, lines and net of each document."""
        return [(x["period"], charged(x), x["net"]) for x in self.documents(contract)]


@pytest.fixture(scope="module")
def told(services: Given, template: str) -> Iterator[Told]:
    """January to March 2026, and what the year comes to."""
    name = "yardstick_cycles"
    with administration(services.database_url) as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine = connect(url_of(services.database_url, name), role="yardstick_worker")
    story = Story(engine)
    story.assets(*FIRST)
    assert not isinstance(billing.set_up(engine, PARTIES + SHARING, at=ten("2025-12-15"), by="person:test"), tuple)
    story.contract(*FIRST.values())
    story.odometer("17TH", ("2026-01-17", "1000.0"), ("2026-02-17", "4100.0"), ("2026-03-17", "6900.0"))
    story.odometer("QUARTER", ("2026-01-01", "0.0"), ("2026-04-01", "9000.0"))
    story.odometer("ENDS", ("2026-01-01", "0.0"), ("2026-02-01", "5000.0"), ("2026-02-11", "6000.0"))
    story.odometer("ENDS", ("2026-02-12", "9999.0"))
    story.odometer("AHEAD-LATE", ("2026-01-01", "0.0"), ("2026-02-01", "1000.0"))
    story.odometer("AHEAD-NET", ("2026-01-01", "0.0"), ("2026-03-01", "0.0"), ("2026-03-11", "12000.0"))
    story.states("ENDS", "2026-01-31 23:00", "2026-02-11 01:00", ("2026-02-03 00:00", "2026-02-03 06:00", "fault"))
    down = (("2026-01-03 00:00", "2026-01-04 00:00", "fault"), ("2026-03-03 00:00", "2026-03-05 00:00", "fault"))
    story.states("QUARTER-UP", "2025-12-31 23:00", "2026-04-01 01:00", *down)
    found = Told(story)
    found.bill("2025-12", "2026-02-05")
    found.bill("2025-Q4", "2026-02-05")
    found.bill("2026-01", "2026-02-05")
    found.bill("2026-01", "2026-02-21")
    story.odometer("AHEAD-LATE", ("2026-03-02", "3900.0"))
    found.bill("2026-02", "2026-03-05")
    story.odometer("AHEAD-LATE", ("2026-03-01", "1900.0"), ("2026-04-01", "5000.0"), ("2026-05-01", "7000.0"))
    found.amend("2026-03-06")
    books.accrue(engine, entity=SELLER, label="2026-03", at=ten("2026-04-01"), by="person:anna")
    found.bill("2026-01", "2026-03-06")
    for label, day in (("2026-02", "2026-04-05"), ("2026-Q1", "2026-04-05"), ("2026-03", "2026-04-05"),
                       ("2026-Q1", "2026-04-21"), ("2026-03", "2026-05-05"), ("2026-04", "2026-05-21"),
                       ("2026", "2027-01-05")):  # fmt: skip
        found.bill(label, day)
    yield found
    engine.dispose()
    drop(services.database_url, name)


def test_a_month_from_the_17th_and_its_first_part(told: Told) -> None:
    assert told.amounts("17TH")[:2] == [
        # 17 January to 17 February: 4100 - 1000 = 3100 km x 0.0420 = 130.20
        ("2026-01", [("2.1", "17TH", "1850.00"), ("2.2", "17TH", "130.20")], "1980.20"),
        # 6900 - 4100 = 2800 km x 0.0420 = 117.60
        ("2026-02", [("2.1", "17TH", "1850.00"), ("2.2", "17TH", "117.60")], "1967.60"),
    ]
    first = told.documents("17TH")[0]
    # Midnight in Berlin is 23:00 UTC of the day before.
    assert first["service"] == {"from": "2026-01-16T23:00:00.000000Z", "to": "2026-02-16T23:00:00.000000Z"}
    assert (first["tax_total"], first["gross"]) == ("376.24", "2356.44")  # 1980.20 x 19 % = 376.238
    assert "is open; its cut-off is 2026-02-19 23:00 UTC" in told.left["17TH", "2026-01"], "not yet over on 5 February"


def test_a_month_from_the_31st_ends_where_a_short_month_does(told: Told) -> None:
    found = told.documents("31ST")
    assert [(x["period"], x["net"]) for x in found] == [
        ("2026-01", "1850.00"), ("2026-02", "1850.00"), ("2026-03", "1850.00"),
    ]  # fmt: skip
    # 31 January to 28 February, to 31 March (summer time began), to 30 April.
    assert [x["service"]["from"][:13] for x in found] == ["2026-01-30T23", "2026-02-27T23", "2026-03-30T22"]
    assert [x["service"]["to"][:13] for x in found] == ["2026-02-27T23", "2026-03-30T22", "2026-04-29T22"]


def test_quarters_and_years(told: Told) -> None:
    # 3 x 1850.00; 9000 km x 0.0420 = 378.00
    assert told.amounts("QUARTER") == [
        ("2026-Q1", [("2.1", "QUARTER", "5550.00"), ("2.2", "QUARTER", "378.00")], "5928.00")
    ]
    assert told.amounts("QUARTER-17") == [
        # 1 to 16 January of the month from 17 December: 1850.00 x 16 / 31 = 954.838...
        ("2025-Q4", [("2.1", "QUARTER-17", "954.84")], "954.84"),
        ("2026-Q1", [("2.1", "QUARTER-17", "5550.00")], "5550.00"),
    ]
    # From 17 March: 1850.00 x 15 / 31 = 895.161..., and 9 x 1850.00 = 16650.00; 365.00 x 290 / 365 days = 290.00
    assert told.amounts("YEAR") == [("2026", [("2.1", "YEAR", "17545.16"), ("2.3", "YEAR", "290.00")], "17835.16")]


def test_a_contract_that_ends_within_a_period(told: Told) -> None:
    assert told.amounts("ENDS") == [
        # 5000 km x 0.0420 = 210.00
        ("2026-01", [("2.1", "ENDS", "1850.00"), ("2.2", "ENDS", "210.00")], "2060.00"),
        # 10 of 28 days: 1850.00 x 10 / 28 = 660.714...; 1000 km until the end, not what it drives afterwards;
        # 6 of 240 h down are 97.5 %: 5 % of 660.71 = 33.0355
        ("2026-02", [("2.1", "ENDS", "660.71"), ("2.2", "ENDS", "42.00"), ("4.2", "ENDS", "-33.04")], "669.67"),
    ]
    assert not [key for key in told.left if key[0] == "ENDS"], "it has no period any more"


def test_a_fee_ahead_is_netted_when_an_amendment_changes_it(told: Told) -> None:
    ahead = told.amounts("AHEAD")
    assert ahead[:2] == [
        ("2026-01", [("2.1", "AHEAD", "1000.00"), ("2.1", "AHEAD", "1000.00")], "2000.00"),
        ("2026-02", [("2.1", "AHEAD", "1000.00"), ("2.1", "AHEAD", "-1000.00"), ("2.1", "AHEAD", "1000.00")],
         "1000.00"),
    ]  # fmt: skip
    # March until the 16th: 1000.00 x 16 / 31 = 516.129...; from the 17th: 1620.00 x 15 / 31 = 783.870...;
    # 1000.00 was invoiced of it; April ahead
    assert ahead[2] == (
        "2026-03",
        [("2.1", "AHEAD", amount) for amount in ("516.13", "-1000.00", "783.87", "1620.00")],
        "1920.00",
    )
    assert ahead[3][2] == "1620.00"
    (offset,) = [line for line in told.documents("AHEAD")[2]["lines"] if line["amount"] == "-1000.00"]
    assert (offset["from"][:10], offset["to"][:10]) == ("2026-02-28", "2026-03-31"), "of all of March, not of a part"


def test_fees_ahead_from_an_anchor_day_come_to_the_days_that_were_served(told: Told) -> None:
    found = told.amounts("AHEAD-17")
    # 10 to 16 January: 1850.00 x 7 / 31 = 417.741...; and the month from the 17th
    assert found[0] == ("2025-12", [("2.1", "AHEAD-17", "417.74"), ("2.1", "AHEAD-17", "1850.00")], "2267.74")
    assert [net for _, _, net in found[1:]] == ["1850.00"] * (len(found) - 1)


def test_the_final_invoice_nets_what_was_paid_ahead(told: Told) -> None:
    # 10 days of March were invoiced ahead, for the end was known: 1850.00 x 10 / 31 = 596.774...
    assert [net for _, _, net in told.amounts("AHEAD-ENDS")] == ["3700.00", "596.77", "0.00"]
    # 310.00 was invoiced; 10 of 31 days are 100.00; 12000 km x 0.0420 = 504.00
    assert told.amounts("AHEAD-NET")[2] == (
        "2026-03",
        [("2.1", "AHEAD-NET", "100.00"), ("2.1", "AHEAD-NET", "-310.00"), ("2.2", "AHEAD-NET", "504.00")],
        "294.00",
    )


def test_where_the_final_period_comes_to_less_than_was_paid_ahead_the_rest_is_credited(told: Told) -> None:
    notes = {name: told.documents(name)[-1] for name in ("AHEAD-CUT", "AHEAD-QUARTER")}
    assert {note["kind"] for note in notes.values()} == {"credit_note"}
    # 596.77 - 1850.00; 19 % of it are -238.1137
    assert [notes["AHEAD-CUT"][name] for name in ("net", "tax_total", "gross")] == ["-1253.23", "-238.11", "-1491.34"]
    # 69 of 90 days: 3000.00 x 69 / 90 = 2300.00; 3000.00 was invoiced in January
    assert [(x["period"], x["net"]) for x in told.documents("AHEAD-QUARTER")] == [
        ("2026-01", "3000.00"), ("2026-03", "-700.00"),
    ]  # fmt: skip
    assert told.left["AHEAD-QUARTER", "2026-02"] == "nothing to bill for 2026-02"


def test_a_month_paid_ahead_is_given_back_where_the_contract_turns_out_to_have_ended_before(told: Told) -> None:
    *_, note = told.documents("AHEAD-OVER")
    assert (note["kind"], note["period"], charged(note)) == (
        "credit_note", "2026-03", [("2.1", "AHEAD-OVER", "-1850.00")],
    )  # fmt: skip
    assert [net for _, _, net in told.amounts("AHEAD-OVER")] == ["3700.00", "1850.00", "-1850.00"], "two months in all"
    assert told.left["OVER", "2026-03"] == "the contract ended before 2026-03, and nothing is left to settle"
    assert (
        told.story.rows("""
        SELECT count(*) FROM contracts.period AS p JOIN contracts.contract AS c ON c.id = p.contract
        WHERE c.name IN ('OVER', 'AHEAD-OVER') AND closed_at IS NULL
    """)[0][0]
        == 0
    ), "nothing waits for ever"


def test_a_month_paid_ahead_is_given_back_where_an_amendment_dropped_its_clause(told: Told) -> None:
    assert told.amounts("AHEAD-DROPPED")[2:] == [
        ("2026-03", [("2.1", "AHEAD-DROPPED", "-1850.00"), ("2.4", "AHEAD-DROPPED", "99.00")], "-1751.00"),
        ("2026-04", [("2.4", "AHEAD-DROPPED", "99.00")], "99.00"),
    ]


def test_only_the_same_cycle_shares_a_document(told: Told) -> None:
    """A run is of one label; within it a period that ends on another day stands alone, and so does a quarter."""
    assert [(x["contract"], x["period"], x["net"]) for x in told.documents("SHARED-1")] == [
        ("SHARED-1, SHARED-2", label, "300.00") for label in ("2026-01", "2026-02", "2026-03", "2026-04")
    ]
    # 16 of 31 days of the month from 17 December: 310.00 x 16 / 31 = 160.00
    assert [(x["contract"], x["period"], x["net"]) for x in told.documents("SHARED-17")] == [
        ("SHARED-17", "2025-12", "160.00"),
        *(("SHARED-17", label, "310.00") for label in ("2026-01", "2026-02", "2026-03", "2026-04")),
    ]
    assert [(x["contract"], x["period"], x["net"]) for x in told.documents("SHARED-Q")] == [
        ("SHARED-Q", "2026-Q1", "1200.00")
    ]


def test_a_contract_that_stands_alone_beside_its_group_says_why(told: Told) -> None:
    engine = told.story.engine
    assert billing.remarks(engine, told.runs["2026-04"], "SHARED-17") == (
        "apart from SHARED-1 and 1 more of group all: its period ends on 2026-05-16, theirs on 2026-04-30",
    )
    assert billing.remarks(engine, told.runs["2026-Q1"], "SHARED-Q") == (
        "alone: no other contract of group all is billed for 2026-Q1; other cycles have their own runs",
    )
    assert billing.remarks(engine, told.runs["2026-04"], "SHARED-1") == ()
    assert billing.remarks(engine, told.runs["2026-04"], "AHEAD-LATE") == (
        "AHEAD-LATE is excluded: nothing to bill for 2026-04",
    )


def test_each_month_missed_in_a_quarter_is_reported_with_its_own_credit(told: Told) -> None:
    (invoice,) = told.documents("QUARTER-UP")
    # January: 24 of 744 h down, 96.77 %: 10 % of 1850.00. March: 48 of 743 h, 93.54 %: 35 %. One line of both.
    assert charged(invoice) == [("2.1", "QUARTER-UP", "5550.00"), ("4.2", "QUARTER-UP", "-832.50")]
    rows = told.story.rows("SELECT document FROM billing.breach_report ORDER BY document ->> 'from'")
    reports = [row.document for row in rows if row.document["contract"] == "QUARTER-UP"]
    assert [(x["from"][:10], x["down"], x["credit"], x["invoice"]["line"]) for x in reports] == [
        ("2025-12-31", "24 h", "185.00", 2), ("2026-02-28", "48 h", "647.50", 2),
    ]  # fmt: skip
    assert len({x["breach"] for x in reports}) == 2


def test_at_month_end_only_what_is_delivered_is_accrued(told: Told) -> None:
    nets = dict(told.story.rows("""
        SELECT c.name, a.net::text FROM billing.accrual AS a JOIN contracts.contract AS c ON c.id = a.contract
    """))  # fmt: skip
    # 516.13 + 783.87 were delivered in March and 1000.00 of them invoiced; April, 1620.00, is not delivered yet.
    assert (nets["AHEAD"], nets["AHEAD-CUT"], nets["SHARED-1"]) == ("300.00", "-1253.23", "100.00")
    booked = told.story.rows("""
        SELECT sum(CASE WHEN debit LIKE 'unbilled:%' THEN t.amount ELSE -t.amount END)::text AS amount
        FROM billing.accrual AS a JOIN contracts.contract AS c ON c.id = a.contract
        JOIN billing.transfer AS t ON t.entry = a.entry WHERE c.name = 'AHEAD' AND t.posted_on = '2026-03-31'
    """)
    assert booked[0].amount == "300.00"
    # 3000.00 for the quarter on January's invoice: 31 of 90 days at once, 1966.67 by 28 : 31, whatever comes later.
    released = told.story.rows("""
        SELECT t.posted_on::text, t.amount::text FROM billing.transfer AS t
        JOIN billing.invoice AS i ON i.id = t.invoice JOIN contracts.contract AS c ON c.id = i.contract
        WHERE c.name = 'AHEAD-QUARTER' AND t.debit = 'deferred:fixed_fee' ORDER BY t.posted_on
    """)
    assert [tuple(row) for row in released] == [("2026-02-28", "933.33"), ("2026-03-31", "1033.34")]


def test_a_period_without_lines_gets_no_document_and_what_comes_late_stands_on_the_next(told: Told) -> None:
    assert told.left["AHEAD-LATE", "2026-02"] == "nothing to bill for 2026-02"
    assert ("AHEAD-LATE", "2026-04") in told.left
    january, march = told.documents("AHEAD-LATE")
    assert [(x["kind"], x["period"], x["net"]) for x in (january, march)] == [
        ("invoice", "2026-01", "3000.00"), ("invoice", "2026-03", "2900.00"),
    ]  # fmt: skip
    # Between 1000.0 and 3900.0 km February had 2800 of them; the reading of 1 March says 900: 10 points at 10.00.
    *fees, late = march["lines"]
    assert [line["amount"] for line in fees] == ["3000.00", "-3000.00", "3000.00"]
    assert (late["clause"], late["amount"], late["from"][:10], late["corrects"]["period"]) == (
        "4.4", "-100.00", "2026-01-31", "2026-02",
    )  # fmt: skip
    assert (late["corrects"]["invoice"]["id"], late["corrects"]["before"]) == (january["issue"]["id"], "0.00")
    numbers = told.story.rows("SELECT n FROM billing.invoice WHERE number LIKE 'TS-2026-%' ORDER BY n")
    assert [row.n for row in numbers] == list(range(1, len(numbers) + 1)), "no number is spent on nothing"
