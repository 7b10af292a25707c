"""The engine's promises: needs before facts, running periods, correction, stable hashes."""

import random
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from contracts import engine
from contracts.document import Agreement, Version, read_agreement
from contracts.evaluation import Line
from contracts.facts import Attribution, Carried, Counter, Facts, InvoicedLine, Piece, StateSpan
from core.money import Money
from core.time import HOUR, Period, instant, micros, read_time, zone
from core.units import Quantity

BERLIN = zone("Europe/Berlin")
JUNE = Period.parse("2026-06", BERLIN)
EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples"


def versions(name: str, **changes: str) -> tuple[Version, ...]:
    text = (EXAMPLES / name).read_text().split("\n---")[0]
    for old, new in changes.items():
        text = text.replace(old, new)
    found = read_agreement(text)
    assert isinstance(found, Agreement)
    return found.versions


def at(text: str) -> int:
    return micros(read_time(text, BERLIN))


TYRES = versions("tyre-km-uptime.yaml")
CLICKS = versions("click-contract.yaml")


def tyre_facts(shuffle: random.Random | None = None) -> Facts:
    """24 trucks with 300 km each; the first stood for 20.5 h."""
    need = engine.needs(TYRES, JUNE, JUNE.span.end)
    down = StateSpan(at("2026-06-08 22:00"), at("2026-06-09 18:30"), "fault")
    counters = {(n.asset, n.register): counter(n.instants, 300_000) for n in need.counters}
    states = {(n.asset, n.register): (down,) if n.asset == "NH-01" else () for n in need.states}
    attributions = [Attribution(a, 0, 1, "external", "none", "proposed") for a in need.assets]
    if shuffle is not None:
        keys = shuffle.sample(sorted(counters), len(counters))
        counters = {key: counters[key] for key in keys}
        attributions = shuffle.sample(attributions, len(attributions))
    return Facts("K 7", counters, states, otherwise="running", attributions=tuple(attributions))


