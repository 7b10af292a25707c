"""`yardstick ticket`: open a case, say when it reached a moment, let its clock stand still, close it."""

from typing import Annotated

import typer

from api.commands.connection import worker
from api.commands.stated import At, Author, Reason, at_or_now, by_whom, say
from contracts.stated import run

app = typer.Typer(name="ticket", help="Cases of contracts: open, move, pause, resume, close.", no_args_is_help=True)
Contract = Annotated[str, typer.Argument(help="The contract, e.g. C-2041.")]
Ticket = Annotated[str, typer.Argument(help="The name of the case, e.g. K1.")]


@app.command("open")
def open_(
    contract: Contract,
    ticket: Ticket,
    asset: Annotated[str, typer.Option("--asset", help="The asset that it is about.")],
    by: Author,
    at: At = None,
    reason: Reason = "",
) -> None:
    """Open a case: its clock starts where the contract says `opened`."""
    with worker() as engine:
        say(run.move_ticket(engine, contract, ticket, {"opened": at_or_now(at)}, by_whom(by, reason), asset=asset))


@app.command()
def move(
    contract: Contract,
    ticket: Ticket,
    moment: Annotated[str, typer.Argument(help="reported, opened, arrived, on_site, fixed or closed.")],
    by: Author,
    at: At = None,
    asset: Annotated[str | None, typer.Option("--asset", help="For a case that does not exist yet.")] = None,
    reason: Reason = "",
) -> None:
    """Say when a case reached a moment; said again, the last word holds."""
    with worker() as engine:
        say(run.move_ticket(engine, contract, ticket, {moment: at_or_now(at)}, by_whom(by, reason), asset=asset))


@app.command()
def pause(
    contract: Contract,
    ticket: Ticket,
    cause: Annotated[str, typer.Argument(help="A cause for which the contract stops the clock, e.g. site_closed.")],
    by: Author,
    at: At = None,
    reason: Reason = "",
) -> None:
    """Let the clock of a case stand still until `resume`."""
    with worker() as engine:
        say(run.pause(engine, contract, ticket, cause, at_or_now(at), by=by_whom(by, reason)))


@app.command()
def resume(contract: Contract, ticket: Ticket, by: Author, at: At = None, reason: Reason = "") -> None:
    """Let the clock of a case run again."""
    with worker() as engine:
        say(run.resume(engine, contract, ticket, at_or_now(at), by=by_whom(by, reason)))


@app.command()
def close(contract: Contract, ticket: Ticket, by: Author, at: At = None, reason: Reason = "") -> None:
    """Close a case."""
    with worker() as engine:
        say(run.move_ticket(engine, contract, ticket, {"closed": at_or_now(at)}, by_whom(by, reason)))
