"""Readings in files: into the database, and out of it."""

import sys
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from time import monotonic
from typing import Annotated, NamedTuple

import typer
from sqlalchemy import Engine

from api.commands.backfill import backfill
from api.commands.bulk_file import SENML, Written, format_of, identity, opened
from api.commands.bulk_progress import Bar
from api.commands.connection import worker
from api.commands.refusal import stop
from core.clock import now
from core.database import transaction
from core.store import current_knowledge
from core.time import NotATime, UnknownZone, read_time, zone
from ingest.bulk import run
from ingest.bulk.item import FIELDS, CannotRead, Hopeless
from ingest.bulk.layout import Layout
from ingest.bulk.run import Order, Report
from ingest.reason import SENTENCE
from ingest.store import extract

readings = typer.Typer(name="readings")
readings.add_typer(backfill)


Files = Annotated[list[Path], typer.Argument(help="CSV, Parquet, JSON lines (.jsonl), SenML (.senml, .senmlc).")]
Form = Annotated[Written | None, typer.Option("--format", help="If the extension does not say it.")]
Mapped = Annotated[list[str], typer.Option("--map", help="Which column is which field, e.g. --map at=Zeit.")]
OfDevice = Annotated[str | None, typer.Option("--device", help="All rows are of this device.")]
OfRegister = Annotated[str | None, typer.Option("--register", help="All rows are of this register.")]
Units = Annotated[list[str], typer.Option("--unit", help="Unit of all rows; if wide, of a column: odometer=km.")]
Wide = Annotated[bool, typer.Option("--wide", help="Every column that is no field is a register.")]
Ignored = Annotated[list[str], typer.Option("--ignore", help="A column of a wide table that is no register.")]
Columns = Annotated[str, typer.Option(help="Names of the columns, if the file does not begin with them.")]
Delimiter = Annotated[str, typer.Option(help="Between cells: one character, or tab.")]
Comma = Annotated[bool, typer.Option("--decimal-comma", help="Values are written 1234,5.")]
Encoding = Annotated[str, typer.Option(help="Of CSV.")]
Zone = Annotated[str | None, typer.Option("--zone", help="Of times without an offset, e.g. Europe/Berlin.")]
TimeFormat = Annotated[str, typer.Option(help="How times are written, e.g. '%d.%m.%Y %H:%M'.")]
Floats = Annotated[bool, typer.Option("--allow-float", help="Take binary floats by their shortest decimal.")]
Since = Annotated[str | None, typer.Option(help="Allow readings from here on; else as old as a device's may be.")]
Note = Annotated[str, typer.Option(help="Why; kept with the backfill. Needed with --since.")]
By = Annotated[str, typer.Option(help="Who does it.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; exit 1 if any would be refused.")]
_NONE: list[str] = []


@readings.command("import")
def import_(  # noqa: PLR0913, PLR0917 - one option for each thing that is never guessed
    files: Files,
    written: Form = None,
    mapped: Mapped = _NONE,
    device: OfDevice = None,
    register: OfRegister = None,
    unit: Units = _NONE,
    wide: Wide = False,
    ignore: Ignored = _NONE,
    columns: Columns = "",
    delimiter: Delimiter = ",",
    decimal_comma: Comma = False,
    encoding: Encoding = "utf-8-sig",
    zone_name: Zone = None,
    time_format: TimeFormat = "",
    allow_float: Floats = False,
    since: Since = None,
    note: Note = "",
    by: By = "command line",
    dry_run: Dry = False,
) -> None:
    """Import readings through the same door as messages. Interrupted, the same command goes on where it was."""
    try:
        layout = Layout(
            columns=_pairs("--map", mapped, FIELDS),
            constants=_constants(device, register, [] if wide else unit),
            units=_pairs("--unit", unit if wide else [], None),
            ignored=tuple(ignore),
            header=tuple(columns.split(",")) if columns else (),
            wide=wide,
            delimiter=_delimiter(delimiter),
            decimal_comma=decimal_comma,
            zone=zone(zone_name) if zone_name else None,
            time_format=time_format,
            binary=allow_float,
        )
        first = _first(since, note)
    except (UnknownZone, NotATime, _BadOption) as error:
        stop(str(error))
    with worker() as engine:
        for path in files:
            _import(engine, path, _How(written, layout, encoding, dry_run), Order("", b"", by, note, first))


def _delimiter(text: str) -> str:
    found = "\t" if text == "tab" else text
    if len(found) != 1 or found in '\r\n"':
        raise _BadOption(f"--delimiter {text}: give one character, or tab")
    return found


def _first(since: str | None, note: str) -> datetime | None:
    if since and not note.strip():
        raise _BadOption("--since: say by --note why older readings are imported; it is kept with the backfill")
    return read_time(since, zone("UTC")) if since else None


class _BadOption(ValueError):
    pass


class _How(NamedTuple):
    """How files are read."""

    written: Written | None
    layout: Layout
    encoding: str
    dry: bool


