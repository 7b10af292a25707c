"""What an ingester has in hand, since when, and whether its threads move: for whoever watches it."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_TURN = 60.0
"""Seconds in which a loop that is well comes round many times."""
LONGEST_TRY = 120.0
"""Seconds after which a transaction that neither succeeds nor fails is stuck."""


class Work:
    """Written by the ingester's two threads, each its own numbers; read by others. Seconds are of a monotonic clock."""

    def __init__(self) -> None:
        self.taken = 0
        """Messages taken over from the source so far."""
        self.settled = 0
        """Messages of those that are committed and acknowledged."""
        self.turned: float | None = None
        self._since = deque[int]()
        self._tries = dict[str, float]()

    @property
    def in_hand(self) -> int:
        """Messages taken over and not yet acknowledged."""
        return self.taken - self.settled

    @property
    def oldest(self) -> int | None:
        """When the oldest of those was received, µs since 1970."""
        try:
            return self._since[0]
        except IndexError:
            return None

    def open(self, received_at: int) -> None:
        """A batch was begun with a message received then."""
        self._since.append(received_at)

    def settle(self, messages: int) -> None:
        """The oldest batch, with so many messages, is acknowledged."""
        self.settled += messages
        self._since.popleft()

    @contextmanager
    def trying(self, thread: str, now: float) -> Iterator[None]:
        """While the block lasts, this thread waits for the database."""
        self._tries[thread] = now
        try:
            yield
        finally:
            del self._tries[thread]

    def problems(self, now: float) -> list[str]:
        """Why nothing moves; empty if all is well, also while a database that is away is tried again and again."""
        found = [
            f"the thread {thread} has waited {now - since:.0f} s for the database"
            for thread, since in list(self._tries.items())
            if now - since > LONGEST_TRY
        ]
        if not self._tries and self.turned is not None and now - self.turned > LONGEST_TURN:
            found.append(f"no message was looked for since {now - self.turned:.0f} s")
        return found
