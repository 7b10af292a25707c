"""Contracts of one pattern that cover other assets in the same way: what is worked out for one of them holds for all.

A fleet is agreed upon in few patterns. What an evaluation needs follows from the agreement and the calendar, and assets
are told apart in it by their names alone: by which of them are one, by their order, and by a term that names one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from contracts.facts import CounterNeed, GaugeNeed, Needs, StateNeed
from contracts.plan import plan_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence
    from datetime import datetime

    from contracts.document import Version
    from contracts.plan import Plan
    from core.time import Period

OWN = ("contract", "parties", "coverage")
"""What contracts of one pattern differ in."""
MOST = 256
"""So many patterns and coverages are kept."""
FEW = 100
"""Of contracts with more assets nothing is kept: it would be large, and few are alike."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What contracts have in common that differ in names only.

    key: the same for all of them, as long as one of their likenesses is kept, with the patterns; assets: of this one,
    in the order of their names.
    """

    key: Hashable
    assets: tuple[str, ...]
    patterns: tuple[tuple[Any, ...], ...]

    def names(self, other: Likeness) -> dict[str, str]:
        """What each asset of this contract is called in another one."""
        return dict(zip(self.assets, other.assets, strict=True))


_KNOWN: dict[Hashable, tuple[Likeness, Needs]] = {}


def patterns_of(versions: Sequence[Version]) -> tuple[tuple[Any, ...], ...]:
    """Of each all that is not its own. Versions read from one pattern hold the very same; nobody changes it."""
    return tuple([_parts(type(version))(version) for version in versions])


@cache
def _parts(kind: type[Version]) -> Callable[[Version], tuple[Any, ...]]:
    return attrgetter(*(name for name in kind.model_fields if name not in OWN))


def identity(patterns: tuple[tuple[Any, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """What tells patterns apart as long as they are kept."""
    return tuple([tuple(map(id, pattern)) for pattern in patterns])


def needs_alike(versions: Sequence[Version], period: Period, until: datetime, work_out: Callable[[], Needs]) -> Needs:
    """What `work_out` gives for these versions without any facts, or what it gave for others like them."""
    like = likeness(plan_of(versions))
    if like is None:
        return work_out()
    key = like.key, period, until
    known = _KNOWN.get(key)
    if known is not None:
        return _told(known[1], known[0].names(like))
    if len(_KNOWN) >= MOST:
        _KNOWN.clear()
    _KNOWN[key] = like, work_out()
    return _KNOWN[key][1]


def likeness(plan: Plan) -> Likeness | None:
    """None: there may be no others like it, because a term names an asset, or it has many."""
    return plan.once("likeness", lambda: _likeness(plan.versions))


def _likeness(versions: Sequence[Version]) -> Likeness | None:
    assets = tuple(sorted({item.asset for version in versions for item in version.coverage}))
    if len(assets) > FEW or any(term.applies_to in assets for version in versions for term in version.terms):
        return None
    patterns = patterns_of(versions)
    return Likeness((identity(patterns), _shape(versions, assets)), assets, patterns)


def _shape(versions: Sequence[Version], assets: tuple[str, ...]) -> Hashable:
    """Which assets are covered when, and in which group; by their place among the names."""
    places = {asset: n for n, asset in enumerate(assets)}
    return tuple(
        [
            tuple([(places[item.asset], item.start, item.end, item.group) for item in version.coverage])
            for version in versions
        ]
    )


def _told(needs: Needs, names: Mapping[str, str]) -> Needs:
    """Of other assets. Places among the names are the same, so what was sorted still is."""
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
