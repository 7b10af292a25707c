"""Quantities that somebody wrote down, in whole ticks of a register."""

from decimal import Decimal

from core.problem import Problem, Problems
from core.units import IncompatibleUnits, Quantity, to_ticks


class NoTicks(ValueError):
    """A quantity that is no whole number of ticks."""


def whole_ticks(quantity: Quantity, unit: str, resolution: Decimal) -> int:
    """Of a register that counts in ticks of so much of a unit. Raises NoTicks and IncompatibleUnits."""
    found = to_ticks(quantity.magnitude, quantity.unit, register_unit=unit, resolution=resolution)
    if not found.exact:
        raise NoTicks(f"{quantity} is no whole number of ticks of {resolution:f} {unit}")
    return found.ticks


def written_ticks(quantity: Quantity, unit: str, resolution: Decimal, *, place: str) -> int:
    """The same of what a person says at a place. Raises Problems."""
    try:
        return whole_ticks(quantity, unit, resolution)
    except NoTicks as error:
        raise Problems((Problem(place, str(error), "round it"),)) from None
    except IncompatibleUnits as error:
        raise Problems((Problem(place, str(error), f"give it in {unit}"),)) from None
