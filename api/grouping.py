"""Who used what, by stretches of time and by groups: the same sums for the API and the command line."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

from sqlalchemy import Connection

from api import usage
from api.errors import InvalidQuestion
from api.question import MOST_ROWS
from api.usage import Use
from contracts.document import Measure
from contracts.store import view as contract_view
from contracts.store.view import ContractView, CoverageView
from core.time import micros
from core.units import IncompatibleUnits, factor
from ingest.store import view
from ingest.store.bound import Need
from ingest.store.view import AssetView

MOST_WORK = 100_000
"""Boundary values of one group."""
MOST_CONTRACTS, MOST_PERIODS = 100, 1_200
Grouping: TypeAlias = Literal["asset", "group", "site", "kind", "contract", "customer"]
Counting: TypeAlias = Callable[[Sequence[Need]], list[list[Use]]]
"""What each need's counter counted between its instants."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A contract and its counter. share: of one of its units in the answer's."""

    contract: ContractView
    measure: Measure
    share: Fraction


class Claim(NamedTuple):
    """An asset over a time in which a contract covers it, and the group that it counts for."""

    key: str
    of: Measured
    covered: CoverageView


class Cell(NamedTuple):
    """What one claim used in the stretch of a number.

    estimated: a boundary lies in a silence so long that the value before it was taken.
    """

    key: str
    number: int
    quantity: Fraction
    estimated: bool


def measured(connection: Connection, contract: ContractView | None, name: str | None) -> list[Measured]:
    """The contract asked for, else all that have such a counter. Raises InvalidQuestion."""
    if contract is not None:
        return [Measured(contract, _measure(connection, contract, name), Fraction(1))]
    if name is None:
        raise InvalidQuestion("name a `contract`, or a `measure` to sum over contracts")
    rows = contract_view.contracts(connection, most=MOST_CONTRACTS + 1)
    if len(rows) > MOST_CONTRACTS:
        raise InvalidQuestion(f"more than {MOST_CONTRACTS} contracts are too many for one answer; ask by `contract`")
    counters = ((row, usage.measures(contract_view.versions(connection, row.id))) for row in rows)
    found = [(row, one) for row, known in counters for one in known if one.measure == name]
    if not found:
        raise InvalidQuestion("no contract of yours has a counter of this name; GET /v1/contracts/{id}/versions tells")
    unit = found[0][1].unit or ""
    return [Measured(row, one, _share(row, one, unit)) for row, one in found]


def _share(row: ContractView, measure: Measure, unit: str) -> Fraction:
    try:
        return factor(measure.unit or "", unit)
    except IncompatibleUnits:
        counts = f"contract {row.name} counts {measure.measure} in {measure.unit}, another in {unit}"
        raise InvalidQuestion(f"{counts}; ask by `contract`") from None


def _measure(connection: Connection, row: ContractView, name: str | None) -> Measure:
    known = usage.measures(contract_view.versions(connection, row.id))
    for one in known:
        if name in (None, one.measure):
            return one
    raise InvalidQuestion(f"this contract counts {', '.join(one.measure for one in known) or 'nothing'}")


def zone_of(of: Sequence[Measured]) -> str:
    """The contracts' zone; UTC where they have several."""
    zones = {one.contract.timezone for one in of}
    return zones.pop() if len(zones) == 1 else "UTC"


def periods(connection: Connection, of: Sequence[Measured], start: datetime, end: datetime) -> list[datetime]:
    """The span, cut where billing periods begin and end. Raises InvalidQuestion."""
    if len(of) > 1:
        raise InvalidQuestion("contracts have periods of their own; name a `contract`, or ask by month")
    known = contract_view.periods(connection, of[0].contract.id, most=MOST_PERIODS)
    edges = {at for one in known for at in (one.starts_at, one.ends_at)}
    return [start, *sorted(at for at in edges if start < at < end), end]


def claims(
    connection: Connection, of: Sequence[Measured], cuts: Sequence[datetime], group_by: Grouping, asset: str | None
) -> list[Claim]:
    """By key. Raises InvalidQuestion if an asset is not among them."""
    by_contract = {one.contract.id: one for one in of}
    covered = contract_view.coverage(connection, list(by_contract), start=cuts[0], end=cuts[-1])
    if asset is not None:
        covered = [one for one in covered if one.name == asset]
        if not covered:
            raise InvalidQuestion("no contract here covers an asset of this name in that time")
    assets = view.assets_by_key(connection, {one.asset for one in covered})
    found = [Claim(_key(group_by, one, by_contract, assets), by_contract[one.contract], one) for one in covered]
    return sorted(found, key=lambda claim: claim.key)


def _key(
    group_by: Grouping, one: CoverageView, of: Mapping[int, Measured], assets: Mapping[int, AssetView]
) -> str:  # fmt: skip
    contract, asset = of[one.contract].contract, assets.get(one.asset)
    return {
        "asset": one.name,
        "group": one.group or "",
        "site": asset.site if asset else "",
        "kind": asset.kind if asset else "",
        "contract": contract.name,
        "customer": contract.customer,
    }[group_by]


def page(claims: Sequence[Claim], stretches: int, after: str | None) -> tuple[list[Claim], str | None]:
    """The claims of as many keys after one as an answer holds, and the last of these keys if there are more.

    Raises InvalidQuestion.
    """
    left = [one for one in claims if after is None or one.key > after]
    some_keys: list[Claim] = []
    for keys, (key, group) in enumerate(groupby(left, key=lambda one: one.key), start=1):
        some = list(group)
        if len(some) * stretches > MOST_WORK:
            raise InvalidQuestion(
                f"{len(some):,} assets of {key or 'no group'} times {stretches:,} stretches are more than one answer "
                f"computes, {MOST_WORK:,}; ask for a coarser grain, a shorter time, or by asset"
            )
        if some_keys and (keys * stretches > MOST_ROWS or (len(some_keys) + len(some)) * stretches > MOST_WORK):
            return some_keys, some_keys[-1].key
        some_keys += some
    return some_keys, None


def cells(claims: Sequence[Claim], cuts: Sequence[datetime], count: Counting) -> list[Cell]:
    """What each claim counted in each stretch, within its coverage."""
    needs = [usage.need(one.covered.name, one.of.measure, _within(one.covered, cuts)) for one in claims]
    return [
        Cell(claim.key, bisect_right(cuts, one.start) - 1, one.quantity * claim.of.share, one.carried)
        for claim, used in zip(claims, count(needs), strict=True)
        for one in used
    ]


def _within(covered: CoverageView, cuts: Sequence[datetime]) -> tuple[int, ...]:
    start = max(cuts[0], covered.starts_at or cuts[0])
    end = min(cuts[-1], covered.ends_at or cuts[-1])
    return tuple(micros(at) for at in (start, *(at for at in cuts if start < at < end), end))


class Sum(NamedTuple):
    """What a key used in the stretch of a number. some_estimated: of at least one asset."""

    key: str
    number: int
    measured: Fraction
    estimated: Fraction
    some_estimated: bool


def sums(cells: Iterable[Cell]) -> list[Sum]:
    """By key and stretch."""
    found = []
    for (key, number), group in groupby(sorted(cells, key=lambda one: one[:2]), key=lambda one: one[:2]):
        some = list(group)
        measured, estimated = (
            sum((one.quantity for one in some if one.estimated is carried), Fraction(0)) for carried in (False, True)
        )
        found.append(Sum(key, number, measured, estimated, any(one.estimated for one in some)))
    return found
