"""Facts that arrive after the invoice: re-evaluated with the same versions, billed as a difference, never twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from billing import run as billing
from contracts import run as contracts
from contracts.store.intake import Recorded
from core.database import transaction
from core.store import current_knowledge
from core.units import Quantity
from ingest import catalogue, run
from ingest.assignment import run as assignment
from ingest.meter import run as meters
from ingest.store import hold
from ingest.store import late as late_facts
from tests.stories.story import SIGNED, Story, case, facts, spans

pytestmark = pytest.mark.services
JULY_5, AUGUST_5 = datetime(2026, 7, 5, 10, tzinfo=UTC), datetime(2026, 8, 5, 10, tzinfo=UTC)
JUNE_1 = datetime(2026, 6, 1, tzinfo=UTC)
SEPTEMBER_5 = datetime(2026, 9, 5, 10, tzinfo=UTC)
TYRES, TRUCKS = "Tyre Supplier GmbH", "Truck Supplier GmbH"
EXCHANGED = """
devices:
  - {device: T1-unit, model: m, registers: [{register: odometer, kind: counter, unit: km}]}
  - {device: T2-unit, model: m, registers: [{register: odometer, kind: counter, unit: km}]}
bindings:
  - {device: T1-unit, asset: T1, position: vehicle, to: "2026-06-10T22:00:00Z"}
  - {device: T2-unit, asset: T1, position: vehicle, from: "2026-06-10T22:00:00Z", opening: {odometer: 0 km}}
