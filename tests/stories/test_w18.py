"""The worked case of a whole invoice: from contract and facts in the database to the issued document, to the cent."""

import json
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from billing import chain
from contracts import run as contracts
from tests.stories.story import Story
from tests.stories.test_billing import JULY_5
from tests.stories.test_cases import Case, cases, declare, deliver, stated

pytestmark = pytest.mark.services
SELLER = "Truck Supplier GmbH"


def whole() -> Case:
    (found,) = (x for x in cases() if x.file == "w18-whole-invoice" and x.example.name == "the invoice for June")
    return found


def test_w18_from_facts_to_the_issued_invoice(engine: Engine) -> None:
    story, case = Story(engine), whole()
    story.set_up()
    declare(case, story)
    story.contract("\n---\n".join(json.dumps(version.canonical) for version in case.versions))
    deliver(case, story)
    stated(case, story)
    contracts.close_due_periods(engine, at=JULY_5)
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    (invoice,) = story.invoices()
    expected = case.example.expected
    printed = [(x["clause"], x["asset"], f"{x['amount']} EUR") for x in invoice["lines"]]
    # 1850.00 + 264.60 + 154.40 - 92.50 + 8.28 = 2184.78
    assert printed == [tuple(line.split(" | ")[at] for at in (0, 1, 3)) for line in expected.lines or ()]
    totals = [f"{invoice[name]} EUR" for name in ("net", "tax_total", "gross")]
    assert totals == [str(expected.net), str(expected.tax), str(expected.gross)] == [
        "2184.78 EUR", "415.11 EUR", "2599.89 EUR",
    ]  # fmt: skip
    assert invoice["tax"] == [{"category": "S", "rate": "19", "base": "2184.78", "tax": "415.11"}]
    assert [x["verdict"]["state"] for x in invoice["lines"] if x["clause"] in ("4.2", "5.1")] == ["violated"] * 2
    ((saved, receivable),) = story.rows("""
        SELECT i.content_hash, (SELECT sum(CASE WHEN debit LIKE 'receivable:%' THEN amount ELSE -amount END)
            FROM billing.transfer AS t WHERE t.invoice = i.id) FROM billing.invoice AS i
    """)
    assert saved == chain.content_hash(invoice)
    assert receivable == Decimal("2599.89")
    ((report,),) = story.rows("SELECT document FROM billing.breach_report WHERE document ->> 'clause' = '4.2'")
    assert (report["credit"], report["invoice"]["line"]) == ("92.50", 4)
