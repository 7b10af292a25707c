"""One document over several contracts of a customer, and periods whose credits exceed their charges."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from billing import chain
from billing import run as billing
from billing.bundle import part_of
from billing.credits import run as credits_
from billing.reminders import run as reminders
from contracts import run as contracts
from tests.stories.story import PARTIES, Story, case
from tests.stories.test_billing import ANNA, BERT, JULY_5, charged, check_chain, fees, june

pytestmark = pytest.mark.services
SELLER = "Truck Supplier GmbH"
AUGUST_5 = datetime(2026, 8, 5, 10, tzinfo=UTC)


@pytest.fixture
def story(engine: Engine) -> Story:
    told = Story(engine)
    told.assets("T1")
    return told


def sharing(story: Story, consolidate: str) -> None:
    """The haulier's profile says which contracts share a document."""
    text = PARTIES.replace("vat_id: NL123456782B01}", f"vat_id: NL123456782B01, consolidate: {consolidate}}}")
    found = billing.set_up(story.engine, text, at=JULY_5, by="person:test")
    assert not isinstance(found, tuple), found


def parts(story: Story) -> list[tuple[Any, ...]]:
    rows = story.rows("""
        SELECT i.number, c.name, p.label, p.net FROM billing.invoice_part AS p
        JOIN billing.invoice AS i ON i.id = p.invoice JOIN contracts.contract AS c ON c.id = p.contract
        ORDER BY i.number, p.n
    """)
    return [tuple(row) for row in rows]


def agree(story: Story, run: str) -> None:
    pairs = billing.reconcile(story.engine, run)
    assert all(pair.agrees for pair in pairs), [str(pair) for pair in pairs if not pair.agrees]


def test_contracts_of_a_customer_share_one_document(story: Story) -> None:
    sharing(story, "true")
    june(story)
    fees(story, 2)
    run = story.bill(SELLER, "2026-06", JULY_5).run.public_id
    seen = billing.preview(story.engine, run, "C-F01")
    assert seen is not None
    assert seen["contracts"] == ["C-04", "C-F01", "C-F02"]
    assert story.issue(run, JULY_5) == 3
    (document,) = story.invoices()
    assert document == seen | {"issue": document["issue"]}
    assert charged(document) == [
        ("2.1", "T1", "1850.00"), ("4.2", "T1", "-92.50"), ("2.1", "F01", "1850.00"), ("2.1", "F02", "1850.00"),
    ]  # fmt: skip
    # 1757.50 + 2 x 1850.00 = 5457.50; 19 % are 1036.925. Alone they are 333.93 + 2 x 351.50 = 1036.93
    assert [document[name] for name in ("net", "tax_total", "gross")] == ["5457.50", "1036.93", "6494.43"]
    assert [(part["contract"], part["net"]) for part in document["parts"]] == [
        ("C-04", "1757.50"), ("C-F01", "1850.00"), ("C-F02", "1850.00"),
    ]  # fmt: skip
    assert parts(story) == [
        ("TS-2026-00001", "C-04", "2026-06", Decimal("1757.50")),
        ("TS-2026-00001", "C-F01", "2026-06", Decimal("1850.00")),
        ("TS-2026-00001", "C-F02", "2026-06", Decimal("1850.00")),
    ]
    check_chain(story, 1)
    ((report,),) = story.rows("SELECT document FROM billing.breach_report")
    assert (report["contract"], report["invoice"]["number"], report["invoice"]["line"]) == ("C-04", "TS-2026-00001", 2)
    moves = story.rows("SELECT sum(amount) FILTER (WHERE debit LIKE 'rec%'), sum(amount) FILTER (WHERE credit LIKE "
                       "'rec%') FROM billing.transfer")  # fmt: skip
    assert moves[0][0] - moves[0][1] == Decimal("6494.43")
    agree(story, run)
    assert story.bill(SELLER, "2026-06", JULY_5).drafts == (), "each of the three is billed"


def test_groups_share_and_others_stand_alone_in_chunks_of_any_size(story: Story) -> None:
    sharing(story, "{north: [C-F01, C-F03], south: [C-F02, C-F04]}")
    fees(story, 5)
    run = story.bill(SELLER, "2026-06", JULY_5).run.public_id
    billing.approve(story.engine, run, at=JULY_5, by=BERT)
    assert billing.issue(story.engine, run, at=JULY_5, by=BERT, most=1) == 5
    assert [document["contract"] for document in story.invoices()] == ["C-F05", "C-F01, C-F03", "C-F02, C-F04"]
    check_chain(story, 3)
    agree(story, run)


