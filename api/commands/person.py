"""`yardstick person`: who may sign in to the portal."""

from enum import StrEnum
from typing import Annotated, Literal

import typer

from api import authentication, store
from api.commands.connection import worker
from api.commands.party import PartyName, RoleName, find
from core import clock
from core.database import transaction
from core.store import audit

app = typer.Typer(help="Let people sign in to the portal.")


class NoSuchPerson(LookupError):
    """Nobody signs in so."""


class Spoken(StrEnum):
    """A language of the portal."""

    value: Literal["en", "de", "fr"]

    EN = "en"
    DE = "de"
    FR = "fr"


Reading = Annotated[
    Spoken | None, typer.Option("--language", help="The portal's; by default that of the party's bills or the browser.")
]


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
    language: Reading = None,
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
        if language:
            store.speak(connection, name, language.value)
        detail = {"name": name, "role": role.value, "party": party}
        audit(connection, at, actor="command line", action="person.create", subject=identity, detail=detail)
    typer.echo(identity)


@app.command()
def language(
    name: Annotated[str, typer.Argument(help="The name to sign in with.")],
    spoken: Annotated[
        Spoken | None, typer.Argument(help="en, de or fr; without it, that of the party's bills.")
    ] = None,
) -> None:
    """Say in which language somebody reads the portal. People choose it on any of its pages, too."""
    at, chosen = clock.now(), spoken.value if spoken else None
    with worker() as engine, transaction(engine) as connection:
        if not store.speak(connection, name, chosen):
            raise NoSuchPerson(f"{name}: nobody signs in with this name; `yardstick person create` lets them")
        audit(connection, at, actor="command line", action="person.language", subject=name, detail={"language": chosen})
