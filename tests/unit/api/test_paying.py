"""What the chip beside an invoice says."""

import re
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from api.portal import page
from api.portal.paying import Chip, chip
from billing.store.paying import Paying


@pytest.mark.parametrize(
    ("kind", "owed", "contested", "due", "said"),
    [
        ("invoice", "100", False, date(2026, 12, 22), ("due", 30)),
        ("invoice", "100", False, date(2026, 11, 23), ("due", 1)),
        ("invoice", "100", False, date(2026, 11, 22), ("due", 0)),
        ("invoice", "100", False, date(2026, 11, 21), ("overdue", 1)),
        ("invoice", "100", True, date(2026, 11, 1), ("contested", 0)),
        ("invoice", "0.00", True, date(2026, 11, 1), ("settled", 0)),
        ("credit_note", "-5", False, date(2026, 11, 1), ("credit_note", 0)),
    ],
)
def test_the_most_important_is_said(kind: str, owed: str, contested: bool, due: date, said: tuple[str, int]) -> None:  # noqa: FBT001
    invoice: Any = SimpleNamespace(kind=kind, due_date=due)
    assert chip(invoice, Paying(Decimal(owed), contested), date(2026, 11, 22)) == said


@pytest.mark.parametrize(
    ("standing", "english", "german", "french"),
    [
        (("due", 30), "Due in 30 days", "Fällig in 30 Tagen", "Échéance dans 30 jours"),
        (("due", 1), "Due in 1 day", "Fällig in 1 Tag", "Échéance dans 1 jour"),
        (("due", 0), "Due today", "Heute fällig", "Échéance aujourd'hui"),
        (("overdue", 1), "1 day overdue", "1 Tag überfällig", "1 jour de retard"),
        (("overdue", 2), "2 days overdue", "2 Tage überfällig", "2 jours de retard"),
        (("contested", 0), "Contested", "Bestritten", "Contesté"),
        (("settled", 0), "Settled", "Beglichen", "Réglé"),
        (("credit_note", 0), "Credit note", "Rechnungskorrektur", "Avoir"),
    ],
)
def test_it_is_said_in_the_readers_language(standing: Chip, english: str, german: str, french: str) -> None:
    parts: list[Any] = [page.environment(one).globals["part"] for one in ("en", "de", "fr")]
    said = [part.paying(standing) for part in parts]
    assert [re.sub(r"<[^>]+>", "", one).strip() for one in said] == [english, german, french]
