"""What a hold is worth: the contracts that price its counter, evaluated as they are and as if it were billed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Engine

from contracts.document import from_canonical
from contracts.stake import run
from contracts.stake.run import Worth
from contracts.store import view as contract_view
from contracts.store.view import ContractView
from core.units import Quantity
from ingest.meter import run as meter
from ingest.store import component, declared
from ingest.store.hold import Hold


@dataclass(frozen=True, slots=True)
class Stake:
    """A contract's billing period, and what a hold is worth in it."""

    contract: ContractView
    worth: Worth


def stakes(  # what is asked, and of whom
    engine: Engine, connection: Connection, one: Hold, *, known: int, at: datetime, bill: Quantity | None = None
) -> list[Stake]:
    """What an open hold is worth in each contract that the connection shows with its terms, by contract and time.

    bill: so much instead of what is at stake. engine: of a worker, since a party may not load what is evaluated. Raises
    Problems where the quantity does not fit.
    """
    contracts = {row.id: row for row in _pricing(connection, one, known)}
    found = run.worth(
        engine, sorted(contracts), (one.start, one.end), partial(_supposed, one, bill), at=at
    ) if contracts else []  # fmt: skip
    return [Stake(contracts[each.due.contract], each) for each in found]


def _supposed(one: Hold, bill: Quantity | None, connection: Connection, known: int) -> None:
    meter.suppose(connection, one, known, bill=bill)


def _pricing(connection: Connection, one: Hold, known: int) -> list[ContractView]:
    """The contracts that cover the asset, or what was mounted on it, meanwhile, and count by this register."""
    assets = declared.asset_ids(connection, _counted_by(connection, one, known))
    covered = {
        row.contract
        for asset in assets.values()
        for row in contract_view.covered_by(connection, asset)
        if (row.starts_at is None or row.starts_at < one.end) and (row.ends_at is None or one.start < row.ends_at)
    }
    found = contract_view.contracts_by_key(connection, covered)
    return [row for row in found.values() if _counts(contract_view.versions(connection, row.id), one.path)]


def _counted_by(connection: Connection, one: Hold, known: int) -> list[str]:
    mounted = component.mountings(connection, known, asset=one.asset)
    return [
        one.asset,
        *(each.component for each in mounted if each.start < one.end and (each.end is None or one.start < each.end)),
    ]


def _counts(versions: Sequence[contract_view.VersionView], path: str) -> bool:
    """Whether any version measures by this path. A viewer who may not read terms sees no version."""
    documents = from_canonical([json.loads(version.document) for version in versions])
    return any(measure.register_path == path for version in documents for measure in version.measures)
