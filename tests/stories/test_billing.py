"""From closed periods to issued invoices, ledger and breach reports, on a real database."""

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from billing import chain
from billing import run as billing
from billing.state import NotPossible
from billing.store import run as runs
from billing.store.run import AlreadyOpen
from contracts import run as contracts
from contracts.store.intake import Recorded
from core import canonical
from core.database import transaction
from tests.stories.story import CASES, Story, case, facts, local, spans

pytestmark = pytest.mark.services
JULY_5 = datetime(2026, 7, 5, 10, tzinfo=UTC)
ANNA, BERT = "person:anna", "person:bert"
ISSUE = """
import sys
from datetime import UTC, datetime
from billing import run
from core.database import connect
engine = connect(sys.argv[1], role="yardstick_worker")
run.issue(engine, sys.argv[2], at=datetime(2026, 7, 5, 10, tzinfo=UTC), by="person:bert", most=1)
"""


@pytest.fixture
def story(engine: Engine) -> Story:
    told = Story(engine)
    told.assets("T1")
    told.set_up()
    return told


def june(story: Story) -> None:
    """W04 until its period is closed."""
    story.contract(case("w04-uptime")[0])
    story.states("T1", "2026-05-31 23:00", "2026-07-01 01:00", *spans(facts("w04-uptime")["facts"]["states"]))
    text = (CASES / "w04-uptime.facts.yaml").read_text()
    assert isinstance(contracts.record(story.engine, text, at=JULY_5, author=ANNA), Recorded)
    contracts.close_due_periods(story.engine, at=JULY_5)


def fees(story: Story, count: int, *, month: str = "2026-07-05") -> None:
    """So many contracts with a fee of 1850.00 for a truck, their periods closed."""
    names = [f"F{n:02}" for n in range(1, count + 1)]
    story.assets(*names)
    whole = case("w04-uptime")[0]
    fee_only = whole[: whole.index('  - clause: "4.2"')]
    story.contract(*(fee_only.replace("C-04", f"C-{name}").replace("T1", name) for name in names))
    contracts.close_due_periods(story.engine, at=local(month))


def _taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many drafts are taken from now on, where the fewest to take is one."""
    taken: list[int] = []
    waiting = runs.waiting

    def noted(*given: Any, **more: Any) -> Any:
        found = waiting(*given, **more)
        taken.append(len(found))
        return found

    monkeypatch.setattr(runs, "FEWEST", 1)
    monkeypatch.setattr(runs, "waiting", noted)
    return taken


def charged(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Clause, asset and amount of each line."""
    return [(row["clause"], row["asset"], row["amount"]) for row in document["lines"]]


def check_chain(story: Story, count: int) -> None:
    """Numbers without a gap, in order of dates; every hash follows from the document and the one before."""
    rows = story.rows("SELECT * FROM billing.invoice ORDER BY n")
    assert [row.n for row in rows] == list(range(1, count + 1))
    assert [row.number for row in rows] == [f"TS-2026-{n:05}" for n in range(1, count + 1)]
    previous = ""
    for row in rows:
        assert row.content_hash == chain.content_hash(row.document)
        canonical.text(row.document)  # refuses floats
        assert row.previous_hash == previous
        previous = chain.chain_hash(previous, row.content_hash, number=row.number, issue_date=row.issue_date)
        assert row.chain_hash == previous
    assert [row.issue_date for row in rows] == sorted(row.issue_date for row in rows)
    (series,) = story.rows("SELECT issued, chain_hash FROM billing.series")
    assert tuple(series) == (count, previous)


