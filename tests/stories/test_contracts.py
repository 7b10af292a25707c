"""From contract files and readings to evaluations, breaches and closed periods, on a real database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError

from contracts import run
from contracts.standing import run as standings
from contracts.store.intake import Recorded
from core.money import round_fraction
from core.problem import Problem
from tests.stories.story import CASES, SIGNED, Story, case, facts, local, spans

pytestmark = pytest.mark.services
JULY_5 = datetime(2026, 7, 5, tzinfo=UTC)


@pytest.fixture
def story(engine: Engine) -> Story:
    told = Story(engine)
    told.assets("T1")
    return told


def refused(story: Story, *texts: str) -> list[str]:
    """The problems for which files are refused; nothing of them is saved."""
    before = story.rows("SELECT (SELECT n FROM core.knowledge), count(*) FROM contracts.version")
    sources = [(f"file {n}", source) for n, source in enumerate(texts)]
    found = run.import_documents(story.engine, sources, at=SIGNED, author="person:test")
    assert all(isinstance(item, Problem) for item in found)
    assert story.rows("SELECT (SELECT n FROM core.knowledge), count(*) FROM contracts.version") == before
    assert story.rows("SELECT 1 FROM contracts.contract WHERE name = 'C-99'") == []
    return [str(item) for item in found]


def test_every_problem_of_a_broken_file_is_listed_with_its_place_and_nothing_is_saved(story: Story) -> None:
    broken = case("w04-uptime")[0].replace("C-04", "C-99")
    broken = broken.replace('"1850.00 EUR"', '"1850.00 USD"').replace('target: "98 %"', 'target: "98"')
    problems = refused(story, broken)
    assert [problem.split(":")[0] for problem in problems] == ["file 0"] * 2
    assert "clause 2.1, amount" in problems[0]
    assert "clause 4.2, target" in problems[1]


def test_a_sound_file_beside_a_broken_one_is_not_saved_either(story: Story) -> None:
    sound = case("w01-km-amended")[0].replace("C-01", "C-99")
    assert refused(story, sound, "not: a contract")


def test_all_unknown_assets_are_named(story: Story) -> None:
    strange = case("w01-km-amended")[0].replace(
        '- {asset: T1, from: "2026-01-01"}', '- {asset: T8, from: "2026-01-01"}\n  - {asset: T9, from: "2026-01-01"}'
    )
    assert refused(story, strange) == [
        "file 0: version 1, coverage[0].asset: 'T8' is no asset here (register the asset and its device first)",
        "file 0: version 1, coverage[1].asset: 'T9' is no asset here (register the asset and its device first)",
    ]


def test_measures_must_fit_the_registers_of_the_assets(story: Story) -> None:
    litres = case("w01-km-amended")[0].replace("unit: km", "unit: l").replace(" km", " l").replace("/km", "/l")
    (problem,) = refused(story, litres)
    assert "vehicle/odometer counts km, which does not convert to l" in problem
    wrong_kind = case("w01-km-amended")[0].replace("vehicle/odometer", "vehicle/state")
    (problem,) = refused(story, wrong_kind)
    assert "vehicle/state is a state, but counter_delta reads a counter" in problem


def test_importing_the_same_again_changes_nothing(story: Story) -> None:
    source = case("w01-km-amended")[0]
    (first,) = story.contract(source)
    before = story.rows("SELECT n, (SELECT count(*) FROM contracts.version) FROM core.knowledge")
    (again,) = story.contract(source.replace("# Kilometres", "# Other words in a comment about kilometres"))
    assert (first.versions, again.versions) == ((1,), ())
    assert story.rows("SELECT n, (SELECT count(*) FROM contracts.version) FROM core.knowledge") == before


def test_a_stored_version_never_changes(story: Story) -> None:
    source = case("w01-km-amended")[0]
    story.contract(source)
    (problem,) = refused(story, source.replace("0.0420", "0.0430"))
    assert problem.startswith("file 0: version 1: is stored already with another content; a version never changes")
    assert problem.endswith("(leave it and add version 2)")


def test_the_next_version_is_appended_and_parties_stay(story: Story) -> None:
    first, second = case("w01-km-amended")
    story.contract(first)
    (imported,) = story.contract(f"{first}\n---\n{second}", at=local("2026-06-12 14:00"))
    assert imported.versions == (2,)
    other = f"{first}\n---\n{second}".replace("customer: Haulier", "customer: Somebody")
    assert any("parties.customer: is not Haulier any more" in problem for problem in refused(story, other))


def test_import_derives_who_may_see_which_asset_and_the_due_periods(story: Story) -> None:
    story.contract(case("w04-uptime")[0], at=local("2026-03-10 12:00"))
    assert story.rows(
        """SELECT p.name, a.asset_name, lower(s.during) FROM contracts.party_asset AS s
           JOIN contracts.party AS p ON p.id = s.party JOIN contracts.coverage AS a ON a.asset = s.asset ORDER BY 1"""
    ) == [("Haulier", "T1", local("2026-01-01")), ("Truck Supplier", "T1", local("2026-01-01"))]
    assert [tuple(row) for row in story.rows("SELECT label, ends_at, cutoff_at FROM contracts.period ORDER BY 1")] == [
        ("2026-01", local("2026-02-01"), local("2026-02-04")),
        ("2026-02", local("2026-03-01"), local("2026-03-04")),
        ("2026-03", local("2026-04-01"), local("2026-04-04")),
    ]
    run.extend_periods(story.engine, at=local("2026-05-01"))
    run.extend_periods(story.engine, at=local("2026-05-02"))
    assert [row[0] for row in story.rows("SELECT label FROM contracts.period ORDER BY 1")][3:] == ["2026-04", "2026-05"]


def test_recorded_decisions_are_facts_with_an_author(story: Story) -> None:
    story.contract(case("w04-uptime")[0])
    text = (CASES / "w04-uptime.facts.yaml").read_text()
    assert run.record(story.engine, text, at=JULY_5, author="person:anna") == Recorded("C-04", 1, 2)
    assert [
        tuple(row)
        for row in story.rows("SELECT category, cause, status, author FROM contracts.attribution ORDER BY id")
    ] == [
        ("customer_cause", "wrong fuel", "accepted", "person:anna"),
        ("force_majeure", "flooded road", "accepted", "person:anna"),
    ]
    assert story.rows("SELECT count(*) FROM core.audit WHERE action = 'contract.record'")[0][0] == 1
    strange = run.record(story.engine, text.replace("asset: T1", "asset: T7"), at=JULY_5, author="person:anna")
    assert isinstance(strange, tuple)
    assert strange
    assert all("T7" in str(problem) for problem in strange)


def test_the_database_refuses_to_change_a_decision(story: Story, admin_engine: Engine) -> None:
    change = "UPDATE contracts.attribution SET status = 'disputed'"
    with pytest.raises(DBAPIError, match="permission denied"), story.engine.begin() as connection:
        connection.exec_driver_sql(change)
    with pytest.raises(DBAPIError, match="refused: its rows never change"), admin_engine.begin() as connection:
        connection.exec_driver_sql(change)


def june(story: Story) -> None:
    """W04: a June of one truck, with everything that was said and decided."""
    story.contract(case("w04-uptime")[0])
    found = facts("w04-uptime")
    story.states("T1", "2026-05-31 23:00", "2026-07-01 01:00", *spans(found["facts"]["states"]))
    text = (CASES / "w04-uptime.facts.yaml").read_text()
    assert isinstance(run.record(story.engine, text, at=JULY_5, author="person:anna"), Recorded)


def evaluation(story: Story, contract: str, label: str) -> dict[str, Any]:
    """The final evaluation of a period."""
    (row,) = story.rows(
        """SELECT e.result FROM contracts.period AS p JOIN contracts.evaluation AS e ON e.id = p.evaluation
           JOIN contracts.contract AS c ON c.id = p.contract WHERE c.name = :c AND p.label = :l""",
        c=contract,
        l=label,
    )
    result: dict[str, Any] = row[0]
    return result


def charged(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Clause, asset and amount of each line; its text is for the reader."""
    return [(row["clause"], row["asset"], row["amount"]) for row in result["lines"]]


