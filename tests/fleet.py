"""A small fleet in the database, for tests of API and pages: rows as ingest, contracts and billing write them.

Two customers of one provider, with a partner in the first contract. Trucks drive 20 km in each hour from 05:00 to 19:00
UTC, and stand still otherwise; truck T3 was down for 30 h in each month, which breaks its promise of 98 %.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Engine, text

from api import authentication
from contracts.document import read_agreement
from core.database import transaction
from core.time import Period, zone

BERLIN = zone("Europe/Berlin")
PASSWORD = "a-password-for-tests"
TRUCKS = 12
DOWN_HOURS, DOWN_FROM_DAY = 30, 9
FEE, PRICE = Decimal("1850.00"), Decimal("0.0420")
ROLES = {"anna": "customer", "bob": "customer", "fin": "finance", "pat": "partner", "ops": "operator"}

DOCUMENT = """\
schema: contract/1
contract: {name}
version: 1
effective_from: "2026-01-01"
recorded_at: "2025-12-15 10:00"
parties: {parties}
currency: EUR
timezone: Europe/Berlin
billing: {{period: month, rounding: half_up, decimals: 2, tax_category: S, tax_rate: "19 %"}}
coverage:
{coverage}
measures:
  - {{measure: distance, kind: counter_delta, register: vehicle/odometer, unit: km, on_reset: hold, boundary: interpolate}}
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
    treatments: {{running: up, idle: up, derated: measured, fault: down, unplanned_repair: down,
      planned_maintenance: exclude, customer_cause: exclude, external: exclude, force_majeure: exclude, unknown: exclude}}
    min_coverage: "95 %"
    remedy: ladder
    base: ["2.1"]
    steps:
      - {{at_or_above: "98 %", credit: "0 %"}}
      - {{at_or_above: "95 %", credit: "10 %"}}
      - {{at_or_above: "0 %", credit: "20 %"}}
    text: "Each truck is available for {{target}} of the counted time of a {{window}}. Credit on the fee of {{base}}: {{steps}}."