def test_w04_becomes_an_invoice_with_the_credit_and_a_report_of_the_breach(story: Story) -> None:
    june(story)
    done = story.bill("Truck Supplier GmbH", "2026-06", JULY_5)
    assert (done.run.state, [d["state"] for d in done.drafts]) == ("in_review", ["warning"])
    assert story.issue(done.run.public_id, JULY_5) == 1
    (invoice,) = story.invoices()
    assert charged(invoice) == [("2.1", "T1", "1850.00"), ("4.2", "T1", "-92.50")]
    # 1850.00 - 92.50 = 1757.50; 19 % are 333.925
    assert [invoice[name] for name in ("net", "tax_total", "gross")] == ["1757.50", "333.93", "2091.43"]
    assert invoice["issue"] | {"id": ""} == {
        "id": "", "number": "TS-2026-00001", "issue_date": "2026-07-05", "due_date": "2026-08-04",
        "payment_reference": "RF95TS202600001",
    }  # fmt: skip
    assert invoice["lines"][1]["verdict"]["explanation"].startswith("Truck T1, June 2026: required 720.00 h.") or (
        "required 720.00 h" in invoice["lines"][1]["verdict"]["explanation"]
    )
    assert invoice["lines"][0]["sentence"] == (
        "Each truck costs 1850.00 EUR a month; a part of a month is shared by calendar days."
    )
    check_chain(story, 1)
    ((report,),) = story.rows("SELECT document FROM billing.breach_report")
    assert [report[n] for n in ("clause", "asset", "target", "measured", "credit")] == [
        "4.2", "T1", "98 %", "97.0279 %", "92.50",
    ]  # fmt: skip
    assert [report[n] for n in ("required", "excluded", "counted", "down")] == [
        "720 h",
        "30.25 h",
        "689.75 h",
        "20.5 h",
    ]
    assert report["invoice"] == {"id": invoice["issue"]["id"], "number": "TS-2026-00001", "line": 2}
    assert [row["category"] for row in report["outages"]].count("fault") == 5
    assert [row["cause"] for row in report["attributions"]] == ["wrong fuel", "flooded road"]
    assert [row["kind"] for row in report["notices"]] == ["planned_maintenance"]


def test_what_an_invoice_books_balances_and_is_told(story: Story) -> None:
    june(story)
    story.issue(story.bill("Truck Supplier GmbH", "2026-06", JULY_5).run.public_id, JULY_5)
    moves = story.rows("SELECT debit, credit, amount FROM billing.transfer ORDER BY n")
    assert sorted((m.debit.split(":par_")[0], m.credit.split(":par_")[0], m.amount) for m in moves) == [
        ("receivable", "revenue:fixed_fee", Decimal("1850.00")),
        ("receivable", "vat:S:19", Decimal("333.93")),
        ("revenue_reduction:availability", "receivable", Decimal("92.50")),
    ]
    assert [row[0] for row in story.rows("SELECT topic FROM core.outbox ORDER BY id")] == [
        "invoice.issued",
        "breach.reported",
    ]
    acts = [row[0] for row in story.rows("SELECT action FROM core.audit WHERE action LIKE 'run.%' ORDER BY id")]
    assert acts == ["run.create", "run.collect", "run.calculate", "run.approve", "run.issue", "run.finish"]


def test_w01_shows_the_readings_that_a_quantity_comes_from(story: Story) -> None:
    story.contract("\n---\n".join(case("w01-km-amended")))
    story.odometer(
        "T1", ("2026-05-31 12:00", "412349.0"), ("2026-06-01", "412350.2"), ("2026-06-16", "418650.2"),
        ("2026-07-01", "422750.2"), ("2026-07-02", "422800.0"),
    )  # fmt: skip
    contracts.close_due_periods(story.engine, at=JULY_5)
    story.issue(story.bill("Tyre Supplier GmbH", "2026-06", JULY_5).run.public_id, JULY_5)
    (invoice,) = story.invoices()
    # 6300.0 km at 0.0420; 1700.0 km at 0.0400 and 2400.0 km at 0.0360
    assert charged(invoice) == [("2.2", "T1", "264.60"), ("2.2", "T1", "154.40")]
    assert invoice["net"] == "419.00"
    readings = [(e["opening"], e["closing"], e["use"]) for line in invoice["lines"] for e in line["evidence"]]
    assert readings == [("412350.200", "418650.200", "6300.000"), ("418650.200", "422750.200", "4100.000")]
    rows = story.rows("SELECT quantity, unit, steps FROM billing.line ORDER BY n")
    assert [(row.quantity, row.unit) for row in rows] == [(Decimal(6300), "km"), (Decimal(4100), "km")]
    assert all(row.steps for row in rows)


