"""The contract commands, as a person and as a script use them."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from api.commands.contract import app

ROOT = Path(__file__).parent.parent.parent
SPECS = ROOT / "tests" / "specs"
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.yaml"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_example_contracts_are_sound() -> None:
    result = run("check", *EXAMPLES)
    assert result.exit_code == 0, result.output
    assert len(EXAMPLES) == 8


def test_a_contract_is_checked_with_the_facts_beside_it() -> None:
    result = run("check", *sorted(SPECS.glob("w0*.yaml")))
    assert result.exit_code == 0, result.output
    assert "w04-uptime.contract.yaml: sound, 1 versions, 2 terms, 8 examples" in result.output


def test_an_example_that_differs_fails_with_both_lists(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text((SPECS / "tiers.yaml").read_text().replace("50.00 EUR", "51.00 EUR", 1))
    result = run("check", file)
    assert result.exit_code == 1
    assert "2.2 | T1 | 100 km at 0.50 | 51.00 EUR" in result.output
    assert "2.2 | T1 | 100 km at 0.50 | 50.00 EUR" in result.output


def test_a_clause_without_an_example_fails(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    text = (SPECS / "uptime.yaml").read_text()
    file.write_text(text.replace('clauses: ["2.1", "4.2"]', 'clauses: ["4.2"]'))
    result = run("check", file)
    assert "clause 2.1: is shown by no example" in result.output
    assert result.exit_code == 1


def test_json_gives_rows_by_the_names_of_the_format() -> None:
    contract, facts = SPECS / "w04-uptime.contract.yaml", SPECS / "w04-uptime.facts.yaml"
    result = run("evaluate", contract, "--facts", facts, "--json")
    assert result.exit_code == 0
    first = json.loads(result.output)[0]
    assert first["name"] == "as the contract says"
    assert first["total"] == "1757.50 EUR"
    assert "4.2 | T1 | violated | final" in first["status"]
    assert "4.2 | T1 | down | 20.5 h" in first["values"]
    assert "4.2 | T1 | amount | -370.00 EUR | -92.50 EUR" in first["bounds"]
    assert len(first["result_hash"]) == 64


def test_a_period_is_evaluated_as_known_then() -> None:
    contract = SPECS / "w02-late-readings.contract.yaml"
    early = run("evaluate", contract, "--period", "2026-06", "--as-of", "2026-07-04")
    late = run("evaluate", contract, "--period", "2026-06")
    assert (early.exit_code, late.exit_code) == (0, 0)
    assert "total 419.00 EUR" in early.output
    assert "total 424.70 EUR" in late.output


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    missing = run("check", tmp_path / "nothing.yaml")
    assert (missing.exit_code, "cannot be read" in missing.output) == (1, True)
    nowhere = run("evaluate", SPECS / "tiers.yaml", "--period", "2026-99")
    assert (nowhere.exit_code, "is no period" in nowhere.output) == (1, True)
    unnamed = run("evaluate", SPECS / "tiers.yaml", "--example", "nobody")
    assert (unnamed.exit_code, "there is no example nobody" in unnamed.output) == (1, True)


def test_the_agreement_is_shown_in_words() -> None:
    result = run("show", SPECS / "w04-uptime.contract.yaml")
    assert "Each truck costs 1850.00 EUR a month; a part of a month is shared by calendar days." in result.output
    assert "only if announced 3 days ahead, and up to 8 h a month" in result.output
    assert "5 % at 97 % or more" in result.output
