"""Money comes in: booked once, matched, taken back; what is late is seen."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TypedDict

import pytest
from sqlalchemy import Engine

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
