"""A request's transaction: opened for the viewer, so that the database shows what the viewer may see and no more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection, Engine, text

from api import authentication
from api.authentication import COOKIE, NotSignedIn, Viewer
from api.errors import RoleNotAllowed
from api.store import ROLES, Role
from core.database import transaction

SETTINGS = text("SELECT set_config('yardstick.party', :party, true), set_config('yardstick.role', :role, true)")
READ_ONLY = text("SET TRANSACTION READ ONLY")


@dataclass(frozen=True, slots=True)
class Visit:
    """A viewer's question: their transaction, and the instant at which they ask."""

    connection: Connection
    viewer: Viewer
    at: datetime


@contextmanager
def open_visit(
    engine: Engine, identify: Callable[[Connection], Viewer], *, at: datetime, writes: bool = False
) -> Iterator[Visit]:
    """A transaction in which the database knows the viewer, read-only unless it writes. Raises NotSignedIn."""
    with transaction(engine) as connection:
        if not writes:
            connection.execute(READ_ONLY)
        viewer = identify(connection)
        connection.execute(SETTINGS, {"party": str(viewer.party), "role": viewer.role})
        yield Visit(connection, viewer, at)


def identify(request: Request, connection: Connection, *, at: datetime) -> Viewer:
    """By API key where one is sent, else by session. Raises NotSignedIn."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise NotSignedIn("send `Authorization: Bearer yk_…`")
        return authentication.by_key(connection, secret.strip(), at=at)
    token = request.cookies.get(COOKIE)
    if not token:
        raise NotSignedIn("send `Authorization: Bearer yk_…`, or sign in at /portal/sign-in")
    return authentication.by_session(connection, token, at=at)


def visiting(*roles: Role, writes: bool = False) -> Callable[[Request], Iterator[Visit]]:
    """A dependency: the visit of a viewer in one of these roles. It raises NotSignedIn, RoleNotAllowed.

    writes: it may change things, and is for programs, with a key: another site can make a browser send its cookie.
    """

    def visit(request: Request) -> Iterator[Visit]:
        at: datetime = request.app.state.clock()
        engine: Engine = request.app.state.engine
        with open_visit(engine, lambda c: identify(request, c, at=at), at=at, writes=writes) as found:
            if found.viewer.role not in roles:
                raise RoleNotAllowed(f"this is for {', '.join(roles)}; you act as {found.viewer.role}")
            if writes and found.viewer.csrf is not None:
                raise RoleNotAllowed("this takes an API key, `Authorization: Bearer yk_…`, and no session")
            yield found

    return visit


# The transaction ends before the response leaves: what is answered is committed, and no connection waits for a reader.
Anyone = Annotated[Visit, Depends(visiting(*ROLES), scope="function")]
MoneyReader = Annotated[Visit, Depends(visiting("customer", "finance"), scope="function")]
FinancePerson = Annotated[Visit, Depends(visiting("finance"), scope="function")]
Operator = Annotated[Visit, Depends(visiting("operator", "device_manager"), scope="function")]
WritingOperator = Annotated[Visit, Depends(visiting("operator", "device_manager", writes=True), scope="function")]
