"""The quarantine as a work list on the command line."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine

from api.commands.connection import worker
from api.commands.refusal import stop
from core.clock import now
from core.database import transaction
from core.time import instant
from ingest.reason import SENTENCE, Reason
from ingest.review import run
from ingest.review.item import FIELDS, Ruling, read_again
from ingest.store import register, review
from ingest.store.review import Open

quarantine = typer.Typer(name="quarantine")
Reference = Annotated[str, typer.Argument(help="An item, as `groups` and `show` name it: 3fa9c0d1e2b47a55:0.")]
Note = Annotated[str, typer.Option(help="Why; kept with the action.")]
By = Annotated[str, typer.Option(help="Who does it.")]
SOMEBODY = "command line"


@quarantine.command("groups")
def groups() -> None:
    """Group what nobody has dealt with by reason and device, with a sample of each."""
    table = Table("reason", "device", "items", "since", "last", "sample", "its detail")
    with worker() as engine, transaction(engine) as connection:
        for one in review.groups(connection):
            times = (at.isoformat(sep=" ", timespec="minutes") for at in (one.first_at, one.last_at))
            table.add_row(one.reason, one.device, str(one.items), *times, one.sample, one.detail)
    Console().print(table)


@quarantine.command("show")
def show(reference: Reference) -> None:
    """Show an item with its payload, and the readings on both sides of it if it can be read."""
    with worker() as engine, transaction(engine) as connection:
        entry = _one(connection, reference)
        typer.echo(f"{entry.reference}  {entry.topic}  received {entry.received_at.isoformat(sep=' ')}")
        typer.echo(f"{entry.reason}: {entry.detail}. {SENTENCE[Reason(entry.reason)]}")
        for name, value in [("content type", entry.content_type), *map(tuple, entry.properties)]:
            if value:
                typer.echo(f"{name}: {value}")
        typer.echo(entry.payload[:2000].decode("utf-8", "backslashreplace"))
        for line in _neighbours(connection, entry):
            typer.echo(line)


def _neighbours(connection: Connection, entry: Open) -> list[str]:
    """Readings around the item, in ticks, and where it would stand among them."""
    registry = register.snapshot(connection, now())
    ruling = Ruling("release", SOMEBODY, "", {})
    rows = read_again(run.arrival_of(entry), entry.item, entry.device, registry=registry, ruling=ruling).rows
    if not rows:
        return []
    _, register_id, at, ticks, *_ = rows[0]
    around = [(when, value, "") for when, value in review.neighbours(connection, register_id, instant(at))]
    lines = sorted([*around, (instant(at), ticks, "  <- this item")])
    return [f"{when.isoformat(sep=' ')}  {value} ticks{mark}" for when, value, mark in lines]


@quarantine.command("release")
def release(reference: Reference, note: Note, by: By = SOMEBODY) -> None:
    """Accept an item as it is, in spite of window, range or conflict; it then counts instead of what stood there."""
    with worker() as engine:
        _settle(engine, reference, Ruling("release", by, note, {}))


@quarantine.command("reject")
def reject(reference: Reference, note: Note, by: By = SOMEBODY) -> None:
    """Take an item off the list for good; its evidence stays."""
    with worker() as engine:
        _settle(engine, reference, Ruling("reject", by, note, {}))


@quarantine.command("correct")
def correct(
    reference: Reference,
    fields: Annotated[list[str], typer.Argument(help="What was meant: value=412350.2 unit=km at=… register=…")],
    note: Note,
    by: By = SOMEBODY,
) -> None:
    """Store what the device meant; where another value stands already, this one counts from now on."""
    changes = dict(field.partition("=")[::2] for field in fields)
    if wrong := sorted(set(changes) - set(FIELDS)):
        stop(f"{wrong[0]} is no field of a reading; there are {', '.join(FIELDS)}, written as value=412350.2")
    with worker() as engine:
        _settle(engine, reference, Ruling("correct", by, note, changes))


@quarantine.command("replay")
def replay(
    note: Note = "rules or registrations changed",
    reason: Annotated[Reason | None, typer.Option(help="Only this reason.")] = None,
    device: Annotated[str | None, typer.Option(help="Only this device.")] = None,
    do_it: Annotated[bool, typer.Option("--apply", help="Do it; else it is only said what would happen.")] = False,
    by: By = SOMEBODY,
) -> None:
    """Judge open items again by the rules and registrations of today. A dry run, unless --apply is given."""
    with worker() as engine:
        ruling = Ruling("replay", by, note, {})
        found = run.replay(engine, now(), ruling=ruling, reason=reason and reason.value, device=device, dry=not do_it)
    _tell(found, "" if do_it else "would be ")


def _settle(engine: Engine, reference: str, ruling: Ruling) -> None:
    with transaction(engine) as connection:
        entry = _one(connection, reference)
    try:
        found = run.settle(engine, [entry], now(), ruling=ruling)
    except run.NoteNeeded as error:
        stop(str(error))
    _tell(found, "")
    raise typer.Exit(1 if found.refused else 0)


def _tell(found: run.Settled, mood: str) -> None:
    typer.echo(
        f"{mood}closed: {found.closed}; stored {found.stored}, duplicate {found.duplicate}, "
        f"corrected {found.overridden}, quarantined anew {found.quarantined}; still refused: {len(found.refused)}"
    )
    for reference, rejected in found.refused[:20]:
        typer.echo(f"{reference}: {rejected.reason.value}: {rejected.detail}")


def _one(connection: Connection, reference: str) -> Open:
    start, _, item = reference.partition(":")
    if not start or not item.lstrip("-").isdecimal():
        stop(f"{reference} is no item; write it as 3fa9c0d1e2b47a55:0")
    found = review.find(connection, reference=reference, most=2)
    if len(found) != 1:
        stop(f"{reference}: {'several open items; write more of the hash' if found else 'no open item has this name'}")
    return found[0]
