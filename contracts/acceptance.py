"""Whether a contract document may be imported here: beside what is stored, and onto the assets that exist."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol, TypeAlias

from core.problem import Problem
from core.units import Quantity, convertible, to_ticks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from contracts.document import Measure, Version

KIND_OF_REGISTER = {
    "counter_delta": "counter",
    "state_time": "state",
    "gauge_level": "gauge",
    "gauge_mean": "gauge",
    "gauge_fall": "gauge",
    "event_count": "gauge",
}
FIXED = ("currency", "timezone")
MICROSECOND = timedelta(microseconds=1)


class Declared(Protocol):
    """A register as ingest declares it. modulus: ticks; max_rate: ticks per hour; None: not declared."""

    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def resolution(self) -> Decimal: ...  # noqa: D102
    @property
    def modulus(self) -> int | None: ...  # noqa: D102
    @property
    def max_rate(self) -> Decimal | None: ...  # noqa: D102
    @property
    def max_gap(self) -> timedelta | None: ...  # noqa: D102


Registers: TypeAlias = "Mapping[str, Mapping[str, Sequence[Declared]]]"
"""By asset, then by register path; several where devices followed each other."""


def new_versions(versions: Sequence[Version], stored: Sequence[Version]) -> tuple[Version, ...] | tuple[Problem, ...]:
    """The versions to append, none if all are stored already; or why they cannot follow what is stored."""
    problems = [problem for version in versions for problem in _against_stored(version, stored)]
    problems += _kept_apart(versions, stored)
    if problems:
        return tuple(problems)
    return tuple(version for version in versions if version.version > len(stored))


def check_assets(versions: Sequence[Version], known: frozenset[str]) -> Iterator[Problem]:
    """Every covered asset that does not exist, once."""
    seen: set[str] = set()
    for version in versions:
        for n, item in enumerate(version.coverage):
            if item.asset not in known and item.asset not in seen:
                seen.add(item.asset)
                place = f"version {version.version}, coverage[{n}].asset"
                yield Problem(place, f"{item.asset!r} is no asset here", "register the asset and its device first")


def check_registers(versions: Sequence[Version], registers: Registers) -> Iterator[Problem]:
    """Measures that do not fit the registers of the covered assets.

    A register that an asset does not have yet is no problem: the device may come later, and time without it is unknown.
    """
    for version in versions:
        assets = sorted({item.asset for item in version.coverage})
        for n, measure in enumerate(version.measures):
            for asset in assets:
                for declared in registers.get(asset, {}).get(measure.register_path or "", ()):
                    for message, remedy in _mismatch(measure, declared):
                        place = f"version {version.version}, measures[{n}] ({measure.measure}), asset {asset}"
                        yield Problem(place, message, remedy)


def _against_stored(version: Version, stored: Sequence[Version]) -> Iterator[Problem]:
    before = next((other for other in stored if other.version == version.version), None)
    if before is not None and before.hash != version.hash:
        place = f"version {version.version}"
        remedy = f"leave it and add version {len(stored) + 1}"
        yield Problem(place, "is stored already with another content; a version never changes", remedy)


def _kept_apart(versions: Sequence[Version], stored: Sequence[Version]) -> Iterator[Problem]:
    """What stays the same over all versions, and in the stored ones."""
    first = stored[0] if stored else versions[0]
    if stored and versions[-1].version < len(stored):
        yield Problem(
            "the file", f"ends with version {versions[-1].version}, but {len(stored)} are stored", "hand in all"
        )
    for version in versions:
        place = f"version {version.version}"
        for name in FIXED:
            if getattr(version, name) != getattr(first, name):
                yield Problem(
                    f"{place}, {name}", f"is not {getattr(first, name)} any more", "make a new contract of it"
                )
        for role, name in first.parties.items():
            if version.parties.get(role) != name:
                yield Problem(
                    f"{place}, parties.{role}", f"is not {name} any more", "make a new contract with the new party"
                )
        if (version.billing.period, version.billing.anchor_day) != (first.billing.period, first.billing.anchor_day):
            yield Problem(
                f"{place}, billing", "has another period or anchor_day", "periods of one contract stay the same"
            )


def _mismatch(measure: Measure, declared: Declared) -> Iterator[tuple[str, str]]:
    wanted = KIND_OF_REGISTER.get(measure.kind)
    if wanted is not None and declared.kind != wanted:
        yield (
            f"{measure.register_path} is a {declared.kind}, but {measure.kind} reads a {wanted}",
            "name another register",
        )
        return
    if measure.unit and not convertible(declared.unit, measure.unit):
        yield (
            f"{measure.register_path} counts {declared.unit}, which does not convert to {measure.unit}",
            "use its unit",
        )
        return
    if measure.modulus and declared.modulus is not None and _ticks(measure.modulus, declared) != declared.modulus:
        remedy = "state the modulus that the register declares"
        yield f"modulus {measure.modulus} is not the register's {_shown(declared.modulus, declared)}", remedy
    if measure.max_rate and declared.max_rate is not None and _rate(measure.max_rate, declared) != declared.max_rate:
        yield f"max_rate {measure.max_rate} is not the register's {declared.max_rate} ticks/h", "make the two agree"
    if measure.max_gap and declared.max_gap is not None and measure.max_gap_micros != declared.max_gap // MICROSECOND:
        yield f"max_gap {measure.max_gap} is not the register's {declared.max_gap}", "make the two agree"


def _ticks(quantity: Quantity, declared: Declared) -> int:
    return to_ticks(
        quantity.magnitude, quantity.unit, register_unit=declared.unit, resolution=declared.resolution
    ).ticks


def _rate(rate: Quantity, declared: Declared) -> Decimal:
    """Ticks per hour; what has no digits that end is cut after six, as the register's own is."""
    ticks = rate.to(f"{declared.unit}/h") / Fraction(declared.resolution)
    return Decimal(ticks.numerator * 10**6 // ticks.denominator).scaleb(-6)


def _shown(ticks: int, declared: Declared) -> str:
    return f"{ticks * declared.resolution:f} {declared.unit}"
