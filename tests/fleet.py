"""A small fleet in the database, for tests of API and pages: declared, imported, evaluated and billed by the real code.

Two customers of one provider, with a partner in the first contract. Trucks drive 20 km in each hour from 05:00 to
19:00 UTC, and stand still otherwise. Truck T3 was down for 30 h in each month, which breaks its promise of 98 %; T5
had 5 h of maintenance that nobody had announced. A third customer rents forklifts that report nothing from another
provider, by two contracts that share a document, and has two weeks to contest it.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Engine, text

from api import authentication
from api.store import Role
from billing import run as billing
from billing.store import view as billing_view
from contracts import run as agreements
from contracts.standing import run as standings
from contracts.store import view
from core.database import transaction
from core.problem import Problem
from core.store import draw_knowledge
from ingest import catalogue
from ingest.catalogue import Catalogue
from ingest.run import declare
from ingest.store import hold
from ingest.store import view as ingest_view

PASSWORD = "a-password-for-tests"
SELLER = "Truck Supplier GmbH"
NORDHAUL, SUDFRACHT = "C-2041", "C-3007"
TRUCKS = {NORDHAUL: [f"T{n}" for n in range(1, 13)], SUDFRACHT: ["S1", "S2"]}
PARTIES = {
    NORDHAUL: {"provider": "Truck Supplier", "customer": "Nordhaul", "partner": "Tyre Partner"},
    SUDFRACHT: {"provider": "Truck Supplier", "customer": "Südfracht"},
}
DEPOT = "Depot Hire GmbH"
FORKLIFTS = {"C-9001": {"FL-1": "hall north", "FL-2": "hall north", "FL-3": "hall south"}, "C-9002": {"FL-4": ""}}
# Who signs in, and whose key has that name: role and party.
PEOPLE: dict[str, tuple[Role, str]] = {
    "anna": ("customer", "Nordhaul"),
    "bob": ("customer", "Südfracht"),
    "fin": ("finance", "Truck Supplier"),
    "pat": ("partner", "Tyre Partner"),
    "ops": ("operator", "Truck Supplier"),
    "olga": ("customer", "Overzee"),
    "dora": ("finance", "Depot Hire"),
}
Kind = Literal["contract", "asset", "evaluation", "hold", "invoice", "report", "run"]

CONTRACT = """\
schema: contract/1
contract: {name}
version: 1
effective_from: "2026-09-01"
recorded_at: "2026-08-15 10:00"
parties: {parties}
currency: EUR
timezone: Europe/Berlin
billing: {{period: month, rounding: half_up, decimals: 2, tax_category: S, tax_rate: "19 %"}}
coverage: {coverage}
measures:
  - {{measure: distance, kind: counter_delta, register: vehicle/odometer, unit: km, on_reset: hold,
     boundary: interpolate}}
  - {{measure: state, kind: state_time, register: vehicle/state, max_gap: "90 min"}}
terms:
  - {{clause: "2.1", kind: fixed_fee, amount: "1850.00 EUR", every: month, per: asset, proration: calendar_days,
     text: "Each truck costs {{amount}} a {{every}}; a part of a {{every}} is shared by {{proration}}."}}
  - {{clause: "2.2", kind: usage_charge, measure: distance, model: flat, scope: asset, price: "0.0420 EUR/km",
     text: "Each kilometre costs {{price}}."}}
  - clause: "4.2"
    kind: availability
    obligated: provider
    measure: state
    target: "98 %"
    window: month
    required: 24x7
    aggregate: asset
    treatments: {{running: up, idle: up, derated: measured, fault: down, unplanned_repair: down, external: exclude,
      planned_maintenance: exclude, customer_cause: exclude, force_majeure: exclude, unknown: exclude}}
    planned_allowance: "8 h"
    planned_notice: P3D
    min_coverage: "95 %"
    remedy: ladder
    base: ["2.1"]
    steps:
      - {{at_or_above: "98 %", credit: "0 %"}}
      - {{at_or_above: "94 %", credit: "10 %"}}
      - {{at_or_above: "0 %", credit: "20 %"}}
    text: "Each truck is available for {{target}} of the counted time of a {{window}}. Planned maintenance is left out
      up to {{planned_allowance}} if announced {{planned_notice}} ahead. Credit on the fee of {{base}}: {{steps}}."
"""
RENTAL = """\
schema: contract/1
contract: {name}
version: 1
effective_from: "2026-09-01"
recorded_at: "2026-08-15 10:00"
parties: {{provider: Depot Hire, customer: Overzee}}
currency: EUR
timezone: Europe/Berlin
billing: {{period: month, rounding: half_up, decimals: 2, tax_category: S, tax_rate: "19 %", dispute_window: P14D}}
coverage: {coverage}
terms:
  - {{clause: "1.1", kind: fixed_fee, amount: "{amount} EUR", every: month, per: asset, proration: calendar_days,
     text: "Each forklift costs {{amount}} a {{every}}; a part of a {{every}} is shared by {{proration}}."}}
