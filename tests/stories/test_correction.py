"""Facts that arrive after the invoice: re-evaluated with the same versions, billed as a difference, never twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import Engine

from billing import run as billing
from billing.credits import run as credits_
from contracts import run as contracts
from contracts.facts import IndexValue
from contracts.stated import run as stating
from contracts.store.intake import Recorded
from core.database import transaction
from core.store import current_knowledge
from core.time import micros
from core.units import Quantity
from ingest import catalogue, run
from ingest.assignment import run as assignment
from ingest.meter import run as meters
from ingest.store import hold
from ingest.store import late as late_facts
from tests.stories.story import SIGNED, Story, case, facts, spans

pytestmark = pytest.mark.services
JULY_5, AUGUST_5 = datetime(2026, 7, 5, 10, tzinfo=UTC), datetime(2026, 8, 5, 10, tzinfo=UTC)
JUNE_1 = datetime(2026, 6, 1, 10, tzinfo=UTC)
SEPTEMBER_5 = datetime(2026, 9, 5, 10, tzinfo=UTC)
TYRES, TRUCKS = "Tyre Supplier GmbH", "Truck Supplier GmbH"
MISREAD = """
    INSERT INTO ingest.reading_override (register, at, value, known, author, reason)
    SELECT r.register, r.at, r.value - 150000, core.draw_knowledge(), 'person:test', 'misread'
    FROM ingest.reading AS r WHERE r.at = '2026-06-15 22:00+00'
