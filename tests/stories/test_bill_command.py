"""The commands of billing and contracts, as a person uses them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from api.commands import bill, contract_store
from contracts import run as contracts
from core import clock
from tests.stories.story import CASES, PARTIES, Story, case
from tests.stories.test_billing import JULY_5, fees
from tests.unit.billing.statement import camt, entry

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


ECB = """<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
  xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref"><Cube><Cube time="2026-06-30">
  <Cube currency="USD" rate="1.0800"/></Cube></Cube></gesmes:Envelope>"""
LATE = PARTIES.replace("vat_id: NL123456782B01}", "vat_id: NL123456782B01, consolidate: true}").replace(
    "prefix: TS, timezone: Europe/Berlin, tax_category: S, tax_rate: 19 %}",
    """prefix: TS, timezone: Europe/Berlin, tax_category: S, tax_rate: 19 %,
     dunning: {levels: [{days: 7, text: Please pay., fee: 5.00 EUR, lump_sum: 40.00 EUR}]}}""",
)


Does: TypeAlias = Callable[..., str]
SELLER, BY = ("--entity", "Truck Supplier GmbH"), ("--by", "anna")


@pytest.fixture
def does(environment: dict[str, str]) -> Does:
    """`does("show", NUMBER)` is what `yardstick bill show NUMBER` says; it ends well, or fails as expected."""

    def run(*words: str, fails: bool = False) -> str:
        result: Result = CliRunner().invoke(bill.app, list(words), env=environment | {"COLUMNS": "200"})
        assert result.exit_code == (1 if fails else 0), result.output
        return result.output

    return run


@pytest.fixture
def run_of_three(engine: Engine, does: Does, tmp_path: Path) -> str:
    """A run in review over three contracts that share a document."""
    (tmp_path / "billing.yaml").write_text(LATE)
    assert does("setup", str(tmp_path / "billing.yaml"), *BY) == "set up 2 sellers, 1 debtors\n"
    story = Story(engine)
    fees(story, 3)
    return story.bill("Truck Supplier GmbH", "2026-06", JULY_5).run.public_id


def test_commands_of_a_run_and_of_month_end(does: Does, run_of_three: str, engine: Engine, tmp_path: Path) -> None:
    run = run_of_three
    refused = does("override", run, "C-F01", "--code", "outlier", "--reason", "agreed", *BY, fails=True)
    assert "is not blocked by a finding" in refused
    does("recalculate", run, *BY)
    assert does("diff", run, "1", "2") == ""
    does("exclude", run, "C-F03", "--reason", "disputed", *BY)
    shared = does("preview", run, "C-F02")
    for words in ("contract C-F01", "contract C-F02", "Net C-F01", "eva_"):
        assert words in shared, shared
    assert "contract C-F03" not in shared
    assert "C-F03 is not on it: excluded, disputed" in shared
    assert "C-F03 is excluded: disputed" in does("preview", run, "C-F03")
    listed = does("preview", run, "--state", "excluded")
    assert ("C-F01" in listed, "C-F03" in listed) == (False, True)
    assert all(f"C-F0{n}" in does("preview", run) for n in (1, 2, 3))
    assert "=" in does("reconcile", run)
    assert Story(engine).issue(run, JULY_5) == 2
    assert "4,403.00" in does("show", "TS-2026-00001")  # 2 x 1850.00 and 19 %
    credited = does("correct", "TS-2026-00001", "--reason", "wrong address", *BY, "--approved-by", "bert")
    assert credited.startswith("issued credit note TS-C-")
    assert "-4,403.00" in does("show", credited.split()[-1])
    assert does("accrue", *SELLER, "--period", "2026-06", *BY) == "accrued 3 contracts\n"
    assert "accrual 2026-06" in does("export", *SELLER, "2026-06-01", "2026-07-01")
    assert "is not over" in does("close", *SELLER, "2099-06-30", *BY, fails=True)
    does("close", *SELLER, "2026-06-30", *BY)
    shut = does("accrue", *SELLER, "--period", "2026-05", *BY, fails=True)
    assert shut == "a posting on 2026-05-31 is refused: the books are closed until 2026-06-30\n"
    assert "a run that is issued cannot cancel" in does("cancel", run, *BY, fails=True)
    rows = "key,contract,asset,kind,day,amount,text\nR1,C-F01,F01,repair,2026-06-11,310.00 EUR,pump\n"
    (tmp_path / "cost.csv").write_text(rows)
    assert does("cost", str(tmp_path / "cost.csv"), *SELLER, *BY) == "1 new costs\n"
    assert "310.00" in does("margin", *SELLER, "--period", "2026-06", "--assets")
    (tmp_path / "rates.xml").write_text(ECB)
    assert does("rates", str(tmp_path / "rates.xml"), *BY) == "1 new rates\n"


def balances(does: Does) -> None:
    """Of money that nobody asked for: recorded by hand, proposed to be sent back, approved by another person."""
    seller = (*SELLER, *BY)
    said = does("receive", "H1", "2026-08-20", "70.00 EUR", "--payer", "Somebody", *seller)
    assert said == "H1 70.00 EUR: unmatched\n"
    assert "above zero" in does("receive", "H2", "2026-08-20", "0.00 EUR", *seller, fails=True)
    made = does("refund", "H1", "--reason", "not ours", *seller)
    (name,) = set(re.findall(r"prp_\w{26}", made))
    assert f"{name} open: refund, amount 70.00 EUR, debtor Somebody, number H1: not ours" in does(
        "proposals", *SELLER, "--state", "open"
    )
    done = does("approve", name, "--by", "bert")
    assert "approved by person:bert: refund rfd_" in done
    assert does("unmatched", *SELLER) == ""


def test_commands_about_what_is_paid_late(does: Does, run_of_three: str, engine: Engine, tmp_path: Path) -> None:
    assert Story(engine).issue(run_of_three, JULY_5) == 3
    assert "TS-2026-00001 due 2026-08-04: 6604.50 EUR of Haulier BV" in does("overdue", *SELLER)
    blocked = does("block", "TS-2026-00001", "--line", "2", "--reason", "not ours", *BY)
    # 2 x 1850.00 x 1.19 + 5.00 + 40.00
    assert "Total: 4448.00 EUR" in does("dun", *SELLER, *BY, "--preview")
    does("release", blocked.split()[-1], "--reason", "decided", *BY)
    proposed = does("dun", *SELLER, *BY)
    (name,) = set(re.findall(r"prp_\w{26}", proposed))
    assert "1 letters are due" in proposed
    assert "a second person approves it" in does("approve", name, *BY, fails=True)
    assert f"{name} declined: dunning" in does("decline", name, "--reason", "not today", *BY)
    assert "Total: 6649.50 EUR" in does("dun", *SELLER, *BY, "--approved-by", "bert")
    letter = f"TS-D-{clock.now().year}-00001"
    assert "Lump sum for recovery costs: 40.00 EUR" in does("letter", letter)
    assert json.loads(does("letter", letter, "--json"))["number"] == letter
    (tmp_path / "bank.xml").write_bytes(camt([entry("B1", "6649.50", letter)]))
    paid = does("pay", str(tmp_path / "bank.xml"), *SELLER, *BY)
    assert paid == f"B1/0 6649.50 EUR: TS-2026-00001 6604.50 EUR, {letter} 45.00 EUR\n"
    assert does("pay", str(tmp_path / "bank.xml"), *SELLER, *BY) == "B1/0 6649.50 EUR: known\n"
    assert does("overdue", *SELLER) == ""
    assert does("unmatched", *SELLER) == ""
    assert does("unmatch", "B1/0", *SELLER, "--reason", "another's", *BY) == "1 invoices are open again\n"
    assert "6649.50 EUR from Haulier BV" in does("unmatched", *SELLER)
    again = does("match", "B1/0", letter, "TS-2026-00001", *SELLER, *BY)
    assert again == f"B1/0: {letter} 45.00 EUR, TS-2026-00001 6604.50 EUR; left 0.00 EUR\n"
    assert does("unpay", "B1/0", *SELLER, "--reason", "returned", *BY) == "1 invoices are open again\n"
    assert "nothing is left of B1/0" in does("match", "B1/0", "TS-9", *SELLER, *BY, fails=True)
    balances(does)
    does("undun", letter, "--reason", "sent in error", *BY)
    assert "that stands" in does("undun", letter, "--reason", "again", *BY, fails=True)
    year = str(clock.now().year)
    days = (f"{year}-01-01", f"{int(year) + 1}-01-01")
    assert f"{letter},dunning letter taken back" in does("export", *SELLER, *days)
    assert "Income:LatePayment:Fee" in does("export", *SELLER, *days, "--as", "beancount")
