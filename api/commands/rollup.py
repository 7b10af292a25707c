"""`yardstick meters`: roll up readings, and hold the roll-ups against them."""

from typing import Annotated

import typer

from api.commands.connection import worker
from core import clock
from ingest.retention import run as retention
from ingest.rollup import run

app = typer.Typer(help="What devices said, by hour.")


@app.command("roll-up")
def roll_up() -> None:
    """Roll up readings until now; the scheduler does it each minute."""
    with worker() as engine:
        typer.echo(f"rolled up {run.roll_up(engine, clock.now())} rows")


@app.command()
def verify(most: Annotated[int, typer.Option(help="Differences shown of each table.", min=1)] = 20) -> None:
    """Rebuild every hour from readings and compare; ends with an error where one differs."""
    with worker() as engine:
        found, sealed = run.verify(engine, most=most), retention.sealed(engine).until
    if sealed:
        typer.echo(f"hours before {sealed:%Y-%m-%dT%H:%MZ} are sealed: they cannot be rebuilt, and are not compared")
    for one in found:
        typer.echo(f"{one.table}, register {one.register}, {one.hour:%Y-%m-%dT%H:%MZ}: {one.side} {one.content}")
    if found:
        raise typer.Exit(1)
    typer.echo(f"every hour{f' from {sealed:%Y-%m-%dT%H:%MZ} on' if sealed else ''} is as rebuilt from readings")
