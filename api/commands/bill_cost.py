"""`yardstick bill`: exchange rates, what serving contracts costs, and what is left of their revenue."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.commands.bill_view import margin_view
from api.commands.bill_word import By, Entity, Period, database, person, refuse
from billing.costs import run as costs
from billing.margin import by_contract
from billing.rates import run as exchange
from core import clock

app = typer.Typer()
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]


@app.command()
def rates(file: File, by: By) -> None:
    """Take in exchange rates from a file of the European Central Bank (eurofxref)."""
    with database() as engine:
        found = exchange.take_in(engine, file.read_bytes(), at=clock.now(), by=person(by))
    if isinstance(found, tuple):
        raise refuse(found)
    typer.echo(f"{found} new rates")


@app.command()
def cost(file: File, entity: Entity, by: By) -> None:
    """Take in what serving contracts cost: CSV with key,contract,asset,kind,day,amount,text."""
    with database() as engine:
        found = costs.take_in(engine, file.read_text(), entity=entity, at=clock.now(), by=person(by))
    if isinstance(found, tuple):
        raise refuse(found)
    typer.echo(f"{found} new costs")


@app.command()
def margin(
    entity: Entity,
    period: Period,
    assets: Annotated[bool, typer.Option("--assets", help="One row for each asset.")] = False,
) -> None:
    """Show revenue less credits less costs of what was delivered in a period, net of tax."""
    with database() as engine:
        rows = costs.margin(engine, entity=entity, label=period)
    Console().print(margin_view(rows if assets else by_contract(rows), period))
