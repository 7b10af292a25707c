"""How invoices stand towards their payment, as a chip beside each."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from api.visit import Visit
from billing.store.paying import Paying, paying
from billing.store.view import InvoiceView

Standing = Literal["credit_note", "settled", "contested", "overdue", "due"]
Chip = tuple[Standing, int]
"""How it stands, and by how many days."""


def chips(visit: Visit, invoices: Sequence[InvoiceView]) -> dict[int, Chip]:
    """By inside key of the invoice; days are counted in UTC."""
    found = paying(visit.connection, [one.id for one in invoices])
    return {one.id: chip(one, found[one.id], visit.at.date()) for one in invoices if one.id in found}


def chip(invoice: InvoiceView, found: Paying, today: date) -> Chip:
    """What matters most of it: that it is settled, contested, overdue, or due."""
    if invoice.kind == "credit_note":
        return "credit_note", 0
    if found.owed <= 0:
        return "settled", 0
    if found.contested:
        return "contested", 0
    days = (invoice.due_date - today).days
    return ("overdue", -days) if days < 0 else ("due", days)
