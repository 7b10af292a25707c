"""Who can sign in to the demonstration."""

from dataclasses import dataclass

from api.store import Role


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
