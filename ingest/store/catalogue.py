"""A device file into the database: created once, said again without effect, refused where it contradicts."""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.dialects.postgresql import Range

from core.identifier import RANDOM_BYTES, public_id
from core.problem import Problem, Problems
from core.store import draw_knowledge
from ingest import catalogue as given
from ingest.tables import Asset, Binding, BindingValue, Declaration, Device, Register, Row, during

Names: TypeAlias = dict[str, int]
PHYSICS = (
    "minimum", "maximum", "modulus", "tolerance", "max_rate", "max_gap", "silence_limit", "glitch_window", "noise_band",
    "refill_threshold", "every", "cross_checks", "resets_at_boot",
)  # fmt: skip


class Declared(NamedTuple):
    """How many rows of each kind a device file added or changed."""

    devices: int
    assets: int
    registers: int
    declarations: int
    bindings: int


def declare(connection: Connection, at: datetime, catalogue: given.Catalogue) -> Declared:
    """Create what is not there yet; saying the same again changes nothing.

    A device or asset that exists keeps its model and kind; a register's physics may be declared anew; an open binding
    may be ended, and what counters showed at its ends added: then another row takes its place from now on. Raises
    Problems, for a register that would become another and for bindings that overlap; the caller's transaction must then
    be rolled back.
    """
    devices = _named(connection, Device, "dev", catalogue.devices, at, lambda one: {"model": one.model})
    assets = _named(connection, Asset, "ast", catalogue.assets, at, lambda one: {"kind": one.kind, "site": one.site})
    registers, new_registers = _registers(connection, catalogue, devices.ids)
    known = draw_knowledge(connection)
    declarations = _physics(connection, catalogue, devices.ids, registers, known)
    bindings = _bindings(connection, catalogue, (devices.ids, assets.ids), registers, known)
    return Declared(devices.added, assets.added, new_registers, declarations, bindings)


class NothingThere(LookupError):
    """A device or asset that is not registered, or that is bound nowhere."""


class Running(NamedTuple):
    """What an unended binding says."""

    asset: str
    position: str
    start: datetime


RUNNING = text("""
    SELECT a.name AS asset, b.position, lower(b.during) AS start FROM ingest.binding AS b
    JOIN ingest.device AS d ON d.id = b.device
    JOIN ingest.asset AS a ON a.id = b.asset
    WHERE d.name = :device AND b.superseded IS NULL AND upper_inf(b.during)
""")


def running(connection: Connection, device: str) -> Running:
    """Where a device serves now. Raises NothingThere."""
    row = connection.execute(RUNNING, {"device": device}).first()
    if row is None:
        raise NothingThere(f"device {device} serves no asset; `yardstick device list` says what does")
    return Running(*row)


def counters(connection: Connection, device: str) -> dict[str, tuple[str, Decimal]]:
    """The counters of a device: unit and resolution by name."""
    devices = {row.name: row.id for row in _rows(connection, Device, "name", "id")}
    if device not in devices:
        raise NothingThere(f"there is no device {device}; `yardstick device list` lists them")
    found = _all_registers(connection).items()
    return {
        name: (row.unit, row.resolution)
        for (id_, name), row in found
        if id_ == devices[device] and row.kind == "counter"
    }


def bind(connection: Connection, bindings: Sequence[given.Binding]) -> int:
    """Bindings of devices and assets that exist, in this order, so that one may end before the next begins.

    Raises NothingThere, and Problems where they overlap; the caller's transaction must then be rolled back.
    """
    devices = {row.name: row.id for row in _rows(connection, Device, "name", "id")}
    assets = {row.name: row.id for row in _rows(connection, Asset, "name", "id")}
    for one in bindings:
        if one.asset not in assets:
            raise NothingThere(f"there is no asset {one.asset}; declare it in a device file")
    registers = _all_registers(connection)
    known = draw_knowledge(connection)
    return _bindings(connection, given.Catalogue((), (), tuple(bindings)), (devices, assets), registers, known)


