"""Who pays late is reminded as agreed, and not of what is disputed; every step is a row and can be taken back."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from billing import run as billing
from billing.books import run as books
from billing.payments import run as payments
from billing.reminders import run as reminders
from tests.stories.story import SIGNED, Story
from tests.stories.test_billing import JULY_5, fees
from tests.unit.billing.statement import camt, entry

pytestmark = pytest.mark.services
SELLER = "Truck Supplier GmbH"
SETUP = """
schema: billing/1
entities:
  - party: Truck Supplier
    name: Truck Supplier GmbH
    address: "Hafenstr. 1, 20457 Hamburg"
    country: DE
    vat_id: DE123456788
    prefix: TS
    timezone: Europe/Berlin
    tax_category: S
    tax_rate: 19 %
    dunning:
      minimum: 5.00 EUR
      levels:
        - {days: 7, text: Haben Sie uns vergessen?}
        - {days: 21, text: Bitte zahlen Sie., fee: 40.00 EUR, interest: 11.27 %}
accounts:
  - {party: Haulier, name: Haulier BV, address: "Waalhaven 2, Rotterdam", country: NL, vat_id: NL123456782B01,
     language: de}
"""
STATUTORY = SETUP.replace(
    "{days: 21, text: Bitte zahlen Sie., fee: 40.00 EUR, interest: 11.27 %}",
    """{days: 21, text: Bitte zahlen Sie., fee: 5.00 EUR, interest: statutory, lump_sum: 40.00 EUR}
        - {days: 35, text: Letzte Mahnung., fee: 5.00 EUR, interest: statutory, lump_sum: 40.00 EUR}
      base_rates:
        - {since: 2026-01-01, rate: 2.15 %, source: ECB}
        - {since: 2026-07-01, rate: 2.00 %, source: ECB}""",
)
# Issued on 5 July, due on 4 August.
AUGUST_4, AUGUST_11 = datetime(2026, 8, 4, 10, tzinfo=UTC), datetime(2026, 8, 11, 10, tzinfo=UTC)
AUGUST_25 = datetime(2026, 8, 25, 10, tzinfo=UTC)
SEPTEMBER_8 = datetime(2026, 9, 8, 10, tzinfo=UTC)
PEOPLE = {"by": "person:anna", "approved_by": "person:bert"}


@pytest.fixture
def story(engine: Engine) -> Story:
    """Two invoices of 2201.50."""
    told = Story(engine)
    assert not isinstance(billing.set_up(engine, SETUP, at=SIGNED, by="person:test"), tuple)
    fees(told, 2)
    told.issue(told.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    return told


def due(story: Story, at: datetime) -> list[tuple[int, list[str], str]]:
    """Level, numbers and total of each letter that is due."""
    found = reminders.preview(story.engine, entity=SELLER, at=at)
    return [(x.document["level"], [item["number"] for item in x.document["items"]], x.document["total"]) for x in found]


def send(story: Story, at: datetime) -> tuple[dict[str, Any], ...]:
    return reminders.send(story.engine, entity=SELLER, at=at, **PEOPLE)


def test_letters_are_previewed_approved_issued_once_and_taken_back(story: Story) -> None:
    assert due(story, AUGUST_4) == [], "the due date is not over"
    both = ["TS-2026-00001", "TS-2026-00002"]
    assert due(story, AUGUST_11) == [(1, both, "4403.00")]
    assert story.rows("SELECT * FROM billing.dunning_letter") == []
    with pytest.raises(billing.SamePerson):
        reminders.send(story.engine, entity=SELLER, at=AUGUST_11, by="person:anna", approved_by="person:anna")
    (first,) = send(story, AUGUST_11)
    assert (first["language"], first["text"], first["level"]) == ("de", "Haben Sie uns vergessen?", 1)
    assert send(story, AUGUST_11) == (), "once"
    payments.take_in(
        story.engine,
        camt([entry("B1", "2201.50", "RF95 TS20 2600 001")]),
        entity=SELLER,
        at=AUGUST_11,
        by="person:anna",
    )
    # 2201.50 × 11.27 % × 21 / 365 = 14.2747…; 2201.50 + 40.00 + 14.27
    assert due(story, AUGUST_25) == [(2, ["TS-2026-00002"], "2255.77")]
    (second,) = send(story, AUGUST_25)
    assert due(story, AUGUST_25) == []
    reminders.withdraw(story.engine, str(second["id"]), reason="sent in error", at=AUGUST_25, by="person:anna")
    assert due(story, AUGUST_25) == [(2, ["TS-2026-00002"], "2255.77")], "as before"
    with pytest.raises(reminders.NothingThere):
        reminders.withdraw(story.engine, str(second["id"]), reason="again", at=AUGUST_25, by="person:anna")
    assert reminders.letter(story.engine, str(second["id"])) == second
    for change in ("UPDATE billing.dunning_letter SET fee = 0", "DELETE FROM billing.dunning_item"):
        with pytest.raises(DBAPIError, match=r"refused|denied"):
            story.rows(change)
    topics = [row[0] for row in story.rows("SELECT topic FROM core.outbox WHERE topic LIKE 'dunning%'")]
    assert topics == ["dunning.issued"] * 2


def receivable(story: Story) -> Decimal:
    """What the ledger says that debtors owe."""
    ((found,),) = story.rows("""
        SELECT sum(CASE WHEN debit LIKE 'receivable:%' THEN amount ELSE 0 END)
            - sum(CASE WHEN credit LIKE 'receivable:%' THEN amount ELSE 0 END) FROM billing.transfer
    """)
    return Decimal(found)


def accounts(story: Story, root: str) -> dict[str, Decimal]:
    """What the ledger credits to accounts of this root, less what it debits."""
    rows = story.rows(
        """
        SELECT account, sum(amount)::numeric AS amount FROM (
            SELECT credit AS account, amount FROM billing.transfer
            UNION ALL SELECT debit, -amount FROM billing.transfer) AS t
        WHERE split_part(account, ':', 1) = :root GROUP BY account
        """,
        root=root,
    )
    return {row.account: row.amount for row in rows}


def test_charges_of_letters_are_booked_once_paid_with_the_invoices_and_taken_back(story: Story) -> None:
    assert not isinstance(billing.set_up(story.engine, STATUTORY, at=JULY_5, by="person:test"), tuple)
    owed = Decimal("4403.00")
    (first,) = send(story, AUGUST_11)
    assert (first["number"], first["total"], receivable(story)) == ("TS-D-2026-00001", "4403.00", owed)
    (second,) = send(story, AUGUST_25)
    # 2201.50 x (2.00 % + 8) x 21 / 365 = 12.666... each; 2 x 40.00; 5.00
    assert [second[name] for name in ("number", "interest", "lump_sum", "fee", "before", "total")] == [
        "TS-D-2026-00002", "25.34", "80.00", "5.00", "0.00", "4513.34",
    ]  # fmt: skip
    assert receivable(story) == owed + Decimal("110.34")
    # 14 days more: 2201.50 x 10 % x 14 / 365 = 8.444... each; no lump sum twice
    (third,) = send(story, SEPTEMBER_8)
    assert [third[name] for name in ("number", "interest", "lump_sum", "fee", "before", "total")] == [
        "TS-D-2026-00003", "16.88", "0.00", "5.00", "110.34", "4535.22",
    ]  # fmt: skip
    assert third["items"][0]["rates"] == [
        {
            "first": "2026-08-26", "last": "2026-09-08", "days": 14, "rate": "10 %",
            "base": {"rate": "2.00 %", "since": "2026-07-01", "source": "ECB"},
        }
    ]  # fmt: skip
    assert accounts(story, "late_payment") == {
        "late_payment:fee": Decimal("10.00"),
        "late_payment:interest": Decimal("42.22"),
        "late_payment:lump_sum": Decimal("80.00"),
    }
    text = books.journal(story.engine, entity=SELLER, start=date(2026, 8, 1), end=date(2026, 10, 1), form="csv")
    assert text.count("TS-D-2026-00002,dunning letter\n") == 3

    def pay(key: str, amount: str, words: str) -> Any:
        (taken,) = payments.take_in(
            story.engine, camt([entry(key, amount, words)]), entity=SELLER, at=SEPTEMBER_8, by="person:anna"
        )
        return taken

    # Who names the letter pays its invoices first, then the charges of all letters about them.
    paid = pay("B1", "4535.22", "TS-D-2026-00003")
    assert [(number, str(amount)) for number, amount in paid.match.paid] == [
        ("TS-2026-00001", "2201.50 EUR"), ("TS-2026-00002", "2201.50 EUR"),
        ("TS-D-2026-00002", "110.34 EUR"), ("TS-D-2026-00003", "21.88 EUR"),
    ]  # fmt: skip
    assert receivable(story) == 0
    back: dict[str, Any] = {"entity": SELLER, "reason": "returned", "at": SEPTEMBER_8, "by": "person:anna"}
    payments.take_back(story.engine, paid.credit.key, **back)
    assert receivable(story) == Decimal("4535.22"), "as before"
    # Who names an invoice and pays more pays charges about it; what is left waits.
    again = pay("B2", "4536.00", "TS-2026-00001 TS-2026-00002")
    assert str(again.match.rest) == "0.78 EUR"
    reminders.withdraw(story.engine, "TS-D-2026-00003", reason="goodwill", at=SEPTEMBER_8, by="person:anna")
    assert receivable(story) == 0, "what was paid of it is the payer's credit balance"
    assert accounts(story, "unmatched") == {"unmatched": Decimal("22.66")}
    assert accounts(story, "late_payment")["late_payment:interest"] == Decimal("25.34")
    assert story.rows("SELECT issued FROM billing.series WHERE kind = 'dunning'")[0].issued == 3


def test_what_is_disputed_bears_no_interest(story: Story) -> None:
    assert not isinstance(billing.set_up(story.engine, STATUTORY, at=JULY_5, by="person:test"), tuple)
    send(story, AUGUST_11)
    people: dict[str, Any] = {"at": AUGUST_11, "by": "person:anna"}
    reminders.block(story.engine, "TS-2026-00001", line=None, reason="disputed", **people)
    (second,) = send(story, AUGUST_25)
    assert [item["number"] for item in second["items"]] == ["TS-2026-00002"]
    assert (second["interest"], second["lump_sum"]) == ("12.67", "40.00")


def test_what_is_disputed_is_left_out_until_it_is_released(story: Story) -> None:
    people: dict[str, Any] = {"at": AUGUST_11, "by": "person:anna"}
    whole = reminders.block(story.engine, "TS-2026-00001", line=None, reason="disputed", **people)
    assert due(story, AUGUST_11) == [(1, ["TS-2026-00002"], "2201.50")]
    line = reminders.block(story.engine, "TS-2026-00002", line=1, reason="fee", **people)
    assert due(story, AUGUST_11) == [], "line 1 is all of it: 1850.00 and 19 %"
    assert reminders.held(story.engine, "TS-2026-00001") == (
        f"the invoice is held since 2026-08-11: disputed ({whole})",
    )
    assert reminders.held(story.engine, "TS-2026-00002") == (f"line 1 is held since 2026-08-11: fee ({line})",)
    reminders.release(story.engine, line, reason="withdrawn", **people)
    reminders.release(story.engine, whole, reason="decided", **people)
    assert reminders.held(story.engine, "TS-2026-00001") == ()
    assert due(story, AUGUST_11) == [(1, ["TS-2026-00001", "TS-2026-00002"], "4403.00")]
    with pytest.raises(reminders.NothingThere):
        reminders.release(story.engine, whole, reason="again", **people)
    with pytest.raises(billing.NoSuchInvoice, match="no line 7"):
        reminders.block(story.engine, "TS-2026-00001", line=7, reason="x", **people)


def test_the_invoice_bears_language_and_reference(story: Story) -> None:
    first = story.invoices()[0]
    assert (first["language"], first["issue"]["payment_reference"]) == ("de", "RF95TS202600001")
    saved = story.rows("SELECT issued_on, owed FROM billing.dunning_letter")
    assert saved == []
    send(story, AUGUST_11)
    ((day, owed),) = story.rows("SELECT issued_on, owed FROM billing.dunning_letter")
    assert (day, owed) == (date(2026, 8, 11), Decimal("4403.00"))