"""


@pytest.fixture
def story(engine: Engine) -> Story:
    told = Story(engine)
    told.set_up()
    return told


def june(story: Story, *contract: str, opening: tuple[str, str] = ("2026-06-01", "1000.0")) -> None:
    """W02: on 10 June the device is exchanged, and its last reading is late."""
    found = catalogue.read(EXCHANGED)
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(story.engine, found, SIGNED, author="person:test")
    story.contract(*(contract or ["\n---\n".join(case("w02-late-readings"))]))
    # 5000.0 km until 10 June, 1300.0 km with the new device: 6300.0 km until 16 June; then 4100.0 km
    story.odometer("T1", opening, ("2026-06-10 08:00", "6000.0"))
    story.odometer("T2", ("2026-06-16", "1300.0"), ("2026-07-01", "5400.0"), ("2026-08-01", "6400.0"))
    contracts.close_due_periods(story.engine, at=JULY_5)
    story.issue(story.bill(TYRES, "2026-06", JULY_5).run.public_id, JULY_5)


def late(story: Story) -> None:
    """On 6 July the last 150 km of 10 June arrive."""
    story.odometer("T1", ("2026-06-10 23:00", "6150.0"))


def month(story: Story, label: str, at: datetime, entity: str = TYRES) -> billing.Summary:
    contracts.close_due_periods(story.engine, at=at)
    done = story.bill(entity, label, at)
    story.issue(done.run.public_id, at)
    return done


def amounts(document: dict[str, object]) -> list[tuple[str, str]]:
    """Text and amount of each line."""
    return [(row["text"], row["amount"]) for row in document["lines"]]  # type: ignore[attr-defined]


def test_w02_the_next_invoice_carries_the_difference_and_the_issued_one_stays(story: Story) -> None:
    june(story)
    (first,) = story.invoices()
    assert first["net"] == "419.00"  # 6300.0 km at 0.0420; 1700.0 km at 0.0400 and 2400.0 km at 0.0360
    late(story)
    month(story, "2026-07", AUGUST_5)
    again, second = story.invoices()
    assert again == first
    # July: 1000 km at 0.0400. June: 270.90 + 153.80 = 424.70 instead of 419.00
    assert amounts(second)[1:] == [("2026-06: 424.70 instead of 419.00", "5.70")]
    line = second["lines"][1]
    assert (line["clause"], line["asset"], line["from"], line["to"]) == (
        "2.2", "T1", first["service"]["from"], first["service"]["to"],
    )  # fmt: skip
    words = line["corrects"]
    assert (words["period"], words["reason"], words["versions"]) == ("2026-06", "late readings", [1, 2])
    assert words["invoice"]["number"] == first["issue"]["number"]
    assert [x["amount"] for x in words["lines"]] == ["270.90 EUR", "153.80 EUR"]
    old, new = words["evaluations"]
    assert old == {key: first["evaluation"][key] for key in ("id", "input_hash", "result_hash")}
    assert new["result_hash"] != old["result_hash"]
    assert Decimal(second["net"]) == Decimal("40.00") + Decimal("5.70")
    ((saved, label),) = story.rows("SELECT amount, label FROM billing.line WHERE label IS NOT NULL")
    assert (saved, label) == (Decimal("5.70"), "2026-06")


def test_a_difference_is_billed_once(story: Story) -> None:
    june(story)
    late(story)
    contracts.close_due_periods(story.engine, at=AUGUST_5)
    first = story.bill(TYRES, "2026-07", AUGUST_5)
    billing.cancel(story.engine, first.run.public_id, at=AUGUST_5, by="person:anna")
    second = month(story, "2026-07", AUGUST_5)
    assert [d["net"] for d in second.drafts] == [Decimal("45.70")], "a cancelled run has billed nothing"
    story.odometer("T2", ("2026-09-01", "7400.0"))
    assert [d["net"] for d in month(story, "2026-08", SEPTEMBER_5).drafts] == [Decimal("40.00")]


def test_of_two_runs_with_the_same_difference_one_is_set_aside(story: Story) -> None:
    june(story)
    story.odometer("T2", ("2026-09-01", "7400.0"))
    late(story)
    contracts.close_due_periods(story.engine, at=SEPTEMBER_5)
    runs = [story.bill(TYRES, label, SEPTEMBER_5).run.public_id for label in ("2026-07", "2026-08")]
    for each in runs:
        billing.approve(story.engine, each, at=SEPTEMBER_5, by="person:bert")
    with ThreadPoolExecutor(2) as pool:
        issued = list(pool.map(lambda x: billing.issue(story.engine, x, at=SEPTEMBER_5, by="person:bert"), runs))
    assert sorted(issued) == [0, 1]
    assert [row[0] for row in story.rows("SELECT amount FROM billing.line WHERE label IS NOT NULL")] == [
        Decimal("5.70")
    ]
    lost = story.rows("SELECT reason FROM billing.draft WHERE state = 'failed'")
    assert [row[0] for row in lost] == ["period 2026-06 was corrected by another run"]


def test_below_the_least_amount_a_difference_is_carried_and_not_dropped(story: Story) -> None:
    text = "\n---\n".join(case("w02-late-readings")).replace("decimals: 2}", "decimals: 2, min_credit: 6.00 EUR}")
    june(story, text)
    late(story)
    month(story, "2026-07", AUGUST_5)
    assert story.invoices()[1]["net"] == "40.00"
    assert [tuple(row) for row in story.rows("SELECT label, net, reason FROM billing.carried")] == [
        ("2026-06", Decimal("5.70"), "late readings")
    ]
    story.odometer("T1", ("2026-06-10 23:30", "6170.0"))  # 20 km more: 6.46 together
    story.odometer("T2", ("2026-09-01", "7400.0"))
    month(story, "2026-08", SEPTEMBER_5)
    # 6470.0 km at 0.0420 are 271.74; 1530.0 km at 0.0400 and 2570.0 km at 0.0360 are 153.72; 425.46 - 419.00
    assert amounts(story.invoices()[2])[1:] == [("2026-06: 425.46 instead of 419.00", "6.46")]


def test_beyond_the_correction_window_a_period_stays(story: Story) -> None:
    text = "\n---\n".join(case("w02-late-readings")).replace("decimals: 2}", "decimals: 2, correction_window: P30D}")
    june(story, text)
    late(story)
    month(story, "2026-07", AUGUST_5)  # 36 days after 30 June
    assert story.invoices()[1]["net"] == "40.00"


def uptime(story: Story) -> None:
    """W04's June, without its attributions: the stop of 11 June counts as the provider's."""
    story.assets("T1")
    story.contract(case("w04-uptime")[0])
    story.states("T1", "2026-05-31 23:00", "2026-08-01 01:00", *spans(facts("w04-uptime")["facts"]["states"]))
    month(story, "2026-06", JULY_5, TRUCKS)


DECIDED = """
schema: facts/1
contract: C-04
facts:
  attributions:
    - {asset: T1, from: "2026-06-08 22:00", to: "2026-06-09 12:30", category: customer_cause, party: customer,
       cause: overload, status: accepted}
    - {asset: T1, from: "2026-06-11 07:00", to: "2026-06-11 16:15", category: customer_cause, party: customer,
       cause: wrong fuel, status: accepted}