def _pairs(option: str, texts: list[str], names: tuple[str, ...] | None) -> dict[str, str]:
    found = dict(text.partition("=")[::2] for text in texts)
    for name, value in found.items():
        if not value:
            raise _BadOption(f"{option} {name}: write it as {option} NAME=…")
        if names and name not in names:
            raise _BadOption(f"{option} {name}: no such field; there are {', '.join(names)}")
    return found


def _constants(device: str | None, register: str | None, unit: list[str]) -> dict[str, str]:
    if len(unit) > 1:
        raise _BadOption("--unit: give one unit for all rows, or --wide with one for each register")
    found = {"device": device, "register": register, "unit": unit[0] if unit else None}
    return {name: text for name, text in found.items() if text is not None}


def _import(engine: Engine, path: Path, how: _How, order: Order) -> None:
    try:
        with path.open("rb") as file:
            began = monotonic()
            report = _read(engine, path, file, how, order)
            _tell(path, report, monotonic() - began, dry=how.dry)
    except OSError as error:
        stop(f"{path}: {error.strerror or error}")
    except LookupError as error:
        stop(f"{path}: {error}; give --encoding a name that Python knows, e.g. utf-8 or cp1252")
    except CannotRead as error:
        stop("\n".join(f"{path}: {line}" for line in str(error).splitlines()))
    if how.dry and report.reasons:  # also what is in quarantine already
        raise typer.Exit(1)


def _read(engine: Engine, path: Path, file: BufferedReader, how: _How, order: Order) -> Report:
    written = how.written or format_of(path)
    how, order = how._replace(written=written), order._replace(file=path.name, things=written in SENML)
    order = order._replace(identity=identity(file, written, how.layout, f"{how.encoding} {order.since}"))
    try:
        return _take_in(engine, path, file, how, order)
    except Hopeless:
        # Perhaps only the first of them are: a file is often sorted by device.
        with opened(file, written, how.layout, how.encoding) as source:
            if not run.fits_any(engine, source.records, order._replace(registers=source.registers), now()):
                raise
    return _take_in(engine, path, file, how, order._replace(checked=True))


def _take_in(engine: Engine, path: Path, file: BufferedReader, how: _How, order: Order) -> Report:
    with (
        opened(file, how.written or format_of(path), how.layout, how.encoding) as source,
        Bar(path.name, source.size, source.position) as bar,
    ):
        full = order._replace(registers=source.registers)
        if how.dry:
            return run.rehearse(engine, source.records, full, now(), tell=bar.tell)
        return run.take_in(engine, source.records, full, now(), tell=bar.tell)


def _tell(path: Path, report: Report, seconds: float, *, dry: bool) -> None:
    went_on = f", after {report.before:,} records before" if report.before else ""
    rate = f"{report.received / max(seconds, 0.001):,.0f} readings/s"
    typer.echo(
        f"{path}: {'would be ' if dry else ''}{report.received:,} received = {report.stored:,} stored + "
        f"{report.duplicate:,} duplicate + {report.quarantined:,} quarantined"
        f"{'' if dry else f' ({report.backfill}{went_on}; {seconds:.1f} s, {rate})'}"
    )
    for reason, count in report.reasons.most_common():
        typer.echo(f"  {reason.value}: {count:,}. {SENTENCE[reason]}")
        for one in report.samples[reason]:
            typer.echo(f"    {path.name}:{one.place}: {one.rejected.detail}")


@readings.command("export")
def export(  # noqa: PLR0913, PLR0917 - the question has as many parts
    asset: Annotated[str, typer.Argument(help="The asset, by its name.")],
    register: Annotated[str | None, typer.Option(help="Only this: position/register, e.g. vehicle/odometer.")] = None,
    since: Annotated[str, typer.Option(help="First instant.")] = "2000-01-01",
    before: Annotated[str | None, typer.Option(help="First instant that no longer belongs to it; else now.")] = None,
    zone_name: Annotated[str, typer.Option("--zone", help="Of instants without an offset.")] = "UTC",
    known: Annotated[int | None, typer.Option(help="As known at this knowledge number, as an evaluation says.")] = None,
    as_received: Annotated[
        bool, typer.Option("--as-received", help="As devices sent them, without any correction.")
    ] = False,
    output: Annotated[Path | None, typer.Option(help="Into this file; else to standard output.")] = None,
) -> None:
    """Write an asset's readings as CSV that can be imported again; quantities can be computed from it anew."""
    try:
        where = zone(zone_name)
        span = read_time(since, where), read_time(before, where) if before else now()
    except (UnknownZone, NotATime) as error:
        stop(str(error))
    with worker() as engine, transaction(engine) as connection:
        served = extract.paths(connection, asset)
        if not served or (register and register not in served):
            there = f"it has {', '.join(served)}" if served else "it has no registers, or there is no such asset"
            stop(f"{asset}{f', {register}' if register else ''}: {there}")
        at = current_knowledge(connection) if known is None else known
        pieces = extract.rows(connection, extract.Question(asset, register, *span, at, as_received))
        try:
            if output is None:
                sys.stdout.buffer.writelines(pieces)
            else:
                with output.open("wb") as file:
                    file.writelines(pieces)
        except OSError as error:
            stop(f"{output or 'standard output'}: {error.strerror or error}")
