"""What stories of contracts and billing need: assets with devices, readings through the door, contracts, a seller."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Engine, text

from billing import run as billing
from billing.store.invoice import WHOLE
from contracts import run as contracts
from contracts.store.intake import Imported
from core.database import transaction
from core.time import micros, read_time, zone
from ingest import catalogue, run
from ingest.batch import Arrival, Batch, examine
from ingest.store.register import snapshot

CASES = Path(__file__).parents[1] / "specs"
BERLIN = zone("Europe/Berlin")
TEN_MINUTES = timedelta(minutes=10)
SIGNED = datetime(2025, 12, 15, 9, tzinfo=UTC)

TRUCKS = """
devices:
  - device: {asset}-unit
    asset: {asset}
    position: vehicle
    registers:
      - {{register: odometer, kind: counter, unit: km}}
      - {{register: state, kind: state}}
      - {{register: pressure, kind: gauge, unit: bar}}
"""
PARTIES = """
schema: billing/1
entities:
  - {party: Truck Supplier, name: Truck Supplier GmbH, address: "Hafenstr. 1, 20457 Hamburg", country: DE,
     vat_id: DE123456788, prefix: TS, timezone: Europe/Berlin, tax_category: S, tax_rate: 19 %}
  - {party: Tyre Supplier, name: Tyre Supplier GmbH, address: "Werkstr. 2, 45127 Essen", country: DE,
     vat_id: DE987654328, prefix: TY, timezone: Europe/Berlin, tax_category: S, tax_rate: 19 %}
accounts:
  - {party: Haulier, name: Haulier BV, address: "Waalhaven 2, Rotterdam", country: NL, vat_id: NL123456782B01}
"""


def local(wall: str) -> datetime:
    """A wall clock in Berlin as an instant."""
    return read_time(wall, BERLIN)


@dataclass(frozen=True)
class Story:
    """One fresh database, told forward."""

    engine: Engine

    def assets(self, *names: str) -> None:
        """Trucks, each with a device that counts metres and says its state."""
        for name in names:
            found = catalogue.read(TRUCKS.format(asset=name))
            assert isinstance(found, catalogue.Catalogue), found
            run.declare(self.engine, found, SIGNED, author="person:test")

    def odometer(self, asset: str, *readings: tuple[str, str]) -> None:
        """Kilometres at wall clocks."""
        self._deliver(asset, [("odometer", local(wall), km, "km") for wall, km in readings])

    def gauge(self, asset: str, register: str, unit: str, *readings: tuple[str, str]) -> None:
        """Levels at wall clocks."""
        self._deliver(asset, [(register, local(wall), value, unit) for wall, value in readings])

    def states(
        self, asset: str, start: str, end: str, *spans: tuple[str, str, str], otherwise: str = "running"
    ) -> None:
        """The state every ten minutes and whenever it changes, so that nothing is unknown but what says so."""
        first, last = local(start), local(end)
        stretches = [(local(a), local(b), state) for a, b, state in spans]
        ticks = {first + n * TEN_MINUTES for n in range((last - first) // TEN_MINUTES + 1)}
        ticks |= {at for a, b, _ in stretches for at in (a, b)}
        said = [(at, next((s for a, b, s in stretches if a <= at < b), otherwise)) for at in sorted(ticks)]
        self._deliver(asset, [("state", at, state, "") for at, state in said])

    def _deliver(self, asset: str, readings: Iterable[tuple[str, datetime, str, str]]) -> None:
        items = [
            {"register": register, "at": at.isoformat().replace("+00:00", "Z"), "value": value}
            | ({"unit": unit} if unit else {})
            for register, at, value, unit in readings
        ]
        received = max(at for _, at, _, _ in readings) + timedelta(minutes=1)
        with transaction(self.engine) as connection:
            registry = snapshot(connection, received)
        batch = Batch()
        for n in range(0, len(items), 1000):
            payload = json.dumps({"v": 1, "boot": "a", "seq": n, "readings": items[n : n + 1000]}).encode()
            arrival = Arrival(1, n, 1, f"yardstick/{asset}-unit/readings".encode(), payload, micros(received))
            batch.add(arrival, examine(arrival, registry))
        assert not batch.refused, batch.refused[:3]
        run.write(self.engine, batch, received, client="test")

    def contract(self, *texts: str, at: datetime = SIGNED) -> tuple[Imported, ...]:
        """Import contracts; they are sound."""
        sources = [(f"file {n}", source) for n, source in enumerate(texts)]
        found = contracts.import_documents(self.engine, sources, at=at, author="person:test")
        assert all(isinstance(item, Imported) for item in found), [str(item) for item in found]
        return tuple(item for item in found if isinstance(item, Imported))

    def set_up(self) -> None:
        """Sellers and debtors."""
        found = billing.set_up(self.engine, PARTIES, at=SIGNED, by="person:test")
        assert not isinstance(found, tuple), found

    def bill(self, entity: str, label: str, at: datetime) -> billing.Summary:
        """A run in review."""
        return billing.bill_period(self.engine, entity=entity, label=label, at=at, by="person:anna")

    def issue(self, run_id: str, at: datetime) -> int:
        """Approved by somebody else, and issued."""
        billing.approve(self.engine, run_id, at=at, by="person:bert")
        return billing.issue(self.engine, run_id, at=at, by="person:bert")

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """What the database holds."""
        with transaction(self.engine) as connection:
            return list(connection.execute(text(statement), values))

    def invoices(self) -> list[dict[str, Any]]:
        """Documents issued, by number."""
        return [row[0] for row in self.rows(f"SELECT {WHOLE} FROM billing.invoice ORDER BY number")]  # noqa: S608


def case(name: str) -> list[str]:
    """The documents of a worked case's contract file, each as text."""
    return (CASES / f"{name}.contract.yaml").read_text().split("\n---\n")


def facts(name: str) -> dict[str, Any]:
    """The facts document of a worked case, every scalar as text."""
    found: dict[str, Any] = yaml.load((CASES / f"{name}.facts.yaml").read_text(), Loader=yaml.BaseLoader)  # noqa: S506
    return found


def spans(rows: Iterable[dict[str, str]]) -> list[tuple[str, str, str]]:
    """The `states` list of a facts file."""
    return [(row["from"], row["to"], row["state"]) for row in rows]
