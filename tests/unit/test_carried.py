"""Promises over many months, each with what the one before carried: caps, next invoices, earning back, rights."""

from dataclasses import replace
from pathlib import Path

from contracts import engine
from contracts.carry import read_carry
from contracts.check import _versions
from contracts.document import Agreement, read_agreement
from contracts.evaluation import Evaluation
from contracts.facts import Carried
from contracts.facts_document import FactsDocument, facts_for, lists_for, read_facts
from contracts.words import Context
from core.time import Period

SPECS = Path(__file__).parent.parent / "specs"


def chain(spec: str, name: str, labels: list[str]) -> dict[str, Evaluation]:
    """Periods one after the other by the facts of an example, each with what the one before carried, as JSON."""
    agreement = read_agreement((SPECS / f"{spec}.yaml").read_bytes())
    assert isinstance(agreement, Agreement)
    document = read_facts(agreement.facts[0], agreement.versions)
    assert isinstance(document, FactsDocument)
    (example,) = [one for one in document.file.examples if one.name == name]
    versions = _versions(agreement.versions, example)
    lists = lists_for(document, example, Context(versions[0].zone, versions[0].currency))
    found: dict[str, Evaluation] = {}
    carried: tuple[Carried, ...] = ()
    for label in labels:
        period = Period.parse(label, versions[0].zone, anchor_day=versions[0].billing.anchor_day)
        wanted = engine.needs(versions, period, period.span.end)
        facts = replace(facts_for(lists, wanted, versions, as_of=None), carried=carried)
        found[label] = engine.evaluate(versions, facts, period, period.span.end)
        carried = read_carry(found[label].to_json()["carry"])
    return found


def amounts(spec: str, name: str, labels: list[str], clause: str) -> dict[str, list[str]]:
    """By period, the amounts of a clause that are not zero; periods without one are left out."""
    found = {
        label: [str(line.amount) for line in evaluation.lines if line.clause == clause and line.amount]
        for label, evaluation in chain(spec, name, labels).items()
    }
    return {label: some for label, some in found.items() if some}


def credits_of(name: str, labels: list[str]) -> dict[str, list[str]]:
    """Of clause 4.2 of the second look."""
    return amounts("k01-second-look", name, labels, "4.2")


def months(first: int, last: int) -> list[str]:
    """Labels of months, counted from January 2025 as 0; before it as -1."""
    return [f"{2025 + n // 12}-{n % 12 + 1:02}" for n in range(first, last + 1)]


def quarters(first: int, last: int) -> list[str]:
    """Labels of quarters, counted from the first of 2025 as 0."""
    return [f"{2025 + n // 4}-Q{n % 4 + 1}" for n in range(first, last + 1)]


def test_credits_count_for_a_cap_of_twelve_months_and_then_no_more() -> None:
    # At most 300.00 in twelve months. June 2026: 300.00, August 2025 has taken 100.00 (June 2025 is over): 200.00.
    # July 2026: August 2025 still counts, 100.00 + 200.00, nothing is left. August 2026: without it, 100.00 are left.
    assert credits_of("capped month by month", months(5, 19)) == {
        "2025-06": ["-100.00 EUR"],
        "2025-08": ["-100.00 EUR"],
        "2026-06": ["-200.00 EUR"],
        "2026-08": ["-100.00 EUR"],
    }


def test_a_credit_is_on_the_next_invoice_once() -> None:
    assert credits_of("on the next invoice", months(5, 9)) == {
        "2025-07": ["-100.00 EUR"],
        "2025-09": ["-100.00 EUR"],
    }
    july = chain("k01-second-look", "on the next invoice", months(5, 6))["2025-07"]
    assert [line.owner for line in july.lines if line.clause == "4.2"] == ["T1"]


def test_a_credit_is_earned_back_by_the_second_good_month_in_a_row() -> None:
    # July reached 98.5 %: no credit, and no good month either; August and September are the two.
    assert credits_of("earned back by two months at 99 %", months(5, 10)) == {
        "2025-06": ["-100.00 EUR"],
        "2025-09": ["100.00 EUR"],
    }


def test_months_of_quarterly_bills_hand_on_to_each_other_once() -> None:
    # At most 500.00 in twelve months. April 2025: 300.00; June: 200.00 are left. In April 2026 that of 2025 is over:
    # 500.00 - 200.00 = 300.00 are left, and owed. June 2026: that of 2025 is over, 200.00 are left of 300.00. July,
    # August and September earn them back, three good months in a row.
    assert amounts("k02-in-a-row", "quarterly bills, capped over twelve months", quarters(1, 6), "4.1") == {
        "2025-Q2": ["-500.00 EUR"],
        "2025-Q3": ["500.00 EUR"],
        "2026-Q2": ["-500.00 EUR"],
        "2026-Q3": ["500.00 EUR"],
    }


def test_a_credit_at_risk_of_a_quarterly_bill_is_earned_back_once() -> None:
    # June is down; July and August are the two that earn it back; September's is earned by October and November.
    assert amounts("k02-in-a-row", "quarterly bills, earned back by two months", quarters(1, 4), "4.1") == {
        "2025-Q2": ["-300.00 EUR"],
        "2025-Q3": ["300.00 EUR", "-300.00 EUR"],
        "2025-Q4": ["300.00 EUR"],
    }


