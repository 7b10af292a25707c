"""How many evaluations a second one core makes of a twelve-line contract: explanation, JSON and hash included.

Two registers, forty spans of state. Beside it the bare arithmetic of the same lines with JSON and hash, measured in the
same run: what remains is the price of being told why.

    python bench/engine.py [--seconds 5] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from time import perf_counter, process_time
from typing import Any

from contracts import engine
from contracts.document import Agreement, Version, read_agreement
from contracts.facts import Counter, Facts, Piece, StateSpan
from core.time import HOUR, Period, zone

GATE, GOAL, LINES = 750, 1500, 12
JUNE = Period.parse("2026-06", zone("Europe/Berlin"))
ASSETS = ("T1", "T2")
TEXT = """
schema: contract/1
contract: B-12
version: 1
effective_from: "2026-01-01"
recorded_at: "2025-12-15 10:00"
parties: {provider: Supplier, customer: Haulier}
currency: EUR
timezone: Europe/Berlin
billing: {period: month, rounding: half_up, decimals: 2}
coverage:
  - {asset: T1, from: "2026-01-01"}
  - {asset: T2, from: "2026-01-01"}
measures:
  - {measure: distance, kind: counter_delta, register: vehicle/odometer, unit: km, on_reset: hold,
     boundary: interpolate}
  - {measure: state, kind: state_time, register: vehicle/state, max_gap: "15 min"}
terms:
"""
FEE = """
  - clause: "2.{n}"
    kind: fixed_fee
    amount: "18{n}0.00 EUR"
    every: month
    per: asset
    proration: calendar_days
    text: "Each truck costs {{amount}} a {{every}}."
"""
USE = """
  - clause: "3.{n}"
    kind: usage_charge
    measure: distance
    model: graduated
    scope: asset
    tiers:
      - {{above: "0 km", price: "0.0{n}20 EUR/km"}}
      - {{above: "8000 km", price: "0.0{n}10 EUR/km"}}
    text: "Each kilometre costs {{tiers}}."
"""
UPTIME = """
  - clause: "4.2"
    kind: availability
    obligated: provider
    measure: state
    target: "98 %"
    window: month
    required: 24x7
    aggregate: asset
    treatments: {running: up, idle: up, derated: measured, fault: down, unplanned_repair: down,
      planned_maintenance: exclude, customer_cause: exclude, external: exclude, force_majeure: exclude,
      unknown: exclude}
    min_coverage: "95 %"
    min_outage: "5 min"
    remedy: ladder
    base: ["2.1"]
    steps:
      - {at_or_above: "98 %", credit: "0 %"}
      - {at_or_above: "95 %", credit: "10 %"}
      - {at_or_above: "0 %", credit: "30 %"}
    text: "Available for {target} of a {window}: {treatments}. Credit: {steps}; coverage {min_coverage}."
"""


def contract() -> tuple[Version, ...]:
    """Two fees, three usage charges and an availability: twelve lines for two trucks."""
    text = TEXT + "".join(FEE.format(n=n) for n in (1, 2)) + "".join(USE.format(n=n) for n in (3, 4, 5)) + UPTIME
    found = read_agreement(text)
    assert isinstance(found, Agreement), found
    return found.versions


def facts(versions: tuple[Version, ...]) -> Facts:
    """A counter with its two ends, and twenty spans of state, for each truck."""
    need = engine.needs(versions, JUNE, JUNE.span.end)
    start, end = JUNE.span.micros
    step = (end - start) // 20
    categories = ("running", "fault", "idle", "derated")
    states = tuple(
        StateSpan(start + n * step, start + n * step + (9 * HOUR if n % 4 == 1 else step), categories[n % 4])  # type: ignore[arg-type]
        for n in range(20)
    )
    counters = {
        (n.asset, n.register): Counter("km", Decimal("0.001"), (Piece(start, end, "box", 1_000_000, 11_400_200),))
        for n in need.counters
    }
    return Facts("K 1", counters, {(n.asset, n.register): states for n in need.states}, otherwise="running")


def bare() -> str:
    """The sums of the same contract by hand, as JSON with a hash: nothing is explained."""
    start, end = JUNE.span.micros
    step, lines = (end - start) // 20, []
    for asset in ASSETS:
        fees = [Fraction(1810), Fraction(1820)]
        used = Fraction(11_400_200 - 1_000_000, 1000)
        uses = [
            min(used, 8000) * Fraction(n * 100 + 20, 10_000) + max(used - 8000, 0) * Fraction(n * 100 + 10, 10_000)
            for n in (3, 4, 5)
        ]
        down = Fraction(0)
        for n in range(20):
            down += 9 * HOUR if n % 4 == 1 else Fraction(step, 2) if n % 4 == 3 else 0  # noqa: PLR2004 - as in facts()
        share = Fraction(1, 10) if 1 - down / (end - start) >= Fraction(95, 100) else Fraction(3, 10)
        for amount in (*fees, *uses, -share * fees[0]):
            cents = (2 * amount * 100 + 1) // 2
            lines.append({"asset": asset, "amount": f"{Decimal(int(cents)).scaleb(-2):f} EUR"})
    text = json.dumps(lines, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def rate(work: Callable[[], Any], seconds: float) -> float:
    """How often in a second of processor time, over at least so many seconds."""
    work()
    n, began, wall = 0, process_time(), perf_counter()
    while perf_counter() - wall < seconds:
        for _ in range(20):
            work()
        n += 20
    return n / (process_time() - began)


def main() -> None:
    """Measure, print, and fail below the gate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    versions = contract()
    known = facts(versions)

    def work() -> str:
        return json.dumps(engine.evaluate(versions, known, JUNE, JUNE.span.end).to_json())

    lines = engine.evaluate(versions, known, JUNE, JUNE.span.end).lines
    assert len(lines) == LINES, [line.row for line in lines]
    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(lambda: [work() for _ in range(300)])
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return
    evaluations, sums = rate(work, given.seconds), rate(bare, given.seconds / 2)
    print(f"{evaluations:.0f} evaluations/s of {len(lines)} lines, explained, with JSON and hash, on one core")
    print(f"{sums:.0f} bare sums/s with JSON and hash: {sums / evaluations:.1f} times as fast")
    for name, wanted in (("gate", GATE), ("goal", GOAL)):
        print(f"{name} {wanted}: {'kept' if evaluations >= wanted else 'missed'}")
    raise SystemExit(evaluations < GATE)


if __name__ == "__main__":
    main()
