"""`yardstick bill`: set up who sells and who is billed; run, approve and issue; show."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import Engine

from api.commands.bill_view import invoice_view, run_view
from api.commands.connection import worker
from billing import run as billing
from billing.books import run as books
from billing.payments import run as payments
from billing.state import NotPossible
from billing.store.run import AlreadyOpen
from core import clock
from core.time import NotAPeriod

app = typer.Typer(no_args_is_help=True, help="Bill a period: run, approve, issue, show.")
By = Annotated[str, typer.Option(help="Who does it.", default_factory=getpass.getuser)]
Run = Annotated[str, typer.Argument(help="The run, run_…")]
Entity = Annotated[str, typer.Option(help="The seller, as set up.")]
Period = Annotated[str, typer.Option(help="E.g. 2026-06, 2026-Q2 or 2026.")]
REFUSALS = (
    billing.NoSuchEntity,
    billing.NoSuchRun,
    billing.NoSuchInvoice,
    billing.SamePerson,
    billing.HashChanged,
    billing.NotReady,
    billing.NotCreditable,
    billing.NotReconciled,
    NotPossible,
    AlreadyOpen,
    NotAPeriod,
)


class Form(Enum):
    """How a journal is written."""

    csv = "csv"
    beancount = "beancount"


@app.command()
def setup(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], by: By) -> None:
    """Set up sellers and debtors from a YAML file; again to correct them."""
    with _database() as engine:
        found = billing.set_up(engine, file.read_bytes(), at=clock.now(), by=_person(by))
    if isinstance(found, tuple):
        for problem in found:
            typer.echo(str(problem), err=True)
        raise typer.Exit(1)
    typer.echo(f"set up {len(found.entities)} sellers, {len(found.accounts)} debtors")


@app.command()
def run(entity: Entity, period: Period, by: By) -> None:
    """Draw up drafts of all contracts whose period is closed; they wait for approval by somebody else."""
    with _database() as engine:
        done = billing.bill_period(engine, entity=entity, label=period, at=clock.now(), by=_person(by))
    Console().print(run_view(done))


@app.command()
def recalculate(run: Run, by: By) -> None:
    """Draw up the drafts anew, as known now; an approval is void then."""
    with _database() as engine:
        billing.collect(engine, run, at=clock.now(), by=_person(by))
        done = billing.calculate(engine, run, at=clock.now(), by=_person(by))
    Console().print(run_view(done))


@app.command()
def preview(run: Run, contract: Annotated[str, typer.Argument(help="E.g. C-2041.")]) -> None:
    """Show one draft of a run."""
    with _database() as engine:
        document = billing.preview(engine, run, contract)
    if document is None:
        typer.echo(f"run {run} has no draft for contract {contract}", err=True)
        raise typer.Exit(1)
    Console().print(invoice_view(document))


@app.command()
def exclude(run: Run, contract: str, reason: Annotated[str, typer.Option(help="Why.")], by: By) -> None:
    """Leave a contract out of a run."""
    with _database() as engine:
        billing.exclude(engine, run, contract, reason=reason, at=clock.now(), by=_person(by))


@app.command()
def override(
    run: Run,
    contract: str,
    code: Annotated[str, typer.Option(help="Of the finding.")],
    reason: Annotated[str, typer.Option(help="Why it does not stand in the way.")],
    by: By,
) -> None:
    """Let a blocked draft through, with a reason; somebody else approves the run."""
    with _database() as engine:
        billing.override(engine, run, contract, code=code, reason=reason, at=clock.now(), by=_person(by))


@app.command()
def diff(run: Run, before: int, after: int) -> None:
    """Show what changed between two revisions of a run."""
    with _database() as engine:
        for change in billing.diff(engine, run, before, after):
            typer.echo(f"{change.contract}, {change.text}: {change.before} -> {change.after}")


@app.command()
def reconcile(run: Run) -> None:
    """Show the numbers that must be equal; ends with an error where two are not."""
    with _database() as engine:
        pairs = billing.reconcile(engine, run)
    for pair in pairs:
        typer.echo(str(pair))
    if not all(pair.agrees for pair in pairs):
        raise typer.Exit(1)


@app.command()
def approve(
    run: Run,
    by: By,
    hash: Annotated[str | None, typer.Option(help="Of the drafts you looked at.")] = None,  # noqa: A002
) -> None:
    """Approve a run: somebody else than who created it."""
    with _database() as engine:
        billing.approve(engine, run, at=clock.now(), by=_person(by), hash=hash)
        typer.echo(f"approved {billing.summary(engine, run, documents=False, most=0).run.hash}")


@app.command()
def issue(run: Run, by: By) -> None:
    """Make invoices of an approved run; goes on where it was interrupted."""
    with _database() as engine:
        count = billing.issue(engine, run, at=clock.now(), by=_person(by))
    typer.echo(f"issued {count} invoices")


@app.command()
def correct(
    name: Annotated[str, typer.Argument(help="The invoice, by number or id (inv_…).")],
    reason: Annotated[str, typer.Option(help="What was wrong.")],
    by: By,
    approved_by: Annotated[str, typer.Option(help="Who approves it: somebody else.")],
) -> None:
    """Credit an invoice that was issued in error, in full; its period may be billed anew then."""
    with _database() as engine:
        people = {"by": _person(by), "approved_by": _person(approved_by)}
        number = billing.credit(engine, name, reason=reason, at=clock.now(), **people)
    typer.echo(f"issued credit note {number}")


@app.command()
def accrue(entity: Entity, period: Period, by: By) -> None:
    """Book what is delivered and not invoiced on the period's last day, and take it back on the next."""
    with _database() as engine:
        count = books.accrue(engine, entity=entity, label=period, at=clock.now(), by=_person(by))
    typer.echo(f"accrued {count} contracts")


