"""Whether what was billed may still be contested when somebody states that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from billing.contest import pieces, refused
from billing.store import contest
from contracts.store import contract

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from contracts.document import Version
    from contracts.facts import Attribution
    from contracts.store.reporting import Contests
    from core.problem import Problem


def in_time(at: datetime) -> Contests:
    """For `contracts.stated` and `contracts.run.record`: refuses contested stretches whose time was over at `at`."""

    def judge(connection: Connection, number: int, name: str, given: Sequence[Attribution]) -> Iterator[Problem]:
        return _judge(connection, (number, name), given, contract.stored_versions(connection, name), at=at)

    return judge


def in_time_for_viewer(at: datetime) -> Contests:
    """As `in_time`, for somebody who need not see the invoice."""

    def judge(connection: Connection, number: int, name: str, given: Sequence[Attribution]) -> Iterator[Problem]:
        versions = contract.versions_for_stating(connection, number)
        return _judge(connection, (number, name), given, versions, at=at, viewed=True)

    return judge


def _judge(
    connection: Connection,
    of: tuple[int, str],
    given: Sequence[Attribution],
    versions: Sequence[Version],
    *,
    at: datetime,
    viewed: bool = False,
) -> Iterator[Problem]:
    found = [(item, pieces(versions, item)) for item in given]
    labels = {label for _, some in found for piece in some for label in piece.bills.values()}
    limits = contest.limits(connection, of, labels, viewed=viewed) if labels else {}
    for item, some in found:
        yield from refused(item, some, limits, at=at, where=versions[0].zone)
