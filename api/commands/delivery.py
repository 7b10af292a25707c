"""What became of messages: missing ones, counters, alarms, on the command line."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.commands.connection import worker
from core.database import transaction
from ingest.store import alarm as alarm_store
from ingest.store import batch as batches
from ingest.store import sequence

readings = typer.Typer(name="readings")


@readings.command("gaps")
def gaps(
    device: Annotated[str | None, typer.Option(help="Only this device.")] = None,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="How many gaps.")] = 1000,
) -> None:
    """List messages that devices numbered and that never came, while later ones did. Exit 1 if there are any."""
    table = Table("device", "boot", "first", "last", "messages", "last heard of")
    with worker() as engine, transaction(engine) as connection:
        found = sequence.gaps(connection, device=device, most=most)
    for gap in found:
        count = gap.last - gap.first + 1
        heard = gap.heard_at.isoformat(sep=" ", timespec="seconds")
        table.add_row(gap.device, gap.boot, str(gap.first), str(gap.last), str(count), heard)
    Console().print(table if found else "No gaps.")
    raise typer.Exit(1 if found else 0)


@readings.command("alarms")
def alarms(most: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50) -> None:
    """List what needs somebody's attention, e.g. a session that the broker lost, with the gaps at that time."""
    table = Table("at", "kind", "client", "what")
    with worker() as engine, transaction(engine) as connection:
        for one in alarm_store.recent(connection, most=most):
            at = one.at.isoformat(sep=" ", timespec="seconds")
            table.add_row(at, one.kind, one.client, _said(one.detail))
    Console().print(table)


@readings.command("counts")
def counts(
    by_batch: Annotated[bool, typer.Option("--batches", help="One row for each commit instead of each day.")] = False,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="How many rows, newest first.")] = 31,
) -> None:
    """Count what was received, by UTC day or commit: received = stored + duplicate + quarantined."""
    table = Table("batch" if by_batch else "day", "messages", "received", "stored", "duplicate", "quarantined")
    with worker() as engine, transaction(engine) as connection:
        rows = batches.by_batch(connection, most=most) if by_batch else batches.by_day(connection, most=most)
    for row in rows:
        table.add_row(row.of, *map(str, row.counts))
    Console().print(table)


def _said(detail: Mapping[str, object]) -> str:
    """What an alarm tells; of lists how many."""
    parts = {name: len(value) if isinstance(value, list) else value for name, value in detail.items()}
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)
