"""`yardstick bill`: set up who sells and who is billed; run, approve and issue; show."""

from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.commands import bill_cost, bill_late, bill_pay, bill_propose
from api.commands.bill_propose import told
from api.commands.bill_view import invoice_view, run_view
from api.commands.bill_word import By, Entity, Period, Reason, Run, database, person, refuse
from billing import run as billing
from billing.books import run as books
from billing.proposals import run as proposals
from billing.reminders import run as reminders
from billing.state import DraftState
from core import clock
from core.garbage import collect_rarely
from core.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Bill a period: run, approve, issue, show.")
app.add_typer(bill_pay.app)
app.add_typer(bill_late.app)
app.add_typer(bill_propose.app)
app.add_typer(bill_cost.app)


class Form(Enum):
    """How a journal is written."""

    csv = "csv"
    beancount = "beancount"


@app.command()
def setup(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], by: By) -> None:
    """Set up sellers and debtors from a YAML file; again to correct them."""
    with database() as engine:
        found = billing.set_up(engine, file.read_bytes(), at=clock.now(), by=person(by))
    if isinstance(found, tuple):
        raise refuse(found)
    typer.echo(f"set up {len(found.entities)} sellers, {len(found.accounts)} debtors")


@app.command()
def run(entity: Entity, period: Period, by: By) -> None:
    """Draw up drafts of all contracts whose period is closed; they wait for approval by somebody else."""
    collect_rarely()
    with database() as engine:
        done = billing.bill_period(
            engine, entity=entity, label=period, at=clock.now(), by=person(by), workers=Settings().workers
        )
    Console().print(run_view(done))


@app.command()
def recalculate(run: Run, by: By) -> None:
    """Draw up the drafts anew, as known now; an approval is void then. Or go on where it was interrupted."""
    collect_rarely()
    with database() as engine:
        if billing.summary(engine, run, documents=False, most=0).run.state != "collecting":
            billing.collect(engine, run, at=clock.now(), by=person(by))
        done = billing.calculate(engine, run, at=clock.now(), by=person(by), workers=Settings().workers)
    Console().print(run_view(done))


@app.command()
def preview(
    run: Run,
    contract: Annotated[str, typer.Argument(help="E.g. C-2041; none: all drafts of the run.")] = "",
    state: Annotated[DraftState | None, typer.Option(help="Without a contract: only drafts in this state.")] = None,
) -> None:
    """Show one draft of a run, why it is left out or waits, and why it stands apart; or list its drafts."""
    with database() as engine:
        if not contract:
            Console().print(run_view(billing.summary(engine, run, documents=False, state=state), state))
            return
        document, remarks = billing.preview(engine, run, contract), billing.remarks(engine, run, contract)
    if document is None and not remarks:
        typer.echo(f"run {run} has no draft for contract {contract}", err=True)
        raise typer.Exit(1)
    if document is not None:
        Console().print(invoice_view(document))
    for remark in remarks:
        typer.echo(remark)


@app.command()
def exclude(run: Run, contract: str, reason: Reason, by: By) -> None:
    """Leave a contract out of a run."""
    with database() as engine:
        billing.exclude(engine, run, contract, reason=reason, at=clock.now(), by=person(by))


@app.command()
def override(
    run: Run,
    contract: str,
    code: Annotated[str, typer.Option(help="Of the finding.")],
    reason: Annotated[str, typer.Option(help="Why it does not stand in the way.")],
    by: By,
) -> None:
    """Let a blocked draft through, with a reason; somebody else approves the run."""
    with database() as engine:
        billing.override(engine, run, contract, code=code, reason=reason, at=clock.now(), by=person(by))


@app.command()
def diff(run: Run, before: int, after: int) -> None:
    """Show what changed between two revisions of a run."""
    with database() as engine:
        for change in billing.diff(engine, run, before, after):
            typer.echo(f"{change.contract}, {change.text}: {change.before} -> {change.after}")


@app.command()
def reconcile(run: Run) -> None:
    """Show the numbers that must be equal; ends with an error where two are not."""
    with database() as engine:
        pairs = billing.reconcile(engine, run)
    for pair in pairs:
        typer.echo(str(pair))
    if not all(pair.agrees for pair in pairs):
        raise typer.Exit(1)


@app.command()
def approve(
    name: Annotated[str, typer.Argument(help="A run (run_…) or a proposal (prp_…).")],
    by: By,
    hash: Annotated[str | None, typer.Option(help="Of the drafts you looked at.")] = None,  # noqa: A002
) -> None:
    """Approve a run, or a proposal of a credit note, letters or a refund: somebody else than who made it."""
    with database() as engine:
        if name.startswith("prp_"):
            told(proposals.approve(engine, name, at=clock.now(), by=person(by)))
            return
        billing.approve(engine, name, at=clock.now(), by=person(by), hash=hash)
        typer.echo(f"approved {billing.summary(engine, name, documents=False, most=0).run.hash}")


@app.command()
def issue(run: Run, by: By) -> None:
    """Make invoices of an approved run; goes on where it was interrupted."""
    with database() as engine:
        count = billing.issue(engine, run, at=clock.now(), by=person(by), workers=Settings().workers)
    typer.echo(f"issued {count} invoices")


@app.command()
def cancel(run: Run, by: By) -> None:
    """Give a run up before anything of it is issued; its period may have another one then."""
    with database() as engine:
        billing.cancel(engine, run, at=clock.now(), by=person(by))


@app.command()
def accrue(entity: Entity, period: Period, by: By) -> None:
    """Book what is delivered and not invoiced on the period's last day, and take it back on the next."""
    with database() as engine:
        count = books.accrue(engine, entity=entity, label=period, at=clock.now(), by=person(by))
    typer.echo(f"accrued {count} contracts")


@app.command()
def close(entity: Entity, until: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"])], by: By) -> None:
    """Close the books up to and including a day; nothing opens them again."""
    with database() as engine:
        books.close_books(engine, entity=entity, until=until.date(), at=clock.now(), by=person(by))


@app.command()
def export(
    entity: Entity,
    start: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="First day.")],
    end: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The day after the last.")],
    form: Annotated[Form, typer.Option("--as", help="The format.")] = Form.csv,
) -> None:
    """Write the journal of these days to the output."""
    with database() as engine:
        text = books.journal(engine, entity=entity, start=start.date(), end=end.date(), form=form.value)
    typer.echo(text, nl=False)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A run (run_…), or an invoice by number or id (inv_…).")]) -> None:
    """Show a run, or an invoice and what of it is disputed."""
    with database() as engine:
        if name.startswith("run_"):
            Console().print(run_view(billing.summary(engine, name, documents=False)))
        else:
            Console().print(invoice_view(billing.invoice(engine, name)))
            for words in reminders.held(engine, name):
                typer.echo(words)