def expected(example: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The same of the lines in a facts file."""
    rows = [row.split(" | ") for row in example["expected"]["lines"]]
    return [(clause, asset, amount) for clause, asset, _, amount in rows]


def figure(text: str) -> Fraction:
    """The exact number of a value: 30.25 h is 121/4."""
    return Fraction(text.split(" ", maxsplit=1)[0])


def test_w04_comes_out_of_the_database_as_from_the_file(story: Story) -> None:
    june(story)
    assert run.close_due_periods(story.engine, at=JULY_5) == 6
    result = evaluation(story, "C-04", "2026-06")
    example = facts("w04-uptime")["examples"][0]
    assert charged(result) == expected(example)
    verdict = next(v for v in result["verdicts"] if v["clause"] == "4.2")
    assert (verdict["state"], verdict["status"]) == ("violated", "final")
    values = [row.split(" | ")[2:] for row in example["expected"]["values"]]
    for name, text in values:
        digits = len(text.split(" ")[0].partition(".")[2])
        assert round_fraction(figure(verdict["values"][name]), digits, "half_up") == Decimal(text.split(" ")[0]), name
    assert [name for name, _ in values] == [
        "required", "excluded", "counted", "down", "availability", "coverage", "credit_share",
    ]  # fmt: skip
    # 689.75 h counted of 720 h, 20.5 h down: 669.25 / 689.75 = 97.0279 %; 5 % of 1850.00
    (breach,) = story.rows("SELECT clause, asset, obligated, measured, target, credit FROM contracts.breach")
    assert tuple(map(str, breach)) == ("4.2", "T1", "provider", "97.0279 %", "98 %", "92.50")


@pytest.mark.parametrize("versions", [1, 2])
def test_w01_comes_out_of_the_database_as_from_the_file(story: Story, versions: int) -> None:
    story.contract("\n---\n".join(case("w01-km-amended")[:versions]))
    story.odometer(
        "T1",
        ("2026-05-31 12:00", "412349.0"),
        ("2026-06-01", "412350.2"),
        ("2026-06-16", "418650.2"),
        ("2026-07-01", "422750.2"),
        ("2026-07-02", "422800.0"),
    )
    run.close_due_periods(story.engine, at=JULY_5)
    examples = facts("w01-km-amended")["examples"]
    unamended = next(e for e in examples if e.get("versions") == ["1"] and "with" not in e)
    example = unamended if versions == 1 else examples[0]
    result = evaluation(story, "C-01", "2026-06")
    assert charged(result) == expected(example)
    assert result["total"] == example["expected"]["total"]


def test_w15_a_duty_comes_out_of_the_database_as_from_the_file(story: Story) -> None:
    found = facts("w15-pressure-duty")
    (text,) = case("w15-pressure-duty")
    story.contract(text.replace("tyre/pressure_cold", "vehicle/pressure"))
    # 1820 km until the breach on 7 June 06:00, 1380 km in it, 7200 km after 9 June 18:00.
    story.odometer(
        "T1",
        ("2026-06-01", "1000"),
        ("2026-06-07 06:00", "2820"),
        ("2026-06-09 18:00", "4200"),
        ("2026-07-01", "11400"),
        ("2026-07-02", "11400"),
    )
    readings = [(row["at"], row["value"].removesuffix(" bar")) for row in found["facts"]["readings"]]
    story.gauge("T1", "pressure", "bar", *readings)
    # Devices say no subsystem: who caused the blow-out, people decide.
    story.states("T1", "2026-05-31 23:00", "2026-07-01 01:00", *spans(found["facts"]["states"]))
    decided = (
        "schema: facts/1\ncontract: C-15\nfacts:\n  notices:\n"
        '    - {clause: "5.1", asset: T1, kind: alert, given: "2026-06-05 06:00"}\n  attributions:\n'
        '    - {asset: T1, from: "2026-06-08 03:00", to: "2026-06-08 14:30", category: customer_cause,'
        " party: customer, status: accepted}\n"
    )
    assert isinstance(run.record(story.engine, decided, at=JULY_5, author="person:anna"), Recorded)
    run.close_due_periods(story.engine, at=JULY_5)
    result = evaluation(story, "C-15", "2026-06")
    assert charged(result) == expected(found["examples"][0])
    assert [(e["event"], e["at"]) for e in result["events"]] == [
        ("breached", "2026-06-07 06:00"),
        ("restored", "2026-06-09 18:00"),
    ]


def test_w06_a_month_has_the_hours_of_its_clock(story: Story) -> None:
    story.contract(case("w06-clock-change")[0])
    october, march = facts("w06-clock-change")["examples"][:2]
    for start, end, example in (("2026-02-28", "2026-04-02", march), ("2026-09-30", "2026-11-02", october)):
        story.states("T1", start, end, *spans(example["facts"]["states"]))
    run.close_due_periods(story.engine, at=datetime(2026, 11, 5, tzinfo=UTC))
    for label, example in (("2026-03", march), ("2026-10", october)):
        result = evaluation(story, "C-06", label)
        assert [row for row in charged(result) if row[0] == "4.2"] == expected(example)
        (verdict,) = [v for v in result["verdicts"] if v["clause"] == "4.2"]
        state, status = example["expected"]["status"][0].split(" | ")[2:]
        assert (verdict["state"], verdict["status"]) == (state, status)
        assert verdict["values"]["required"] == example["expected"]["values"][0].split(" | ")[3]


def test_the_running_period_stands_as_far_as_time_has_come(story: Story) -> None:
    story.contract(case("w01-km-amended")[0], at=local("2026-06-10"))
    story.odometer("T1", ("2026-06-01", "1000.0"), ("2026-06-11", "2000.0"))
    run.close_due_periods(story.engine, at=local("2026-06-10 12:00"))
    assert standings.refresh(story.engine, at=local("2026-06-10 12:00")) == 1
    assert standings.refresh(story.engine, at=local("2026-06-11")) == 1
    (row,) = story.rows("SELECT until, result FROM contracts.standing")
    # 1000 km in ten days of June at 0.0420
    assert (row.until, row.result["total"]) == (local("2026-06-11"), "42.00 EUR")


def test_what_a_period_leaves_goes_on_in_the_next(story: Story) -> None:
    yearly = case("w01-km-amended")[0].replace("reset: period", "reset: contract_year")
    story.contract(yearly.replace('"2026-01-01"', '"2026-05-01"'), at=local("2026-05-01"))
    story.odometer("T1", ("2026-05-01", "0"), ("2026-06-01", "6000"), ("2026-07-01", "10000"), ("2026-07-02", "10000"))
    # June begins at 6000 km: 2000 km at 0.0420 and 2000 km at 0.0380
    standings.refresh(story.engine, at=local("2026-06-30 23:59:59"))
    assert story.rows("SELECT result ->> 'total' FROM contracts.standing")[0][0] == "160.00 EUR"
    run.close_due_periods(story.engine, at=JULY_5)
    assert [evaluation(story, "C-01", label)["total"] for label in ("2026-05", "2026-06")] == [
        "252.00 EUR",
        "160.00 EUR",
    ]


def test_periods_of_a_contract_are_closed_in_order(story: Story) -> None:
    story.contract(case("w01-km-amended")[0])
    run.close_due_periods(story.engine, at=JULY_5)
    rows = story.rows(
        "SELECT p.label FROM contracts.evaluation AS e JOIN contracts.period AS p ON p.id = e.period ORDER BY e.id"
    )
    assert [row[0] for row in rows] == [f"2026-{month:02}" for month in range(1, 7)]


def test_an_amendment_that_reaches_back_names_the_closed_periods_that_it_leaves_alone(story: Story) -> None:
    first, second = case("w01-km-amended")
    (signed,) = story.contract(first)
    run.close_due_periods(story.engine, at=JULY_5)
    (amended,) = story.contract(f"{first}\n---\n{second}", at=JULY_5)
    assert (signed.kept, amended.kept) == ((), ("2026-06",))


def test_closing_goes_on_where_it_failed(story: Story, admin_engine: Engine) -> None:
    june(story)
    with admin_engine.begin() as connection:
        connection.exec_driver_sql("""
            CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'pulled the plug'; END $$;
            CREATE TRIGGER fail BEFORE UPDATE ON contracts.period FOR EACH ROW WHEN (NEW.label = '2026-04')
            EXECUTE FUNCTION public.fail();
        """)
    assert run.close_due_periods(story.engine, at=JULY_5) == 3
    closed = "SELECT label FROM contracts.period WHERE closed_at IS NOT NULL ORDER BY 1"
    assert [row[0] for row in story.rows(closed)] == ["2026-01", "2026-02", "2026-03"]
    assert story.rows("SELECT count(*) FROM contracts.evaluation")[0][0] == 3
    with admin_engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER fail ON contracts.period")
    later = JULY_5 + timedelta(days=1)
    assert run.close_due_periods(story.engine, at=later) == 3
    assert run.close_due_periods(story.engine, at=later) == 0
    assert story.rows("SELECT count(*), count(DISTINCT period) FROM contracts.evaluation")[0] == (6, 6)


def test_many_contracts_are_evaluated_by_a_handful_of_statements(story: Story) -> None:
    counts = []
    for n in (2, 20):
        names = [f"F{n}-{k}" for k in range(n)]
        story.assets(*names)
        texts = [case("w04-uptime")[0].replace("C-04", f"C-{name}").replace("T1", name) for name in names]
        story.contract(*texts, at=local("2026-01-10"))
        statements: list[str] = []

        def count(*told: Any, kept: list[str] = statements) -> None:
            kept.append(told[2])

        event.listen(story.engine, "before_cursor_execute", count)
        assert standings.refresh(story.engine, at=local("2026-01-12")) >= n
        event.remove(story.engine, "before_cursor_execute", count)
        counts.append(len(statements))
    assert counts[1] == counts[0] < 25
