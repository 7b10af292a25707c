"""`yardstick key`: API keys for programs."""

import getpass
from typing import Annotated

import typer

from api import authentication, store
from api.commands.connection import worker
from api.commands.party import PartyName, RoleName, find
from core import clock
from core.database import transaction
from core.store import audit

app = typer.Typer(no_args_is_help=True, help="Create and revoke API keys.")


@app.command()
def create(
    role: RoleName,
    party: PartyName,
    name: Annotated[str, typer.Option(help="What it is for, e.g. ERP import.")] = "unnamed",
    by: Annotated[str, typer.Option(help="Who makes it; it never is a second person for them.")] = "",
) -> None:
    """Create an API key and print its secret, this once: only a hash of it is kept."""
    at, person = clock.now(), f"person:{by or getpass.getuser()}"
    with worker() as engine, transaction(engine) as connection:
        identity, secret = authentication.new_key(
            connection, name=name, role=role.value, party=find(connection, party), at=at, made_by=person
        )
        detail = {"role": role.value, "party": party, "name": name, "made_by": person}
        audit(connection, at, actor="command line", action="key.create", subject=identity, detail=detail)
    typer.echo(f"{identity}\n{secret}")


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="The key, key_…")]) -> None:
    """Revoke an API key; requests with it are refused from now on."""
    at = clock.now()
    with worker() as engine, transaction(engine) as connection:
        if not store.revoke_key(connection, key, at=at):
            typer.echo(f"{key}: no such key, or revoked before", err=True)
            raise typer.Exit(1)
        audit(connection, at, actor="command line", action="key.revoke", subject=key, detail={})
    typer.echo(f"{key} is revoked")
