"""`yardstick bill`: payments, what the bank returns, and what was paid too much."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from api.commands.bill_propose import told
from api.commands.bill_word import By, Entity, Reason, database, person, refuse
from billing.balances import run as balances
from billing.camt import Credit, payable
from billing.payments import run as payments
from billing.proposals import run as proposals
from core import clock

app = typer.Typer()
Key = Annotated[str, typer.Argument(help="The payment, as `bill pay` names it.")]
Source = Annotated[str, typer.Argument(help="A payment by its key, or an invoice by its number: see `bill unmatched`.")]


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
        elif isinstance(item, payments.Returned):
            typer.echo(_returned(item))
        else:
            raise refuse([item])


def _returned(done: payments.Returned) -> str:
    item = done.item
    said = f"returns {done.payment}, {done.reopened} invoices are open again" if done.payment else "unmatched"
    fee = f" and a fee of {item.fee}" if item.fee else ""
    code = f" {item.reason}" if item.reason else ""
    return f"{item.key} -{item.amount}{fee}{code}: {said if done.new else 'known'}"


@app.command()
def receive(
    key: Annotated[str, typer.Argument(help="What names it; a key counts once.")],
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"])],
    amount: Annotated[str, typer.Argument(help="E.g. '100.00 EUR'.")],
    entity: Entity,
    by: By,
    payer: Annotated[str, typer.Option(help="Who paid.")] = "",
    text: Annotated[str, typer.Option(help="What the payer wrote: numbers of invoices, references.")] = "",
) -> None:
    """Record a payment by hand, as `bill pay` does from a statement."""
    with database() as engine:
        credit = Credit(key, day.date(), payable(amount), payer, text)
        done = payments.record(engine, credit, entity=entity, at=clock.now(), by=person(by))
    paid = ", ".join(f"{number} {part}" for number, part in done.match.paid) if done.match else ""
    typer.echo(f"{done.credit.key} {done.credit.amount}: {paid or ('unmatched' if done.new else 'known')}")


@app.command("unpay")
def take_back(
    key: Key,
    entity: Entity,
    reason: Reason,
    by: By,
    returned: Annotated[str | None, typer.Option(help="The return of it that waits: see `bill unmatched`.")] = None,
) -> None:
    """Take a payment back because the bank returned it: its invoices are open again, and the money is gone."""
    with database() as engine:
        given = {"entity": entity, "reason": reason, "by": person(by)}
        count = payments.take_back(engine, key, at=clock.now(), returned=returned, **given)
    typer.echo(f"{count} invoices are open again")


@app.command()
def unmatch(source: Source, entity: Entity, reason: Reason, by: By) -> None:
    """A payment was matched wrongly, or an invoice's balance: what it paid is open again, and the money waits."""
    with database() as engine:
        count = balances.take_back(engine, source, entity=entity, reason=reason, at=clock.now(), by=person(by))
    typer.echo(f"{count} invoices are open again")


@app.command()
def match(
    source: Source,
    numbers: Annotated[list[str], typer.Argument(help="Invoices and letters that it pays, in this order.")],
    entity: Entity,
    by: By,
) -> None:
    """Say what the rest of a payment, or what was paid too much of an invoice, pays; each as far as it goes."""
    with database() as engine:
        found = balances.apply(engine, source, numbers, entity=entity, at=clock.now(), by=person(by))
    typer.echo(f"{source}: {', '.join(f'{number} {amount}' for number, amount in found.paid)}; left {found.rest}")


@app.command()
def refund(
    source: Source,
    entity: Entity,
    reason: Reason,
    by: By,
    amount: Annotated[str | None, typer.Option(help="E.g. 100.00; none: all that is left.")] = None,
) -> None:
    """Propose to send back what was paid too much; somebody else approves it with `bill approve`, which books it."""
    with database() as engine:
        given = {"entity": entity, "reason": reason, "by": person(by)}
        told(proposals.propose_refund(engine, source, amount, at=clock.now(), **given))


@app.command()
def unmatched(entity: Entity) -> None:
    """List what is left of payments, what was paid too much of invoices, and returns of unknown payments."""
    with database() as engine:
        found, returns = balances.listed(engine, entity=entity), payments.waiting(engine, entity=entity)
    for item in found:
        if item.kind == "payment":
            typer.echo(f"{item.name} of {item.since}: {item.left} from {item.payer or 'unknown'}: {item.text}")
        else:
            typer.echo(f"{item.name}: {item.left} too much from {item.payer}; use `bill match` or `bill refund`")
    for one in returns:
        words = " ".join(part for part in (one.reason, one.end_to_end, one.text) if part)
        typer.echo(f"{one.key} of {one.returned_on}: -{one.amount} {words}; `bill unpay PAYMENT --returned {one.key}`")