def test_w06_bills_months_of_743_and_745_hours(story: Story) -> None:
    story.contract(case("w06-clock-change")[0])
    october, march = facts("w06-clock-change")["examples"][:2]
    for start, end, example in (("2026-02-28", "2026-04-02", march), ("2026-09-30", "2026-11-02", october)):
        story.states("T1", start, end, *spans(example["facts"]["states"]))
    november_5 = datetime(2026, 11, 5, tzinfo=UTC)
    contracts.close_due_periods(story.engine, at=november_5)
    for label in ("2026-03", "2026-10"):
        story.issue(story.bill("Truck Supplier GmbH", label, november_5).run.public_id, november_5)
    first, second = story.invoices()
    # March: 14.87 h of 743 h down are 97.99865 %, a credit; October: 14.89 h of 745 h are 98.00134 %, none
    assert charged(first) == [("2.1", "T1", "1850.00"), ("4.2", "T1", "-92.50")]
    assert charged(second) == [("2.1", "T1", "1850.00")]
    reports = story.rows("SELECT document ->> 'period', document ->> 'required' FROM billing.breach_report")
    assert [tuple(row) for row in reports] == [("2026-03", "743 h")]
    check_chain(story, 2)


def test_who_created_a_run_may_not_approve_it(story: Story, admin_engine: Engine) -> None:
    fees(story, 1)
    run = story.bill("Truck Supplier GmbH", "2026-06", JULY_5).run.public_id
    with pytest.raises(billing.SamePerson, match="a second person approves it"):
        billing.approve(story.engine, run, at=JULY_5, by=ANNA)
    with pytest.raises(DBAPIError, match="run_check"), admin_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE billing.run SET approved_by = created_by, approved_hash = hash")
    with pytest.raises(NotPossible, match="in_review cannot issue"):
        billing.issue(story.engine, run, at=JULY_5, by=BERT)


def test_an_approval_is_bound_to_the_drafts_that_were_looked_at(story: Story) -> None:
    fees(story, 1)
    done = story.bill("Truck Supplier GmbH", "2026-06", JULY_5)
    run = done.run.public_id
    with pytest.raises(billing.HashChanged):
        billing.approve(story.engine, run, at=JULY_5, by=BERT, hash="another")
    billing.approve(story.engine, run, at=JULY_5, by=BERT, hash=done.run.hash)
    billing.collect(story.engine, run, at=JULY_5, by=ANNA)
    again = billing.calculate(story.engine, run, at=JULY_5, by=ANNA)
    assert (again.run.state, again.run.approved_by, again.run.revision) == ("in_review", None, 2)
    assert again.run.hash == done.run.hash, "nothing changed, so the hash did not either"
    with pytest.raises(NotPossible):
        billing.issue(story.engine, run, at=JULY_5, by=BERT)


def test_a_draft_that_was_changed_after_approval_is_not_issued(story: Story, admin_engine: Engine) -> None:
    fees(story, 2)
    run = story.bill("Truck Supplier GmbH", "2026-06", JULY_5).run.public_id
    billing.approve(story.engine, run, at=JULY_5, by=BERT)
    with admin_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE billing.draft SET hash = 'forged' WHERE contract_name = 'C-F01'")
    with pytest.raises(billing.HashChanged, match="not those that person:bert approved"):
        billing.issue(story.engine, run, at=JULY_5, by=BERT)
    assert story.invoices() == []