"""
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


def test_what_a_corrected_month_leaves_is_in_the_next_bill_at_once(story: Story) -> None:
    found = catalogue.read(EXCHANGED)
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(story.engine, found, SIGNED, author="person:test")
    story.contract("\n---\n".join(case("w02-late-readings")).replace("reset: period", "reset: contract_year"))
    story.odometer("T1", ("2026-06-01", "1000.0"), ("2026-06-10 08:00", "6000.0"))
    story.odometer("T2", ("2026-06-16", "1300.0"), ("2026-07-01", "5400.0"), ("2026-08-01", "7400.0"))
    month(story, "2026-06", JULY_5)
    late(story)
    month(story, "2026-07", AUGUST_5)  # closed and billed as of the same knowledge
    # 2000 km from 10550 km on: 1450 at 0.0360 and 550 at 0.0330; from 10400 km on it would be 70.80.
    assert [amount for _, amount in amounts(story.invoices()[-1])] == ["70.35", "5.70"]


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


def test_a_breach_that_is_none_after_all_is_withdrawn(story: Story) -> None:
    uptime(story)
    (first,) = story.rows("SELECT id, public_id, document FROM billing.breach_report")
    decide(story)
    month(story, "2026-07", AUGUST_5, TRUCKS)
    reports = story.rows("""
        SELECT r.supersedes, r.breach, r.document, i.number FROM billing.breach_report AS r
        JOIN billing.invoice AS i ON i.id = r.invoice WHERE r.document ->> 'period' = '2026-06' ORDER BY r.id
    """)
    second = reports[1]
    assert (second.supersedes, second.breach, second.number) == (first.id, None, "TS-2026-00002")
    words = second.document
    assert (words["withdrawn"], words["credit"], words["supersedes"]) == (True, "0", first.public_id)
    assert words["state"] == "fulfilled"
    assert "attribution decided" in words["reason"]
    assert len(reports) == 2


def test_a_breach_that_is_measured_anew_is_reported_anew_once(story: Story) -> None:
    uptime(story)
    (first,) = story.rows("SELECT id, document FROM billing.breach_report")
    one = DECIDED[: DECIDED.index('    - {asset: T1, from: "2026-06-11')]
    assert isinstance(contracts.record(story.engine, one, at=JULY_5, author="person:anna"), Recorded)
    month(story, "2026-07", AUGUST_5, TRUCKS)
    story.states("T1", "2026-08-01 01:10", "2026-09-01 01:00")
    month(story, "2026-08", SEPTEMBER_5, TRUCKS)
    old, new = story.rows("SELECT supersedes, document FROM billing.breach_report ORDER BY id")
    assert (old.supersedes, new.supersedes) == (None, first.id)
    assert new.document["measured"] != first.document["measured"]
    # 35 % of 1850.00 before; without the stop of 8 June 10 %
    assert (first.document["credit"], new.document["credit"]) == ("647.50", "185.00")


def test_after_a_contracts_end_a_difference_gets_an_invoice_of_its_own(story: Story) -> None:
    june(story, "\n---\n".join(case("w02-late-readings")).replace("currency: EUR", "currency: EUR\nends: 2026-07-01"))
    late(story)
    done = month(story, "2026-07", AUGUST_5)
    assert [(d["state"], d["net"]) for d in done.drafts] == [("warning", Decimal("5.70"))]
    first, last = story.invoices()
    assert (first["net"], last["net"], last["tax_total"], last["kind"]) == ("419.00", "5.70", "1.08", "invoice")
    assert [row["corrects"]["period"] for row in last["lines"]] == ["2026-06"]
    assert month(story, "2026-08", SEPTEMBER_5).drafts == (), "nothing changes any more"


def test_after_a_contracts_end_what_was_billed_too_much_is_a_credit_note(story: Story, admin_engine: Engine) -> None:
    june(story, "\n---\n".join(case("w02-late-readings")).replace("currency: EUR", "currency: EUR\nends: 2026-07-01"))
    with admin_engine.begin() as connection:  # the new device showed 1150.0 km on 16 June, not 1300.0
        connection.exec_driver_sql(MISREAD)
    run = month(story, "2026-07", AUGUST_5).run
    first, note = story.invoices()
    assert (first["kind"], note["kind"], note["net"]) == ("invoice", "credit_note", "-0.30")
    assert [pair for pair in billing.reconcile(story.engine, run.public_id) if not pair.agrees] == []
    assert month(story, "2026-08", SEPTEMBER_5).drafts == ()


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
        credits_.credit(story.engine, number, reason="wrong debtor", at=JULY_5, by="person:a", approved_by="person:a")
    credited = credits_.credit(story.engine, number, reason="wrong debtor", at=JULY_5, **who)
    note = next(document for document in story.invoices() if document["kind"] == "credit_note")
    assert (credited, note["reason"]) == ("TS-C-2026-00001", "wrong debtor")
    for of_note, of_invoice in zip(note["tax"], first["tax"], strict=True):
        assert [Decimal(of_note[key]) for key in ("base", "tax")] == [
            -Decimal(of_invoice[key]) for key in ("base", "tax")
        ]
    assert [Decimal(note[key]) for key in ("net", "gross")] == [-Decimal(first[key]) for key in ("net", "gross")]
    for again in (number, credited):
        with pytest.raises(credits_.NotCreditable):
            credits_.credit(story.engine, again, reason="again", at=JULY_5, **who)
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
    with pytest.raises(credits_.NotCreditable, match="corrected by TY-2026-00002"):
        credits_.credit(story.engine, "TY-2026-00001", reason="wrong", at=AUGUST_5, **who)
    credits_.credit(story.engine, "TY-2026-00002", reason="wrong", at=AUGUST_5, **who)
    again = month(story, "2026-07", AUGUST_5)
    assert again.drafts[0]["net"] == Decimal("45.70"), "the difference of June is owed again"


LOOKED_FOR = {
    "contracts.fact_known",  # and all that it is made of
    *(
        f"contracts.{name}"
        for name in (
            "notice", "attribution", "basis", "quantity", "reported_state", "unmet", "ticket", "ticket_time", "pause",
            "substitute", "meter_test", "carried", "history", "index_value", "withdrawal",
        )
    ),
    "ingest.reading",
    "ingest.reading_override",
    "ingest.binding",
    "ingest.declaration",
    "ingest.epoch",
    "ingest.estimate",
    "ingest.mounting",
    "ingest.release",
}  # fmt: skip
NO_FACTS = {
    "contracts.version",  # a correction keeps the versions that the invoice knew
    "contracts.evaluation",
    "contracts.standing",
    "contracts.failure",  # who could not be evaluated, and until when it rests
    "ingest.batch",
    "ingest.cloud_event",  # what came and which node lived: neither is read by an evaluation
    "ingest.node_life",
    "ingest.sequence",
    "ingest.boot",  # known together with the readings that it stands between
    *(f"ingest.{name}" for name in ("usage_hour", "gauge_hour", "state_span", "rollup_point")),  # follow from readings
    "ingest.kept_reading",  # copies of readings, with their numbers
    "ingest.backfill_step",  # which numbers an import's readings have, and what taking it back has
    "ingest.backfill_change",
    "ingest.quarantine_action",  # what it releases is a reading with a number of its own
    "ingest.quarantine",
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
        connection.exec_driver_sql(MISREAD)
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


INDEXED = """
schema: contract/1
contract: I-01
version: 1
effective_from: "2026-06-01"
recorded_at: "2026-05-15"
parties: {provider: Truck Supplier, customer: Haulier}
currency: EUR
timezone: Europe/Berlin
billing: {period: month, rounding: half_up, decimals: 2}
coverage:
  - {asset: T1, from: "2026-06-01"}