def test_each_month_that_earns_a_credit_back_has_a_line_with_an_id_of_its_own() -> None:
    # With one good month: that of April by May, that of June by the next quarter's July, that of August by September.
    name = "quarterly bills, earned back by one month"
    found = chain("k02-in-a-row", name, quarters(1, 2))
    lines = [line for line in found["2025-Q3"].lines if line.clause == "4.1"]
    assert sorted(str(line.amount) for line in lines) == ["-300.00 EUR", "300.00 EUR", "300.00 EUR"]
    assert len({line.id for line in lines}) == len(lines)


def test_a_right_looks_back_further_than_earning_back_does() -> None:
    # Earning back hands on one month, the right needs two: June's miss is the second of the last three after April's.
    found = chain("k02-in-a-row", "one month earns back, and two misses of three give a right", months(3, 5))
    misses = [v.values["misses"].value for e in found.values() for v in e.verdicts if v.clause == "5.1"]
    assert misses == [1, 1, 2]
    assert [(label, e.clause) for label, each in found.items() for e in each.events if e.clause == "5.1"] == [
        ("2025-06", "5.1")
    ]


def test_two_shortfalls_are_won_back_the_oldest_first() -> None:
    # 1000 km are the minimum. January lacks 100, February 50, at 0.10. March has 120 more: they win back January's 100
    # and 20 of February, at 0.04; April's 20 leave 10 of it, of May's 100 these 10; then nothing is left to win back.
    name = "short in January and February"
    assert amounts("k03-two-of-a-kind", name, months(12, 17), "2.3") == {
        "2026-01": ["10.00 EUR"],
        "2026-02": ["5.00 EUR"],
        "2026-03": ["-4.80 EUR"],
        "2026-04": ["-0.80 EUR"],
        "2026-05": ["-0.40 EUR"],
    }
    left = [
        {item.item: str(item.value) for item in each.carry if item.clause == "2.3"}
        for each in chain("k03-two-of-a-kind", name, months(12, 16)).values()
    ]
    january, february = (f"shortfall_paid of 2026-{day}T23:00:00.000000Z" for day in ("01-31", "02-28"))
    assert left == [
        {january: "100 km"},
        {january: "100 km", february: "50 km"},
        {february: "30 km"},
        {february: "10 km"},
        {},
    ]


def test_a_shortfall_in_money_is_won_back_by_a_share_of_the_excess() -> None:
    # 0.50 for each km, 500.00 are the minimum. January 450.00: 50.00 are missing, 40 % are 20.00; February 475.00:
    # 10.00. March 560.00: 60.00 win back 25 %, 15.00; 15.00 are left. April 510.00: 10.00 of them, 2.50. May: the last
    # 5.00, 1.25.
    assert amounts("k03-two-of-a-kind", "short in January and February", months(12, 17), "2.4") == {
        "2026-01": ["20.00 EUR"],
        "2026-02": ["10.00 EUR"],
        "2026-03": ["-15.00 EUR"],
        "2026-04": ["-2.50 EUR"],
        "2026-05": ["-1.25 EUR"],
    }


def test_a_shortfall_is_won_back_until_its_time_is_over() -> None:
    # January's ended on 1 February: it may be won back until 1 April. February's until 1 May: April's 200 km more win
    # back its 50.
    name = "short in January and February, won back within two months"
    assert amounts("k03-two-of-a-kind", name, months(12, 15), "2.3") == {
        "2026-01": ["10.00 EUR"],
        "2026-02": ["5.00 EUR"],
        "2026-04": ["-2.00 EUR"],
    }


def test_the_place_in_the_tiers_ends_with_the_contract_year() -> None:
    # 600 km at 1.00; 400 at 1.00 and 200 at 0.50; 100 at 0.50. From 1 March 2024 on anew: 700 at 1.00, 300 at 1.00 and
    # 400 at 0.50.
    found = chain("k05-far-zones", "the position at the end of a contract year", months(-13, -9))
    assert [str(line.amount) for each in found.values() for line in each.lines if line.clause == "2.1"] == [
        "600.00 EUR", "500.00 EUR", "50.00 EUR", "700.00 EUR", "500.00 EUR",
    ]  # fmt: skip
    left = [[str(item.value) for item in each.carry if item.clause == "2.1"] for each in found.values()]
    assert left == [["600 km"], ["1200 km"], [], ["700 km"], ["1400 km"]]


def test_fees_ahead_are_offset_by_what_was_invoiced_of_them() -> None:
    # April: 21 of 30 days are 70.00, and May ahead 100.00. May: June ahead 50.00 + 60.00, and May's own fee less what
    # was ahead. June: July ahead at 120.00. July: its fee less 120.00. August is paid as it ends.
    found = chain(
        "k04-amended", "the first invoice carries ahead what is under way, each version by its days", months(15, 19)
    )
    sums = {
        label: sum(line.amount.amount for line in each.lines if line.clause == "2.2") for label, each in found.items()
    }
    assert {label: str(amount) for label, amount in sums.items()} == {
        "2026-04": "170.00", "2026-05": "110.00", "2026-06": "120.00", "2026-07": "0.00", "2026-08": "90.00",
    }  # fmt: skip
    for each in found.values():
        assert len({line.id for line in each.lines}) == len(each.lines)


def test_the_base_of_a_cap_grows_with_the_months() -> None:
    # 300.00 are owed in April and in June. April: 10 % of four months at 1000.00 are 400.00; June: 10 % of six, less
    # the 300.00.
    name = "monthly bills, capped at a tenth of the base of twelve months"
    assert amounts("k02-in-a-row", name, months(0, 5), "4.1") == {
        "2025-04": ["-300.00 EUR"],
        "2025-06": ["-300.00 EUR"],
    }
