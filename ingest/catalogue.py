"""The device file: which devices there are, what their registers are, and which asset each serves.

devices: [{device, model, registers: [{register, kind, unit, resolution, max_gap, …}], asset, position, from, to}]
  a counter: minimum, maximum, modulus, tolerance, max_rate, glitch_window, cross_checks: [{against: [path], tolerance}]
  a gauge: minimum, maximum, noise_band, refill_threshold; any: max_gap, silence_limit, every (how often it reports)
assets: [{asset, kind, site}]
bindings: [{device, asset, position, from, to, evidence, opening: {register: quantity}, closing: {…}}]

A device may name its only binding itself (asset, position). Every scalar is text: numbers never become floats.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

import yaml
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from core.canonical import fraction_text
from core.problem import Problem
from core.time import Duration, NotADuration, NotATime, read_time, zone
from core.units import IncompatibleUnits, NotAQuantity, Quantity, UnknownUnit, default_tick, is_unit
from ingest.registry import Kind
from ingest.tick import NoTicks, whole_ticks

SINCE_EVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Start of a binding that names none; no reading is older."""
HOUR = 3600
_NAME = r"^[A-Za-z0-9._-]{1,64}$"
_UTC = zone("UTC")


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """What else moved with a register: it should come to the sum of these paths of its asset, give or take a share.

    tolerance: part of one as text, e.g. 0.05.
    """

    against: tuple[str, ...]
    tolerance: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a register is, in its ticks. resolution: one tick, in unit. max_rate: ticks per hour."""

    name: str
    kind: Kind
    unit: str
    resolution: Decimal
    minimum: int | None = None
    maximum: int | None = None
    modulus: int | None = None
    tolerance: int = 0
    max_rate: Decimal | None = None
    max_gap: timedelta | None = None
    silence_limit: timedelta | None = None
    glitch_window: timedelta | None = None
    noise_band: int = 0
    refill_threshold: int | None = None
    every: timedelta | None = None
    cross_checks: tuple[CrossCheck, ...] = ()
    resets_at_boot: bool = False


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


class _Wrong(ValueError):
    pass


def _reads(action: Callable[[str], object], *faults: type[Exception]) -> BeforeValidator:
    """A validator that turns a text into a value and a fault into a problem at its place."""

    def convert(text: object) -> object:
        if not isinstance(text, str):
            return text
        try:
            return action(text)
        except faults as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(convert)


def _elapsed(text: str) -> timedelta:
    return timedelta(microseconds=Duration.parse(text).elapsed)


_Name = Annotated[str, Field(pattern=_NAME)]
_Quantity = Annotated[Quantity, _reads(Quantity.parse, NotAQuantity, UnknownUnit)]
_Elapsed = Annotated[timedelta, _reads(_elapsed, NotADuration)]
_Time = Annotated[datetime, _reads(lambda text: read_time(text, _UTC), NotATime)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class _CrossCheck(_Entry):
    against: Annotated[list[str], Field(min_length=1)]
    tolerance: _Quantity


class _Register(_Entry):
    register_: _Name = Field(validation_alias=AliasChoices("register"))
    kind: Literal["counter", "state", "gauge"]
    unit: str | None = None
    resolution: _Quantity | None = None
    minimum: _Quantity | None = None
    maximum: _Quantity | None = None
    modulus: _Quantity | None = None
    tolerance: _Quantity | None = None
    max_rate: _Quantity | None = None
    max_gap: _Elapsed | None = None
    silence_limit: _Elapsed | None = None
    glitch_window: _Elapsed | None = None
    noise_band: _Quantity | None = None
    refill_threshold: _Quantity | None = None
    every: _Elapsed | None = None
    cross_checks: list[_CrossCheck] = []
    resets_at_boot: bool = False


class _Span(_Entry):
    start: _Time = Field(default=SINCE_EVER, validation_alias=AliasChoices("from"))
    end: _Time | None = Field(default=None, validation_alias=AliasChoices("to"))


class _Device(_Span):
    device: _Name
    model: str = ""
    registers: list[_Register]
    asset: Annotated[str, Field(min_length=1)] | None = None
    position: _Name | None = None


class _Asset(_Entry):
    asset: Annotated[str, Field(min_length=1)]
    kind: str = ""
    site: str = ""


class _Binding(_Span):
    device: _Name
    asset: Annotated[str, Field(min_length=1)]
    position: _Name
    evidence: str = ""
    opening: dict[str, _Quantity] = {}
    closing: dict[str, _Quantity] = {}


class _File(_Entry):
    devices: list[_Device] = []
    assets: list[_Asset] = []
    bindings: list[_Binding] = []


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
            registers.append(_declaration(entry))
        except (_Wrong, NoTicks, UnknownUnit, IncompatibleUnits) as error:
            problems.append(Problem(place, str(error)))
    names = (register.name for register in registers)
    problems += _repeated(f"devices[{n}].registers", names)
    return Device(device.device, device.model, tuple(registers))


def _declaration(entry: _Register) -> Declaration:
    if entry.kind == "state":
        if entry.unit or entry.resolution:
            raise _Wrong("a state has neither unit nor resolution; leave them out")
        _only_for(entry, "counter", _OF_COUNTERS)
        _only_for(entry, "gauge", _OF_GAUGES)
        return Declaration(
            entry.register_,
            "state",
            "state",
            Decimal(1),
            max_gap=entry.max_gap,
            silence_limit=entry.silence_limit,
            every=entry.every,
        )
    if not entry.unit or not is_unit(entry.unit):
        raise _Wrong(f"a {entry.kind} needs a unit that is known, e.g. unit: km")
    unit, resolution = _tick(entry.unit, entry.resolution)
    _check_physics(entry)

    def ticks(quantity: Quantity | None) -> int | None:
        return None if quantity is None else whole_ticks(quantity, unit, resolution)

    return Declaration(
        entry.register_,
        entry.kind,
        unit,
        resolution,
        minimum=ticks(entry.minimum),
        maximum=ticks(entry.maximum),
        modulus=ticks(entry.modulus),
        tolerance=ticks(entry.tolerance) or 0,
        max_rate=_rate(entry.max_rate, unit, resolution),
        max_gap=entry.max_gap,
        silence_limit=entry.silence_limit,
        glitch_window=entry.glitch_window,
        noise_band=ticks(entry.noise_band) or 0,
        refill_threshold=ticks(entry.refill_threshold),
        every=entry.every,
        cross_checks=tuple(map(_cross_check, entry.cross_checks)),
        resets_at_boot=entry.resets_at_boot,
    )


_OF_COUNTERS = ("modulus", "tolerance", "max_rate", "glitch_window", "cross_checks", "resets_at_boot")
_OF_GAUGES = ("noise_band", "refill_threshold")


def _check_physics(entry: _Register) -> None:
    if entry.kind == "counter":
        _only_for(entry, "gauge", _OF_GAUGES)
    else:
        _only_for(entry, "counter", ("glitch_window", "cross_checks", "resets_at_boot"))
    if entry.glitch_window is not None and entry.max_rate is None:
        raise _Wrong("a glitch_window needs a max_rate: it says which later value fits")


def _only_for(entry: _Register, kind: str, names: Iterable[str]) -> None:
    for name in names:
        if entry.kind != kind and getattr(entry, name):
            raise _Wrong(f"{name} is declared of a {kind}, and this is a {entry.kind}; leave it out")


def _cross_check(entry: _CrossCheck) -> CrossCheck:
    if entry.tolerance.unit != "%":
        raise _Wrong(f"tolerance {entry.tolerance} of a cross-check is a share, e.g. 5 %")
    for path in entry.against:
        if len(path.split("/")) != 2:  # noqa: PLR2004 - position and register
            raise _Wrong(f"{path!r} is no path; write position/register, e.g. vehicle/gps_distance")
    return CrossCheck(tuple(entry.against), f"{entry.tolerance.magnitude / 100:f}")


def _tick(unit: str, resolution: Quantity | None) -> tuple[str, Decimal]:
    """The register's unit and one tick in it. Hours count seconds, unless told otherwise."""
    own = default_tick(unit)
    tick = resolution or Quantity(own.resolution, own.unit)
    step = fraction_text(tick.to(unit))
    if "/" not in step and tick.magnitude > 0:
        return unit, Decimal(step)
    if resolution is None:
        return own.unit, own.resolution
    raise _Wrong(f"{resolution} is no finite decimal of {unit}; write unit: {resolution.unit}")


def _rate(rate: Quantity | None, unit: str, resolution: Decimal) -> Decimal | None:
    """Ticks per hour; what is no finite decimal is cut after six digits, so that it holds a little earlier."""
    if rate is None:
        return None
    ticks = rate.to(f"{unit}/h") / Fraction(resolution)
    return Decimal(ticks.numerator * 10**6 // ticks.denominator).scaleb(-6)


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
        except (_Wrong, NoTicks, IncompatibleUnits) as error:
            problems.append(Problem(place, f"{name}: {error}"))
    return found