def test_readings_that_came_after_the_close_are_in_the_invoice(story: Story) -> None:
    story.contract(case("w01-km-amended")[0])
    story.odometer("T1", ("2026-06-01", "1000.0"), ("2026-06-20", "3000.0"), ("2026-07-02", "4200.0"))
    contracts.close_due_periods(story.engine, at=JULY_5)
    closed = story.bill("Tyre Supplier GmbH", "2026-06", JULY_5)
    story.odometer("T1", ("2026-07-01", "4150.0"))
    billing.collect(story.engine, closed.run.public_id, at=JULY_5, by=ANNA)
    again = billing.calculate(story.engine, closed.run.public_id, at=JULY_5, by=ANNA)
    # 2000 km until the 20th and 11/12 of 1200 km: 3100 km; then 3150 km, at 0.0420
    assert [closed.drafts[0]["net"], again.drafts[0]["net"]] == [Decimal("130.20"), Decimal("132.30")]
    assert story.rows("SELECT count(*) FROM contracts.evaluation AS e JOIN contracts.period AS p ON p.id = e.period "
                      "WHERE p.label = '2026-06'")[0][0] == 2  # fmt: skip


def test_missing_readings_and_accounts_block_and_open_periods_wait(story: Story) -> None:
    fees(story, 2)
    story.contract(case("w04-uptime")[0])  # its truck never said anything
    nobody = case("w04-uptime")[0].replace("C-04", "C-05").replace("customer: Haulier", "customer: Nobody")
    story.contract(nobody)
    contracts.close_due_periods(story.engine, at=local("2026-07-03 12:00"))
    waiting = story.bill("Truck Supplier GmbH", "2026-06", local("2026-07-03 12:00"))
    assert {d["contract_name"]: d["state"] for d in waiting.drafts}["C-04"] == "excluded"
    billing.cancel(story.engine, waiting.run.public_id, at=JULY_5, by=ANNA)
    contracts.close_due_periods(story.engine, at=JULY_5)
    done = story.bill("Truck Supplier GmbH", "2026-06", JULY_5)
    states = {d["contract_name"]: (d["state"], d["reason"]) for d in done.drafts}
    assert states["C-F01"][0] == "warning"  # the first invoice, and German tax for a Dutch business
    assert states["C-05"] == ("blocked", "Nobody has no account; set it up with `yardstick bill setup FILE`")
    run = done.run.public_id
    with pytest.raises(billing.NotReady, match="C-05"):
        billing.approve(story.engine, run, at=JULY_5, by=BERT)
    for name, (state, _) in states.items():
        if state == "blocked":
            billing.exclude(story.engine, run, name, reason="waits for its account", at=JULY_5, by=ANNA)
    assert story.issue(run, JULY_5) == sum(state in {"ok", "warning"} for state, _ in states.values())


def test_a_period_is_invoiced_once(story: Story) -> None:
    fees(story, 2)
    run = story.bill("Truck Supplier GmbH", "2026-06", JULY_5).run.public_id
    with pytest.raises(AlreadyOpen, match="2026-06 is open already"):
        story.bill("Truck Supplier GmbH", "2026-06", JULY_5)
    assert story.issue(run, JULY_5) == 2
    assert billing.issue(story.engine, run, at=JULY_5, by=BERT) == 0
    second = story.bill("Truck Supplier GmbH", "2026-06", JULY_5)
    assert second.drafts == ()


