"""What was imported from files, and taking it back, on the command line."""

from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from api.commands.connection import worker
from api.commands.refusal import stop
from core.clock import now
from core.database import transaction
from ingest.backfill import run
from ingest.store import backfill as store

backfill = typer.Typer(name="backfill", help="What was imported from files; taking it back.")
Name = Annotated[str, typer.Argument(help="The backfill, as `import` and `list` name it: bf_…")]
Note = Annotated[str, typer.Option(help="Why; kept with the action.")]
By = Annotated[str, typer.Option(help="Who does it.")]
SOMEBODY = "command line"


@backfill.command("list")
def list_(most: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50) -> None:
    """List imports with what became of them."""
    name = Column("backfill", no_wrap=True, min_width=29)  # to be copied
    table = Table(name, "opened", "by", "file", "status", "received", "stored", "duplicate", "quarantined", "note")
    with worker() as engine, transaction(engine) as connection:
        for one in store.newest(connection, most=most):
            opened = one.opened_at.isoformat(sep=" ", timespec="seconds")
            sums = map(str, store.sums(connection, one.id))
            table.add_row(one.public_id, opened, one.author, one.file, one.status, *sums, one.reason)
    Console().print(table)


@backfill.command("revert")
def revert(name: Name, note: Note, by: By = SOMEBODY) -> None:
    """Void all that an import brought; evaluations as known before still see it."""
    count = _undo(run.revert, name, note, by)
    typer.echo(f"{name}: {count:,} readings are void")


@backfill.command("restore")
def restore(name: Name, note: Note, by: By = SOMEBODY) -> None:
    """Take a revert back, except where somebody has decided since."""
    count = _undo(run.restore, name, note, by)
    typer.echo(f"{name}: {count:,} readings count again")


def _undo(work: Callable[..., int], name: str, note: str, by: str) -> int:
    with worker() as engine:
        try:
            return work(engine, name, now(), author=by, reason=note)
        except (run.NotNow, store.UnknownBackfill) as error:
            stop(str(error))
