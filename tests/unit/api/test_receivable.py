"""What is said of proposals and disputes before anybody decides."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from api.portal.receivable import asked
from billing.proposal import Proposal
from billing.store.dunning import Blocked
from billing.store.receivable import disputed
from core.money import Money

AT = datetime(2026, 11, 22, tzinfo=UTC)


def letters(*totals: str) -> Proposal:
    found: dict[str, Any] = {"letters": [dict(zip(("total", "currency"), one.split(), strict=True)) for one in totals]}
    return Proposal(
        1, "prp_1", 1, "dunning", "2026-11-22", found, "h", "due", "person:anna", AT, AT, "open", "", {}, None, None
    )


def test_letters_ask_for_a_sum_in_each_currency() -> None:
    # 10.05 + 0.95 = 11.00
    shown = asked(letters("10.05 EUR", "7.00 CHF", "0.95 EUR"))
    assert [str(one) for one in shown] == ["7.00 CHF", "11.00 EUR"]


@pytest.mark.parametrize(
    ("blocked", "amount"),
    [
        (None, "0.00"),
        (Blocked(whole=True, amount=Decimal(0)), "100.00"),
        # 50.005 is rounded half up
        (Blocked(whole=False, amount=Decimal("50.005")), "50.01"),
        # a line that comes to more than is left
        (Blocked(whole=False, amount=Decimal("119.00")), "100.00"),
        # a line that credits
        (Blocked(whole=False, amount=Decimal("-5.00")), "0.00"),
    ],
)
def test_no_more_is_disputed_than_is_left(blocked: Blocked | None, amount: str) -> None:
    assert disputed(Money(Decimal("100.00"), "EUR"), blocked).amount == Decimal(amount)
