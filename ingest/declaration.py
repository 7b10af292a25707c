"""What a register is, as a device file declares it, and in its ticks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from core.canonical import fraction_text
from core.time import Duration, NotADuration
from core.units import NotAQuantity, Quantity, UnknownUnit, default_tick, is_unit
from ingest.registry import Kind
from ingest.tick import whole_ticks


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


class NotARegister(ValueError):
    """A declaration that contradicts itself, or has no meaning."""


def reads(action: Callable[[str], object], *faults: type[Exception]) -> BeforeValidator:
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


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
QuantityText = Annotated[Quantity, reads(Quantity.parse, NotAQuantity, UnknownUnit)]
_Elapsed = Annotated[timedelta, reads(_elapsed, NotADuration)]


class Entry(BaseModel):
    """A map in a device file; it has no other names than these."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class _CrossCheck(Entry):
    against: Annotated[list[str], Field(min_length=1)]
    tolerance: QuantityText


class RegisterEntry(Entry):
    """A register as it is written."""

    register_: Name = Field(validation_alias=AliasChoices("register"))
    kind: Literal["counter", "state", "gauge"]
    unit: str | None = None
    resolution: QuantityText | None = None
    minimum: QuantityText | None = None
    maximum: QuantityText | None = None
    modulus: QuantityText | None = None
    tolerance: QuantityText | None = None
    max_rate: QuantityText | None = None
    max_gap: _Elapsed | None = None
    silence_limit: _Elapsed | None = None
    glitch_window: _Elapsed | None = None
    noise_band: QuantityText | None = None
    refill_threshold: QuantityText | None = None
    every: _Elapsed | None = None
    cross_checks: list[_CrossCheck] = []
    resets_at_boot: bool = False


def declare(entry: RegisterEntry) -> Declaration:
    """The register in its ticks. Raises NotARegister, NoTicks, UnknownUnit, IncompatibleUnits."""
    if entry.kind == "state":
        if entry.unit or entry.resolution:
            raise NotARegister("a state has neither unit nor resolution; leave them out")
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
        raise NotARegister(f"a {entry.kind} needs a unit that is known, e.g. unit: km")
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


def _check_physics(entry: RegisterEntry) -> None:
    if entry.kind == "counter":
        _only_for(entry, "gauge", _OF_GAUGES)
    else:
        _only_for(entry, "counter", ("glitch_window", "cross_checks", "resets_at_boot"))
    if entry.glitch_window is not None and entry.max_rate is None:
        raise NotARegister("a glitch_window needs a max_rate: it says which later value fits")


def _only_for(entry: RegisterEntry, kind: str, names: Iterable[str]) -> None:
    for name in names:
        if entry.kind != kind and getattr(entry, name):
            raise NotARegister(f"{name} is declared of a {kind}, and this is a {entry.kind}; leave it out")


def _cross_check(entry: _CrossCheck) -> CrossCheck:
    if entry.tolerance.unit != "%":
        raise NotARegister(f"tolerance {entry.tolerance} of a cross-check is a share, e.g. 5 %")
    for path in entry.against:
        if len(path.split("/")) != 2:  # noqa: PLR2004 - position and register
            raise NotARegister(f"{path!r} is no path; write position/register, e.g. vehicle/gps_distance")
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
    raise NotARegister(f"{resolution} is no finite decimal of {unit}; write unit: {resolution.unit}")


def _rate(rate: Quantity | None, unit: str, resolution: Decimal) -> Decimal | None:
    """Ticks per hour; what is no finite decimal is cut after six digits, so that it holds a little earlier."""
    if rate is None:
        return None
    ticks = rate.to(f"{unit}/h") / Fraction(resolution)
    return Decimal(ticks.numerator * 10**6 // ticks.denominator).scaleb(-6)
