"""The door: it judges a reading by itself, its register's declaration and the time of its receipt.

It knows no neighbours: whether a counter fell or rose too fast is decided later, over readings in order of time, so
that any order of arrival gives the same result.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from core.time import micros
from core.units import IncompatibleUnits, UnknownUnit
from ingest.reason import Reason, Rejected, shown
from ingest.registry import LARGEST, MOST_DECIMALS, SMALLEST, Register, Registry
from ingest.wire.message import Binary, Candidate

OLDEST = timedelta(days=400)
"""How long before its receipt a reading may have been taken: thirteen months and some days."""
NEWEST = timedelta(minutes=5)
"""How much a device's clock may be ahead."""
STATUSES = ("", "U", "I", "S", "R")
"""Time status: unknown, informative, synchronised, relative; or not said."""

SUPPLY_UNITS = ("%", "ml", "l", "kg", "page")
"""A gauge of these whose range begins at zero or above is the level of a supply."""
SUPPLY_CODES = {
    "-1": "no restriction, or a level in other terms",
    "-2": "the level is unknown",
    "-3": "something is left, but not how much",
}
"""prtMarkerSuppliesLevel of RFC 3805."""

Row: TypeAlias = tuple[int, int, int, int, str, str | None]
"""An accepted reading: index in the message, register id, µs since 1970, ticks, time status, text as received (where
rounding or conversion happened)."""

_FAST_DIGITS = 18
_NUMBER = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)
_ZONELESS = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Judgement(NamedTuple):
    """Which items of a message may be stored, and which not, and why."""

    rows: list[Row]
    rejected: list[Rejected]


