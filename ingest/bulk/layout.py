"""How a table says what a reading is: which column or constant is which field. Nothing is guessed."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from zoneinfo import ZoneInfo

from core.problem import Problem
from ingest.bulk.item import FIELDS, Item, Record
from ingest.bulk.when import reader
from ingest.reason import Reason, Rejected

OPTIONAL = ("unit", "status")
Take = Callable[[int, list[str]], Record]
"""The items of a row: its line, its cells."""


@dataclass(frozen=True, slots=True)
class Layout:
    """columns: name of the column by field; constants: text by field; units: by register, of a wide table.

    header: the columns' names, if the file does not begin with them. wide: every column that is no field is a register.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    wide: bool = False
    delimiter: str = ","
    decimal_comma: bool = False
    zone: ZoneInfo | None = None
    time_format: str = ""
    binary: bool = False

    @property
    def identity(self) -> bytes:
        """The same for layouts that read a file alike."""
        said = [
            sorted(self.columns.items()), sorted(self.constants.items()), sorted(self.units.items()),
            sorted(self.ignored), self.header, self.wide, self.delimiter, self.decimal_comma,
            self.zone and self.zone.key, self.time_format, self.binary,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(said).encode()).digest()

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that a row has one of; of a wide table each register's column has value and register."""
        return tuple(name for name in FIELDS if not (self.wide and name in ("register", "value", "unit")))


@dataclass(frozen=True, slots=True)
class Columns:
    """A layout that fits a header. places: index of each field's cell, constants after the row's own cells."""

    width: int
    places: Mapping[str, int]
    constants: tuple[str, ...]
    registers: Mapping[str, int]


def fit(layout: Layout, header: Sequence[str]) -> Columns | tuple[Problem, ...]:
    """Find the columns, or say which are missing."""
    places: dict[str, int] = {}
    constants: list[str] = []
    problems: list[Problem] = []
    for name in layout.fields:
        column = layout.columns.get(name, name)
        found = [place for place, text in enumerate(header) if text == column]
        constant = layout.constants.get(name)
        if constant is None and not found and name in OPTIONAL and name not in layout.columns:
            constant = ""
        if constant is not None:
            places[name] = len(header) + len(constants)
            constants.append(constant)
        elif len(found) == 1:
            places[name] = found[0]
        else:
            problems.append(_missing(name, column, header, len(found)))
    registers = _registers(layout, header, places)
    problems += _wide_problems(layout, registers)
    return tuple(problems) or Columns(len(header), places, tuple(constants), registers)


def _missing(name: str, column: str, header: Sequence[str], times: int) -> Problem:
    there = ", ".join(header)
    if times:
        return Problem("header", f"the column {column!r} is there {times} times", "give each its own name")
    constant = "" if name in ("at", "value") else f", or give all rows one by --{name}"
    return Problem("header", f"no column {column!r}; there are {there}", f"name it by --map {name}=COLUMN{constant}")


def _registers(layout: Layout, header: Sequence[str], places: Mapping[str, int]) -> dict[str, int]:
    if not layout.wide:
        return {}
    taken = set(places.values())
    return {name: n for n, name in enumerate(header) if n not in taken and name not in layout.ignored}


def _wide_problems(layout: Layout, registers: Mapping[str, int]) -> Iterable[Problem]:
    if layout.wide and not registers:
        yield Problem("header", "no column is left for a register", "leave --wide out if each row is one reading")
    for name in layout.units:
        if name not in registers:
            yield Problem("--unit", f"no column {name!r}", f"the registers are {', '.join(registers)}")


def taker(layout: Layout, columns: Columns) -> Take:
    """What makes items of a row."""
    take = _wide(layout, columns) if layout.wide else _long(columns)
    fix = _fixed(layout)
    if fix is None:
        return take
    return lambda place, row: [fix(one) for one in take(place, row)]


def _long(columns: Columns) -> Take:
    pick = itemgetter(*(columns.places[name] for name in FIELDS))
    constants, width, make = list(columns.constants), columns.width, Item._make

    def take(place: int, row: list[str]) -> Record:
        if len(row) != width:
            return _torn(place, row, width)
        return [make((place, *pick(row + constants), None))]

    return take


def _wide(layout: Layout, columns: Columns) -> Take:
    pick = itemgetter(*(columns.places[name] for name in ("device", "at", "status")))
    registers = [(name, n, layout.units.get(name, "")) for name, n in columns.registers.items()]

    def take(place: int, row: list[str]) -> Record:
        if len(row) != columns.width:
            return _torn(place, row, columns.width)
        device, at, status = pick(row + list(columns.constants))
        # An empty cell says nothing; it is no reading.
        return [Item(place, device, name, at, row[n], unit, status) for name, n, unit in registers if row[n]]

    return take


def _torn(place: int, row: list[str], width: int) -> Record:
    if not row:
        return []  # an empty line
    fault = Rejected(Reason.BAD_READING, f"the row has {len(row)} cells, the header {width}")
    return [Item(place, "", "", "", json.dumps(row, ensure_ascii=False), fault=fault)]


def _fixed(layout: Layout) -> Callable[[Item], Item] | None:
    """Local times and decimal commas, as instants and decimal points."""
    read = reader(layout.zone, layout.time_format)
    if read is None and not layout.decimal_comma:
        return None

    def fix(item: Item) -> Item:
        if item.fault:
            return item
        at, value, fault = read(item.at) if read else item.at, item.value, item.fault
        if layout.decimal_comma:
            value, fault = _pointed(value)
        if isinstance(at, Rejected):
            return item._replace(fault=at)
        return item._replace(at=at, value=value, fault=fault)

    return fix


def _pointed(value: str) -> tuple[str, Rejected | None]:
    if "." in value or value.count(",") > 1:
        return value, Rejected(Reason.BAD_VALUE, f"{value!r} has a point, or two commas; write 1234,5")
    return value.replace(",", "."), None
