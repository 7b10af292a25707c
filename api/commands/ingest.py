"""The ingester, devices and readings on the command line."""

import logging
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from api import intake, metric
from api.commands.certificate import certificate
from api.commands.connection import needed, worker
from api.commands.credential import credential
from api.commands.quarantine import quarantine
from api.commands.refusal import stop
from api.commands.supervise import supervise
from api.log import begin
from api.watch import Watched, database_problems, watching
from core.clock import now
from core.database import transaction
from core.garbage import collect_rarely
from core.problem import Problem, Problems
from core.settings import Settings
from core.time import micros
from ingest import catalogue, run
from ingest.batch import Arrival, examine
from ingest.mqtt import BadBrokerUrl, Files, Source
from ingest.reason import SENTENCE, Reason, Rejected
from ingest.store import device as devices
from ingest.store import quarantine as refusals
from ingest.store import register
from ingest.wire.event import STRUCTURED
from ingest.wire.format import CONTENT_TYPES, Format, look, unwrapped
from ingest.wire.format import decode as decode_payload
from ingest.wire.message import Binary, Candidate
from ingest.wire.node import UNBORN, hear
from ingest.wire.route import Route
from ingest.worker import Ingester

device = typer.Typer(name="device", help="Declare and list devices, their registers and the assets they serve.")
readings = typer.Typer(name="readings", help="Look at what devices sent.")

readings.add_typer(quarantine)
device.add_typer(credential)
device.add_typer(certificate)

_TYPE_OF = {written: name for name, written in CONTENT_TYPES.items()}


def ingest(
    client: Annotated[
        str | None, typer.Option(help="MQTT client id: its session is ours. [YARDSTICK_INGEST_CLIENT]")
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="So many ingesters, which share the messages as a group.")
    ] = 1,
) -> None:
    """Take readings from the broker into the database until SIGTERM or Ctrl-C; then write what has come and stop."""
    settings = Settings()
    begin(settings)
    name = client or settings.ingest_client
    if processes > 1:
        supervise(processes, client=name, settings=settings)
        return
    _tune()
    with worker() as engine:
        _work(settings, engine, name)


def _work(settings: Settings, engine: Engine, name: str) -> None:
    metrics = metric.registry()
    source = _source(settings, name)
    ingester = Ingester(engine, source, client=name, clock=now, observer=intake.Commits(metrics, now))
    metrics.register(intake.IngesterState(name, ingester, source, now))
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: ingester.stop())
    watched = Watched(
        metrics,
        live=lambda: source.problems() + ingester.problems(),
        ready=lambda: ([] if source.is_subscribed else ["the broker is away"]) + database_problems(engine),
    )
    with watching(settings.ingest_http, watched):
        ingester.run()
    said = "Stopped: %d received = %d stored + %d duplicate + %d quarantined"
    logging.getLogger(__name__).info(said, *ingester.total[1:])


def _tune() -> None:
    """Python, for some hundred thousand short-lived objects in a second and three threads that mostly wait."""
    collect_rarely()
    sys.setswitchinterval(0.001)


def _source(settings: Settings, client: str) -> Source:
    url = needed(settings.broker_url, "YARDSTICK_BROKER_URL", "mqtt://host:1883")
    own = (path and path.replace("{client}", client) for path in (settings.broker_certificate, settings.broker_key))
    files = Files(settings.broker_ca, *own)
    try:
        return Source(url, client, clock=now, group=settings.ingest_group, files=files)
    except BadBrokerUrl as error:
        stop(f"YARDSTICK_BROKER_URL: {error}")


@device.command("register")
def register_devices(
    files: Annotated[list[Path], typer.Argument(help="Device files: devices, assets, bindings as YAML or JSON.")],
) -> None:
    """Declare devices, registers, assets and bindings; saying the same again changes nothing."""
    with worker() as engine:
        for path in files:
            _register(engine, path)


def _register(engine: Engine, path: Path) -> None:
    found = catalogue.read(_text(path))
    if not isinstance(found, catalogue.Catalogue):
        _stop_with(path, found)
    try:
        declared = run.declare(engine, found, now(), author="command line")
    except Problems as problems:
        _stop_with(path, problems.problems)
    added = ", ".join(f"{count} {name}" for name, count in declared._asdict().items())
    typer.echo(f"{path}: new or changed: {added}")


