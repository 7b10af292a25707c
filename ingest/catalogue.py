"""The device file: which devices there are, what their registers are, and which asset each serves.

devices: [{device, model, registers: [{register, kind, unit, resolution, max_gap, …}], asset, position, from, to}]
  a counter: minimum, maximum, modulus, tolerance, max_rate, glitch_window, cross_checks: [{against: [path], tolerance}]
  a gauge: minimum, maximum, noise_band, refill_threshold; any: max_gap, silence_limit, every (how often it reports)
assets: [{asset, kind, site}]
bindings: [{device, asset, position, from, to, evidence, opening: {register: quantity}, closing: {…}}]

A device may name its only binding itself (asset, position). Every scalar is text: numbers never become floats.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import yaml
from pydantic import AliasChoices, Field, ValidationError

from core.problem import Problem
from core.time import NotATime, read_time, zone
from core.units import IncompatibleUnits, Quantity, UnknownUnit
from ingest.declaration import Declaration, Entry, Name, NotARegister, QuantityText, RegisterEntry, declare, reads
from ingest.tick import NoTicks, whole_ticks

SINCE_EVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Start of a binding that names none; no reading is older."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device and its registers."""

    name: str
    model: str
    registers: tuple[Declaration, ...]


@dataclass(frozen=True, slots=True)
class Asset:
    """A thing that works for somebody."""

    name: str
    kind: str
    site: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """A device serves an asset at a position over [start, end). opening, closing: ticks by register."""

    device: str
    asset: str
    position: str
    start: datetime
    end: datetime | None
    evidence: str
    opening: Mapping[str, int]
    closing: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A whole device file."""

    devices: tuple[Device, ...]
    assets: tuple[Asset, ...]
    bindings: tuple[Binding, ...]


_UTC = zone("UTC")
_Time = Annotated[datetime, reads(lambda text: read_time(text, _UTC), NotATime)]


class _Span(Entry):
    start: _Time = Field(default=SINCE_EVER, validation_alias=AliasChoices("from"))
    end: _Time | None = Field(default=None, validation_alias=AliasChoices("to"))


class _Device(_Span):
    device: Name
    model: str = ""
    registers: list[RegisterEntry]
    asset: Annotated[str, Field(min_length=1)] | None = None
    position: Name | None = None


class _Asset(Entry):
    asset: Annotated[str, Field(min_length=1)]
    kind: str = ""
    site: str = ""


class _Binding(_Span):
    device: Name
    asset: Annotated[str, Field(min_length=1)]
    position: Name
    evidence: str = ""
    opening: dict[str, QuantityText] = Field(default_factory=dict)
    closing: dict[str, QuantityText] = Field(default_factory=dict)


class _File(Entry):
    devices: list[_Device] = Field(default_factory=list)
    assets: list[_Asset] = Field(default_factory=list)
    bindings: list[_Binding] = Field(default_factory=list)


def read(text: str) -> Catalogue | tuple[Problem, ...]:
    """Read a device file (YAML, or JSON with the same names), or say everything that is wrong with it."""
    try:
        found = yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))  # noqa: S506 - text only
    except yaml.YAMLError as error:
        return (Problem("the file", f"this is no YAML: {error}".split("\n", 1)[0], "correct the text"),)
    return of({} if found is None else found)


def of(found: Any) -> Catalogue | tuple[Problem, ...]:
    """The same from maps, lists and texts."""
    try:
        file = _File.model_validate(found)
    except ValidationError as error:
        return tuple(_problem(one) for one in error.errors())
    problems: list[Problem] = []
    devices = tuple(_device(n, device, problems) for n, device in enumerate(file.devices))
    registers = {(device.name, register.name): register for device in devices for register in device.registers}
    bindings = tuple(_bindings(file, registers, problems))
    problems += _repeated("devices", (device.name for device in devices))
    problems += _repeated("assets", (asset.asset for asset in file.assets))
    if problems:
        return tuple(problems)
    named = {asset.asset: Asset(asset.asset, asset.kind, asset.site) for asset in file.assets}
    for binding in bindings:
        named.setdefault(binding.asset, Asset(binding.asset, ""))
    return Catalogue(devices, tuple(named.values()), bindings)


def _problem(error: Any) -> Problem:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    return Problem(place, error["msg"].removeprefix("Value error, "))


def _repeated(place: str, names: Iterable[str]) -> Iterator[Problem]:
    seen = set[str]()
    for n, name in enumerate(names):
        if name in seen:
            yield Problem(f"{place}[{n}]", f"{name} occurs twice", "describe it once")
        seen.add(name)


def _device(n: int, device: _Device, problems: list[Problem]) -> Device:
    registers = []
    for i, entry in enumerate(device.registers):
        place = f"devices[{n}].registers[{i}]"
        try:
            registers.append(declare(entry))
        except (NotARegister, NoTicks, UnknownUnit, IncompatibleUnits) as error:
            problems.append(Problem(place, str(error)))
    names = (register.name for register in registers)
    problems += _repeated(f"devices[{n}].registers", names)
    return Device(device.device, device.model, tuple(registers))


def _bindings(
    file: _File, registers: Mapping[tuple[str, str], Declaration], problems: list[Problem]
) -> Iterator[Binding]:
    for n, device in enumerate(file.devices):
        if device.asset and device.position:
            yield Binding(device.device, device.asset, device.position, device.start, device.end, "", {}, {})
        elif device.asset or device.position:
            problems.append(Problem(f"devices[{n}]", "asset and position belong together", "give both or neither"))
    for n, entry in enumerate(file.bindings):
        place = f"bindings[{n}]"
        values = [
            _values(f"{place}.{name}", entry.device, given, registers, problems)
            for name, given in (("opening", entry.opening), ("closing", entry.closing))
        ]
        if entry.end is not None and entry.end <= entry.start:
            problems.append(Problem(place, "it ends before it begins", "let to be later than from"))
        yield Binding(entry.device, entry.asset, entry.position, entry.start, entry.end, entry.evidence, *values)


def _values(
    place: str,
    device: str,
    given: Mapping[str, Quantity],
    registers: Mapping[tuple[str, str], Declaration],
    problems: list[Problem],
) -> dict[str, int]:
    found = {}
    for name, quantity in given.items():
        declaration = registers.get((device, name))
        if declaration is None or declaration.kind != "counter":
            problems.append(Problem(place, f"{device} declares no counter {name} in this file", "declare it"))
            continue
        try:
            found[name] = whole_ticks(quantity, declaration.unit, declaration.resolution)
        except (NotARegister, NoTicks, IncompatibleUnits) as error:
            problems.append(Problem(place, f"{name}: {error}"))
    return found
