"""Use cases of assignments: bind devices to assets, mount components. What is used belongs to where it was then."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Engine

from core.database import transaction
from core.problem import Problem, Problems
from core.store import audit, current_knowledge, draw_knowledge
from core.units import Quantity
from ingest.catalogue import Binding
from ingest.store import catalogue, component, declared
from ingest.store.component import Mounting
from ingest.tick import written_ticks

Place = tuple[str, str]
"""An asset and a position at it."""


Shown = Mapping[str, Quantity]
"""What counters showed at that instant, by register, as somebody wrote it down."""


def bind(  # noqa: PLR0913 - a binding has as many parts
    engine: Engine,
    device: str,
    place: Place,
    since: datetime,
    at: datetime,
    *,
    opening: Shown,
    evidence: str = "",
    author: str,
) -> None:
    """A device serves an asset at a position from an instant on. Raises NothingThere and Problems."""
    with transaction(engine) as connection:
        ticks = _ticks(connection, device, opening)
        catalogue.bind(connection, [Binding(device, *place, since, None, evidence, ticks, {})])
        detail = {"place": "/".join(place), "since": since.isoformat(), "evidence": evidence}
        audit(connection, at, actor=author, action="device.bind", subject=device, detail=detail)


def unbind(
    engine: Engine, device: str, until: datetime, at: datetime, *, closing: Shown, evidence: str = "", author: str
) -> None:
    """A device serves its asset no longer from an instant on; what was known before stays. Raises as `bind`."""
    with transaction(engine) as connection:
        catalogue.bind(connection, [_ended(connection, device, until, closing, evidence)])
        detail = {"until": until.isoformat(), "evidence": evidence}
        audit(connection, at, actor=author, action="device.unbind", subject=device, detail=detail)


def exchange(  # noqa: PLR0913 - an exchange has as many parts
    engine: Engine,
    old: str,
    new: str,
    when: datetime,
    at: datetime,
    *,
    closing: Shown,
    opening: Shown,
    evidence: str = "",
    author: str,
) -> None:
    """A device takes another's place. Without written values the readings around say what counters showed.

    Raises as `bind`.
    """
    with transaction(engine) as connection:
        ended = _ended(connection, old, when, closing, evidence)
        ticks = _ticks(connection, new, opening)
        begun = Binding(new, ended.asset, ended.position, when, None, evidence, ticks, {})
        catalogue.bind(connection, [ended, begun])
        detail = {"new": new, "at": when.isoformat(), "evidence": evidence}
        audit(connection, at, actor=author, action="device.exchange", subject=old, detail=detail)


def _ended(connection: Connection, device: str, until: datetime, closing: Shown, evidence: str) -> Binding:
    there = catalogue.running(connection, device)
    if until <= there.start:
        message = f"serves {there.asset}/{there.position} only from {there.start:%Y-%m-%dT%H:%M:%SZ} on"
        raise Problems((Problem(device, message, "end it later than it began"),))
    ticks = _ticks(connection, device, closing)
    return Binding(device, there.asset, there.position, there.start, until, evidence, {}, ticks)


def _ticks(connection: Connection, device: str, shown: Shown) -> dict[str, int]:
    counters, found = catalogue.counters(connection, device), dict[str, int]()
    for name, quantity in shown.items():
        if name not in counters:
            remedy = f"it has {', '.join(sorted(counters)) or 'none'}"
            raise Problems((Problem(f"{device}/{name}", "is no counter of this device", remedy),))
        unit, resolution = counters[name]
        found[name] = written_ticks(quantity, unit, resolution, place=f"{device}/{name}")
    return found


def mount(  # noqa: PLR0913 - whatever is mounted has a place, a time and a witness
    engine: Engine,
    name: str,
    place: Place,
    since: datetime,
    at: datetime,
    *,
    kind: str = "",
    evidence: str = "",
    author: str,
) -> None:
    """A component, which may be new, is at a place from an instant on. Raises Problems."""
    with transaction(engine) as connection:
        if name not in component.ids(connection, [name]):
            component.create(connection, name, at, kind=kind)
        _rearrange(connection, {name: place}, since, evidence=evidence, author=author, leave=False)
        detail = {"place": "/".join(place), "since": since.isoformat(), "evidence": evidence}
        audit(connection, at, actor=author, action="component.mount", subject=name, detail=detail)


def move(
    engine: Engine, places: Mapping[str, Place], since: datetime, at: datetime, *, evidence: str = "", author: str
) -> None:
    """Components change places, all at one instant, so that they may swap theirs. Raises Problems."""
    with transaction(engine) as connection:
        _rearrange(connection, places, since, evidence=evidence, author=author, leave=True)
        detail = {"since": since.isoformat(), "evidence": evidence}
        for name, place in places.items():
            said = {**detail, "place": "/".join(place)}
            audit(connection, at, actor=author, action="component.move", subject=name, detail=said)


def remove(engine: Engine, name: str, until: datetime, at: datetime, *, author: str) -> None:
    """A component leaves its place at an instant. Raises Problems."""
    with transaction(engine) as connection:
        there = component.mountings(connection, current_knowledge(connection), component=name)
        _leave(connection, name, there, until, author=author, known=draw_knowledge(connection))
        audit(
            connection, at, actor=author, action="component.remove", subject=name, detail={"until": until.isoformat()}
        )


def _rearrange(  # all that a change of places is made of
    connection: Connection,
    places: Mapping[str, Place],
    since: datetime,
    *,
    evidence: str,
    author: str,
    leave: bool,
) -> None:
    before = component.mountings(connection, current_knowledge(connection))
    _check_assets(connection, places)
    known = draw_knowledge(connection)
    if leave:
        for name in places:
            mine = [one for one in before if one.component == name]
            _leave(connection, name, mine, since, author=author, known=known)
    staying = component.mountings(connection, known)
    for name, (asset, position) in places.items():
        _check_free(staying, name, (asset, position), since)
        new = Mounting(0, name, "", asset, position, since, None, evidence, author, known)
        component.mount(connection, new, known=known)
        staying.append(new)


def _leave(
    connection: Connection, name: str, there: list[Mounting], until: datetime, *, author: str, known: int
) -> None:
    running = [one for one in there if one.end is None and one.start <= until]
    if not running:
        raise Problems((Problem(name, "is mounted nowhere at that instant", "mount it first"),))
    component.end(connection, running[0], until, author=author, known=known)


def _check_assets(connection: Connection, places: Mapping[str, Place]) -> None:
    known = declared.asset_ids(connection, {asset for asset, _ in places.values()})
    for asset, _ in places.values():
        if asset not in known:
            raise Problems((Problem(asset, "is no asset", "declare it in a device file"),))


def _check_free(there: list[Mounting], name: str, place: Place, since: datetime) -> None:
    for one in there:
        if one.end is not None and one.end <= since:
            continue
        if one.component == name:
            message = f"is at {one.asset}/{one.position} from {one.start:%Y-%m-%dT%H:%MZ} on"
            raise Problems((Problem(name, message, "move it, or remove it first"),))
        if (one.asset, one.position) == place:
            message = f"holds {one.component} from {one.start:%Y-%m-%dT%H:%MZ} on"
            raise Problems((Problem("/".join(place), message, "remove that first, or move both at once"),))
