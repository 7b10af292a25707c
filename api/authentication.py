"""Who is asking: API keys for programs, name and password with a session cookie for people."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from api import store
from api.store import Language, Role
from billing.person import VIA
from core.identifier import public_id

COOKIE = "yardstick_session"
SESSION_LENGTH = timedelta(hours=12)
KEY_PREFIX = "yk_"
# What OWASP's password storage cheat sheet asks of scrypt at least: 2^17 would be 128 MiB; 2^15 with p=3 is its equal.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**15, 8, 3
SCRYPT_MEMORY = 64 * 2**20
LEAST_PASSWORD = 10
# Guesses allowed within the window: for one name from one address, and from one address for all names.
WINDOW = timedelta(minutes=15)
GUESSES_OF_NAME, GUESSES_OF_ADDRESS = 5, 50


class NotSignedIn(PermissionError):
    """No key or session, or one that no longer holds."""


class SignInRefused(PermissionError):
    """Name and password do not belong together."""


class TooManyGuesses(PermissionError):
    """Sign-in from here was refused too often of late."""


class WeakPassword(ValueError):
    """A password that is too short."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody whose right to ask is established. `party` is an inside key; `csrf` is None for programs.

    made_by: of a key, the person who made it. language: that they chose to read in.
    """

    actor: str
    title: str
    role: Role
    party: int
    csrf: str | None
    made_by: str | None = None
    language: Language | None = None

    @property
    def who(self) -> str:
        """Where two people are needed: a key is named with the person who made it."""
        return f"{self.made_by}{VIA}{self.actor}" if self.made_by else self.actor


def digest(secret: str) -> str:
    """How secrets with enough randomness of their own are kept: sha256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hash_password(password: str) -> str:
    """E.g. `scrypt$32768$8$3$salt$hash`. Raises WeakPassword."""
    if len(password) < LEAST_PASSWORD:
        raise WeakPassword(f"a password of {len(password)} characters is too short; {LEAST_PASSWORD} are the least")
    salt = secrets.token_bytes(16)
    return "$".join(["scrypt", str(SCRYPT_N), str(SCRYPT_R), str(SCRYPT_P), salt.hex(), _scrypt(password, salt).hex()])


def password_fits(password: str, kept: str) -> bool:
    """Whether this is the password of which `kept` is the hash; takes the same time either way."""
    _, n, r, p, salt, expected = kept.split("$")
    found = hashlib.scrypt(
        password.encode(), salt=bytes.fromhex(salt), n=int(n), r=int(r), p=int(p), maxmem=SCRYPT_MEMORY
    )
    return hmac.compare_digest(found, bytes.fromhex(expected))


def by_key(connection: Connection, secret: str, *, at: datetime) -> Viewer:
    """Who holds this API key. Raises NotSignedIn."""
    secret_hash = digest(secret)
    key = store.key(connection, secret_hash, at=at) if secret.startswith(KEY_PREFIX) else None
    if key is None or not hmac.compare_digest(key.secret_hash, secret_hash):
        raise NotSignedIn("this API key is unknown, revoked or expired")
    actor = f"key:{key.public_id}"
    return Viewer(actor=actor, title=key.name, role=key.role, party=key.party, csrf=None, made_by=key.made_by)


def by_session(connection: Connection, token: str, *, at: datetime) -> Viewer:
    """Who signed in with this token. Raises NotSignedIn."""
    session = store.session(connection, digest(token), at=at)
    if session is None:
        raise NotSignedIn("this session has ended; sign in again")
    return Viewer(
        actor=f"person:{session.name}",
        title=session.title,
        role=session.role,
        party=session.party,
        csrf=session.csrf,
        language=session.language,
    )


def sign_in(connection: Connection, name: str, password: str, *, address: str, at: datetime) -> str:
    """Open a session: its token, for the cookie. Raises SignInRefused, TooManyGuesses."""
    name_hash, since = digest(name), at - WINDOW
    of_name, of_address = store.refusals(connection, name_hash, address=address, since=since)
    if of_name >= GUESSES_OF_NAME or of_address >= GUESSES_OF_ADDRESS:
        raise TooManyGuesses(f"too many attempts; try again in {WINDOW.seconds // 60} minutes")
    person = store.person(connection, name)
    if not password_fits(password, person.password_hash if person else _nobody()) or person is None:
        raise SignInRefused("name or password is wrong")
    store.forget_refusals(connection, name_hash, address=address, since=since)
    token = secrets.token_urlsafe(32)
    row = {"token_hash": digest(token), "person": person.id, "csrf": secrets.token_urlsafe(24)}
    store.add_session(connection, at=at, row=row | {"expires_at": at + SESSION_LENGTH})
    return token


def note_refusal(connection: Connection, name: str, *, address: str, at: datetime) -> None:
    """Count a refused sign-in; in a transaction of its own, for the refused one is rolled back."""
    store.add_refusal(connection, digest(name), address=address, at=at)


def new_key(  # a key is what it is for, whose it is, and who made it
    connection: Connection, *, name: str, role: Role, party: int, at: datetime, made_by: str | None = None
) -> tuple[str, str]:
    """Make an API key: its public id and its secret, which is shown this once.

    made_by: "person:<name>"; where two people are needed, the key counts as this one. Without it, it counts as nobody.
    """
    identity, secret = public_id("key", secrets.token_bytes(17)), public_id("yk", secrets.token_bytes(17))
    row: dict[str, object] = {"public_id": identity, "name": name, "secret_hash": digest(secret), "role": role}
    store.add_key(connection, at=at, row=row | {"party": party, "expires_at": None, "made_by": made_by})
    return identity, secret


def new_person(  # a person is what they are called, how, and for whom they act
    connection: Connection, *, name: str, title: str, password: str, role: Role, party: int, at: datetime
) -> str:
    """Let somebody sign in: their public id. Raises api.store.NameTaken, WeakPassword."""
    identity = public_id("per", secrets.token_bytes(17))
    row: dict[str, object] = {"public_id": identity, "name": name, "title": title, "role": role, "party": party}
    store.add_person(connection, at=at, row=row | {"password_hash": hash_password(password)})
    return identity


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P, maxmem=SCRYPT_MEMORY)


def _nobody() -> str:
    """A hash that no password has, so that an unknown name takes as long as a known one."""
    return f"scrypt${SCRYPT_N}${SCRYPT_R}${SCRYPT_P}${'00' * 16}${'00' * 64}"