def test_a_run_that_fails_between_chunks_goes_on_with_the_same_hashes_and_no_gap(
    story: Story, admin_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fees(story, 9)
    run = billing.create(story.engine, entity="Truck Supplier GmbH", label="2026-06", at=JULY_5, by=ANNA)
    billing.collect(story.engine, run, at=JULY_5, by=ANNA)
    _plug(admin_engine, "billing.draft", "NEW.contract_name = 'C-F05' AND NEW.state = 'warning'")
    with pytest.raises(DBAPIError, match="pulled the plug"):
        billing.calculate(story.engine, run, at=JULY_5, by=ANNA, most=2)
    _unplug(admin_engine, "billing.draft")
    assert billing.summary(story.engine, run).run.state == "collecting"
    resumed = billing.calculate(story.engine, run, at=JULY_5, by=ANNA, most=2)
    billing.collect(story.engine, run, at=JULY_5, by=ANNA)
    taken = _taken(monkeypatch)
    assert billing.calculate(story.engine, run, at=JULY_5, by=ANNA).run.hash == resumed.run.hash
    assert taken == [3, 2, 1, 1, 1, 1, 0]  # a third of what is left of 9, and one at least
    billing.approve(story.engine, run, at=JULY_5, by=BERT)
    for table in ("billing.invoice", "billing.line", "billing.tax_total", "billing.transfer"):
        _plug(admin_engine, table, "EXISTS (SELECT FROM billing.series WHERE issued >= 4)")
        with pytest.raises(DBAPIError, match="pulled the plug"):
            billing.issue(story.engine, run, at=JULY_5, by=BERT, most=4)
        _unplug(admin_engine, table)
    assert billing.summary(story.engine, run).run.state == "issuing"
    assert billing.issue(story.engine, run, at=datetime(2026, 7, 6, tzinfo=UTC), by=BERT, most=4) == 5
    check_chain(story, 9)
    drafts = {d["contract_name"]: d for d in billing.summary(story.engine, run).drafts}
    for row in story.rows("SELECT document, content_hash, issue_date FROM billing.invoice"):
        assert row.content_hash == chain.content_hash(drafts[row.document["contract"]]["document"])
        assert row.issue_date == date(2026, 7, 5)


def test_a_killed_issuer_leaves_no_gap_and_issues_nothing_twice(story: Story, database: str) -> None:
    fees(story, 30)
    run = story.bill("Truck Supplier GmbH", "2026-06", JULY_5).run.public_id
    billing.approve(story.engine, run, at=JULY_5, by=BERT)
    process = subprocess.Popen([sys.executable, "-c", ISSUE, database, run])
    while story.rows("SELECT count(*) FROM billing.invoice")[0][0] < 3:
        assert process.poll() in {None, 0}
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = story.rows("SELECT count(*) FROM billing.invoice")[0][0]
    assert done < 30, "it was killed in the middle"
    assert done + billing.issue(story.engine, run, at=JULY_5, by=BERT) == 30
    check_chain(story, 30)


def test_racing_issuers_share_the_work(story: Story) -> None:
    fees(story, 20)
    runs = [story.bill("Truck Supplier GmbH", label, JULY_5).run.public_id for label in ("2026-05", "2026-06")]
    for run in runs:
        billing.approve(story.engine, run, at=JULY_5, by=BERT)

    def issue(run: str, most: int) -> int:
        return billing.issue(story.engine, run, at=JULY_5, by=BERT, most=most)

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(issue, runs * 2, (3, 3, 5, 2)))
    assert sum(counts) == 40
    check_chain(story, 40)


def test_the_database_refuses_to_change_what_is_issued(story: Story, admin_engine: Engine) -> None:
    june(story)
    story.issue(story.bill("Truck Supplier GmbH", "2026-06", JULY_5).run.public_id, JULY_5)
    for table in ("invoice", "line", "tax_total", "transfer", "breach_report"):
        column = "net" if table == "invoice" else "invoice"
        update = f"UPDATE {{}} SET {column} = {column}"  # noqa: S608
        for change in (update, "DELETE FROM {}", "TRUNCATE {} CASCADE"):
            statement = change.format(f"billing.{table}")
            with pytest.raises(DBAPIError, match="refused: its rows never change"), admin_engine.begin() as connection:
                connection.exec_driver_sql(statement)
            with pytest.raises(DBAPIError, match="permission denied"), story.engine.begin() as connection:
                connection.exec_driver_sql(statement)


def test_a_setup_file_with_faults_is_refused_whole(story: Story) -> None:
    text = """
schema: billing/1
entities:
  - {party: P, name: P Ltd, address: Road 1, country: de, prefix: P, timezone: Europe/Berlin}
  - {party: R, name: R Ltd, address: Road 1, country: DE, vat_id: DE123456789, prefix: R, timezone: Europe/Berlin}
accounts:
  - {party: Q, name: Q Ltd, address: Road 2, country: NL, payment_days: soon}
"""
    found = billing.set_up(story.engine, text, at=JULY_5, by=ANNA)
    assert isinstance(found, tuple)
    assert [problem.place.split(",")[0] for problem in found] == [
        "entities[0].country", "entities[1]", "accounts[0].payment_days",
    ]  # fmt: skip
    assert "'DE123456789' is no VAT id of DE" in str(found[1])
    assert story.rows("SELECT 1 FROM contracts.party WHERE name IN ('P', 'Q')") == []


