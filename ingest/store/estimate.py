"""What was probably used where readings are missing, as somebody noted it. Never counted, only shown beside."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from ingest.store.meter import ESTIMATES


class Estimate(NamedTuple):
    """So many ticks over [start, end), by whom and why."""

    register: int
    start: datetime
    end: datetime
    ticks: int
    method: str
    author: str
    reason: str


def find(
    connection: Connection, registers: Sequence[int], *, start: datetime, end: datetime, known: int
) -> list[Estimate]:
    """Those that touch [start, end), as known at K, by time; those taken back are left out."""
    asked = {"registers": list(registers), "start": start, "end": end, "known": known}
    return [Estimate(*row) for row in connection.execute(ESTIMATES, asked)]