class _Known(NamedTuple):
    ids: Names
    added: int


def _named(
    connection: Connection,
    table: Any,
    prefix: str,
    wanted: Iterable[Any],
    at: datetime,
    rest: Callable[[Any], dict[str, str]],
) -> _Known:
    there = {row.name for row in _rows(connection, table, "name")}
    rows = [
        {"public_id": public_id(prefix, secrets.token_bytes(RANDOM_BYTES)), "name": one.name, "created_at": at}
        | rest(one)
        for one in wanted
        if one.name not in there
    ]
    _insert(connection, table, rows)
    return _Known({row.name: row.id for row in _rows(connection, table, "name", "id")}, len(rows))


def _rows(connection: Connection, table: Any, *columns: str) -> list[Any]:
    """All rows of a table, these columns."""
    return list(connection.execute(select(*(getattr(table, name) for name in columns))))


def _insert(connection: Connection, table: type[Row], rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


_Registers: TypeAlias = dict[tuple[int, str], Any]


def _registers(connection: Connection, catalogue: given.Catalogue, devices: Names) -> tuple[_Registers, int]:
    there = _all_registers(connection)
    wanted = [(devices[one.name], one.name, register) for one in catalogue.devices for register in one.registers]
    problems = []
    rows = []
    for device_id, device, register in wanted:
        own = there.get((device_id, register.name))
        is_now = {"kind": register.kind, "unit": register.unit, "resolution": register.resolution}
        if own is None:
            rows.append({"device": device_id, "name": register.name, **is_now})
        elif (own.kind, own.unit, own.resolution) != tuple(is_now.values()):
            was = f"{own.kind} in ticks of {own.resolution:f} {own.unit}"
            problems.append(Problem(f"{device}/{register.name}", f"is a {was} already", "name another register"))
    if problems:
        raise Problems(tuple(problems))
    _insert(connection, Register, rows)
    return (_all_registers(connection) if rows else there), len(rows)


def _all_registers(connection: Connection) -> _Registers:
    rows = _rows(connection, Register, "id", "device", "name", "kind", "unit", "resolution")
    return {(row.device, row.name): row for row in rows}


def _physics(
    connection: Connection, catalogue: given.Catalogue, devices: Names, registers: _Registers, known: int
) -> int:
    """Append a declaration where it says something new."""
    newest = sorted(_rows(connection, Declaration, "known", "register_id", *PHYSICS), key=lambda row: row.known)
    there = {row.register: tuple(row[2:]) for row in newest}
    rows = []
    for device in catalogue.devices:
        for register in device.registers:
            id_ = registers[devices[device.name], register.name].id
            says = asdict(register)
            says["cross_checks"] = [{**one, "against": list(one["against"])} for one in says["cross_checks"]]
            if there.get(id_) != tuple(says[name] for name in PHYSICS):
                rows.append({"register": id_, "known": known} | {name: says[name] for name in PHYSICS})
    _insert(connection, Declaration, rows)
    return len(rows)


class _Key(NamedTuple):
    device: int
    asset: int
    position: str


def _bindings(
    connection: Connection, catalogue: given.Catalogue, ids: tuple[Names, Names], registers: _Registers, known: int
) -> int:
    there = _There()
    for row in _current(connection):
        there.add(_Row(*row))
    problems, changed = list[Problem](), 0
    for wanted in catalogue.bindings:
        place = f"binding of {wanted.device} to {wanted.asset}/{wanted.position}"
        if wanted.device not in ids[0]:
            problems.append(Problem(place, f"there is no device {wanted.device}", "declare it under devices"))
            continue
        key = _Key(ids[0][wanted.device], ids[1][wanted.asset], wanted.position)
        span = during(wanted.start, wanted.end)
        rivals = there.rivals(key)
        same = next((row for row in rivals if row[1:4] == key and row.during.lower == wanted.start), None)
        values = _values(key, wanted, registers)
        if same is not None and same.during == span and not _says_more(connection, same.id, values):
            continue
        if fault := _fault(span, same, rivals):
            problems.append(Problem(place, *fault))
        elif not problems:
            id_ = _bind(connection, key, span, wanted, known=known, instead_of=same, values=values)
            if same is not None:
                there.remove(same)
            there.add(_Row(id_, *key, span))
            changed += 1
    if problems:
        raise Problems(tuple(problems))
    return changed


def _current(connection: Connection) -> list[Any]:
    table: Any = Binding
    columns = (table.id, table.device, table.asset, table.position, table.during)
    return list(connection.execute(select(*columns).where(table.superseded.is_(None))))


class _Row(NamedTuple):
    id: int
    device: int
    asset: int
    position: str
    during: Range[datetime]


class _There:
    """Bindings by what only one of them may have at a time: the device, and the asset's position."""

    def __init__(self) -> None:
        self._by = defaultdict[object, dict[int, _Row]](dict)

    def add(self, row: _Row) -> None:
        for key in (row.device, (row.asset, row.position)):
            self._by[key][row.id] = row

    def remove(self, row: _Row) -> None:
        for key in (row.device, (row.asset, row.position)):
            del self._by[key][row.id]

    def rivals(self, key: _Key) -> list[_Row]:
        return list({**self._by[key.device], **self._by[key.asset, key.position]}.values())


def _fault(span: Range[datetime], same: _Row | None, rivals: Iterable[_Row]) -> tuple[str, str] | None:
    """What is wrong with a binding, and what would be right."""
    for row in rivals:
        if row is not same and row.during.overlaps(span):
            return f"overlaps another, from {row.during.lower:%Y-%m-%dT%H:%M:%SZ}", "end that one first"
    if same is not None and same.during.upper not in (None, span.upper):
        return f"has ended already, at {same.during.upper:%Y-%m-%dT%H:%M:%SZ}", "bind anew from a later instant"
    return None


def _bind(  # each part is another thing
    connection: Connection,
    key: _Key,
    span: Range[datetime],
    wanted: given.Binding,
    *,
    known: int,
    instead_of: _Row | None,
    values: "_Values",
) -> int:
    """Append a binding; one that was known otherwise stays as it was known until now."""
    table: Any = Binding
    if instead_of is not None:
        connection.execute(update(table).where(table.id == instead_of.id).values(superseded=known))
        values = {**_written(connection, instead_of.id), **values}
    row = {**key._asdict(), "during": span, "evidence": wanted.evidence, "known": known}
    id_ = int(connection.execute(insert(table).values(**row).returning(table.id)).scalar_one())
    kept = defaultdict[int, dict[str, int]](dict)
    for (register, end), ticks in values.items():
        kept[register][end] = ticks
    rows = [
        {"binding": id_, "register": register, "opening": ends.get("opening"), "closing": ends.get("closing")}
        for register, ends in kept.items()
    ]
    _insert(connection, BindingValue, rows)
    return id_


_Values: TypeAlias = dict[tuple[int, str], int]
"""What counters showed at both ends of a binding, as far as somebody wrote it down: ticks by register and end."""


def _values(key: _Key, wanted: given.Binding, registers: _Registers) -> _Values:
    ends = {"opening": wanted.opening, "closing": wanted.closing}
    return {
        (registers[key.device, name].id, end): ticks for end, shown in ends.items() for name, ticks in shown.items()
    }


def _written(connection: Connection, binding: int) -> _Values:
    table: Any = BindingValue
    rows = connection.execute(select(table.register_id, table.opening, table.closing).where(table.binding == binding))
    return {
        (row.register, end): ticks
        for row in rows
        for end, ticks in (("opening", row.opening), ("closing", row.closing))
        if ticks is not None
    }


def _says_more(connection: Connection, binding: int, values: _Values) -> bool:
    """Whether values are given that are not written down yet, or others."""
    return bool(values) and not values.items() <= _written(connection, binding).items()
