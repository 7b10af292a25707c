"""What people would have done before the first reading: devices declared, contracts imported, accounts opened."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from sqlalchemy import Engine

from billing import run as billing
from contracts import run as agreements
from contracts.store import view as contracts
from core.database import transaction
from core.problem import Problem
from ingest import catalogue
from ingest import run as readings
from ingest.catalogue import Catalogue
from simulators.scenario import Scenario

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CONTRACTS = {
    "Nordhaul Logistics": "tyre-km-uptime.yaml",
    "Baltic Freight": "truck-km-flat-uptime.yaml",
    "Hansa Print": "click-contract.yaml",
}
SELLER = "Meridian Mobility GmbH"
SETUP = f"""
schema: billing/1
entities:
  - party: Meridian Mobility
    name: {SELLER}
    address: Speicherstraße 12, 20457 Hamburg
    country: DE
    vat_id: DE123456788
    prefix: MM
    timezone: Europe/Berlin
    tax_category: S
    tax_rate: "19 %"
accounts:
  - party: Nordhaul Logistics
    name: Nordhaul Logistics GmbH
    address: Hafenstraße 3, 24103 Kiel
    country: DE
    vat_id: DE136695976
  - party: Baltic Freight
    name: Baltic Freight GmbH
    address: Am Skandinavienkai 1, 23570 Lübeck
    country: DE
    vat_id: DE129273398
  - party: Hansa Print
    name: Hansa Print AG
    address: Rothenbaumchaussee 80, 20148 Hamburg
    country: DE
    vat_id: DE811569869
"""
AUTHOR = "operator:demo"


class DemoBroken(RuntimeError):
    """The demonstration cannot begin: its services are half given, or its own files are not accepted."""


def prepare(engine: Engine, scenario: Scenario, *, at: datetime) -> None:
    """Declare devices, import contracts that begin with the scenario, record notices and attributions."""
    found = catalogue.read(device_file(scenario))
    if not isinstance(found, Catalogue):
        raise DemoBroken(_told(found))
    readings.declare(engine, found, at, author=AUTHOR)
    documents = [(name, contract_document(name, scenario)) for name in CONTRACTS.values()]
    _accept(agreements.import_documents(engine, documents, at=at, author=AUTHOR))
    for text in fact_documents(scenario):
        _accept((agreements.record(engine, text, at=at, author=AUTHOR),))
    _accept((billing.set_up(engine, SETUP, at=at, by=AUTHOR),))


def is_prepared(engine: Engine) -> bool:
    """Whether there is any contract."""
    with transaction(engine) as connection:
        return bool(contracts.contracts(connection, most=1))


def device_file(scenario: Scenario) -> str:
    """The devices of a scenario as an operator would declare them; JSON is YAML."""
    assets = [{"asset": asset.name, "kind": asset.kind} for asset in scenario.assets]
    return json.dumps({"devices": scenario.declarations(), "assets": assets})


def contract_document(name: str, scenario: Scenario) -> str:
    """An example contract without its facts document, beginning on the scenario's first day."""
    first = scenario.start.astimezone(ZoneInfo(scenario.timezone)).date().isoformat()
    versions = [_since(document, first) for document in _contract_versions(name)]
    return yaml.safe_dump_all(versions, sort_keys=False, allow_unicode=True)


def _contract_versions(name: str) -> list[dict[str, Any]]:
    # BaseLoader reads every scalar as text: prices must not become floats.
    documents = yaml.load_all((EXAMPLES / name).read_text(), Loader=yaml.BaseLoader)
    return [document for document in documents if document["schema"] == "contract/1"]


def _since(document: dict[str, Any], day: str) -> dict[str, Any]:
    coverage = [{**row, "from": day} for row in document["coverage"]]
    return {**document, "effective_from": day, "recorded_at": day, "coverage": coverage}


def fact_documents(scenario: Scenario) -> Iterator[str]:
    """For each contract, the notices and attributions of its assets, as a facts file."""
    for customer, name in CONTRACTS.items():
        ours = {asset.name for asset in scenario.assets if asset.customer == customer}
        facts = {
            "notices": [
                {"kind": n.kind, "given": _utc(n.given), "asset": n.asset, "from": _utc(n.start), "to": _utc(n.end)}
                for n in scenario.notices
                if n.asset in ours
            ],
            "attributions": [
                {
                    "asset": a.asset,
                    "from": _utc(a.start),
                    "to": _utc(a.end),
                    "category": a.category,
                    "party": a.party,
                    "cause": a.cause,
                    "status": a.status,
                }
                for a in scenario.attributions
                if a.asset in ours
            ],
        }
        if any(facts.values()):
            contract = _contract_versions(name)[0]["contract"]
            yield json.dumps({"schema": "facts/1", "contract": contract, "facts": facts})


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ")


def _accept(found: tuple[object, ...]) -> None:
    problems = [item for each in found for item in (each if isinstance(each, tuple) else (each,))]
    refused = [item for item in problems if isinstance(item, Problem)]
    if refused:
        raise DemoBroken(_told(tuple(refused)))


def _told(problems: tuple[Problem, ...]) -> str:
    return "\n".join(f"{problem.place}: {problem.message}; {problem.remedy}" for problem in problems)
