"""`yardstick demo`: the whole product on simulated devices, from an empty database to a served portal."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Annotated
from urllib.request import urlopen

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, make_url, text

from api.demo import main_job, summary
from api.demo.children import Children
from api.demo.main_job import Stage
from api.demo.people import admit, guest_table
from api.demo.prepare import DemoBroken, prepare
from core import clock
from core.database import connect
from core.settings import Settings
from migrations.run import upgrade
from simulators.run import run_live
from simulators.scenario import Scenario
from simulators.scenario import demo as demo_scenario

DATABASE = "yardstick_demo"
LIVE_INTERVAL = 10
PATIENCE = 60
"""Seconds in which a program must become ready."""


def demo(
    serve: Annotated[bool, typer.Option(help="Serve the portal until Ctrl-C; without, end after the summary.")] = True,
) -> None:
    """Show the main path: devices report, contracts are evaluated, invoices are issued, truth is held against them."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    started, console = monotonic(), _console()
    at = clock.now()
    scenario = demo_scenario(at)
    with ExitStack() as stack:
        environment = stack.enter_context(_services())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yardstick-demo-")))
        children = stack.enter_context(Children(folder, environment))
        engine = _prepared(environment["YARDSTICK_DATABASE_URL"], scenario, at)
        stack.callback(engine.dispose)
        address = _start(children)
        rows = _main_job(engine, scenario, children, environment["YARDSTICK_BROKER_URL"], console)
        console.print(f"From start to summary: {monotonic() - started:.0f} s.")
        if any(row.difference for row in rows):
            raise typer.Exit(1)
        if serve:
            console.print(guest_table(admit(engine, at=clock.now()), title=f"Portal: {address}/portal"))
            console.print(f"Served after {monotonic() - started:.0f} s. Ctrl-C stops everything.")
            _stay_live(scenario, environment["YARDSTICK_BROKER_URL"], children)


def _console() -> Console:
    """As wide as the terminal; where there is none, wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


@contextmanager
def _services() -> Iterator[dict[str, str]]:
    """Where database and broker are: as the environment says, with a database made anew; else embedded."""
    settings = Settings()
    if bool(settings.database_url) != bool(settings.broker_url):
        raise DemoBroken("set both YARDSTICK_DATABASE_URL and YARDSTICK_BROKER_URL, or neither for embedded services")
    if settings.database_url and settings.broker_url:
        yield {
            "YARDSTICK_DATABASE_URL": _fresh_database(settings.database_url),
            "YARDSTICK_BROKER_URL": settings.broker_url,
        }
        return
    from embedded.services import start

    with start() as services:
        yield services.environment


def _fresh_database(url: str) -> str:
    """Make the demonstration's own database on that server anew; the one in the URL is not touched."""
    engine = connect(url, role=None)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {DATABASE}"))
    engine.dispose()
    return make_url(url).set(database=DATABASE).render_as_string(hide_password=False)


def _prepared(url: str, scenario: Scenario, at: datetime) -> Engine:
    administrator = connect(url, role=None)
    upgrade(administrator)
    administrator.dispose()
    engine = connect(url, role="yardstick_worker")
    prepare(engine, scenario, at=at)
    return engine


def _start(children: Children) -> str:
    """Start the ingester and the portal; return the portal's address once both are ready."""
    port = Settings().port
    children.start("ingest", "ingest")
    children.start("serve", "serve", "--port", str(port))
    children.await_log("ingest", "Subscribed")
    address = f"http://127.0.0.1:{port}"
    _await_portal(address, children)
    return address


def _await_portal(address: str, children: Children) -> None:
    deadline = monotonic() + PATIENCE
    while True:
        children.check()
        try:
            with urlopen(f"{address}/healthz", timeout=2):  # noqa: S310 - our own server
                return
        except OSError:
            if monotonic() > deadline:
                raise
            sleep(0.1)


def _main_job(
    engine: Engine, scenario: Scenario, children: Children, broker_url: str, console: Console
) -> list[summary.Row]:
    columns = (TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        stage = Stage(engine, scenario, children, broker_url, progress)
        upload, taken = main_job.take_in(stage)
        children.start("schedule", "schedule")
        labels = main_job.close(stage)
        documents = main_job.bill(stage, labels)
    console.print(summary.ingest_table(upload, taken), summary.invoice_table(documents))
    rows = summary.compare(scenario, documents)
    console.print(summary.truth_table(rows))
    return rows


def _stay_live(scenario: Scenario, broker_url: str, children: Children) -> None:
    """Let the devices report until Ctrl-C."""
    stop = Event()
    live = Thread(target=run_live, args=(scenario, broker_url), kwargs={"stop": stop, "interval": LIVE_INTERVAL})
    live.start()
    try:
        while True:
            children.check()
            sleep(1)
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
        live.join()
