"""Use cases: a reading that stands is corrected, declared void, or brought back to what it was before."""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from core.store import audit, draw_knowledge
from core.time import instant, micros
from ingest.door import judge
from ingest.override import Correction, in_force
from ingest.reason import SENTENCE
from ingest.registry import Register, Registry
from ingest.review.item import EVER
from ingest.store import override, register


class CannotCorrect(ValueError):
    """There is no such reading, or the correction says nothing sensible of it."""


class Wanted(NamedTuple):
    """What to do with one reading. register: `device/name`; value: with or without its unit, None: void."""

    register: str
    at: str
    value: str | None
    reason: str


class Corrected(NamedTuple):
    """What counted before and counts now, in ticks (None: nothing), from which number on; None: it was so already."""

    register: Register
    at: datetime
    before: int | None
    after: int | None
    known: int | None


class _Place(NamedTuple):
    """A reading that stands, and the corrections of it that are in force."""

    register: Register
    at: datetime
    received: int
    corrections: list[Correction]

    @property
    def value(self) -> int | None:
        """What counts now."""
        return self.corrections[-1].value if self.corrections else self.received


def correct(connection: Connection, at: datetime, wanted: Wanted, *, by: str) -> Corrected:
    """Let another value, or none, count for a reading that stands. Raises CannotCorrect."""
    place, ticks = _find(connection, at, wanted)
    if place.value == ticks:
        return Corrected(place.register, place.at, ticks, ticks, None)
    one = Correction(ticks, draw_knowledge(connection))
    return _append(connection, at, place, one, wanted=wanted, by=by)


def revert(connection: Connection, at: datetime, wanted: Wanted, *, by: str) -> Corrected:
    """Take back the correction that counts: the one before holds again, or what was received. Raises CannotCorrect."""
    place, _ = _find(connection, at, wanted._replace(value=None))
    if not place.corrections:
        raise CannotCorrect(
            f"{wanted.register} at {wanted.at} has no correction that counts; there is nothing to revert"
        )
    last, before = place.corrections[-1], place._replace(corrections=place.corrections[:-1])
    one = Correction(before.value, draw_knowledge(connection), last.known)
    return _append(connection, at, place, one, wanted=wanted, by=by)


def _append(
    connection: Connection, at: datetime, place: _Place, one: Correction, *, wanted: Wanted, by: str
) -> Corrected:
    override.add(connection, place.register.id, place.at, one, author=by, reason=wanted.reason.strip())
    override.follow(connection, place.register.id, place.at)
    detail = {
        "at": place.at.isoformat(), "before": place.value, "after": one.value, "reason": wanted.reason,
        "known": one.known, "reverts": one.reverts,
    }  # fmt: skip
    action = "reading.correct" if one.reverts is None else "reading.revert"
    audit(connection, at, actor=by, action=action, subject=wanted.register, detail=detail)
    return Corrected(place.register, place.at, place.value, one.value, one.known)


def _find(connection: Connection, at: datetime, wanted: Wanted) -> tuple[_Place, int | None]:
    """The reading, and the wanted value in ticks."""
    if not wanted.reason.strip():
        raise CannotCorrect("say why: the reason is kept with the correction")
    found, when, ticks = _judged(register.snapshot(connection, at), at, wanted)
    received = override.received(connection, found.id, when)
    if received is None:
        raise CannotCorrect(f"{wanted.register} has no reading at {wanted.at}; name an instant at which there is one")
    return _Place(found, when, received, in_force(override.history(connection, found.id, when), received)), ticks


def _judged(registry: Registry, at: datetime, wanted: Wanted) -> tuple[Register, datetime, int | None]:
    """The register, the instant, and the value in ticks, by the same rules as at the door."""
    device, _, name = wanted.register.rpartition("/")
    found = registry.devices.get(device, {}).get(name)
    if found is None:
        raise CannotCorrect(f"there is no register {wanted.register}; write it as device/register, tcu-nh-01/odometer")
    when = _instant(wanted.at)
    if registry.sealed is not None and micros(when) < registry.sealed:
        raise CannotCorrect(
            f"readings before {instant(registry.sealed):%Y-%m-%dT%H:%M:%SZ} are sealed: what was billed up to then "
            "stays, and most of them are gone; agree on a credit with the customer instead"
        )
    if wanted.value is None:
        return found, when, None
    value, _, unit = wanted.value.strip().partition(" ")
    given = unit.strip() or ("" if found.kind == "state" else found.unit)
    candidate = (0, name, when.isoformat(), value, given, "")
    rows, rejected = judge([candidate], device, registry, received_at=micros(at), window=EVER)
    if rejected:
        raise CannotCorrect(f"{rejected[0].detail}. {SENTENCE[rejected[0].reason]}")
    return found, when, rows[0][3]


def _instant(text: str) -> datetime:
    try:
        at: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise CannotCorrect(f"{text} is no instant; write it as 2026-06-01T00:00:00Z")
    return at.astimezone(UTC)
