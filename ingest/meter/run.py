"""Use cases of meters: release holds, declare resets. Each in one transaction, with author and reason."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from core.database import transaction
from core.problem import Problem, Problems
from core.store import audit, current_knowledge, draw_knowledge, post
from core.units import Quantity
from ingest.store import completeness, hold
from ingest.store.hold import Hold, Stretch
from ingest.tick import written_ticks

REGISTER = text("""
    SELECT g.id, g.kind, g.unit, g.resolution FROM ingest.binding AS b
    JOIN ingest.asset AS a ON a.id = b.asset
    JOIN ingest.register AS g ON g.device = b.device
    WHERE a.name = :asset AND b.position || '/' || g.name = :path AND b.superseded IS NULL
        AND b.during @> cast(:at AS timestamptz)
""")
ADD_EPOCH = text("""
    INSERT INTO ingest.epoch (register, at, closing, opening, void, known, author, reason)
    VALUES (:register, :at, :closing, :opening, :void, :known, :author, :reason)
""")
ADD_ESTIMATE = text("""
    INSERT INTO ingest.estimate (register, during, ticks, method, known, author, reason)
    VALUES (:register, tstzrange(:start, :end), :ticks, :method, :known, :author, :reason)
""")
OVERLAPPING = text("""
    SELECT lower(during) || ' to ' || upper(during) FROM (
        SELECT DISTINCT ON (during) during, ticks FROM ingest.estimate
        WHERE register = :register AND during && tstzrange(:start, :end) AND during <> tstzrange(:start, :end)
        ORDER BY during, known DESC
    ) AS e WHERE ticks IS NOT NULL LIMIT 1
