"""`yardstick bill`: payments, who is late with them, reminders and what is disputed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.commands.bill_word import By, Entity, Reason, database, person, refuse
from billing.dunning import as_text
from billing.payments import run as payments
from billing.reminders import run as reminders
from core import clock

app = typer.Typer()
Name = Annotated[str, typer.Argument(help="The invoice, by number or id (inv_…).")]


@app.command()
def pay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A camt.053 statement.")],
    entity: Entity,
    by: By,
) -> None:
    """Take in a bank statement: book its credits and the invoices that they pay. Read twice, it books once."""
    with database() as engine:
        found = payments.take_in(engine, file.read_bytes(), entity=entity, at=clock.now(), by=person(by))
    for item in found:
        if isinstance(item, payments.Taken):
            paid = ", ".join(f"{number} {amount}" for number, amount in item.match.paid) if item.match else ""
            typer.echo(f"{item.credit.key} {item.credit.amount}: {paid or ('unmatched' if item.new else 'known')}")
        else:
            raise refuse([item])


@app.command("unpay")
def take_back(
    key: Annotated[str, typer.Argument(help="The payment, as `bill pay` names it.")],
    entity: Entity,
    reason: Reason,
    by: By,
) -> None:
    """Take a payment back because the bank returned it: its invoices are open again, and the money is gone."""
    with database() as engine:
        count = payments.take_back(engine, key, entity=entity, reason=reason, at=clock.now(), by=person(by))
    typer.echo(f"{count} invoices are open again")


@app.command()
def unmatch(
    key: Annotated[str, typer.Argument(help="The payment, as `bill pay` names it.")],
    entity: Entity,
    reason: Reason,
    by: By,
) -> None:
    """A payment was matched wrongly: its invoices are open again, and the money waits for `bill match`."""
    with database() as engine:
        count = payments.unmatch(engine, key, entity=entity, reason=reason, at=clock.now(), by=person(by))
    typer.echo(f"{count} invoices are open again")


@app.command()
def match(
    key: Annotated[str, typer.Argument(help="The payment, as `bill unmatched` names it.")],
    numbers: Annotated[list[str], typer.Argument(help="Invoices and letters that it pays, in this order.")],
    entity: Entity,
    by: By,
) -> None:
    """Say what the rest of a payment pays, each document as far as it goes."""
    with database() as engine:
        found = payments.assign(engine, key, numbers, entity=entity, at=clock.now(), by=person(by))
    typer.echo(f"{key}: {', '.join(f'{number} {amount}' for number, amount in found.paid)}; left {found.rest}")


@app.command()
def unmatched(entity: Entity) -> None:
    """List what is left of payments, and invoices for which more was paid than is owed."""
    with database() as engine:
        rests, overpaid = payments.unmatched(engine, entity=entity)
    for rest in rests:
        typer.echo(f"{rest.key} of {rest.received_on}: {rest.left} from {rest.payer or 'unknown'}: {rest.text}")
    for number, payer, over in overpaid:
        typer.echo(f"{number}: {over} too much from {payer}; `bill unmatch` its payment to use it elsewhere")


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
    approved_by: Annotated[str, typer.Option(help="Who approves the letters: somebody else.")] = "",
    preview: Annotated[bool, typer.Option("--preview", help="Show the letters that are due; save nothing.")] = False,
) -> None:
    """Remind late payers, as the seller's dunning procedure says."""
    with database() as engine:
        if preview or not approved_by:
            letters = tuple(
                item.document | {"id": "–"} for item in reminders.preview(engine, entity=entity, at=clock.now())
            )
        else:
            people = {"by": person(by), "approved_by": person(approved_by)}
            letters = reminders.send(engine, entity=entity, at=clock.now(), **people)
    for letter in letters:
        typer.echo(as_text(letter))
    typer.echo(f"{len(letters)} letters {'are due' if preview or not approved_by else 'issued'}")
    if not preview and not approved_by:
        typer.echo("nothing was issued: name who approves them with --approved-by", err=True)
        raise typer.Exit(1)


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
