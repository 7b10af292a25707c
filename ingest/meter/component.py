"""Use cases of components: mount, move and remove them. What they use meanwhile belongs to them."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Engine

from core.database import transaction
from core.problem import Problem, Problems
from core.store import audit, current_knowledge, draw_knowledge
from ingest.store import component, declared
from ingest.store.component import Mounting

Place = tuple[str, str]
"""An asset and a position at it."""


def mount(  # whatever is mounted has a place, a time and a witness
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
