"""`yardstick contract fact`, `import-facts`, `facts`, `withdraw`: what is stated of a contract, into the database."""

from pathlib import Path
from typing import Annotated

import typer

from api.commands.connection import worker
from api.commands.stated import Author, Reason, at_or_now, by_whom, say
from api.stated import words
from billing.contests.run import in_time
from contracts.stated import run
from contracts.store import stated_view
from contracts.store.reporting import lists
from core.database import transaction
from core.time import micros

app = typer.Typer()
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A facts file, YAML or JSON.")]
Name = Annotated[str, typer.Argument(help="The contract, e.g. C-2041.")]
CountsFrom = Annotated[
    str | None, typer.Option("--at", help="What is carried counts in the period of this time; by default now.")
]


@app.command("import-facts")
def import_facts(
    file: File,
    by: Author,
    reason: Reason = "",
    at: CountsFrom = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Only what is recorded by this time.")] = None,
    example: Annotated[str | None, typer.Option("--example", help="With this example's lists in their place.")] = None,
) -> None:
    """Record a facts file, except readings, exchanges and estimates: those are of devices. Twice counts once."""
    who = by_whom(by, reason or file.name)
    with worker() as engine:
        say(
            run.state(
                engine,
                file.read_bytes(),
                who,
                counts_from=at_or_now(at),
                as_of=None if as_of is None else micros(at_or_now(as_of)),
                example=example,
                contests=in_time(who.at),
            )
        )


@app.command()
def fact(
    contract: Name,
    kind: Annotated[str, typer.Argument(help="A list of the facts format: quantities, unmet, carried, history …")],
    fields: Annotated[list[str], typer.Argument(help="Its fields, as name=value: asset=T1 from=2026-06-01 …")],
    by: Author,
    reason: Reason = "",
    at: CountsFrom = None,
) -> None:
    """Record one fact with the fields of facts files: fact C-7 unmet clause=5.1 asset=T1 from=… to=… ."""
    written = dict(_pair(field) for field in fields)
    with worker() as engine:
        given = lists(contract, {kind: [written]})
        who = by_whom(by, reason)
        say(run.state(engine, given, who, counts_from=at_or_now(at), contests=in_time(who.at)))


@app.command()
def facts(contract: Name) -> None:
    """List what is stated of a contract, with the ids by which it is withdrawn; times in the contract's zone."""
    with worker() as engine, transaction(engine) as connection:
        where = stated_view.timezone(connection, contract)
        if where is None:
            raise typer.BadParameter(f"there is no contract {contract!r}")
        typer.echo(f"times in {where.key}")
        for row in stated_view.of_contract(connection, contract):
            withdrawn = f" · withdrawn: {row.withdrawn}" if row.withdrawn else ""
            typer.echo(f"{row.public_id} | {row.fact} | {words(row, where)} | {row.author} | {row.reason}{withdrawn}")


@app.command()
def withdraw(
    fact: Annotated[str, typer.Argument(help="Its id, as `contract facts` shows it.")],
    by: Author,
    reason: Annotated[str, typer.Option("--reason", help="Why it is taken back.")],
) -> None:
    """Take a fact back: evaluations from now on are made without it."""
    with worker() as engine:
        run.withdraw(engine, fact, by_whom(by, reason))
    typer.echo(f"{fact}: withdrawn")


def _pair(field: str) -> tuple[str, str]:
    name, found, value = field.partition("=")
    if not found:
        raise typer.BadParameter(f"{field!r} is not name=value")
    return name, value
