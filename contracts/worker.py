"""Periods are closed by several processes where many are due: each takes a chunk that nobody else has locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts import run
from contracts.store import period
from core.database import transaction
from core.worker import company

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

WORTH = 3 * run.CHUNK
"""Another process is worth its start for so many periods."""


def close_due_periods(engine: Engine, *, at: datetime, workers: int) -> int:
    """As `contracts.run.close_due_periods`, shared by at most so many processes. Returns how many were closed."""
    run.extend_periods(engine, at=at)
    with transaction(engine) as connection:
        others = min(workers - 1, period.count_due(connection, at) // WORTH)
    with company(engine, others, take_part, (at,)) as told:
        closed = run.close_due_periods(engine, at=at)
    if len(told) < others:  # one died, and what it had locked is due again
        closed += run.close_due_periods(engine, at=at)
    return closed + sum(told)


def take_part(engine: Engine, at: datetime) -> int:
    """Close what is due and nobody else works on. Returns how many."""
    return run.close_due_periods(engine, at=at)
