"""Money comes in: booked once, matched, taken back; what is late is seen."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypedDict

import pytest
from sqlalchemy import Engine

from billing.balances import run as balances
from billing.books import run as books
from billing.payments import run as payments
from tests.stories.story import Story
from tests.stories.test_billing import JULY_5, fees
from tests.unit.billing.statement import camt, entry

pytestmark = pytest.mark.services
SELLER = "Truck Supplier GmbH"
AUGUST_20 = datetime(2026, 8, 20, 10, tzinfo=UTC)


class Given(TypedDict):
    entity: str
    at: datetime
    by: str


def left(story: Story) -> list[str]:
    return [f"{x.owed.number} {x.owed.left}" for x in payments.overdue(story.engine, entity=SELLER, at=AUGUST_20)]


def receivable(story: Story) -> Decimal:
    (row,) = story.rows("""
        SELECT sum(CASE WHEN debit LIKE 'receivable%' THEN amount ELSE -amount END) FROM billing.transfer
        WHERE debit LIKE 'receivable%' OR credit LIKE 'receivable%'
    """)
    return Decimal(row[0])


def test_a_statement_pays_invoices_once_and_a_payment_is_taken_back(engine: Engine) -> None:
    story = Story(engine)
    story.set_up()
    fees(story, 2)
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    # 1850.00 and 19 %: 2201.50 each
    assert left(story) == ["TS-2026-00001 2201.50 EUR", "TS-2026-00002 2201.50 EUR"]
    source = camt([entry("B1", "2201.50", "TS-2026-00001"), entry("B2", "1000.00", "part of TS-2026-00002")])
    given: Given = {"entity": SELLER, "at": AUGUST_20, "by": "person:anna"}
    first, again = (payments.take_in(story.engine, source, **given) for _ in range(2))
    assert [item.new for item in first if isinstance(item, payments.Taken)] == [True, True]
    assert [item.new for item in again if isinstance(item, payments.Taken)] == [False, False]
    assert left(story) == ["TS-2026-00002 1201.50 EUR"]
    assert receivable(story) == Decimal("1201.50")
    assert payments.take_back(story.engine, "B1/0", reason="returned by the bank", **given) == 1
    assert left(story) == ["TS-2026-00001 2201.50 EUR", "TS-2026-00002 1201.50 EUR"]
    assert receivable(story) == Decimal("3403.00")
    with pytest.raises(payments.NothingSettled):
        payments.take_back(story.engine, "B1/0", reason="again", **given)


def balance(story: Story, account: str) -> Decimal:
    (row,) = story.rows(
        "SELECT coalesce(sum(CASE WHEN debit = :name THEN amount ELSE -amount END), 0) FROM billing.transfer "
        "WHERE :name IN (debit, credit)",
        name=account,
    )
    return Decimal(row[0])


def test_what_nobody_can_tell_waits_until_somebody_says_what_it_pays(engine: Engine) -> None:
    story = Story(engine)
    story.set_up()
    fees(story, 3)
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    given: Given = {"entity": SELLER, "at": AUGUST_20, "by": "person:anna"}
    # One payment for two invoices and 100.00 too much; one that nobody can tell; one in another currency.
    rows = [
        entry("B1", "4503.00", "TS-2026-00001 TS-2026-00002"),
        entry("B2", "2000.00", "rent", payer="Somebody"),
        entry("B3", "2201.50", "TS-2026-00003").replace("EUR", "USD"),
        entry("B2", "55.00", "the bank gave two one name", payer="Somebody"),
    ]
    for _ in range(2):
        payments.take_in(engine, camt(rows), **given)
    assert [(x.kind, x.name, str(x.left)) for x in balances.listed(engine, entity=SELLER)] == [
        ("payment", "B1/0", "100.00 EUR"), ("payment", "B2/0", "2000.00 EUR"), ("payment", "B3/0", "2201.50 USD"),
        ("payment", "B2/0/2026-07-20/55.00", "55.00 EUR"),
    ]  # fmt: skip
    assert left(story) == ["TS-2026-00003 2201.50 EUR"]
    for key, number in (("B2/0", "TS-2026-00099"), ("B3/0", "TS-2026-00003"), ("B2/0", "TS-2026-00001")):
        with pytest.raises(payments.NotOwed, match=number):
            payments.assign(engine, key, [number], **given)
    found = payments.assign(engine, "B2/0", ["TS-2026-00003", "TS-2026-00003"], **given)
    assert ([str(amount) for _, amount in found.paid], str(found.rest)) == (["2000.00 EUR"], "0.00 EUR")
    assert left(story) == ["TS-2026-00003 201.50 EUR"]
    with pytest.raises(payments.NothingLeft):
        payments.assign(engine, "B2/0", ["TS-2026-00003"], **given)
    # It was another's: the money is still at the bank, and waits.
    bank = balance(story, "bank")
    assert payments.unmatch(engine, "B2/0", reason="another's rent", **given) == 1
    assert (left(story), balance(story, "bank")) == (["TS-2026-00003 2201.50 EUR"], bank)
    # The bank takes back the one for two invoices, and what was left of it.
    assert payments.take_back(engine, "B1/0", reason="returned", **given) == 2
    assert balance(story, "bank") == bank - Decimal("4503.00")
    # 2000.00 + 55.00 + 2201.50 USD
    assert balance(story, "unmatched") == Decimal("-4256.50")
    for act in (payments.take_back, payments.unmatch):
        with pytest.raises(payments.NothingSettled):
            act(engine, "B1/0", reason="again", **given)
    with pytest.raises(payments.NothingLeft):
        payments.assign(engine, "B1/0", ["TS-2026-00003"], **given)
    assert payments.take_back(engine, "B2/0", reason="returned", **given) == 0, "what paid nothing is returned too"
    assert balance(story, "unmatched") == Decimal("-2256.50")
    days = {"start": date(2026, 1, 1), "end": date(2027, 1, 1)}
    written = books.journal(engine, entity=SELLER, form="csv", **days).splitlines()[1:]
    about = [row.rpartition(",")[2] for row in written]
    assert list(dict.fromkeys(about)) == [
        "invoice", "payment B1/0", "payment B2/0", "payment B3/0", "payment B2/0/2026-07-20/55.00",
        "payment B2/0 matched", "payment B2/0 unmatched", "payment B1/0 returned", "payment B2/0 returned",
    ]  # fmt: skip


def test_money_of_a_closed_day_is_booked_on_the_next_open_one(engine: Engine) -> None:
    story = Story(engine)
    story.set_up()
    fees(story, 1)
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    given: Given = {"entity": SELLER, "at": AUGUST_20, "by": "person:anna"}
    books.close_books(engine, entity=SELLER, until=date(2026, 7, 31), at=AUGUST_20, by="person:anna")
    payments.take_in(engine, camt([entry("B1", "2201.50", "TS-2026-00001")]), **given)
    assert left(story) == []
    (row,) = story.rows("""
        SELECT t.posted_on, p.received_on FROM billing.transfer AS t
        JOIN billing.settlement AS s ON s.entry = t.entry JOIN billing.payment AS p ON p.id = s.payment
    """)
    assert tuple(row) == (date(2026, 8, 1), date(2026, 7, 20))
