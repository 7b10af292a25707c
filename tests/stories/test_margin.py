"""What serving a contract costs, and what is left; and tax in the seller's currency."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from billing import run as billing
from billing.costs import run as costs
from billing.exchange import Rate
from billing.margin import Margin, by_contract
from billing.rates import run as rates
from contracts import run as contracts
from core.problem import Problem
from tests.stories.story import PARTIES, SIGNED, Story, case
from tests.stories.test_billing import JULY_5, fees, june

pytestmark = pytest.mark.services
SELLER = "Truck Supplier GmbH"
HEAD = "key,contract,asset,kind,day,amount,text\n"
FILE = HEAD + (
    "R1,C-04,T1,repair,2026-06-11,310.00 EUR,fuel pump\n"
    "L1,C-04,,lease,2026-06-30,900.00 EUR,June\n"
    "L2,C-04,,lease,2026-07-01,900.00 EUR,July\n"
    "R2,C-04,T1,repair,2026-06-12,-10.00 EUR,corrects R1\n"
)


def test_margin_is_revenue_less_credits_less_costs(engine: Engine) -> None:
    story = Story(engine)
    story.set_up()
    story.assets("T1")
    june(story)
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    given: dict[str, Any] = {"entity": SELLER, "at": JULY_5, "by": "person:anna"}
    assert [costs.take_in(engine, FILE, **given) for _ in range(2)] == [4, 0], "read twice, counted once"
    # The fee of 1850.00, 5 % of it credited; 310.00 - 10.00 for the truck, 900.00 for the contract
    assert costs.margin(engine, entity=SELLER, label="2026-06") == (
        Margin("C-04", "", "EUR", Decimal(0), Decimal(0), Decimal("900.00")),
        Margin("C-04", "T1", "EUR", Decimal("1850.00"), Decimal("-92.50"), Decimal("300.00")),
    )
    (whole,) = by_contract(costs.margin(engine, entity=SELLER, label="2026-06"))
    assert whole.margin == Decimal("557.50")  # 1850.00 - 92.50 - 300.00 - 900.00
    wrong = HEAD + "X,C-99,,lease,2026-06-30,1.00 EUR,\n"
    assert [str(item) for item in costs.take_in(engine, wrong, **given)] == [  # type: ignore[union-attr]
        str(Problem("C-99", f"is no contract of {SELLER}", "correct the name"))
    ]


def test_tax_is_printed_in_the_sellers_currency_at_the_rate_of_the_tax_point(engine: Engine) -> None:
    story = Story(engine)
    text = PARTIES.replace("prefix: TS,", "prefix: TS, vat_currency: EUR,")
    assert not isinstance(billing.set_up(engine, text, at=SIGNED, by="person:test"), tuple)
    story.assets("F01", "F02")
    whole = case("w04-uptime")[0]
    fee_only = whole[: whole.index('  - clause: "4.2"')].replace("C-04", "C-F01").replace("T1", "F01")
    story.contract(fee_only.replace("EUR", "USD"), fee_only.replace("F01", "F02"))
    contracts.close_due_periods(engine, at=JULY_5)
    blocked = story.bill(SELLER, "2026-06", JULY_5)
    assert [(d["contract_name"], d["state"]) for d in blocked.drafts] == [("C-F01", "blocked"), ("C-F02", "warning")]
    assert "no exchange rate from USD to EUR" in blocked.drafts[0]["reason"]
    days = ((26, "1.0800"), (30, "1.0823"))
    known = [Rate("ECB", date(2026, 6, day), "EUR", "USD", Decimal(rate)) for day, rate in days]
    known.append(Rate("ECB", date(2026, 7, 1), "EUR", "USD", Decimal("1.0900")))
    assert [rates.record(engine, known, at=JULY_5, by="person:anna") for _ in range(2)] == [3, 0]
    run = blocked.run.public_id
    billing.collect(engine, run, at=JULY_5, by="person:anna")
    billing.calculate(engine, run, at=JULY_5, by="person:anna")
    story.issue(run, JULY_5)
    dollars, euros = story.invoices()
    # 1850.00 × 19 % = 351.50 USD; / 1.0823 = 324.7713…
    assert dollars["tax_in"]["tax_total"] == "324.77"
    assert [(x["day"], x["rate"], x["source"]) for x in dollars["tax_in"]["rates"]] == [("2026-06-30", "1.0823", "ECB")]
    assert "tax_in" not in euros


def test_fees_only_contracts_show_in_the_margin_without_costs(engine: Engine) -> None:
    story = Story(engine)
    story.set_up()
    fees(story, 2)
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    assert [(row.contract, row.margin) for row in costs.margin(engine, entity=SELLER, label="2026-06")] == [
        ("C-F01", Decimal("1850.00")), ("C-F02", Decimal("1850.00")),
    ]  # fmt: skip
