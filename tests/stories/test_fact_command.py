"""Facts on the command line: cases, indices, single facts, whole files; and what they come to."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from api.main import load
from contracts import run
from tests.stories.story import CASES, Story, case, local

pytestmark = pytest.mark.services
JULY_5 = datetime(2026, 7, 5, tzinfo=UTC)


@pytest.fixture
def command(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    return CliRunner()


def do(command: CliRunner, words: str, *more: str) -> Result:
    name, *rest = words.split()
    return command.invoke(load(name), [*rest, *more])


def lines(story: Story, contract: str, label: str) -> list[str]:
    """Clause, asset and amount of every line of a period as known now."""
    run.extend_periods(story.engine, at=JULY_5)
    found = run.evaluate_period(story.engine, contract, label, at=JULY_5).evaluation
    return [f"{line.clause} {line.owner} {line.amount}" for line in found.lines]


def test_a_case_from_open_to_close_with_a_pause(command: CliRunner, engine: Engine) -> None:
    story = Story(engine)
    story.assets("T1")
    story.contract(
        case("w07-breakdown")[0].replace("substitute: stops_clock", "substitute: stops_clock\n    pauses: [no_access]")
    )
    assert do(command, "ticket move C-07 K1 closed --at 2026-06-06T10:00+02:00").exit_code == 1
    assert do(command, "ticket open C-07 K1 --asset T1 --at 2026-06-03T08:15+02:00").exit_code == 0
    assert do(command, "ticket pause C-07 K1 no_access --at 2026-06-05T08:15+02:00").exit_code == 0
    assert lines(story, "C-07", "2026-06") == [], "the clock has not stopped"
    assert do(command, "ticket close C-07 K1 --at 2026-06-06T10:00+02:00").exit_code == 0
    # It stood still from 48 h on: 24 h beyond the limit of 24 h, one started day
    assert lines(story, "C-07", "2026-06") == ["4.1 T1 -150.00 EUR"]
    assert do(command, "ticket resume C-07 K1 --at 2026-06-05T09:15+02:00").exit_code == 0
    # 73.75 h less the hour: 48.75 h beyond, three started days
    assert lines(story, "C-07", "2026-06") == ["4.1 T1 -450.00 EUR"]
    assert "does not pause" in do(command, "ticket resume C-07 K1").output
    assert do(command, "ticket close C-07 K1 --at 2026-06-05T08:16+02:00", "--reason", "misread").exit_code == 0
    # The last word on a moment holds: 48 h 1 min, of which it stood still for one minute; 24 h beyond
    assert lines(story, "C-07", "2026-06") == ["4.1 T1 -150.00 EUR"]
    assert "no such ticket" in do(command, "ticket close C-07 K2").output


def test_one_fact_is_stated_withdrawn_and_listed(command: CliRunner, engine: Engine) -> None:
    story = Story(engine)
    story.assets("T1")
    story.contract(case("w01-km-amended")[0])
    words = "contract fact C-01 quantities asset=T1 measure=distance from=2026-06-01 to=2026-06-02"
    stated = do(command, words, "quantity=100 km", "--reason", "work order 7")
    assert stated.exit_code == 0, stated.output
    # 100 km at 0.0420
    assert lines(story, "C-01", "2026-06") == ["2.2 T1 4.20 EUR"]
    assert "nothing new" in do(command, words, "quantity=100 km").output
    assert "is not in km" in do(command, words, "quantity=100 l").output
    fact = stated.output.split()[-1]
    assert do(command, f"contract withdraw {fact} --reason", "other truck").exit_code == 0
    assert lines(story, "C-01", "2026-06") == []
    told = do(command, "contract facts C-01").output
    assert told.startswith("times in Europe/Berlin\n")
    assert "T1 · distance · 1 Jun 2026, 00:00 – 2 Jun 2026, 00:00 · 100 km · " in told
    assert "work order 7 · withdrawn: other truck" in told
    assert "there is no contract" in do(command, "contract facts C-none").output


def test_a_facts_file_is_imported_once(command: CliRunner, engine: Engine) -> None:
    story = Story(engine)
    story.assets("T1")
    story.contract("\n---\n".join(case("w18-whole-invoice")))
    file = str(CASES / "w18-whole-invoice.facts.yaml")
    first, again = (do(command, f"contract import-facts {file} --at 2026-06-01T12:00Z") for _ in range(2))
    assert first.exit_code == 0, first.output
    assert again.output == "C-18: nothing new\n"
    assert lines(story, "C-18", "2026-06") == [
        "2.1 T1 1850.00 EUR", "2.2 T1 264.60 EUR", "2.2 T1 154.40 EUR", "4.2 T1 -92.50 EUR", "5.1 T1 8.28 EUR",
    ]  # fmt: skip


def test_an_index_is_revised_and_the_last_published_holds(command: CliRunner, engine: Engine) -> None:
    story = Story(engine)
    story.assets("K1")
    story.contract(case("x01-other-kinds")[0])
    given = "contract fact X-01 quantities asset=K1 measure=air from=2026-06-01 to=2026-07-01"
    assert do(command, given, "quantity=10000 m3").exit_code == 0
    # 40 % + 60 % x 110 / 100 = 1.06: 0.02120 a cubic metre
    for value, published, amount in (
        ("110.0", "2026-02-20", "212.00"),
        ("105.0", "2026-03-20", "206.00"),  # 1.03
        ("120.0", "2026-01-20", "206.00"),  # an older one that comes late changes nothing
    ):
        done = do(command, f"index set electricity 2026-01 {value} --source office --published {published}")
        assert done.exit_code == 0, done.output
        assert f"2.1 K1 {amount} EUR" in lines(story, "X-01", "2026-06")
    listed = do(command, "index list electricity").output.splitlines()
    assert (listed[0], len(listed)) == ("times in UTC", 4)
    assert do(command, "index set electricity 2026-13 1 --source office").exit_code == 2


def test_a_payment_in_advance_is_drawn_down_over_periods(command: CliRunner, engine: Engine) -> None:
    story = Story(engine)
    story.assets("K1")
    story.contract(case("x01-other-kinds")[0], at=local("2026-05-01"))
    paid = "contract fact X-01 carried clause=2.4 item=balance --at"
    assert do(command, f"{paid} 2026-04-10", "value=150.00 EUR").exit_code == 0
    assert do(command, f"{paid} 2026-05-10", "value=30.00 EUR").exit_code == 0
    do(command, "index set electricity 2026-01 100.0 --source office --published 2026-02-20")
    for month, following in (("04", "05"), ("05", "06"), ("06", "07")):
        given = f"contract fact X-01 quantities asset=K1 measure=air from=2026-{month}-01 to=2026-{following}-01"
        assert do(command, given, "quantity=5000 m3").exit_code == 0
    run.close_due_periods(engine, at=JULY_5)
    rows = story.rows("""
        SELECT p.label, line ->> 'amount'
        FROM contracts.period AS p JOIN contracts.evaluation AS e ON e.id = p.evaluation,
            jsonb_array_elements(e.result -> 'lines') AS line WHERE line ->> 'clause' = '2.4' ORDER BY 1
    """)
    # 5000 m3 at 0.0200 are 100.00 a month: of 150.00 are 50.00 left, with 30.00 more 80.00, then nothing
    assert [tuple(row) for row in rows] == [("2026-04", "-100.00 EUR"), ("2026-05", "-80.00 EUR")]


def test_what_a_plan_leaves_goes_from_month_to_month(command: CliRunner, engine: Engine, tmp_path: Path) -> None:
    story = Story(engine)
    story.assets("P1")
    story.contract("\n---\n".join(case("w08-ink-plan")))
    file = tmp_path / "pages.yaml"
    text = (CASES / "w08-ink-plan.facts.yaml").read_text()
    file.write_text(text[: text.index("examples:")])
    assert do(command, f"contract import-facts {file}").exit_code == 0
    run.close_due_periods(engine, at=datetime(2026, 8, 5, tzinfo=UTC))
    totals = story.rows("""
        SELECT e.result ->> 'total' FROM contracts.period AS p JOIN contracts.evaluation AS e ON e.id = p.evaluation
        ORDER BY p.starts_at
    """)
    # The worked case's seven months, nothing stated of what they leave: 46.93 together
    assert [row[0].removesuffix(" EUR") for row in totals] == ["5.99", "5.99", "5.99", "5.99", "8.99", "8.99", "4.99"]
