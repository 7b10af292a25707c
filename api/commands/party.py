"""Role and party on the command line."""

from enum import StrEnum
from typing import Annotated, Literal

import typer
from sqlalchemy import Connection

from contracts.store import view


class NoSuchParty(LookupError):
    """No contract names a party so."""


class Acting(StrEnum):
    """What somebody may do."""

    value: Literal["customer", "finance", "partner", "operator", "device_manager"]

    CUSTOMER = "customer"
    FINANCE = "finance"
    PARTNER = "partner"
    OPERATOR = "operator"
    DEVICE_MANAGER = "device_manager"


RoleName = Annotated[Acting, typer.Option("--role", help="What it may do.")]
PartyName = Annotated[str, typer.Option("--party", help="For whom it acts: a party's name, as contracts write it.")]


def find(connection: Connection, name: str) -> int:
    """The inside key of a party. Raises NoSuchParty."""
    parties = view.parties(connection)
    if name not in parties:
        known = ", ".join(sorted(parties)) or "none yet: import a contract first"
        raise NoSuchParty(f"--party {name}: no such party; there are {known}")
    return parties[name]