def counter(instants: tuple[int, ...], metres: int) -> Counter:
    start, end = instants[0], instants[-1]
    ticks = [metres * (i - start) // (end - start) for i in instants]
    pieces = [Piece(a, b, "box", x, y) for a, b, x, y in zip(instants, instants[1:], ticks, ticks[1:], strict=False)]
    return Counter("km", Decimal("0.001"), tuple(pieces))


def test_needs_name_every_asset_with_the_period_s_ends() -> None:
    need = engine.needs(TYRES, JUNE, JUNE.span.end)
    assert len(need.assets) == len(need.counters) == len(need.states) == 24
    assert {n.instants for n in need.counters} == {(at("2026-06-01"), at("2026-07-01"))}
    assert {(n.start, n.end, n.max_gap) for n in need.states} == {(at("2026-06-01"), at("2026-07-01"), HOUR // 4)}


def test_a_month_of_a_fleet() -> None:
    evaluation = engine.evaluate(TYRES, tyre_facts(), JUNE, JUNE.span.end)
    # 24 x 145.00 + 24 x 300 x 0.0420 - 5 % of 145.00 = 3480.00 + 302.40 - 7.25
    assert str(evaluation.total) == "3775.15 EUR"
    assert evaluation.status == "final"
    assert [v.owner for v in evaluation.verdicts if v.state == "violated"] == ["NH-01"]
    assert len({line.id for line in evaluation.lines}) == len(evaluation.lines) == 49


def test_the_same_facts_in_any_order_have_the_same_hash() -> None:
    one = engine.evaluate(TYRES, tyre_facts(), JUNE, JUNE.span.end)
    chance = random.Random(4)  # noqa: S311 - an order, not a secret
    other = engine.evaluate(TYRES, tyre_facts(chance), JUNE, JUNE.span.end)
    assert (one.input_hash, one.result_hash) == (other.input_hash, other.result_hash)
    changed = replace(tyre_facts(), otherwise="idle")
    assert engine.evaluate(TYRES, changed, JUNE, JUNE.span.end).input_hash != one.input_hash


def test_a_line_keeps_its_id_when_its_amount_changes() -> None:
    one = engine.evaluate(TYRES, tyre_facts(), JUNE, JUNE.span.end)
    facts = tyre_facts()
    key = ("NH-02", "vehicle/odometer")
    other = engine.evaluate(
        TYRES, replace(facts, counters={**facts.counters, key: counter((JUNE.span.micros), 9)}), JUNE, JUNE.span.end
    )
    assert [line.id for line in one.lines] == [line.id for line in other.lines]
    assert one.total != other.total


def test_not_yet_time_is_neither_up_nor_unknown() -> None:
    until = read_time("2026-06-11", BERLIN)
    need = engine.needs(TYRES, JUNE, until)
    assert {n.instants[-1] for n in need.counters} == {n.end for n in need.states} == {micros(until)}
    down = (StateSpan(at("2026-06-10"), at("2026-06-11"), "fault"),)
    facts = Facts(
        counters={(n.asset, n.register): counter(n.instants, 1000) for n in need.counters},
        states={(n.asset, n.register): down for n in need.states},
        otherwise="running",
    )
    verdict = next(v for v in engine.evaluate(TYRES, facts, JUNE, until).verdicts if v.kind == "availability")
    assert (verdict.values["required"].text(), verdict.values["availability"].text()) == ("240 h", "90 %")
    assert verdict.status == "provisional"


def test_boundaries_of_an_asset_that_joins_later_are_not_yet_needed() -> None:
    later = versions(
        "click-contract.yaml",
        **{
            '{asset: HP-12, group: printers, from: "2026-01-01"}': '{asset: HP-12, group: printers, from: "2026-06-20"}'
        },
    )
    need = engine.needs(later, JUNE, read_time("2026-06-11", BERLIN))
    assert "HP-12" not in need.assets
    facts = Facts(
        counters={
            (n.asset, n.register): Counter("page", Decimal(1), (Piece(n.instants[0], n.instants[-1], "p", 0, 100),))
            for n in need.counters
        }
    )
    evaluation = engine.evaluate(later, facts, JUNE, read_time("2026-06-11", BERLIN))
    assert not evaluation.open_cases


def test_a_pool_shares_its_tiers_and_its_amount() -> None:
    need = engine.needs(CLICKS, JUNE, JUNE.span.end)
    facts = Facts(
        counters={
            (n.asset, n.register): Counter("page", Decimal(1), (Piece(n.instants[0], n.instants[-1], "p", 5, 5005),))
            for n in need.counters
        }
    )
    evaluation = engine.evaluate(CLICKS, facts, JUNE, JUNE.span.end)
    shares = [line.amount for line in evaluation.lines if line.clause == "2.2"]
    # 60000 pages: 20000 x 0.0120 + 40000 x 0.0095 = 240.00 + 380.00 = 620.00 for twelve printers: 51.666…
    assert sorted({str(share) for share in shares}) == ["51.66 EUR", "51.67 EUR"]
    assert sum(share.amount for share in shares) == Decimal("620.00")


def test_months_sum_to_the_quarter_however_they_are_cut() -> None:
    quarter = Period.parse("2026-Q2", BERLIN)
    need = engine.needs(TYRES, quarter, quarter.span.end)
    assert {len(n.instants) for n in need.counters} == {4}
    whole = {(n.asset, n.register): counter(n.instants, 1_000_003) for n in need.counters}
    by_quarter = engine.evaluate(TYRES, Facts(counters=whole, otherwise="running"), quarter, quarter.span.end)
    lines: list[Line] = []
    for month in ("2026-04", "2026-05", "2026-06"):
        period = Period.parse(month, BERLIN)
        start, end = period.span.micros
        part = {k: replace(c, pieces=tuple(p for p in c.pieces if start <= p.start < end)) for k, c in whole.items()}
        lines += engine.evaluate(TYRES, Facts(counters=part, otherwise="running"), period, period.span.end).lines

    def total(some: Iterable[Line]) -> Fraction:
        return sum((line.unrounded for line in some if line.clause == "2.2"), Fraction(0))

    assert total(lines) == total(by_quarter.lines)


def test_a_correction_is_the_difference_to_what_was_invoiced() -> None:
    invoiced = (
        InvoicedLine("2.2", "NH-01", "", Money.parse("12.00 EUR")),
        InvoicedLine("2.2", "NH-99", "", Money.parse("1.00 EUR")),
    )
    evaluation = engine.evaluate(TYRES, replace(tyre_facts(), invoiced=invoiced), JUNE, JUNE.span.end)
    delta = {(line.clause, line.owner): str(line.amount) for line in evaluation.delta}
    assert delta["2.2", "NH-01"] == "0.60 EUR"  # 300 x 0.0420 = 12.60 instead of 12.00
    assert delta["2.2", "NH-99"] == "-1.00 EUR"


def test_the_position_is_carried_through_a_contract_year() -> None:
    yearly = versions("tyre-km-uptime.yaml", **{"reset: period": "reset: contract_year"})
    need = engine.needs(yearly, JUNE, JUNE.span.end)
    facts = Facts(
        counters={(n.asset, n.register): counter(n.instants, 1_000_000) for n in need.counters},
        carried=(Carried("2.2", "position", Quantity.parse("7500 km"), "NH-01"),),
        otherwise="running",
    )
    evaluation = engine.evaluate(yearly, facts, JUNE, JUNE.span.end)
    amounts = {line.owner: str(line.amount) for line in evaluation.lines if line.clause == "2.2"}
    assert amounts["NH-01"] == "40.00 EUR"  # 500 x 0.0420 + 500 x 0.0380
    assert amounts["NH-02"] == "42.00 EUR"
    assert {c.owner: str(c.value) for c in evaluation.carry}["NH-01"] == "8500 km"


def test_nothing_in_force_is_said() -> None:
    with pytest.raises(engine.NothingInForce):
        engine.needs(TYRES, Period.parse("2025-06", BERLIN), instant(0))


def test_pieces_that_are_not_cut_where_needed_are_refused() -> None:
    facts = Facts(counters={("NH-01", "vehicle/odometer"): counter((at("2026-05-01"), at("2026-07-01")), 1000)})
    evaluation = engine.evaluate(TYRES, facts, JUNE, JUNE.span.end)
    assert any("not cut" in problem.message for problem in evaluation.problems)


def test_json_has_no_float_and_the_format_s_names() -> None:
    whole = engine.evaluate(TYRES, tyre_facts(), JUNE, JUNE.span.end).to_json()
    assert {"lines", "total", "verdicts", "open_cases", "delta", "result_hash"} <= set(whole)
    assert all(not isinstance(value, float) for line in whole["lines"] for value in line.values())
