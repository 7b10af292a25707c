"""`yardstick contract import` and `record`: agreements, and what was decided about them, into the database."""

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.commands.connection import worker
from billing.contests.run import in_time
from contracts import run
from contracts.store import failure
from core import clock
from core.database import transaction
from core.problem import Problem

app = typer.Typer()
Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Contract files, YAML or JSON.")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A facts file, YAML or JSON.")]
Author = Annotated[str, typer.Option("--by", help="Who does it, for the audit.", default_factory=getpass.getuser)]


@app.command("import")
def import_(files: Files, by: Author) -> None:
    """Import contracts with all their versions: all files, or none if anything is wrong in one of them."""
    sources = [(str(file), file.read_bytes()) for file in files]
    with worker() as engine:
        found = run.import_documents(engine, sources, at=clock.now(), author=f"person:{by}")
    for item in found:
        if isinstance(item, Problem):
            typer.echo(str(item), err=True)
        elif item.versions:
            typer.echo(f"{item.contract}: imported version {', '.join(map(str, item.versions))}")
            if item.kept:
                kept = ", ".join(item.kept)
                typer.echo(f"{item.contract}: {kept} stay with the versions that they were closed with", err=True)
        else:
            typer.echo(f"{item.contract}: nothing new")
    _end_if_refused(found)


@app.command()
def record(file: File, by: Author) -> None:
    """Record the notices and attributions of a facts file; its other lists come from devices."""
    with worker() as engine:
        at = clock.now()
        found = run.record(engine, file.read_bytes(), at=at, author=f"person:{by}", contests=in_time(at))
    if isinstance(found, tuple):
        for problem in found:
            typer.echo(str(problem), err=True)
        _end_if_refused(found)
    else:
        typer.echo(f"{found.contract}: recorded {found.notices} notices, {found.attributions} attributions")


@app.command()
def failing(most: Annotated[int, typer.Option(min=1, max=10_000, help="How many, the longest first.")] = 100) -> None:
    """List contracts that the scheduler cannot evaluate: why, since when, and when it tries again. Exit 1 if any."""
    with worker() as engine, transaction(engine) as connection:
        found = failure.listed(connection, most=most)
    table = Table("contract", "work", "failures", "since", "next try", "error")
    for one in found:
        since, again = (at.isoformat(sep=" ", timespec="seconds") for at in (one.since, one.retry_at))
        table.add_row(one.contract, one.work, str(one.failures), since, again, one.error)
    Console().print(table if found else "No contract fails.")
    raise typer.Exit(1 if found else 0)


def _end_if_refused(found: tuple[object, ...]) -> None:
    if any(isinstance(item, Problem) for item in found):
        typer.echo("nothing was saved", err=True)
        raise typer.Exit(1)
