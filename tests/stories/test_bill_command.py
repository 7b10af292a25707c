"""The commands of billing and contracts, as a person uses them."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from api.commands import bill, contract_store
from contracts import run as contracts
from core import clock
from tests.stories.story import CASES, PARTIES, Story, case

pytestmark = pytest.mark.services


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A contract of a fee only, and who sells and is billed."""
    whole = case("w04-uptime")[0]
    (tmp_path / "fee.yaml").write_text(whole[: whole.index('  - clause: "4.2"')])
    (tmp_path / "broken.yaml").write_text(whole.replace("C-04", "C-05").replace("calendar_days", "by_feel"))
    (tmp_path / "billing.yaml").write_text(PARTIES)
    (tmp_path / "decided.yaml").write_text((CASES / "w04-uptime.facts.yaml").read_text().partition("examples:")[0])
    return tmp_path


def test_from_a_contract_file_to_an_invoice_by_commands(
    engine: Engine, environment: dict[str, str], files: Path
) -> None:
    Story(engine).assets("T1")

    def does(app: object, *words: str, fails: bool = False) -> str:
        result: Result = CliRunner().invoke(app, list(words), env=environment | {"COLUMNS": "200"})  # type: ignore[arg-type]
        assert result.exit_code == (1 if fails else 0), result.output
        return result.output

    broken = does(contract_store.app, "import", str(files / "fee.yaml"), str(files / "broken.yaml"), fails=True)
    assert "broken.yaml: " in broken
    assert "clause 2.1, proration" in broken
    assert broken.endswith("nothing was saved\n")
    assert does(contract_store.app, "import", str(files / "fee.yaml")) == "C-04: imported version 1\n"
    assert does(contract_store.app, "import", str(files / "fee.yaml")) == "C-04: nothing new\n"
    recorded = does(contract_store.app, "record", str(files / "decided.yaml"))
    assert recorded == "C-04: recorded 1 notices, 2 attributions\n"
    assert does(bill.app, "setup", str(files / "billing.yaml")) == "set up 2 sellers, 1 debtors\n"
    contracts.close_due_periods(engine, at=clock.now())
    seen = does(bill.app, "run", "--entity", "Truck Supplier GmbH", "--period", "2026-01", "--by", "anna")
    assert "1,850.00 EUR" in seen
    assert "2,201.50 EUR" in seen  # 1850.00 × 1.19
    (run,) = re.findall(r"run_\w{26}", seen)
    assert "draft · C-04 · 2026-01" in does(bill.app, "preview", run, "C-04")
    assert "a second person approves it" in does(bill.app, "approve", run, "--by", "anna", fails=True)
    assert does(bill.app, "approve", run, "--by", "bert").startswith("approved ")
    assert does(bill.app, "issue", run, "--by", "bert") == "issued 1 invoices\n"
    assert "· issued" in does(bill.app, "show", run)
    shown = does(bill.app, "show", "TS-2026-00001") if clock.now().year == 2026 else ""
    assert not shown or "2,201.50" in shown
    assert "there is no invoice TS-1" in does(bill.app, "show", "TS-1", fails=True)