"""
ACCOUNTS = """\
schema: billing/1
entities:
  - {party: Truck Supplier, name: Truck Supplier GmbH, address: "Hafenstr. 1, 20457 Hamburg", country: DE,
     vat_id: DE123456788, prefix: TS, timezone: Europe/Berlin, tax_category: S, tax_rate: "19 %"}
  - {party: Depot Hire, name: Depot Hire GmbH, address: "Kaistr. 9, 28195 Bremen", country: DE,
     vat_id: DE987654328, prefix: DH, timezone: Europe/Berlin, tax_category: S, tax_rate: "19 %"}
accounts:
  - {party: Overzee, name: Overzee N.V., address: "Haven 3, Antwerpen", country: BE, consolidate: true}
  - {party: Nordhaul, name: Nordhaul B.V., address: "Kade 7, Rotterdam", country: NL, vat_id: NL123456782B01}
  - {party: Südfracht, name: Südfracht GmbH, address: "Isarweg 2, München", country: DE, vat_id: DE136695976}
"""
COUNTED = text("""
    INSERT INTO ingest.reading (register, at, value, known, received_at)
    SELECT g.id, t, 100000000 + coalesce(sum(CASE WHEN extract(hour FROM t) BETWEEN 5 AND 18 THEN 20000 ELSE 0 END)
        OVER (PARTITION BY g.id ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0), :known, t
    FROM ingest.register AS g, generate_series(:first, :at, interval '1 hour') AS t WHERE g.name = 'odometer'
    ORDER BY 1, 2
""")
# In each month: T3 fails on the 10th for 30 h, T5 is maintained on the 4th for 5 h.
SAID = text("""
    INSERT INTO ingest.reading (register, at, value, known, received_at)
    SELECT g.id, t, CASE
        WHEN d.name = 'gw-T3' AND t >= m + interval '9 days' AND t < m + interval '9 days 30 hours' THEN 4
        WHEN d.name = 'gw-T5' AND t >= m + interval '3 days' AND t < m + interval '3 days 5 hours' THEN 6
        WHEN extract(hour FROM t) BETWEEN 5 AND 18 THEN 1 ELSE 2 END, :known, t
    FROM ingest.register AS g JOIN ingest.device AS d ON d.id = g.device,
        generate_series(:first, :at, interval '1 hour') AS t, date_trunc('month', t) AS m
    WHERE g.name = 'state' ORDER BY 1, 2
""")
# Before any contract begins, S2's odometer fell: it waits for somebody's decision.
FELL = text("""
    INSERT INTO ingest.reading (register, at, value, known, received_at)
    SELECT g.id, t, 200000000, :known, t FROM ingest.register AS g JOIN ingest.device AS d ON d.id = g.device,
        (SELECT cast(:first AS timestamptz) - interval '1 hour') AS s (t) WHERE d.name = 'gw-S2' AND g.name = 'odometer'
""")
LATEST = text("""
    INSERT INTO ingest.latest (register, at, value, received_at)
    SELECT DISTINCT ON (register) register, at, value, received_at FROM ingest.reading ORDER BY register, at DESC
""")
BATCH = text("""
    INSERT INTO ingest.batch (known, at, client, messages, received, stored, duplicate, quarantined)
    VALUES (:known, :at, 'ingest-1', 10, 24, 20, 3, 1)
""")
QUARANTINED = text("""
    INSERT INTO ingest.quarantine (topic, payload_hash, item, reason, detail, payload, size, device, received_at, known)
    VALUES ('yardstick/gw-T1/readings', sha256('x'), -1, 'not_json', 'line 1: expected a value',
        '<script>alert(1)</script>', 25, 'gw-T1', :at, :known)
""")


@dataclass
class Fleet:
    """What tests ask about: public ids by kind and name (of a contract's row: contract and period)."""

    at: datetime
    ids: dict[tuple[Kind, str], str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    standings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def id(self, kind: Kind, name: str) -> str:
        """E.g. `id("invoice", "C-2041 2026-10")`."""
        return self.ids[kind, name]


def settle(engine: Engine, at: datetime) -> Fleet:
    """Fill an empty database from September 2026 to `at`; the months before `at`'s are billed."""
    fleet = Fleet(at)
    declared = catalogue.of(devices())
    assert isinstance(declared, Catalogue), declared
    declare(engine, declared, at, author="test")
    with transaction(engine) as connection:
        report(connection, at)
    written = [(name, contract(name)) for name in TRUCKS] + [(name, rental(name)) for name in FORKLIFTS]
    for found in (
        agreements.import_documents(engine, written, at=at, author="test"),
        billing.set_up(engine, ACCOUNTS, at=at, by="test"),
    ):
        assert not (isinstance(found, tuple) and any(isinstance(one, Problem) for one in found)), found
    agreements.extend_periods(engine, at=at)
    agreements.close_due_periods(engine, at=at)
    standings.refresh(engine, at=at)
    for label in ("2026-09", "2026-10"):
        bill(engine, label, at)
    bill(engine, "2026-10", at, seller=DEPOT)
    with transaction(engine) as connection:
        admit(connection, fleet)
    with engine.connect() as connection:
        find(connection, fleet)
    return fleet


def devices() -> dict[str, Any]:
    """A gateway for each truck, with odometer and state."""
    registers = [
        {"register": "odometer", "kind": "counter", "unit": "m", "resolution": "1 m", "max_gap": "90 min"},
        {"register": "state", "kind": "state", "max_gap": "90 min"},
        {"register": "tank", "kind": "gauge", "unit": "l"},
    ]
    names = [name for trucks in TRUCKS.values() for name in trucks]
    return {
        "devices": [
            {"device": f"gw-{name}", "model": "gateway", "registers": registers, "asset": name, "position": "vehicle"}
            for name in names
        ],
        "assets": [{"asset": name, "kind": "truck", "site": "Rotterdam"} for name in names]
        + [{"asset": name, "kind": "forklift", "site": "Bremen"} for known in FORKLIFTS.values() for name in known],
    }


def report(connection: Connection, at: datetime) -> None:
    """Hourly readings since the end of August, and one message that could not be read."""
    known = draw_knowledge(connection)
    bound = {"known": known, "first": datetime.fromisoformat("2026-08-31T20:00:00Z"), "at": at}
    connection.execute(COUNTED, bound)
    connection.execute(SAID, bound)
    connection.execute(FELL, bound)
    connection.execute(LATEST)
    lately = {"known": known, "at": at - timedelta(hours=1)}
    connection.execute(BATCH, lately)
    connection.execute(QUARANTINED, lately)


def contract(name: str) -> str:
    """The document of a contract."""
    coverage = [{"asset": asset, "from": "2026-09-01"} for asset in TRUCKS[name]]
    parties = json.dumps(PARTIES[name], ensure_ascii=False)
    return CONTRACT.format(name=name, parties=parties, coverage=json.dumps(coverage))


def rental(name: str) -> str:
    """The document of a contract over forklifts: 310.00 each in the first, 400.00 in the second."""
    coverage = [
        {"asset": asset, "from": "2026-09-01"} | ({"group": group} if group else {})
        for asset, group in FORKLIFTS[name].items()
    ]
    amount = "310.00" if name == "C-9001" else "400.00"
    return RENTAL.format(name=name, coverage=json.dumps(coverage), amount=amount)


def bill(engine: Engine, label: str, at: datetime, *, seller: str = SELLER) -> None:
    """Invoices of a closed period, approved by a second person."""
    run = billing.bill_period(engine, entity=seller, label=label, at=at, by="person:fin").run.public_id
    billing.approve(engine, run, at=at, by="person:mia")
    billing.issue(engine, run, at=at, by="person:mia")


def admit(connection: Connection, fleet: Fleet) -> None:
    """People and keys of every role."""
    parties = view.parties(connection)
    for name, (role, party) in PEOPLE.items():
        key = parties[party]
        authentication.new_person(
            connection,
            name=name,
            title=f"{name.capitalize()} Test",
            password=PASSWORD,
            role=role,
            party=key,
            at=fleet.at,
        )
        _, fleet.keys[name] = authentication.new_key(connection, name=name, role=role, party=key, at=fleet.at)


def find(connection: Connection, fleet: Fleet) -> None:
    """Note the ids that were drawn."""
    contracts = {one.id: one for one in view.contracts(connection)}
    for key, one in contracts.items():
        fleet.ids["contract", one.name] = one.public_id
        fleet.standings[one.name] = view.standings(connection, [key])[key].result
    for asset in ingest_view.assets(connection):
        fleet.ids["asset", asset.name] = asset.public_id
    for found in view.evaluations(connection, contract=None):
        fleet.ids["evaluation", f"{found.contract_name} {found.label}"] = found.public_id
    for invoice in billing_view.invoices(connection):
        fleet.ids["invoice", f"{contracts[invoice.contract].name} {invoice.label}"] = invoice.public_id
    for breach in billing_view.breach_reports(connection):
        fleet.ids["report", f"{breach.document['asset']} {breach.document['period']}"] = breach.public_id
    for held in hold.find(connection, start=fleet.at - timedelta(days=92), end=fleet.at, known=1_000_000):
        fleet.ids["hold", held.asset] = held.reference
    for run in billing_view.runs(connection):
        fleet.ids["run", run.label] = run.public_id
