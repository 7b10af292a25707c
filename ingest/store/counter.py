"""What counters showed at needed instants, for many registers at once.

The pure `ingest.course` computes from the few readings that `ingest.store.search` brings what it would from all.
"""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias, cast

from sqlalchemy import Connection

from core.time import HOUR
from core.units import Quantity, default_tick, to_ticks
from ingest.counter import Doubt, Part, Rule
from ingest.path import Bound, counted
from ingest.store import bound
from ingest.store.bound import Found, Need
from ingest.store.search import TABLE, Search, Source, rate

OnReset: TypeAlias = Literal["hold", "assume_zero", "documented_only"]
Boundary: TypeAlias = Literal["interpolate", "at_reading"]
_LIKE = 256
"""Registers are read in so many ways at most; what is computed for one is kept for the others."""


class Asked(NamedTuple):
    """A need that no contract states: everything as the register is declared."""

    asset: str
    register: str
    instants: tuple[int, ...]
    unit: str
    on_reset: str = "hold"
    boundary: str = "interpolate"
    modulus: Quantity | None = None
    max_rate: Quantity | None = None
    max_gap: int | None = None
    estimates: bool = False


class Counted(NamedTuple):
    """A counter over the needed instants. resolution: one tick, in unit. Without parts nothing is known."""

    unit: str
    resolution: Decimal
    parts: tuple[Part, ...]
    doubts: tuple[Doubt, ...]


class Life(NamedTuple):
    """The devices on a need's path with the readings that matter for its instants, and how they are read."""

    unit: str
    resolution: Decimal
    bounds: tuple[Bound, ...]
    registers: tuple[int, ...]
    rule: Rule


class MixedTicks(ValueError):
    """Devices that followed each other on one register path count in different ticks."""


def load(connection: Connection, needs: Sequence[Need], *, known: int, source: Source = TABLE) -> tuple[Counted, ...]:
    """Each need's counter as known at K, in the order of the needs. A few statements, however many needs.

    Raises MixedTicks.
    """
    return tuple(
        Counted(one.unit, one.resolution, *counted(one.bounds, need.instants, one.rule))
        for need, one in zip(needs, lives(connection, needs, known=known, source=source), strict=True)
    )


def lives(connection: Connection, needs: Sequence[Need], *, known: int, source: Source = TABLE) -> tuple[Life, ...]:
    """What `ingest.path` counts from, as known at K, in the order of the needs. Raises MixedTicks."""
    search = Search(connection, source, needs, bound.found(connection, needs, known=known), known=known)
    of_need = defaultdict[int, list[int]](list)
    for n, row in enumerate(search.rows):
        of_need[row.need].append(n)
    return tuple(_life(need, of_need[n], search) for n, need in enumerate(needs))


def _life(need: Need, numbers: Sequence[int], search: Search) -> Life:
    if not numbers:
        tick = default_tick(need.unit)
        return Life(tick.unit, tick.resolution, (), (), Rule())
    rows = [search.rows[n] for n in numbers]
    if len(rows) > 1:
        _check_alike(need, rows)
    bounds = tuple([_bound(need, n, row, search) for n, row in zip(numbers, rows, strict=True)])
    return Life(rows[0].unit, rows[0].resolution, bounds, tuple([row.register for row in rows]), _rule(need, rows[-1]))


def _check_alike(need: Need, rows: Sequence[Found]) -> None:
    ticks = {(row.unit, row.resolution) for row in rows}
    if len(ticks) > 1:
        shown = ", ".join(sorted(f"{resolution:f} {unit}" for unit, resolution in ticks))
        raise MixedTicks(f"{need.asset} {need.register}: devices count in ticks of {shown}; declare them alike")


def _bound(need: Need, n: int, row: Found, search: Search) -> Bound:
    said, outside = search.decided_on(row), search.outside.get(n, ())
    return Bound(
        row.device,
        row.start,
        row.end,
        row.opening,
        row.closing,
        tuple(sorted(search.points[n].items())),
        next((point for point in outside if point[0] < row.start), None) if outside else None,
        next((point for point in outside if point[0] >= row.start), None) if outside else None,
        said.epochs,
        said.releases,
        search.searched.get(n),
        said.estimates if need.estimates else (),
        search.boots.get(row.register, ()),
    )


def _rule(need: Need, row: Found) -> Rule:
    physics = _Physics(row.unit, row.resolution, row.modulus, row.max_rate, row.max_gap, row.tolerance, row.glitch)
    return _read_so(need.on_reset, need.boundary, need.modulus, need.max_rate, need.max_gap, physics)


class _Physics(NamedTuple):
    """What a register is declared to be."""

    unit: str
    resolution: Decimal
    modulus: int | None
    max_rate: Decimal | None
    max_gap: int | None
    tolerance: int
    glitch: int | None


@lru_cache(_LIKE)
def _read_so(  # what a measure may state
    on_reset: str,
    boundary: str,
    modulus: Quantity | None,
    max_rate: Quantity | None,
    max_gap: int | None,
    physics: _Physics,
) -> Rule:
    """As the measure says, else as the register is declared; those of a fleet are one rule."""
    unit, resolution, ticks, declared = physics[:4]
    if modulus is not None:
        ticks = to_ticks(modulus.magnitude, modulus.unit, register_unit=unit, resolution=resolution).ticks
    fastest = rate(max_rate, unit, resolution, declared)
    return Rule(
        on_reset=cast("OnReset", on_reset),
        boundary=cast("Boundary", boundary),
        modulus=ticks,
        max_rate=None if fastest is None else fastest / HOUR,
        max_gap=physics.max_gap if max_gap is None else max_gap,
        tolerance=physics.tolerance,
        glitch=physics.glitch,
    )