class _Refused(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def judge(
    candidates: Sequence[Candidate],
    device: str,
    registry: Registry,
    *,
    received_at: int,
    window: tuple[int, int] | None = None,
) -> Judgement:
    """Judge the items of one message. received_at: µs since 1970. Never raises.

    window: first and last instant allowed, if not those that follow from the receipt.
    """
    registers = registry.devices.get(device)
    if registers is None:
        return Judgement([], [Rejected(Reason.UNKNOWN_DEVICE, f"{shown(device)} is not registered")])
    window = window or (received_at - OLDEST // _MICROSECOND, received_at + NEWEST // _MICROSECOND)
    rows: list[Row] = []
    rejected: list[Rejected] = []
    for candidate in candidates:
        try:
            rows.append(_not_sealed(_accept(candidate, registers, registry.states, window), registry.sealed))
        except _Refused as refused:
            rejected.append(Rejected(refused.reason, refused.detail, candidate[0]))
    return Judgement(rows, rejected)


def _accept(
    candidate: Candidate, registers: Mapping[str, Register], states: Mapping[str, int], window: tuple[int, int]
) -> Row:
    index, name, at, value, unit, status = candidate
    register = registers.get(name)
    if register is None:
        raise _Refused(Reason.UNKNOWN_REGISTER, _undeclared(name, registers))
    instant = read_instant(at)
    if not window[0] <= instant <= window[1]:
        raise _Refused(*_outside(instant, at, window))
    if status not in STATUSES:
        raise _Refused(Reason.BAD_STATUS, f"{shown(status)} is not one of U, I, S, R")
    if register.scales is None:
        return index, register.id, instant, _read_state(value, unit, states), status, None
    ticks, raw = read_ticks(value, unit, register)
    if isinstance(value, Binary):
        raw = f"{value} {unit} as {value.kind}"
    return index, register.id, instant, ticks, status, raw


def _undeclared(name: str, registers: Mapping[str, Register]) -> str:
    return f"the device declares {', '.join(sorted(registers)) or 'no registers'}, but not {shown(name)}"


def _outside(instant: int, at: str, window: tuple[int, int]) -> tuple[Reason, str]:
    if window[0] <= instant * 1000 <= window[1]:
        return Reason.TIME_IN_SECONDS, f"{shown(at)} times 1000 lies near its receipt"
    if instant < window[0]:
        return Reason.TOO_OLD, f"{shown(at)} is more than {OLDEST.days} days before its receipt"
    return Reason.TOO_NEW, f"{shown(at)} is more than {NEWEST.seconds // 60} minutes after its receipt"


def _not_sealed(row: Row, sealed: int | None) -> Row:
    if sealed is not None and row[2] < sealed:
        edge, at = (_EPOCH + one * _MICROSECOND for one in (sealed, row[2]))
        detail = f"readings before {edge:%Y-%m-%dT%H:%M:%SZ} are sealed, and this one is of {at:%Y-%m-%dT%H:%M:%SZ}"
        raise _Refused(Reason.TOO_OLD, detail)
    return row


@lru_cache(maxsize=65_536)
def read_instant(text: str) -> int:
    """RFC 3339 with a zone, as µs since 1970; finer digits are cut off. Refuses anything else."""
    match = _TIME.fullmatch(text)
    if match is None:
        zoneless = _ZONELESS.fullmatch(text)
        hint = "has no zone; append Z if it is UTC" if zoneless else "is not written as 2026-06-01T00:00:00Z"
        raise _Refused(Reason.BAD_TIME, f"{shown(text)} {hint}")
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{zone.upper()}")
        whole = micros(moment)
    except (ValueError, OverflowError) as error:
        raise _Refused(Reason.BAD_TIME, f"{shown(text)}: {error}") from None
    return whole + int((fraction or "0")[:6].ljust(6, "0"))


def is_instant(text: str) -> bool:
    """Whether it is written with its zone, as RFC 3339 has it."""
    return _TIME.fullmatch(text) is not None


def _read_state(value: str, unit: str, states: Mapping[str, int]) -> int:
    code = states.get(value)
    if code is None:
        raise _Refused(Reason.UNKNOWN_STATE, f"{shown(value)} is not one of {', '.join(states)}")
    if unit:
        raise _Refused(Reason.WRONG_UNIT, f"a state has no unit, but {shown(unit)} is given")
    return code


def read_ticks(text: str, unit: str, register: Register) -> tuple[int, str | None]:
    """A value in whole ticks, half-up, and the text as received if it was converted or rounded."""
    whole, point, decimals = text.partition(".")
    digits = whole + decimals
    plain = digits.isdecimal() and digits.isascii() and len(digits) <= _FAST_DIGITS
    if not plain or not whole or bool(point) != bool(decimals):
        digits, decimals = _plain_digits(text)
    ticks, rest = _counted(int(digits), len(decimals), unit, register)
    if not register.minimum <= ticks <= register.maximum:
        raise _Refused(*_beyond(text, unit, ticks, register))
    return ticks, f"{text} {unit}" if rest or unit != register.unit else None


def _counted(digits: int, decimals: int, unit: str, register: Register) -> tuple[int, int]:
    """Ticks, half-up away from zero, and what is left over."""
    scales = register.scales
    if scales is None:
        raise _Refused(Reason.WRONG_UNIT, f"{register.name} is a state")
    try:
        numerator, denominator = scales[unit][decimals]
    except (IncompatibleUnits, UnknownUnit):
        given = f"{shown(unit)} does not convert to {register.unit}" if unit else f"none given; send {register.unit}"
        raise _Refused(Reason.WRONG_UNIT, given) from None
    if denominator == 1:
        return digits * numerator, 0
    ticks, rest = divmod(abs(digits) * numerator, denominator)
    ticks += 2 * rest >= denominator
    return -ticks if digits < 0 else ticks, rest


def _plain_digits(text: str) -> tuple[str, str]:
    """Sign and digits without the point, and the decimals among them; an exponent is written out."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise _Refused(Reason.BAD_VALUE, f"{shown(text)} is no decimal number")
    sign, whole, decimals = match[1], match[2], match[3] or ""
    exponent = int((match[4] or "0")[:4])
    if len(whole) + len(decimals) + abs(exponent) > MOST_DECIMALS:
        raise _Refused(Reason.TOO_MANY_DIGITS, f"{shown(text)} has more than {MOST_DECIMALS} digits")
    if exponent >= 0:
        moved = decimals.ljust(exponent, "0")
        whole, decimals = whole + moved[:exponent], moved[exponent:]
    else:
        moved = whole.rjust(1 - exponent, "0")
        whole, decimals = moved[:exponent], moved[exponent:] + decimals
    return sign + whole + decimals, decimals


def _beyond(text: str, unit: str, ticks: int, register: Register) -> tuple[Reason, str]:
    """Why a value beyond its range is refused: RFC 3805 has codes where a printer knows no level."""
    is_supply = register.kind == "gauge" and register.minimum >= 0 and register.unit in SUPPLY_UNITS
    if is_supply and text in SUPPLY_CODES:
        return Reason.SUPPLY_CODE, f"{text} says: {SUPPLY_CODES[text]}"
    return Reason.OUT_OF_RANGE, _range(text, unit, ticks, register)


def _range(text: str, unit: str, ticks: int, register: Register) -> str:
    if not SMALLEST <= ticks <= LARGEST:
        return f"{shown(text)} {unit} is more than a register can count"
    resolution = f"{register.resolution:f} {register.unit}"
    return f"{shown(text)} {unit} is {ticks} ticks of {resolution}; allowed {register.minimum} to {register.maximum}"
