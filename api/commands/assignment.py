"""What serves and what is mounted where, on the command line."""

from datetime import datetime
from typing import Annotated

import typer

from api.commands.connection import worker
from core.clock import now
from core.database import transaction
from core.problem import Problem, Problems
from core.store import current_knowledge, knowledge_as_of
from core.time import read_time, zone
from core.units import Quantity, from_ticks
from ingest.assignment import run
from ingest.store import component as store

device = typer.Typer(name="device")
asset = typer.Typer(name="asset", help="Assets, and the components that are mounted on them.")
component = typer.Typer(name="component", help="Mount, move and remove components: what they use follows them.")
asset.add_typer(component)
Device = Annotated[str, typer.Argument(help="The device's name.")]
Name = Annotated[str, typer.Argument(help="The component's name.")]
At = Annotated[str, typer.Option("--at", help="When: a time with Z or an offset, or of --zone.")]
Zone = Annotated[str, typer.Option("--zone", help="Of times without an offset.")]
Evidence = Annotated[str, typer.Option(help="What it rests on, e.g. a work order.")]
Shown = Annotated[
    list[str] | None, typer.Option(help='What a counter showed, e.g. "odometer=415890.4 km"; repeatable.')
]
By = Annotated[str, typer.Option(help="Who says so.")]


@device.command("bind")
def bind(
    name: Device,
    place: Annotated[str, typer.Argument(help="asset/position, e.g. T1/vehicle.")],
    at: At,
    opening: Shown = None,
    evidence: Evidence = "",
    where: Zone = "UTC",
    by: By = "command line",
) -> None:
    """A device serves an asset at a position from an instant on."""
    with worker() as engine:
        given = {"opening": _shown(opening), "evidence": evidence, "author": by}
        run.bind(engine, name, _place(place), _time(at, where), now(), **given)  # type: ignore[arg-type]
    typer.echo(f"{name} serves {place} from {at} on")


@device.command("unbind")
def unbind(
    name: Device, at: At, closing: Shown = None, evidence: Evidence = "", where: Zone = "UTC", by: By = "command line"
) -> None:
    """A device serves its asset no longer from an instant on."""
    with worker() as engine:
        given = {"closing": _shown(closing), "evidence": evidence, "author": by}
        run.unbind(engine, name, _time(at, where), now(), **given)  # type: ignore[arg-type]
    typer.echo(f"{name} serves nothing from {at} on")


@device.command("exchange")
def exchange(  # noqa: PLR0913, PLR0917 - an exchange has as many parts
    old: Device,
    new: Annotated[str, typer.Argument(help="The device that takes its place.")],
    at: At,
    closing: Shown = None,
    opening: Shown = None,
    evidence: Evidence = "",
    where: Zone = "UTC",
    by: By = "command line",
) -> None:
    """A device takes another's place. What is not written down is taken from the readings around, and flagged."""
    with worker() as engine:
        given = {"closing": _shown(closing), "opening": _shown(opening), "evidence": evidence, "author": by}
        run.exchange(engine, old, new, _time(at, where), now(), **given)  # type: ignore[arg-type]
    typer.echo(f"{new} serves in place of {old} from {at} on")


@component.command("mount")
def mount(
    name: Name,
    place: Annotated[str, typer.Argument(help="asset/position, e.g. T1/front-left.")],
    at: At,
    kind: Annotated[str, typer.Option(help="Of a new component, e.g. tyre.")] = "",
    evidence: Evidence = "",
    where: Zone = "UTC",
    by: By = "command line",
) -> None:
    """A component, which may be new, is at a place from an instant on."""
    with worker() as engine:
        given = {"kind": kind, "evidence": evidence, "author": by}
        run.mount(engine, name, _place(place), _time(at, where), now(), **given)
    typer.echo(f"{name} is at {place} from {at} on")


@component.command("move")
def move(
    places: Annotated[list[str], typer.Argument(help="component=asset/position; several at once may swap places.")],
    at: At,
    evidence: Evidence = "",
    where: Zone = "UTC",
    by: By = "command line",
) -> None:
    """Components change places, all at one instant, e.g. when tyres are rotated."""
    wanted = {name: _place(place) for name, _, place in (one.partition("=") for one in places)}
    with worker() as engine:
        run.move(engine, wanted, _time(at, where), now(), evidence=evidence, author=by)
    for one in places:
        typer.echo(f"{one} from {at} on")


@component.command("remove")
def remove(name: Name, at: At, where: Zone = "UTC", by: By = "command line") -> None:
    """A component leaves its place at an instant."""
    with worker() as engine:
        run.remove(engine, name, _time(at, where), now(), author=by)
    typer.echo(f"{name} is mounted nowhere from {at} on")


@component.command("show")
def show(
    name: Name,
    register: Annotated[str, typer.Option(help="The counter that it follows.")] = "vehicle/odometer",
    start: Annotated[str, typer.Option("--from", help="First instant.")] = "2000-01-01",
    end: Annotated[
        str | None, typer.Option("--to", help="First instant that no longer belongs; now without it.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="As known then.")] = None,
    where: Zone = "UTC",
) -> None:
    """Show where a component was, and what it used there."""
    first, last = _time(start, where), now() if end is None else _time(end, where)
    with worker() as engine, transaction(engine) as connection:
        known = current_knowledge(connection) if as_of is None else knowledge_as_of(connection, _time(as_of, where))
        found = store.used(connection, name, register, start=first, end=last, known=known)
    for one in found:
        shown = from_ticks(one.ticks, resolution=one.resolution, register_unit=one.unit)
        place = f"{one.mounting.asset}/{one.mounting.position}"
        held = f", {one.held} stretches held" if one.held else ""
        typer.echo(f"{place} {one.start:%Y-%m-%dT%H:%M:%SZ} to {one.end:%Y-%m-%dT%H:%M:%SZ}: {shown}{held}")
    if not found:
        raise Problems((Problem(name, "was mounted nowhere in that time", "`asset component mount` says where it is"),))
    units = {(one.unit, one.resolution) for one in found}
    if len(units) == 1:
        ((unit, resolution),) = units
        total = from_ticks(sum(one.ticks for one in found), resolution=resolution, register_unit=unit)
        typer.echo(f"together: {total}")


def _time(text: str, where: str) -> datetime:
    return read_time(text, zone(where))


def _place(text: str) -> tuple[str, str]:
    name, slash, position = text.rpartition("/")
    if not slash or not name or not position:
        raise Problems((Problem(text, "is no place", "write asset/position, e.g. T1/vehicle"),))
    return name, position


def _shown(texts: list[str] | None) -> dict[str, Quantity]:
    found = {}
    for text in texts or ():
        name, sign, value = text.partition("=")
        if not sign:
            raise Problems((Problem(text, "says no value", 'write register=quantity, e.g. "odometer=415890.4 km"'),))
        found[name] = Quantity.parse(value)
    return found
