"""Truth against bill: what the simulated devices know they did, and what the invoices say they did."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rich.table import Table

from ingest.store.view import IngestTotal
from simulators.run import Upload
from simulators.scenario import Scenario

HOUR = 3_600_000_000
METRES = 1000
DOWN = {"fault": Fraction(1), "unplanned_repair": Fraction(1), "derated": Fraction(1, 2)}
"""Which part of the time in a category the demonstration's contracts count as down."""


@dataclass(frozen=True, slots=True)
class Row:
    """One asset over all closed months. used: km or pages; down: hours, None for what has no guarantee."""

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
    return [_row(scenario, asset.name, asset.kind, invoices) for asset in scenario.assets]


def _row(scenario: Scenario, asset: str, kind: str, invoices: Sequence[Mapping[str, Any]]) -> Row:
    billed = sum((_billed(document, asset) for document in invoices), Fraction(0))
    truths = [scenario.truth(asset, start, end) for start, end in scenario.months[:-1]]
    if kind == "printer":
        return Row(asset, "pages", Fraction(sum(truth.pages or 0 for truth in truths)), billed, None, None)
    used = Fraction(sum(truth.metres or 0 for truth in truths), METRES)
    down = sum((truth.settled.get(name, 0) * part for truth in truths for name, part in DOWN.items()), Fraction(0))
    billed_down = sum((_down(document, asset) for document in invoices), Fraction(0))
    return Row(asset, "km", used, billed, down / HOUR, billed_down)


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
    for name in ("asset", "driven or printed", "billed", "down, h", "counted down, h", "difference"):
        table.add_column(name, justify="left" if name == "asset" else "right")
    for row in rows:
        down = ("", "") if row.down is None else (_number(row.down), _number(row.billed_down or Fraction(0)))
        used = (f"{_number(row.used)} {row.unit}", f"{_number(row.billed)} {row.unit}")
        table.add_row(row.asset, *used, *down, _number(row.difference), style="bold red" if row.difference else "")
    return table


def ingest_table(upload: Upload, taken: IngestTotal) -> Table:
    """For people: what the devices sent, faults included, and what became of it."""
    table = Table(title="Readings", title_justify="left")
    for name in ("sent", "received", "stored", "duplicate", "quarantined", "injected on purpose"):
        table.add_column(name, justify="right")
    injected = ", ".join(f"{item.items:,} {item.kind}" for item in upload.injected if item.items)
    counts = (upload.readings, taken.received, taken.stored, taken.duplicate, taken.quarantined)
    table.add_row(*(f"{count:,}" for count in counts), injected)
    return table


def invoice_table(invoices: Iterable[Mapping[str, Any]]) -> Table:
    """For people: one row an invoice."""
    table = Table(title="Invoices", title_justify="left")
    for name in ("number", "customer", "period", "lines", "credits", "net", "VAT", "gross"):
        table.add_column(name, justify="left" if name in ("number", "customer", "period") else "right")
    for document in invoices:
        credits_ = [Decimal(line["amount"]) for line in document["lines"] if line["amount"].startswith("-")]
        sums = (f"{Decimal(document[name]):,} {document['currency']}" for name in ("net", "tax_total", "gross"))
        given = f"{len(credits_)}: {sum(credits_):,}" if credits_ else "0"
        who = (document["issue"]["number"], document["buyer"]["name"], document["period"])
        table.add_row(*who, str(len(document["lines"])), given, *sums)
    return table


def _number(value: Fraction) -> str:
    """Exactly, with thousands marked; the demonstration's numbers all end within six digits."""
    scaled = value * 10**6
    exact = Decimal(scaled.numerator // scaled.denominator).scaleb(-6)
    return f"{exact.normalize():,f}" + ("" if scaled.denominator == 1 else "…")
