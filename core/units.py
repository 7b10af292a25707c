"""Units of measure: exact factors, whole ticks. The only pint registry of the project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pint

from core.canonical import is_decimal
from core.money import EXACT, round_fraction

# Our words and their definitions; every factor is a finite decimal, so that fractions of them are exact.
_DEFINITIONS = {
    "m": "metre = [length]",
    "mm": "millimetre = 0.001 metre",
    "km": "kilometre = 1000 metre",
    "mi": "mile = 1609.344 metre",
    "s": "second = [time]",
    "ms": "millisecond = 0.001 second",
    "min": "minute = 60 second",
    "h": "hour = 3600 second",
    "m3": "cubic_metre = metre ** 3",
    "l": "litre = 0.001 metre ** 3",
    "ml": "millilitre = 0.000001 metre ** 3",
    "kg": "kilogram = [mass]",
    "t": "tonne = 1000 kilogram",
    "kW": "kilowatt = [power]",
    "kWh": "kilowatt_hour = 3600 kilowatt * second",
    "MWh": "megawatt_hour = 3600000 kilowatt * second",
    "bar": "bar = [pressure]",
    "mbar": "millibar = 0.001 bar",
    "%": "percent = [share]",
    "page": "page = [page]",
    "click": "click = [click]",
    "event": "event = [event]",
    "l/100km": "litre_per_hundred_kilometre = 0.00000001 metre ** 2",
}
_NAMES = {word: definition.split(" ")[0] for word, definition in _DEFINITIONS.items()}
REGISTRY: Any = pint.UnitRegistry(None, non_int_type=Decimal)
for _definition in _DEFINITIONS.values():
    REGISTRY.define(_definition)

_QUANTITY = re.compile(r"(-?\d{1,18}(?:\.\d{1,12})?) (\S{1,20})", re.ASCII)
QUANTITY_SCALE = 4
"""Decimals to which a counter's boundary value is floored where its unit does not convert exactly."""


class UnknownUnit(ValueError):
    """A unit that is not one of ours."""


class IncompatibleUnits(ValueError):
    """Two units of different dimension met."""


class NotAQuantity(ValueError):
    """A text that is no number with a unit."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """A register's value in whole ticks; exact: no rounding was needed."""

    ticks: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """The smallest step of a register: so much of a unit."""

    resolution: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact magnitude and its unit."""

    magnitude: Decimal
    unit: str

    def __post_init__(self) -> None:
        if type(self.magnitude) is not Decimal or not self.magnitude.is_finite():
            raise NotAQuantity(f"{self.magnitude!r} is no exact number; give a finite Decimal")
        _root(self.unit)

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """Read "6300.0 km". Raises NotAQuantity or UnknownUnit."""
        match = _QUANTITY.fullmatch(text)
        if match is None:
            raise NotAQuantity(f"{text!r} is no quantity; write it as 6300.0 km")
        return cls(Decimal(match[1]), match[2])

    def to(self, unit: str) -> Fraction:
        """The exact magnitude in another unit. Raises IncompatibleUnits."""
        return Fraction(self.magnitude) * factor(self.unit, unit)

    def __str__(self) -> str:
        return f"{self.magnitude:f} {self.unit}"


@cache
def factor(source: str, target: str) -> Fraction:
    """How many of target one of source is, exactly. Raises IncompatibleUnits naming both, or UnknownUnit."""
    (of_source, dimension), (of_target, other) = _root(source), _root(target)
    if dimension != other:
        raise IncompatibleUnits(f"{source} does not convert to {target}")
    return of_source / of_target


def is_unit(text: str) -> bool:
    """Whether this is one of our units or a quotient of two."""
    try:
        _root(text)
    except UnknownUnit:
        return False
    return True


def convertible(source: str, target: str) -> bool:
    """Whether both are units of one dimension."""
    return is_unit(source) and is_unit(target) and _root(source)[1] == _root(target)[1]


def to_ticks(value: Decimal, unit: str, *, register_unit: str, resolution: Decimal) -> Ticks:
    """A received value in whole ticks of a register, half-up (away from zero) to a tick.

    resolution: one tick, in register_unit. Raises IncompatibleUnits, UnknownUnit.
    """
    exact = Fraction(value) * factor(unit, register_unit) / Fraction(resolution)
    return Ticks(int(round_fraction(exact, 0, "half_up")), exact.denominator == 1)


def from_ticks(ticks: int, *, resolution: Decimal, register_unit: str) -> Quantity:
    """What so many ticks are in the register's unit, exactly."""
    return Quantity(EXACT.multiply(Decimal(ticks), resolution), register_unit)


_OWN_TICK = {"m": "1", "s": "1", "ml": "0.01", "page": "1", "click": "1", "event": "1"}
_SMALL = ("s", "ml", "kg", "kWh")


def default_tick(unit: str) -> Tick:
    """The tick of a register that declares none: odometer 1 m, hours 1 s, a page, 0.01 ml, else a thousandth.

    Time, volume, mass and energy are kept in their family's small unit (hours in seconds), because one tick must be a
    finite decimal of the register's unit. A quotient gets a millionth.
    """
    _root(unit)
    if "/" in unit and unit != "l/100km":
        return Tick(Decimal("0.000001"), unit)
    small = next((word for word in _SMALL if convertible(word, unit)), unit)
    return Tick(Decimal(_OWN_TICK.get(small, "0.001")), small)


def floor_to_scale(value: Fraction, scale: int = QUANTITY_SCALE) -> Fraction:
    """The value itself if it is a finite decimal, else floored to so many decimals."""
    if is_decimal(value):
        return value
    return Fraction(value.numerator * 10**scale // value.denominator, 10**scale)


@cache
def _root(text: str) -> tuple[Fraction, tuple[tuple[str, Fraction], ...]]:
    """Exact factor to root units, and the dimension."""
    words = _words(text)
    whole, dimension = Fraction(1), dict[str, Fraction]()
    for word, power in zip(words, (1, -1), strict=False):
        magnitude, root = REGISTRY.get_root_units(_NAMES[word])
        whole *= Fraction(magnitude) ** power
        for name, exponent in root.dimensionality.items():
            dimension[name] = dimension.get(name, Fraction(0)) + Fraction(exponent) * power
    return whole, tuple(sorted((name, exponent) for name, exponent in dimension.items() if exponent))


def _words(text: str) -> tuple[str, ...]:
    """One of our units, or the two of a quotient; `l/100km/t` is one of `l/100km` and `t`."""
    if text in _NAMES:
        return (text,)
    for n, sign in enumerate(text):
        if sign == "/" and text[:n] in _NAMES and text[n + 1 :] in _NAMES:
            return text[:n], text[n + 1 :]
    raise UnknownUnit(f"{text!r} is no unit; units are {' '.join(_DEFINITIONS)} and quotients of two")
