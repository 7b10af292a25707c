"""Truth against bill: what the simulated devices know they did, and what the invoices say they did."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

from ingest.store.view import IngestTotal
from simulators.run import Upload
from simulators.scenario import Asset, Scenario

MINUTE = 60_000_000
METRES = 1000
DOWN = {"fault": Fraction(1), "unplanned_repair": Fraction(1)}
DERATED = {"Nordhaul Logistics": Fraction(1, 2), "Baltic Freight": Fraction(0)}
"""Which part of the time in a category counts as down, as each customer's contract says in words; written by hand."""


@dataclass(frozen=True, slots=True)
class Row:
    """One asset over all closed months. used: km or pages; down: minutes, None for what has no guarantee."""

    asset: str
    unit: str
    used: Fraction
    billed: Fraction
    down: Fraction | None
    billed_down: Fraction | None

    @property
    def difference(self) -> Fraction:
        """How far the bill is from the truth, usage and down time together; 0 is the only right answer."""
        down = abs((self.down or Fraction(0)) - (self.billed_down or Fraction(0)))
        return abs(self.used - self.billed) + down


def compare(scenario: Scenario, invoices: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Hold the truth of each asset against the invoice documents of all closed months."""
    return [_row(scenario, asset, invoices) for asset in scenario.assets]


def _row(scenario: Scenario, asset: Asset, invoices: Sequence[Mapping[str, Any]]) -> Row:
    name = asset.name
    billed = sum((_billed(document, name) for document in invoices), Fraction(0))
    truths = [scenario.truth(name, start, end) for start, end in billed_months(scenario, invoices)]
    if asset.kind == "printer":
        return Row(name, "pages", Fraction(sum(truth.pages or 0 for truth in truths)), billed, None, None)
    used = Fraction(sum(truth.metres or 0 for truth in truths), METRES)
    parts = {**DOWN, "derated": DERATED[asset.customer]}
    down = sum((truth.settled.get(word, 0) * part for truth in truths for word, part in parts.items()), Fraction(0))
    return Row(name, "km", used, billed, down / MINUTE, 60 * sum((_down(each, name) for each in invoices), Fraction(0)))


def billed_months(scenario: Scenario, invoices: Sequence[Mapping[str, Any]]) -> list[tuple[datetime, datetime]]:
    """The months whose cut-off had passed; on the first day of a month the one before still waits for late readings."""
    zone = ZoneInfo(scenario.timezone)
    labels = {document["period"] for document in invoices}
    return [month for month in scenario.months if f"{month[0].astimezone(zone):%Y-%m}" in labels]


def _billed(document: Mapping[str, Any], asset: str) -> Fraction:
    """What an invoice charges an asset's usage for: its own lines, or its part of a pool's."""
    usage = [line for line in document["lines"] if line["kind"] == "usage_charge"]
    own = [Fraction(line["quantity"]) for line in usage if line["asset"] == asset]
    pooled = [
        Fraction(row["use"]) for line in usage for row in line["evidence"] if row["asset"] == asset != line["asset"]
    ]
    return sum(own or pooled, Fraction(0))


def _down(document: Mapping[str, Any], asset: str) -> Fraction:
    texts = [verdict["values"]["down"] for verdict in document["verdicts"] if _is_of(verdict, asset)]
    return sum((Fraction(text.split()[0]) for text in texts), Fraction(0))


def _is_of(verdict: Mapping[str, Any], asset: str) -> bool:
    return bool(verdict["kind"] == "availability" and verdict["asset"] == asset)


def truth_table(rows: Iterable[Row]) -> Table:
    """For people: one row an asset, truth, billed, difference."""
    table = Table(title="Truth against bill, all closed months", title_justify="left")
    for name in ("asset", "", "driven or printed", "billed", "down", "counted down", "difference"):
        table.add_column(name, justify="left" if name in ("asset", "") else "right", no_wrap=True)
    for row in rows:
        down = ("", "") if row.down is None else (_clock(row.down), _clock(row.billed_down or Fraction(0)))
        used = (_number(row.used), _number(row.billed))
        wrong = "bold red" if row.difference else ""
        table.add_row(row.asset, row.unit, *used, *down, _number(row.difference), style=wrong)
    return table


def ingest_table(upload: Upload, taken: IngestTotal) -> Table:
    """For people: what the devices sent, faults included, and what became of it."""
    injected: Counter[str] = Counter()
    for fault in upload.injected:
        injected["duplicate" if fault.kind == "duplicate" else "quarantined"] += fault.items
    table = Table(title="Readings", title_justify="left")
    for name in ("", "sent", "received", "stored", "duplicate", "quarantined"):
        table.add_column(name, justify="right" if name else "left")
    counts = (upload.readings, taken.received, taken.stored, taken.duplicate, taken.quarantined)
    table.add_row("counted", *(f"{count:,}" for count in counts))
    table.add_row("injected on purpose", "", "", "", f"{injected['duplicate']:,}", f"{injected['quarantined']:,}")
    return table


def invoice_table(invoices: Iterable[Mapping[str, Any]]) -> Table:
    """For people: one row an invoice."""
    table = Table(title="Invoices", title_justify="left")
    for name in ("number", "customer", "period", "lines", "credits", "net, EUR", "VAT, EUR", "gross, EUR"):
        table.add_column(name, justify="left" if name in ("number", "customer", "period") else "right", no_wrap=True)
    for document in invoices:
        credits_ = [Decimal(line["amount"]) for line in document["lines"] if line["amount"].startswith("-")]
        sums = (f"{Decimal(document[name]):,}" for name in ("net", "tax_total", "gross"))
        given = f"{len(credits_)}: {sum(credits_):,}" if credits_ else "0"
        who = (document["issue"]["number"], document["buyer"]["name"], document["period"])
        table.add_row(*who, str(len(document["lines"])), given, *sums)
    return table


def _clock(minutes: Fraction) -> str:
    """Hours and minutes; a part of a minute is shown as a fraction, never rounded away."""
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest.numerator:02d}" if rest.denominator == 1 else f"{hours} h {rest}"


def _number(value: Fraction) -> str:
    """Exactly, with thousands marked; the demonstration's numbers all end within six digits."""
    scaled = value * 10**6
    exact = Decimal(scaled.numerator // scaled.denominator).scaleb(-6)
    return f"{exact.normalize():,f}" + ("" if scaled.denominator == 1 else "…")
