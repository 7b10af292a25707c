"""Laws of whole evaluations: silence favours nobody, order means nothing, nothing is credited beyond its cap."""

import os
import random
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import engine
from contracts.document import Agreement, Version, read_agreement
from contracts.evaluation import Evaluation, Verdict
from contracts.facts import (
    CATEGORIES,
    Category,
    Facts,
    IndexValue,
    Level,
    ReadyQuantity,
    StateSpan,
    Substitute,
    Ticket,
)
from contracts.facts import Gauge as Shown
from contracts.terms.allowance import Allowance, use
from core.time import HOUR, Period, zone

SPECS = Path(__file__).parent.parent / "specs"
JUNE = Period.parse("2026-06", zone("Europe/Berlin"))
START, END = JUNE.span.micros


def versions(name: str) -> tuple[Version, ...]:
    found = read_agreement((SPECS / name).read_bytes())
    assert isinstance(found, Agreement)
    return found.versions


UPTIME, CAPS = versions("w04-uptime.contract.yaml"), versions("w05-caps.contract.yaml")
EVENTS, LEVELS, INK = versions("event.yaml"), versions("level.yaml"), versions("w08-ink-plan.contract.yaml")
hours = st.integers(0, 719)


@st.composite
def spans(draw: st.DrawFn, categories: tuple[Category, ...] = CATEGORIES) -> tuple[StateSpan, ...]:
    """A June of one asset without overlaps."""
    edges = sorted(draw(st.sets(hours, max_size=12)))
    found = []
    for begin, end in zip(edges[::2], edges[1::2], strict=False):
        found.append(StateSpan(START + begin * HOUR, START + end * HOUR, draw(st.sampled_from(categories))))
    return tuple(found)


def of_truck(said: tuple[StateSpan, ...], otherwise: Category | None) -> Verdict:
    facts = Facts(states={("T1", "vehicle/state"): said}, otherwise=otherwise)
    evaluation = engine.evaluate(UPTIME, facts, JUNE, JUNE.span.end)
    return next(v for v in evaluation.verdicts if v.clause == "4.2" and v.owner == "T1")


@given(spans(("running", "fault", "idle", "unplanned_repair")), spans(("running", "fault")))
def test_learning_more_never_reverses_a_certain_verdict(
    said: tuple[StateSpan, ...], learnt: tuple[StateSpan, ...]
) -> None:
    before = of_truck(said, None)
    known = [(s.start, s.end) for s in said]
    fresh = [s for s in learnt if not any(s.start < end and start < s.end for start, end in known)]
    after = of_truck(tuple(sorted((*said, *fresh))), None)
    if before.certain and before.state in ("fulfilled", "violated"):
        assert after.state in (before.state, "not_applicable")


@given(spans(), spans())
def test_what_is_credited_stays_within_the_caps(one: tuple[StateSpan, ...], other: tuple[StateSpan, ...]) -> None:
    assets = sorted({c.asset for c in CAPS[0].coverage})
    states = {(asset, "vehicle/state"): said for asset, said in zip(assets, (one, other, one), strict=False)}
    evaluation = engine.evaluate(CAPS, Facts(states=states, otherwise="running"), JUNE, JUNE.span.end)
    fees = sum(Fraction(line.amount.amount) for line in evaluation.lines if line.clause == "2.1")
    given_back = -sum(Fraction(line.amount.amount) for line in evaluation.lines if line.clause == "4.2")
    assert 0 <= given_back <= fees * Fraction(15, 100)
    assert sum(Fraction(line.amount.amount) for line in evaluation.lines) == Fraction(evaluation.total.amount)


@given(st.lists(st.tuples(hours, st.integers(0, 200)), max_size=6), st.lists(st.tuples(hours, hours), max_size=4))
def test_a_substitute_never_makes_a_case_dearer(cases: list[tuple[int, int]], there: list[tuple[int, int]]) -> None:
    tickets = tuple(
        Ticket(f"K{n}", "L1", {"reported": START + at * HOUR, "on_site": START + (at + length) * HOUR})
        for n, (at, length) in enumerate(cases)
    )
    covered = tuple(Substitute("L1", START + a * HOUR, START + b * HOUR) for a, b in there if a < b)
    without = engine.evaluate(EVENTS, Facts(tickets=tickets), JUNE, JUNE.span.end)
    with_them = engine.evaluate(EVENTS, Facts(tickets=tickets, substitutes=covered), JUNE, JUNE.span.end)
    assert without.total.amount <= with_them.total.amount <= 0


