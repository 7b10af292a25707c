"""Who can sign in to the demonstration."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from rich.table import Table
from sqlalchemy import Engine

from api import authentication
from api.store import Role
from contracts.store import contract as contracts
from core.database import transaction


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody with a role at a party."""

    name: str
    title: str
    role: Role
    party: str


GUESTS = (
    Guest("sanne", "Sanne de Wit", "customer", "Nordhaul Logistics"),
    Guest("jonas", "Jonas Berg", "customer", "Baltic Freight"),
    Guest("mia", "Mia Krause", "customer", "Hansa Print"),
    Guest("anna", "Anna Vogel", "finance", "Meridian Mobility"),
    Guest("bela", "Béla Kiss", "finance", "Meridian Mobility"),
    Guest("tove", "Tove Lind", "partner", "Torvald Tyre Service"),
    Guest("omar", "Omar Haddad", "operator", "Meridian Mobility"),
)


def admit(engine: Engine, *, at: datetime) -> dict[str, str]:
    """Let the guests sign in. Returns a password of their own for each name; only its hash is kept."""
    passwords = {guest.name: secrets.token_hex(6) for guest in GUESTS}
    with transaction(engine) as connection:
        parties = contracts.party_ids(connection, {guest.party for guest in GUESTS})
        for guest in GUESTS:
            authentication.new_person(
                connection,
                name=guest.name,
                title=guest.title,
                password=passwords[guest.name],
                role=guest.role,
                party=parties[guest.party],
                at=at,
            )
    return passwords


def guest_table(passwords: dict[str, str], *, title: str) -> Table:
    """For people: who may sign in, and how."""
    table = Table(title=title, title_justify="left")
    for name in ("sign in as", "password", "who"):
        table.add_column(name)
    for guest in GUESTS:
        table.add_row(guest.name, passwords[guest.name], f"{guest.role} of {guest.party}")
    return table
