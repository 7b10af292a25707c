"""`yardstick meters seal`: old readings are sealed; what rests on them is kept, the rest goes."""

from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from api.commands.connection import worker
from api.retention import ABOVE
from core.clock import now
from core.problem import Problem, Problems
from core.time import read_time, zone
from ingest.retention import run
from ingest.retention.run import SHOWN, Plan

app = typer.Typer(help="How long readings are kept.")
BUSY = ("55P03", "40P01")
"""SQLSTATE: a lock was not to be had in time."""


@app.command()
def seal(
    until: Annotated[str, typer.Option("--until", help="Readings before it are sealed, e.g. 2026-01-01.")],
    dry: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    where: Annotated[str, typer.Option("--zone", help="Of a time without an offset.")] = "UTC",
    by: Annotated[str, typer.Option(help="Who decides.")] = "command line",
) -> None:
    """Seal readings: none before comes in any more, what bills rest on is kept, the rest is dropped for good."""
    edge, at = read_time(until, zone(where)), now()
    with worker() as engine:
        daily, before, fitting = run.fit_chunks(engine, at, dry=dry)
        edition = run.edition(engine)
        try:
            found = run.plan(engine, edge, at, above=ABOVE) if dry else run.seal(engine, edge, at, above=ABOVE, by=by)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in BUSY:
                raise
            problem = Problem("readings", "are being read or written for longer than 5 s", "seal again")
            raise Problems((problem,)) from None
    for line in lines(found, dry=dry):
        typer.echo(line)
    typer.echo(
        f"{daily:,} readings a day: a chunk spans {before.days} days"
        + (f"{', would span' if dry else ', from the next one on'} {fitting.days}" if fitting != before else "")
    )
    if lacks := edition.lacks:
        typer.echo(f"columnstore: {lacks}")
    raise typer.Exit(1 if found.obstacles else 0)


def lines(found: Plan, *, dry: bool) -> list[str]:
    """A plan in words."""
    named = [f"in the way: {one.contract} {one.period} {one.reason}" for one in found.obstacles[:SHOWN]]
    if more := len(found.obstacles) - len(named):
        named.append(f"in the way: {more} more periods")
    verb = ("would be sealed", "would go", "would be kept") if dry else ("are sealed", "went", "are kept")
    return [
        f"readings before {found.until:%Y-%m-%dT%H:%MZ} {verb[0]}",
        f"{found.chunks} chunks with {found.rows:,} readings and {found.bytes:,} bytes {verb[1]}",
        *([] if found.obstacles else [f"{found.kept:,} readings on which bills and breaks rest {verb[2]}"]),
        *named,
    ]
