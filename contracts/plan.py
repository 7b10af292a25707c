"""What a contract's versions say whatever is known and whoever asks: prepared once, and kept beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from contracts.segment import covered, lineages

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from contracts.document import Version
    from contracts.segment import Lineage
    from contracts.span import Spans
    from contracts.terms.base import Term

MOST = 512
"""Results that a plan keeps: those of several periods of a contract with many terms."""
T = TypeVar("T")


@dataclass(eq=False)
class Plan:
    """The versions of one contract that are known together."""

    versions: tuple[Version, ...]
    _kept: dict[Hashable, Any] = field(default_factory=dict)

    @cached_property
    def lineages(self) -> tuple[Lineage, ...]:
        """Every term through the versions, in order of appearance."""
        return tuple(lineages(self.versions))

    @cached_property
    def kinds(self) -> tuple[tuple[Lineage, frozenset[type[Term]]], ...]:
        """Every lineage with the kinds that its term has in the versions."""
        return tuple((line, frozenset(map(type, line.values()))) for line in self.lineages)

    @cached_property
    def _by_kind(self) -> Mapping[type[Term], tuple[Lineage, ...]]:
        every = {kind for _, kinds in self.kinds for kind in kinds}
        return {kind: tuple(line for line, kinds in self.kinds if kind in kinds) for kind in every}

    def of_kind(self, kind: type[Term]) -> tuple[Lineage, ...]:
        """Those that are of a kind in some version."""
        return self._by_kind.get(kind, ())

    @cached_property
    def indexed(self) -> frozenset[str]:
        """Clauses whose prices an index clause moves in some version."""
        return frozenset(clause for version in self.versions for clause in version.indexed)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """By clause, where it stands in the contract; the first version that has it decides."""
        return {term.clause: n for version in reversed(self.versions) for n, term in enumerate(version.terms)}

    @cached_property
    def assets(self) -> frozenset[str]:
        """Every asset that is ever covered."""
        return frozenset(item.asset for version in self.versions for item in version.coverage)

    def covered(self, applies_to: str | None, start: int, end: int) -> dict[str, Spans]:
        """As `segment.covered`."""
        return self.once(("covered", applies_to, start, end), lambda: covered(self.versions, applies_to, start, end))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for each key; nobody changes it. make: knows only the versions and the key."""
        if key not in self._kept:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = make()
        found: T = self._kept[key]
        return found


class Planned(tuple["Version", ...]):  # noqa: SLOT001 - what it keeps needs a place
    """Versions that are known together, which keep their plan, so that both end together.

    The plan knows the versions, and none of them knows the plan: what nobody needs is gone at once, without a search
    for circles.
    """

    @cached_property
    def plan(self) -> Plan:
        """Made when first asked for."""
        return Plan(tuple(self))


def plan_of(versions: Sequence[Version]) -> Plan:
    """The plan of these versions; a new one if they cannot keep it."""
    return versions.plan if isinstance(versions, Planned) else Plan(tuple(versions))


def key_of(lineage: Lineage) -> tuple[int, ...]:
    """What tells a lineage from others of the same plan: its terms, which live as long as the versions do."""
    return tuple(map(id, lineage.values()))