@given(
    st.integers(0, 1500), st.dictionaries(st.sampled_from(["2026-04", "2026-05"]), st.integers(0, 400).map(Fraction)),
    st.booleans(),
)  # fmt: skip
def test_every_unit_of_a_plan_is_used_kept_or_forfeited(
    printed: int,
    held: dict[str, Fraction],
    trims: bool,  # noqa: FBT001 - drawn
) -> None:
    term = INK[0].term_by_clause["2.2"]
    assert isinstance(term, Allowance)
    term = term.model_copy(update={"on_downgrade": "trim_to_cap" if trims else "keep"})
    how = use(term, "2026-06", Fraction(printed), held, Fraction(0))
    assert 100 + sum(held.values()) + how.blocks * 10 == printed + how.rollover + how.forfeited
    assert min(how.from_plan, how.from_rollover, how.beyond, how.forfeited, how.rollover) >= 0


def much(chance: random.Random) -> Facts:
    """Facts of every kind that a pump has, in some order."""
    levels = tuple(Level(START + n * 24 * HOUR, Fraction(60 - 2 * n, 10)) for n in range(10))
    quantities = [ReadyQuantity("P1", "water", START + n * 240 * HOUR, START + (n + 1) * 240 * HOUR, Fraction(1000 + n),
                                "m3") for n in range(3)]  # fmt: skip
    states = {("P1", "pump/state"): (StateSpan(START, START + HOUR, "fault"), StateSpan(END - HOUR, END, "unknown"))}
    tickets = [Ticket(f"K{n}", "P1", {"reported": START + n, "on_site": END - n}) for n in range(5)]
    indices = [IndexValue("oil", f"2026-0{n}", Fraction(n), START) for n in range(1, 6)]
    return Facts(
        quantities=tuple(chance.sample(quantities, 3)),
        states=states,
        otherwise="running",
        gauges={
            key: Shown(unit, levels)
            for key, unit in chance.sample([(("P1", "pump/pressure"), "bar"), (("P1", "pump/oil"), "l")], 2)
        },
        tickets=tuple(chance.sample(tickets, 5)),
        index_values=tuple(chance.sample(indices, 5)),
    )


def evaluated(seed: int) -> Evaluation:
    chance = random.Random(seed)  # noqa: S311 - an order to try
    return engine.evaluate(LEVELS, much(chance), JUNE, JUNE.span.end)


@given(st.integers(1, 10**6))
def test_the_order_of_facts_changes_no_hash(seed: int) -> None:
    one, other = evaluated(0), evaluated(seed)
    assert (one.input_hash, one.result_hash) == (other.input_hash, other.result_hash)
    assert one.total.amount != Decimal(0)


@pytest.mark.slow
def test_a_hash_does_not_depend_on_how_the_interpreter_hashes() -> None:
    program = "from tests.properties.test_engine import evaluated; print(evaluated(3).result_hash)"
    seeds = ("0", "1", "4711")
    printed = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in seeds
    }
    assert printed == {evaluated(3).result_hash.encode() + b"\n"}


@given(st.integers(1, 719), st.integers(0, 3000), st.integers(0, 3000))
def test_a_month_counted_in_two_parts_costs_what_it_costs_at_once(cut: int, first: int, second: int) -> None:
    at = START + cut * HOUR
    parts = tuple(
        ReadyQuantity("P1", "water", a, b, Fraction(n), "m3") for a, b, n in ((START, at, first), (at, END, second))
    )
    whole = (replace(parts[0], end=END, quantity=Fraction(first + second)),)
    totals = {
        next(line.unrounded for line in engine.evaluate(LEVELS, Facts(quantities=q), JUNE, JUNE.span.end).lines
             if line.clause == "2.1")
        for q in (parts, whole)
    }  # fmt: skip
    assert len(totals) == 1
