"""What evaluations of due periods rest on, loaded set-wise: versions, what they ask, and the facts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from contracts.carry import read_carry
from contracts.engine import needs
from contracts.reported import indices
from contracts.store import contract, fact
from contracts.store.fact import Wanted
from core.time import Period, zone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from contracts.document import Version
    from contracts.facts import Facts, Needs
    from contracts.store.period import Due


@dataclass(frozen=True, slots=True)
class Gathered:
    """What evaluations rest on, in the order of the dues; versions by contract, the others by period id."""

    versions: Mapping[int, tuple[Version, ...]]
    periods: dict[int, Period]
    ends: dict[int, datetime]
    wanted: tuple[Wanted, ...]
    facts: dict[int, Facts]
    more: tuple[Needs, ...]
    """What was asked before duties were known."""


def load(
    connection: Connection,
    dues: Sequence[Due],
    *,
    known: int,
    until: datetime,
    carried: dict[int, list[Any]],
    versions: Mapping[int, tuple[Version, ...]] | None = None,
) -> Gathered:
    """What each due period asks, up to `until` where it comes before its end, and what is known of it at `known`.

    carried: what the period before leaves, as JSON, by period id. versions: by contract, where others than those known
    are meant.
    """
    if versions is None:
        versions = contract.versions(connection, {due.contract for due in dues}, known)
    periods = {due.id: _period(due, versions[due.contract]) for due in dues}
    ends = {due.id: min(until, due.ends_at) for due in dues}
    wanted = [
        Wanted(
            key=due.id,
            contract=due.contract,
            needs=needs(versions[due.contract], periods[due.id], ends[due.id]),
            period=periods[due.id],
            where=zone(due.timezone),
            carried=read_carry(carried.get(due.id, [])),
            indices=indices(versions[due.contract]),
        )
        for due in dues
    ]
    first = tuple(item.needs for item in wanted)
    facts = fact.load(connection, wanted, known)
    again = [_once_more(item, versions[item.contract], facts[item.key], periods, ends) for item in wanted]
    facts |= fact.load(connection, [item for item, more in again if more], known)
    return Gathered(versions, periods, ends, tuple(item for item, _ in again), facts, first)


def _once_more(
    item: Wanted, versions: Sequence[Version], facts: Facts, periods: dict[int, Period], ends: dict[int, datetime]
) -> tuple[Wanted, bool]:
    """What to load once duties are known, because they cut what is counted; False: nothing else."""
    if not item.needs.again:
        return item, False
    more = needs(versions, periods[item.key], ends[item.key], facts)
    return replace(item, needs=more), more != item.needs


def _period(due: Due, versions: Sequence[Version]) -> Period:
    return Period.parse(due.label, zone(due.timezone), anchor_day=versions[-1].billing.anchor_day)
