"""`yardstick bill`: who is late with payments, reminders and what is disputed."""

import json
from typing import Annotated, Any

import typer

from api.commands.bill_propose import told
from api.commands.bill_word import ApprovedBy, By, Entity, Reason, database, person
from billing.dunning import as_text
from billing.payments import run as payments
from billing.proposals import run as proposals
from billing.reminders import run as reminders
from core import clock

app = typer.Typer()
Name = Annotated[str, typer.Argument(help="The invoice, by number or id (inv_…).")]


@app.command()
def overdue(entity: Entity) -> None:
    """List invoices whose due date is over, the oldest first."""
    with database() as engine:
        for item in payments.overdue(engine, entity=entity, at=clock.now()):
            typer.echo(f"{item.owed.number} due {item.due_date}: {item.owed.left} of {item.owed.payer}")


@app.command()
def dun(
    entity: Entity,
    by: By,
    approved_by: ApprovedBy = "",
    preview: Annotated[bool, typer.Option("--preview", help="Show the letters that are due; save nothing.")] = False,
) -> None:
    """Remind late payers, as the seller's dunning procedure says."""
    with database() as engine:
        given: Any = {"entity": entity, "at": clock.now()}
        if preview or not approved_by:
            letters = tuple(item.document | {"id": "–"} for item in reminders.preview(engine, **given))
        else:
            letters = reminders.send(engine, **given, by=person(by), approved_by=person(approved_by))
        for letter in letters:
            typer.echo(as_text(letter))
        typer.echo(f"{len(letters)} letters {'are due' if preview or not approved_by else 'issued'}")
        if letters and not preview and not approved_by:
            told(proposals.propose_letters(engine, **given, reason="they are due", by=person(by)))


@app.command()
def letter(
    name: Annotated[str, typer.Argument(help="The letter, dun_…")],
    as_json: Annotated[bool, typer.Option("--json", help="The document as JSON.")] = False,
) -> None:
    """Show a dunning letter."""
    with database() as engine:
        found = reminders.letter(engine, name)
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False) if as_json else as_text(found))


@app.command()
def undun(name: Annotated[str, typer.Argument(help="The letter, dun_…")], reason: Reason, by: By) -> None:
    """Take a dunning letter back: its invoices stand where they stood before it."""
    with database() as engine:
        reminders.withdraw(engine, name, reason=reason, at=clock.now(), by=person(by))


@app.command()
def block(
    name: Name,
    reason: Reason,
    by: By,
    line: Annotated[int | None, typer.Option(help="Only this line of it.")] = None,
) -> None:
    """Remind nobody of an invoice, or of a line of it, while it is disputed."""
    with database() as engine:
        found = reminders.block(engine, name, line=line, reason=reason, at=clock.now(), by=person(by))
    typer.echo(f"blocked by {found}")


@app.command()
def release(name: Annotated[str, typer.Argument(help="The block, blk_…")], reason: Reason, by: By) -> None:
    """End a block."""
    with database() as engine:
        reminders.release(engine, name, reason=reason, at=clock.now(), by=person(by))
