"""Laws over periods that follow each other, each with what the one before leaves: timing moves no amount."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts import engine
from contracts.document import Agreement, Version, from_canonical, read_agreement
from contracts.evaluation import Evaluation
from contracts.facts import Carried, Facts, StateSpan
from core.money import Money
from core.time import HOUR, Period, micros, zone

SPECS = Path(__file__).parent.parent / "specs"
BERLIN = zone("Europe/Berlin")
YEAR = [Period.parse(f"2026-{n:02}", BERLIN) for n in range(1, 13)]


def source(name: str) -> dict[str, Any]:
    found = read_agreement((SPECS / name).read_bytes())
    assert isinstance(found, Agreement)
    return found.versions[0].canonical


def changed(one: dict[str, Any], **parameters: str) -> tuple[Version, ...]:
    """The same version with a parameter of every term that has it."""
    terms = [{**term, **{k: v for k, v in parameters.items() if k in term}} for term in one["terms"]]
    return from_canonical([{**one, "terms": terms}])


def chain(versions: tuple[Version, ...], periods: list[Period], facts: Facts) -> list[Evaluation]:
    """Each period with what the one before leaves."""
    found: list[Evaluation] = []
    for period in periods:
        carried = found[-1].carry if found else facts.carried
        found.append(engine.evaluate(versions, replace(facts, carried=carried), period, period.span.end))
    return found


def total(evaluations: list[Evaluation]) -> Fraction:
    return sum((Fraction(one.total.amount) for one in evaluations), Fraction(0))


AHEAD = source("advance.yaml")


days = st.dates(YEAR[0].first_day + timedelta(days=1), YEAR[-1].last_day)


@given(days, days, st.sampled_from([1, 2]))
def test_fees_in_advance_come_to_what_they_come_to_afterwards(joins: date, leaves: date, fees: int) -> None:
    assets = [
        {"asset": "T1", "from": "2026-01-01"},
        {"asset": "T2", "from": "2026-01-01", "to": str(leaves)},
        {"asset": "T3", "from": str(joins)},
    ]
    covered = {**AHEAD, "coverage": assets}
    terms = covered["terms"][:fees]
    ahead = chain(changed({**covered, "terms": terms}, advance="true"), YEAR, Facts())
    after = chain(changed({**covered, "terms": terms}, advance="false"), YEAR, Facts())
    assert total(ahead) == total(after)
    assert ahead[-1].carry == ()
    assert total(ahead[:6]) > total(after[:6])
    for evaluation in ahead:
        assert len({line.id for line in evaluation.lines}) == len(evaluation.lines)


APPLIED = source("applied.yaml")


@given(st.lists(st.integers(0, 60), min_size=7, max_size=7))
def test_credits_left_to_the_next_invoice_come_to_the_same(hours: list[int]) -> None:
    states = [
        StateSpan(start, start + n * HOUR, "fault")
        for period, n in zip(YEAR, hours, strict=False)
        if n and (start := micros(period.span.start))
    ]
    facts = Facts(states={("T1", "vehicle/state"): tuple(states)}, otherwise="running")
    later = chain(changed(APPLIED, application="next_invoice"), YEAR[:7], facts)
    now = chain(changed(APPLIED, application="this_invoice"), YEAR[:7], facts)
    assert total(later) == total(now)
    assert not [item for item in later[-1].carry if item.item.startswith("credit of ")]


PREPAID = source("prepaid.yaml")


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 900)), max_size=5))
def test_what_is_paid_in_advance_is_used_left_or_lapsed(payments: list[tuple[int, int]]) -> None:
    versions = changed(PREPAID)
    carried: tuple[Carried, ...] = ()
    paid = used = lapsed = Fraction(0)
    for n, period in enumerate(YEAR, 1):
        new = [amount for month, amount in payments if month == n]
        paid += sum(new)
        carried += tuple(Carried("2.2", "balance", Money.parse(f"{amount}.00 EUR")) for amount in new)
        found = engine.evaluate(versions, Facts(carried=carried), period, period.span.end)
        values = next(v.values for v in found.verdicts if v.clause == "2.2")
        used -= sum(line.unrounded for line in found.lines if line.clause == "2.2")
        lapsed += values["lapsed"].value if "lapsed" in values else 0
        assert paid == used + lapsed + values["balance"].value
        carried = found.carry
    assert carried == ()
