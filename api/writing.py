"""A request that writes: for a viewer in one of some roles, in one transaction, once for each Idempotency-Key."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from api.errors import KeyMisused, RoleNotAllowed, StaleForm
from api.store import Role
from api.visit import Visit, identify, open_visit

TAKE = text("""
    INSERT INTO api.answered (actor, key, fingerprint, at) VALUES (:actor, :key, :fingerprint, :at)
    ON CONFLICT DO NOTHING RETURNING key
""")
FOUND = text("SELECT fingerprint, answer FROM api.answered WHERE actor = :actor AND key = :key")
KEEP = text("UPDATE api.answered SET answer = cast(:answer AS jsonb) WHERE actor = :actor AND key = :key")

IdempotencyKey = Annotated[
    str,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="The same for every try of one request."),
]
FormToken = Annotated[str, Header(alias="X-CSRF-Token", description="Of the session, where a browser asks.")]


@dataclass(frozen=True, slots=True)
class Writing:
    """A viewer's transaction that writes. before: the answer to an earlier try with the same key."""

    visit: Visit
    key: str
    before: Any

    def keep(self, answer: Any) -> Any:
        """Remember the answer for further tries, and give it back."""
        given = {"actor": self.visit.viewer.actor, "key": self.key, "answer": json.dumps(answer)}
        self.visit.connection.execute(KEEP, given)
        return answer


def writing(*roles: Role) -> Callable[..., Iterator[Writing]]:
    """A dependency: the transaction of a writer. It raises NotSignedIn, RoleNotAllowed, StaleForm, KeyMisused."""

    async def fingerprint(request: Request) -> str:
        told = f"{request.method} {request.url.path}\n".encode() + await request.body()
        return hashlib.sha256(told).hexdigest()

    def write(
        request: Request,
        key: IdempotencyKey,
        told: Annotated[str, Depends(fingerprint)],
        token: FormToken = "",
    ) -> Iterator[Writing]:
        at = request.app.state.clock()
        with open_visit(request.app.state.engine, lambda c: identify(request, c, at=at), at=at, writes=True) as visit:
            if visit.viewer.role not in roles:
                raise RoleNotAllowed(f"this is for {', '.join(roles)}; you act as {visit.viewer.role}")
            if visit.viewer.csrf is not None and not hmac.compare_digest(visit.viewer.csrf, token):
                raise StaleForm("send the session's token as X-CSRF-Token, or use an API key")
            try:
                yield Writing(visit, key, _taken(visit, key, told))
            except ProgrammingError as error:  # the second lock: what the handler let through, the database refuses
                if isinstance(error.orig, InsufficientPrivilege):
                    raise RoleNotAllowed("your party has no part in stating this") from None
                raise

    return write


def _taken(visit: Visit, key: str, fingerprint: str) -> Any:
    """The answer to an earlier try, or None; another try at the same time is waited for. Raises KeyMisused."""
    given = {"actor": visit.viewer.actor, "key": key, "fingerprint": fingerprint, "at": visit.at}
    if visit.connection.execute(TAKE, given).first() is not None:
        return None
    row = visit.connection.execute(FOUND, given).one()
    if row.fingerprint != fingerprint:
        raise KeyMisused("this key was sent before with another request; take a new one for each request")
    return row.answer


Stater = Annotated[Writing, Depends(writing("operator", "finance"), scope="function")]
PartyWriter = Annotated[Writing, Depends(writing("operator", "finance", "customer", "partner"), scope="function")]
