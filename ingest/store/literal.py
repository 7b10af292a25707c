"""Arrays as PostgreSQL reads them; for many rows several times as fast as arrays that the driver puts together."""

from collections.abc import Iterable
from functools import lru_cache

from core.time import instant


def numbers(values: Iterable[object]) -> str:
    """Of numbers; None becomes NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def texts(values: Iterable[str]) -> str:
    """Of texts, each in quotes."""
    return "{" + ",".join(map(_quoted, values)) + "}"


def times(values: Iterable[int]) -> str:
    """Of instants, from microseconds since 1970."""
    return "{" + ",".join(map(_time, values)) + "}"


def _quoted(value: str) -> str:
    if '"' in value or "\\" in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


@lru_cache(65_536)
def _time(at: int) -> str:
    """Instants of a fleet are often the same."""
    return instant(at).isoformat()