def test_who_is_left_out_leaves_the_others(story: Story) -> None:
    sharing(story, "true")
    fees(story, 3)
    run = story.bill(SELLER, "2026-06", JULY_5).run.public_id
    billing.exclude(story.engine, run, "C-F02", reason="disputed", at=JULY_5, by=ANNA)
    assert billing.remarks(story.engine, run, "C-F01")[1:] == ("C-F02 is not on it: excluded, disputed",)
    assert billing.remarks(story.engine, run, "C-F02") == ("C-F02 is excluded: disputed",)
    story.issue(run, JULY_5)
    second = story.bill(SELLER, "2026-06", JULY_5)
    assert [draft["contract_name"] for draft in second.drafts] == ["C-F02"]
    story.issue(second.run.public_id, JULY_5)
    assert [document["contract"] for document in story.invoices()] == ["C-F01, C-F03", "C-F02"]


def test_what_changes_later_is_traced_to_its_contract_and_the_whole_can_be_credited(story: Story) -> None:
    sharing(story, "true")
    june(story)
    fees(story, 1)
    june_run = story.bill(SELLER, "2026-06", JULY_5).run.public_id
    story.issue(june_run, JULY_5)
    number = story.invoices()[0]["issue"]["number"]
    credit = credits_.credit(story.engine, number, reason="wrong address", at=JULY_5, by=ANNA, approved_by=BERT)
    note = billing.invoice(story.engine, credit)
    assert [note[name] for name in ("net", "tax_total", "gross")] == ["-3607.50", "-685.43", "-4292.93"]
    assert [part["net"] for part in note["parts"]] == ["-1757.50", "-1850.00"]
    corrections = story.rows("SELECT contract, label, kind, net FROM billing.correction ORDER BY contract")
    assert [(row.label, row.kind, row.net) for row in corrections] == [
        ("2026-06", "cancellation", Decimal("-1757.50")), ("2026-06", "cancellation", Decimal("-1850.00")),
    ]  # fmt: skip
    agree(story, june_run)
    again = story.bill(SELLER, "2026-06", JULY_5)
    assert [draft["state"] for draft in again.drafts] == ["warning", "warning"]
    story.issue(again.run.public_id, JULY_5)
    assert story.rows("SELECT DISTINCT revision FROM billing.invoice_part WHERE bills ORDER BY 1")[1][0] == 2
    agree(story, again.run.public_id)


def test_a_late_reading_of_one_contract_is_a_delta_of_its_part(story: Story) -> None:
    sharing(story, "true")
    whole = case("w01-km-amended")[0]
    story.assets("T2")
    story.contract(whole, whole.replace("C-01", "C-01B").replace("T1", "T2"))
    for asset in ("T1", "T2"):
        story.odometer(asset, ("2026-05-31", "1000.0"), ("2026-06-01", "1000.0"), ("2026-06-20", "3000.0"))
        story.odometer(asset, ("2026-07-02", "4200.0"), ("2026-07-31", "4200.0"), ("2026-08-01", "4200.0"))
        story.odometer(asset, ("2026-08-02", "4200.0"))
    contracts.close_due_periods(story.engine, at=AUGUST_5)
    seller = "Tyre Supplier GmbH"
    story.issue(story.bill(seller, "2026-06", JULY_5).run.public_id, JULY_5)
    story.odometer("T2", ("2026-07-01", "4150.0"))
    july = story.bill(seller, "2026-07", AUGUST_5)
    story.issue(july.run.public_id, AUGUST_5)
    first, second = story.invoices()
    assert first["contracts"] == second["contracts"] == ["C-01", "C-01B"]
    (delta,) = [line for line in second["lines"] if line["corrects"]]
    # 3100 km were billed of T2, 3150 km it drove: 50 km at 0.0420
    assert (delta["part"], delta["asset"], delta["amount"]) == (2, "T2", "2.10")
    assert delta["corrects"]["invoice"]["number"] == first["issue"]["number"]
    ((name, label, net),) = story.rows("""
        SELECT c.name, r.label, r.net FROM billing.correction AS r JOIN contracts.contract AS c ON c.id = r.contract
    """)
    assert (name, label, net) == ("C-01B", "2026-06", Decimal("2.10"))
    assert [line["asset"] for line in part_of(first, "C-01B")["lines"]] == ["T2"]
    agree(story, july.run.public_id)


def test_a_part_is_not_changed_and_no_period_stands_on_two_documents(story: Story, admin_engine: Engine) -> None:
    sharing(story, "true")
    fees(story, 2)
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    for statement in ("UPDATE billing.invoice_part SET net = 1", "DELETE FROM billing.invoice_part"):
        with (
            pytest.raises(DBAPIError, match="never change"),
            admin_engine.begin() as connection,
        ):
            connection.exec_driver_sql(statement)
    twice = "INSERT INTO billing.invoice_part SELECT invoice, n + 5, contract, label, bills, revision, evaluation, net"
    with pytest.raises(DBAPIError, match="unique"), admin_engine.begin() as connection:
        connection.exec_driver_sql(f"{twice} FROM billing.invoice_part")


