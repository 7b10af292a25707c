"""Corrections of readings on the command line."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from api.commands.connection import worker
from api.commands.refusal import stop
from core.clock import now
from core.database import transaction
from ingest.correction import run
from ingest.correction.run import CannotCorrect, Corrected, Wanted
from ingest.store import override
from ingest.store import register as registers

readings = typer.Typer(name="readings")
Register = Annotated[str, typer.Argument(help="Device and register: tcu-nh-01/odometer.")]
At = Annotated[str, typer.Argument(help="The instant of the reading: 2026-06-01T00:00:00Z.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the correction.")]
By = Annotated[str, typer.Option(help="Who does it.")]
SOMEBODY = "command line"


@readings.command("correct", context_settings={"ignore_unknown_options": True})  # -5 is a value
def correct(
    register: Register,
    at: At,
    reason: Reason,
    value: Annotated[
        str | None, typer.Argument(help='What counts instead: "412350.2 km", or the name of a state.')
    ] = None,
    void: Annotated[bool, typer.Option("--void", help="Nothing counts instead.")] = False,
    by: By = SOMEBODY,
) -> None:
    """Let another value count for a reading that stands. What was received stays; earlier knowledge stays as it was."""
    if void == (value is not None):
        stop("give a value, or --void")
    _do(run.correct, Wanted(register, at, value, reason), by)


@readings.command("revert")
def revert(register: Register, at: At, reason: Reason, by: By = SOMEBODY) -> None:
    """Take back the correction that counts: the one before it counts again, or what was received."""
    _do(run.revert, Wanted(register, at, None, reason), by)


@readings.command("corrections")
def corrections(
    device: Annotated[str | None, typer.Option(help="Only this device.")] = None,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")] = 50,
) -> None:
    """List corrections with who made them and why."""
    table = Table("number", "made", "register", "reading of", "counts", "by", "reason", "takes back")
    with worker() as engine, transaction(engine) as connection:
        states = {code: name for name, code in registers.snapshot(connection, now()).states.items()}
        for one in override.newest(connection, device=device, most=most):
            counts = _said(one.value, None if one.kind != "state" else states, one.unit, one.resolution)
            made, of = _short(one.recorded_at), _short(one.at)
            back = str(one.reverts or "-")
            table.add_row(
                str(one.known), made, f"{one.device}/{one.register}", of, counts, one.author, one.reason, back
            )  # fmt: skip
    Console().print(table)


def _do(action: Callable[..., Corrected], wanted: Wanted, by: str) -> None:
    with worker() as engine:
        try:
            with transaction(engine) as connection:
                done = action(connection, now(), wanted, by=by)
                states = {code: name for name, code in registers.snapshot(connection, now()).states.items()}
        except CannotCorrect as error:
            stop(str(error))
    of = done.register
    before, after = (
        _said(ticks, states if of.kind == "state" else None, of.unit, of.resolution)
        for ticks in (done.before, done.after)
    )
    if done.known is None:
        typer.echo(f"{wanted.register} at {wanted.at} counts as {after} already; nothing was changed")
    else:
        typer.echo(f"{wanted.register} at {wanted.at} counted as {before}, and from number {done.known} on as {after}")


def _said(ticks: int | None, states: dict[int, str] | None, unit: str, resolution: Decimal) -> str:
    if ticks is None:
        return "void"
    return states.get(ticks, str(ticks)) if states is not None else f"{ticks * resolution:f} {unit}"


def _short(at: datetime | None) -> str:
    return "-" if at is None else at.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
