"""Runs and invoices as tables for a terminal."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from billing.run import Summary


def run_view(done: Summary) -> RenderableType:
    """A run: its drafts, sums and hash."""
    run = done.run
    table = Table("contract", "state", title=f"{run.public_id} · {run.label} · {run.state}")
    for name in ("net", "VAT", "gross"):
        table.add_column(name, justify="right")
    table.add_column("why", overflow="fold")
    for draft in done.drafts:
        amounts = [_money(draft[name], draft["currency"]) for name in ("net", "tax", "gross")]
        table.add_row(draft["contract_name"], draft["state"], *amounts, draft["reason"])
    if (more := sum(sums["drafts"] for sums in done.counts) - len(done.drafts)) > 0:
        table.add_row(f"… {more} more", "", "", "", "", "")
    for sums in done.counts:
        amounts = [_money(sums[name], sums["currency"]) for name in ("net", "tax", "gross")]
        table.add_row(f"{sums['drafts']} drafts", sums["state"], *amounts, "", style="bold")
    approved = f", approved by {run.approved_by}" if run.approved_by else ""
    return Group(table, Text(f"as of K {run.known}, revision {run.revision}, hash {run.hash}{approved}"))


def invoice_view(document: Mapping[str, Any]) -> RenderableType:
    """An invoice or draft: lines with their steps, tax, totals."""
    issue = document["issue"] or {"number": "draft", "issue_date": "", "due_date": ""}
    currency = document["currency"]
    title = f"{issue['number']} · {document['contract']} · {document['period']} · {document['buyer']['name']}"
    table = Table(
        "clause", "asset", "text", title=title, caption=f"issued {issue['issue_date']}, due {issue['due_date']}"
    )
    table.add_column("VAT", justify="right")
    table.add_column(currency, justify="right")
    for line in document["lines"]:
        text = Text(line["text"])
        for step in line["steps"]:
            text.append(f"\n  {step['label']}: {step['formula']} = {step['result']}", style="dim")
        tax = f"{line['tax']['category']} {line['tax']['rate']} %"
        table.add_row(line["clause"], line["asset"], text, tax, _money(line["amount"], ""))
    table.add_section()
    table.add_row("", "", "net", "", _money(document["net"], ""), style="bold")
    for part in document["tax"]:
        label = f"VAT {part['rate']} % on {_money(part['base'], '')}"
        table.add_row("", "", label, part["category"], _money(part["tax"], ""))
    table.add_row("", "", "gross", "", _money(document["gross"], ""), style="bold")
    return table


def _money(amount: Any, currency: str | None) -> str:
    """1850.00 as 1,850.00 EUR; nothing for nothing."""
    return "" if amount is None else f"{Decimal(amount):,f} {currency or ''}".rstrip()
