"""What commands that record facts have in common: who says it, and what came of it."""

import getpass
from datetime import datetime
from typing import Annotated

import typer

from contracts.stated.run import By
from contracts.store.reporting import Taken
from core import clock
from core.problem import Problem
from core.time import read_time, zone

Author = Annotated[str, typer.Option("--by", help="Who says it, for the audit.", default_factory=getpass.getuser)]
Reason = Annotated[str, typer.Option("--reason", help="Why, and by what evidence.")]
At = Annotated[str | None, typer.Option("--at", help="When, in UTC or with an offset; by default now.")]


def by_whom(by: str, reason: str) -> By:
    """Who says it now."""
    return By(f"person:{by}", reason, clock.now())


def at_or_now(at: str | None) -> datetime:
    """The instant that was given; without an offset it is UTC. Raises NotATime."""
    return clock.now() if at is None else read_time(at, zone("UTC"))


def say(found: Taken | tuple[Problem, ...]) -> None:
    """Print what was recorded; exit 1 with every problem if nothing was."""
    if not isinstance(found, Taken):
        for problem in found:
            typer.echo(str(problem), err=True)
        typer.echo("nothing was saved", err=True)
        raise typer.Exit(1)
    for kind, ids in found.facts.items():
        typer.echo(f"{found.contract}: {kind} {', '.join(ids)}")
    if not found.facts:
        typer.echo(f"{found.contract}: nothing new")
    if found.left:
        typer.echo(f"{found.left} readings, exchanges and estimates were left out: those are of devices", err=True)
