"""What a hold is worth, on the command line."""

import json
from typing import Annotated, Any

import typer

from api.commands.connection import worker
from api.commands.meter_word import iso
from api.commands.meters import AsJson
from api.stake import Stake, stakes
from core.clock import now
from core.database import transaction
from core.problem import Problem, Problems
from core.store import current_knowledge
from core.units import Quantity
from ingest.store import hold

app = typer.Typer(help="What decisions about meters are worth.", callback=lambda: None)


@app.command("stake")
def stake(
    reference: Annotated[str, typer.Argument(help="The hold, as `meters holds` names it.")],
    bill: Annotated[
        str | None, typer.Option(help='If so much were billed, e.g. "120.3 km"; all that is at stake without it.')
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an open hold is worth: its contracts' periods evaluated as known, and as if it counted."""
    asked = None if bill is None else Quantity.parse(bill)
    with worker() as engine, transaction(engine) as connection:
        known = current_knowledge(connection)
        found = hold.named(connection, hold.read(reference), known)
        if found is None:
            raise Problems((Problem(reference, "is no open hold", "`yardstick meters holds` lists them"),))
        rows = [_row(one) for one in stakes(engine, connection, found, known=known, at=now(), bill=asked)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for one in rows:
        typer.echo(_line(one))
        for line in one["lines"]:
            typer.echo(f"  {line['clause']} {line['asset']}: {line['now']} now, {line['then']} then")
    if not rows:
        typer.echo("no contract prices this counter in a period that has begun")


def _row(one: Stake) -> dict[str, Any]:
    worth = one.worth
    return {
        "contract": one.contract.name,
        "period": worth.due.label,
        "from": iso(worth.due.starts_at),
        "to": iso(worth.due.ends_at),
        "now": str(worth.now),
        "then": str(worth.then),
        "difference": str(worth.difference),
        "carries": worth.carries,
        "lines": [
            {"clause": each.clause, "asset": each.asset, "text": each.text, **_amounts(each.now, each.then)}
            for each in worth.changes
        ],
    }


def _amounts(now_: object | None, then: object | None) -> dict[str, str]:
    return {name: "nothing" if one is None else str(one) for name, one in (("now", now_), ("then", then))}


def _line(one: dict[str, Any]) -> str:
    carried = "; what it carries on differs too" if one["carries"] else ""
    place = f"{one['contract']} {one['period']}"
    return f"{place}: {one['now']} now, {one['then']} then, difference {one['difference']}{carried}"
