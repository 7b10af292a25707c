"""`yardstick schedule`: evaluate running periods and close due ones, until told to stop."""

import signal
import threading
from math import nan
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api import metric
from api.commands.connection import worker
from api.log import begin
from api.watch import Watched, database_problems, watching
from contracts.jobs import Ticker
from contracts.store import failure
from core import clock
from core.database import transaction
from core.garbage import collect_rarely
from core.settings import Settings

app = typer.Typer()


def _failing(engine: Engine) -> float:
    try:
        with transaction(engine) as connection:
            return failure.count(connection)
    except SQLAlchemyError:
        return nan


@app.command()
def schedule(
    interval: Annotated[float, typer.Option(help="Seconds between two looks for due work.", min=1)] = 60.0,
) -> None:
    """Each minute, evaluate running periods, close periods after their cut-off, and roll up readings.

    Any number may run beside each other: each job is done by one of them at a time. SIGTERM and Ctrl-C end it cleanly.
    """
    settings = Settings()
    begin(settings)
    metrics = metric.registry()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    collect_rarely()
    with worker() as engine:
        metric.failing(metrics, lambda: _failing(engine))
        ticker = Ticker(
            engine,
            clock.now,
            interval=interval,
            workers=settings.workers,
            columnstore_after=settings.columnstore_after,
            ran=metric.Jobs(metrics).ran,
        )
        watched = Watched(
            metrics,
            live=lambda: [] if ticker.is_running else ["the scheduler does not run"],
            ready=lambda: database_problems(engine),
        )
        with watching(settings.schedule_http, watched):
            ticker.start()
            typer.echo(f"scheduling, every {interval:g} s")
            ended.wait()
            ticker.stop()
