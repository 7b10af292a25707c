"""`yardstick index`: published values of price indices, the same for all contracts."""

import re
from fractions import Fraction
from typing import Annotated

import typer

from api.commands.connection import worker
from api.commands.stated import Author, at_or_now, by_whom
from api.stated import words
from contracts.facts import IndexValue
from contracts.stated import run
from contracts.store import stated_view
from core.database import transaction
from core.time import micros, zone

app = typer.Typer(name="index", help="Published values of price indices.", no_args_is_help=True)
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
UTC = zone("UTC")
NUMBER = re.compile(r"\d{1,18}(\.\d{1,12})?")


@app.command("set")
def set_(
    index: Annotated[str, typer.Argument(help="The index, as contracts name it.")],
    month: Annotated[str, typer.Argument(help="Of which month, e.g. 2026-06.")],
    value: Annotated[str, typer.Argument(help="As published, e.g. 112.4")],
    source: Annotated[str, typer.Option("--source", help="Where it is published.")],
    by: Author,
    published: Annotated[str | None, typer.Option("--published", help="When; by default now.")] = None,
) -> None:
    """Record a value. A revision is recorded like the first one: the last published holds."""
    if not MONTH.fullmatch(month):
        raise typer.BadParameter(f"{month!r} is no month; write 2026-06")
    if not NUMBER.fullmatch(value) or not Fraction(value):
        raise typer.BadParameter(f"{value!r} is no value of an index; write 112.4")
    given = IndexValue(index, month, Fraction(value), micros(at_or_now(published)))
    with worker() as engine:
        fact = run.publish(engine, given, by_whom(by, source))
    typer.echo(f"{fact}: {index} {month} {value}" if fact else "nothing new")


@app.command("list")
def list_(index: Annotated[str | None, typer.Argument(help="Only this index.")] = None) -> None:
    """List the values with their ids; times in UTC."""
    with worker() as engine, transaction(engine) as connection:
        typer.echo("times in UTC")
        for row in stated_view.index_values(connection, index):
            withdrawn = f" · withdrawn: {row.withdrawn}" if row.withdrawn else ""
            typer.echo(f"{row.public_id} | {words(row, UTC)} | {row.author} | {row.reason}{withdrawn}")
