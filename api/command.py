"""Commands over HTTP: who may give them, on what state of a thing, and never twice."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import Connection, Engine, text

from api.errors import Answer, StaleForm
from api.visit import FinancePerson, Visit
from core import canonical
from core.database import transaction
from core.store import packed

RUNNING, KEPT = timedelta(minutes=10), timedelta(days=30)
CLAIM = text("""
    INSERT INTO api.answer (actor, route, key, fingerprint, at) VALUES (:actor, :route, :key, :fingerprint, :at)
    ON CONFLICT (actor, route, key) DO UPDATE SET at = excluded.at
        WHERE answer.status IS NULL AND answer.at < :dead AND answer.fingerprint = excluded.fingerprint
    RETURNING 1
""")
GIVEN = text("SELECT fingerprint, status, body FROM api.answer WHERE actor = :actor AND route = :route AND key = :key")
KEEP = text("""
    UPDATE api.answer SET status = :status, body = cast(:body AS jsonb)
    WHERE actor = :actor AND route = :route AND key = :key
""")
DROP = text("DELETE FROM api.answer WHERE actor = :actor AND route = :route AND key = :key AND status IS NULL")
SWEEP = text("DELETE FROM api.answer WHERE at < :old")


class KeyMissing(ValueError):
    """A command without Idempotency-Key."""


class KeyReused(ValueError):
    """An Idempotency-Key that was sent with another command."""


class KeyBusy(RuntimeError):
    """The same command is still running."""


class NoCommands(RuntimeError):
    """A server that only reads."""


class TagMissing(ValueError):
    """A command on a thing without If-Match."""


class TagStale(ValueError):
    """The thing is not in the state that the command was given for."""


ANSWERS = {
    KeyMissing: Answer(400, "idempotency_key_missing", "A command needs an Idempotency-Key"),
    KeyReused: Answer(422, "idempotency_key_reused", "This key was sent with another command"),
    KeyBusy: Answer(409, "still_running", "The same command is still running"),
    NoCommands: Answer(503, "read_only", "This server only reads"),
    TagMissing: Answer(428, "precondition_required", "Say which state you looked at"),
    TagStale: Answer(412, "precondition_failed", "It changed since you looked at it"),
}


@dataclass(frozen=True, slots=True)
class Command:
    """Somebody of finance who wants something done: an engine that may write, and the request's Idempotency-Key."""

    visit: Visit
    engine: Engine
    route: str
    key: str

    def once(self, given: BaseModel | None, act: Callable[[], tuple[int, BaseModel]]) -> JSONResponse:
        """Do it and keep the answer; the same command again gets the kept one. What fails may be tried again.

        given: the body. act: returns status and body. Raises KeyReused, KeyBusy.
        """
        names = {"actor": self.visit.viewer.actor, "route": self.route, "key": self.key}
        fingerprint = canonical.digest([self.route, given.model_dump(mode="json") if given else None])
        with transaction(self.engine) as connection:
            known = self._claim(connection, names, fingerprint)
        if known is not None:
            return JSONResponse(known[1], known[0], headers={"Idempotency-Replayed": "true"})
        try:
            status, answer = act()
        except Exception:
            with transaction(self.engine) as connection:
                connection.execute(DROP, names)
            raise
        body = answer.model_dump(mode="json")
        with transaction(self.engine) as connection:
            connection.execute(KEEP, {**names, "status": status, "body": packed([body])[1:-1]})
        return JSONResponse(body, status)

    def _claim(
        self, connection: Connection, names: Mapping[str, str], fingerprint: str
    ) -> tuple[int, dict[str, Any]] | None:
        """The kept answer; None: it is ours to give."""
        at = self.visit.at
        connection.execute(SWEEP, {"old": at - KEPT})
        row = {**names, "fingerprint": fingerprint, "at": at, "dead": at - RUNNING}
        if connection.execute(CLAIM, row).first():
            return None
        known = connection.execute(GIVEN, dict(names)).one()
        if known.fingerprint != fingerprint:
            raise KeyReused("this Idempotency-Key was sent with another command; take a new one")
        if known.status is None:
            raise KeyBusy("this command is still running; ask again in a moment")
        return known.status, known.body


def commanding(
    request: Request,
    visit: FinancePerson,
    idempotency_key: Annotated[
        str | None, Header(max_length=200, description="Names this command; free to choose.")
    ] = None,
    x_csrf_token: Annotated[str | None, Header(max_length=200, description="For sessions: the form's token.")] = None,
) -> Command:
    """The command of a finance person. Raises KeyMissing, StaleForm, NoCommands, and what a visit raises."""
    if visit.viewer.csrf is not None and not hmac.compare_digest(visit.viewer.csrf, x_csrf_token or ""):
        raise StaleForm("send the session's token as X-CSRF-Token, or use an API key")
    if not idempotency_key:
        raise KeyMissing(
            "send an Idempotency-Key of your own making, e.g. a random UUID; repeat it to repeat the command"
        )
    return Command(visit, writer(request), f"{request.method} {request.url.path}", idempotency_key)


def writer(request: Request) -> Engine:
    """The engine that commands act on. Raises NoCommands."""
    engine: Engine | None = request.app.state.worker
    if engine is None:
        raise NoCommands("this server only reads")
    return engine


def match(given: str | None, tag: str) -> None:
    """The thing is in the state that was looked at. Raises TagMissing, TagStale."""
    if given is None:
        raise TagMissing("send the ETag of what you looked at as If-Match")
    if tag not in {one.strip() for one in given.split(",")}:
        raise TagStale("it changed since you looked at it; read it again")


Commanded = Annotated[Command, Depends(commanding, scope="function")]
IfMatch = Annotated[str | None, Header(max_length=200, description="The ETag of the run as you looked at it.")]
