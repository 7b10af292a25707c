"""Use case: evaluate periods as known, and again with something supposed; what differs is what it is worth.

The engine evaluates both, from facts loaded the same way, so that what is said to be at stake is what will be billed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from contracts.run import evaluate_dues
from contracts.store import evaluation, period
from core.database import transaction
from core.money import Money
from core.store import current_knowledge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from contracts.evaluation import Evaluation, Line
    from contracts.store.period import Due

# One view of everything for both evaluations: nobody else's next number is in it.
ONE_VIEW = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


@dataclass(frozen=True, slots=True)
class Change:
    """A line of either evaluation; None: there is no such line."""

    clause: str
    asset: str
    text: str
    now: Money | None
    then: Money | None


@dataclass(frozen=True, slots=True)
class Worth:
    """What a period of a contract comes to before tax, now and if it were so. carries: the next periods differ too."""

    due: Due
    now: Money
    then: Money
    changes: tuple[Change, ...]
    carries: bool

    @property
    def difference(self) -> Money:
        """Above zero: more is charged."""
        return self.then - self.now


def worth(
    engine: Engine,
    contracts: Sequence[int],
    span: tuple[datetime, datetime],
    suppose: Callable[[Connection, int], object],
    *,
    at: datetime,
) -> list[Worth]:
    """Periods of these contracts that touch [start, end] and have begun by `at`, by contract and time.

    suppose: appends facts with the knowledge number it is given; they are taken back before the transaction ends.
    """
    with transaction(engine) as connection:
        connection.execute(ONE_VIEW)
        known = current_knowledge(connection)
        dues = period.touching(connection, contracts, *span, at=at)
        now = _evaluated(connection, dues, known, at)
        with connection.begin_nested() as supposed:
            suppose(connection, known + 1)
            then = _evaluated(connection, dues, known + 1, at)
            supposed.rollback()
    return [_compared(*one) for one in zip(dues, now, then, strict=True)]


def _evaluated(connection: Connection, dues: Sequence[Due], known: int, at: datetime) -> list[Evaluation]:
    carried = evaluation.carries(connection, [due.id for due in dues], known)
    return [
        evaluate_dues(connection, [due], known=known, until=at, carried=carried)[0].evaluation for due in dues
    ]  # fmt: skip


def _compared(due: Due, now: Evaluation, then: Evaluation) -> Worth:
    before, after = ({line.id: line for line in one.lines} for one in (now, then))
    pairs = [(before.get(key), after.get(key)) for key in {**before, **after}]
    return Worth(
        due,
        _net(now),
        _net(then),
        tuple(_change(*pair) for pair in pairs if _amount(pair[0]) != _amount(pair[1])),
        now.carry != then.carry,
    )


def _net(found: Evaluation) -> Money:
    return sum((line.amount for line in found.lines), Money.zero(found.currency))


def _amount(line: Line | None) -> Money | None:
    return None if line is None else line.amount


def _change(now: Line | None, then: Line | None) -> Change:
    shown = then or now
    if shown is None:
        raise ValueError("a change has a line on one side at least")
    return Change(shown.clause, shown.owner, shown.text, _amount(now), _amount(then))
