"""The database that a command works on, and the settings that it cannot do without."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from api.commands.refusal import stop
from core.database import connect
from core.settings import Settings


def address() -> str:
    """YARDSTICK_DATABASE_URL. Ends the command if that is not set."""
    return needed(Settings().database_url, "YARDSTICK_DATABASE_URL", "postgresql://user:secret@host/yardstick")


def needed(value: str | None, name: str, example: str) -> str:
    """The value of a setting. Ends the command if it is not set."""
    if not value:
        stop(f"{name} is not set; set it, e.g. to {example}, or run `make demo`, which brings its own services")
    return value


@contextmanager
def worker() -> Iterator[Engine]:
    """An engine on YARDSTICK_DATABASE_URL that may do what workers may. Ends the command if that is not set."""
    engine = connect(address(), role="yardstick_worker")
    try:
        yield engine
    finally:
        engine.dispose()
