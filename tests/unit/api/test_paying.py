"""What the chip beside an invoice says."""

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from api.portal.paying import chip
from billing.store.paying import Paying


@pytest.mark.parametrize(
    ("kind", "owed", "contested", "due", "said"),
    [
        ("invoice", "100", False, date(2026, 12, 22), ("info", "Due in 30 days")),
        ("invoice", "100", False, date(2026, 11, 23), ("info", "Due in 1 day")),
        ("invoice", "100", False, date(2026, 11, 22), ("warn", "Due today")),
        ("invoice", "100", False, date(2026, 11, 21), ("bad", "1 day overdue")),
        ("invoice", "100", True, date(2026, 11, 1), ("warn", "Contested")),
        ("invoice", "0.00", True, date(2026, 11, 1), ("ok", "Settled")),
        ("credit_note", "-5", False, date(2026, 11, 1), ("", "Credit note")),
    ],
)
def test_the_most_important_is_said(kind: str, owed: str, contested: bool, due: date, said: tuple[str, str]) -> None:  # noqa: FBT001
    invoice: Any = SimpleNamespace(kind=kind, due_date=due)
    assert chip(invoice, Paying(Decimal(owed), contested), date(2026, 11, 22)) == said