def _plug(admin_engine: Engine, table: str, condition: str, *, code: str = "P0001") -> None:
    """Let the next statement on a table fail where the condition holds. code: of the error (SQLSTATE)."""
    with admin_engine.begin() as connection:
        connection.exec_driver_sql(f"""
            CREATE OR REPLACE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF {condition} THEN RAISE EXCEPTION 'pulled the plug' USING ERRCODE = '{code}'; END IF; RETURN NEW;
            END $$;
            CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION public.fail();
        """)


def _unplug(admin_engine: Engine, table: str) -> None:
    with admin_engine.begin() as connection:
        connection.exec_driver_sql(f"DROP TRIGGER fail ON {table}")


def test_an_override_takes_a_reason_and_another_person_to_approve(story: Story) -> None:
    story.contract(case("w04-uptime")[0])  # its truck never said anything
    contracts.close_due_periods(story.engine, at=JULY_5)
    done = story.bill("Truck Supplier GmbH", "2026-06", JULY_5)
    run, (draft,) = done.run.public_id, done.drafts
    codes = [item["code"] for item in draft["findings"]]
    if "facts_missing" not in codes:
        pytest.skip("time without readings is unknown, not missing")
    with pytest.raises(billing.NotReady):
        billing.override(story.engine, run, "C-04", code="sums_differ", reason="no", at=JULY_5, by=BERT)
    billing.override(story.engine, run, "C-04", code="facts_missing", reason="was parked", at=JULY_5, by=BERT)
    assert billing.summary(story.engine, run).run.hash != done.run.hash
    with pytest.raises(billing.SamePerson, match="overrode"):
        billing.approve(story.engine, run, at=JULY_5, by=BERT)
    billing.approve(story.engine, run, at=JULY_5, by="person:carl")


def test_a_run_reconciles_and_one_that_does_not_cannot_be_approved(story: Story, admin_engine: Engine) -> None:
    june(story)
    run = story.bill("Truck Supplier GmbH", "2026-06", JULY_5).run.public_id
    with admin_engine.begin() as connection:
        connection.exec_driver_sql("UPDATE billing.draft SET net = net + 1 WHERE contract_name = 'C-04'")
    with pytest.raises(
        billing.NotReconciled, match=r"EUR: lines of drafts, and their net totals: 1757.50 is not 1758.50"
    ):
        billing.approve(story.engine, run, at=JULY_5, by=BERT)
    billing.collect(story.engine, run, at=JULY_5, by=ANNA)
    billing.calculate(story.engine, run, at=JULY_5, by=ANNA)
    assert billing.diff(story.engine, run, 1, 2) == ()
    new = [change for change in billing.diff(story.engine, run, 0, 2) if change.contract == "C-04"]
    assert {change.before for change in new} == {None}  # there is no revision 0
    assert sum(change.after or 0 for change in new) == Decimal("1757.50")
    story.issue(run, JULY_5)
    pairs = billing.reconcile(story.engine, run)
    assert len(pairs) == 11
    assert all(pair.agrees for pair in pairs)
    assert pairs[0].left > 4000, "a state every ten minutes of June"


def test_days_of_payment_are_the_contracts_and_the_purchase_order_is_printed(story: Story) -> None:
    text = case("w04-uptime")[0]
    fee_only = text[: text.index('  - clause: "4.2"')].replace("decimals: 2", "decimals: 2, payment: P14D")
    setup = """
schema: billing/1
accounts:
  - {party: Haulier, name: Haulier BV, address: "Waalhaven 2, Rotterdam", country: NL, vat_id: NL123456782B01,
     purchase_order: PO-4711}
"""
    assert not isinstance(billing.set_up(story.engine, setup, at=JULY_5, by=ANNA), tuple)
    story.contract(fee_only)
    contracts.close_due_periods(story.engine, at=JULY_5)
    story.issue(story.bill("Truck Supplier GmbH", "2026-06", JULY_5).run.public_id, JULY_5)
    (invoice,) = story.invoices()
    assert (invoice["issue"]["due_date"], invoice["purchase_order"]) == ("2026-07-19", "PO-4711")
    assert invoice["lines"][0]["tax"] == {"category": "S", "rate": "19", "rule": "what holds for the seller"}


