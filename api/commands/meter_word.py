"""How meters are told on the command line: times to the second, and what was sealed."""

import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from ingest.store import retention


def sealed(connection: Connection, start: datetime) -> dict[str, str] | None:
    """What is gone of the time from `start` on; None: nothing."""
    found = retention.sealed(connection)
    if found.until is None or found.until <= start:
        return None
    gone = found.dropped and min(found.dropped, found.until)
    return {"until": iso(found.until), **({"dropped_before": iso(gone)} if gone and gone > start else {})}


def sealed_line(one: dict[str, str]) -> str:
    """In words."""
    sealed = f"readings before {short(one['until'])} are sealed: none comes in, none is corrected"
    if "dropped_before" not in one:
        return sealed
    kept = "by whole chunks, and only what billed periods rest on is left of them"
    return (
        f"{sealed}; raw readings before {short(one['dropped_before'])} are dropped, {kept}: "
        "received, coverage, gaps and clocks count what is left"
    )


def span_words(one: dict[str, Any]) -> str:
    """Both ends to the second; further only where they would look alike."""
    first, last = short(one["from"]), short(one["to"])
    return f"{first} to {last}" if first != last or one["from"] == one["to"] else f"{one['from']} to {one['to']}"


def short(at: str | None) -> str:
    """An instant without what is below a second."""
    return "now" if at is None else re.sub(r"\.\d+", "", at)


def took_words(took: str) -> str:
    """A length of time without what is below a second, unless it is all that there is."""
    whole = re.sub(r"\.\d+$", "", took)
    return took if whole in ("0:00:00", "-1 day, 23:59:59") else whole


def iso(at: datetime) -> str:
    """An instant in UTC, exactly."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
