"""Runs and invoices as tables for a terminal."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from billing import wording
from billing.label import labels
from billing.reference import printed
from contracts import notation
from contracts.told import told
from core.time import zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from billing.margin import Margin
    from billing.run import Summary

DATES = (("issued", "issue"), ("due", "due"))


def run_view(done: Summary, state: str | None = None) -> RenderableType:
    """A run: its drafts, sums and hash. state: that of the drafts that are listed, where not all are."""
    run = done.run
    table = Table("contract", "state", title=f"{run.public_id} · {run.label} · {run.state}")
    for name in ("net", "VAT", "gross"):
        table.add_column(name, justify="right")
    table.add_column("why", overflow="fold")
    for draft in done.drafts:
        amounts = [_money(draft[name], draft["currency"]) for name in ("net", "tax", "gross")]
        table.add_row(draft["contract_name"], draft["state"], *amounts, draft["reason"])
    all_of_it = sum(sums["drafts"] for sums in done.counts if state in {None, sums["state"]})
    if (more := all_of_it - len(done.drafts)) > 0:
        table.add_row(f"… {more} more", "", "", "", "", "")
    for sums in done.counts:
        amounts = [_money(sums[name], sums["currency"]) for name in ("net", "tax", "gross")]
        table.add_row(f"{sums['drafts']} drafts", sums["state"], *amounts, "", style="bold")
    approved = f", approved by {run.approved_by}" if run.approved_by else ""
    return Group(table, Text(f"as of K {run.known}, revision {run.revision}, hash {run.hash}{approved}"))


def invoice_view(document: Mapping[str, Any]) -> RenderableType:
    """An invoice or draft in the debtor's language: lines with their steps, tax, totals."""
    language = document.get("language", "en")
    words = labels(language)
    issue, currency = document["issue"] or {"number": words["draft"]}, document["currency"]
    period = notation.period(document["period"], language)
    title = f"{words[document['kind']]} {issue['number']} · {document['contract']} · {period}"
    caption = "\n".join(_head(document, issue, words))
    table = Table(words["clause"], words["asset"], words["text"], title=title, caption=caption)
    table.add_column(words["vat"], justify="right")
    table.add_column(currency, justify="right")
    if document.get("parts"):
        _add_parts(table, document, words)
    else:
        for line in document["lines"]:
            _add_line(table, line, document, words)
    table.add_section()
    _add_totals(table, document, words)
    return table


def _head(document: Mapping[str, Any], issue: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[str]:
    """Who and when, until when it may be contested, what is corrected and why, and what is not certain yet."""
    language = document.get("language", "en")
    yield document["buyer"]["name"]
    if "issue_date" in issue:
        dates = [f"{words[key]} {notation.day(issue[f'{name}_date'], language)}" for key, name in DATES]
        if reference := issue.get("payment_reference"):
            dates.append(f"{words['reference']} {printed(reference)}")
        yield ", ".join(dates)
    yield from _contest(document, issue.get("contest_until", ()), words)
    if corrected := document.get("corrects"):
        yield wording.corrected(corrected, document["reason"], language)
    yield from document["warnings"]


def _contest(
    document: Mapping[str, Any], limits: Sequence[Mapping[str, str]], words: Mapping[str, str]
) -> Iterator[str]:
    """Until when lines may be contested, and how; each clause where they differ."""
    if not limits:
        return
    where, language = zone(document["timezone"]), document.get("language", "en")
    until: dict[str, list[str]] = {}
    for one in limits:
        moment = f"{datetime.fromisoformat(one['until']).astimezone(where):%Y-%m-%d %H:%M}"
        until.setdefault(notation.day(moment, language), []).append(f"{one['contract']} {one['clause']}")
    days = "; ".join(day if len(until) == 1 else f"{day}: {', '.join(names)}" for day, names in sorted(until.items()))
    yield f"{words['contest_until']} {days} ({where.key})"
    yield words["contest_how"]


def _add_parts(table: Table, document: Mapping[str, Any], words: Mapping[str, str]) -> None:
    """Each contract under a heading with its evaluation, each group of assets under one, with what they come to."""
    language = document.get("language", "en")
    for part in document["parts"]:
        table.add_section()
        head = Text(f"{words['contract']} {part['contract']}", style="bold")
        head.append(f"\n{part['evaluation']['id']}", style="dim")
        table.add_row("", "", head, "", "")
        for group in part["groups"]:
            own = [line for line in document["lines"] if group["first"] <= line["n"] <= group["last"]]
            titled = len(part["groups"]) > 1 or group["group"]
            for line in own:
                _add_line(table, line, document, words)
            if titled:
                name = group["group"] or words["others"]
                table.add_row("", name, words["net"], "", _money(group["net"], "", language), style="italic")
        net = _money(part["net"], "", language)
        table.add_row("", "", f"{words['net']} {part['contract']}", "", net, style="bold")


def _add_line(table: Table, line: Mapping[str, Any], document: Mapping[str, Any], words: Mapping[str, str]) -> None:
    language, text = document.get("language", "en"), Text(line["text"])
    if (corrected := line["corrects"]) and not document.get("corrects"):
        text.append(f"\n  {wording.corrected(corrected['invoice'], corrected['reason'], language)}", style="dim")
    for step in (told(one, language) for one in line["steps"]):
        said = wording.say(language, "labelled", step.label, f"{step.formula} = {step.result}")
        text.append(f"\n  {said}", style="dim")
    tax = notation.figures(f"{line['tax']['category']} {line['tax']['rate']} %", language)
    asset = words["contract"] if line["asset"] == "contract" else line["asset"]
    table.add_row(line["clause"], asset, text, tax, _money(line["amount"], "", language))


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
    language = document.get("language", "en")
    table.add_row("", "", words["net"], "", _money(document["net"], "", language), style="bold")
    for part in document["tax"]:
        rate, base = notation.figures(part["rate"], language), _money(part["base"], "", language)
        label = f"{words['vat']} {rate} % {words['on']} {base} ({words[part['category']]})"
        table.add_row("", "", label, part["category"], _money(part["tax"], "", language))
    table.add_row("", "", words["gross"], "", _money(document["gross"], "", language), style="bold")
    if (tax_in := document.get("tax_in")) and tax_in["tax_total"] is not None:
        rates = ", ".join(
            f"1 {x['base']} = {notation.figures(x['rate'], language)} {x['quote']} "
            f"({x['source']}, {notation.day(x['day'], language)})"
            for x in tax_in["rates"]
        )
        total = _money(tax_in["tax_total"], "", language)
        table.add_row("", "", f"{words['vat_in']} {tax_in['currency']}: {rates}", "", total)


def _money(amount: Any, currency: str | None, language: str = "en") -> str:
    """1850.00 as 1,850.00 EUR, or as another language writes it; nothing for nothing."""
    if amount is None:
        return ""
    text = f"{Decimal(amount):,f}" if language not in notation.SIGNS else notation.figures(str(amount), language)
    return f"{text} {currency or ''}".rstrip()