@app.command()
def close(entity: Entity, until: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"])], by: By) -> None:
    """Close the books up to and including a day; nothing opens them again."""
    with _database() as engine:
        books.close_books(engine, entity=entity, until=until.date(), at=clock.now(), by=_person(by))


@app.command()
def export(
    entity: Entity,
    start: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="First day.")],
    end: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The day after the last.")],
    form: Annotated[Form, typer.Option("--as", help="The format.")] = Form.csv,
) -> None:
    """Write the journal of these days to the output."""
    with _database() as engine:
        text = books.journal(engine, entity=entity, start=start.date(), end=end.date(), form=form.value)
    typer.echo(text, nl=False)


@app.command()
def pay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A camt.053 statement.")],
    entity: Entity,
    by: By,
) -> None:
    """Take in a bank statement: book its credits and the invoices that they pay. Read twice, it books once."""
    with _database() as engine:
        found = payments.take_in(engine, file.read_bytes(), entity=entity, at=clock.now(), by=_person(by))
    for item in found:
        if isinstance(item, payments.Taken):
            paid = ", ".join(f"{number} {amount}" for number, amount in item.match.paid) if item.match else ""
            typer.echo(f"{item.credit.key} {item.credit.amount}: {paid or ('unmatched' if item.new else 'known')}")
        else:
            typer.echo(str(item), err=True)
            raise typer.Exit(1)


@app.command()
def overdue(entity: Entity) -> None:
    """List invoices whose due date is over, the oldest first."""
    with _database() as engine:
        for item in payments.overdue(engine, entity=entity, at=clock.now()):
            typer.echo(f"{item.owed.number} due {item.due_date}: {item.owed.left} of {item.owed.payer}")


@app.command()
def show(name: Annotated[str, typer.Argument(help="A run (run_…), or an invoice by number or id (inv_…).")]) -> None:
    """Show a run or an invoice."""
    with _database() as engine:
        if name.startswith("run_"):
            Console().print(run_view(billing.summary(engine, name, documents=False)))
        else:
            Console().print(invoice_view(billing.invoice(engine, name)))


@contextmanager
def _database() -> Iterator[Engine]:
    """The database; what it refuses is said in one line and ends the command."""
    with worker() as engine:
        try:
            yield engine
        except REFUSALS as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None


def _person(name: str) -> str:
    return f"person:{name}"