@device.command("list")
def list_devices() -> None:
    """List devices with what they serve and when they were last heard of."""
    table = Table("device", "model", "asset", "position", "registers", "last reading")
    with worker() as engine, transaction(engine) as connection:
        for row in devices.overview(connection):
            last = row.last_reading.isoformat(sep=" ", timespec="seconds") if row.last_reading else "never"
            table.add_row(row.device, row.model, row.asset or "-", row.position or "-", row.registers, last)
    Console().print(table)


@quarantine.command("list")
def list_quarantine(
    reason: Annotated[Reason | None, typer.Option(help="Only this reason.")] = None,
    of_device: Annotated[str | None, typer.Option("--device", help="Only this device.")] = None,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
) -> None:
    """List refused items, newest first, with what is wrong and what would be right."""
    table = Table("received", "topic", "item", "reason", "detail")
    reasons = set[Reason]()
    with worker() as engine, transaction(engine) as connection:
        for one in refusals.recent(connection, reason=reason and reason.value, device=of_device, most=most):
            reasons.add(Reason(one.reason))
            item = "message" if one.item < 0 else str(one.item)
            table.add_row(
                one.received_at.isoformat(sep=" ", timespec="seconds"), one.topic, item, one.reason, one.detail
            )
    console = Console()
    console.print(table)
    for known in sorted(reasons):
        console.print(f"[bold]{known.value}[/]: {SENTENCE[known]}", highlight=False)


@readings.command("decode")
def decode(
    file: Annotated[Path, typer.Argument(help="One payload, as a device sent it.")],
    of_device: Annotated[str | None, typer.Option("--device", help="Judge it as sent by this device, now.")] = None,
    written: Annotated[
        Format | None, typer.Option("--format", help="What it is written in; without it, what it looks like.")
    ] = None,
) -> None:
    """Show what a payload says, and what would be refused; nothing is stored. Exit 1 if anything is refused."""
    payload = _bytes(file)
    as_read = written or look(payload)
    if as_read is not Format.YARDSTICK:
        typer.echo(f"{as_read.value}{'' if written else ', by its looks'}:")
    if of_device and as_read is not Format.SPARKPLUG:
        lines, rejected = _judged(payload, as_read, of_device)
    else:
        lines, rejected = _said(payload, as_read)
    for line in lines:
        typer.echo(line)
    for one in rejected:
        where = "message" if one.item < 0 else str(one.item)
        typer.echo(f"{where}: {one.reason.value}: {one.detail}. {SENTENCE[one.reason]}")
    raise typer.Exit(1 if rejected else 0)


def _said(payload: bytes, written: Format) -> tuple[list[str], list[Rejected]]:
    """What a payload says by itself, without any declaration."""
    if written is Format.SPARKPLUG:
        heard = hear(Route("NBIRTH", "", "/"), payload, UNBORN, received_at=micros(now()))
        return _lines(heard.candidates), heard.rejected
    around = f"{STRUCTURED}+json" if written is Format.CLOUDEVENT else _TYPE_OF.get(written, "")
    found = unwrapped(payload, "readings", around)
    if isinstance(found, Rejected):
        return [], [found]
    event, inner, inside = found
    message = decode_payload(inner, inside, device="", received_at=micros(now()))
    head = [f"event {event.id} of {event.source}, {inside.value}:"] if event else []
    if isinstance(message, Rejected):
        return head, [message]
    return head + _lines(message.candidates), message.rejected


def _lines(candidates: list[Candidate]) -> list[str]:
    return [
        f"{index}: {name} = {value}{unit and f' {unit}'} at {at}{' (binary)' if isinstance(value, Binary) else ''}"
        for index, name, at, value, unit, _ in candidates
    ]


def _judged(payload: bytes, written: Format, device_name: str) -> tuple[list[str], list[Rejected]]:
    with worker() as engine, transaction(engine) as connection:
        registry = register.snapshot(connection, now())
    around = f"{STRUCTURED}+json" if written is Format.CLOUDEVENT else _TYPE_OF[written]
    topic = f"yardstick/{device_name}/readings".encode()
    found = examine(Arrival(0, 0, 1, topic, payload, micros(now()), around), registry)
    lines = [
        f"{index}: register {register_id} = {ticks} ticks{f' (from {raw})' if raw else ''}"
        for index, register_id, _, ticks, _, raw in found.rows
    ]
    return lines, found.rejected


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode()
    except UnicodeDecodeError as error:
        stop(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        stop(f"{path}: {error.strerror}")


def _stop_with(path: Path, problems: tuple[Problem, ...]) -> NoReturn:
    stop("\n".join(f"{path}: {problem}" for problem in problems) + "\nNothing was saved from this file.")
