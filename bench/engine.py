"""How many evaluations a second one core makes of a twelve-line contract: explanation, JSON and hash included.

Two registers, forty spans of state, and other facts each time, as for the assets of a fleet. Beside it the bare
arithmetic of the same lines with JSON and hash, measured in turn: their ratio is the price of being told why, whatever
else the machine does. Then a version's first evaluation, with all that is prepared only once, and what more spans and
more tiers cost. Only processor time counts; of several rounds the median.

    python -m bench.engine [--seconds 5] [--rounds 9] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from decimal import Decimal
from fractions import Fraction
from functools import partial
from hashlib import sha256
from itertools import cycle
from statistics import median
from time import perf_counter, process_time

from contracts import engine
from contracts.document import Agreement, Version, from_canonical, read_agreement
from contracts.facts import Counter, Facts, Piece, StateSpan
from core.garbage import collect_rarely
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
{more}    text: "Each kilometre costs {{tiers}}."
"""
TIER = """      - {{above: "{above} km", price: "{price} EUR/km"}}
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


def contract(tiers: int = 2) -> tuple[Version, ...]:
    """Two fees, three usage charges and an availability: twelve lines for two trucks."""
    more = "".join(TIER.format(above=8000 + n, price=f"0.0{99 - n * 90 // tiers:02}") for n in range(1, tiers - 1))
    uses = "".join(USE.format(n=n, more=more) for n in (3, 4, 5))
    found = read_agreement(TEXT + "".join(FEE.format(n=n) for n in (1, 2)) + uses + UPTIME)
    assert isinstance(found, Agreement), found
    return found.versions


def facts(versions: tuple[Version, ...], n: int = 0, *, spans: int = 20) -> Facts:
    """A counter with its two ends, and spans of state, for each truck; other ones for each n."""
    need = engine.needs(versions, JUNE, JUNE.span.end)
    start, end = JUNE.span.micros
    step = (end - start) // spans
    categories = ("running", "fault", "idle", "derated")
    faults = step // 4 + n * 1_000_000
    states = tuple(
        StateSpan(start + m * step, start + m * step + (faults if m % 4 == 1 else step), categories[m % 4])  # type: ignore[arg-type]
        for m in range(spans)
    )
    closing = 11_400_200 + 7_919 * n
    counters = {
        (n.asset, n.register): Counter("km", Decimal("0.001"), (Piece(start, end, "box", 1_000_000, closing),))
        for n in need.counters
    }
    return Facts("K 1", counters, {(n.asset, n.register): states for n in need.states}, otherwise="running")


def bare() -> str:
    """The sums of the same contract by hand, as JSON with a hash: nothing is explained."""
    start, end = JUNE.span.micros
    step, lines = (end - start) // 20, []
    tier, none = Fraction(8000), Fraction(0)
    for asset in ASSETS:
        fees = [Fraction(1810), Fraction(1820)]
        used = Fraction(11_400_200 - 1_000_000, 1000)
        uses = [
            min(used, tier) * Fraction(n * 100 + 20, 10_000) + max(used - tier, none) * Fraction(n * 100 + 10, 10_000)
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


def each(works: Sequence[Callable[[], object]], seconds: float) -> list[float]:
    """Processor seconds of one call of each, called in turn for so long: what slows the machine slows all of them."""
    spent, n, began = [0.0] * len(works), 0, perf_counter()
    while not n or perf_counter() - began < seconds:
        for m, work in enumerate(works):
            before = process_time()
            work()
            spent[m] += process_time() - before
        n += 1
    return [one / n for one in spent]


def evaluation(versions: tuple[Version, ...], known: Iterable[Facts]) -> Callable[[], str]:
    """An evaluation, explained, as JSON with its hash; of other facts each time."""
    turn = cycle(known)
    return lambda: engine.evaluate(versions, copy(next(turn)), JUNE, JUNE.span.end).text


def fresh(n: int) -> Callable[[], str]:
    """The first evaluation of n versions that are read before."""
    (source,) = contract()
    ready = [from_canonical([source.canonical]) for _ in range(n)]
    known = facts((source,))
    return lambda: engine.evaluate(ready.pop(), copy(known), JUNE, JUNE.span.end).text


def firsts(rounds: int, n: int = 40) -> Iterator[float]:
    """First evaluations a second, round by round."""
    for _ in range(rounds):
        work = fresh(n)
        (cost,) = each((partial(_times, work, n),), 0)
        yield n / cost


def _times(work: Callable[[], object], n: int) -> None:
    for _ in range(n):
        work()


def main() -> None:
    """Measure, print, and fail below the gate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    versions = contract()
    collect_rarely()  # as the scheduler does
    work = evaluation(versions, [facts(versions, n) for n in range(48)])
    lines = engine.evaluate(versions, facts(versions), JUNE, JUNE.span.end).lines
    assert len(lines) == LINES, [line.row for line in lines]
    if given.profile:
        profile = cProfile.Profile()
        profile.runcall(lambda: [work() for _ in range(300)])
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
        return
    rounds = [each((work, bare), given.seconds / given.rounds) for _ in range(given.rounds)]
    whole, sums = (median(one) for one in zip(*rounds, strict=True))
    ratios = sorted(one / other for one, other in rounds)
    print(f"{1 / whole:.0f} evaluations/s of {len(lines)} lines, explained, with JSON and hash, on one core")
    print(f"{1 / sums:.0f} bare sums/s with JSON and hash")
    print(f"ratio {median(ratios):.2f}: bare sums in the time of one evaluation ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    print(f"{median(firsts(given.rounds)):.0f} first evaluations/s of a version")
    for name, wanted in (("gate", GATE), ("goal", GOAL)):
        print(f"{name} {wanted}: {'kept' if 1 / whole >= wanted else 'missed'}")
    print(", ".join(growth(given.seconds / 5)))
    raise SystemExit(1 / whole < GATE)


def growth(seconds: float) -> Iterator[str]:
    """What more of one thing costs: spans of state (of both trucks together), tiers (of each charge)."""
    versions = contract()
    for spans in (40, 400, 4000):
        (cost,) = each((evaluation(versions, [facts(versions, spans=spans // 2)]),), seconds)
        yield f"{spans} spans {cost * 1000:.2f} ms"
    for tiers in (3, 30, 300):
        many = contract(tiers)
        (cost,) = each((evaluation(many, [facts(many)]),), seconds)
        yield f"{tiers} tiers {cost * 1000:.2f} ms"


if __name__ == "__main__":
    main()