"""


@dataclass
class Fleet:
    """What tests ask about: public ids by name, secrets of keys by role or person."""

    at: datetime
    contracts: dict[str, str] = field(default_factory=dict)
    assets: dict[str, str] = field(default_factory=dict)
    invoices: dict[str, str] = field(default_factory=dict)
    evaluations: dict[str, str] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    contract_ids: dict[str, int] = field(default_factory=dict)
    standings: dict[str, dict[str, Any]] = field(default_factory=dict)


def settle(engine: Engine, at: datetime) -> Fleet:
    """Fill an empty database: two closed months before `at` and the running one."""
    fleet = Fleet(at)
    with transaction(engine) as connection:
        known = connection.execute(text("SELECT core.draw_knowledge()")).scalar_one()
        parties = {
            name: _party(connection, name, at) for name in ("Truck Supplier", "Nordhaul", "Südfracht", "Tyre Partner")
        }
        _contract(connection, fleet, "C-2041", parties, customer="Nordhaul", partner="Tyre Partner", known=known)
        _contract(connection, fleet, "C-3007", parties, customer="Südfracht", partner=None, known=known)
        _ingested(connection, at, known)
        _entity(connection, parties, at)
    for name, customer in (("C-2041", "Nordhaul"), ("C-3007", "Südfracht")):
        with transaction(engine) as connection:
            _bill(connection, fleet, name, customer)
    with transaction(engine) as connection:
        _people(connection, fleet, parties)
    return fleet


def _people(connection: Connection, fleet: Fleet, parties: dict[str, int]) -> None:
    of = {
        "anna": "Nordhaul",
        "bob": "Südfracht",
        "fin": "Truck Supplier",
        "pat": "Tyre Partner",
        "ops": "Truck Supplier",
    }
    for name, role in ROLES.items():
        party = parties[of[name]]
        authentication.new_person(
            connection,
            name=name,
            title=f"{name.capitalize()} Test",
            password=PASSWORD,
            role=role,
            party=party,
            at=fleet.at,  # type: ignore[arg-type]
        )
        _, fleet.keys[name] = authentication.new_key(connection, name=name, role=role, party=party, at=fleet.at)  # type: ignore[arg-type]


def _insert(connection: Connection, table: str, **columns: object) -> Any:
    marks = ", ".join(
        f"CAST(:{name} AS {'jsonb' if isinstance(value, dict) else 'text'})" if isinstance(value, dict) else f":{name}"
        for name, value in columns.items()
    )
    plain = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in columns.items()}
    names = ", ".join(f'"{name}"' for name in columns)
    returning = (
        ""
        if table
        in (
            "contracts.standing",
            "contracts.contract_party",
            "billing.account",
            "billing.line",
            "billing.tax_total",
            "ingest.binding_value",
            "contracts.party_asset",
            "contracts.coverage",
            "ingest.declaration",
            "ingest.quarantine",
            "ingest.batch",
        )
        else " RETURNING id"
    )
    result = connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks}){returning}"), plain)  # noqa: S608
    return result.scalar_one() if returning else None


def _public(prefix: str, name: str) -> str:
    return f"{prefix}_{name.lower().replace(' ', '').replace('-', '').replace('ü', 'u')}"


def _party(connection: Connection, name: str, at: datetime) -> int:
    return int(_insert(connection, "contracts.party", public_id=_public("par", name), name=name, created_at=at))


def _names(contract: str) -> list[str]:
    return [f"{'T' if contract == 'C-2041' else 'S'}{n}" for n in range(1, TRUCKS + 1 if contract == "C-2041" else 3)]


def _contract(
    connection: Connection,
    fleet: Fleet,
    name: str,
    parties: dict[str, int],
    *,
    customer: str,
    partner: str | None,
    known: int,
) -> None:
    key = _insert(
        connection, "contracts.contract", public_id=_public("con", name), name=name, currency="EUR",
        timezone="Europe/Berlin", created_at=fleet.at,
    )  # fmt: skip
    fleet.contracts[name], fleet.contract_ids[name] = _public("con", name), key
    roles = {"provider": "Truck Supplier", "customer": customer} | ({"partner": partner} if partner else {})
    for role, party in roles.items():
        _insert(connection, "contracts.contract_party", contract=key, role=role, party=parties[party])
    start = datetime(2025, 12, 31, 23, tzinfo=UTC)
    for asset in _names(name):
        asset_id = _asset(connection, fleet, asset, known)
        during = f"[{start.isoformat()},)"
        connection.execute(
            text("INSERT INTO contracts.coverage VALUES (:c, :a, :n, NULL, CAST(:d AS tstzrange))"),
            {"c": key, "a": asset_id, "n": asset, "d": during},
        )
        for party in roles.values():
            connection.execute(
                text("INSERT INTO contracts.party_asset VALUES (:p, :a, :c, CAST(:d AS tstzrange))"),
                {"p": parties[party], "a": asset_id, "c": key, "d": during},
            )
    written = DOCUMENT.format(
        name=name,
        parties=json.dumps(roles, ensure_ascii=False),
        coverage="\n".join(f'  - {{asset: {asset}, from: "2026-01-01"}}' for asset in _names(name)),
    )
    agreement = read_agreement(written)
    assert not isinstance(agreement, tuple), agreement
    version = agreement.versions[0]
    _insert(
        connection, "contracts.version", contract=key, version=1, effective_from=start, recorded_at=fleet.at,
        document=json.dumps(version.canonical), source=written, content_hash=version.hash, known=known,
    )  # fmt: skip


def _asset(connection: Connection, fleet: Fleet, name: str, known: int) -> int:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    asset = _insert(
        connection, "ingest.asset", public_id=_public("ast", name), name=name, kind="truck", site="Rotterdam", created_at=at
    )  # fmt: skip
    fleet.assets[name] = _public("ast", name)
    device = _insert(
        connection, "ingest.device", public_id=_public("dev", name), name=f"gw-{name}", model="gateway", created_at=at
    )  # fmt: skip
    odometer = _insert(
        connection, "ingest.register", device=device, name="odometer", kind="counter", unit="m", resolution=1
    )
    state = _insert(connection, "ingest.register", device=device, name="state", kind="state", unit="", resolution=1)
    for register in (odometer, state):
        _insert(connection, "ingest.declaration", register=register, known=known, max_gap=timedelta(minutes=90))
    connection.execute(
        text(
            "INSERT INTO ingest.binding (device, asset, position, during, known) VALUES (:d, :a, 'vehicle', '[2026-01-01,)', :k)"
        ),
        {"d": device, "a": asset, "k": known},
    )
    return int(asset)


def _ingested(connection: Connection, at: datetime, known: int) -> None:
    """Hourly readings from the start of the month before last."""
    first = Period.containing(at, "month", BERLIN).previous().previous().span.start
    bound = {"first": first, "at": at, "known": known, "days": DOWN_FROM_DAY, "hours": DOWN_HOURS}
    connection.execute(
        text(
            """
            INSERT INTO ingest.reading (register, at, value, known, received_at)
            SELECT g.id, t, 100000000 + sum(CASE WHEN extract(hour FROM t) BETWEEN 5 AND 18 THEN 20000 ELSE 0 END)
                OVER (PARTITION BY g.id ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), :known, t
            FROM ingest.register AS g, generate_series(:first, :at, interval '1 hour') AS t WHERE g.name = 'odometer'
            ORDER BY 1, 2
        """.replace(
                "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), :known",
                "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), :known",
            )
            .replace("+ sum(", "+ coalesce(sum(")
            .replace("1 PRECEDING), :known", "1 PRECEDING), 0), :known")
        ),
        bound,
    )
    connection.execute(
        text("""
            INSERT INTO ingest.reading (register, at, value, known, received_at)
            SELECT g.id, t, CASE WHEN d.name = 'gw-T3' AND t >= m + :days * interval '1 day'
                AND t < m + :days * interval '1 day' + :hours * interval '1 hour' THEN 4
                WHEN d.name = 'gw-T5' AND t >= m + interval '3 days' AND t < m + interval '3 days 5 hours' THEN 6
                WHEN extract(hour FROM t) BETWEEN 5 AND 18 THEN 1 ELSE 2 END, :known, t
            FROM ingest.register AS g JOIN ingest.device AS d ON d.id = g.device,
                generate_series(:first, :at, interval '1 hour') AS t, date_trunc('month', t) AS m
            WHERE g.name = 'state' ORDER BY 1, 2
        """),
        bound,
    )
    connection.execute(
        text("""
        INSERT INTO ingest.latest (register, at, value, received_at)
        SELECT DISTINCT ON (register) register, at, value, received_at FROM ingest.reading ORDER BY register, at DESC
    """)
    )
    _insert(
        connection, "ingest.batch", known=known, at=at - timedelta(hours=1), client="ingest-1", messages=10,
        received=24, stored=20, duplicate=3, quarantined=1,
    )  # fmt: skip
    _insert(
        connection, "ingest.quarantine", topic="yardstick/gw-T1/readings", payload_hash=b"\x01" * 32, item=-1,
        reason="not_json", detail="the payload is no JSON", payload=b"<script>alert(1)</script>", size=25,
        device="gw-T1", received_at=at - timedelta(hours=1), known=known,
    )  # fmt: skip


def _entity(connection: Connection, parties: dict[str, int], at: datetime) -> None:
    given = dict(name="Truck Supplier GmbH", address="Hafenstr. 1\n20457 Hamburg", country="DE", vat_id="DE123456789")
    extra = dict(timezone="Europe/Berlin") if _has(connection, "billing", "entity", "timezone") else {}
    entity = _insert(
        connection,
        "billing.entity",
        public_id="ent_truck",
        party=parties["Truck Supplier"],
        prefix="TS",
        **given,
        **extra,
    )
    _insert(connection, "billing.series", entity=entity, kind="invoice", year=at.year, issued=0)


def _has(connection: Connection, schema: str, table: str, column: str) -> bool:
    asked = text(
        "SELECT count(*) FROM information_schema.columns WHERE table_schema=:s AND table_name=:t AND column_name=:c"
    )
    return bool(connection.execute(asked, {"s": schema, "t": table, "c": column}).scalar_one())


def _bill(connection: Connection, fleet: Fleet, name: str, customer: str) -> None:
    """Two closed periods, each with evaluation, run, invoice and breach report; then the standing."""
    contract = fleet.contract_ids[name]
    running = Period.containing(fleet.at, "month", BERLIN)
    for number, period in enumerate((running.previous().previous(), running.previous()), start=1):
        result = _result(name, period, period.span.end)
        key = _period(connection, contract, period)
        identity = _public("eva", f"{name}{period.label}")
        row = {
            "public_id": identity, "contract": contract, "period": key, "until": period.span.end, "known": 1,
            "evaluated_at": period.span.end + timedelta(days=3), "engine_version": "1", "input_hash": result["input_hash"],
            "result_hash": result["result_hash"], "result": result,
        }  # fmt: skip
        extra = {"evidence": {}} if _has(connection, "contracts", "evaluation", "evidence") else {}
        evaluation = _insert(connection, "contracts.evaluation", **row, **extra)
        fleet.evaluations[f"{name} {period.label}"] = identity
        connection.execute(
            text("UPDATE contracts.period SET closed_at = cutoff_at, evaluation = :e WHERE id = :p"),
            {"e": evaluation, "p": key},
        )
        _invoice(
            connection,
            fleet,
            name,
            customer,
            period=period,
            result=result,
            evaluation=evaluation,
            period_key=key,
            number=number,
        )
    key = _period(connection, contract, running)
    standing = _result(name, running, fleet.at)
    fleet.standings[name] = standing
    _insert(
        connection, "contracts.standing", contract=contract, period=key, until=fleet.at, known=1, evaluated_at=fleet.at,
        result=standing,
    )  # fmt: skip


def _period(connection: Connection, contract: int, period: Period) -> int:
    return int(
        _insert(
            connection, "contracts.period", contract=contract, label=period.label, starts_at=period.span.start,
            ends_at=period.span.end, cutoff_at=period.span.end + timedelta(days=3),
        )
    )  # fmt: skip


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def driven(start: datetime, end: datetime) -> int:
    """Kilometres of a truck: 20 in each hour from 05:00 to 19:00 UTC."""
    hours, at = 0, start.replace(minute=0, second=0, microsecond=0)
    while at < end:
        hours += 5 <= at.hour <= 18
        at += timedelta(hours=1)
    return 20 * hours


def _result(contract: str, period: Period, until: datetime) -> dict[str, Any]:
    """As contracts.evaluation writes it."""
    start = period.span.start
    span = {"from": _iso(start), "to": _iso(period.span.end)}
    lines: list[dict[str, Any]] = []
    verdicts: list[dict[str, Any]] = []
    km = driven(start, until)
    for asset in _names(contract):
        usage = (PRICE * km).quantize(Decimal("0.01"))
        for clause, kind, words, quantity, amount in (
            ("2.1", "fixed_fee", "1 month at 1850.00", None, FEE),
            ("2.2", "usage_charge", f"{km}.0 km at 0.0420", str(km), usage),
        ):
            step = {
                "label": "amount",
                "formula": "quantity × price",
                "values": {"quantity": f"{km} km", "price": "0.0420 EUR/km"},
                "result": f"{amount} EUR",
            }
            lines.append(
                {
                    "id": f"l_{contract}{period.label}{clause}{asset}",
                    "clause": clause,
                    "kind": kind,
                    "asset": asset,
                    "segment": 1,
                    **span,
                    "text": words,
                    "quantity": quantity,
                    "unit": "km" if quantity else "",
                    "amount": f"{amount} EUR",
                    "unrounded": f"{amount}",
                    "steps": [step],
                }
            )
        required = Fraction(int((until - start).total_seconds()), 3600)
        down = (
            Fraction(DOWN_HOURS) if asset == "T3" and until > start + timedelta(days=DOWN_FROM_DAY + 2) else Fraction(0)
        )
        share = 100 * (required - down) / required if required else Fraction(100)
        state = "violated" if share < 98 else "fulfilled"
        values = {
            "required": f"{required} h",
            "excluded": "0 h",
            "counted": f"{required} h",
            "down": f"{down} h",
            "availability": f"{share} %",
            "coverage": "100 %",
        }
        verdicts.append(
            {
                "clause": "4.2",
                "kind": "availability",
                "asset": asset,
                "state": state,
                "status": "final",
                "certain": True,
                **span,
                "values": values,
                "bounds": {},
                "steps": [
                    {
                        "label": "availability",
                        "formula": "(counted − down) ÷ counted",
                        "values": values,
                        "result": values["availability"],
                    }
                ],
                "explanation": f"{asset} was down for {down} h.",
            }
        )
        if state == "violated":
            lines.append(
                {
                    "id": f"l_{contract}{period.label}4.2{asset}",
                    "clause": "4.2",
                    "kind": "availability",
                    "asset": asset,
                    "segment": 1,
                    **span,
                    "text": "10 % of 1850.00",
                    "quantity": None,
                    "unit": "",
                    "amount": "-185.00 EUR",
                    "unrounded": "-185",
                    "steps": [],
                }
            )
    total = sum(Decimal(line["amount"].split()[0]) for line in lines)
    return {
        "contract": contract,
        "period": period.label,
        **span,
        "until": _iso(until),
        "as_of": "K 1",
        "versions": [1],
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "lines": lines,
        "total": f"{total} EUR",
        "status": "final",
        "verdicts": verdicts,
        "open_cases": [],
        "delta": [],
        "carry": [],
        "problems": [],
        "engine_version": "1",
        "tzdata_version": "2026.6",
        "input_hash": "1" * 64,
        "result_hash": (contract[-1] + period.label[-1]) * 32,
    }


def _invoice(
    connection: Connection,
    fleet: Fleet,
    name: str,
    customer: str,
    *,
    period: Period,
    result: dict[str, Any],
    evaluation: int,
    period_key: int,
    number: int,
) -> None:
    entity = connection.execute(text("SELECT id FROM billing.entity")).scalar_one()
    run_id = _public("run", period.label)
    found = connection.execute(text("SELECT id FROM billing.run WHERE public_id = :p"), {"p": run_id}).scalar()
    run = found or _insert(
        connection, "billing.run", public_id=run_id, entity=entity, label=period.label, starts_at=period.span.start,
        ends_at=period.span.end, known=1, state="issued", created_at=fleet.at, created_by="person:fin",
    )  # fmt: skip
    if not found:
        fleet.runs.append(run_id)
    n = number + (0 if name == "C-2041" else 10)
    identity, printed = _public("inv", f"{name}{period.label}"), f"TS-{fleet.at.year}-{n:05}"
    net = Decimal(result["total"].split()[0])
    tax = (net * Decimal("0.19")).quantize(Decimal("0.01"))
    issued = period.span.end.date() + timedelta(days=4)
    span = {"from": result["from"], "to": result["to"]}
    verdicts = {(one["clause"], one["asset"]): one for one in result["verdicts"]}
    lines = []
    for place, line in enumerate(result["lines"], start=1):
        evidence = []
        if line["clause"] == "2.2":
            evidence = [
                {
                    "asset": line["asset"],
                    "register": "vehicle/odometer",
                    "device": f"gw-{line['asset']}",
                    **span,
                    "opening": "100000.0",
                    "closing": str(100000 + int(line["quantity"])),
                    "removed": "0",
                    "use": line["quantity"],
                    "unit": "km",
                    "opening_quality": "reading",
                    "closing_quality": "interpolated",
                }
            ]
        lines.append(
            {
                "n": place,
                **{
                    key: line[key]
                    for key in (
                        "id",
                        "clause",
                        "kind",
                        "asset",
                        "segment",
                        "text",
                        "quantity",
                        "unit",
                        "from",
                        "to",
                        "steps",
                    )
                },
                "sentence": f"Clause {line['clause']} in words.",
                "amount": line["amount"].split()[0],
                "tax": {"category": "S", "rate": "19"},
                "evidence": evidence,
                "verdict": verdicts.get((line["clause"], line["asset"])),
            }
        )
    document = {
        "schema": "invoice/1",
        "kind": "invoice",
        "issue": {
            "id": identity,
            "number": printed,
            "issue_date": issued.isoformat(),
            "due_date": (issued + timedelta(days=30)).isoformat(),
        },
        "seller": {
            "name": "Truck Supplier GmbH",
            "address": "Hafenstr. 1\n20457 Hamburg",
            "country": "DE",
            "vat_id": "DE123456789",
        },
        "buyer": {"name": customer, "address": "Kade 7\nRotterdam", "country": "NL", "vat_id": "NL001"},
        "contract": name,
        "versions": [1],
        "period": period.label,
        "timezone": "Europe/Berlin",
        "service": span,
        "currency": "EUR",
        "payment_days": 30,
        "lines": lines,
        "tax": [{"category": "S", "rate": "19", "base": str(net), "tax": str(tax)}],
        "net": str(net),
        "tax_total": str(tax),
        "gross": str(net + tax),
        "verdicts": result["verdicts"],
        "warnings": [],
        "evaluation": {
            "id": fleet.evaluations[f"{name} {period.label}"],
            "engine_version": "1",
            "tzdata_version": "2026.6",
            "knowledge": "K 1",
            "input_hash": result["input_hash"],
            "result_hash": result["result_hash"],
        },
    }
    party = connection.execute(text("SELECT id FROM contracts.party WHERE name = :n"), {"n": customer}).scalar_one()
    series = connection.execute(text("SELECT id FROM billing.series")).scalar_one()
    invoice = _insert(
        connection, "billing.invoice", public_id=identity, series=series, n=n, number=printed, kind="invoice",
        contract=fleet.contract_ids[name], customer=party, run=run, evaluation=evaluation, label=period.label,
        service_start=period.span.start, service_end=period.span.end, issue_date=issued, due_date=issued + timedelta(days=30),
        currency="EUR", exponent=2, net=net, tax=tax, gross=net + tax, document=document, content_hash="c" * 64,
        previous_hash="", chain_hash=f"{n:064d}", issued_at=fleet.at,
    )  # fmt: skip
    fleet.invoices[f"{name} {period.label}"] = identity
    for line in lines:
        connection.execute(
            text("""INSERT INTO billing.line (invoice, n, line_id, clause, kind, asset, text, quantity, unit, amount, currency,
                tax_category, tax_rate, service_start, service_end, steps) VALUES (:invoice, :n, :id, :clause, :kind, :asset,
                :text, :quantity, :unit, :amount, 'EUR', 'S', 19, :start, :end, CAST(:steps AS jsonb))"""),
            {
                **{k: line[k] for k in ("n", "id", "clause", "kind", "asset", "text", "quantity", "unit", "amount")},
                "invoice": invoice,
                "start": period.span.start,
                "end": period.span.end,
                "steps": json.dumps(line["steps"]),
            },
        )
    _insert(connection, "billing.tax_total", invoice=invoice, category="S", rate=19, base=net, tax=tax)
    for verdict in result["verdicts"]:
        if verdict["state"] == "violated":
            _report(
                connection,
                fleet,
                name,
                period=period,
                verdict=verdict,
                evaluation=evaluation,
                period_key=period_key,
                invoice=invoice,
                document=document,
            )


def _report(
    connection: Connection,
    fleet: Fleet,
    name: str,
    *,
    period: Period,
    verdict: dict[str, Any],
    evaluation: int,
    period_key: int,
    invoice: int,
    document: dict[str, Any],
) -> None:
    breach = _insert(
        connection, "contracts.breach", public_id=_public("bre", f"{name}{period.label}"), contract=fleet.contract_ids[name],
        evaluation=evaluation, period=period_key, clause="4.2", asset=verdict["asset"], obligated="provider",
        measured="95.8333 %", target="98 %", credit=Decimal("185.00"), currency="EUR",
    )  # fmt: skip
    identity = _public("rep", f"{name}{period.label}")
    values = verdict["values"]
    start = period.span.start + timedelta(days=DOWN_FROM_DAY)
    said = {
        "schema": "breach_report/1",
        "id": identity,
        "breach": "bre_x",
        "contract": name,
        "period": period.label,
        "timezone": "Europe/Berlin",
        "clause": "4.2",
        "sentence": "Each truck is available for 98 % of the counted time of a month.",
        "asset": verdict["asset"],
        "obligated": "provider",
        "state": "violated",
        "status": "final",
        "certain": True,
        "target": "98 %",
        "measured": "95.8333 %",
        "from": verdict["from"],
        "to": verdict["to"],
        **{key: values[key] for key in ("required", "excluded", "counted", "down", "coverage")},
        "outages": [
            {
                "asset": verdict["asset"],
                "from": _iso(start),
                "to": _iso(start + timedelta(hours=DOWN_HOURS)),
                "category": "fault",
                "subsystem": "brakes",
                "cause": "",
                "performance": None,
            }
        ],
        "attributions": [],
        "notices": [],
        "steps": verdict["steps"],
        "bounds": {},
        "explanation": verdict["explanation"],
        "credit": "185.00",
        "currency": "EUR",
        "invoice": {
            "id": document["issue"]["id"],
            "number": document["issue"]["number"],
            "line": next(line["n"] for line in document["lines"] if line["amount"].startswith("-")),
        },
        "evaluation": {"id": document["evaluation"]["id"], "result_hash": document["evaluation"]["result_hash"]},
    }
    _insert(
        connection, "billing.breach_report", public_id=identity, breach=breach, contract=fleet.contract_ids[name],
        invoice=invoice, document=said, content_hash="d" * 64, issued_at=fleet.at,
    )  # fmt: skip
    fleet.reports[f"{name} {period.label}"] = identity
