"""Use case: say what billing periods ask of readings, so that nothing of it is dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts import run
from contracts.store import evaluation, period, resting
from core.store import current_knowledge
from ingest.store.retention import Resting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection


def asked(connection: Connection, since: datetime | None) -> Iterator[Resting]:
    """What every period that ends at `since` or later asks, at each knowledge that it was evaluated at, and now."""
    for known, ids in resting.asked(connection, since, current_knowledge(connection)).items():
        dues = sorted(period.by_id(connection, ids), key=lambda due: (due.contract, due.starts_at))
        for level in run.levels(dues):
            for n in range(0, len(level), run.CHUNK):
                part = level[n : n + run.CHUNK]
                carried = evaluation.carries(connection, [due.id for due in part], known)
                until = max(due.ends_at for due in part)
                found = run.gathered(connection, part, known=known, until=until, carried=carried)
                wanted = [*(item.needs for item in found.wanted), *found.more]
                yield Resting(
                    known,
                    [one for needs in wanted for one in needs.counters],
                    [one for needs in wanted for one in needs.states],
                    [one for needs in wanted for one in needs.gauges],
                )
