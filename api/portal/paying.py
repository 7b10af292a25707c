"""How invoices stand towards their payment, as a chip beside each."""

from collections.abc import Sequence
from datetime import date

from api.visit import Visit
from billing.store.paying import Paying, paying
from billing.store.view import InvoiceView

Chip = tuple[str, str]
"""Its look and its words."""


def chips(visit: Visit, invoices: Sequence[InvoiceView]) -> dict[int, Chip]:
    """By inside key of the invoice; days are counted in UTC."""
    found = paying(visit.connection, [one.id for one in invoices])
    return {one.id: chip(one, found[one.id], visit.at.date()) for one in invoices if one.id in found}


def chip(invoice: InvoiceView, found: Paying, today: date) -> Chip:
    """What matters most of it: that it is settled, contested, overdue, or due."""
    if invoice.kind == "credit_note":
        return "", "Credit note"
    if found.owed <= 0:
        return "ok", "Settled"
    if found.contested:
        return "warn", "Contested"
    days = (invoice.due_date - today).days
    if days < 0:
        return "bad", f"{-days} {'day' if days == -1 else 'days'} overdue"
    return ("info", f"Due in {days} {'day' if days == 1 else 'days'}") if days else ("warn", "Due today")
