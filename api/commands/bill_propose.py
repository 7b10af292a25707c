"""`yardstick bill`: what one person proposes and another decides: credit notes, letters, refunds."""

import json
from typing import Annotated

import typer

from api.commands.bill_word import ApprovedBy, By, Entity, Reason, database, person
from billing.credits import run as credits_
from billing.proposal import Proposal, State
from billing.proposals import run as proposals
from core import clock

app = typer.Typer()


def told(one: Proposal) -> None:
    """A proposal in one line: what, why, who, and how it stands."""
    detail, outcome = (
        ", ".join(f"{name} {_text(value)}" for name, value in x.items()) for x in (one.detail, one.outcome)
    )
    typer.echo(f"{one.public_id} {one.state}: {one.kind.replace('_', ' ')}, {detail}: {one.reason} ({one.by})")
    if one.decided_by:
        typer.echo(f"  {one.state} by {one.decided_by}: {outcome or one.answer}")
    elif one.state == "open":
        typer.echo(f"  another person: `bill approve {one.public_id}` until {one.expires_at:%Y-%m-%d %H:%M} UTC")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@app.command()
def correct(
    name: Annotated[str, typer.Argument(help="The invoice, by number or id (inv_…).")],
    reason: Annotated[str, typer.Option(help="What was wrong.")],
    by: By,
    approved_by: ApprovedBy = "",
) -> None:
    """Credit an invoice that was issued in error, in full; its period may be billed anew then."""
    with database() as engine:
        given = {"reason": reason, "by": person(by)}
        if approved_by:
            number = credits_.credit(engine, name, at=clock.now(), approved_by=person(approved_by), **given)
            typer.echo(f"issued credit note {number}")
        else:
            told(proposals.propose_credit(engine, name, at=clock.now(), **given))


@app.command("proposals")
def index(
    entity: Entity, state: Annotated[State | None, typer.Option(help="Only those that stand so.")] = None
) -> None:
    """List what was proposed, the newest first: credit notes, letters, refunds."""
    with database() as engine:
        for one in proposals.listed(engine, entity=entity, at=clock.now(), state=state):
            told(one)


@app.command()
def decline(name: Annotated[str, typer.Argument(help="The proposal, prp_…")], reason: Reason, by: By) -> None:
    """Say no to a proposal, or take one's own back."""
    with database() as engine:
        told(proposals.decline(engine, name, reason=reason, at=clock.now(), by=person(by)))
