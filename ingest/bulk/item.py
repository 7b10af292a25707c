"""A reading in a file before it is judged, and why one cannot even be read."""

import json
from typing import NamedTuple, TypeAlias

from ingest.reason import Reason, Rejected

FIELDS = ("device", "register", "at", "value", "unit", "status")


class Item(NamedTuple):
    """One reading of a file. place: its line or row, from 1; fault: why it is none."""

    place: int
    device: str
    register: str
    at: str
    value: str
    unit: str = ""
    status: str = ""
    fault: Rejected | None = None

    @property
    def evidence(self) -> bytes:
        """As our own format writes a reading: what the quarantine keeps, and can correct and replay."""
        fields = {"register": self.register, "at": self.at, "value": self.value}
        fields |= {key: text for key, text in (("unit", self.unit), ("status", self.status)) if text}
        return json.dumps(fields).encode()


Record: TypeAlias = list[Item]
"""What is taken whole or not at all: a line, a row, a pack; its items."""


class CannotRead(ValueError):
    """A file as a whole, or the rest of it, cannot be read: where, what, and what would be right."""


class Hopeless(CannotRead):
    """None of the first readings of a file fits: of no registered device, too old, in another unit."""


def unreadable(place: int, text: str, detail: str, *, reason: Reason = Reason.BAD_READING) -> Item:
    """An item that is no reading; its text is kept as its value."""
    return Item(place, "", "", "", text, fault=Rejected(reason, detail))
