"""Use case: say what billing periods ask of readings, so that nothing of it is dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from contracts import run
from contracts.store import evaluation, gathered, period, resting
from core.store import current_knowledge
from core.time import instant, micros, midnight
from ingest.store.retention import Resting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from contracts.facts import CounterNeed
    from contracts.store.fact import Wanted


def asked(connection: Connection, since: datetime | None) -> Iterator[Resting]:
    """What every period that ends at `since` or later asks, at each knowledge that it was evaluated at, and now."""
    now = current_knowledge(connection)
    for known, ids in resting.asked(connection, since, now).items():
        dues = sorted(period.by_id(connection, ids), key=lambda due: (due.contract, due.starts_at))
        for level in run.levels(dues):
            for n in range(0, len(level), run.CHUNK):
                part = level[n : n + run.CHUNK]
                carried = evaluation.carries(connection, [due.id for due in part], known)
                until = max(due.ends_at for due in part)
                found = gathered.load(connection, part, known=known, until=until, carried=carried)
                wanted = [*(item.needs for item in found.wanted), *found.more]
                daily = [one for item in found.wanted for one in _by_day(item)] if known == now else []
                yield Resting(
                    known,
                    [*(one for needs in wanted for one in needs.counters), *daily],
                    [one for needs in wanted for one in needs.states],
                    [one for needs in wanted for one in needs.gauges],
                )


def _by_day(item: Wanted) -> Iterator[CounterNeed]:
    """The counters also at each local midnight: use by day is shown as long as the bill."""
    for need in item.needs.counters:
        first, last = instant(need.instants[0]), instant(need.instants[-1])
        day, cuts = first.astimezone(item.where).date(), set(need.instants)
        while (at := midnight(day, item.where)) <= last:
            cuts |= {micros(at)} if at >= first else set()
            day += timedelta(days=1)
        yield replace(need, instants=tuple(sorted(cuts)))