def test_credits_that_exceed_the_charges_are_a_credit_note_on_the_invoice_before(story: Story) -> None:
    story.set_up()
    generous = case("w04-uptime")[0].replace('credit: "35 %"', 'credit: "135 %"')
    story.contract(generous)
    story.states("T1", "2026-04-30 23:00", "2026-06-01 01:00")
    down = ("2026-06-03 00:00", "2026-06-13 00:00", "fault")
    story.states("T1", "2026-06-01 01:10", "2026-07-02 01:00", down)
    contracts.close_due_periods(story.engine, at=JULY_5)
    for label in ("2026-05", "2026-06"):
        run = story.bill(SELLER, label, JULY_5).run.public_id
        assert story.issue(run, JULY_5) == 1, billing.summary(story.engine, run).drafts
        agree(story, run)
    invoice, note = story.rows("SELECT number, kind, net, gross, document FROM billing.invoice ORDER BY id")
    assert (invoice.kind, invoice.net) == ("invoice", Decimal("1850.00"))
    # 1850.00 - 135 % of it = -647.50; 19 % are -123.025
    assert (note.number, note.kind, note.net, note.gross) == (
        "TS-C-2026-00001", "credit_note", Decimal("-647.50"), Decimal("-770.53"),
    )  # fmt: skip
    assert charged(note.document) == [("2.1", "T1", "1850.00"), ("4.2", "T1", "-2497.50")]
    assert note.document["corrects"]["number"] == invoice.number
    assert story.rows("SELECT count(*) FROM billing.breach_report")[0][0] == 1
    assert story.bill(SELLER, "2026-06", JULY_5).drafts == (), "the period is billed"


def test_without_an_invoice_such_a_period_waits(story: Story) -> None:
    story.set_up()
    story.contract(case("w04-uptime")[0].replace('credit: "35 %"', 'credit: "135 %"'))
    down = ("2026-06-03 00:00", "2026-06-13 00:00", "fault")
    story.states("T1", "2026-06-01 00:00", "2026-07-02 01:00", down)
    contracts.close_due_periods(story.engine, at=JULY_5)
    (draft,) = story.bill(SELLER, "2026-06", JULY_5).drafts
    assert draft["state"] == "blocked"
    assert "no invoice of the contract stands" in draft["reason"]


def test_a_line_is_contested_in_time_or_refused_with_the_date(story: Story) -> None:
    sharing(story, "true")
    words = "decimals: 2}", "decimals: 2, dispute_window: P14D}"
    whole = case("w04-uptime")[0]
    fee_only = whole[: whole.index('  - clause: "4.2"')].replace(*words)
    story.assets("F01")
    story.contract(fee_only.replace("C-04", "C-F01").replace("T1", "F01"))
    fees_too = fee_only.replace(words[1], words[0]).replace("C-04", "C-F02").replace("T1", "F02")
    story.assets("F02")
    story.contract(fees_too)
    contracts.close_due_periods(story.engine, at=JULY_5)
    run = story.bill(SELLER, "2026-06", JULY_5).run.public_id
    story.issue(run, JULY_5)
    (document,) = story.invoices()
    # Issued on 5 July at 12:00 in Berlin, and 14 days
    assert document["issue"]["contest_until"] == [
        {"contract": "C-F01", "clause": "2.1", "until": "2026-07-19T10:00:00+00:00"}
    ]
    # What is agreed is content, under the hash that was approved; until when follows from it and the issue.
    assert document["contest"]["terms"] == [{"contract": "C-F01", "clause": "2.1", "within": "P14D"}]
    assert "in writing to the seller" in document["contest"]["how"]
    other = document | {"contest": document["contest"] | {"terms": []}}
    assert chain.content_hash(other) != chain.content_hash(document)
    number = document["issue"]["number"]
    in_time, late = datetime(2026, 7, 19, 9, tzinfo=UTC), datetime(2026, 7, 19, 11, tzinfo=UTC)
    assert reminders.block(story.engine, number, line=1, reason="not ours", at=in_time, by=ANNA)
    with pytest.raises(reminders.ContestedTooLate, match=r"line 1 of TS-2026-00001 .* until 2026-07-19 12:00"):
        reminders.block(story.engine, number, line=1, reason="not ours", at=late, by=ANNA)
    assert reminders.block(story.engine, number, line=2, reason="no time agreed", at=late, by=ANNA)
    assert reminders.block(story.engine, number, line=None, reason="all of it", at=late, by=ANNA)
    check_chain(story, 1)
