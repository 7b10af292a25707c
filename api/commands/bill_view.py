"""Runs and invoices as tables for a terminal."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from billing.label import labels
from billing.reference import printed
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from billing.margin import Margin
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
    """An invoice or draft in the debtor's language: lines with their steps, tax, totals."""
    words = labels(document.get("language"))
    issue = document["issue"] or {"number": words["draft"], "issue_date": "", "due_date": ""}
    currency = document["currency"]
    title = f"{issue['number']} · {document['contract']} · {document['period']} · {document['buyer']['name']}"
    dates = f"{words['issued']} {issue['issue_date']}, {words['due']} {issue['due_date']}"
    if reference := issue.get("payment_reference"):
        dates += f", {words['reference']} {printed(reference)}"
    table = Table(words["clause"], words["asset"], words["text"], title=title, caption=f"{dates}{_contest(document)}")
    table.add_column(words["vat"], justify="right")
    table.add_column(currency, justify="right")
    if document.get("parts"):
        _add_parts(table, document, words)
    else:
        for line in document["lines"]:
            _add_line(table, line)
    table.add_section()
    _add_totals(table, document, words)
    return table


def _contest(document: Mapping[str, Any]) -> str:
    """Until when lines may be contested, and how; each clause where they differ."""
    words = labels(document.get("language"))
    limits = (document["issue"] or {}).get("contest_until", ())
    if not limits:
        return ""
    where = zone(document["timezone"])
    until: dict[str, list[str]] = {}
    for one in limits:
        day = f"{datetime.fromisoformat(one['until']).astimezone(where):%Y-%m-%d %H:%M}"
        until.setdefault(day, []).append(f"{one['contract']} {one['clause']}")
    days = "; ".join(day if len(until) == 1 else f"{day}: {', '.join(names)}" for day, names in sorted(until.items()))
    return f"\n{words['contest_until']} {days} ({where.key})\n{words['contest_how']}"


def _add_parts(table: Table, document: Mapping[str, Any], words: Mapping[str, str]) -> None:
    """Each contract under a heading with its evaluation, each group of assets under one, with what they come to."""
    for part in document["parts"]:
        table.add_section()
        head = Text(f"{words['contract']} {part['contract']}", style="bold")
        head.append(f"\n{part['evaluation']['id']}", style="dim")
        table.add_row("", "", head, "", "")
        for group in part["groups"]:
            own = [line for line in document["lines"] if group["first"] <= line["n"] <= group["last"]]
            titled = len(part["groups"]) > 1 or group["group"]
            for line in own:
                _add_line(table, line)
            if titled:
                name = group["group"] or words["others"]
                table.add_row("", name, words["net"], "", _money(group["net"], ""), style="italic")
        table.add_row("", "", f"{words['net']} {part['contract']}", "", _money(part["net"], ""), style="bold")


def _add_line(table: Table, line: Mapping[str, Any]) -> None:
    text = Text(line["text"])
    for step in line["steps"]:
        text.append(f"\n  {step['label']}: {step['formula']} = {step['result']}", style="dim")
    tax = f"{line['tax']['category']} {line['tax']['rate']} %"
    table.add_row(line["clause"], line["asset"], text, tax, _money(line["amount"], ""))


def margin_view(rows: Sequence[Margin], period: str) -> RenderableType:
    """Revenue, credits, costs and what is left, by contract and asset."""
    table = Table("contract", "asset", title=f"margin {period}, net of tax")
    for name in ("revenue", "credits", "costs", "margin"):
        table.add_column(name, justify="right")
    for row in rows:
        amounts = [_money(value, row.currency) for value in (row.revenue, row.credits, row.costs, row.margin)]
        table.add_row(row.contract, row.asset, *amounts)
    return table


def _add_totals(table: Table, document: Mapping[str, Any], words: Mapping[str, str]) -> None:
    table.add_row("", "", words["net"], "", _money(document["net"], ""), style="bold")
    for part in document["tax"]:
        label = f"{words['vat']} {part['rate']} % {words['base'].lower()} {_money(part['base'], '')}"
        table.add_row("", "", label, part["category"], _money(part["tax"], ""))
    table.add_row("", "", words["gross"], "", _money(document["gross"], ""), style="bold")
    if (tax_in := document.get("tax_in")) and tax_in["tax_total"] is not None:
        rates = ", ".join(
            f"1 {x['base']} = {x['rate']} {x['quote']} ({x['source']}, {x['day']})" for x in tax_in["rates"]
        )
        table.add_row("", "", f"{words['vat_in']} {tax_in['currency']}: {rates}", "", _money(tax_in["tax_total"], ""))


def _money(amount: Any, currency: str | None) -> str:
    """1850.00 as 1,850.00 EUR; nothing for nothing."""
    return "" if amount is None else f"{Decimal(amount):,f} {currency or ''}".rstrip()
