"""What the commands of `yardstick bill` share: their words, the database, and what it refuses said in one line."""

import getpass
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.commands.connection import worker
from billing import run as billing
from billing.books.run import NotOver
from billing.camt import Unreadable
from billing.credits import run as credits_
from billing.late_interest import NoBaseRate
from billing.payments.run import NothingLeft, NothingSettled, NotOwed
from billing.proposals import run as proposals
from billing.reminders import run as reminders
from billing.state import NotPossible
from billing.store.ledger import CLOSED
from billing.store.run import AlreadyOpen, NoSuchRun
from core.problem import Problem
from core.time import NotAPeriod

By = Annotated[str, typer.Option(help="Who does it.", default_factory=getpass.getuser)]
ApprovedBy = Annotated[
    str, typer.Option(help="Who approves it: somebody else. Empty: it is proposed, for `bill approve prp_…`.")
]
Run = Annotated[str, typer.Argument(help="The run, run_…")]
Entity = Annotated[str, typer.Option(help="The seller, as set up.")]
Period = Annotated[str, typer.Option(help="E.g. 2026-06, 2026-Q2 or 2026.")]
Reason = Annotated[str, typer.Option(help="Why.")]
REFUSALS = (
    billing.NoSuchEntity,
    NoSuchRun,
    billing.NoSuchInvoice,
    billing.SamePerson,
    billing.HashChanged,
    billing.NotReady,
    credits_.NotCreditable,
    billing.NotReconciled,
    proposals.NoSuchProposal,
    proposals.AlreadyProposed,
    proposals.NotOpen,
    reminders.NoProcedure,
    reminders.NothingDue,
    reminders.NothingThere,
    reminders.ContestedTooLate,
    NoBaseRate,
    NothingLeft,
    Unreadable,
    NothingSettled,
    NotOver,
    NotOwed,
    NotPossible,
    AlreadyOpen,
    NotAPeriod,
)


@contextmanager
def database() -> Iterator[Engine]:
    """The database; what it refuses is said in one line and ends the command."""
    with worker() as engine:
        try:
            yield engine
        except REFUSALS as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", "") != CLOSED:
                raise
            typer.echo(str(error.orig).partition("\n")[0], err=True)
            raise typer.Exit(1) from None


def person(name: str) -> str:
    """As the audit knows people."""
    return f"person:{name}"


def refuse(problems: Iterable[Problem]) -> typer.Exit:
    """Say every problem; the command ends with an error."""
    for problem in problems:
        typer.echo(str(problem), err=True)
    return typer.Exit(1)
