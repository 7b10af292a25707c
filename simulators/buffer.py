"""What a gateway keeps until Yardstick has committed it."""

import json
from collections.abc import Iterator
from contextlib import suppress

from simulators.wire import Message

AGAIN = 60.0
"""Seconds after which a message without a receipt is sent again."""
MOST = 10_000
"""Messages that a gateway has room for; the oldest go first."""
SOON = 5.0
"""Seconds after which a message that a receipt misses is sent again: it may just be on its way."""
_AT_ONCE = 32


class Buffer:
    """Numbered messages by (topic, boot, seq), oldest first, with the time at which each was sent last."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, int], tuple[float, Message]] = {}
        self._topics: set[str] = set()
        self._missing: set[tuple[str, str, int]] = set()

    def __len__(self) -> int:
        return len(self._kept)

    def topics(self) -> list[str]:
        """Every topic that something was kept of."""
        return list(self._topics)

    def keep(self, message: Message, now: float) -> bool:
        """Keep a message that is being sent; whether its topic is new here. One without a number is not kept."""
        if not message.seq:
            return False
        key = (message.topic, message.boot, message.seq)
        self._drop(key)
        self._kept[key] = (now, message)
        if len(self._kept) > MOST:
            self._drop(next(iter(self._kept)))
        is_new = message.topic not in self._topics
        self._topics.add(message.topic)
        return is_new

    def receipt(self, topic: str, payload: bytes) -> None:
        """Drop what a receipt covers: everything of its boot up to its seq. Remember what it misses above that."""
        with suppress(ValueError, KeyError, TypeError):  # a receipt that cannot be read covers nothing
            said = json.loads(payload)
            readings = topic.rpartition("/")[0] + "/readings"
            for key in [key for key in self._kept if key[:2] == (readings, said["boot"])]:
                if _covers(said, key[2]):
                    self._drop(key)
                elif _misses(said, key[2]):
                    self._missing.add(key)

    def _drop(self, key: tuple[str, str, int]) -> None:
        self._kept.pop(key, None)
        self._missing.discard(key)

    def overdue(self, now: float) -> Iterator[Message]:
        """Messages to send again, a few at a time: what a receipt misses, then the oldest sent too long ago."""
        missed = sorted(key for key in self._missing if now - self._kept[key][0] >= SOON)[:_AT_ONCE]
        late = [self._kept[key][1] for key in missed]
        for key, (sent, message) in self._kept.items():
            if key in missed:
                continue
            if now - sent < AGAIN or len(late) >= _AT_ONCE:
                break
            late.append(message)
        yield from late


def _covers(said: dict[str, object], seq: int) -> bool:
    last = said["seq"]
    return isinstance(last, int) and seq <= last


def _misses(said: dict[str, object], seq: int) -> bool:
    holes = said.get("missing")
    return isinstance(holes, list) and any(first <= seq <= last for first, last in holes)
