"""Answers that rest on roll-ups, while roll-ups go on.

PostgreSQL plans a statement before it takes the snapshot that the statement sees. If a roll-up that made a new chunk is
committed in between, its point is seen, and its rows, in a chunk that the plan does not know, are not. Then the point
has moved while the statement ran, and it is asked again. Functions that are planned when they run (SECURITY DEFINER)
need none of this.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, TextClause, text

POINTS = text("SELECT share, known, closed_to FROM ingest.rolled(:known)")
Answer = TypeVar("Answer")


def steady(connection: Connection, ask: Callable[[], Answer], *, known: int) -> Answer:
    """What `ask` brings when no point at or before K moved meanwhile. For K that soon ends: new points are newer."""
    before = connection.execute(POINTS, {"known": known}).all()
    while True:
        found = ask()
        after = connection.execute(POINTS, {"known": known}).all()
        if after == before:
            return found
        before = after


def answers(
    connection: Connection, statement: TextClause, given: Mapping[str, object], *, known: int, is_planned_late: bool
) -> Sequence[Any]:
    """All that a statement brings, so; at once where it is planned when it runs."""

    def ask() -> Sequence[Any]:
        return connection.execute(statement, given).all()

    return ask() if is_planned_late else steady(connection, ask, known=known)