""")
LAST_EPOCH = text("SELECT void FROM ingest.epoch WHERE register = :register AND at = :at ORDER BY known DESC LIMIT 1")


def release(  # a decision has as many parts
    engine: Engine,
    reference: str,
    at: datetime,
    *,
    kind: str,
    bill: Quantity | None = None,
    author: str,
    reason: str,
) -> Hold | Stretch:
    """Decide about a hold: `bill` a quantity, count `from_zero`, count nothing (`void`); `reopened` takes it back.

    What was evaluated before stays; from now on the stretch counts so. Raises NoReference and Problems.
    """
    stretch = hold.read(reference)
    _say_why(reason, reference)
    with transaction(engine) as connection:
        known = current_knowledge(connection)
        found = hold.named(connection, stretch, known)
        if kind == "reopened":
            _check_decided(connection, stretch, known)
        elif found is None:
            raise Problems((Problem(reference, "is no open hold", "`yardstick meters holds` lists them"),))
        elif kind == "from_zero" and found.reason != "counter_fell":
            raise Problems((Problem(reference, "did not fall, so it did not begin at zero", "bill a quantity"),))
        ticks = None if found is None else _ticks(bill, found)
        hold.decide(
            connection,
            stretch,
            kind=kind,
            ticks=ticks,
            known=draw_knowledge(connection),
            author=author,
            reason=reason,
        )
        detail = {"kind": kind, "bill": None if bill is None else str(bill), "reason": reason}
        audit(connection, at, actor=author, action="meter.release", subject=reference, detail=detail)
    return found or stretch


def suppose(connection: Connection, found: Hold, known: int, *, bill: Quantity | None = None) -> None:
    """As if so much had been decided about a hold, else what is at stake; the caller takes it back. Raises Problems."""
    ticks = found.at_stake if bill is None else _ticks(bill, found)
    stretch = Stretch(found.register, found.start, found.end)
    hold.decide(
        connection, stretch, kind="bill", ticks=ticks, known=known, author="supposed", reason="what it is worth"
    )


def begin_anew(  # noqa: PLR0913 - a declaration has as many parts
    engine: Engine,
    place: tuple[str, str],
    since: datetime,
    at: datetime,
    *,
    closing: Quantity | None = None,
    opening: Quantity | None = None,
    void: bool = False,
    author: str,
    reason: str,
) -> None:
    """Declare that the register at (asset, path) began anew at an instant: a reset, another display or cartridge.

    closing: what it showed just before; opening: just after (a counter without one begins at zero, a gauge at its next
    reading). void: it was not so. Raises Problems.
    """
    asset, path = place
    _say_why(reason, f"{asset} {path}")
    with transaction(engine) as connection:
        row = connection.execute(REGISTER, {"asset": asset, "path": path, "at": since}).first()
        if row is None or row.kind == "state":
            message = f"no counter or gauge {path} served {asset} then"
            raise Problems((Problem(f"{asset} {path}", message, "`yardstick meters show` lists its registers"),))
        if void and connection.execute(LAST_EPOCH, {"register": row.id, "at": since}).scalar() is not False:
            raise Problems((Problem(f"{asset} {path}", "no reset is declared at that instant", "name its instant"),))
        given = {
            "register": row.id,
            "at": since,
            "closing": _ticks(closing, row),
            "opening": _ticks(opening, row),
            "void": void,
            "author": author,
            "reason": reason,
        }
        connection.execute(ADD_EPOCH, {**given, "known": draw_knowledge(connection)})
        detail = {"at": since.isoformat(), "closing": str(closing), "opening": str(opening), "void": void}
        audit(connection, at, actor=author, action="meter.reset", subject=f"{asset} {path}", detail=detail)


def estimate(  # noqa: PLR0913 - an estimate has as many parts
    engine: Engine,
    place: tuple[str, str],
    span: tuple[datetime, datetime],
    at: datetime,
    *,
    quantity: Quantity | None,
    method: str,
    author: str,
    reason: str,
) -> None:
    """Note what the counter at (asset, path) probably used over a span without readings; None takes it back.

    It is never a reading, and billed only where a contract's measure says so, flagged, until a later reading takes its
    place; it is shown beside what is counted. No two of a register overlap. Raises Problems.
    """
    asset, path = place
    _say_why(reason, f"{asset} {path}")
    with transaction(engine) as connection:
        row = connection.execute(REGISTER, {"asset": asset, "path": path, "at": span[0]}).first()
        if row is None or row.kind != "counter" or not span[0] < span[1]:
            problem = Problem(f"{asset} {path}", "no counter served there in such a span", "`meters show` lists them")
            raise Problems((problem,))
        given = {"register": row.id, "start": span[0], "end": span[1], "method": method or "by hand"}
        if quantity is not None and (other := connection.execute(OVERLAPPING, given).scalar()) is not None:
            problem = Problem(f"{asset} {path}", f"{other} is estimated already", "end that estimate first")
            raise Problems((problem,))
        ticks = _ticks(quantity, row)
        said = {"ticks": ticks, "author": author, "reason": reason, "known": draw_knowledge(connection)}
        connection.execute(ADD_ESTIMATE, {**given, **said})
        detail = {"from": span[0].isoformat(), "to": span[1].isoformat(), "quantity": str(quantity), "method": method}
        audit(connection, at, actor=author, action="meter.estimate", subject=f"{asset} {path}", detail=detail)


def watch(engine: Engine, at: datetime) -> int:
    """Raise an alarm for each register that fell silent, once for each silence; tell who listens. Returns how many."""
    with transaction(engine) as connection:
        new = completeness.raise_alarms(connection, at, completeness.silent(connection, at))
        for one in new:
            post(
                connection,
                at,
                topic="device.silent",
                key=one.device,
                payload={"device": one.device, "asset": one.asset, "register": one.path},
            )
    return len(new)


def _say_why(reason: str, place: str) -> None:
    if not reason.strip():
        raise Problems((Problem(place, "a decision needs a reason", "say why; it is kept with the decision"),))


def _check_decided(connection: Connection, stretch: Stretch, known: int) -> None:
    said = [one for one in hold.decisions(connection, [stretch.register], known) if one[:3] == stretch]
    if not said or said[-1].kind == "reopened":
        raise Problems((Problem("the hold", "nothing is decided about it", "it waits already"),))


def _ticks(quantity: Quantity | None, of: Any) -> int | None:
    """In ticks of a register or hold; None stays None."""
    if quantity is None:
        return None
    found = written_ticks(quantity, of.unit, of.resolution, place=str(quantity))
    if found < 0:
        raise Problems((Problem(str(quantity), "is less than nothing", "give what was counted or shown"),))
    return found
