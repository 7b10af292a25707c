"""`yardstick simulate`: the demonstration's devices, publishing to a broker."""

import signal
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from core import clock
from core.settings import Settings

if TYPE_CHECKING:
    from simulators.scenario import Scenario


def simulate(
    history: Annotated[bool, typer.Option(help="Upload the past months first.")] = True,
    interval: Annotated[
        float, typer.Option(help="Seconds between live messages of a device; 0 ends after history.")
    ] = 10,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Declare devices, contracts and people first, where there are none.")
    ] = False,
    now: Annotated[
        datetime | None, typer.Option(help="Instant at which the past ends; the clock's, if not given.")
    ] = None,
    ca: Annotated[str | None, typer.Option(help="File of the broker's authority. [YARDSTICK_BROKER_CA]")] = None,
    cert: Annotated[str | None, typer.Option(help="File of our certificate. [YARDSTICK_BROKER_CERTIFICATE]")] = None,
    key: Annotated[str | None, typer.Option(help="File of its key. [YARDSTICK_BROKER_KEY]")] = None,
) -> None:
    """Publish what 40 trucks and 12 printers say to the broker at YARDSTICK_BROKER_URL.

    The URL may hold a name and a password; `mqtts://` needs the files. They speak for all devices over few connections,
    so the broker must let this account write every device's topics.
    """
    from simulators.publish import Files
    from simulators.run import run_live, upload_history
    from simulators.scenario import demo

    settings = Settings()
    url = settings.broker_url
    files = Files(ca or settings.broker_ca, cert or settings.broker_certificate, key or settings.broker_key)
    if url is None:
        raise typer.BadParameter("YARDSTICK_BROKER_URL is not set; give a broker's address such as mqtt://host:1883")
    scenario = demo(now or clock.now())
    if prepare:
        _prepare(scenario)
    if history:
        upload = upload_history(scenario, url, files=files)
        typer.echo(f"uploaded {upload.readings:,} readings in {upload.messages:,} messages")
    if interval:
        stop = Event()
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda *_: stop.set())
        run_live(scenario, url, stop=stop, interval=interval, clock=clock.now, files=files)


def _prepare(scenario: "Scenario") -> None:
    """What `yardstick demo` does before the first reading; nothing if a contract is there already."""
    from rich import print as show

    from api.commands.connection import worker
    from api.demo.people import admit, guest_table
    from api.demo.prepare import is_prepared
    from api.demo.prepare import prepare as declare

    with worker() as engine:
        if not is_prepared(engine):
            declare(engine, scenario, at=clock.now())
            show(guest_table(admit(engine, at=clock.now()), title="Portal"))
