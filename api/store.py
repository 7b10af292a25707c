"""People, sessions, keys and refusals: the tables of schema `api`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

Role = Literal["customer", "finance", "partner", "operator", "device_manager"]
ROLES: tuple[Role, ...] = get_args(Role)
Language = Literal["en", "de", "fr"]


class NameTaken(ValueError):
    """Somebody signs in with this name already."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in with `name` and acts for `party` (inside key) in `role`."""

    id: int
    public_id: str
    name: str
    title: str
    role: Role
    party: int
    password_hash: str


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that holds until `expires_at`; `csrf` is what its forms must carry. language: None: not chosen."""

    name: str
    title: str
    role: Role
    party: int
    csrf: str
    expires_at: datetime
    language: Language | None


@dataclass(frozen=True, slots=True)
class Key:
    """An API key; only the hash of its secret is kept."""

    public_id: str
    name: str
    secret_hash: str
    role: Role
    party: int
    made_by: str | None


PERSON = text("""
    SELECT id, public_id, name, title, role, party, password_hash
    FROM api.person WHERE name = :name AND disabled_at IS NULL
""")
ADD_PERSON = text("""
    INSERT INTO api.person (public_id, name, title, role, party, password_hash, created_at)
    VALUES (:public_id, :name, :title, :role, :party, :password_hash, :at)
""")
SPEAK = text("UPDATE api.person SET language = :language WHERE name = :name")
SESSION = text("""
    SELECT p.name, p.title, p.role, p.party, s.csrf, s.expires_at, p.language
    FROM api.session AS s JOIN api.person AS p ON p.id = s.person
    WHERE s.token_hash = :token_hash AND s.expires_at > :at AND p.disabled_at IS NULL
""")
ADD_SESSION = text("""
    INSERT INTO api.session (token_hash, person, csrf, created_at, expires_at)
    VALUES (:token_hash, :person, :csrf, :at, :expires_at)
""")
END_SESSION = text("DELETE FROM api.session WHERE token_hash = :token_hash")
FORGET_SESSIONS = text("DELETE FROM api.session WHERE expires_at <= :at")
KEY = text("""
    SELECT public_id, name, secret_hash, role, party, made_by FROM api.key
    WHERE secret_hash = :secret_hash AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :at)
""")
ADD_KEY = text("""
    INSERT INTO api.key (public_id, name, secret_hash, role, party, created_at, expires_at, made_by)
    VALUES (:public_id, :name, :secret_hash, :role, :party, :at, :expires_at, :made_by)
""")
REVOKE_KEY = text("UPDATE api.key SET revoked_at = :at WHERE public_id = :public_id AND revoked_at IS NULL")
REFUSALS = text("""
    SELECT count(*) FILTER (WHERE name_hash = :name_hash) AS of_name, count(*) AS of_address
    FROM api.refusal WHERE address = :address AND at > :since
""")
ADD_REFUSAL = text("INSERT INTO api.refusal (name_hash, address, at) VALUES (:name_hash, :address, :at)")
FORGET_REFUSALS = text("DELETE FROM api.refusal WHERE address = :address AND (at <= :since OR name_hash = :name_hash)")


def person(connection: Connection, name: str) -> Person | None:
    """Who signs in with this name, unless disabled."""
    row = connection.execute(PERSON, {"name": name}).mappings().first()
    return Person(**row) if row else None


def add_person(connection: Connection, *, at: datetime, row: dict[str, object]) -> None:
    """Columns of api.person but created_at. Raises NameTaken."""
    try:
        connection.execute(ADD_PERSON, row | {"at": at})
    except IntegrityError as error:
        raise NameTaken(f"{row['name']}: somebody signs in with this name already; choose another") from error


def speak(connection: Connection, name: str, language: Language | None) -> bool:
    """Set in which language somebody reads; None: in that of their bills or browser. Whether they were found."""
    return connection.execute(SPEAK, {"name": name, "language": language}).rowcount == 1


def session(connection: Connection, token_hash: str, *, at: datetime) -> Session | None:
    """The sign-in with this token, while it holds."""
    row = connection.execute(SESSION, {"token_hash": token_hash, "at": at}).mappings().first()
    return Session(**row) if row else None


def add_session(connection: Connection, *, at: datetime, row: dict[str, object]) -> None:
    """Columns of api.session but created_at. Sessions that have expired go."""
    connection.execute(FORGET_SESSIONS, {"at": at})
    connection.execute(ADD_SESSION, row | {"at": at})


def end_session(connection: Connection, token_hash: str) -> None:
    """Sign out."""
    connection.execute(END_SESSION, {"token_hash": token_hash})


def key(connection: Connection, secret_hash: str, *, at: datetime) -> Key | None:
    """The key with this secret, unless revoked or expired."""
    row = connection.execute(KEY, {"secret_hash": secret_hash, "at": at}).mappings().first()
    return Key(**row) if row else None


def add_key(connection: Connection, *, at: datetime, row: dict[str, object]) -> None:
    """Columns of api.key but created_at and revoked_at."""
    connection.execute(ADD_KEY, row | {"at": at})


def revoke_key(connection: Connection, public_id: str, *, at: datetime) -> bool:
    """Whether a key was revoked by this."""
    return connection.execute(REVOKE_KEY, {"public_id": public_id, "at": at}).rowcount == 1


def refusals(connection: Connection, name_hash: str, *, address: str, since: datetime) -> tuple[int, int]:
    """How often sign-in was refused from an address since a time: for this name, and for any."""
    row = connection.execute(REFUSALS, {"name_hash": name_hash, "address": address, "since": since}).one()
    return row.of_name, row.of_address


def add_refusal(connection: Connection, name_hash: str, *, address: str, at: datetime) -> None:
    """Note a refused sign-in."""
    connection.execute(ADD_REFUSAL, {"name_hash": name_hash, "address": address, "at": at})


def forget_refusals(connection: Connection, name_hash: str, *, address: str, since: datetime) -> None:
    """After a success: what was refused from this address for this name, and what is older than `since`."""
    connection.execute(FORGET_REFUSALS, {"name_hash": name_hash, "address": address, "since": since})