"""


def decide(story: Story) -> None:
    assert isinstance(contracts.record(story.engine, DECIDED, at=JULY_5, author="person:anna"), Recorded)


def test_a_decided_attribution_takes_a_credit_back(story: Story) -> None:
    uptime(story)
    (first,) = story.invoices()
    credit = Decimal(first["lines"][1]["amount"])
    assert credit < 0
    decide(story)
    month(story, "2026-07", AUGUST_5, TRUCKS)
    (line,) = [row for row in story.invoices()[1]["lines"] if row["corrects"]]
    assert line["kind"] == "availability"
    assert "attribution decided" in line["corrects"]["reason"]
    assert Decimal(line["amount"]) > 0
    moves = story.rows("""
        SELECT sum(CASE WHEN debit LIKE 'revenue_reduction%' THEN amount ELSE -amount END) FROM billing.transfer
        WHERE 'revenue_reduction:availability' IN (debit, credit)
    """)
    billed = story.rows("SELECT -sum(amount) FROM billing.line WHERE kind = 'availability'")
    assert moves == billed


def test_where_it_is_agreed_a_difference_to_the_customers_good_is_a_credit_note(story: Story) -> None:
    text = "\n---\n".join(case("w02-late-readings")).replace("decimals: 2}", "decimals: 2, correction: credit_note}")
    # On 1 June the counter is taken from its neighbours: 760.0 + 5240.0 / 236 h * 12 h; it showed 1200.0.
    june(story, text, opening=("2026-05-31 12:00", "760.0"))
    story.odometer("T1", ("2026-06-01", "1200.0"))
    month(story, "2026-07", AUGUST_5)
    first, second, note = story.invoices()
    assert (note["kind"], note["issue"]["number"]) == ("credit_note", "TY-C-2026-00001")
    assert note["corrects"]["number"] == first["issue"]["number"] == "TY-2026-00001"
    assert not any(row["corrects"] for row in second["lines"])
    (line,) = note["lines"]
    net, tax = Decimal(note["net"]), Decimal(note["tax_total"])
    assert Decimal(line["amount"]) == net < 0
    assert tax == (net * Decimal("0.19")).quantize(Decimal("0.01"))
    assert Decimal(note["gross"]) == net + tax
    kinds = story.rows(
        "SELECT c.kind, i.number FROM billing.correction AS c JOIN billing.invoice AS i ON i.id = c.invoice"
    )
    assert [tuple(row) for row in kinds] == [("credit_note", "TY-C-2026-00001")]
    booked = story.rows("""
        SELECT sum(CASE WHEN debit LIKE 'receivable%' THEN amount ELSE -amount END) FROM billing.transfer AS t
        JOIN billing.invoice AS i ON i.id = t.invoice WHERE i.kind = 'credit_note'
    """)
    assert booked[0][0] == Decimal(note["gross"])


def test_an_invoice_issued_in_error_is_credited_in_full_and_its_period_billed_anew(story: Story) -> None:
    uptime(story)
    (first,) = story.invoices()
    number, who = first["issue"]["number"], {"by": "person:anna", "approved_by": "person:bert"}
    with pytest.raises(billing.SamePerson):
        billing.credit(story.engine, number, reason="wrong debtor", at=JULY_5, by="person:a", approved_by="person:a")
    credited = billing.credit(story.engine, number, reason="wrong debtor", at=JULY_5, **who)
    note = next(document for document in story.invoices() if document["kind"] == "credit_note")
    assert (credited, note["reason"]) == ("TS-C-2026-00001", "wrong debtor")
    for of_note, of_invoice in zip(note["tax"], first["tax"], strict=True):
        assert [Decimal(of_note[key]) for key in ("base", "tax")] == [
            -Decimal(of_invoice[key]) for key in ("base", "tax")
        ]
    assert [Decimal(note[key]) for key in ("net", "gross")] == [-Decimal(first[key]) for key in ("net", "gross")]
    for again in (number, credited):
        with pytest.raises(billing.NotCreditable):
            billing.credit(story.engine, again, reason="again", at=JULY_5, **who)
    books = story.rows("""
        SELECT account, sum(amount) FROM (SELECT debit AS account, amount FROM billing.transfer
            UNION ALL SELECT credit, -amount FROM billing.transfer) AS t GROUP BY account
    """)
    assert {row[1] for row in books} == {Decimal(0)}
    done = month(story, "2026-06", JULY_5, TRUCKS)
    assert [d["state"] for d in done.drafts] == ["issued"] or done.drafts[0]["net"] == Decimal(first["net"])
    assert story.rows("SELECT number, revision FROM billing.invoice ORDER BY id")[-1] == ("TS-2026-00002", 2)
    month(story, "2026-07", AUGUST_5, TRUCKS)
    assert not any(row["corrects"] for row in next(d for d in story.invoices() if d["period"] == "2026-07")["lines"])


def test_a_corrected_period_is_credited_from_the_last_document_on(story: Story) -> None:
    june(story)
    late(story)
    month(story, "2026-07", AUGUST_5)
    who = {"by": "person:anna", "approved_by": "person:bert"}
    with pytest.raises(billing.NotCreditable, match="corrected by TY-2026-00002"):
        billing.credit(story.engine, "TY-2026-00001", reason="wrong", at=AUGUST_5, **who)
    billing.credit(story.engine, "TY-2026-00002", reason="wrong", at=AUGUST_5, **who)
    again = month(story, "2026-07", AUGUST_5)
    assert again.drafts[0]["net"] == Decimal("45.70"), "the difference of June is owed again"


LOOKED_FOR = {
    "contracts.notice",
    "contracts.attribution",
    "ingest.reading",
    "ingest.reading_override",
    "ingest.binding",
    "ingest.declaration",
    "ingest.epoch",
    "ingest.mounting",
    "ingest.release",
}
NO_FACTS = {
    "contracts.version",  # a correction keeps the versions that the invoice knew
    "contracts.evaluation",
    "contracts.standing",
    "ingest.batch",
    "ingest.cloud_event",  # what came and which node lived: neither is read by an evaluation
    "ingest.node_life",
    "ingest.sequence",
    "ingest.estimate",  # shown beside what was counted; no line rests on it
    "ingest.quarantine_action",  # what it releases is a reading with a number of its own
    "ingest.quarantine",
    "ingest.rollup_point",  # roll-ups say where to look: what readings say does not change with them
    "ingest.usage_hour",
    "ingest.gauge_hour",
    "ingest.state_span",
}


def test_no_kind_of_fact_is_forgotten_when_corrections_are_looked_for(story: Story) -> None:
    rows = story.rows("""
        SELECT table_schema || '.' || table_name FROM information_schema.columns
        WHERE column_name = 'known' AND table_schema IN ('contracts', 'ingest')
    """)
    assert {row[0] for row in rows} == LOOKED_FOR | NO_FACTS, "contracts/store/late.py must look for new facts too"


def test_a_reading_that_somebody_corrects_corrects_the_bill(story: Story, admin_engine: Engine) -> None:
    june(story)
    with admin_engine.begin() as connection:  # the new device showed 1150.0 km on 16 June, not 1300.0
        connection.exec_driver_sql("""
            INSERT INTO ingest.reading_override (register, at, value, known, author, reason)
            SELECT r.register, r.at, r.value - 150000, core.draw_knowledge(), 'person:test', 'misread'
            FROM ingest.reading AS r WHERE r.at = '2026-06-15 22:00+00'
        """)
    month(story, "2026-07", AUGUST_5)
    (line,) = [row for row in story.invoices()[1]["lines"] if row["corrects"]]
    # 6150.0 km at 0.0420 are 258.30; 1850.0 km at 0.0400 and 2400.0 km at 0.0360 are 160.40; 418.70 - 419.00
    assert (line["amount"], line["corrects"]["reason"]) == ("-0.30", "readings corrected")


def test_a_decision_about_a_hold_corrects_the_bill(story: Story) -> None:
    """The new device fell from 5400.0 to 300.0 km on 20 June: the stretch waits, and is decided after the invoice."""
    june(story)
    story.odometer("T2", ("2026-06-20", "300.0"))
    month(story, "2026-07", AUGUST_5)
    with transaction(story.engine) as connection:
        known = current_knowledge(connection)
        held = hold.find(connection, start=JUNE_1, end=JULY_5, known=known)
    assert [(one.reason, one.before, one.after) for one in held] == [("counter_fell", 1_300_000, 300_000)]
    before = story.invoices()
    said = {"author": "person:anna", "reason": "trip log"}
    meters.release(story.engine, held[0].reference, AUGUST_5, kind="bill", bill=Quantity.parse("100.0 km"), **said)
    story.odometer("T2", ("2026-09-01", "7400.0"))
    month(story, "2026-08", SEPTEMBER_5)
    assert story.invoices()[: len(before)] == before
    (line,) = [row for row in story.invoices()[-1]["lines"] if row["corrects"]]
    # 100.0 km more: 6300.0 km are 264.60 at 0.0420; then 100.0 + 5100.0 km: 1700.0 at 0.0400, 3500.0 at 0.0360.
    assert (line["amount"], line["corrects"]["reason"]) == ("3.60", "meter decided")


def test_a_binding_that_turns_out_to_have_ended_corrects_the_bill(story: Story) -> None:
    june(story)
    with transaction(story.engine) as connection:
        known = current_knowledge(connection)
    assignment.unbind(
        story.engine, "T2-unit", datetime(2026, 6, 30, 22, tzinfo=UTC), JULY_5, closing={}, author="person:anna"
    )
    with transaction(story.engine) as connection:
        found = late_facts.devices(connection, start=JUNE_1, end=JULY_5, after=known, known=known + 1)
        nothing = late_facts.devices(connection, start=JUNE_1, end=JULY_5, after=known + 1, known=known + 2)
    assert (list(found.values()), nothing) == ([known + 1], {})
