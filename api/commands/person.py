"""`yardstick person`: who may sign in to the portal."""

from typing import Annotated

import typer

from api import authentication
from api.commands.connection import worker
from api.commands.party import PartyName, RoleName, find
from core import clock
from core.database import transaction
from core.store import audit

app = typer.Typer(help="Let people sign in to the portal.")


@app.callback()
def group() -> None:
    """Let people sign in to the portal."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The name to sign in with.")],
    role: RoleName,
    party: PartyName,
    title: Annotated[str | None, typer.Option(help="The name to be shown, e.g. Sanne de Wit.")] = None,
    password: Annotated[
        str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for if left out.")
    ] = "",
) -> None:
    """Let somebody sign in with name and password, acting for a party in a role."""
    at = clock.now()
    with worker() as engine, transaction(engine) as connection:
        identity = authentication.new_person(
            connection,
            name=name,
            title=title or name,
            password=password,
            role=role.value,
            party=find(connection, party),
            at=at,
        )
        detail = {"name": name, "role": role.value, "party": party}
        audit(connection, at, actor="command line", action="person.create", subject=identity, detail=detail)
    typer.echo(identity)
