"""Commands over HTTP on things that have a state: given once, on the state that was looked at, done as a worker."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import Engine

from api.errors import NoCommands, TagMissing, TagStale
from api.writing import Writing, writing

Finance = Annotated[Writing, Depends(writing("finance"), scope="function")]
IfMatch = Annotated[str | None, Header(max_length=200, description="The ETag of the run as you looked at it.")]


def worker(request: Request) -> Engine:
    """Where commands act. Raises NoCommands."""
    engine: Engine | None = request.app.state.worker
    if engine is None:
        raise NoCommands("this server only reads")
    return engine


def workers(request: Request) -> int:
    """How many processes may share a command that takes long."""
    number: int = request.app.state.workers
    return number


Worker = Annotated[Engine, Depends(worker)]
Workers = Annotated[int, Depends(workers)]


def once(command: Writing, act: Callable[[], tuple[int, BaseModel]]) -> JSONResponse:
    """Do it and keep the answer; a further try gets the kept one. What fails is not kept and may be tried again.

    act: returns status and body; it has transactions of its own, and refuses what the thing's state does not allow.
    """
    if command.before is not None:
        return JSONResponse(command.before["body"], command.before["status"], {"Idempotency-Replayed": "true"})
    status, answer = act()
    kept = command.keep({"status": status, "body": answer.model_dump(mode="json")})
    return JSONResponse(kept["body"], status)


def match(given: str | None, tag: str) -> None:
    """The thing is in the state that was looked at. Raises TagMissing, TagStale."""
    if given is None:
        raise TagMissing("send the ETag of what you looked at as If-Match")
    if tag not in {one.strip() for one in given.split(",")}:
        raise TagStale("it changed since you looked at it; read it again")
