"""`yardstick schedule`: evaluate running periods and close due ones, until told to stop."""

import logging
import signal
import threading
from typing import Annotated

import typer

from api.commands.connection import worker
from contracts.jobs import Ticker
from core import clock

app = typer.Typer()


@app.command()
def schedule(
    interval: Annotated[float, typer.Option(help="Seconds between two looks for due work.", min=1)] = 60.0,
) -> None:
    """Each minute, evaluate running periods, close periods after their cut-off, and roll up readings.

    Any number may run beside each other: each job is done by one of them at a time. SIGTERM and Ctrl-C end it cleanly.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    # APScheduler announces every single run; what was done is said by the jobs.
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with worker() as engine:
        ticker = Ticker(engine, clock.now, interval=interval)
        ticker.start()
        typer.echo(f"scheduling, every {interval:g} s")
        ended.wait()
        ticker.stop()
