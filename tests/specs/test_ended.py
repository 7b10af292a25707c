"""After an agreement's end its periods can still be evaluated: nothing is charged, credited or promised in them."""

from pathlib import Path

import pytest

from contracts import engine
from contracts.document import Agreement, read_agreement
from contracts.facts import Carried, Facts
from core.money import Money
from core.time import Period, instant, micros, zone

BERLIN = zone("Europe/Berlin")
SPECS = sorted(path for path in Path(__file__).parent.glob("*.yaml") if not path.name.endswith(".facts.yaml"))


@pytest.mark.parametrize("path", SPECS, ids=[path.name for path in SPECS])
def test_a_period_after_the_end_comes_to_nothing(path: Path) -> None:
    agreement = read_agreement(path.read_bytes())
    assert isinstance(agreement, Agreement)
    last = agreement.versions[-1]
    billing = last.billing
    ending = Period.containing(
        instant(last.effective_from), billing.period, last.zone, anchor_day=billing.anchor_day
    ).next()
    after = ending.next()
    ended = (*agreement.versions[:-1], last.model_copy(update={"ends": micros(ending.span.end)}))
    engine.needs(ended, after, after.span.end)
    found = engine.evaluate(ended, Facts(otherwise="running"), after, after.span.end)
    assert found.lines == ()
    assert found.versions == (last.version,)


def test_what_was_left_to_a_later_invoice_is_settled_after_the_end() -> None:
    agreement = read_agreement((Path(__file__).parent / "w04-uptime.contract.yaml").read_bytes())
    assert isinstance(agreement, Agreement)
    ended = (agreement.versions[0].model_copy(update={"ends": micros(Period.parse("2026-06", BERLIN).span.end)}),)
    july = Period.parse("2026-07", BERLIN)
    left = (
        Carried("2.1", "advance of 2026-07", Money.parse("1850.00 EUR"), "T1"),
        Carried("4.2", "credit of 2026-06", Money.parse("92.50 EUR"), "T1"),
    )
    found = engine.evaluate(ended, Facts(carried=left), july, july.span.end)
    assert [(line.clause, line.owner, str(line.amount)) for line in found.lines] == [
        ("2.1", "T1", "-1850.00 EUR"), ("4.2", "T1", "-92.50 EUR"),
    ]  # fmt: skip
    assert found.carry == ()
