"""Random agreements and their facts, for stories: what is agreed, and what becomes known by which billing run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeAlias

from tests.stories.story import BERLIN, local

RUNS = tuple(local(f"2026-{n:02}-05 10:00") for n in (4, 5, 6, 7))
"""Billing runs of March to June."""
Fact: TypeAlias = dict[str, Any]


@dataclass
class Told:
    """One agreement: its versions, and its facts by list, each with the run by which it is known."""

    name: str
    assets: tuple[str, ...]
    versions: list[dict[str, Any]]
    facts: dict[str, list[tuple[int, Fact]]] = field(default_factory=dict)
    corrected: list[tuple[int, Fact]] = field(default_factory=list)
    """Readings that people correct, with what counts from then on."""

    def say(self, name: str, known: int, **fact: Any) -> None:
        fact["recorded_at"] = wall(RUNS[known] - timedelta(hours=1))
        self.facts.setdefault(name, []).append((known, fact))

    def news(self, run: int) -> dict[str, list[Fact]]:
        """What is known by a run and was not before; without what is corrected."""
        found = {name: [fact for n, fact in facts if n == run] for name, facts in self.facts.items()}
        return {name: facts for name, facts in found.items() if facts}

    def known(self, run: int) -> dict[str, list[Fact]]:
        """All that is known by a run, as a facts file says it."""
        found = {name: [fact for n, fact in facts if n <= run] for name, facts in self.facts.items()}
        right = {(fact["asset"], fact["at"]): fact for n, fact in self.corrected if n <= run}
        of_use = [fact for fact in found["readings"] if fact["register"] == "vehicle/odometer"]
        others = [fact for fact in found["readings"] if fact["register"] != "vehicle/odometer"]
        found["readings"] = [*others, *(right.get((fact["asset"], fact["at"]), fact) for fact in of_use)]
        return {name: facts for name, facts in found.items() if facts}

    def catalogue(self) -> str:
        """Its devices: an odometer, perhaps another one in its place, and what says states and levels."""
        devices, bindings = [], []
        exchanged = {fact["asset"]: fact for _, fact in self.facts.get("exchanges", [])}
        for asset in self.assets:
            odometer, units = [{"register": "odometer", "kind": "counter", "unit": "km"}], [f"{asset}-unit"]
            bound: dict[str, Any] = {"device": f"{asset}-unit", "asset": asset, "position": "vehicle"}
            if one := exchanged.get(asset):
                at = f"{local(one['at']):%Y-%m-%dT%H:%M:%SZ}"
                units.append(f"{asset}b-unit")
                bindings.append(bound | {"to": at, "closing": {"odometer": one["end_value"]}})
                bound |= {"device": f"{asset}b-unit", "from": at, "opening": {"odometer": one["start_value"]}}
            devices += [{"device": unit, "registers": odometer} for unit in units]
            cab = [{"register": "state", "kind": "state"}, {"register": "pressure", "kind": "gauge", "unit": "bar"}]
            devices.append({"device": f"{asset}c-unit", "registers": cab})
            bindings += [bound, {"device": f"{asset}c-unit", "asset": asset, "position": "cab"}]
        return json.dumps({"devices": devices, "bindings": bindings})


def wall(at: datetime) -> str:
    return f"{at.astimezone(BERLIN):%Y-%m-%d %H:%M}"


def moment(rng: Random, first: str = "2026-03-01", last: str = "2026-07-01") -> datetime:
    start, end = local(first), local(last)
    return start + timedelta(minutes=10 * rng.randrange(int((end - start) / timedelta(minutes=10))))


def seen_by(rng: Random, at: datetime) -> int | None:
    """The run by which something of that time is known; now and then a later one."""
    first = next((n for n, run in enumerate(RUNS) if at < run - timedelta(days=2)), None)
    late = rng.choice((0, 0, 0, 1, 2))
    return None if first is None or first + late >= len(RUNS) else first + late


def random_contract(rng: Random, n: int) -> Told:
    assets = tuple(f"R{n}-{m}" for m in range(rng.choice((1, 1, 2))))
    name, start = f"RP-{n:03}", rng.choice(("2026-03-01", "2026-03-01", "2026-03-11"))
    coverage = [{"asset": asset, "group": "g", "from": start} for asset in assets]
    if len(assets) > 1:
        coverage[1] |= rng.choice(({}, {"to": "2026-05-20"}, {"from": "2026-04-08"}))
    version: dict[str, Any] = {
        "schema": "contract/1",
        "contract": name,
        "version": "1",
        "effective_from": start,
        "recorded_at": "2025-12-15 10:00",
        "parties": {"provider": "Truck Supplier", "customer": "Haulier"},
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "billing": {
            "period": "month",
            "rounding": rng.choice(("half_up", "half_even")),
            "decimals": "2",
            "tax_category": "S",
            "tax_rate": "19 %",
            "correction": rng.choice(("delta_line", "credit_note")),
        },
        "coverage": coverage,
        "measures": [
            {
                "measure": "distance", "kind": "counter_delta", "register": "vehicle/odometer", "unit": "km",
                "on_reset": "hold", "boundary": rng.choice(("interpolate", "interpolate", "at_reading")),
            },
            {"measure": "state", "kind": "state_time", "register": "cab/state", "max_gap": "1500 h"},
            {"measure": "pressure", "kind": "gauge_level", "register": "cab/pressure", "unit": "bar"},
        ],
        "terms": list(terms(rng, n)),
    }  # fmt: skip
    told = Told(name, assets, [version])
    if rng.random() < 0.5:  # an amendment: prices of use and the fee, from the same random terms
        other = json.loads(json.dumps(version))
        other |= {"version": "2", "effective_from": rng.choice(("2026-04-11", "2026-05-01", "2026-05-16"))}
        for term in other["terms"]:
            if term["kind"] == "fixed_fee":
                term["amount"] = f"{rng.randrange(100, 900)}.00 EUR"
            for tier in term.get("tiers", []):
                if "price" in tier:
                    tier["price"] = f"0.{rng.randrange(10, 99)} EUR/km"
        told.versions.append(other)
    if rng.random() < 0.2:
        told.versions[-1]["ends"] = rng.choice(("2026-06-11", "2026-06-01", "2026-07-01"))
    tell(rng, told, n)
    return told


def maybe(rng: Random, part: float) -> bool:
    return rng.random() < part


def terms(rng: Random, n: int) -> Iterator[dict[str, Any]]:
    yield {
        "clause": "2.1", "kind": "fixed_fee", "amount": f"{rng.randrange(900, 2000)}.{rng.randrange(100):02} EUR",
        "every": "month", "per": rng.choice(("asset", "contract")), "proration": rng.choice(("calendar_days", "none")),
        "advance": rng.choice(("true", "false", "false")), "text": "As agreed.",
    }  # fmt: skip
    scope = rng.choice(("asset", "pool"))
    yield usage(rng, scope) | {"clause": "2.2", "scope": scope, "applies_to": "g"}
    common = {"text": "As agreed.", "obligated": "provider"}
    if maybe(rng, 0.3):
        yield {
            "clause": "2.7", "kind": "allowance", "measure": "distance", "scope": scope, "applies_to": "g",
            "included": "1800 km", "order": rng.choice(("plan_first", "rollover_first")), "text": "As agreed.",
            "rollover_cap": "900 km", "rollover_expires": rng.choice(("none", "P1M")), "on_downgrade": "keep",
        } | rng.choice(({"overage": "2.2"}, {"block_size": "100 km", "block_price": "9.00 EUR"}))  # fmt: skip
    if maybe(rng, 0.3):
        yield {
            "clause": "2.3", "kind": "indexation", "of": ["2.1", "2.2"], "fixed_share": "40 %", "text": "As agreed.",
            "components": [{"index": f"index-{n}", "weight": "60 %", "base_value": "100", "lag": "P2M"}],
            "review": ["2026-04-01", "2026-05-16"], "base_after": rng.choice(("last_applied", "original")),
            "deadband": "1 %", "collar_high": "6 %", "price_decimals": "4",
        }  # fmt: skip
    if maybe(rng, 0.35):
        money = maybe(rng, 0.5)
        yield {
            "clause": "2.4", "kind": "minimum_commitment", "obligated": "customer", "text": "As agreed.",
            "window": "period", "scope": scope, "applies_to": "g",
            "makeup_price": "50 %" if money else "0.10 EUR/km", "shortfall_price": "80 %" if money else "0.20 EUR/km",
        } | (
            {"of": ["2.2"], "minimum": "700 EUR"} if money else {"measure": "distance", "minimum": "2500 km"}
        )  # fmt: skip
    if maybe(rng, 0.35):
        yield common | {
            "clause": "2.5", "kind": "spend_cap", "of": ["2.1", "2.2"], "limit": f"{rng.randrange(900, 6000)} EUR",
            "window": rng.choice(("month", "quarter", "contract_year")), "on_reach": "waive",
        }  # fmt: skip
    if maybe(rng, 0.3):
        yield {"clause": "2.6", "kind": "prepaid", "of": ["2.1", "2.2"], "on_empty": "invoice", "text": "As agreed."}
    yield from promises(rng)


def promises(rng: Random) -> Iterator[dict[str, Any]]:
    """What the provider promises, and a duty of the customer."""
    common = {"text": "As agreed.", "obligated": "provider"}
    if maybe(rng, 0.8):
        window = rng.choice(("month", "month", "quarter", "rolling_12_months"))
        yield uptime(rng) | common | {"clause": "4.1", "kind": "availability", "measure": "state", "window": window}
    if maybe(rng, 0.3):
        yield common | {
            "clause": "4.3", "kind": "performance", "measure": "pressure", "target": "8.2 bar", "better": "higher",
            "tolerance": "1 %", "window": "month", "remedy": "linear", "rate": "1 %", "base": ["2.1"],
        }  # fmt: skip
    if maybe(rng, 0.5):
        yield common | {
            "clause": "4.2", "kind": "event_guarantee", "clock_start": "opened", "clock_stop": "closed",
            "hours": "24x7", "limit": "24 h", "per": rng.choice(("started_24h", "started_hour", "calendar_day")),
            "amount": "7.50 EUR", "cap_per_case": "100 EUR", "substitute": "stops_clock",
        }  # fmt: skip
    if maybe(rng, 0.4):
        yield {
            "clause": "5.1", "kind": "obligation", "obligated": "customer", "measure": "pressure", "text": "As agreed.",
            "at_least": "8 bar", "cure": "48 h", "notice": ["portal"], "surcharge": "15 %", "surcharge_of": "2.2",
        }  # fmt: skip


def usage(rng: Random, scope: str) -> dict[str, Any]:
    model = rng.choice(("flat", "graduated", "graduated", "volume", "package", "stairstep"))
    term: dict[str, Any] = {
        "kind": "usage_charge", "measure": "distance", "model": model, "text": "As agreed.",
        "reset": rng.choice(("period", "contract_year")),
        "on_amendment": rng.choice(("continue", "prorate", "restart")),
    }  # fmt: skip
    if model == "flat":
        term["price"] = f"0.{rng.randrange(1000, 9999)} EUR/km"
    elif model == "package":
        term |= {"package_size": "250 km", "package_price": "61.25 EUR"}
    else:
        bounds = (0, rng.randrange(800, 2000), rng.randrange(2500, 5000))
        paid = "fee" if model == "stairstep" else "price"
        amounts = [rng.randrange(100, 999) for _ in bounds]
        term["tiers"] = [
            {"above": f"{bound} km", paid: f"{amount}.00 EUR" if paid == "fee" else f"0.{amount} EUR/km"}
            for bound, amount in zip(bounds, amounts, strict=True)
        ]
    if rng.random() < 0.3:
        term["included"] = "300 km"
    if scope == "pool":
        term["allocate"] = rng.choice(("none", "by_quantity"))
    return term


def uptime(rng: Random) -> dict[str, Any]:
    unknown = rng.choice(("up", "down", "exclude"))
    term: dict[str, Any] = {
        "target": "98 %", "required": "24x7", "aggregate": rng.choice(("asset", "asset", "pool")), "applies_to": "g",
        "base": ["2.1"], "min_coverage": "80 %", "min_outage": "30 min", "planned_notice": "P3D",
        "treatments": {
            "running": "up", "idle": "up", "derated": "measured", "fault": "down", "unplanned_repair": "down",
            "planned_maintenance": "exclude", "customer_cause": "exclude", "external": "exclude",
            "force_majeure": "exclude", "unknown": unknown,
        },
        "application": rng.choice(("this_invoice", "this_invoice", "next_invoice")),
    }  # fmt: skip
    form = rng.choice(("ladder", "per_point", "linear"))
    term["remedy"] = form
    if form == "ladder":
        steps = (("98 %", "0 %"), ("95 %", "7 %"), ("90 %", "15 %"), ("0 %", "35 %"))
        term["steps"] = [{"at_or_above": bound, "credit": credit} for bound, credit in steps]
    else:
        term["rate"] = "3 %"
    if rng.random() < 0.5:
        term["caps"] = rng.choice((
            [{"window": "month", "share": "20 %"}],
            [{"window": "rolling_12_months", "share": "8 %"}],
            [{"window": "month", "share": "25 %"}, {"window": "contract_year", "amount": "150 EUR"}],
        ))  # fmt: skip
    if rng.random() < 0.4:
        term |= {"earn_back_target": "99 %", "earn_back_windows": rng.choice(("1", "2"))}
    return term


def tell(rng: Random, told: Told, n: int) -> None:
    for asset in told.assets:
        driven(rng, told, asset)
        stopped(rng, told, asset)
        pressed(rng, told, asset)
    kinds = {term["kind"] for term in told.versions[0]["terms"]}
    if "prepaid" in kinds:
        told.say("carried", 0, clause="2.6", item="balance", value=f"{rng.randrange(200, 5000)}.00 EUR")
    if "indexation" in kinds:
        for month in ("2026-02", "2026-03"):
            for _ in range(rng.choice((0, 1, 2))):
                run = rng.randrange(len(RUNS))
                published = wall(RUNS[run] - timedelta(hours=1, minutes=rng.randrange(1, 50)))
                value = f"{rng.randrange(90, 125)}.{rng.randrange(10)}"
                told.say("index_values", run, index=f"index-{n}", month=month, value=value, published=published)
    if "event_guarantee" in kinds:
        broken_down(rng, told)


def broken_down(rng: Random, told: Told) -> None:
    """Cases, each known when it is closed or later, some with a substitute."""
    for number in range(rng.randrange(3)):
        opened = moment(rng, last="2026-06-20")
        closed = opened + timedelta(hours=rng.randrange(1, 400))
        known, asset = seen_by(rng, closed), rng.choice(told.assets)
        ends = told.versions[-1].get("ends", "2027-01-01")
        if known is None or opened < local(told.versions[0]["effective_from"]) or closed > local(ends):
            continue
        told.say("tickets", known, ticket=f"K{number}", asset=asset, opened=wall(opened), closed=wall(closed))
        if maybe(rng, 0.4):
            since = opened + timedelta(hours=rng.randrange(1, 60))
            there = {"from": wall(since), "to": wall(since + timedelta(hours=30))}
            told.say("substitutes", known, asset=asset, **there)


def driven(rng: Random, told: Told, asset: str) -> None:
    """The odometer every few days, from the first of March on; some readings come late, or are wrong at first."""
    at, km, device = local("2026-03-01"), rng.randrange(0, 500_000), f"{asset}-unit"
    before, exchange = km, moment(rng, "2026-03-20", "2026-06-20") if maybe(rng, 0.4) else RUNS[-1]
    while at < RUNS[-1] - timedelta(hours=3):
        if at > exchange:
            start = rng.choice((0, 1234))
            told.say(
                "exchanges", 0, asset=asset, register="vehicle/odometer", at=wall(exchange), old_device=device,
                end_value=f"{(before + km) // 2 / 10:.1f} km", new_device=f"{asset}b-unit",
                start_value=f"{start / 10:.1f} km", evidence="work order",
            )  # fmt: skip
            before, km, device, exchange = start, start + (km - before) // 2, f"{asset}b-unit", RUNS[-1]
        first = next(n for n, run in enumerate(RUNS) if at < run - timedelta(hours=2))
        late = rng.choice((0, 0, 0, 1)) if at > local("2026-03-01") else 0
        known = min(first + late, len(RUNS) - 1)
        reading = {"asset": asset, "device": device, "register": "vehicle/odometer", "at": wall(at)}
        shown = km
        if maybe(rng, 0.1) and known + 1 < len(RUNS):
            shown, again = (before + km) // 2, rng.randrange(known + 1, len(RUNS))
            told.corrected.append((again, reading | {"value": f"{km / 10:.1f} km"}))
        told.say("readings", known, **reading, value=f"{shown / 10:.1f} km")
        step = timedelta(minutes=10 * rng.randrange(100, 900))
        at, before, km = at + step, km, km + rng.randrange(0, 40) * int(step / timedelta(hours=1)) * 5


def stopped(rng: Random, told: Told, asset: str) -> None:
    """The state as the device says it, now and then down; people decide later what it was."""
    at, down = local("2026-03-01"), False
    while at < RUNS[-1] - timedelta(hours=3):
        first = next(n for n, run in enumerate(RUNS) if at < run - timedelta(hours=2))
        state = rng.choice(("fault", "idle", "unknown", "planned_maintenance")) if down else "running"
        told.say(
            "readings", first, asset=asset, device=f"{asset}c-unit", register="cab/state", at=wall(at), value=state
        )
        end = at + timedelta(minutes=10 * rng.randrange(2, 300) if down else 10 * rng.randrange(200, 2000))
        known = seen_by(rng, end)
        if down and known is not None and rng.random() < 0.6:
            category = rng.choice(("customer_cause", "force_majeure", "fault"))
            told.say(
                "attributions", known, asset=asset, category=category, party="none", status="accepted",
                **{"from": wall(at), "to": wall(end)},
            )  # fmt: skip
        if down and state == "planned_maintenance" and rng.random() < 0.7:
            given = at - timedelta(days=rng.randrange(1, 9))
            if (known := seen_by(rng, end)) is not None:
                told.say(
                    "notices", known, asset=asset, kind="planned_maintenance", given=wall(given),
                    **{"from": wall(at), "to": wall(end)},
                )  # fmt: skip
        at, down = end, not down


def pressed(rng: Random, told: Told, asset: str) -> None:
    """The pressure, now and then too low, with an alert that is known late."""
    at = local("2026-03-01")
    while at < RUNS[-1] - timedelta(hours=3):
        first = next(n for n, run in enumerate(RUNS) if at < run - timedelta(hours=2))
        low = rng.random() < 0.3 and at > local("2026-03-12")
        told.say(
            "readings", first, asset=asset, device=f"{asset}c-unit", register="cab/pressure", at=wall(at),
            value=f"{rng.choice(('7.5', '7.9') if low else ('8', '8.4'))} bar",
        )  # fmt: skip
        duty = any(term["clause"] == "5.1" for term in told.versions[0]["terms"])
        given = at + timedelta(minutes=30)
        if low and duty and (known := seen_by(rng, given)) is not None:
            told.say("notices", known, clause="5.1", asset=asset, kind="alert", given=wall(given))
        at += timedelta(minutes=10 * rng.randrange(100, 1800))