measures:
  - {measure: distance, kind: counter_delta, register: vehicle/odometer, unit: km, on_reset: hold,
     boundary: interpolate}
terms:
  - clause: "2.1"
    kind: usage_charge
    measure: distance
    model: flat
    scope: asset
    price: "0.1000 EUR/km"
    text: "{price}"
  - clause: "2.2"
    kind: indexation
    of: ["2.1"]
    fixed_share: "50 %"
    components:
      - {index: fuel, weight: "50 %", base_value: "100.0", lag: P3M}
    review: ["2026-06-01"]
    base_after: last_applied
    price_decimals: 5
    text: "{review}: {components}, {fixed_share} is fixed."
"""


def publish(story: Story, value: str, day: datetime) -> None:
    """The fuel index of March, which the review of 1 June takes."""
    found = IndexValue("fuel", "2026-03", Fraction(value), micros(day))
    assert stating.publish(story.engine, found, stating.By("person:anna", "statistical office", day))


def test_a_revised_index_value_corrects_the_bill(story: Story) -> None:
    story.assets("T1")
    story.contract(INDEXED)
    story.odometer("T1", ("2026-06-01", "1000.0"), ("2026-07-01", "2000.0"), ("2026-08-01", "2500.0"))
    publish(story, "120.0", JUNE_1)
    month(story, "2026-06", JULY_5, TRUCKS)
    publish(story, "124.0", AUGUST_5)
    month(story, "2026-07", AUGUST_5, TRUCKS)
    first, second = story.invoices()
    # 0.1000 × (50 % + 50 % × 120.0 / 100.0) = 0.11000; at 124.0 it is 0.11200; 1000.0 km in June, 500.0 km in July
    assert (first["net"], second["net"]) == ("110.00", "58.00")
    assert amounts(second) == [(second["lines"][0]["text"], "56.00"), ("2026-06: 112.00 instead of 110.00", "2.00")]
    assert "index" in second["lines"][1]["corrects"]["reason"]


def test_what_was_metered_and_came_to_no_line_stands_in_the_way(story: Story, admin_engine: Engine) -> None:
    found = catalogue.read(EXCHANGED)
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(story.engine, found, SIGNED, author="person:test")
    story.contract("\n---\n".join(case("w02-late-readings")))
    story.odometer("T1", ("2026-06-01", "1000.0"), ("2026-06-10 08:00", "6000.0"))
    story.odometer("T2", ("2026-06-16", "1300.0"), ("2026-07-01", "5400.0"), ("2026-08-01", "6400.0"))
    contracts.close_due_periods(story.engine, at=JULY_5)
    bill = story.bill(TYRES, "2026-06", JULY_5).run.public_id
    (pair,) = [x for x in billing.reconcile(story.engine, bill) if "metered" in x.name]
    # 5000.0 km of the first device, 5400.0 km of the second
    assert (pair.left, pair.right) == (Decimal("10400.0"), Decimal("10400.0"))
    with admin_engine.begin() as connection:
        connection.exec_driver_sql("""
            UPDATE billing.draft SET metering = jsonb_set(metering, '{0,rated}', '"1.0"')
        """)
    with pytest.raises(billing.NotReconciled, match="look at C-02, T1, vehicle/odometer"):
        billing.approve(story.engine, bill, at=JULY_5, by="person:bert")
