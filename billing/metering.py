"""Where every unit that was metered ended: on a line, left out, or still open; what ended nowhere has a place."""

from __future__ import annotations

from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from billing.invoice import Document

NOTHING = Decimal(0)
_KEY = itemgetter("asset", "register", "device", "from", "to")


class Metered(NamedTuple):
    """What a counter of an asset came to in a period, in its unit: metered = rated + excluded + pending, or a gap.

    excluded: exchanges, resets, spikes and the like, which count as no use; pending: a person has to decide.
    """

    asset: str
    register: str
    unit: str
    metered: Decimal
    rated: Decimal
    excluded: Decimal
    pending: Decimal

    def to_json(self) -> dict[str, str]:
        """As stored."""
        return {
            "asset": self.asset,
            "register": self.register,
            "unit": self.unit,
            "metered": f"{self.metered:f}",
            "rated": f"{self.rated:f}",
            "excluded": f"{self.excluded:f}",
            "pending": f"{self.pending:f}",
        }


def metered(
    evidence: Mapping[str, Any], document: Document, charged: frozenset[str], cases: Iterable[Mapping[str, Any]]
) -> tuple[Metered, ...]:
    """By asset and register, of the registers that usage charges read. cases: what the evaluation leaves to people.

    A piece is rated if it stands under a line of the document: not another count of the same lines, but whether each
    reading that the evaluation took in came to a line at all. Pieces of other periods, on which caps, minimums and
    bases over longer windows look, were rated there.
    """
    start, end = document["service"]["from"], document["service"]["to"]
    under = {_KEY(piece) for line in document["lines"] for piece in line["evidence"]}
    open_assets = {case["asset"] for case in cases}
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for piece in evidence.get("counters", []):
        if piece["register"] in charged and start <= piece["from"] and piece["to"] <= end:
            found.setdefault((piece["asset"], piece["register"], piece["unit"]), []).append(piece)
    return tuple(_metered(key, pieces, under, open_assets) for key, pieces in sorted(found.items()))


def _metered(
    key: tuple[str, str, str], pieces: Sequence[Mapping[str, Any]], under: set[Any], open_assets: set[str]
) -> Metered:
    total = rated = excluded = pending = NOTHING
    for piece in pieces:
        use, removed = Decimal(piece["use"]), Decimal(piece["removed"])
        total += Decimal(piece["closing"]) - Decimal(piece["opening"])
        excluded += removed
        if _KEY(piece) in under:
            rated += use
        elif piece["asset"] in open_assets:
            pending += use
    return Metered(*key, total, rated, excluded, pending)
