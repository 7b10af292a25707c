"""How a program logs: one JSON object a line, or lines for people; never a password of an address."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from core.settings import Settings

PASSWORD = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/@]+@")
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class Lines(logging.Formatter):
    """`{"at":…,"level":…,"logger":…,"message":…}` with whatever the caller gave as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback is a field of it."""
        said: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return PASSWORD.sub(r"\1:…@", json.dumps(said, default=str, ensure_ascii=False))


class Text(logging.Formatter):
    """The same for people's eyes."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback below it."""
        return PASSWORD.sub(r"\1:…@", super().format(record))


def begin(settings: Settings) -> None:
    """Log to standard error from now on, whoever in this process says something."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines() if settings.log == "json" else Text())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    # APScheduler announces every single run; what was done is said by the jobs.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
