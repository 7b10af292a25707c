"""The database that a command works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from core.database import connect
from core.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine


def worker() -> Engine:
    """An engine on YARDSTICK_DATABASE_URL that may do what workers may. Ends the command if it is not set."""
    url = Settings().database_url
    if url is None:
        typer.echo("YARDSTICK_DATABASE_URL is not set: write it as postgresql://user:secret@host/yardstick", err=True)
        raise typer.Exit(2)
    return connect(url, role="yardstick_worker")
