"""A refused item read again: as it was received, under rules that changed, leniently, or with fields corrected."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Literal, NamedTuple, TypeAlias

from ingest.batch import Arrival, Examined, examine
from ingest.door import NEWEST, judge
from ingest.reason import Reason, Rejected
from ingest.registry import LARGEST, SMALLEST, Registry
from ingest.wire import yardstick

Action: TypeAlias = Literal["release", "reject", "correct", "replay"]
FIELDS = ("register", "at", "value", "unit", "status")
EVER = (946_684_800_000_000, 4_102_444_799_999_999)
"""2000 to 2099 in µs since 1970: what the table of readings takes."""

_MICROSECOND = timedelta(microseconds=1)


class Ruling(NamedTuple):
    """What to do with items. changes: fields of a reading that a correction replaces."""

    action: Action
    by: str
    note: str
    changes: Mapping[str, str]

    @property
    def overrides(self) -> bool:
        """Whether it may replace the value that stands at the same instant: if a person looked at the item."""
        return self.action in ("release", "correct")


def read_again(  # the item's own facts
    arrival: Arrival, item: int, device: str | None, *, registry: Registry, ruling: Ruling, since: int | None = None
) -> Examined:
    """Judge an item of the quarantine anew. arrival.payload: what was kept of it. Never raises.

    since: µs since 1970 from which on the import that it came with might bring readings. A release overlooks the time
    window and the declared range; a correction and a replay do not.
    """
    if item < 0:
        if ruling.action == "replay":
            return examine(arrival, registry)
        return _refused(Reason.BAD_ENVELOPE, "it is a whole message; it can be rejected or replayed")
    payload = wrapped(arrival.payload, ruling.changes)
    message = yardstick.decode(payload)
    if isinstance(message, Rejected):
        return _refused(Reason.BAD_READING, message.detail)
    rules = relaxed(registry, device or "") if ruling.action == "release" else registry
    allowed = None if since is None else (max(since, EVER[0]), arrival.received_at + NEWEST // _MICROSECOND)
    window = EVER if ruling.action == "release" else allowed
    rows, rejected = judge(message.candidates, device or "", rules, received_at=arrival.received_at, window=window)
    return Examined(0, rows, [one._replace(item=0) for one in message.rejected + rejected])


def wrapped(item: bytes, changes: Mapping[str, str]) -> bytes:
    """The item in an envelope of its own, its numbers digit by digit as they came; corrected fields as texts."""
    if changes:
        try:
            fields = json.loads(item, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError):
            fields = {}
        kept = {key: fields[key] for key in FIELDS if key in fields} if isinstance(fields, dict) else {}
        item = json.dumps(kept | dict(changes)).encode()
    return b'{"v":1,"boot":"","seq":0,"readings":[' + item + b"]}"


def relaxed(registry: Registry, device: str) -> Registry:
    """The registers of one device without their declared ranges."""
    registers = registry.devices.get(device, {})
    free = {name: replace(one, minimum=SMALLEST, maximum=LARGEST) for name, one in registers.items()}
    return replace(registry, devices={device: free} if device in registry.devices else {})


def _refused(reason: Reason, detail: str) -> Examined:
    return Examined(0, [], [Rejected(reason, detail)])
