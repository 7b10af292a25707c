"""The database that a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from sqlalchemy import Engine

from core.database import connect
from core.settings import Settings


def address() -> str:
    """YARDSTICK_DATABASE_URL. Ends the command if that is not set."""
    url = Settings().database_url
    if url is None:
        typer.echo("YARDSTICK_DATABASE_URL is not set: write it as postgresql://user:secret@host/yardstick", err=True)
        raise typer.Exit(2)
    return url


@contextmanager
def worker() -> Iterator[Engine]:
    """An engine on YARDSTICK_DATABASE_URL that may do what workers may. Ends the command if that is not set."""
    engine = connect(address(), role="yardstick_worker")
    try:
        yield engine
    finally:
        engine.dispose()
