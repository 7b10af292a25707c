"""Local times of a table as instants; nothing is guessed."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.time import NotATime, read_time
from ingest.door import is_instant
from ingest.reason import Reason, Rejected

Read = Callable[[str], str | Rejected]


def reader(where: ZoneInfo | None, pattern: str = "") -> Read | None:
    """What turns a cell into an instant with an offset, or says why it is none. None: cells are instants as they are.

    where: of times without an offset; one that the clock skips or shows twice is refused. pattern: as strptime has it.
    """
    if where is None and not pattern:
        return None

    def read(text: str) -> str | Rejected:
        try:
            return _instant(text, where, pattern)
        except NotATime as error:
            return Rejected(Reason.BAD_TIME, str(error))

    return lru_cache(maxsize=65_536)(read)


def _instant(text: str, where: ZoneInfo | None, pattern: str) -> str:
    written = _written(text, pattern) if pattern else text
    if where is None or is_instant(written):
        return written
    return read_time(written, where).isoformat()


def _written(text: str, pattern: str) -> str:
    try:
        return datetime.strptime(text, pattern).isoformat()  # noqa: DTZ007 - the zone is given apart
    except ValueError:
        raise NotATime(f"{text!r} is not written as {pattern}") from None