def test_a_debtor_that_requires_an_order_gets_nothing_without_one_and_a_new_one_is_told(story: Story) -> None:
    def order(words: str) -> None:
        found = (
            f"{{party: Haulier, name: Haulier BV, address: Kade 1, country: NL, purchase_order_required: true{words}}}"
        )
        text = f"schema: billing/1\naccounts: [{found}]\n"
        assert not isinstance(billing.set_up(story.engine, text, at=JULY_5, by=ANNA), tuple)

    def codes(month: str, at: datetime) -> dict[str, str]:
        (draft,) = story.bill("Truck Supplier GmbH", month, at).drafts
        return {item["code"]: item["message"] for item in draft["findings"]}

    order("")
    fees(story, 1)
    assert list(codes("2026-06", JULY_5)) == ["purchase_order_missing", "first_invoice"]
    order(", purchase_order: PO-1")
    (run,) = (row[0] for row in story.rows("SELECT public_id FROM billing.run"))
    billing.collect(story.engine, run, at=JULY_5, by=ANNA)
    (draft,) = billing.calculate(story.engine, run, at=JULY_5, by=ANNA).drafts
    assert [item["code"] for item in draft["findings"]] == ["first_invoice"]
    assert story.issue(run, JULY_5) == 1
    order(", purchase_order: PO-2")
    august = local("2026-08-05 12:00")
    contracts.close_due_periods(story.engine, at=august)
    assert codes("2026-07", august) == {
        "master_data_changed": "changed since TS-2026-00001: purchase order was PO-1, is PO-2"
    }


def test_what_a_draft_would_print_cannot_be_changed_behind_its_approval(story: Story) -> None:
    fees(story, 1)
    run = story.bill("Truck Supplier GmbH", "2026-06", JULY_5).run.public_id
    billing.approve(story.engine, run, at=JULY_5, by="person:bert")
    for change in ('document = document || \'{"net": "0.00"}\'', "content_hash = 'x'"):
        with pytest.raises(DBAPIError, match="refused"), transaction(story.engine) as connection:
            connection.execute(text(f"UPDATE billing.draft SET {change}"))  # noqa: S608 - our own words


def test_a_contract_that_cannot_be_evaluated_blocks_itself_alone(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    fees(story, 3)
    settle = contracts.settle

    def fails(connection: Any, dues: Any, **given: Any) -> Any:
        if any(due.contract_name == "C-F02" for due in dues):
            raise ArithmeticError("no such fee")
        return settle(connection, dues, **given)

    monkeypatch.setattr(contracts, "settle", fails)
    run = story.bill("Truck Supplier GmbH", "2026-06", JULY_5)
    assert [(d["contract_name"], d["state"]) for d in run.drafts] == [
        ("C-F01", "warning"), ("C-F02", "blocked"), ("C-F03", "warning"),
    ]  # fmt: skip
    assert run.drafts[1]["reason"] == "cannot be evaluated: no such fee"


def test_what_the_database_refuses_of_a_contract_blocks_that_contract_alone(story: Story, admin_engine: Engine) -> None:
    fees(story, 5)
    _plug(admin_engine, "billing.draft", "NEW.contract_name = 'C-F02' AND NEW.state = 'warning'", code="22003")
    run = story.bill("Truck Supplier GmbH", "2026-06", JULY_5)
    assert [(d["contract_name"], d["state"]) for d in run.drafts] == [
        (f"C-F0{n}", "blocked" if n == 2 else "warning") for n in range(1, 6)
    ]
    assert run.drafts[1]["reason"] == "cannot be evaluated: pulled the plug"
    assert run.run.state == "in_review"
