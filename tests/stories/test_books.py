"""Month end: accruals come and go, closed days refuse, and another program reads the journal and agrees."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from beancount import loader
from beancount.core.data import Transaction
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from billing import run as billing
from billing.books import run as books
from billing.credits import run as credits_
from billing.journal import Posted, account
from billing.store import ledger
from contracts import run as contracts
from core.database import transaction
from tests.stories.story import Story, local
from tests.stories.test_billing import JULY_5, fees, june
from tests.stories.test_cycles import agreed, fee

pytestmark = pytest.mark.services
SELLER = "Truck Supplier GmbH"
JULY_1, AUGUST_1 = local("2026-07-01 06:00"), date(2026, 8, 1)


@pytest.fixture
def story(engine: Engine) -> Story:
    told = Story(engine)
    told.assets("T1")
    told.set_up()
    return told


def balances(story: Story, until: str = "2027-01-01") -> dict[str, Decimal]:
    """Of every account, as the database has them."""
    found = defaultdict[str, Decimal](Decimal)
    for row in story.rows("SELECT debit, credit, amount FROM billing.transfer WHERE posted_on < :day", day=until):
        found[account(row.debit)] += row.amount
        found[account(row.credit)] -= row.amount
    return {name: amount for name, amount in found.items() if amount}


def beancount_agrees(story: Story, until: date = AUGUST_1) -> None:
    text = books.journal(story.engine, entity=SELLER, form="beancount", start=date(2026, 1, 1), end=until)
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    found = defaultdict[str, Decimal](Decimal)
    for entry in entries:
        if isinstance(entry, Transaction):
            for posting in entry.postings:
                assert posting.units is not None
                assert posting.units.number is not None
                found[posting.account] += posting.units.number
    assert {name: amount for name, amount in found.items() if amount} == balances(story)


def ledger_rows(story: Story) -> list[Posted]:
    with transaction(story.engine) as connection:
        entity = billing.seller_named(connection, SELLER).id
        return ledger.journal(connection, entity, start=date(2026, 1, 1), end=AUGUST_1)


def test_what_is_not_invoiced_is_accrued_and_taken_back_on_the_next_day(story: Story) -> None:
    fees(story, 2, month="2026-07-01 06:00")
    assert books.accrue(story.engine, entity=SELLER, label="2026-06", at=JULY_1, by="person:anna") == 2
    assert books.accrue(story.engine, entity=SELLER, label="2026-06", at=JULY_1, by="person:anna") == 0
    at_month_end = balances(story, "2026-07-01")
    assert at_month_end["Income:Revenue:Fixed-fee"] == Decimal("-3700.00")
    assert sum(at_month_end.values()) == 0
    assert balances(story) == {}
    contracts.close_due_periods(story.engine, at=JULY_5)
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    assert balances(story)["Income:Revenue:Fixed-fee"] == Decimal("-3700.00"), "once, by the invoices"
    assert books.accrue(story.engine, entity=SELLER, label="2026-06", at=JULY_5, by="person:anna") == 0


def test_closed_days_refuse_postings_also_of_invoices(story: Story) -> None:
    fees(story, 1)
    run = story.bill(SELLER, "2026-06", JULY_5).run.public_id
    with pytest.raises(ValueError, match="is not over"):
        books.close_books(story.engine, entity=SELLER, until=date(2026, 7, 5), at=JULY_5, by="person:anna")
    late = local("2026-07-06 10:00")
    books.close_books(story.engine, entity=SELLER, until=date(2026, 7, 5), at=late, by="person:anna")
    with pytest.raises(DBAPIError, match="the books are closed until 2026-07-05"):
        story.issue(run, JULY_5)
    assert story.invoices() == []
    assert billing.issue(story.engine, run, at=late, by="person:bert") == 1


def test_a_fee_ahead_is_revenue_of_its_own_month_and_its_credit_note_takes_back_the_same(story: Story) -> None:
    story.contract(agreed("AHEAD", "T1", fee("1000.00", advance=True)))
    contracts.close_due_periods(story.engine, at=local("2026-02-05 10:00"))
    done = story.bill(SELLER, "2026-01", local("2026-02-05 10:00"))
    story.issue(done.run.public_id, local("2026-02-05 10:00"))
    assert all(pair.agrees for pair in billing.reconcile(story.engine, done.run.public_id))
    revenue, deferred = "Income:Revenue:Fixed-fee", "Liabilities:Deferred:Fixed-fee"
    invoiced = balances(story, "2026-02-06")
    # January 1000.00, and February's 1000.00 is owed to the customer; tax of both: 2000.00 x 19 %
    assert (invoiced[revenue], invoiced[deferred]) == (Decimal("-1000.00"), Decimal("-1000.00"))
    assert invoiced["Liabilities:VAT:S:19"] == Decimal("-380.00")
    assert balances(story, "2026-02-28") == invoiced
    served = balances(story, "2026-03-01")
    assert (served[revenue], deferred in served) == (Decimal("-2000.00"), False)
    beancount_agrees(story)
    number = story.invoices()[0]["issue"]["number"]
    again = {"reason": "wrong", "by": "person:anna", "approved_by": "person:bert"}
    credits_.credit(story.engine, number, at=local("2026-02-10 10:00"), **again)
    credited = balances(story, "2026-02-11")
    assert (credited.get(revenue), credited.get(deferred)) == (None, None), "neither earned nor owed before the end"
    assert balances(story) == {}
    beancount_agrees(story)
    released = [row.text for row in ledger_rows(story) if row.posted_on == date(2026, 2, 28)]
    assert released == ["invoice, released", "credit_note, released"]


def test_another_program_reads_the_journal_and_comes_to_the_same_balances(story: Story) -> None:
    june(story)
    fees(story, 3)
    books.accrue(story.engine, entity=SELLER, label="2026-06", at=JULY_5, by="person:anna")
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    number = story.invoices()[0]["issue"]["number"]
    credits_.credit(story.engine, number, reason="wrong", at=JULY_5, by="person:anna", approved_by="person:bert")
    beancount_agrees(story)
    days = {"start": date(2026, 1, 1), "end": AUGUST_1}
    table = books.journal(story.engine, entity=SELLER, form="csv", **days).splitlines()
    assert len(table) == 1 + story.rows("SELECT count(*) FROM billing.transfer")[0][0]
