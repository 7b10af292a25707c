"""Contracts of one pattern that cover other assets in the same way: what is worked out for one of them holds for all.

A fleet is agreed upon in few patterns. What an evaluation needs follows from the agreement and the calendar, and assets
are told apart in it by their names alone: by which of them are one, by their order, and by a term that names one.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from contracts.document import Version
from contracts.facts import CounterNeed, GaugeNeed, Needs, StateNeed

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from datetime import datetime

    from core.time import Period

OWN = ("contract", "parties", "coverage")
"""What contracts of one pattern differ in."""
MOST = 256
"""So many patterns and coverages are kept."""
FEW = 100
"""Of contracts with more assets nothing is kept: it would be large, and few are alike."""
_PATTERN = attrgetter(*(name for name in Version.model_fields if name not in OWN))


@dataclass(frozen=True, slots=True)
class _Known:
    """Of one contract. assets: in the order of their names; patterns: kept, so that what identifies them stays so."""

    assets: tuple[str, ...]
    needs: Needs
    patterns: tuple[tuple[Any, ...], ...]


_KNOWN: dict[Hashable, _Known] = {}


def patterns_of(versions: Sequence[Version]) -> tuple[tuple[Any, ...], ...]:
    """Of each all that is not its own. Versions read from one pattern hold the very same; nobody changes it."""
    return tuple([_PATTERN(version) for version in versions])


def identity(patterns: tuple[tuple[Any, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """What tells patterns apart as long as they are kept."""
    return tuple([tuple(map(id, pattern)) for pattern in patterns])


def needs_alike(versions: Sequence[Version], period: Period, until: datetime, work_out: Callable[[], Needs]) -> Needs:
    """What `work_out` gives for these versions without any facts, or what it gave for others like them."""
    patterns = patterns_of(versions)
    assets = tuple(sorted({item.asset for version in versions for item in version.coverage}))
    if len(assets) > FEW or any(term.applies_to in assets for version in versions for term in version.terms):
        return work_out()
    key = (identity(patterns), _shape(versions, assets), period, until)
    known = _KNOWN.get(key)
    if known is not None:
        return _told(known, dict(zip(known.assets, assets, strict=True)))
    if len(_KNOWN) >= MOST:
        _KNOWN.clear()
    _KNOWN[key] = _Known(assets, work_out(), patterns)
    return _KNOWN[key].needs


def _shape(versions: Sequence[Version], assets: tuple[str, ...]) -> Hashable:
    """Which assets are covered when, and in which group; by their place among the names."""
    places = {asset: n for n, asset in enumerate(assets)}
    return tuple(
        [
            tuple([(places[item.asset], item.start, item.end, item.group) for item in version.coverage])
            for version in versions
        ]
    )


def _told(known: _Known, names: Mapping[str, str]) -> Needs:
    """Of other assets. Places among the names are the same, so what was sorted still is."""
    needs = known.needs
    return Needs(
        needs.start,
        needs.end,
        tuple([names[asset] for asset in needs.assets]),
        tuple([_counter(need, names[need.asset]) for need in needs.counters]),
        tuple([StateNeed(names[x.asset], x.register, x.start, x.end, x.max_gap) for x in needs.states]),
        tuple([GaugeNeed(names[x.asset], x.register, x.start, x.end, x.unit) for x in needs.gauges]),
        needs.again,
        needs.clocks,
        needs.since,
    )


def _counter(need: CounterNeed, asset: str) -> CounterNeed:
    return CounterNeed(
        asset,
        need.register,
        need.instants,
        need.unit,
        need.on_reset,
        need.boundary,
        need.modulus,
        need.max_rate,
        need.max_gap,
        need.estimates,
    )
