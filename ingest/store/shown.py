"""How numbers and times of meters are written."""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from core.canonical import decimal_text
from core.time import instant
from core.units import from_ticks
from ingest.store.completeness import Register
from ingest.store.counter import Life


def shown(ticks: int | None, register: Register) -> str | None:
    """Ticks of a register, in its unit."""
    return None if ticks is None else ticks_text(ticks, register.resolution, register.unit)


def amount(ticks: int, life: Life) -> str:
    """Ticks of a counter, in its unit."""
    return ticks_text(ticks, life.resolution, life.unit)


def ticks_text(ticks: int, resolution: Decimal, unit: str) -> str:
    """So many times the resolution."""
    return decimal_text(from_ticks(ticks, resolution=resolution, register_unit=unit).magnitude)


def share(share: Fraction) -> str:
    """A part of one with six digits, cut."""
    return f"{Decimal(share.numerator * 1_000_000 // share.denominator).scaleb(-6):f}"


def at_text(at: int) -> str:
    """An instant, from microseconds."""
    return time_text(instant(at))


def time_text(at: datetime) -> str:
    """An instant in UTC."""
    return at.isoformat().replace("+00:00", "Z")
