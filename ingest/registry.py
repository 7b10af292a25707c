"""What the door knows of devices and their registers, as of one moment."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Literal, TypeAlias

from core.units import factor

Kind: TypeAlias = Literal["counter", "state", "gauge"]
Ratio: TypeAlias = tuple[int, int]
MOST_DECIMALS = 30
"""Digits of a value that is still read."""
SMALLEST, LARGEST = -(2**63), 2**63 - 1


class Scales(dict[str, tuple[Ratio, ...]]):
    """For a unit and a number of decimals: how many ticks the last digit is, as an exact ratio."""

    def __init__(self, unit: str, resolution: Decimal) -> None:
        super().__init__()
        self.unit = unit
        self.resolution = Fraction(resolution)

    def __missing__(self, unit: str) -> tuple[Ratio, ...]:
        """Raises core.units.UnknownUnit or IncompatibleUnits, and remembers only units that convert."""
        ticks = factor(unit, self.unit) / self.resolution
        self[unit] = made = tuple((ticks / 10**n).as_integer_ratio() for n in range(MOST_DECIMALS + 1))
        return made


@cache
def scales(unit: str, resolution: Decimal) -> Scales:
    """The scales that all registers of this unit and resolution share."""
    return Scales(unit, resolution)


@dataclass(frozen=True, slots=True)
class Register:
    """A register as the door sees it. resolution: one tick, in unit; minimum, maximum: in ticks, both allowed."""

    id: int
    name: str
    kind: Kind
    unit: str
    resolution: Decimal
    minimum: int
    maximum: int
    scales: Scales | None  # None: its values are names of states


@dataclass(frozen=True, slots=True)
class Registry:
    """Registers by device and name; state codes by name. taken_at: µs since 1970 when reading it began.

    sealed: µs since 1970 before which no reading is taken any more; None: nothing is sealed.
    """

    devices: dict[str, dict[str, Register]]
    states: dict[str, int]
    taken_at: int
    version: tuple[int, ...] = field(default=())
    sealed: int | None = None


def register(
    id: int,  # noqa: A002
    name: str,
    *,
    kind: Kind,
    unit: str,
    resolution: Decimal,
    minimum: int | None = None,
    maximum: int | None = None,
) -> Register:
    """A register with its defaults: a counter never shows less than zero."""
    lowest = minimum if minimum is not None else 0 if kind == "counter" else SMALLEST
    own = None if kind == "state" else scales(unit, resolution)
    return Register(id, name, kind, unit, resolution, lowest, LARGEST if maximum is None else maximum, own)
